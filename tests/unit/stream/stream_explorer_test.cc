/// Every schedule within a budget: with all rules kept nothing goes wrong, and no rule can be left out.

#include <cstdio>

#include <gtest/gtest.h>

#include "tests/unit/stream/stream_model.h"

namespace ndshare::internal::model {
namespace {

constexpr Script producer(std::uint8_t count, bool closes) { return {Role::producer, count, closes}; }
constexpr Script kConsumer{Role::consumer, 0, false}, kCloser{Role::closer, 0, false};
constexpr RingOptions queue(std::uint32_t depth) { return {depth, 0, false, false}; }
constexpr RingOptions broadcast(std::uint32_t depth, bool skip) { return {depth, 0, true, skip}; }

std::vector<StreamScenario> scenarios() {
  return {
      {"queue_two_consumers", queue(2), {producer(2, true), kConsumer, kConsumer}, {.preemptions = 2, .kills = 1}},
      {"queue_in_order", queue(2), {producer(3, true), kConsumer}, {.preemptions = 4}},
      {"queue_full", queue(1), {producer(2, true), kConsumer}, {.preemptions = 3, .kills = 1}},
      {"queue_two_producers",
       queue(1),
       {producer(1, false), producer(1, false), kConsumer},
       {.preemptions = 2, .kills = 1}},
      {"queue_left_by_its_producer",
       queue(2),
       {producer(1, false), kConsumer, kConsumer},
       {.preemptions = 2, .kills = 1}},
      {"queue_closed_by_another", queue(2), {producer(2, false), kCloser, kConsumer}, {.preemptions = 3}},
      {"broadcast_hold",
       broadcast(1, false),
       {producer(2, true), kConsumer, kConsumer},
       {.preemptions = 2, .kills = 1}},
      {"broadcast_skip", broadcast(1, true), {producer(2, true), kConsumer}, {.preemptions = 3, .kills = 1}},
  };
}

StreamScenario named(const std::string& name) {
  for (auto& scenario : scenarios()) {
    if (scenario.name == name) return scenario;
  }
  return {};
}

std::string text_of(const Outcome& outcome) {
  std::string out = outcome.violation;
  for (const auto& line : outcome.trace) out += "\n  " + line;
  return out;
}

class StreamScenarioTest : public ::testing::TestWithParam<StreamScenario> {};

TEST_P(StreamScenarioTest, NothingGoesWrong) {
  const auto outcome = explore_stream(GetParam(), -1);
  std::printf("  %-26s %9llu executions %11llu steps%s\n", GetParam().name.c_str(),
              static_cast<unsigned long long>(outcome.executions), static_cast<unsigned long long>(outcome.steps),
              outcome.complete ? "" : " (cut short)");
  EXPECT_EQ(outcome.violation, "") << text_of(outcome);
  EXPECT_GT(outcome.executions, 10U);
}
INSTANTIATE_TEST_SUITE_P(Explorer, StreamScenarioTest, ::testing::ValuesIn(scenarios()),
                         [](const auto& of) { return of.param.name; });

struct StreamMutant {
  std::string name;
  StreamRule rule;
  std::string where, violation;
};

class StreamMutantTest : public ::testing::TestWithParam<StreamMutant> {};

TEST_P(StreamMutantTest, IsCaught) {
  const auto& mutant = GetParam();
  const auto outcome = explore_stream(named(mutant.where), static_cast<int>(mutant.rule));
  EXPECT_NE(outcome.violation.find(mutant.violation), std::string::npos) << "found: " << text_of(outcome);
}

std::vector<StreamMutant> mutants() {
  return {
      {"wake_after_ready", StreamRule::wake_after_ready, "queue_full", "sleeps for ever"},
      {"ready_before_event", StreamRule::ready_before_event, "queue_full", "sleeps for ever"},
      {"closed_after_loan", StreamRule::closed_after_loan, "queue_closed_by_another", "the stream ended"},
      {"readers_after_loan", StreamRule::readers_after_loan, "broadcast_skip", "in use"},
      {"word_after_reader", StreamRule::word_after_reader, "broadcast_skip", "seen twice"},
      {"look_twice", StreamRule::look_twice, "queue_in_order", "out of order"},
      {"sweep_taken", StreamRule::sweep_taken, "queue_full", "for ever"},
      {"sweep_loaned", StreamRule::sweep_loaned, "queue_full", "for ever"},
      {"wait_for_taken", StreamRule::wait_for_taken, "queue_two_consumers", "the stream ended"},
  };
}
INSTANTIATE_TEST_SUITE_P(Explorer, StreamMutantTest, ::testing::ValuesIn(mutants()),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace ndshare::internal::model
