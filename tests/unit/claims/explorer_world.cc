#include "tests/unit/claims/explorer_world.h"

#include <algorithm>
#include <new>
#include <string>

namespace ndshare::internal::model {
namespace {

constexpr Rows kGarbage = 0xEEEE'EEEE'EEEE'EEEEULL;

void set_weights(ModelSlot& slot) {
  const auto weigh = [](Entry& entry) {
    entry.word.weigh(Weight::claim_word);
    for (auto* field : {&entry.array_gen, &entry.hi, &entry.ticket, &entry.since_ns}) field->weigh(Weight::quiet);
    entry.tid.weigh(Weight::quiet);
  };
  for (auto& entry : slot.lock) weigh(entry);
  for (auto& entry : slot.view) weigh(entry);
  slot.lock_high.weigh(Weight::quiet);
  slot.view_high.weigh(Weight::quiet);
}

}  // namespace

void World::set_up(const Setup& setup) {
  step_rules.none = true;
  new (this) World();
  grain_rows = setup.grain_rows;
  for (auto& slot : slots) set_weights(slot);
  next_version = 1;
  create(setup.rows);
  versions[1].floor = setup.floor;
  tables[0].kept = setup.floor != 0;
  if (setup.floor != 0) begin_hold(kSlots, current(), 0, setup.rows, 0);
  if (setup.dead) {
    slots[0].dead = 1;
    slots[0].lock_high.put_quietly(1);
    slots[0].lock[0].word.put_quietly(claim_word(ClaimState::trying, ClaimMode::read, 0, kArray));
  }
  if (setup.stale_claimants) arrays[kArray].claimants.put_quietly((1U << kSlots) - 1);
  if (setup.stale_holders) arrays[kArray].holders.put_quietly((1U << kSlots) - 1);
  step_rules.none = false;
}

// ---- catalog

ModelRef World::ref_of(std::uint32_t array, std::uint64_t version) const {
  const auto& one = versions[version];
  return {array, version, one.gen, one.floor, one.torn, one.table, tables[one.table].rows};
}

/// A new array under a new array_gen, in memory of its own.
void World::create(int rows) {
  const std::uint64_t version = next_version;
  next_version = static_cast<std::uint32_t>(version) + 1;
  const std::uint32_t at = next_table;
  next_table = at + 1;
  if (version >= kMaxVersions || at >= kMaxTables) search().fail("the model is too small: versions");
  auto& table = tables[at];
  table.alive = 1, table.array = kArray, table.gen = version, table.version = version;
  table.rows = static_cast<std::uint8_t>(rows),
  table.grains = static_cast<std::uint8_t>((rows + grain_rows - 1) / grain_rows);
  for (int grain = 0; grain < table.grains; ++grain) {
    const int extent = take_extent(kSlots);
    extents[extent].birth = version, extents[extent].granted_to = 0;
    table.extent[grain] = static_cast<std::uint8_t>(extent);
    for (int i = 0; i < grain_rows; ++i)
      fill_extent(extent, i, static_cast<std::uint8_t>(0x10 + grain * grain_rows + i));
  }
  versions[version].table = static_cast<std::uint8_t>(at), versions[version].gen = version;
  ghost.now = rows_of(static_cast<int>(at));
  ghost.unknown = 0, ghost.half = 0;
  push_history();
  arrays[kArray].root.put_quietly(version);
}

/// The daemon's merge: the current table with some extents replaced, under a new version number.
std::uint64_t World::publish(const Publish& change) {
  const ModelRef old = current();
  const std::uint64_t version = next_version;
  next_version = static_cast<std::uint32_t>(version) + 1;
  const bool same_table =
      change.rows < 0 && std::all_of(std::begin(change.extent), std::end(change.extent), [](int e) { return e < 0; });
  int at = old.table;
  if (!same_table) {
    at = static_cast<int>(next_table);
    next_table = next_table + 1;
    if (version >= kMaxVersions || at >= kMaxTables) search().fail("the model is too small: versions");
    auto& table = tables[at];
    const auto& from = tables[old.table];
    const int rows = change.rows < 0 ? old.rows : change.rows;
    table.alive = 1, table.array = kArray, table.gen = old.array_gen, table.version = version;
    table.rows = static_cast<std::uint8_t>(rows),
    table.grains = static_cast<std::uint8_t>((rows + grain_rows - 1) / grain_rows);
    for (int grain = 0; grain < table.grains; ++grain) {
      const int own = change.extent[grain];
      table.extent[grain] = own >= 0 ? static_cast<std::uint8_t>(own) : static_cast<std::uint8_t>(from.extent[grain]);
      if (own >= 0) extents[own].birth = version, extents[own].granted_to = 0;
    }
    tables[old.table].to = version - 1;
  }
  auto& ref = versions[version];
  ref.table = static_cast<std::uint8_t>(at), ref.gen = old.array_gen, ref.floor = std::max(old.floor, change.floor);
  ref.torn = static_cast<std::uint8_t>((old.torn | change.torn_set) & ~change.torn_clear);
  arrays[kArray].root.put_quietly(version);
  if (search().tracing())
    search().trace("publishes version " + std::to_string(version) + ", torn " + std::to_string(ref.torn));
  return version;
}

void World::remove() {
  tables[current().table].to = UINT64_MAX;
  arrays[kArray].root.put_quietly(0);
  index_pending = 1;
}

bool World::any_retired() const {
  for (int i = 0; i < static_cast<int>(next_table); ++i) {
    if (retires(i) && tables[i].kept == 0) return true;
  }
  return false;
}

void World::free_table(int table) {
  if (search().tracing()) search().trace("frees the table of version " + std::to_string(tables[table].version));
  tables[table].alive = 0;
  sweep_extents();
}

/// An extent is free when no living table and no grant names it.
void World::sweep_extents() {
  std::uint32_t named = 0;
  for (int t = 0; t < static_cast<int>(next_table); ++t) {
    for (int grain = 0; tables[t].alive != 0 && grain < tables[t].grains; ++grain)
      named |= 1U << tables[t].extent[grain];
  }
  for (int e = 0; e < kMaxExtents; ++e) {
    auto& extent = extents[e];
    if (extent.used == 0 || (named >> e & 1) != 0 || extent.granted_to != 0) continue;
    extent.used = 0, extent.birth = 0, extent.rows = kGarbage;
  }
  check_holds();
}

/// What a new daemon knows: the blocks, and nothing of when each stopped to be current.
void World::rebuild() {
  const auto root = arrays[kArray].root.peek();
  for (int i = 0; i < static_cast<int>(next_table); ++i) {
    auto& table = tables[i];
    if (table.alive == 0) continue;
    table.to = root == 0 || versions[root].table != i ? UINT64_MAX : 0;
    for (int next = i + 1; next < static_cast<int>(next_table) && table.to == UINT64_MAX; ++next) {
      if (tables[next].alive != 0 && tables[next].gen == table.gen) table.to = tables[next].version - 1;
    }
  }
}

// ---- data

std::uint8_t World::value(int table, int row) const {
  return row_in(extents[tables[table].extent[grain_of(row)]].rows, row % grain_rows);
}

Rows World::rows_of(int table) const {
  Rows out = 0;
  for (int row = 0; row < tables[table].rows; ++row) out = with_row(out, row, value(table, row));
  return out;
}

/// The lowest free one, so that a freed extent is used again soon. Given to a slot, and in its list before it knows.
int World::take_extent(int slot) {
  for (int e = 0; e < kMaxExtents; ++e) {
    auto& extent = extents[e];
    if (extent.used != 0) continue;
    extent.used = 1, extent.granted_to = static_cast<std::uint8_t>(slot + 1), extent.rows = kGarbage;
    search().observe(static_cast<std::uint64_t>(e));
    return e;
  }
  search().fail("the model is too small: extents");
}

void World::fill_extent(int extent, int row_in_grain, std::uint8_t value) {
  if (extents[extent].used == 0) search().fail("data is stored to a freed extent");
  extents[extent].rows = with_row(extents[extent].rows, row_in_grain, value);
  if (search().tracing())
    search().trace("stores " + std::to_string(value) + " to extent " + std::to_string(extent) + " row " +
                   std::to_string(row_in_grain));
  check_holds();
}

}  // namespace ndshare::internal::model
