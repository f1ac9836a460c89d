/// Which streams this process has open, and in which it produces: what its slot says of itself in the sync segment.
///   Threads: safe.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "lib/shm/format.h"
#include "lib/shm/stream_spec.h"

namespace ndshare::internal {

class StreamUses {
 public:
  /// Lists the ring in the slot's word, before anything of the ring is looked at; pairs with the daemon, which stores
  /// the ring's state and then looks at the words (both seq_cst).
  void open(std::uint32_t ring, SlotClaims& slot) noexcept {
    const std::lock_guard lock(mutex_);
    if (opened_[ring]++ == 0) slot.streams.fetch_or(std::uint64_t{1} << ring, std::memory_order_seq_cst);
  }
  void close(std::uint32_t ring, SlotClaims& slot) noexcept {
    const std::lock_guard lock(mutex_);
    if (--opened_[ring] == 0) slot.streams.fetch_and(~(std::uint64_t{1} << ring), std::memory_order_seq_cst);
  }
  void produce(std::uint32_t number, Ring& ring) noexcept {
    const std::lock_guard lock(mutex_);
    if (producing_[number]++ == 0) ring.enter_producer();
  }
  void stop_producing(std::uint32_t number, Ring& ring) noexcept {
    const std::lock_guard lock(mutex_);
    if (--producing_[number] == 0) ring.leave_producer();
  }

 private:
  std::mutex mutex_;
  std::array<std::uint32_t, kMaxStreams> opened_{}, producing_{};
};

}  // namespace ndshare::internal
