// What only an operator asks of a store: start and stop its daemon, see its memory and clients.
#pragma once

#include <ndshare/export.h>
#include <ndshare/store.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare::admin {

/// Where the pool's bytes are. capacity = used + free; used = arrays and what removed arrays' holders still keep.
struct PoolInfo {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t used_bytes = 0;          ///< in extents, rounding included
  std::uint64_t live_bytes = 0;          ///< of elements of arrays that are there
  std::uint64_t warm_bytes = 0;          ///< free but still resident: reused first, given back by trim
  std::uint64_t free_bytes = 0, largest_free_bytes = 0;
  std::uint64_t pending_bytes = 0;       ///< of removed arrays and old versions that somebody still holds
  std::uint64_t catalog_bytes = 0, sync_bytes = 0;  ///< resident bytes of the two other segments
  std::uint64_t tmpfs_free_bytes = 0, memory_available_bytes = 0, cgroup_free_bytes = 0;
};

struct ClientInfo {
  std::uint64_t slot = 0, gen = 0, pid = 0, since_unix_ns = 0;
  std::uint32_t uid = 0;
  Role role = Role::read_write;
  std::string command;
  // Read from the segments by Inspector::clients(); 0 elsewhere.
  std::uint64_t bytes = 0, claims = 0, views = 0;  ///< bytes: of the arrays that it holds claims on
  bool stopped = false, dead = false;
  // What it counted of itself since it attached. Only Inspector::clients() fills these in, and nobody but the client vouches for them.
  std::uint64_t reads_made = 0, views_made = 0, writes_made = 0, updates_made = 0, waits_made = 0;
  std::uint64_t unshared_bytes = 0, updated_bytes = 0, moved_bytes = 0, appended_bytes = 0;  ///< copied, by reason
  std::uint64_t outdated = 0;            ///< claims on removed arrays and on versions that are no longer the current one
  [[nodiscard]] std::uint64_t copied_bytes() const noexcept { return unshared_bytes + updated_bytes + moved_bytes + appended_bytes; }
};

/// What goes on with an array.
struct ArrayActivity {
  ArrayInfo info;
  std::uint64_t revision = 0;            ///< as SharedArray::revision()
  std::uint64_t tickets = 0;             ///< claims that took its mutex; reads and views of a known version take none
  std::uint64_t claims = 0, waiting = 0; ///< now; `claims` has the waiting ones too
};

/// What is left of a store in shared memory, or in use there.
enum class StoreState : std::uint8_t {
  serving,       ///< its daemon runs
  in_use,        ///< no daemon, but a client lives
  kept,          ///< nobody lives; its memory waits for the next `start`
  orphan,        ///< a private store whose daemon and clients are all gone
  remains,       ///< files without a catalog: nothing can adopt them
  other_layout,  ///< made by a build with another memory layout
  unusable,      ///< damaged, or a file of its name that is not this user's segment
};
struct StoreFiles {
  std::string store;
  StoreState state = StoreState::kept;
  std::string problem;                   ///< of `other_layout` and `unusable`: what was found
  std::vector<std::string> files;
  std::uint64_t bytes = 0;               ///< of memory in them
  bool stale_socket = false;             ///< a socket that no process listens on
};

/// One lock or pin.
struct ClaimInfo {
  std::string array, mode;               ///< mode: "read", "view", "update", "write"
  Rows rows;                             ///< last −1: to the end
  std::uint64_t slot = 0, pid = 0, tid = 0, version = 0, array_version = 0;
  double since_s = 0;                    ///< held, or waited, for so long
  bool waiting = false, stopped = false, dead = false;
  std::vector<std::uint64_t> waits_for;  ///< pids; empty for a granted one
  std::string command;
};

struct StatusInfo {
  std::string store, version, pool_dir;
  std::uint64_t pid = 0;                 ///< 0: no daemon runs, the numbers are read from the segments
  double uptime_s = 0;
  std::uint64_t arrays = 0, persistent_arrays = 0, max_clients = 0, max_arrays = 0;
  bool ephemeral = false, adopted = false;
  PoolInfo pool;
  std::vector<ClientInfo> clients;
};

struct DaemonOptions {
  std::string store{};                   ///< empty: NDSHARE_STORE, else "default"
  std::uint64_t capacity_bytes = 0;      ///< 0: as adopted, else half of what memory, tmpfs and cgroup allow
  std::uint32_t max_clients = 0, max_arrays = 0;  ///< 0: 512 and 4 Mi
  std::string pool_dir{}, log_file{}, log_level{};
  std::string metrics{};                 ///< "127.0.0.1:9464": Prometheus metrics over HTTP; empty: none
  std::vector<std::string> allow_gids{}, read_only_gids{};
  bool ephemeral = false;
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
};

/// Starts an ndshared in the background and returns when it serves.
///   Errors: StoreExists, and whatever the daemon itself refuses with; NotSupported when the program is not found.
NDSHARE_API StatusInfo start(const DaemonOptions& options);
/// The path of the ndshared program: NDSHARE_DAEMON, beside this program, where it was installed, PATH. Errors: NotSupported.
NDSHARE_API std::string daemon_program();
/// The words that start it with these options (for `start --foreground` and tests).
NDSHARE_API std::vector<std::string> daemon_command(const DaemonOptions& options);

/// Status from the daemon; for the owner of a store without a daemon, from its segments.
///   Errors: NoSuchStore, Permission, Timeout, LayoutVersion, Squatted.
NDSHARE_API StatusInfo status(std::string_view store = {}, std::chrono::nanoseconds timeout = std::chrono::seconds(5));

