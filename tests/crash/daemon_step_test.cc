// The daemon killed between any two instructions of a request or a sweep, and started again: what was asked is done exactly
// once, what a dead client left is gone, nothing is lost.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include <sys/personality.h>
#include <sys/syscall.h>

#include <gtest/gtest.h>

#include "tests/crash/kill_plan.h"
#include "tests/crash/step_world.h"

namespace ndshare::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kIdle = milliseconds(60);  ///< without a step the daemon has nothing more to do

/// A request, or a death, that the daemon deals with.
struct Work {
  const char* name;
  std::function<void(World&)> before{};
  std::function<void(World&)> request{};  ///< by the keeper, on a thread of its own
  std::function<void(Store&)> victim{};   ///< by a client that then waits to be killed; it does not return
  std::function<void(World&)> after{};
  Effect effect = Effect::none;
};

/// Programs started meanwhile lie at the same addresses every time: a record of one is good for the next.
class SameAddresses {
 public:
  SameAddresses() : before_(::personality(0xFFFF'FFFF)) { ::personality(static_cast<unsigned long>(before_) | ADDR_NO_RANDOMIZE); }
  ~SameAddresses() { ::personality(static_cast<unsigned long>(before_)); }
  SameAddresses(const SameAddresses&) = delete;
  SameAddresses& operator=(const SameAddresses&) = delete;

 private:
  int before_;
};

/// A client that has taken what it is to die with.
class Doomed {
 public:
  Doomed(const World& world, const std::function<void(Store&)>& body)
      : pid_(fork_child([&] {
          Store store = Store::connect(world.daemon.store());
          body(store);
          return 0;
        })) {}
  /// For the body: it stands where it is to be killed.
  static void stand() {
    while (true) ::pause();
  }
  ~Doomed() { kill(); }
  Doomed(const Doomed&) = delete;
  Doomed& operator=(const Doomed&) = delete;
  pid_t pid() const { return pid_; }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait_child(pid_);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

void take_view(World& world) { world.views.push_back(world.a.view()); }
void write_victim_rows(World& world) {
  auto guard = world.a.write({.rows = kVictimRows, .timeout = kPatience});
  fill_rows(guard, kVictimRows.first, kNew);
  guard.release();
}
void update_victim_rows(World& world) {
  auto guard = world.a.update({.rows = kVictimRows, .timeout = kPatience});
  fill_rows(guard, kVictimRows.first, kNew);
  const auto version = guard.commit();
  EXPECT_EQ(world.a.version(), version) << "committed twice";
}
void append_three(World& world) {
  world.a.append(zeros({3, kRowWords}, int64), kPatience);
  EXPECT_EQ(world.a.shape()[0], kRows + 3) << "not applied exactly once";
  world.a.resize(kRows, kPatience);
}
void die_writing(Store& store) {
  auto guard = store.open("a").write({.rows = kVictimRows});
  fill_rows(guard, kVictimRows.first, kNew);
  Doomed::stand();
}
void die_updating(Store& store) {
  auto guard = store.open("a").update({.rows = kVictimRows});
  fill_rows(guard, kVictimRows.first, kNew);
  Doomed::stand();
}
void die_filling(Store& store) {
  SharedArray made = store.create("r", int64, {kRows, kRowWords}, {.lifetime = Lifetime::session});
  const Array view = store.open("a").view();
  made.write().release();
  SharedArray half = store.create("s", int64, {kRows, kRowWords});
  auto guard = half.write();
  Doomed::stand();
}

const std::vector<Work>& works() {
  static const std::vector<Work> all = {
      {"update", {}, update_victim_rows, {}, {}, Effect::at_once},
      {"write_that_copies", take_view, write_victim_rows, {}, {}, Effect::at_once},
      {"append_and_resize", {}, append_three, {}, {}, Effect::none},
      {"snapshot", {}, [](World& world) { world.keeper.snapshot("a", "s"); }, {}, [](World& world) { world.keeper.remove("s"); }},
      {"create", {}, [](World& world) { world.make("r"); }, {}, [](World& world) { check_made(world, "r", false); }},
      {"remove", [](World& world) { world.make("r"); }, [](World& world) { world.keeper.remove("r"); }, {}, {}},
      {"sweep_of_a_writer", {}, {}, die_writing, {}, Effect::in_place},
      {"sweep_of_an_updater", {}, {}, die_updating, {}},
      {"sweep_of_a_maker", {}, {}, die_filling, [](World& world) { EXPECT_EQ(world.keeper.list().size(), 1U); }},
  };
  return all;
}

class DaemonStepTest : public ::testing::TestWithParam<Work> {
 protected:
  void SetUp() override {
    if (const auto why = Stepper::unavailable(); !why.empty()) GTEST_SKIP() << why;
    world_.emplace();
  }
  void TearDown() override {
    if (!world_) return;
    world_->keeper.remove("a");
    EXPECT_TRUE(eventually([&] { return world_->words.used_bytes() == 0; })) << world_->words.used_bytes() << " bytes leaked";
  }

  /// One piece of work, under a daemon that `drive` steps and then kills, or does not.
  void run(const Work& work, const std::function<void(Stepper&)>& drive) {
    if (work.before) work.before(*world_);
    std::optional<Doomed> doomed;
    if (work.victim) {
      doomed.emplace(*world_, work.victim);
      ASSERT_TRUE(eventually([&] { return standing(doomed->pid()); }));
    }
    const auto pid = static_cast<std::uint64_t>(doomed ? doomed->pid() : 0);
    std::string failure, stepping;
    std::thread client;
    {
      Stepper stepper(world_->daemon.pid());
      ASSERT_TRUE(stepper.ready());
      asking_ = work.request != nullptr;
      if (work.request) client = std::thread([&] {
        failure = message_of([&] { work.request(*world_); });
        asking_ = false;
      });
      if (doomed) doomed->kill();
      stepping = message_of([&] { drive(stepper); });
    }  // killed
    world_->daemon.end(SIGKILL);
    world_->daemon.start();
    if (client.joinable()) client.join();
    EXPECT_EQ(world_->daemon.line(), "ready");
    EXPECT_EQ(stepping, "");
    EXPECT_EQ(failure, "");
    check(work, pid);
  }
  /// In pause(), having taken everything.
  static bool standing(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/syscall");
    std::string number;
    file >> number;
    return number == std::to_string(SYS_pause);
  }
  void check(const Work& work, std::uint64_t pid) {
    EXPECT_TRUE(swept(*world_)) << world_->words.slots_in_use() << " slots in use";
    if (work.after) work.after(*world_);
    if (work.victim && work.effect == Effect::in_place) {
      EXPECT_EQ(world_->a.info().torn.size(), 1U) << "half-written rows without a mark";
    }
    check_and_mend(*world_, work.effect, pid);
    others_go_on(*world_, kVictimRows, true);
    EXPECT_TRUE(world_->inspector.claims().empty());
    EXPECT_TRUE(eventually([&] { return world_->words.used_bytes() == static_cast<std::uint64_t>(world_->a.info().extent_bytes); }))
        << world_->words.used_bytes();
  }
  Trace record(const Work& work) {
    Trace trace;
    run(work, [&](Stepper& stepper) { trace = stepper.record([&] { return world_->words.changed(); }, 3'000'000, kIdle, [&] { return asking_.load(); }); });
    return trace;
  }

  std::atomic<bool> asking_{false};  ///< a request that is not answered
  SameAddresses same_;
  std::optional<World> world_;
};

TEST_P(DaemonStepTest, KilledAtAnyMoment) {
  const auto& work = GetParam();
  run(work, [&](Stepper& stepper) { stepper.finish(kIdle); });
  const auto from = Clock::now();
  if (work.before) work.before(*world_);
  if (work.request) work.request(*world_);
  const auto took = Clock::now() - from;  // of a death: how long it takes is about the same
  if (work.after) work.after(*world_);
  check_and_mend(*world_, work.effect, 0);
  const auto span = std::max<std::chrono::nanoseconds>(took, std::chrono::microseconds(500));
  constexpr int kMoments = 25;
  const int moments = long_run() ? 1000 : kMoments;
  std::mt19937_64 random(crash_seed());
  for (int i = 0; i < moments; ++i) {
    const auto moment = span * i / moments + (span / moments) * static_cast<std::int64_t>(random() % 1000) / 1000;
    SCOPED_TRACE(std::string(work.name) + ", the daemon killed after " + std::to_string(moment.count()) + " ns");
    run(work, [&](Stepper& stepper) { stepper.run_for(moment); });
    if (HasFailure()) return;
  }
}

TEST_P(DaemonStepTest, KilledAtAnyInstruction) {
  if (!long_run()) GTEST_SKIP() << "300 000 instructions a request: NDSHARE_LONG=1 steps through them";
  const auto& work = GetParam();
  const auto trace = record(work);
  ASSERT_FALSE(HasFailure());
  ASSERT_GT(changes_in(trace), 0U) << "nothing was done in this record";
  const auto points = kill_points(trace, 2000, crash_seed());
  std::printf("%s: %zu instructions, %zu changes of shared words, killed at %zu\n", work.name, trace.steps.size(), changes_in(trace),
              points.size());
  std::size_t elsewhere = 0;  // a busy machine: the daemon waited for its client, and was killed there
  for (const auto n : points) {
    SCOPED_TRACE(std::string(work.name) + ", the daemon killed before instruction " + std::to_string(n));
    run(work, [&](Stepper& stepper) { elsewhere += stepper.advance(trace, n, milliseconds(500)) ? 0U : 1U; });
    if (HasFailure()) return;
  }
  std::printf("%s: %zu of them killed earlier than at their instruction, or at the end\n", work.name, elsewhere);
}

INSTANTIATE_TEST_SUITE_P(Works, DaemonStepTest, ::testing::ValuesIn(works()),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace ndshare::test
