/// A mutex that is waited for until a deadline of the monotonic clock.
///
/// std::timed_mutex would do, but its wait against that clock (pthread_mutex_clocklock) is unknown to g++ 12's thread
/// sanitizer, which then sees no lock at all.   Threads: safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace ndshare::internal {

class DeadlineMutex {
 public:
  void lock() {
    std::unique_lock inner(inner_);
    freed_.wait(inner, [&] { return !held_; });
    held_ = true;
  }
  bool try_lock_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock inner(inner_);
    if (!freed_.wait_until(inner, deadline, [&] { return !held_; })) return false;
    return held_ = true;
  }
  void unlock() {
    {
      const std::lock_guard inner(inner_);
      held_ = false;
    }
    freed_.notify_one();
  }

 private:
  std::mutex inner_;
  std::condition_variable freed_;
  bool held_ = false;
};

}  // namespace ndshare::internal
