/// Arrays that this process still fills: how many write guards are on their way, so that the last one makes the array visible,
/// and a seal that keeps new ones out. Who waits for whom is decided by claims, here as everywhere.
///   Threads: safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>

#include "client/address.h"

namespace ndshare::internal {

class BuildTable {
 public:
  /// A writer comes, waiting while the array is being published or sealed.   Errors: Timeout.
  void enter(std::uint64_t array_gen, Deadline deadline);
  /// A writer goes, having held the array (`wrote`) or not. True where it was the last of some that held it: the array is to be
  /// published, and until published() nobody else comes.
  bool leave(std::uint64_t array_gen, bool wrote) noexcept;
  void published(std::uint64_t array_gen) noexcept;

  /// Starts to seal: nobody comes until end_seal(); false where a writer is there. Several seals at once are the daemon's to
  /// decide between.
  bool begin_seal(std::uint64_t array_gen);
  void end_seal(std::uint64_t array_gen) noexcept;

  /// Nobody of this process writes, publishes or seals the array now.
  bool is_idle(std::uint64_t array_gen) const noexcept;

 private:
  struct Array {
    int writers = 0, seals = 0;
    bool wrote = false, publishing = false;
    bool idle() const noexcept { return writers == 0 && seals == 0 && !publishing; }
  };
  void forget_idle(std::uint64_t array_gen) noexcept;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Array> arrays_;  ///< only those with something going on
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
