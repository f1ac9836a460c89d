// SharedArray: a named array of a store. Its bytes are reached through guards and views, never directly.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/guards.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ndshare {

/// Names and values that travel with an array: units, provenance. Values are text.
using Attrs = std::map<std::string, std::string>;

/// Who removes an array: a person (persistent), or the end of the client that made it (session).
enum class Lifetime : std::uint8_t { persistent, session };

/// Rows that a writer in place left when it died, or abandoned.
struct TornRows {
  Rows rows;
  std::uint64_t pid = 0;            ///< whose writer it was
  std::uint64_t unix_ns = 0;        ///< when it was noticed
};

/// What the catalog says of one array, at one moment.
struct ArrayInfo {
  std::string name;
  DType dtype;
  Shape shape;
  Order order = Order::C;
  std::int64_t nbytes = 0;          ///< of the elements
  std::int64_t extent_bytes = 0;    ///< of the pool: nbytes rounded up to pages, or to the slab's size class
  std::int64_t grain = 0;           ///< bytes copied at once on write
  std::uint64_t version = 0;        ///< store-wide number of the current version; only grows
  std::uint64_t created_unix_ns = 0;
  std::uint32_t uid = 0, pid = 0;   ///< of the process that made it
  int extents = 0;                  ///< pieces of the pool; above 1 they are assembled into one contiguous mapping
  bool sealed = false;              ///< never changes again
  bool visible = true;              ///< false while its creator still fills it
  bool snapshot = false;            ///< of another array: shares its bytes, sealed from the start
  std::uint64_t source_version = 0; ///< of a snapshot: the version that it names
  std::vector<TornRows> torn{};     ///< rows whose writer died while writing; see SharedArray::repair()
  Lifetime lifetime = Lifetime::persistent;
  Attrs attrs;
};

/// A handle to a named array. Copies are handles to the same array; the array lives in the store, not in the handle.
/// (But one made with `replace` has no name before it is visible: it goes with its last handle, or with this client
/// where a view of it is left.)
///   Threads: safe.   Cost: no round trip but where said.
class NDSHARE_API SharedArray {
 public:
  SharedArray();  ///< a handle to nothing: every call but operator bool throws Usage
  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const DType& dtype() const;
  /// Of the current version; of the last one seen when the array was removed.
  [[nodiscard]] Shape shape() const;
  [[nodiscard]] int ndim() const { return shape().ndim(); }
  [[nodiscard]] std::int64_t size() const { return shape().count(); }
  [[nodiscard]] std::int64_t nbytes() const;
  /// Of the current version; 0 when the array was removed.
  [[nodiscard]] std::uint64_t version() const;
  /// Counts changes of the content: every release of a write guard, every commit, append, resize and revert.
  [[nodiscard]] std::uint64_t revision() const;
  [[nodiscard]] bool sealed() const;
  /// Everything the catalog says now.   Errors: NoSuchArray when it was removed.
  [[nodiscard]] ArrayInfo info() const;

  // Claims. Common errors: NoSuchArray (removed, or still being filled), Torn (rows whose writer died: repair() or revert()),
  // Timeout (names the holder: pid, command, since when, whether it is stopped), WouldDeadlock (this thread holds what is in
  // the way), Deadlock (a circle of waiting threads), TooManyClaims, MapLimit, Forked, IndexBounds (rows).

  /// Shared access to the current version.
  [[nodiscard]] ReadGuard read(const ReadOptions& options = {}) const;
  /// An array over a pinned version: it never changes, blocks nobody, and outlives this handle and the Store.
  [[nodiscard]] Array view(const ReadOptions& options = {}) const;
  /// Exclusive access to rows in place. Grains that views or snapshots share are copied first: after a snapshot a whole-array
  /// write() copies the array once; `rows` and `overwrite` keep that small.
  ///   Errors: Sealed; Permission (read-only role); Capacity, SystemMemory, Disconnected (only where something is copied).
  [[nodiscard]] WriteGuard write(const WriteOptions& options = {});
  /// A private copy of the rows' grains, to be published at once.   Errors: as write(); two round trips.
  [[nodiscard]] UpdateGuard update(const WriteOptions& options = {});
  /// As read() and write(), but waits only if a timeout is given, and tells by code: Ok, Timeout (somebody is in the way), ….
  [[nodiscard]] ErrorCode try_read(ReadGuard& guard, const ReadOptions& options = {}) const;
  [[nodiscard]] ErrorCode try_write(WriteGuard& guard, const WriteOptions& options = {});

  /// Publishes a longer version: `rows` behind the present ones. Shares every existing extent; costs its own bytes.
  ///   Shapes: rows of this array's row shape; or one row without the leading axis.   Errors: DtypeMismatch, ShapeMismatch,
  ///   Usage (no axes, Fortran order); as update(). On error nothing has happened.
  void append(const Array& rows, Timeout timeout = {});
  /// The same rows, more (zeros) or fewer, along axis 0.   Errors: Shape for a negative number; as append().
  void resize(std::int64_t rows, Timeout timeout = {});
  /// Makes the array visible and immutable for good; waits for writers in place. One round trip.   Errors: Sealed; Permission.
  void seal();

  /// Exclusive access to rows that may be torn: what is released counts as whole again.   Errors: as write() but Torn.
  [[nodiscard]] WriteGuard repair(const WriteOptions& options = {});
  /// Takes the torn rows as they are; returns how many ranges were torn.   Errors: as repair().
  std::size_t accept_torn(const Rows& rows = {}, Timeout timeout = {});
  /// The content of a snapshot of this array becomes the current version; no row is torn any more. Copies nothing.
  ///   Errors: NoSuchArray, Contract (not a snapshot of this array); as update().
  void revert(std::string_view snapshot, Timeout timeout = {});

  /// Waits until revision() is no longer `revision`; returns it.   Errors: Timeout; WouldDeadlock under an own guard;
  /// NoSuchArray when the array is removed.
  std::uint64_t wait_for_change(std::uint64_t revision, Timeout timeout = {}) const;

 private:
  friend class Store;
  friend class internal::GuardAccess;
  explicit SharedArray(std::shared_ptr<internal::SharedState> state) noexcept;
  const internal::SharedState& state() const;
  std::shared_ptr<internal::SharedState> state_;
};

}  // namespace ndshare
