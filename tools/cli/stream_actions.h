/// What `ndshare streams ACTION` does, action by action.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ndshare/stream.h>

#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {

struct StreamFlags {
  std::string action, name, file;
  std::string dtype, shape, mode = "queue", slow = "hold", into;
  std::uint32_t depth = 8, max_deliveries = 8, count = 0;
  bool close = false, retry = false, drop = false, wide = false;
  std::vector<std::string> attrs;
};

/// Hands rows of a file over in batches.
int push_stream(const StreamFlags& flags, Context& context);
/// Takes batches, and writes their rows to a file where asked; what was not written is delivered again.
int take_stream(const StreamFlags& flags, Context& context);
/// A line for each batch that comes: a consumer of its own of a broadcast; of a queue it takes none away.
int tail_stream(const StreamFlags& flags, Context& context);
/// Takes whatever is ready, and drops it.
int drain_stream(const StreamFlags& flags, Context& context);

/// "queue", "broadcast"
[[nodiscard]] const char* mode_text(const StreamOptions& options);
/// All but its batches.
[[nodiscard]] Json stream_json(const StreamInfo& info);
/// {seq rows deliveries attrs}
[[nodiscard]] Json batch_json(std::uint64_t sequence, std::int64_t rows, std::uint32_t deliveries, const Attrs& attrs);
/// "k=v, w=x"
[[nodiscard]] std::string attrs_line(const Attrs& attrs);

}  // namespace ndshare::cli
