#include "tests/unit/claims/explorer_model.h"

namespace ndshare::internal::model {
namespace {

/// One entry as reclaim sees it: as collect_claims() copies it and ClaimScan compares it.
struct Seen {
  std::uint32_t array = 0;
  std::uint64_t gen = 0, version = 0;
  ClaimMode mode = ClaimMode::read;
};

struct Scan {
  Seen seen[kSlots * (kLocks + kViews)];
  int count = 0;

  void collect(const Entry* table, std::uint32_t high) {
    for (std::uint32_t i = 0; i < high; ++i) {
      const auto word = table[i].word.load(std::memory_order_seq_cst);
      const auto state = claim_state(word);
      if (state == ClaimState::free || (state == ClaimState::trying && !keeps(ModelRule::trying_pins))) continue;
      auto& one = seen[count++];
      one.array = claim_array(word), one.mode = claim_mode(word);
      one.gen = table[i].array_gen.load(std::memory_order_acquire);
      one.version = table[i].version.load(std::memory_order_seq_cst);
    }
  }
  bool pins(std::uint64_t gen, std::uint64_t from, std::uint64_t to) const {
    for (int i = 0; i < count; ++i) {
      const auto& one = seen[i];
      if (one.array != kArray || one.gen != gen || one.version > to) continue;
      const bool later =
          (one.mode == ClaimMode::write || one.mode == ClaimMode::update) && keeps(ModelRule::writers_keep_later);
      if (later || one.version >= from) return true;
    }
    return false;
  }
  bool names_array() const {
    for (int i = 0; i < count; ++i) {
      if (seen[i].array == kArray) return true;
    }
    return false;
  }
};

/// A daemon that was killed left only what is shared: the first thing the next one does.
void begin_daemon() {
  search().point();
  if (world.daemon_down == 0) return;
  world.rebuild();
  world.daemon_down = 0, world.daemon_busy = 0;
}

void collect_all(Scan& scan) {
  for (auto& slot : world.slots) {
    scan.collect(slot.lock, slot.lock_high.load(std::memory_order_seq_cst));
    scan.collect(slot.view, slot.view_high.load(std::memory_order_seq_cst));
  }
}

void free_what_nothing_keeps(const Scan& scan) {
  for (int i = 0; i < static_cast<int>(world.next_table); ++i) {
    const auto& table = world.tables[i];
    if (!world.retires(i) || table.kept != 0 || scan.pins(table.gen, table.version, table.to)) continue;
    if (!step_rules.none) search().point();
    world.free_table(i);
  }
}

void check_index_is_free() {
  for (const auto& slot : world.slots) {
    for (const auto& entry : slot.lock) {
      const auto state = claim_state(entry.word.peek());
      if (tentative_of(entry).active != 0)
        continue;  // one that the last array's root was known to: it will be taken back
      if (state == ClaimState::granted || state == ClaimState::waiting)
        search().fail("an index is used again while an entry names it");
    }
  }
}

/// Rows that the dead may have half written, made known before their entries are freed.
void publish_torn(int slot) {
  auto& one = world.slots[slot];
  const auto high = one.lock_high.load(std::memory_order_seq_cst);
  for (std::uint32_t i = 0; i < high; ++i) {
    const auto& entry = one.lock[i];
    const auto word = entry.word.load(std::memory_order_seq_cst);
    const bool writer = claim_state(word) == ClaimState::granted && claim_mode(word) == ClaimMode::write;
    const bool whole = (claim_flags(word) & (kClaimCopying | kClaimClean)) != 0 && keeps(ModelRule::clean_is_whole);
    if (!writer || whole || world.current().array_gen != entry.array_gen.load(std::memory_order_acquire)) continue;
    const auto held = held_of(entry);
    search().point();
    world.arrays[kArray].revision.fetch_add(1, std::memory_order_release);
    world.publish({.torn_set = mask_of(static_cast<int>(held.lo), table_rows(held.hi))});
  }
}

void free_slot(int slot) {
  auto& one = world.slots[slot];
  one.lock_high.store(0, std::memory_order_seq_cst);
  one.view_high.store(0, std::memory_order_seq_cst);
  search().point();
  one.lock_used = 0, one.view_used = 0, one.dead = 0, one.generation = 1;
  for (auto& grant : one.tentative) grant.active = 0;
}

}  // namespace

bool end_is_shared(int table, int grain) {
  step_rules.none = true;  // all of it one step: reclaim's own steps are the reclaimer's
  Scan scan;
  collect_all(scan);
  free_what_nothing_keeps(scan);
  step_rules.none = false;
  bool shared = false;
  for (int i = 0; i < static_cast<int>(world.next_table); ++i) {
    const auto& other = world.tables[i];
    const bool has = i != table && other.alive != 0 && grain < other.grains;
    shared = shared || (has && other.extent[grain] == world.tables[table].extent[grain]);
  }
  search().observe(shared ? 1 : 0);
  return shared;
}

void reclaimer_thread(int) {
  begin_daemon();
  while (world.passes < scenario->reclaims) {
    search().wait_until([] { return world.daemon_busy == 0 && (world.any_retired() || world.index_pending != 0); },
                        true);
    search().forget(0);
    world.daemon_busy = 1;
    Scan scan;
    collect_all(scan);
    free_what_nothing_keeps(scan);
    const bool unused = !scan.names_array() || !keeps(ModelRule::index_waits);
    if (world.index_pending != 0 && unused && scenario->recreate) {
      search().point();
      check_index_is_free();
      world.index_pending = 0;
      world.create(scenario->setup.rows);
    }
    world.passes = static_cast<std::uint8_t>(world.passes + 1);
    world.daemon_busy = 0;
  }
  search().done();
}

void sweeper_thread(int) {
  begin_daemon();
  search().wait_until([] { return world.daemon_busy == 0; });
  world.daemon_busy = 1;
  ModelSystem system;
  ModelProtocol protocol(system, 0, 0);
  const bool early = ModelSystem::rule(ClaimRule::torn_before_free);
  for (int slot = 0; slot < kSlots; ++slot) {
    if (world.slots[slot].dead == 0) continue;
    if (early) publish_torn(slot);
    search().point();
    for (auto& extent : world.extents) {
      if (extent.granted_to == slot + 1) extent.granted_to = 0;
    }
    world.sweep_extents();
    protocol.sweep(static_cast<std::uint32_t>(slot), 1, kArrays, [] {});
    if (!early) publish_torn(slot);
    free_slot(slot);
  }
  world.daemon_busy = 0;
  search().done();
}

}  // namespace ndshare::internal::model
