/// Short names for what scenarios are made of. Between explorer_scenarios.cc and explorer_again.cc only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/claims/explorer_scenarios.h"

namespace ndshare::internal::model {

inline constexpr Budget kTwo{.preemptions = 2}, kThree{.preemptions = 3}, kFour{.preemptions = 4};
inline constexpr Budget kTwoKill{.preemptions = 2, .kills = 1}, kThreeKill{.preemptions = 3, .kills = 1},
    kFourKill{.preemptions = 4, .kills = 1};

inline Script client(int slot, std::vector<Op> ops) { return {slot, std::move(ops)}; }
/// A client that has read the array before.
inline Script reader(int slot, std::vector<Op> ops) { return {slot, std::move(ops), false, true}; }

inline Op read(int lo, int hi) { return {Do::read, lo, hi}; }
inline Op view(int lo, int hi) { return {Do::view, lo, hi}; }
inline Op read_again(int lo, int hi) { return {Do::read_again, lo, hi}; }
inline Op view_again(int lo, int hi) { return {Do::view_again, lo, hi}; }
inline Op write(int lo, int hi) { return {Do::write, lo, hi}; }
inline Op update(int lo, int hi) { return {Do::update, lo, hi}; }

inline Mutant without(ClaimRule rule, std::string name, std::string where, std::string violation) {
  return {std::move(name), {rule, {}, false}, std::move(where), std::move(violation)};
}
/// The same, seen in what becomes of the data.
inline Mutant harm_without(ClaimRule rule, std::string name, std::string where, std::string violation, int more = 0) {
  return {std::move(name) + " in the data", {rule, {}, true}, std::move(where), std::move(violation), more};
}
inline Mutant model_without(ModelRule rule, std::string name, std::string where, std::string violation, int more = 0) {
  return {std::move(name), {{}, rule, false}, std::move(where), std::move(violation), more};
}

/// Of grants without the mutex.
void add_again(std::vector<Scenario>& out);
void add_again_mutants(std::vector<Mutant>& out);

}  // namespace ndshare::internal::model
