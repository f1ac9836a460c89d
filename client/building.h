/// Who reads and writes an array that this process is still filling: between threads of one process only, because nobody
/// else sees such an array. The claims in shared memory say the same for the daemon's sake; this decides who waits.
///   Threads: safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "client/address.h"

namespace ndshare::internal {

class BuildTable {
 public:
  struct Range {
    std::int64_t lo = 0, hi = 0;  ///< rows
    bool write = false;
  };
  /// Takes the rows, waiting for others in the way. Returns a ticket for release().
  ///   Errors: Busy when the calling thread itself stands in the way; Timeout.
  std::uint64_t acquire(std::uint64_t array_gen, const Range& range, Deadline deadline);

  /// Starts to give a write ticket back: true where it is the last one, so that the array is to be published. Until finish()
  /// nobody else gets to write it.
  bool begin_release(std::uint64_t array_gen, std::uint64_t ticket) noexcept;
  void finish(std::uint64_t array_gen, std::uint64_t ticket) noexcept;

  /// Somebody of this process writes the array now.
  bool has_writer(std::uint64_t array_gen) const noexcept;

 private:
  struct Hold {
    std::uint64_t ticket;
    Range range;
    std::thread::id thread;
  };
  struct Array {
    std::vector<Hold> holds;
    bool publishing = false;
  };
  const Hold* in_the_way(const Array& array, const Range& range) const noexcept;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Array> arrays_;  ///< only those with holds
  std::uint64_t last_ticket_ = 0;
};

}  // namespace ndshare::internal
