#include "tests/unit/claims/explorer_scripts.h"

#include <stdexcept>

namespace ndshare::internal::model {
namespace {

/// Who waits for whom, and that everybody goes on.
void add_locks(std::vector<Scenario>& out) {
  out.push_back({"two writers", {client(0, {write(0, 1)}), client(1, {write(0, 1)})}, kThreeKill, kFourKill});
  out.push_back(
      {"writer and reader", {client(0, {write(0, 2)}), client(1, {read(1, 3), read(0, 1)})}, kThreeKill, kFourKill});
  out.push_back({"writers of their own rows",
                 {client(0, {write(0, 1), write(1, 2)}), client(1, {write(1, 2), write(0, 1)})},
                 kTwoKill,
                 kThreeKill});
  out.push_back({"a queue of three",
                 {client(0, {read(0, 1)}), client(1, {write(0, 2)}), client(2, {read(0, 2)})},
                 kTwoKill,
                 kThreeKill});
  out.push_back({"a view queues",
                 {client(0, {write(0, 1)}), client(1, {view(1, 2)}), client(2, {write(1, 2)})},
                 kTwoKill,
                 kThreeKill});
  out.push_back({"a read under a read",
                 {client(0, {{Do::reread, 0, 2}}), client(1, {write(0, 1)}), client(2, {read(0, 1)})},
                 kTwoKill,
                 kThreeKill});
  out.push_back(
      {"a write under a read", {client(0, {{Do::upgrade, 0, 2}}), client(1, {write(0, 1)})}, kTwoKill, kThreeKill});
  out.push_back({"two threads of one process",
                 {client(0, {write(0, 1)}), client(0, {write(0, 2)}), client(1, {read(0, 1)})},
                 kTwoKill,
                 kThreeKill});
  Script heir = client(0, {write(0, 1)});
  heir.heir = true;
  out.push_back({"the next client of a slot",
                 {client(0, {write(0, 1)}), client(1, {read(0, 1), write(1, 2)}), heir},
                 kTwoKill,
                 kThreeKill});
  Budget impatient{.preemptions = 1, .kills = 1, .timeouts = 1};
  Budget more = kThreeKill;
  more.timeouts = 2;
  out.push_back({"deadlines",
                 {client(0, {read(0, 1)}), client(1, {write(0, 2)}), client(2, {view(1, 2), read(0, 1)})},
                 impatient,
                 more});
}

/// What views and snapshots share is copied, and nothing is lost by that.
void add_copies(std::vector<Scenario>& out) {
  const Setup snapshot{.rows = 4, .grain_rows = 2, .floor = 1},
      one_grain{.rows = 4, .grain_rows = 4, .stale_holders = true};
  out.push_back(
      {"two copying writers", {client(0, {write(0, 1)}), client(1, {write(1, 2)})}, kThreeKill, kFourKill, snapshot});
  out.push_back({"copying across grains",
                 {client(0, {write(0, 3)}), client(1, {write(3, 4), read(2, 4)})},
                 kTwoKill,
                 kThreeKill,
                 snapshot});
  out.push_back({"a view among writers",
                 {client(0, {write(0, 1)}), client(1, {write(1, 2)}), client(2, {view(2, 3)})},
                 kThree,
                 kThreeKill,
                 one_grain});
  out.push_back({"update, view and writer of one grain",
                 {client(0, {update(0, 1)}), client(1, {write(1, 2)}), client(2, {view(0, 4)})},
                 kTwo,
                 kThreeKill,
                 one_grain,
                 1});
  out.push_back({"a kept view",
                 {client(0, {{Do::keep_view, 0, 2}, write(1, 2)}), client(1, {write(0, 1)})},
                 kTwoKill,
                 kThreeKill});
  out.push_back(
      {"views come and go", {client(0, {view(0, 1), view(1, 2)}), client(1, {write(0, 2)})}, kThreeKill, kFourKill});
  out.push_back({"a view that waited",
                 {client(0, {write(0, 1), write(1, 2)}), client(1, {view(0, 2)}), client(2, {write(3, 4)})},
                 kTwo,
                 kThree});
  out.push_back({"copying, and a reader of the rest",
                 {client(0, {write(0, 1)}), client(1, {read(1, 2), write(1, 2)})},
                 kTwoKill,
                 kThreeKill,
                 snapshot,
                 1});
}

/// Versions: published, retired, freed.
void add_versions(std::vector<Scenario>& out) {
  out.push_back(
      {"update and reader", {client(0, {update(0, 2)}), client(1, {read(0, 4)})}, kThreeKill, kFourKill, {}, 1});
  out.push_back(
      {"update and writer", {client(0, {update(0, 1)}), client(1, {write(1, 2)})}, kThreeKill, kFourKill, {}, 1});
  out.push_back({"update and copying writer",
                 {client(0, {update(0, 1)}), client(1, {write(1, 2)})},
                 kTwoKill,
                 kFourKill,
                 {.rows = 4, .grain_rows = 2, .stale_holders = true},
                 2});
  out.push_back({"two updates",
                 {client(0, {update(0, 1)}), client(1, {update(1, 3)}), client(2, {read(0, 4)})},
                 kTwo,
                 kThree,
                 {},
                 2});
  out.push_back(
      {"a dropped update", {client(0, {{Do::abandon, 0, 2}}), client(1, {write(0, 3)})}, kTwoKill, kThreeKill});
  out.push_back({"writer and later versions",
                 {client(0, {write(0, 1)}), client(1, {update(2, 4), update(2, 3)})},
                 kTwoKill,
                 kThreeKill,
                 {},
                 2});
  out.push_back({"a snapshot",
                 {client(0, {{Do::snapshot}}), client(1, {write(0, 1)}), client(2, {update(2, 3)})},
                 kTwo,
                 kThree,
                 {},
                 1});
  out.push_back(
      {"repair", {client(0, {write(0, 2)}), client(1, {{Do::repair, 0, 2}, read(0, 2)})}, kTwoKill, kThreeKill});
}

/// The daemon dies too, and knows nothing afterwards; and no daemon at all.
void add_restarts(std::vector<Scenario>& out) {
  const Budget restart{.preemptions = 2, .daemon_kills = 1}, restarts{.preemptions = 3, .kills = 1, .daemon_kills = 1};
  out.push_back({"the daemon is killed",
                 {client(0, {update(0, 1), read(0, 2)}), client(1, {view(0, 4)})},
                 restart,
                 restarts,
                 {},
                 2});
  out.push_back({"the daemon is killed in a sweep",
                 {client(0, {write(0, 1)}), client(1, {write(0, 2)})},
                 {.preemptions = 1, .kills = 1, .daemon_kills = 1},
                 restarts});
  out.push_back({"a sweep among waiters",
                 {client(1, {read(0, 1), write(0, 1)}), client(2, {write(0, 1)})},
                 kThree,
                 kFour,
                 {.dead = true}});
  Scenario alone{
      "no daemon", {client(0, {write(0, 1)}), client(1, {write(1, 2)}), client(2, {read(2, 4)})}, kTwoKill, kThreeKill};
  alone.no_daemon = true;
  out.push_back(alone);
}

/// Lengths and names.
void add_shapes(std::vector<Scenario>& out) {
  const Setup three{.rows = 3, .grain_rows = 2};
  out.push_back({"two appends",
                 {client(0, {{Do::append, 0, 2}}), client(1, {{Do::append, 0, 1}})},
                 kTwoKill,
                 kThreeKill,
                 three,
                 1});
  out.push_back({"append, view and writer",
                 {client(0, {{Do::append, 0, 1}}), client(1, {view(0, 8)}), client(2, {write(2, 3)})},
                 kTwo,
                 kThreeKill,
                 three,
                 1});
  out.push_back({"shrink, append, reader",
                 {client(0, {{Do::shrink, 0, 3}, {Do::append, 0, 1}}), client(1, {read(0, 4)})},
                 kTwoKill,
                 kThreeKill,
                 {},
                 1});
  out.push_back({"shrink, append, view",
                 {client(0, {{Do::shrink, 0, 3}, {Do::append, 0, 1}}), client(1, {view(0, 4)})},
                 kTwoKill,
                 kThreeKill,
                 {},
                 1});
  out.push_back({"a removed array",
                 {client(0, {read(0, 2)}), client(1, {write(0, 1)}), client(2, {{Do::remove}})},
                 kTwo,
                 kThreeKill,
                 {},
                 2,
                 true});
  out.push_back({"a removed array that is copied",
                 {client(0, {write(0, 1)}), client(1, {{Do::remove}})},
                 kThreeKill,
                 kFourKill,
                 {.rows = 4, .grain_rows = 2, .floor = 1},
                 2});
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = [] {
    std::vector<Scenario> out;
    add_locks(out);
    add_copies(out);
    add_versions(out);
    add_restarts(out);
    add_shapes(out);
    add_again(out);
    return out;
  }();
  return all;
}

const Scenario& scenario_named(const std::string& name) {
  for (const auto& one : scenarios()) {
    if (one.name == name) return one;
  }
  throw std::logic_error("no scenario " + name);
}

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all = [] {
    std::vector<Mutant> out = {
        without(ClaimRule::event_before_scan, "event_before_scan", "two writers", "sleeps for ever"),
        without(ClaimRule::validate_version, "validate_version", "update and writer", "stale version"),
        without(ClaimRule::view_grains, "view_grains", "a view among writers", "two grants conflict"),
        without(ClaimRule::copying_grains, "copying_grains", "two copying writers", "two grants conflict"),
        without(ClaimRule::bits_before_scan, "bits_before_scan", "two writers", "two grants conflict"),
        without(ClaimRule::bits_after_sleep, "bits_after_sleep", "a view that waited", "rows change under a reader"),
        without(ClaimRule::keep_needed_bits, "keep_needed_bits", "a queue of three", "two grants conflict"),
        without(ClaimRule::ticket_order, "ticket_order", "a queue of three", "overtaken"),
        without(ClaimRule::release_wakes, "release_wakes", "two writers", "sleeps for ever"),
        without(ClaimRule::sweep_frees_mutex, "sweep_frees_mutex", "two writers", "mutex"),
        without(ClaimRule::sweep_wakes, "sweep_wakes", "two writers", "sleeps for ever"),
        without(ClaimRule::sweep_bump_clears, "sweep_bump_clears", "a sweep among waiters", "sleeps for ever"),
        without(ClaimRule::free_keeps_array, "free_keeps_array", "two writers", "sleeps for ever"),
        without(ClaimRule::torn_before_free, "torn_before_free", "writer and reader", "not marked torn"),
        without(ClaimRule::pin_before_validate, "pin_before_validate", "update and reader", "freed version"),
        // Each keeps a writer from copying alone what others write to: data suffers without both.
        {"view_grains and edges_by_grant in the data",
         {ClaimRule::view_grains, ModelRule::edges_by_grant, true},
         "a view among writers",
         "finished write"},
        harm_without(ClaimRule::copying_grains, "copying_grains", "two copying writers", "finished write"),
        harm_without(ClaimRule::bits_before_scan, "bits_before_scan", "writer and reader", "never current together"),
        harm_without(ClaimRule::keep_needed_bits, "keep_needed_bits", "writer and reader", "never current together"),
        model_without(ModelRule::trying_pins, "trying_pins", "update and reader", "freed version"),
        model_without(ModelRule::writers_keep_later, "writers_keep_later", "a removed array that is copied", ""),
        model_without(ModelRule::index_waits, "index_waits", "a removed array", ""),
        model_without(ModelRule::append_asks, "append_asks", "shrink, append, reader", "rows change"),
        model_without(ModelRule::clean_is_whole, "clean_is_whole", "two copying writers", "no ordinary WRITE"),
    };
    add_again_mutants(out);
    return out;
  }();
  return all;
}

}  // namespace ndshare::internal::model
