#include "tests/unit/claims/explorer_client.h"

#include <algorithm>

namespace ndshare::internal::model {

void ask_daemon() {
  search().wait_until([] { return world.daemon_busy == 0 && world.daemon_down == 0; });
}

Entry* take_entry(int slot, bool view) {
  auto& one = world.slots[slot];
  auto& used = view ? one.view_used : one.lock_used;
  auto& high = view ? one.view_high : one.lock_high;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(view ? kViews : kLocks); ++i) {
    if ((used >> i & 1) != 0) continue;
    used = static_cast<std::uint8_t>(used | 1U << i);
    for (auto now = high.load(std::memory_order_relaxed); now < i + 1;) {
      if (high.compare_exchange_weak(now, i + 1, std::memory_order_seq_cst)) break;
    }
    search().observe(i);
    return view ? &one.view[i] : &one.lock[i];
  }
  search().fail("the model is too small: entries");
}

namespace {

void give_back(int slot, Entry* entry) {
  auto& one = world.slots[slot];
  const bool view = entry >= one.view && entry < one.view + kViews;
  auto& used = view ? one.view_used : one.lock_used;
  used = static_cast<std::uint8_t>(used & ~(1U << (entry - (view ? one.view : one.lock))));
}

}  // namespace

/// One that knows the array has read it before: its entries are parked, its version is known.
Client::Client(int thread, const Script& script)
    : slot_(script.slot),
      tid_(static_cast<std::uint32_t>(thread + 1)),
      protocol_(system_, static_cast<std::uint32_t>(script.slot), script.heir ? 2 : 1) {
  if (!script.knows) return;
  known_ = world.ref_of(kArray, 1);
  for (const auto& op : script.ops) {
    if (op.what != Do::read_again && op.what != Do::view_again) continue;
    const auto mode = op.what == Do::view_again ? ClaimMode::view : ClaimMode::read;
    if (parked(mode) == nullptr) parked(mode) = take_entry(slot_, mode == ClaimMode::view);
  }
}

void Client::run(const Op& op) {
  switch (op.what) {
    case Do::read:
      return look(ClaimMode::read, op, false);
    case Do::view:
      return look(ClaimMode::view, op, false);
    case Do::keep_view:
      return look(ClaimMode::view, op, true);
    case Do::read_again:
      return look_again(ClaimMode::read, op);
    case Do::view_again:
      return look_again(ClaimMode::view, op);
    case Do::reread:
      return read_twice(op);
    case Do::upgrade:
      return upgrade(op);
    case Do::write:
    case Do::repair:
      return write(op);
    case Do::update:
    case Do::abandon:
      return update(op);
    case Do::append:
      return append(op.hi);
    case Do::shrink:
      return shrink(op.hi);
    case Do::snapshot:
      return snapshot();
    case Do::remove:
      return remove();
  }
}

void Client::finish() {
  for (int i = 0; i < kept_count_; ++i) {
    world.end_hold(kept_hold_[i]);
    give(*kept_[i], false);
  }
}

std::uint64_t Client::knows() const {
  std::uint64_t out = mix(mix(wish_gen_, values_), known_.version);
  for (int i = 0; i < kept_count_; ++i)
    out = mix(out, mix(reinterpret_cast<std::uintptr_t>(kept_[i]), static_cast<std::uint64_t>(kept_hold_[i])));
  for (const auto* entry : parked_) out = mix(out, reinterpret_cast<std::uintptr_t>(entry));
  return out;
}

// ---- claims

Wish Client::wish_for(ClaimMode mode, std::int64_t lo, std::int64_t hi) const {
  return {kArray, tid_, wish_gen_, {mode, false, lo, hi >= kMaxRows ? kAllRows : hi}, world.geometry()};
}