/// Ends the daemon and removes the store's memory; with `keep` leaves the memory for the next start.
/// What a store without a daemon has left behind is removed with `force` only.
///   Errors: NoSuchStore (says what is left behind, if anything); Busy (clients or persistent arrays; `force` overrides);
///   Squatted (a file of the store's name that is not this user's segment: nothing is removed), Permission, Timeout.
NDSHARE_API void stop(std::string_view store, bool force, bool keep, std::chrono::nanoseconds timeout = std::chrono::seconds(5));

/// Gives resident free memory back to the system until at most `keep_bytes` are left. Returns the bytes given back.
NDSHARE_API std::uint64_t trim(std::string_view store, std::uint64_t keep_bytes = 0,
                               std::chrono::nanoseconds timeout = std::chrono::seconds(60));

/// A store read from its segments, without its daemon and without a client's place in it: for the owner (and root).
///   Cost: opens and maps the catalog and the pool read-only, verified.   Errors: NoSuchStore, Squatted, LayoutVersion, Damaged.
class NDSHARE_API Inspector {
 public:
  explicit Inspector(std::string_view store = {});
  ~Inspector();
  Inspector(Inspector&&) noexcept;
  Inspector& operator=(Inspector&&) noexcept;

  [[nodiscard]] std::vector<ArrayInfo> list(std::string_view pattern = "*") const;
  /// Errors: NoSuchArray.
  [[nodiscard]] ArrayInfo info(std::string_view name) const;
  /// A copy of the elements on the heap: without a claim nothing else is safe; the version is checked before and after.
  ///   Errors: NoSuchArray; Busy when the array changed under the copy every time.
  [[nodiscard]] Array copy(std::string_view name) const;
  [[nodiscard]] StatusInfo status() const;
  /// Every claim, waiting ones included; of one array where a name is given. Held ones first, oldest first.
  ///   Errors: NoSuchArray.
  [[nodiscard]] std::vector<ClaimInfo> claims(std::string_view array = {}) const;
  [[nodiscard]] std::vector<ClientInfo> clients() const;
  /// As list(), and what goes on there.
  [[nodiscard]] std::vector<ArrayActivity> activity(std::string_view pattern = "*") const;
  [[nodiscard]] std::vector<StreamInfo> streams(std::string_view pattern = "*") const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Asks a client (by pid) to leave: its next call throws Kicked, and it is gone when its last guard and view is. With `kill` its
/// process is ended through its pidfd and swept. Waits until the client is gone.
///   Errors: NoSuchStore; Usage (no client of that pid: names those there are); Busy (it holds a write claim: names the arrays;
///   `kill` overrides); Timeout (what it still holds); Permission.
NDSHARE_API void kick(std::string_view store, std::uint64_t pid, bool kill, std::chrono::nanoseconds timeout = std::chrono::seconds(5));

/// Progress of save() and load(): bytes done and to do. Called from one thread at a time.
using Progress = std::function<void(std::uint64_t done_bytes, std::uint64_t all_bytes)>;
struct SaveReport {
  std::uint64_t arrays = 0, bytes = 0;
};
/// Writes every visible array (snapshots, attributes, seals and torn marks included) to files below `directory`: one .npy an
/// array and a manifest with checksums. Atomic: a save that is killed leaves what was there whole. Works without a daemon for
/// the store's owner, and with a daemon of another version, which then does it (no progress). Session arrays are left out.   Threads: reads and writes with all cores.
///   Errors: Io (disk full: says how much is needed), NoSuchStore, Permission; Busy (without a daemon: a writer in the way).
NDSHARE_API SaveReport save(std::string_view store, const std::string& directory, const Progress& progress = {},
                            std::chrono::nanoseconds timeout = std::chrono::seconds(60));
/// Makes the arrays of a save in a running store: all of them or, on error, none.
///   Errors: Format (damaged: names the file and what is wrong; a newer format: says which); NameTaken unless `replace`;
///   Capacity, SystemMemory; Io.
NDSHARE_API SaveReport load(std::string_view store, const std::string& directory, bool replace = false,
                            const Progress& progress = {}, std::chrono::nanoseconds timeout = std::chrono::seconds(60));

/// How much memory the machine can still give to a pool in `pool_dir` (empty: /dev/shm), by each of the three limits that bite, seen
/// from this process; UINT64_MAX: no limit.
struct MachineMemory {
  std::uint64_t tmpfs_free_bytes = 0, available_bytes = 0, cgroup_free_bytes = 0;
  std::string cgroup;                    ///< folder of the tightest control group; empty where none limits
};
[[nodiscard]] NDSHARE_API MachineMemory machine_memory(const std::string& pool_dir = {});
/// The stores of this user that have files in shared memory, by name.   Errors: none; what cannot be read says so in its row.
[[nodiscard]] NDSHARE_API std::vector<StoreFiles> stores();
/// Removes what nobody can use any more of a store of this user: all of an `orphan` or of `remains`, the stale socket of a kept
/// store. Judged again under the store's lock; never memory that a `start` would adopt. Returns the files removed.
NDSHARE_API std::vector<std::string> remove_leftovers(std::string_view store);
/// Removes the segments of private stores of this user whose daemon and clients are all gone. Returns how many stores.
NDSHARE_API std::uint64_t remove_orphans();

}  // namespace ndshare::admin
