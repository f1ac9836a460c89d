#include "lib/shm/wait_graph.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include <ndshare/error.h>

#include "lib/shm/claim_system.h"

namespace ndshare::internal {
namespace {

struct AllRules {
  static constexpr bool rule(ClaimRule) noexcept { return true; }
};

ClaimRange range_of(const ClaimCopy& claim) { return {claim.mode, claim.copying(), claim.lo, claim.hi}; }

}  // namespace

WaitGraph::WaitGraph(const ClaimSystem& sys) : sys_(sys) {
  for (std::uint32_t i = 0; i < sys.slots(); ++i) {
    if (slot_state(sys.catalog().slot(i).id.load(std::memory_order_acquire)) == SlotState::free) continue;
    const auto first = claims_.size();
    collect_claims(sys.claims(i), claims_);
    for (auto at = first; at < claims_.size(); ++at) claims_[at].slot = i;
  }
}

const RowGeometry& WaitGraph::geometry(std::uint32_t array) const {
  const auto found = geometry_.find(array);
  if (found != geometry_.end()) return found->second;
  RowGeometry out;
  try {
    if (const auto copy = sys_.catalog().read(array)) out = geometry_of(*copy);
  } catch (const Error&) {
    // Removed or damaged: whole grains of the smallest size are as good a guess as any.
  }
  return geometry_.emplace(array, out).first->second;
}

std::vector<std::size_t> WaitGraph::blockers(std::size_t index) const {
  const auto& waiter = claims_[index];
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    const auto& other = claims_[i];
    if (i == index || other.array != waiter.array) continue;
    const bool granted = other.state == ClaimState::granted && other.mode != ClaimMode::view;
    const bool ahead = other.state == ClaimState::waiting && other.ticket < waiter.ticket;
    if ((granted || ahead) && conflicts<AllRules>(range_of(waiter), range_of(other), geometry(waiter.array))) out.push_back(i);
  }
  return out;
}

namespace {

/// Breadth-first from a waiting claim over "waits for" and "its thread waits in": the shortest path back to where it began.
///
/// The entries may be anybody's bytes, so the search is no recursion, and ends after a number of looks that a store in use does
/// not come near (it is a thousand waiters in one queue).
class Search {
 public:
  explicit Search(const WaitGraph& graph) : graph_(graph), from_(graph.claims().size(), kUnseen) {
    for (std::size_t i = 0; i < from_.size(); ++i) {
      const auto& claim = graph.claims()[i];
      if (claim.state == ClaimState::waiting) waits_[{claim.slot, claim.tid}].push_back(i);
    }
  }

  /// The claims of a circle through `start`; empty for none.
  std::vector<std::size_t> circle(std::size_t start) {
    from_[start] = start;
    std::vector<std::size_t> queue = {start};
    for (std::size_t head = 0; head < queue.size(); ++head) {
      const auto at = queue[head];
      looks_ += from_.size();
      for (const auto blocker : graph_.blockers(at)) {
        const auto& owner = graph_.claims()[blocker];
        const auto found = waits_.find({owner.slot, owner.tid});
        if (found == waits_.end()) continue;
        for (const auto next : found->second) {
          if (next == start) return path(start, at);
          if (++looks_ > kMaxLooks) return {};
          if (from_[next] != kUnseen) continue;
          from_[next] = at;
          queue.push_back(next);
        }
      }
    }
    return {};
  }

 private:
  static constexpr std::size_t kUnseen = SIZE_MAX, kMaxLooks = 1U << 22;

  std::vector<std::size_t> path(std::size_t start, std::size_t end) const {
    std::vector<std::size_t> out = {end};
    while (out.back() != start) out.push_back(from_[out.back()]);
    return out;
  }

  const WaitGraph& graph_;
  std::vector<std::size_t> from_;  ///< the claim whose blocker led here
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::size_t>> waits_;  ///< by (slot, thread)
  std::size_t looks_ = 0;
};

}  // namespace

Circle find_circle(const ClaimSystem& sys, const Waiter& from) {
  const WaitGraph graph(sys);
  const auto& claims = graph.claims();
  const auto us = std::find_if(claims.begin(), claims.end(), [&](const ClaimCopy& claim) {
    return claim.state == ClaimState::waiting && claim.slot == from.slot && claim.tid == from.tid && claim.ticket == from.ticket;
  });
  if (us == claims.end()) return {};
  const auto start = static_cast<std::size_t>(us - claims.begin());
  const auto path = Search(graph).circle(start);
  if (path.empty()) return {};
  Circle out;
  const auto age = [&](std::size_t i) { return std::tuple(claims[i].since_ns, claims[i].slot, claims[i].tid); };
  out.we_are_youngest = true;
  for (const auto i : path) {
    out.tickets.push_back(claims[i].ticket << 32 | claims[i].array);
    if (age(i) > age(start)) out.we_are_youngest = false;
  }
  std::sort(out.tickets.begin(), out.tickets.end());
  return out;
}

}  // namespace ndshare::internal
