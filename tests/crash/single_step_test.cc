// A client killed between any two instructions of an operation: the store is as if it had been done, or not begun, or says
// which rows are torn; others go on at once; nothing leaks.
#include <csignal>
#include <cstdio>

#include <gtest/gtest.h>

#include "tests/crash/kill_plan.h"
#include "tests/crash/step_world.h"

namespace ndshare::test {
namespace {

constexpr Rows kOtherRows{10, 12};  ///< in another grain than the victim's

/// Instructions of an operation that are recorded (the long ones end in the unwinding of an exception).
std::size_t most() { return long_run() ? 4'000'000 : 75'000; }

class Stopped {
 public:
  explicit Stopped(pid_t pid) : pid_(pid) { ::kill(pid_, SIGSTOP); }
  ~Stopped() { ::kill(pid_, SIGCONT); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

 private:
  pid_t pid_;
};

/// A child that is connected, prepared, and stands before the operation.
std::function<int()> victim(const World& world, const Operation& operation) {
  return [&world, &operation] {
    Store store = Store::connect(world.daemon.store());
    const auto body = operation.in_child(store);
    Stepper::begin();
    body();
    Stepper::end();
    return 0;
  };
}

std::size_t open_files(pid_t pid) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) ++count;
  return count;
}

class SingleStepTest : public ::testing::TestWithParam<Operation> {
 protected:
  void SetUp() override {
    if (const auto why = Stepper::unavailable(); !why.empty()) GTEST_SKIP() << why;
    world_.emplace();
  }
  void TearDown() override {
    if (!world_) return;
    expect_as_at_first();
    world_->keeper.remove("a");
    EXPECT_TRUE(eventually([&] { return world_->words.used_bytes() == 0; })) << world_->words.used_bytes() << " bytes leaked";
  }
  /// Claims, slots, memory and descriptors are what they were before the first kill.
  void expect_as_at_first() {
    EXPECT_TRUE(swept(*world_)) << "a dead client's slot was not given back";
    EXPECT_TRUE(world_->inspector.claims().empty());
    EXPECT_TRUE(eventually([&] { return world_->words.used_bytes() == static_cast<std::uint64_t>(world_->a.info().extent_bytes); }))
        << world_->words.used_bytes();
  }
  Trace record(const Operation& operation) {
    if (operation.before) operation.before(*world_);
    Stepper stepper(victim(*world_, operation));
    EXPECT_TRUE(stepper.ready());
    auto trace = stepper.record([&] { return world_->words.changed(); }, most());
    const auto pid = static_cast<std::uint64_t>(stepper.pid());
    stepper.kill();
    settle(operation, pid);
    return trace;
  }
  void settle(const Operation& operation, std::uint64_t pid) {
    EXPECT_TRUE(swept(*world_));
    if (operation.after) operation.after(*world_);
    check_and_mend(*world_, operation.effect, pid);
    others_go_on(*world_, kVictimRows, true);
  }
  void kill_at(const Operation& operation, const Trace& trace, std::size_t n) {
    if (operation.before) operation.before(*world_);
    Stepper stepper(victim(*world_, operation));
    ASSERT_TRUE(stepper.ready());
    stepper.advance(trace, n);
    const auto pid = static_cast<std::uint64_t>(stepper.pid());
    stepper.kill();
    if (n % 2 == 0) others_go_on(*world_, kOtherRows, true);  // before, or while, it is swept
    settle(operation, pid);
  }
  /// The daemon stands still while others go on beside the dead client.
  void kill_without_daemon(const Operation& operation, const Trace& trace, std::size_t n) {
    if (operation.before) operation.before(*world_);
    Stepper stepper(victim(*world_, operation));
    ASSERT_TRUE(stepper.ready());
    stepper.advance(trace, n);
    const auto pid = static_cast<std::uint64_t>(stepper.pid());
    {
      const Stopped stopped(world_->daemon.pid());
      stepper.kill();
      others_go_on(*world_, kOtherRows, false);
    }
    settle(operation, pid);
  }
  std::optional<World> world_;
};

TEST_P(SingleStepTest, KilledAtAnyInstruction) {
  const auto& operation = GetParam();
  const auto trace = record(operation);
  ASSERT_FALSE(HasFailure());
  const auto files = open_files(world_->daemon.pid());
  const auto points = kill_points(trace, long_run() ? 20000 : 80, crash_seed());
  const auto alone = thinned(points, !operation.without_daemon ? 0 : long_run() ? 2000 : 10);
  std::printf("%s: %zu instructions%s, %zu changes of shared words; killed at %zu, and at %zu without a daemon\n", operation.name,
              trace.steps.size(), trace.steps.size() == most() ? " and more" : "", changes_in(trace), points.size(), alone.size());
  for (const auto n : points) {
    SCOPED_TRACE(std::string(operation.name) + " killed before instruction " + std::to_string(n));
    kill_at(operation, trace, n);
    if (HasFailure()) return;
  }
  for (const auto n : alone) {
    SCOPED_TRACE(std::string(operation.name) + " killed before instruction " + std::to_string(n) + ", the daemon stopped");
    kill_without_daemon(operation, trace, n);
    if (HasFailure()) return;
  }
  expect_as_at_first();
  EXPECT_TRUE(eventually([&] { return open_files(world_->daemon.pid()) <= files; })) << "the daemon keeps descriptors of the dead";
}

INSTANTIATE_TEST_SUITE_P(Operations, SingleStepTest, ::testing::ValuesIn(operations()),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace

void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }

}  // namespace ndshare::test
