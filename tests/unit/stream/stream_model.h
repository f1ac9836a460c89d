/// The ring's protocol under the explorer of tests/unit/claims: every schedule within a budget, a client killed at
/// every step and swept. What must never be: a batch filled while it is read, held by two, delivered again after
/// done(), lost, or a sleeper that nobody wakes.
///   Threads: one.
#pragma once

#include <string>
#include <vector>

#include "lib/shm/stream_protocol.h"
#include "tests/unit/claims/explorer_atomic.h"

namespace ndshare::internal::model {

enum class Role : std::uint8_t { none, producer, consumer, closer };

/// What one client does: a producer publishes `count` batches, a consumer takes until the stream ends.
struct Script {
  Role role = Role::none;
  std::uint8_t count = 0;
  bool closes = false;  ///< (producer) at its end
};

struct StreamScenario {
  std::string name;
  RingOptions options;
  std::vector<Script> clients;  ///< a slot each
  Budget budget;
};

/// −1: all rules are kept.
Outcome explore_stream(const StreamScenario& scenario, int dropped_rule);

}  // namespace ndshare::internal::model
