// What a store's daemon leaves for those who watch: its last events, and the store's numbers. Read from the segments, whether a
// daemon runs or not, by the store's owner (and root).
#pragma once

#include <ndshare/export.h>
#include <ndshare/metrics.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ndshare::admin {

/// One event of lib/shm/event_list.inc.
struct EventInfo {
  std::uint64_t sequence = 0, unix_ns = 0;  ///< sequence: 1 for the store's first; never used twice
  std::string event;
  std::optional<std::uint64_t> slot, pid;   ///< of the client it is about
  std::vector<std::pair<std::string, std::uint64_t>> numbers;
  std::string text;                         ///< a name, a command or a message; cut to 192 bytes
};

/// The names that EventInfo::event can have.
[[nodiscard]] NDSHARE_API const std::vector<std::string>& event_kinds();

/// The last events (1024 at most), which outlive daemon and restart and end with the store's memory.
///   Threads: one an object.   Cost: maps the catalog once; read() is a scan without a lock or a system call.
class NDSHARE_API EventReader {
 public:
  /// Errors: NoSuchStore, Permission (another user's), Squatted, LayoutVersion, Damaged.
  explicit EventReader(std::string_view store = {});
  ~EventReader();
  EventReader(EventReader&&) noexcept;
  EventReader& operator=(EventReader&&) noexcept;

  /// Events after number `after`, oldest first. One that is being written is not among them; one that was overwritten never is.
  [[nodiscard]] std::vector<EventInfo> read(std::uint64_t after = 0) const;
  /// Whether the store still has its name: false once its memory was removed, or made anew.
  [[nodiscard]] bool exists() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Every metric of metric_list.inc, in its order.   Errors: as EventReader().
NDSHARE_API std::vector<MetricInfo> metrics(std::string_view store = {});

/// Names of this user's stores that have segments, in order.
NDSHARE_API std::vector<std::string> store_names();

/// Names of visible arrays that begin with `prefix`, in order, at most `limit`: for completion, so as quick as can be.
///   Errors: as EventReader().
NDSHARE_API std::vector<std::string> array_names(std::string_view store, std::string_view prefix, std::size_t limit);

}  // namespace ndshare::admin
