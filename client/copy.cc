// Copy-on-write under a WRITE claim: which grains are shared, their copies, and the publish that makes them ours.
#include <algorithm>
#include <cstring>

#include "client/guard_access.h"
#include "lib/base/checked.h"
#include "lib/exec/parallel.h"
#include "lib/exec/parallel_memory.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kCopyStep = 1ULL << 20;      // of one task: see lib/exec/parallel_memory.cc
constexpr std::uint64_t kParallelBytes = 2ULL << 20;

/// Steps cut so that cores can share them.
std::vector<CopyStep> cut(const std::vector<CopyStep>& steps) {
  std::vector<CopyStep> out;
  for (auto step : steps) {
    for (; step.bytes > kCopyStep; step.to += kCopyStep, step.from += kCopyStep, step.bytes -= kCopyStep) {
      out.push_back({step.to, step.from, kCopyStep});
    }
    out.push_back(step);
  }
  return out;
}

/// What a grain must not be younger than to be shared: the highest version that a view of it, or a snapshot, names.
class Floors {
 public:
  Floors(const SharedState& state, std::uint64_t snapshots) : geometry_(state.geometry), snapshots_(snapshots), highest_(snapshots) {
    auto& session = *state.session;
    for (std::uint32_t i = 0; i < session.system().slots(); ++i) {
      const auto bits = session.system().array(state.array).holders[i / 64].load(std::memory_order_acquire);
      if ((bits >> (i % 64) & 1) == 0) continue;
      const auto entries = session.system().slot(i);
      for (std::uint32_t at = 0; at < entries.view_high; ++at) add(entries.view[at], state.array);
    }
  }
  std::uint64_t highest() const noexcept { return highest_; }
  std::uint64_t of(std::uint64_t grain) const noexcept {
    std::uint64_t floor = snapshots_;
    for (const auto& view : views_) {
      if (view.grains.first <= grain && grain < view.grains.last) floor = std::max(floor, view.version);
    }
    return floor;
  }

 private:
  struct View {
    GrainRange grains;
    std::uint64_t version;
  };
  void add(const Claim& view, std::uint32_t array) {
    const auto word = view.word.load(std::memory_order_seq_cst);
    if (claim_array(word) != array || claim_state(word) != ClaimState::granted) return;
    const auto lo = static_cast<std::int64_t>(view.lo.load()), hi = static_cast<std::int64_t>(view.hi.load());
    const View found{grains_of(lo, hi, geometry_), view.version.load()};
    highest_ = std::max(highest_, found.version);
    // Views of all rows are the rule: of those the highest says everything.
    for (auto& known : views_) {
      if (known.grains.first != found.grains.first || known.grains.last != found.grains.last) continue;
      known.version = std::max(known.version, found.version);
      return;
    }
    views_.push_back(found);
  }
  RowGeometry geometry_;
  std::uint64_t snapshots_, highest_;
  std::vector<View> views_;
};

/// Whether the claim covers the grain in part only, as the grant decided it: kAllRows covers the last one whole.
bool in_part(const Claim& entry, std::uint64_t grain, const VersionBlock& head) noexcept {
  const auto hi = static_cast<std::int64_t>(entry.hi.load(std::memory_order_relaxed));
  const auto from = entry.lo.load(std::memory_order_relaxed) * head.row_bytes, at = grain * head.grain;
  const auto to = hi == kAllRows ? UINT64_MAX : static_cast<std::uint64_t>(hi) * head.row_bytes;
  return from > at || to < at + head.grain;
}

/// Byte ranges of the data that must be copied, whole grains each, neighbours joined. A grain that others may write too is
/// copied under COPYING only: without it the grant found the grain unshared, and a view that shows up there now is one that
/// is about to be taken back (claim_protocol.h, point 9).
std::vector<Change> shared_ranges(const SharedState& state, const Claim& entry, const RefCopy& ref, const VersionBlock& head,
                                  const RowRange& rows) {
  std::vector<Change> out;
  const bool copying = (claim_flags(entry.word.load(std::memory_order_relaxed)) & kClaimCopying) != 0;
  const Floors floors(state, ref.floor);
  const auto& catalog = state.session->catalog();
  const auto grains = grains_of(rows.lo, rows.hi, state.geometry);
  const auto end = std::min(grains.last, (head.nbytes + head.grain - 1) / head.grain);
  if (grains.first >= end || catalog.oldest_birth(ref, grains.first * head.grain, end * head.grain) > floors.highest()) return out;
  for (auto grain = grains.first; grain < end; ++grain) {
    const auto at = grain * head.grain, to = std::min(at + head.grain, head.nbytes);
    if (catalog.oldest_birth(ref, at, to) > floors.of(grain) || (!copying && in_part(entry, grain, head))) continue;
    if (!out.empty() && out.back().at + out.back().bytes == at) {
      out.back().bytes += to - at;
    } else {
      out.push_back({at, to - at});
    }
  }
  return out;
}

