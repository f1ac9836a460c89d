/// What the explorer explores, and which scenario shows what goes wrong without which rule.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/claims/explorer_model.h"

namespace ndshare::internal::model {

const std::vector<Scenario>& scenarios();
const Scenario& scenario_named(const std::string& name);

/// A rule, where it is missed, and as what.
struct Mutant {
  std::string name;
  Dropped dropped;
  std::string where, violation;
  int more = 0;  ///< preemptions, than the scenario has
};
const std::vector<Mutant>& mutants();

}  // namespace ndshare::internal::model
