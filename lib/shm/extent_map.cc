#include "lib/shm/extent_map.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
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

std::uint64_t ExtentMap::budget() noexcept {
  const char* text = std::getenv("NDSHARE_MAP_BUDGET");
  const std::uint64_t asked = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  const std::uint64_t most = map_limit() / 2;
  return asked == 0 ? most : std::min(asked, most);
}

std::uint64_t ExtentMap::in_use() noexcept { return maps_in_use.load(); }

ExtentMap::ExtentMap(int pool_fd, std::span<const ExtentRun> runs, Mapping::Access access, bool populate) {
  if (runs.empty()) return;
  const std::uint64_t total = check_runs(pool_fd, runs);
  take_budget(runs.size());
  ExtentMap built;  // undoes everything if a step below throws
  built.maps_ = runs.size();
  const std::uint64_t slack = runs.front().offset % kPage;
  const std::uint64_t used = round_up(total + slack, kPage);
  // With room to choose, the map starts at the same place within 2 MiB as the first run does in the file.
  const std::uint64_t spare = total >= kHugePage ? kHugePage : 0;
  // Address space behind the data costs nothing, and lets a version that is a little longer be shown in the same place.
  const std::uint64_t growth = runs.size() > 1 ? round_up(total / 4, kPage) : 0;
  const std::uint64_t pages = used + growth;
  void* reserved = ::mmap(nullptr, pages + spare, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) throw_map_error(errno, pages + spare);
  const auto address = reinterpret_cast<std::uintptr_t>(reserved);
  const std::uint64_t skip = spare == 0 ? 0 : (runs.front().offset - slack - address) % kHugePage;
  built.base_ = static_cast<std::byte*>(reserved) + skip;
  built.reserved_ = pages;
  if (skip != 0) ::munmap(reserved, skip);
  if (spare != skip) ::munmap(built.base_ + pages, spare - skip);
  built.map_runs(pool_fd, runs, access == Mapping::Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE);
  keep_private(built.base_, used);
  if (populate && used <= kPopulateBytes) (void)::madvise(built.base_, used, MADV_POPULATE_READ);
  built.runs_.assign(runs.begin(), runs.end());
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

namespace {

/// The stretches of `runs` that `before` does not show at the same place of the data: where in the data, and which.
std::vector<std::pair<std::uint64_t, ExtentRun>> changed_stretches(std::span<const ExtentRun> before, std::span<const ExtentRun> runs) {
  std::vector<std::pair<std::uint64_t, ExtentRun>> out;
  std::size_t old = 0;
  std::uint64_t old_at = 0, at = 0;
  for (const auto& run : runs) {
    for (std::uint64_t done = 0; done < run.bytes;) {
      while (old < before.size() && old_at + before[old].bytes <= at + done) old_at += before[old++].bytes;
      const bool none = old == before.size();
      const std::uint64_t left = run.bytes - done, step = none ? left : std::min(left, old_at + before[old].bytes - (at + done));
      const bool same = !none && before[old].offset + (at + done - old_at) == run.offset + done;
      const bool joins = !out.empty() && out.back().first + out.back().second.bytes == at + done &&
                         out.back().second.offset + out.back().second.bytes == run.offset + done;
      if (!same && joins) out.back().second.bytes += step;
      if (!same && !joins) out.push_back({at + done, {run.offset + done, step}});
      done += step;
    }
    at += run.bytes;
  }
  return out;
}

}  // namespace

void ExtentMap::map_stretch(int fd, const ExtentRun& stretch, std::uint64_t at, int protection, bool populate) {
  const std::uint64_t pages = round_up(stretch.bytes, kPage);
  const auto offset = static_cast<::off_t>(stretch.offset);
  if (::mmap(base_ + at, pages, protection, MAP_SHARED | MAP_FIXED, fd, offset) == MAP_FAILED) throw_map_error(errno, pages);
  keep_private(base_ + at, pages);  // a new piece has lost it
  if (populate && pages <= kPopulateBytes) (void)::madvise(base_ + at, pages, MADV_POPULATE_READ);
}

bool ExtentMap::rebuild(int fd, std::span<const ExtentRun> runs, Mapping::Access access, bool populate) {
  const std::uint64_t total = check_runs(fd, runs), pages = round_up(total, kPage);
  const bool whole = std::ranges::all_of(runs, [](const ExtentRun& run) { return run.offset % kPage == 0; });
  if (base_ == nullptr || data_ != base_ || pages > reserved_ || runs.empty() || !whole) return false;
  const auto changed = changed_stretches(runs_, runs);
  if (runs.size() > maps_) take_budget(runs.size() - maps_);
  if (runs.size() < maps_) give_back_budget(maps_ - runs.size());
  maps_ = runs.size();
  const int protection = access == Mapping::Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  for (const auto& [at, stretch] : changed) map_stretch(fd, stretch, at, protection, populate);
  const std::uint64_t before = round_up(bytes_, kPage);
  if (before > pages && ::mmap(base_ + pages, before - pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
                            MAP_FAILED) {
    throw_map_error(errno, before - pages);
  }
  runs_.assign(runs.begin(), runs.end());
  bytes_ = total;
  return true;
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
  std::swap(runs_, other.runs_);
  std::swap(forks_, other.forks_);
}

}  // namespace ndshare::internal
