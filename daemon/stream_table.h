/// Which ring of the sync segment is which stream's, as the catalog says; and what the daemon does in a ring by itself.
///
/// A ring is used again only when no living slot lists it in its `streams` word: who sets its bit looks at the ring's
/// state and stream afterwards, who takes a ring away stores its state before it looks at the bits (both seq_cst).
///   Threads: the engine's.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "daemon/engine.h"
#include "daemon/store_files.h"
#include "lib/shm/stream_spec.h"

namespace ndshare::internal {

class StreamTable {
 public:
  explicit StreamTable(const SyncSegment& sync) noexcept : sync_(sync) {}

  struct Known {
    std::uint32_t record = 0;
    std::uint64_t gen = 0;  ///< 0: the ring is nobody's
    StreamSpec spec;
  };
  const Known& known(std::uint32_t ring) const noexcept { return rings_[ring]; }
  std::uint64_t count() const noexcept;
  /// Of `slots` those that have the ring's stream open.
  std::vector<SlotRef> users(std::uint32_t ring, std::span<const SlotRef> slots) const;
  /// A ring that is nobody's, and in which nobody of `slots` works any more; kMaxStreams where there is none.
  std::uint32_t free_ring(std::span<const SlotRef> slots) const;

  /// Empties a ring for a stream that is about to be visible.   REQUIRES: real memory behind it.
  void start(std::uint32_t ring, std::uint64_t gen) noexcept;
  void made(std::uint32_t ring, Known known) { rings_[ring] = std::move(known); }
  void set_state(std::uint32_t ring, RingState state) noexcept {
    sync_.stream(ring).state.store(static_cast<std::uint32_t>(state));
  }
  void removed(std::uint32_t ring) noexcept;
  /// The daemon's own words of every ring, where a client broke them.
  void mend() noexcept;

  /// After a start: the ring's own words as they must be; what a client may have broken counts as free.
  void adopt(std::uint32_t ring, Known known) noexcept;
  /// Takes back what a dead slot held in the streams that it listed.
  void sweep(SlotRef slot) noexcept;
  /// Whether the batch is taken by this slot, with that sequence where it is not 0; and its release.
  bool is_taken(std::uint32_t ring, std::uint32_t batch, SlotRef slot) const noexcept;
  void kept(std::uint32_t ring, std::uint32_t batch) noexcept;

 private:
  const SyncSegment& sync_;
  std::array<Known, kMaxStreams> rings_{};
};

}  // namespace ndshare::internal
