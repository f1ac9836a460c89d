// What streams are made with, waited for with, and what they say of themselves.
#pragma once

#include <ndshare/guards.h>
#include <ndshare/shared_array.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ndshare {

/// queue: each batch goes to exactly one consumer. broadcast: each consumer sees every batch from when it joined.
enum class StreamMode : std::uint8_t { queue, broadcast };
/// What a slow consumer of a broadcast does to the others: hold makes producers wait for it, skip overwrites what it
/// has not taken (and tells it how many that were).
enum class SlowConsumer : std::uint8_t { hold, skip };

struct StreamOptions {
  std::int64_t rows = 0;   ///< that a batch holds at most
  std::int64_t depth = 8;  ///< batches, 1 to 256
  StreamMode mode = StreamMode::queue;
  SlowConsumer slow = SlowConsumer::hold;
  std::int64_t max_deliveries =
      8;              ///< so often a batch is given out and not done before it is a dead letter (to 30); 0: no limit
  Shape row_shape{};  ///< of one row: none for scalars and records
  Timeout timeout{};
};

/// How long to wait (nothing: without limit, or the store's own timeout), and how long of that by looking instead of
/// sleeping.
struct StreamWait {
  Timeout timeout{};
  std::chrono::nanoseconds spin{0};
};

/// What the caller of open_stream() expects: nothing is checked that is not given.
struct StreamContract {
  std::optional<DType> dtype{};
  std::optional<StreamMode> mode{};
};

/// One batch as an operator sees it.
struct BatchInfo {
  std::uint32_t number = 0, deliveries = 0;
  std::string state;                                           ///< "free", "loaned", "ready", "taken", "dead"
  std::uint64_t sequence = 0, published_unix_ns = 0, pid = 0;  ///< pid: of whoever fills or reads it; 0 for nobody
  std::int64_t rows = 0;
  Attrs attrs{};
};
struct StreamInfo {
  std::string name;
  DType dtype;
  Shape row_shape;
  StreamOptions options;
  bool closed = false;
  std::uint64_t published = 0;  ///< batches since it was made
  std::uint64_t free = 0, loaned = 0, ready = 0, taken = 0,
                dead = 0;    ///< batches now; broadcast: ready are those that somebody awaits
  std::uint64_t lag = 0;     ///< batches that the slowest consumer has before it
  std::uint64_t missed = 0;  ///< (skip) by the consumers there are now
  std::uint64_t producers = 0,
                consumers = 0;  ///< processes that produce; consumers of a broadcast, or processes that hold batches
  std::uint64_t created_unix_ns = 0;
  std::vector<BatchInfo> batches;
};

}  // namespace ndshare
