/// What only grows, and what nobody touches: `clients --leaks`, from several looks at a store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/cli/top_data.h"

namespace ndshare::cli {

/// A client of which some number never fell from look to look, and is higher in the last than in the first.
struct GrowingClient {
  admin::ClientInfo info;  ///< of the last look
  std::uint64_t made_bytes =
      0;  ///< of arrays that its process made and that are there (snapshots, which share, left out)
  double bytes_per_minute = 0, made_bytes_per_minute = 0, views_per_minute = 0;  ///< 0 where it does not only grow
};

/// An array without a claim in any look, and without a change or a claim through its lock between them.
struct IdleArray {
  ArrayInfo info;
  double age_s = 0;
  bool maker_attached = false;  ///< the process that made it is still a client
};

struct LeakReport {
  double interval_s = 0;
  std::vector<GrowingClient> clients;  ///< the fastest first
  std::vector<IdleArray> arrays;       ///< the largest first
};

/// REQUIRES: two looks at least. `age_s`: younger arrays are not told; `now_unix_ns`: the time of the last look.
[[nodiscard]] LeakReport find_leaks(const std::vector<TopLook>& looks, double age_s, std::uint64_t now_unix_ns);
[[nodiscard]] Json to_json(const LeakReport& report);

}  // namespace ndshare::cli
