/// NDSHARE_GUARD_PAGES=1: writable maps are PROT_NONE outside of write and update guards, so that a stray write faults where it
/// happens. A debugging aid: two mprotect calls a guard.
///   Threads: safe.   Errors: MapLimit where the kernel cannot split a map further.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace ndshare::internal {

class GuardPages {
 public:
  GuardPages();
  bool enabled() const noexcept { return enabled_; }
  /// The pages of [data, data + bytes) may be written until close().
  void open(const std::byte* data, std::int64_t bytes);
  void close(const std::byte* data, std::int64_t bytes) noexcept;
  /// A new writable map: closed but where guards are open.
  void cover(const std::byte* data, std::uint64_t bytes) noexcept;

 private:
  bool enabled_ = false;
  std::mutex mutex_;
  std::map<std::uintptr_t, int> open_;  ///< by page: how many guards have it open
};

/// Pages that are open while it lives.
class OpenPages {
 public:
  OpenPages(GuardPages& pages, const std::byte* data, std::int64_t bytes) : pages_(pages), data_(data), bytes_(bytes) {
    pages_.open(data_, bytes_);
  }
  ~OpenPages() { pages_.close(data_, bytes_); }
  OpenPages(const OpenPages&) = delete;
  OpenPages& operator=(const OpenPages&) = delete;

 private:
  GuardPages& pages_;
  const std::byte* data_;
  std::int64_t bytes_;
};

}  // namespace ndshare::internal