Verdict Client::take(ClaimMode mode, std::int64_t lo, std::int64_t hi, Claimed& out) {
  out.since = world.ghost.history_count - 1;
  search().observe(out.since);
  out.wish = wish_for(mode, lo, hi);
  const bool view = mode == ClaimMode::view;
  if (out.entry == nullptr) out.entry = take_entry(slot_, view);
  Blocker blocker;
  auto verdict = protocol_.acquire(*out.entry, view ? nullptr : out.entry, out.wish, patience_, out.grant, blocker);
  if (verdict == Verdict::queue) {
    auto* queue = take_entry(slot_, false);
    verdict = protocol_.acquire(*out.entry, queue, out.wish, patience_, out.grant, blocker);
    if (claim_state(queue->word.peek()) != ClaimState::free) search().fail("a queue's entry is left behind");
    put_away(queue);
  }
  if (verdict == Verdict::granted) return verdict;
  if (claim_state(out.entry->word.peek()) != ClaimState::free) search().fail("a failed claim is left behind");
  put_away(out.entry);
  if (verdict == Verdict::timeout && !search().timed_out()) search().fail("a timeout without a deadline");
  if (verdict == Verdict::gone && world.current().array_gen == wish_gen_) search().fail("gone, and it is there");
  return verdict;
}

void Client::give(Entry& entry, bool changed) {
  protocol_.release(entry, changed);
  put_away(&entry);
}

void Client::put_away(Entry* entry) {
  if (entry != parked_[0] && entry != parked_[1]) give_back(slot_, entry);
}

int Client::end_of(const Claimed& claim, int hi) { return std::min(hi, claim.grant.ref.rows); }

bool Client::is_torn(const Claimed& claim, int lo, int hi) {
  world.check_torn(claim.grant.ref, lo, hi);
  return (claim.grant.ref.torn & mask_of(lo, hi)) != 0;
}

// ---- what a script does

void Client::look(ClaimMode mode, const Op& op, bool keep) {
  Claimed claim;
  if (take(mode, op.lo, op.hi, claim) == Verdict::granted) look_at(claim, op, keep);
}

void Client::look_at(const Claimed& claim, const Op& op, bool keep) {
  const int hi = end_of(claim, op.hi);
  if (op.lo >= hi || is_torn(claim, op.lo, hi)) return give(*claim.entry, false);
  const int hold = world.begin_hold(slot_, claim.grant.ref, op.lo, hi, claim.since);
  if (keep) {
    kept_hold_[kept_count_] = hold;
    kept_[kept_count_++] = claim.entry;
    return;
  }
  search().point();
  world.end_hold(hold);
  give(*claim.entry, false);
}

/// The second READ must not queue behind a writer that waits for the first.
void Client::read_twice(const Op& op) {
  Claimed outer, inner;
  if (take(ClaimMode::read, op.lo, op.hi, outer) != Verdict::granted) return;
  if (take(ClaimMode::read, op.lo, op.hi, inner) == Verdict::granted) give(*inner.entry, false);
  give(*outer.entry, false);
}

void Client::upgrade(const Op& op) {
  Claimed outer, inner;
  if (take(ClaimMode::read, op.lo, op.hi, outer) != Verdict::granted) return;
  const auto verdict = take(ClaimMode::write, op.lo, op.hi, inner);
  if (verdict != Verdict::would_deadlock && verdict != Verdict::gone)
    search().fail("a WRITE under an own READ does not say so");
  give(*outer.entry, false);
}

int Client::copy_grain(int table, int grain, int rows) {
  ask_daemon();
  const int extent = world.take_extent(slot_);
  for (int i = 0; i < world.grain_rows && grain * world.grain_rows + i < rows; ++i) {
    search().point();
    const auto value = world.value(table, grain * world.grain_rows + i);
    search().observe(value);
    world.fill_extent(extent, i, value);
  }
  return extent;
}

/// Gives granted extents back instead of publishing them.
int Client::drop(const Publish& change) {
  for (const int extent : change.extent) {
    if (extent >= 0) world.extents[extent].granted_to = 0;
  }
  world.sweep_extents();
  return -1;
}

