/// Reserves a sparse segment in steps of 1 MiB before its bytes are used, so that running out is an error and never a
/// SIGBUS.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/base/checked.h"
#include "lib/shm/segment.h"

namespace ndshare::internal {

class StepReserver {
 public:
  static constexpr std::uint64_t kStep = 1ULL << 20;

  StepReserver(int fd, std::uint64_t bytes) : fd_(fd), bytes_(bytes), done_((bytes + kStep - 1) / kStep) {}

  /// Makes [offset, offset + bytes) and the rest of its steps real memory; costs nothing the second time.
  ///   Errors: SystemMemory.
  void ensure(std::uint64_t offset, std::uint64_t bytes) {
    for (auto at = round_down(offset, kStep); at < offset + bytes; at += kStep) {
      if (done_[at / kStep]) continue;
      reserve_range(fd_, at, std::min(kStep, bytes_ - at));
      done_[at / kStep] = true;
    }
  }

 private:
  int fd_;
  std::uint64_t bytes_;
  std::vector<bool> done_;  ///< a restart forgets it: reserving what is there already is cheap
};

}  // namespace ndshare::internal
