// What only an operator asks of a store: start and stop its daemon, see its memory and clients.
#pragma once

#include <ndshare/export.h>
#include <ndshare/store.h>

#include <chrono>
#include <cstdint>
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
  std::uint64_t pending_bytes = 0;       ///< of removed arrays that somebody still holds
  std::uint64_t catalog_bytes = 0, sync_bytes = 0;  ///< resident bytes of the two other segments
  std::uint64_t tmpfs_free_bytes = 0, memory_available_bytes = 0, cgroup_free_bytes = 0;
};

struct ClientInfo {
  std::uint64_t slot = 0, gen = 0, pid = 0, since_unix_ns = 0;
  std::uint32_t uid = 0;
  Role role = Role::read_write;
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

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Removes the segments of private stores of this user whose daemon and clients are all gone. Returns how many stores.
NDSHARE_API std::uint64_t remove_orphans();

}  // namespace ndshare::admin
