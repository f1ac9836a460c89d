/// Who reads and writes an array that this process is still filling: between threads of one process only, because nobody
/// else sees such an array. The claims in shared memory say the same for the daemon's sake; this decides who waits.
///   Threads: safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
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

  /// Starts to seal: nobody gets to write until end_seal(); false where somebody writes now. Several seals at once are the
  /// daemon's to decide between.
  bool begin_seal(std::uint64_t array_gen);
  void end_seal(std::uint64_t array_gen) noexcept;

  /// Nobody of this process reads, writes or seals the array now.
  bool is_idle(std::uint64_t array_gen) const noexcept;
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
    bool publishing = false;  ///< by the last writer's release
    int seals = 0;            ///< that are under way
  };
  static bool is_written(const Array& array) noexcept;
  const Hold* in_the_way(const Array& array, const Range& range) const noexcept;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Array> arrays_;  ///< only those with holds, or being sealed
  std::uint64_t last_ticket_ = 0;
};

/// Arrays that are being sealed: writers wait until it goes.
class Sealing {
 public:
  explicit Sealing(BuildTable& builds) noexcept : builds_(builds) {}
  ~Sealing();
  Sealing(const Sealing&) = delete;
  Sealing& operator=(const Sealing&) = delete;
  /// False where somebody writes the array now.
  bool add(std::uint64_t array_gen);
  void clear() noexcept;

 private:
  BuildTable& builds_;
  std::set<std::uint64_t> arrays_;
};

}  // namespace ndshare::internal
