// Store: a process's connection to one ndshared, and the arrays in it.
#pragma once

#include <ndshare/export.h>
#include <ndshare/shared_array.h>
#include <ndshare/stream.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ndshare {

namespace internal {
class ClientSession;
}

/// What a client may do. A read-only one has no writable map of the pool at all.
enum class Role : std::uint8_t { read_write, read_only };

/// What a new array holds. zeros: zero bytes (free where the memory is fresh from the system). empty: anything.
enum class Fill : std::uint8_t { zeros, empty };

struct ConnectOptions {
  Role role = Role::read_write;
  Timeout timeout{};  ///< of every wait that names no other; nothing: 5 s a round trip, and guards wait without limit
};

/// How open_or_start() starts a private daemon.
struct StartOptions {
  std::uint64_t capacity_bytes = 0;  ///< 0: half of what memory, tmpfs and cgroup allow
  ConnectOptions connect{};
};

struct CreateOptions {
  Fill fill = Fill::zeros;
  Lifetime lifetime = Lifetime::persistent;
  Attrs attrs{};
  Order order = Order::C;
  bool replace = false;   ///< take over the name of an existing array when this one becomes visible; readers keep the old one
  bool prefault = false;  ///< map every page into this process now, not at first touch
  bool huge = false;      ///< ask for huge pages (advice; arrays of 2 MiB and more are aligned for them)
  Timeout timeout{};
};

/// What the caller expects: nothing is checked that is not given. A −1 in `shape` fits any length.
struct OpenOptions {
  std::optional<DType> dtype{};
  std::optional<Shape> shape{};
};

/// One row of create_many().
struct CreateItem {
  std::string name;
  DType dtype;
  Shape shape;
};

enum class LockMode : std::uint8_t { read, write, update };
/// One array of Store::lock().
struct LockItem {
  SharedArray array;
  LockMode mode = LockMode::write;
  Rows rows{};
  bool overwrite = false;
};
using Guard = std::variant<ReadGuard, WriteGuard, UpdateGuard>;

/// One array of Store::wait_for_change().
struct Watch {
  SharedArray array;
  std::uint64_t revision = 0;
};

struct SnapshotOptions {
  Attrs attrs{};  ///< instead of the source's, where not empty
  Timeout timeout{};
};

/// A connection to a store. Copies share it; it ends with the last copy, guard and view.
///   Threads: safe. Requests of one process go one after the other; open, read and view need no request.
///   Fork: a child must connect itself; what it inherited throws Forked.
class NDSHARE_API Store {
 public:
  /// Connects to a running store: "name", or "user:name" for another user's. Empty: NDSHARE_STORE, else "default".
  ///   Errors: NoSuchStore (and how to start one), Permission, TooManyClients, LayoutVersion, Squatted, Timeout, Name.
  static Store connect(std::string_view name = {}, const ConnectOptions& options = {});
  /// As connect(); where none runs, starts a private daemon that ends, with its memory, when its last client leaves.
  ///   Errors: as connect(); NotSupported when no ndshared program is found (and where it was looked for).
  static Store open_or_start(std::string_view name = {}, const StartOptions& options = {});

  /// Makes an array that only this client sees until it is sealed or its first write guard is released; it is removed when
  /// this process dies before that.
  ///   Memory: nbytes of the pool (reserved before this returns), rounded up to pages, or to a size class below 4 KiB.
  ///   Errors: NameTaken, Name, DType, Shape, Capacity, SystemMemory, TooManyArrays, Permission, Timeout, Disconnected.
  SharedArray create(std::string_view name, const DType& dtype, const Shape& shape, const CreateOptions& options = {});
  /// Many arrays in few round trips, each batch all or none; in the order given.   Errors: as create().
  std::vector<SharedArray> create_many(std::span<const CreateItem> items, const CreateOptions& options = {});
  /// Seals many in few round trips.   Errors: as SharedArray::seal().
  void seal_many(std::span<SharedArray> arrays);

  /// A handle to an existing array. No round trip, no system call.
  ///   Errors: NoSuchArray; Contract, with both sides.
  [[nodiscard]] SharedArray open(std::string_view name, const OpenOptions& contract = {}) const;
  [[nodiscard]] bool contains(std::string_view name) const;
  /// What is there, by name; `*` and `?` as in a shell, `*` also matching '/'. Arrays that others still fill are left out.
  [[nodiscard]] std::vector<ArrayInfo> list(std::string_view pattern = "*") const;
  /// Waits until the array is visible.   Errors: Timeout.
  SharedArray wait_for(std::string_view name, Timeout timeout = {}) const;
  /// Takes the name away at once; those who hold the array keep it.   Errors: NoSuchArray, Permission.
  void remove(std::string_view name);
  /// Errors: NoSuchArray, NameTaken (unless `replace`), Name, Permission.
  void rename(std::string_view from, std::string_view to, bool replace = false);

  /// A named, read-only array of what `source` is now; shares its memory and copies nothing, whatever the size. Waits for
  /// writers in place.   Errors: NoSuchArray, NameTaken, Torn; as SharedArray::read().
  SharedArray snapshot(std::string_view source, std::string_view name, const SnapshotOptions& options = {});
  /// Claims on several arrays, taken in one order by everybody, so that two such calls never wait for each other in a circle.
  /// All or none; guards come in the order given.   Errors: as the guards'.
  [[nodiscard]] std::vector<Guard> lock(std::span<const LockItem> items, Timeout timeout = {});
  /// Waits until one array's revision differs from the one given; returns the index of the first such.   Errors: as
  /// SharedArray::wait_for_change(); Usage for none, or arrays of another connection.
  std::size_t wait_for_change(std::span<const Watch> watches, Timeout timeout = {}) const;

  /// Makes a stream: a ring of `depth` batches of up to `rows` rows, to hand from process to process. It stays until it is removed.
  ///   Errors: NameTaken (also when it has another dtype: says which), TooManyStreams; Usage (depth, rows or deliveries out of
  ///   range); as create().
  Stream create_stream(std::string_view name, const DType& dtype, const StreamOptions& options);
  /// A handle to a stream. No round trip.   Errors: NoSuchStream; Contract, with both sides.
  [[nodiscard]] Stream open_stream(std::string_view name, const StreamContract& contract = {}) const;
  [[nodiscard]] std::vector<StreamInfo> list_streams(std::string_view pattern = "*") const;
  /// Errors: NoSuchStream; Busy while a process has it open, this one included (names them); Permission.
  void remove_stream(std::string_view name);

  /// Leaves the store. Views and guards that live keep what they have; new calls throw Usage.
  void close() noexcept;

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] Role role() const;
  [[nodiscard]] std::uint64_t daemon_pid() const;
  /// One bare request and its answer: what a round trip costs.
  void ping() const;

 private:
  friend class Batch;
  explicit Store(std::shared_ptr<internal::ClientSession> session) noexcept;
  std::vector<SharedArray> create_unchecked(std::span<const CreateItem> items, const CreateOptions& options);
  std::shared_ptr<internal::ClientSession> session_;
};

}  // namespace ndshare
