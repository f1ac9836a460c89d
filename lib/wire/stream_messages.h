/// Requests about streams: what cannot be done in a ring alone. See messages.h, which includes this.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/wire/version_messages.h"

namespace ndshare::internal {

/// Makes a stream of arrays that the client is building: they become visible together, with a ring of their own.
struct MakeStreamRequest {
  ArrayId stream;                ///< without rows; its attributes say depth, rows, mode
  std::vector<ArrayId> batches;  ///< as many as the depth
};
/// Refused while a client has it open.
struct RemoveStreamRequest {
  std::string name;
};
/// The array of a batch that the client has taken gets a name and its number of rows; `fresh`, which the client is
/// building, takes its place in the stream.
struct KeepBatchRequest {
  ArrayId stream, fresh;
  std::uint64_t batch = 0, rows = 0;
  std::string name;
};

}  // namespace ndshare::internal
