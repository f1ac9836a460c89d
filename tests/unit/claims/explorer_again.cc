// Scenarios of grants without the mutex: READ and VIEW of clients that know the array.
#include "tests/unit/claims/explorer_scripts.h"

namespace ndshare::internal::model {
namespace {

/// Every slot's bits are still set.
constexpr Setup kMarked{.rows = 4, .grain_rows = 2, .stale_holders = true, .stale_claimants = true};

/// Readers and writers: in every order of bits that are set and cleared.
void add_reads(std::vector<Scenario>& out) {
  const std::vector<Op> clears{write(0, 1), read(1, 2), write(0, 1)};  // the reader's bit, its own, and the reader's
  out.push_back(
      {"reads again", {reader(0, {read_again(0, 2)}), client(1, {write(0, 1)})}, kThreeKill, kFourKill, kMarked});
  out.push_back({"reads again after a first read",
                 {client(0, {read_again(0, 2), read_again(0, 2)}), client(1, {write(0, 1)})},
                 kTwoKill,
                 kThreeKill});
  out.push_back(
      {"reads again after a clear", {reader(0, {read_again(0, 1)}), client(1, clears)}, kFour, kFourKill, kMarked});
  out.push_back({"another reader clears",
                 {reader(0, {read_again(0, 1)}), client(1, {write(0, 1), write(0, 1)}), client(2, {read(1, 2)})},
                 kTwo,
                 kThreeKill,
                 kMarked});
  out.push_back({"two read again",
                 {reader(0, {read_again(0, 1)}), reader(2, {read_again(0, 2)}), client(1, {write(0, 1)})},
                 kTwo,
                 kThreeKill,
                 kMarked});
  out.push_back({"another thread marks",
                 {reader(0, {read_again(0, 1)}), client(0, {read(0, 1)}), client(1, {write(0, 1)})},
                 kTwo,
                 kThreeKill});
  Script heir = client(0, {read_again(0, 1), read_again(0, 1)});
  heir.heir = true;
  out.push_back({"the next client reads again",
                 {reader(0, {read_again(0, 1)}), client(1, {write(0, 1)}), heir},
                 kTwoKill,
                 kThreeKill,
                 kMarked});
}

/// Views, which writers share with.
void add_views(std::vector<Scenario>& out) {
  const Setup snapshot{.rows = 4, .grain_rows = 2, .floor = 1, .stale_holders = true, .stale_claimants = true};
  const std::vector<Op> clears{write(0, 1), read(1, 2), write(0, 1)};
  out.push_back(
      {"views again", {reader(0, {view_again(0, 2)}), client(1, {write(0, 1)})}, kThreeKill, kFourKill, kMarked});
  out.push_back(
      {"views again after a clear", {reader(0, {view_again(0, 1)}), client(1, clears)}, kThree, kFourKill, kMarked});
  out.push_back({"another thread marks a view",
                 {reader(0, {view_again(0, 1)}), client(0, {view(0, 1)}), client(1, {write(0, 1)})},
                 kTwo,
                 kThreeKill});
  const std::vector<Op> keeps_a_bit{{Do::keep_view, 2, 4}, view_again(0, 2)};
  out.push_back({"a view that is taken back",
                 {reader(0, keeps_a_bit), client(1, {write(0, 1)}), client(2, {write(1, 2)})},
                 kTwo,
                 kFour,
                 kMarked});
  out.push_back({"views again, and copying writers",
                 {reader(0, {view_again(0, 4)}), client(1, {write(0, 3)}), client(2, {write(3, 4)})},
                 kTwo,
                 kThree,
                 snapshot});
}

/// Versions that are published, retired and freed; names; the daemon.
void add_roots(std::vector<Scenario>& out) {
  const auto both = reader(0, {view_again(0, 4), read_again(0, 2)});
  out.push_back({"reads again, and update",
                 {reader(0, {read_again(0, 4)}), client(1, {update(0, 1), read(2, 3)})},
                 kTwoKill,
                 kThreeKill,
                 kMarked,
                 1});
  out.push_back(
      {"views again, and update", {both, client(1, {update(0, 1), write(0, 1)})}, kTwo, kThreeKill, kMarked, 2});
  out.push_back(
      {"views again, and a snapshot", {both, client(1, {{Do::snapshot}, write(0, 1)})}, kTwo, kThreeKill, kMarked, 1});
  out.push_back({"reads again, and lengths",
                 {reader(0, {read_again(0, 8)}), client(1, {{Do::shrink, 0, 3}, {Do::append, 0, 1}})},
                 kTwo,
                 kThreeKill,
                 kMarked,
                 1});
  const Budget kill_daemon{.preemptions = 2, .daemon_kills = 1};
  const Budget kill_both{.preemptions = 3, .kills = 1, .daemon_kills = 1};
  out.push_back({"reads again, the daemon is killed",
                 {reader(0, {view_again(0, 4)}), client(1, {update(0, 1)})},
                 kill_daemon,
                 kill_both,
                 kMarked,
                 2});
  out.push_back(
      {"reads a removed array again", {both, client(1, {{Do::remove}})}, kThreeKill, kFourKill, kMarked, 2, true});
  Scenario alone{"reads again, no daemon",
                 {reader(0, {read_again(0, 1)}), client(1, {write(0, 1), write(0, 1)})},
                 kTwoKill,
                 kThreeKill,
                 kMarked};
  alone.no_daemon = true;
  out.push_back(alone);
}

}  // namespace

void add_again(std::vector<Scenario>& out) {
  add_reads(out);
  add_views(out);
  add_roots(out);
}

/// Without the look before, the own bit comes first and the writers second; without the look again, the other way
/// round.
void add_again_mutants(std::vector<Mutant>& out) {
  using R = ClaimRule;
  const std::string again = "reads again", clear = "reads again after a clear", marks = "another thread marks";
  const std::string views = "views again after a clear", view_marks = "another thread marks a view";
  const std::string conflict = "two grants conflict", change = "rows change under a reader";
  out.push_back(without(R::unlocked_sees_writers, "unlocked_sees_writers", again, conflict));
  out.push_back(without(R::unlocked_looks_before, "unlocked_looks_before", clear, conflict));
  out.push_back(without(R::unlocked_is_marked, "unlocked_is_marked", clear, conflict));
  out.push_back(without(R::unlocked_looks_again, "unlocked_looks_again", marks, conflict));
  out.push_back(without(R::unlocked_is_current, "unlocked_is_current", "reads a removed array again", "freed version"));
  out.push_back(harm_without(R::unlocked_sees_writers, "unlocked_sees_writers", again, change));
  out.push_back(harm_without(R::unlocked_looks_before, "unlocked_looks_before", clear, change));
  out.push_back(harm_without(R::unlocked_is_marked, "unlocked_is_marked", clear, change));
  out.push_back(harm_without(R::unlocked_looks_again, "unlocked_looks_again", marks, change, 1));
  out.push_back(harm_without(R::unlocked_looks_before, "unlocked_looks_before of a view", views, change, 1));
  out.push_back(harm_without(R::unlocked_is_marked, "unlocked_is_marked of a view", views, change));
  out.push_back(harm_without(R::unlocked_looks_again, "unlocked_looks_again of a view", view_marks, change, 1));
  out.push_back(
      model_without(ModelRule::edges_by_grant, "edges_by_grant", "a view that is taken back", "finished write", 2));
}

}  // namespace ndshare::internal::model
