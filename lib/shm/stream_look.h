/// A stream's ring as operators see it: one look at words that others change meanwhile.
///   Threads: safe.   Errors: none but std::bad_alloc. Anybody may have written the ring: every number stays within its
///   limit.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lib/shm/catalog_view.h"
#include "lib/shm/stream_protocol.h"

namespace ndshare::internal {

inline constexpr std::array kBatchStateNames = {"free", "loaned", "ready", "taken", "dead"};  ///< by BatchState

struct BatchLook {
  std::uint64_t word = 0;
  std::uint64_t pending = 0;  ///< broadcast: bit a consumer that is there and has not done it
  std::uint64_t pid = 0;      ///< of whoever fills or reads it; 0 for nobody
  BatchState state = BatchState::free;
};

struct StreamLook {
  bool closed = false;
  std::uint64_t published = 0;               ///< since the stream was made
  std::uint64_t lag = 0;                     ///< batches that the slowest consumer has before it
  std::uint64_t missed = 0;                  ///< (skip) by the consumers there are now
  std::uint64_t producers = 0;               ///< processes
  std::uint64_t consumers = 0;               ///< of a broadcast; of a queue: processes that hold batches
  std::array<std::uint64_t, 5> counts = {};  ///< of batches, by BatchState
  std::vector<BatchLook> batches;

  std::uint64_t count(BatchState state) const noexcept { return counts[static_cast<std::size_t>(state)]; }
};

StreamLook look_at_stream(const CatalogView& catalog, const StreamSync& sync, const RingOptions& options);

}  // namespace ndshare::internal
