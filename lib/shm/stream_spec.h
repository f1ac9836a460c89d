/// What a stream's array says of it in its attributes: the limits of its ring, which ring that is, and the arrays of
/// its batches.
///   Threads: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/shm/stream_protocol.h"

namespace ndshare::internal {

struct StreamSpec {
  RingOptions ring_options;
  std::uint64_t rows = 0;                                        ///< that a batch holds at most
  std::uint32_t ring = kMaxStreams;                              ///< the daemon's to choose; kMaxStreams before
  std::vector<std::pair<std::uint32_t, std::uint64_t>> batches;  ///< index and array_gen
  std::pair<std::uint32_t, std::uint64_t> kept{UINT32_MAX, 0};   ///< the batch kept last, and its sequence

  [[nodiscard]] std::map<std::string, std::string> attrs() const;
  /// Errors: Damaged, where the attributes are not those of a stream (every number is checked against its limit).
  static StreamSpec parse(const std::map<std::string, std::string>& attrs);
};

/// Wakes all that sleep on an event.
struct FutexWake {
  void operator()(a32& event) const noexcept;
};
struct AllStreamRules {
  static constexpr bool rule(StreamRule) noexcept { return true; }
};
using Ring = StreamRing<StdAtomics, FutexWake, AllStreamRules>;
extern template class StreamRing<StdAtomics, FutexWake, AllStreamRules>;

/// The ring as a client of `slot` (or the daemon, for it) works on it.
Ring ring_of(StreamSync& sync, const RingOptions& options, std::uint32_t slot, std::uint64_t gen) noexcept;

}  // namespace ndshare::internal