/// Whether a view or a snapshot shares the grain. Of grains that are covered in part this was decided at the grant:
/// what looks like a view of them since is a grant without the mutex that will be taken back, and others may write
/// there now.
bool Client::is_copied(const Claimed& claim, int grain, int lo, int hi) {
  const auto& ref = claim.grant.ref;
  const bool first = grain == world.grain_of(lo) && lo % world.grain_rows != 0;
  const bool last = grain == world.grain_of(hi - 1) && claim.wish.range.hi != kAllRows && hi % world.grain_rows != 0;
  if ((first || last) && !claim.grant.copying && keeps(ModelRule::edges_by_grant)) return false;
  const auto at = static_cast<std::uint64_t>(grain);
  const auto floor = std::max(ref.floor, protocol_.view_floor(claim.wish, {at, at + 1}, false));
  return system_.oldest_birth(ref, at, claim.wish.geometry) <= floor;
}

/// Copies the grains of [lo, hi) that a view or a snapshot shares, and has them published. Returns the table to store
/// through; -1: the array was removed.
int Client::unshare(const Claimed& claim, int lo, int hi) {
  const auto& ref = claim.grant.ref;
  Publish change;
  bool any = false;
  for (int grain = world.grain_of(lo); grain <= world.grain_of(hi - 1); ++grain) {
    if (!is_copied(claim, grain, lo, hi)) continue;
    change.extent[grain] = copy_grain(ref.table, grain, ref.rows);
    any = true;
  }
  int table = ref.table;
  if (any) {
    ask_daemon();
    if (world.current().array_gen != wish_gen_) return drop(change);
    const auto version = world.publish(change);
    table = world.versions[version].table;
    search().observe(version);
    world.check_current();
  }
  protocol_.finish_copying(*claim.entry);
  return table;
}

void Client::write(const Op& op) {
  Claimed claim;
  if (take(ClaimMode::write, op.lo, op.hi, claim) != Verdict::granted) return;
  const int hi = end_of(claim, op.hi);
  if (op.lo >= hi) return give(*claim.entry, false);
  const bool torn = is_torn(claim, op.lo, hi);
  if (torn && op.what != Do::repair) return give(*claim.entry, false);
  const int table = claim.grant.may_share ? unshare(claim, op.lo, hi) : claim.grant.ref.table;
  if (table < 0) return give(*claim.entry, false);
  if (claim_flags(claim.entry->word.peek()) != 0) search().fail("data is stored under a flagged claim");
  const auto value = next_value();
  for (int row = op.lo; row < hi; ++row) {
    search().point();
    if (row == op.lo) world.begin_storing(slot_, op.lo, hi);
    world.fill_extent(world.tables[table].extent[world.grain_of(row)], row % world.grain_rows, value);
  }
  world.finish_storing(slot_, table, op.lo, hi);
  if (torn) {
    ask_daemon();
    world.publish({.torn_clear = mask_of(op.lo, hi)});
  }
  give(*claim.entry, true);
}

void Client::update(const Op& op) {
  Claimed claim;
  if (take(ClaimMode::update, op.lo, op.hi, claim) != Verdict::granted) return;
  const auto& ref = claim.grant.ref;
  const int hi = end_of(claim, op.hi);
  if (op.lo >= hi || is_torn(claim, op.lo, hi)) return give(*claim.entry, false);
  Publish change;
  for (int grain = world.grain_of(op.lo); grain <= world.grain_of(hi - 1); ++grain) {
    change.extent[grain] = copy_grain(ref.table, grain, ref.rows);
  }
  const auto value = next_value();
  for (int row = op.lo; row < hi; ++row) {  // private until the commit: no step of their own
    world.fill_extent(change.extent[world.grain_of(row)], row % world.grain_rows, value);
  }
  ask_daemon();
  if (op.what == Do::abandon || world.current().array_gen != wish_gen_) {
    drop(change);
  } else {
    const auto version = world.publish(change);
    world.committed(world.versions[version].table, op.lo, hi);
  }
  give(*claim.entry, true);
}

void client_thread(int index) {
  const auto& script = scenario->clients[static_cast<std::size_t>(index)];
  if (script.heir) {
    search().wait_until([] { return world.slots[0].generation != 0; }, true);  // heirs are of slot 0
  }
  Client client(index, script);
  std::uint64_t at = 0;
  for (const auto& op : script.ops) {
    search().clear_timed_out();
    search().forget(mix(++at, client.knows()));
    client.run(op);
  }
  client.finish();
  search().done();
}

}  // namespace ndshare::internal::model
