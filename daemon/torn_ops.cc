// Torn rows: marked when a writer in place is swept or gives up, taken off when somebody mended or rewrote them.
#include <map>

#include <ndshare/error.h>

#include "daemon/changing.h"
#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "daemon/sweeper.h"
#include "daemon/torn_ranges.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/wall_clock.h"

namespace ndshare::internal {
namespace {

/// The length of the slowest axis.
std::int64_t rows_of(const VersionBlock& block) noexcept {
  const auto shape = shape_of(block);
  if (shape.empty()) return 1;
  return block.order == 0 ? shape.front() : shape.back();
}

}  // namespace

/// A new list under a new root; the rest of the version is as it was. `slot`, `sequence`: whose request it answers (0: none's).
void EngineImpl::store_torn(const Current& array, const TornRanges& ranges, SlotRef slot, std::uint64_t sequence) {
  const auto torn = heap_.write_torn(array.index, ranges);
  try {
    Transaction change(writer_);
    auto values = array.values();
    values.torn = torn;
    change.set_ref(array.index, values);
    if (sequence != 0) change.answers(slot.index, slot.gen, sequence);
    crash_point("torn.written");
    commit(change);
  } catch (...) {
    heap_.free_block(torn);
    throw;
  }
  if (array.torn != 0) reclaimer_.add_meta(array.index, array.array_gen, array.version(), array.torn);
}

/// Step 1 of a sweep: before the entries are freed, so that nobody is granted rows that are half written without being told.
/// A second sweep of the same slot finds the marks there already.
void EngineImpl::tear_writes(SlotRef slot) {
  const auto& words = writer_.slot(slot.index);
  if ((words.uid_role.load() & 0xFF) != 0) return;  // it had no writable map
  std::vector<ClaimCopy> claims;
  collect_claims(sync_.claims(slot.index), claims);
  for (const auto& claim : claims) {
    const bool writer = claim.mode == ClaimMode::write || claim.mode == ClaimMode::update;
    if (claim.state != ClaimState::granted || !writer || claim.array >= header().records_high.load()) continue;
    const auto array = current(claim.array);
    if (array.root == 0 || array.array_gen != claim.array_gen || array.building()) continue;
    if ((array.flags & kArraySealed) != 0) continue;  // it died between the grant and its look at the flags: nothing was written
    if (claim.mode == ClaimMode::write && (claim.flags & kClaimClean) == 0) {
      const auto rows = rows_of(heap_.version(array.block));
      const TornRange mark{std::max<std::int64_t>(claim.lo, 0), std::min(claim.hi, rows), words.pid.load(), unix_now_ns()};
      const auto before = heap_.torn(array.torn);
      const bool known = std::any_of(before.begin(), before.end(), [&](const TornRange& one) {
        return one.lo <= mark.lo && mark.hi <= one.hi && one.pid == mark.pid;
      });
      if (!known && mark.lo < mark.hi) {
        store_torn(array, with_torn(before, mark), slot, 0);
        note(EventKind::torn, slot, {static_cast<std::uint64_t>(mark.lo), static_cast<std::uint64_t>(mark.hi), 0}, name_of(heap_.meta(array.meta)));
        log_warn("rows " + std::to_string(mark.lo) + " to " + std::to_string(mark.hi) + " of '" +
                 printable(name_of(heap_.meta(array.meta))) + "' are torn: process " + std::to_string(mark.pid) +
                 " ended while it wrote them");
      }
    }
    content_changed(array.index);  // what it changed and did not live to announce
    crash_point("sweep.tear");
  }
}

void EngineImpl::mend(SlotRef slot, std::uint64_t sequence, const MendRequest& request) {
  const auto& words = check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  const Changing changing(sync_.claims(slot.index), sequence);
  const auto array = find_id(slot, request.id);
  require_claim(slot, array, {ClaimMode::write});
  const auto rows = rows_of(heap_.version(array.block));
  const auto lo = std::clamp<std::int64_t>(request.lo, 0, rows), hi = std::clamp<std::int64_t>(request.hi, 0, rows);
  const auto before = heap_.torn(array.torn);
  const auto after = request.torn ? with_torn(before, {lo, hi, words.pid.load(), unix_now_ns()}) : without_torn(before, lo, hi);
  store_torn(array, after, slot, sequence);
  note(EventKind::repair, slot, {static_cast<std::uint64_t>(lo), static_cast<std::uint64_t>(hi), request.torn ? 1U : 0U}, name_of(heap_.meta(array.meta)));
}

void EngineImpl::content_changed(std::uint32_t record) noexcept {
  auto& words = sync_.array(record);
  words.revision.fetch_add(1, std::memory_order_seq_cst);
  bump_and_wake(words.event, false);
}

std::vector<std::string> EngineImpl::written_arrays(SlotRef slot) const {
  std::vector<std::string> out;
  if (!is_live(slot)) return out;
  std::vector<ClaimCopy> claims;
  collect_claims(sync_.claims(slot.index), claims);
  for (const auto& claim : claims) {
    if (claim.state != ClaimState::granted || claim.mode != ClaimMode::write || claim.array >= header().records_high.load()) continue;
    const auto array = current(claim.array);
    if (array.root == 0 || array.array_gen != claim.array_gen) continue;
    std::string name(name_of(heap_.meta(array.meta)));
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
  }
  return out;
}

}  // namespace ndshare::internal
