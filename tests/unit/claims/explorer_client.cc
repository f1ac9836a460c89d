#include <algorithm>

#include "tests/unit/claims/explorer_model.h"

namespace ndshare::internal::model {

void ask_daemon() {
  search().wait_until([] { return world.daemon_busy == 0 && world.daemon_down == 0; });
}

namespace {

using Grant = ModelProtocol::Grant;

/// The entries of a slot that are in use: what lib/shm/claim_table.h is in the product.
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

void give_back(int slot, Entry* entry) {
  auto& one = world.slots[slot];
  const bool view = entry >= one.view && entry < one.view + kViews;
  auto& used = view ? one.view_used : one.lock_used;
  used = static_cast<std::uint8_t>(used & ~(1U << (entry - (view ? one.view : one.lock))));
}

struct Claimed {
  Entry* entry = nullptr;
  Grant grant;
  Wish wish;
  std::uint32_t since = 0;  ///< of the history when it was asked for
};

class Client {
 public:
  Client(int thread, const Script& script)
      : slot_(script.slot),
        tid_(static_cast<std::uint32_t>(thread + 1)),
        protocol_(system_, static_cast<std::uint32_t>(script.slot), script.heir ? 2 : 1) {}

  void run(const Op& op) {
    switch (op.what) {
      case Do::read:
        return look(ClaimMode::read, op, false);
      case Do::view:
        return look(ClaimMode::view, op, false);
      case Do::keep_view:
        return look(ClaimMode::view, op, true);
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
  void finish() {
    for (int i = 0; i < kept_count_; ++i) {
      world.end_hold(kept_hold_[i]);
      give(*kept_[i], false);
    }
  }
  /// All that a client knows between two operations.
  std::uint64_t knows() const {
    std::uint64_t out = mix(wish_gen_, values_);
    for (int i = 0; i < kept_count_; ++i)
      out = mix(out, mix(reinterpret_cast<std::uintptr_t>(kept_[i]), static_cast<std::uint64_t>(kept_hold_[i])));
    return out;
  }

 private:
  /// Anything but a grant leaves nothing behind.
  Verdict take(ClaimMode mode, std::int64_t lo, std::int64_t hi, Claimed& out) {
    out.since = world.ghost.history_count - 1;
    search().observe(out.since);
    out.wish = {kArray, tid_, wish_gen_, {mode, false, lo, hi >= kMaxRows ? kAllRows : hi}, world.geometry()};
    const bool view = mode == ClaimMode::view;
    out.entry = take_entry(slot_, view);
    Blocker blocker;
    auto verdict = protocol_.acquire(*out.entry, view ? nullptr : out.entry, out.wish, patience_, out.grant, blocker);
    if (verdict == Verdict::queue) {
      auto* queue = take_entry(slot_, false);
      verdict = protocol_.acquire(*out.entry, queue, out.wish, patience_, out.grant, blocker);
      if (claim_state(queue->word.peek()) != ClaimState::free) search().fail("a queue's entry is left behind");
      give_back(slot_, queue);
    }
    if (verdict == Verdict::granted) return verdict;
    if (claim_state(out.entry->word.peek()) != ClaimState::free) search().fail("a failed claim is left behind");
    give_back(slot_, out.entry);
    if (verdict == Verdict::timeout && !search().timed_out()) search().fail("a timeout without a deadline");
    if (verdict == Verdict::gone && world.current().array_gen == wish_gen_) search().fail("gone, and it is there");
    return verdict;
  }
  void give(Entry& entry, bool changed) {
    protocol_.release(entry, changed);
    give_back(slot_, &entry);
  }
  /// The rows of the claim that its version has.
  static int end_of(const Claimed& claim, int hi) { return std::min(hi, claim.grant.ref.rows); }
  static bool is_torn(const Claimed& claim, int lo, int hi) {
    world.check_torn(claim.grant.ref, lo, hi);
    return (claim.grant.ref.torn & mask_of(lo, hi)) != 0;
  }

  void look(ClaimMode mode, const Op& op, bool keep);
  void read_twice(const Op& op);
  void upgrade(const Op& op);
  void write(const Op& op);
  void update(const Op& op);
  void append(int more);
  void shrink(int rows);
  void snapshot();
  void remove();
  int unshare(const Claimed& claim, int lo, int hi);
  static int drop(const Publish& change);
  int copy_grain(int table, int grain, int rows);
  int end_for(const ModelRef& ref, int row);
  std::uint8_t next_value() { return static_cast<std::uint8_t>(0x40 + tid_ * 0x20 + values_++); }

  int slot_;
  std::uint32_t tid_;
  ModelSystem system_;
  ModelPatience patience_;
  ModelProtocol protocol_;
  std::uint64_t wish_gen_ = 1;  ///< the array that there is at the beginning
  int kept_count_ = 0;
  std::uint32_t values_ = 0;
  Entry* kept_[2] = {};
  int kept_hold_[2] = {};
};

void Client::look(ClaimMode mode, const Op& op, bool keep) {
  Claimed claim;
  if (take(mode, op.lo, op.hi, claim) != Verdict::granted) return;
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

/// Copies the grains of [lo, hi) that a view or a snapshot shares, and has them published. Returns the table to store
/// through; -1: the array was removed.
int Client::unshare(const Claimed& claim, int lo, int hi) {
  const auto& ref = claim.grant.ref;
  Publish change;
  bool any = false;
  for (int grain = world.grain_of(lo); grain <= world.grain_of(hi - 1); ++grain) {
    const auto at = static_cast<std::uint64_t>(grain);
    auto claims = claim.wish;
    const auto floor = std::max(ref.floor, protocol_.view_floor(claims, {at, at + 1}, false));
    if (system_.oldest_birth(ref, at, claims.geometry) > floor) continue;
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

/// Where the rows behind the last one go: into its own grain where that is partial and nobody else's (-1), else new
/// memory.
int Client::end_for(const ModelRef& ref, int row) {
  const int grain = world.grain_of(row);
  ask_daemon();
  if (row % world.grain_rows == 0) return world.take_extent(slot_);
  const auto at = static_cast<std::uint64_t>(grain);
  const Wish wish{kArray, tid_, wish_gen_, {}, world.geometry()};
  const bool shared = keeps(ModelRule::append_asks) ? end_is_shared(ref.table, grain)
                                                    : system_.oldest_birth(ref, at, wish.geometry) <=
                                                          protocol_.view_floor(wish, {at, at + 1}, false);
  return shared ? copy_grain(ref.table, grain, row) : -1;
}

/// Longer by `more` rows.
void Client::append(int more) {
  while (true) {
    const int length = world.current().rows;
    search().observe(static_cast<std::uint64_t>(length));
    const int first = (length - 1) / world.grain_rows * world.grain_rows;
    Claimed claim;
    if (take(ClaimMode::update, first, kMaxRows, claim) != Verdict::granted) return;
    const auto& ref = claim.grant.ref;
    if (ref.rows != length) {  // somebody else was first: which grain is the last one is asked anew
      give(*claim.entry, false);
      continue;
    }
    if (is_torn(claim, first, length)) return give(*claim.entry, false);
    Publish change;
    change.rows = std::min(length + more, kMaxRows);
    const auto value = next_value();
    for (int row = length; row < change.rows; ++row) {
      int& extent = change.extent[world.grain_of(row)];
      if (row == length || row % world.grain_rows == 0) extent = end_for(ref, row);
      search().point();
      const int target = extent >= 0 ? extent : static_cast<int>(world.tables[ref.table].extent[world.grain_of(row)]);
      world.fill_extent(target, row % world.grain_rows, value);
    }
    ask_daemon();
    const auto version = world.publish(change);
    world.committed(world.versions[version].table, length, change.rows);
    return give(*claim.entry, true);
  }
}

/// To `rows` rows, in the same memory: a READ of the longer version still sees what lies behind them.
void Client::shrink(int rows) {
  Claimed claim;
  const int first = rows / world.grain_rows * world.grain_rows;
  if (take(ClaimMode::update, first, kMaxRows, claim) != Verdict::granted) return;
  if (claim.grant.ref.rows <= rows) return give(*claim.entry, false);
  ask_daemon();
  world.publish({.rows = rows});
  world.check_current();
  give(*claim.entry, true);
}

void Client::snapshot() {
  Claimed claim;
  if (take(ClaimMode::read, 0, kMaxRows, claim) != Verdict::granted) return;
  const auto& ref = claim.grant.ref;
  if (is_torn(claim, 0, ref.rows)) return give(*claim.entry, false);
  ask_daemon();
  const auto named = keeps(ModelRule::snapshot_names_claim) ? ref : world.current();
  if (named.version == 0) return give(*claim.entry, false);
  world.tables[named.table].kept = 1;
  world.begin_hold(kSlots, named, 0, named.rows, claim.since);  // for ever
  if (world.current().array_gen == wish_gen_) world.publish({.floor = named.version});
  give(*claim.entry, false);
}

void Client::remove() {
  ask_daemon();
  if (world.current().version != 0) world.remove();
}

}  // namespace

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