/// What of [from, to) need not be copied because the caller will write all of it: the middle, between whole bytes of its rows.
std::vector<std::pair<std::uint64_t, std::uint64_t>> kept_parts(std::uint64_t from, std::uint64_t to, std::uint64_t lo, std::uint64_t hi,
                                                               bool overwrite) {
  if (!overwrite || hi <= from || to <= lo) return {{from, to}};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> out;
  if (from < lo) out.emplace_back(from, lo);
  if (hi < to) out.emplace_back(hi, to);
  return out;
}

}  // namespace

void copy_pieces(const std::vector<ArrayPiece>& to, const std::vector<ArrayPiece>& from) {
  std::vector<CopyStep> steps;
  std::size_t i = 0, j = 0;
  std::uint64_t done_to = 0, done_from = 0, total = 0;
  while (i < to.size() && j < from.size()) {
    const auto bytes = std::min(to[i].bytes - done_to, from[j].bytes - done_from);
    if (bytes > 0) steps.push_back({to[i].data + done_to, from[j].data + done_from, bytes});
    total += bytes;
    done_to += bytes, done_from += bytes;
    if (done_to == to[i].bytes) ++i, done_to = 0;
    if (j < from.size() && done_from == from[j].bytes) ++j, done_from = 0;
  }
  if (steps.size() == 1) return parallel_copy(steps[0].to, steps[0].from, steps[0].bytes);
  if (total < kParallelBytes) {
    for (const auto& step : steps) std::memcpy(step.to, step.from, step.bytes);
    return;
  }
  const auto tasks = cut(steps);
  parallel_blocks(tasks.size(), 0, [&](std::size_t k) { std::memcpy(tasks[k].to, tasks[k].from, tasks[k].bytes); }, [] {});
}

std::uint64_t memory_for(std::uint64_t at, std::uint64_t bytes) noexcept { return at == 0 ? bytes : round_up(bytes, kPage); }

std::vector<Extent> to_extents(const std::vector<ExtentInfo>& extents) {
  std::vector<Extent> out;
  for (const auto& extent : extents) out.push_back({extent.offset, extent.bytes, 0});
  return out;
}

namespace {

/// Copies the parts of one shared range into the granted memory that starts at `skip` in `fresh`.
void copy_range(ClientSession& session, std::span<const Extent> table, const std::vector<Extent>& fresh, std::uint64_t skip,
                const Change& range, const std::vector<std::pair<std::uint64_t, std::uint64_t>>& parts) {
  for (const auto& [from, to] : parts) {
    const auto at = skip + (from - range.at);
    const auto target = session.pool().pieces(fresh, at, at + (to - from), Mapping::Access::read_write);
    std::vector<std::unique_ptr<OpenPages>> open;
    if (session.guard_pages().enabled()) {
      for (const auto& piece : target) {
        open.push_back(std::make_unique<OpenPages>(session.guard_pages(), piece.data, static_cast<std::int64_t>(piece.bytes)));
      }
    }
    copy_pieces(target, session.pool().pieces(table, from, to, Mapping::Access::read_only));
    session.table().count(SlotCounter::unshared_bytes, to - from);
  }
}

}  // namespace

void unshare(const SharedState& state, Claim& entry, const RowRange& rows, bool overwrite, RefCopy& ref, Deadline deadline) {
  auto& session = *state.session;
  VersionBlock head;
  if (!session.catalog().pinned_head(ref, head)) throw Error(ErrorCode::Damaged, "the store's catalog is damaged: a version's block");
  const auto ranges = shared_ranges(state, entry, ref, head, rows);
  if (ranges.empty()) return;
  std::uint64_t total = 0;
  for (const auto& range : ranges) total += range.bytes;
  const auto wait = std::min(deadline, session.deadline({}));
  const auto granted = session.request_memory(MemoryRequest{state.id(), memory_for(ranges.front().at, total)}, wait);
  try {
    const auto fresh = to_extents(granted.extents);
    const auto lo = static_cast<std::uint64_t>(rows.lo) * head.row_bytes, hi = static_cast<std::uint64_t>(rows.hi) * head.row_bytes;
    CommitRequest commit{state.id(), granted.extents, ranges, -1, false, 0, 0};
    std::uint64_t skip = 0, room = 0;
    for (const auto& extent : fresh) room += extent.bytes;
    for (auto& range : commit.changes) {
      const auto parts = kept_parts(range.at, range.at + range.bytes, lo, hi, overwrite);
      copy_range(session, session.catalog().pinned_extents(ref), fresh, skip, range, parts);
      if (range.at + range.bytes == head.nbytes) range.bytes = room - skip;  // the last one: to the end of its memory
      skip += range.bytes;
    }
    // From the commit on, rows that were not copied hold anything: until they are written a sweep has to mark them.
    if (overwrite) session.claims().mark_unwritten(entry);
    session.request(commit, wait);
  } catch (...) {
    session.return_memory(granted.extents);
    throw;
  }
  if (!session.catalog().read_ref_into(state.array, ref) || ref.array_gen != state.array_gen) state.removed();
}

}  // namespace ndshare::internal
