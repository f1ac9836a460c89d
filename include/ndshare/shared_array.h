// SharedArray: a named array of a store. Its bytes are reached through guards and views, never directly.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ndshare {

namespace internal {
struct SharedState;
struct GuardState;
}  // namespace internal

/// How long to wait; nothing: as long as the store's own setting says.
using Timeout = std::optional<std::chrono::nanoseconds>;

/// Names and values that travel with an array: units, provenance. Values are text.
using Attrs = std::map<std::string, std::string>;

/// Who removes an array: a person (persistent), or the end of the client that made it (session).
enum class Lifetime : std::uint8_t { persistent, session };

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
  Lifetime lifetime = Lifetime::persistent;
  Attrs attrs;
};

/// Rows [first, last) of the slowest axis; last −1: to the end.
struct Rows {
  std::int64_t first = 0, last = -1;
};

struct ReadOptions {
  Rows rows{};
  Timeout timeout{};
};
struct WriteOptions {
  Rows rows{};
  Timeout timeout{};
  bool overwrite = false;  ///< every byte of the rows will be written: nothing need be kept
};

/// Shared access to the current version while it lives: the array stays as it is.
///   Threads: use a guard from one thread at a time.   No system call, no daemon.
class NDSHARE_API ReadGuard {
 public:
  ReadGuard(ReadGuard&&) noexcept;
  ReadGuard& operator=(ReadGuard&&) noexcept;
  ~ReadGuard();
  /// The guarded rows, read-only. The array keeps the guard's claim for as long as it lives.
  [[nodiscard]] Array array() const;
  [[nodiscard]] const std::byte* data() const noexcept;
  [[nodiscard]] std::uint64_t version() const noexcept;
  /// Ends the claim now.   Errors: Busy while arrays taken from the guard live (says how many).
  void release();

 private:
  friend class SharedArray;
  explicit ReadGuard(std::shared_ptr<internal::GuardState> state) noexcept;
  std::shared_ptr<internal::GuardState> state_;
};

/// Exclusive access in place. While an array is being filled its creator alone has one; when the last of its write guards is
/// released the array becomes visible to everybody.
///   Threads: a guard belongs to one thread at a time; several guards on disjoint rows may be held by several threads.
class NDSHARE_API WriteGuard {
 public:
  WriteGuard(WriteGuard&&) noexcept;
  WriteGuard& operator=(WriteGuard&&) noexcept;
  /// As release(), but an error is lost (the daemon being away): release() tells.
  ~WriteGuard();
  /// The guarded rows, writable.
  [[nodiscard]] Array array() const;
  [[nodiscard]] std::byte* data() const noexcept;
  /// Ends the claim.   Errors: Busy while arrays taken from the guard live; Disconnected, Timeout.
  void release();
  /// Ends the claim without making the array visible: what was written may be half done.
  void abandon() noexcept;

 private:
  friend class SharedArray;
  explicit WriteGuard(std::shared_ptr<internal::GuardState> state) noexcept;
  std::shared_ptr<internal::GuardState> state_;
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
  [[nodiscard]] const Shape& shape() const;
  [[nodiscard]] int ndim() const { return shape().ndim(); }
  [[nodiscard]] std::int64_t size() const { return shape().count(); }
  [[nodiscard]] std::int64_t nbytes() const;
  /// Of the current version; 0 when the array was removed.
  [[nodiscard]] std::uint64_t version() const;
  /// Counts changes of the content: every release of a write guard.
  [[nodiscard]] std::uint64_t revision() const;
  [[nodiscard]] bool sealed() const;
  /// Everything the catalog says now.   Errors: NoSuchArray when it was removed.
  [[nodiscard]] ArrayInfo info() const;

  /// Shared access to the current version.
  ///   Errors: NoSuchArray (removed, or not yet visible), TooManyClaims, MapLimit, Forked.
  [[nodiscard]] ReadGuard read(const ReadOptions& options = {}) const;
  /// An array over a pinned version: it never changes, blocks nobody, and outlives this handle and the Store.
  ///   Errors: as read().
  [[nodiscard]] Array view(const ReadOptions& options = {}) const;
  /// Exclusive access to rows; the creator's, until the array is visible.
  ///   Errors: Sealed; Permission (read-only role); NotSupported (others can see the array already); as read().
  [[nodiscard]] WriteGuard write(const WriteOptions& options = {});
  /// Makes the array visible and immutable for good. One round trip.
  ///   Errors: Busy while a write guard is held; Sealed when it is; Permission.
  void seal();

 private:
  friend class Store;
  explicit SharedArray(std::shared_ptr<internal::SharedState> state) noexcept;
  const internal::SharedState& state() const;
  std::shared_ptr<internal::SharedState> state_;
};

}  // namespace ndshare
