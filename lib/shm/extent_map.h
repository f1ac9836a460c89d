/// An array of several extents as one contiguous piece of this process's address space.
///
/// The address space is reserved first (PROT_NONE), then every run of neighbouring extents is mapped into its place, so
/// nothing else can slip in between and a failure leaves nothing behind. Where the array is large, the address is
/// chosen so that huge pages of the pool can be huge in the map too. Maps are never inherited by fork (a child's copy of
/// the object lets go of nothing) and never in core dumps.
///
/// A process may have only so many maps (vm.max_map_count, 65530 by default), and running out would also break its
/// malloc: all ExtentMaps of a process together stay below half of that.
///   Threads: safe (different objects).   Errors: MapLimit, Memory (RLIMIT_AS), Permission, Damaged (an extent that is
///   unaligned or beyond the file), Io; then nothing is mapped.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/shm/fork_count.h"
#include "lib/shm/format.h"
#include "lib/shm/segment.h"

namespace ndshare::internal {

/// Neighbouring extents as one: a stretch of the pool that one map can show.
struct ExtentRun {
  std::uint64_t offset = 0, bytes = 0;
  friend bool operator==(const ExtentRun&, const ExtentRun&) = default;
};

/// Runs of `extents` in order; empty extents are left out. One run: the array can be used through a map of the whole
/// pool.
std::vector<ExtentRun> coalesce(std::span<const Extent> extents);

class ExtentMap {
 public:
  /// Up to this much a map is filled at once: 80 µs on a machine where a first touch of the same pages, 16 at a time as the
  /// kernel brings them, costs 90 µs. Above, whoever touches little waits for little: 1 GiB would take 37 ms, of the 60 ms that
  /// touching all of it takes.
  static constexpr std::uint64_t kPopulateBytes = 4ULL << 20;

  ExtentMap() = default;
  /// Maps the runs one after another. All but the last must be whole pages at page offsets; a single run may lie
  /// anywhere. `populate`: fill the page tables now where the map is small (older kernels cannot, which is ignored).
  ExtentMap(int pool_fd, std::span<const ExtentRun> runs, Mapping::Access access, bool populate);
  ExtentMap(ExtentMap&& other) noexcept { swap(other); }
  ExtentMap& operator=(ExtentMap&& other) noexcept;
  ~ExtentMap();

  /// Shows these runs instead, with a map call for each stretch that changed only. False, and nothing changed, where they do
  /// not fit the address space that was reserved. On an error the object is good for nothing but destruction.
  ///   REQUIRES: nobody uses the map; runs of whole pages, as those before.
  bool rebuild(int pool_fd, std::span<const ExtentRun> runs, Mapping::Access access, bool populate);

  /// First byte of the first run.
  std::byte* data() const noexcept { return data_; }
  std::uint64_t bytes() const noexcept { return bytes_; }
  explicit operator bool() const noexcept { return data_ != nullptr; }

  /// Maps that this process may hold through ExtentMaps (half of vm.max_map_count, or NDSHARE_MAP_BUDGET where that is less),
  /// and how many it does hold.
  static std::uint64_t budget() noexcept;
  static std::uint64_t in_use() noexcept;

 private:
  void swap(ExtentMap& other) noexcept;
  void map_runs(int fd, std::span<const ExtentRun> runs, int protection);
  void map_stretch(int fd, const ExtentRun& stretch, std::uint64_t at, int protection, bool populate);

  std::byte* base_ = nullptr;   ///< page-aligned start of the reserved address space
  std::uint64_t reserved_ = 0;  ///< its length
  std::byte* data_ = nullptr;
  std::uint64_t bytes_ = 0;
  std::uint64_t maps_ = 0;  ///< what it took of the budget
  std::vector<ExtentRun> runs_;
  std::uint64_t forks_ = fork_count();  ///< of the process that mapped it
};

}  // namespace ndshare::internal
