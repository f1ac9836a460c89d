#include "lib/shm/extent_map.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include <sys/mman.h>

#include <ndshare/error.h>

#include "lib/base/checked.h"
#include "lib/base/text.h"
#include "lib/shm/map_error.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22  // Linux 5.14
#endif

namespace ndshare::internal {
namespace {

std::atomic<std::uint64_t> maps_in_use{0};

/// Takes `count` maps of the process's budget, or throws.
void take_budget(std::uint64_t count) {
  const std::uint64_t limit = ExtentMap::budget();
  std::uint64_t now = maps_in_use.load();
  do {
    if (now + count > limit) {
      throw Error(ErrorCode::MapLimit,
                  "the array lies in " + std::to_string(count) +
                      " pieces and needs as many memory maps; this process uses " + std::to_string(now) + " of " +
                      std::to_string(limit) +
                      " for such arrays. Drop some, copy the array into a new one, or raise vm.max_map_count",
                  {{"asked", std::to_string(count)}, {"used", std::to_string(now)}, {"limit", std::to_string(limit)}});
    }
  } while (!maps_in_use.compare_exchange_weak(now, now + count));
}

void give_back_budget(std::uint64_t count) noexcept { maps_in_use.fetch_sub(count); }

/// Checks that the runs fit together as pages; returns their total length.
std::uint64_t check_runs(int fd, std::span<const ExtentRun> runs) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const bool start_free = runs.size() == 1, end_free = i + 1 == runs.size();
    if ((!start_free && runs[i].offset % kPage != 0) || (!end_free && runs[i].bytes % kPage != 0) ||
        runs[i].bytes == 0) {
      throw Error(ErrorCode::Damaged, "piece " + std::to_string(i) + " of an array (offset " +
                                          std::to_string(runs[i].offset) + ", " + std::to_string(runs[i].bytes) +
                                          " bytes) is not made of whole pages");
    }
    check_file_holds(fd, runs[i].offset, runs[i].bytes);
    const auto sum = checked_add(total, runs[i].bytes);
    if (!sum || *sum > kMaxBytes)
      throw Error(ErrorCode::Damaged, "the pieces of an array are over 2^63 bytes together");
    total = *sum;
  }
  return total;
}

}  // namespace

std::vector<ExtentRun> coalesce(std::span<const Extent> extents) {
  std::vector<ExtentRun> runs;
  for (const auto& extent : extents) {
    if (extent.bytes == 0) continue;
    if (!runs.empty() && runs.back().offset + runs.back().bytes == extent.offset) {
      runs.back().bytes += extent.bytes;
    } else {
      runs.push_back({extent.offset, extent.bytes});
    }
  }
  return runs;
}

std::uint64_t ExtentMap::budget() noexcept { return map_limit() / 2; }

std::uint64_t ExtentMap::in_use() noexcept { return maps_in_use.load(); }

ExtentMap::ExtentMap(int pool_fd, std::span<const ExtentRun> runs, Mapping::Access access, bool populate) {
  if (runs.empty()) return;
  const std::uint64_t total = check_runs(pool_fd, runs);
  take_budget(runs.size());
  ExtentMap built;  // undoes everything if a step below throws
  built.maps_ = runs.size();
  const std::uint64_t slack = runs.front().offset % kPage;
  const std::uint64_t pages = round_up(total + slack, kPage);
  // With room to choose, the map starts at the same place within 2 MiB as the first run does in the file.
  const std::uint64_t spare = total >= kHugePage ? kHugePage : 0;
  void* reserved = ::mmap(nullptr, pages + spare, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) throw_map_error(errno, pages + spare);
  const auto address = reinterpret_cast<std::uintptr_t>(reserved);
  const std::uint64_t skip = spare == 0 ? 0 : (runs.front().offset - slack - address) % kHugePage;
  built.base_ = static_cast<std::byte*>(reserved) + skip;
  built.reserved_ = pages;
  if (skip != 0) ::munmap(reserved, skip);
  if (spare != skip) ::munmap(built.base_ + pages, spare - skip);
  built.map_runs(pool_fd, runs, access == Mapping::Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE);
  keep_private(built.base_, pages);
  if (populate) (void)::madvise(built.base_, pages, MADV_POPULATE_READ);
  built.data_ = built.base_ + slack;
  built.bytes_ = total;
  swap(built);
}

void ExtentMap::map_runs(int fd, std::span<const ExtentRun> runs, int protection) {
  std::byte* at = base_;
  for (const auto& run : runs) {
    const std::uint64_t slack = run.offset % kPage;
    const std::uint64_t pages = round_up(run.bytes + slack, kPage);
    const auto offset = static_cast<::off_t>(run.offset - slack);
    if (::mmap(at, pages, protection, MAP_SHARED | MAP_FIXED, fd, offset) == MAP_FAILED) throw_map_error(errno, pages);
    at += pages;
  }
}

ExtentMap& ExtentMap::operator=(ExtentMap&& other) noexcept {
  ExtentMap old(std::move(other));
  swap(old);
  return *this;
}

ExtentMap::~ExtentMap() {
  // A forked child has no map there, but perhaps memory of its own that took the place.
  if (base_ != nullptr && forks_ == fork_count()) ::munmap(base_, reserved_);
  give_back_budget(maps_);
}

void ExtentMap::swap(ExtentMap& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(reserved_, other.reserved_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(maps_, other.maps_);
  std::swap(forks_, other.forks_);
}

}  // namespace ndshare::internal
