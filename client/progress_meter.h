/// Counts the bytes that several threads have done and tells a callback, one call at a time.
///   Threads: safe.   Errors: what the callback throws, which ends the work.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

#include <ndshare/admin.h>

namespace ndshare::internal {

class ProgressMeter {
 public:
  ProgressMeter(const admin::Progress& callback, std::uint64_t all_bytes) : callback_(callback), all_(all_bytes) {}

  void add(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    if (callback_) callback_(std::min(done_, all_), all_);
  }
  /// What must be done again.
  void take_back(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    done_ -= std::min(done_, bytes);
  }
  void finish() {
    if (callback_) callback_(all_, all_);
  }

 private:
  const admin::Progress& callback_;
  std::uint64_t all_;
  std::mutex mutex_;
  std::uint64_t done_ = 0;
};

}  // namespace ndshare::internal
