#include "tests/unit/claims/explorer_model.h"

#include <cstring>

namespace ndshare::internal::model {
namespace {

World at_start;  // as set_up() left it

void reset() {
  std::memcpy(static_cast<void*>(&world), &at_start, sizeof world);
  int index = 0;
  for (const auto& client : scenario->clients) search().start(index++, client.slot, client_thread);
  if (scenario->setup.dead) search().start(kSweeper, Search::kDaemon, sweeper_thread);
  if (scenario->reclaims > 0) search().start(kReclaimer, Search::kDaemon, reclaimer_thread);
}

void killed(int slot) {
  world.client_died(slot);
  if (!scenario->no_daemon) search().start(kSweeper, Search::kDaemon, sweeper_thread);
}

bool any_dead() {
  for (const auto& slot : world.slots) {
    if (slot.dead != 0) return true;
  }
  return false;
}

void daemon_killed() {
  world.daemon_down = 1;
  for (auto& table : world.tables) table.to = 0;
  search().kill_threads(Search::kDaemon);
  search().start(kReclaimer, Search::kDaemon, reclaimer_thread);
  if (any_dead()) search().start(kSweeper, Search::kDaemon, sweeper_thread);
}

/// Without a daemon: slices pass, so that dead owners are found; when that helps nobody, the daemon comes back.
bool stuck() {
  constexpr int kSlices = 3;
  if (!scenario->no_daemon || !any_dead() || search().is_live(kSweeper) || world.passes > kSlices) return false;
  world.passes = static_cast<std::uint8_t>(world.passes + 1);
  if (world.passes <= kSlices) {
    search().wake_everybody();
    return true;
  }
  for (int i = 0; i < kReclaimer; ++i) {
    if (search().sleeps_on(i, &world.arrays[kArray].mutex))
      search().fail("the mutex of a dead owner is not taken over");
  }
  search().start(kSweeper, Search::kDaemon, sweeper_thread);
  return true;
}

void ended() {
  step_rules.none = true;
  world.check_end();
  // Nothing holds anything any more: what is retired can go, and nothing else was kept.
  for (int i = 0; i < static_cast<int>(world.next_table); ++i) {
    if (world.tables[i].alive != 0 && world.retires(i) && world.tables[i].kept == 0) world.tables[i].alive = 0;
  }
  for (auto& extent : world.extents) {
    if (extent.granted_to != 0) search().fail("an extent is granted to nobody");
  }
  world.sweep_extents();
  step_rules.none = false;
}

}  // namespace

Outcome explore(const Scenario& which, const Dropped& dropped, bool thorough) {
  scenario = &which;
  dropped_rule = dropped.claim ? static_cast<int>(*dropped.claim) : -1;
  dropped_model_rule = dropped.model;
  check_table = !dropped.table_check;
  owners_can_die = which.no_daemon;
  step_rules = {false, thorough};
  search().start(0, 0, [](int) {});  // set_up() observes as a thread does
  world.set_up(which.setup);
  std::memcpy(static_cast<void*>(&at_start), &world, sizeof world);
  const Actions actions{reset, killed, daemon_killed, stuck, ended};
  return search().run(actions, thorough ? which.long_budget : which.budget, thorough ? 8'000'000 : 4'000'000);
}

}  // namespace ndshare::internal::model
