/// Every schedule within a budget of the scenarios: with all rules kept nothing goes wrong, and no rule can be left
/// out. NDSHARE_LONG=1: a larger budget, and every word of a claim is a step.

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/unit/claims/explorer_scenarios.h"

namespace ndshare::internal::model {
namespace {

bool thorough() { return std::getenv("NDSHARE_LONG") != nullptr; }

std::string text_of(const Outcome& outcome) {
  std::string out = outcome.violation;
  for (const auto& line : outcome.trace) out += "\n  " + line;
  return out;
}

void report(const std::string& name, const Outcome& outcome) {
  std::printf("  %-34s %9llu executions %11llu steps %10llu states%s\n", name.c_str(),
              static_cast<unsigned long long>(outcome.executions), static_cast<unsigned long long>(outcome.steps),
              static_cast<unsigned long long>(outcome.states), outcome.complete ? "" : " (cut short)");
}

std::string test_name(std::string name) {
  for (auto& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

class ScenarioTest : public ::testing::TestWithParam<Scenario> {};

TEST_P(ScenarioTest, NothingGoesWrong) {
  const auto outcome = explore(GetParam(), {}, thorough());
  report(GetParam().name, outcome);
  EXPECT_EQ(outcome.violation, "") << text_of(outcome);
  EXPECT_TRUE(outcome.complete || thorough());
  EXPECT_GT(outcome.executions, 10U);
}

INSTANTIATE_TEST_SUITE_P(Explorer, ScenarioTest, ::testing::ValuesIn(scenarios()),
                         [](const auto& of) { return test_name(of.param.name); });

class MutantTest : public ::testing::TestWithParam<Mutant> {};

TEST_P(MutantTest, IsCaught) {
  const auto& mutant = GetParam();
  auto scenario = scenario_named(mutant.where);
  scenario.budget.preemptions += mutant.more;
  const auto outcome = explore(scenario, mutant.dropped, false);
  report("without " + mutant.name, outcome);
  EXPECT_NE(outcome.violation, "");
  EXPECT_NE(outcome.violation.find(mutant.violation), std::string::npos) << text_of(outcome);
}

INSTANTIATE_TEST_SUITE_P(Explorer, MutantTest, ::testing::ValuesIn(mutants()),
                         [](const auto& of) { return test_name(of.param.name); });

}  // namespace
}  // namespace ndshare::internal::model
