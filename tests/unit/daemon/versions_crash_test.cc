// A daemon killed at every point of every request about versions, and its successor killed while it adopts: what is found
// then is the state before the request or after it, the client that lives sends it again, and the dead one left nothing.
// NDSHARE_LONG: every pair of points instead of some.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include <gtest/gtest.h>

#include "daemon/engine.h"
#include "tests/unit/daemon/versions_crash_scenario.h"

namespace ndshare::internal {
namespace {

// ---- what is found afterwards

std::map<std::string, Seen> observed(TestUser& user) {
  std::map<std::string, Seen> out;
  user.engine().reclaim();  // floors follow
  user.client().view.for_each([&](const ArrayCopy& copy) {
    if ((copy.ref.flags & kArrayBuilding) != 0) return;
    auto& seen = out[copy.name];
    seen.rows = copy.shape.front(), seen.tags = user.tags(copy), seen.floor = copy.ref.floor != 0;
    for (const auto& range : copy.torn) {
      for (auto row = range.lo; row < range.hi; ++row) seen.torn.insert(row);
    }
  });
  return out;
}

/// A change was announced to those who wait for it: by the commit, when its client sent it again, or by that one's sweep.
void check_announced(Run& run, const std::map<std::string, Seen>& before, const std::map<std::string, Seen>& found) {
  const char* names[] = {"grid", "log", "tiny"};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto was = before.find(names[i]), is = found.find(names[i]);
    if (was == before.end() || is == found.end()) continue;
    if (was->second.tags == is->second.tags && was->second.rows == is->second.rows) continue;
    EXPECT_GT(revision_of(run, i), run.board.revisions[i]) << names[i];
  }
}

/// The keeper finds its claims, its view and one of two states, and gets the answer that it missed.
void check_keeper(TestStore& store, Board& board) {
  auto& engine = *store.engine;
  ASSERT_EQ(engine.live_slots().size(), 1U);
  EXPECT_EQ(engine.live_slots()[0].slot.index, board.keeper.index);
  Run run(store, board);
  const auto before = state_after(board.done).adopted(), after = state_after(board.done + 1).adopted();
  const auto found = observed(run.keeper);
  EXPECT_EQ(found, found == before ? before : after);
  const auto check_view = [&] {
    if (!board.has_view) return;
    EXPECT_EQ(run.keeper.tags(run.keeper.client().view.read_version(board.view)), spelled("gggggg"));
  };
  check_view();
  if (board.done < steps().size() && steps()[board.done].retry) {
    steps()[board.done].act(run, board.done + 1);
    EXPECT_EQ(observed(run.keeper), after) << "when sent again";
    check_announced(run, before, after);
    steps()[board.done].act(run, board.done + 1);
    EXPECT_EQ(observed(run.keeper), after) << "when sent once more";
  }
  check_announced(run, before, observed(run.keeper));
  EXPECT_EQ(audit(engine), "");
  check_view();
}

/// A later daemon serves on, and everything can be taken away.
void check_survivor(TestStore& store, Board& board, const std::string& where) {
  SCOPED_TRACE(where + ", step " + std::to_string(board.done));
  auto& engine = store.open();
  EXPECT_EQ(audit(engine), "");
  if (board.ready) check_keeper(store, board);
  for (const auto& one : engine.live_slots()) engine.sweep(one.slot);
  EXPECT_EQ(engine.pool_status().pending_bytes, 0U);
  EXPECT_EQ(audit(engine), "");
  TestUser user(store);
  user.make(spec("after", {12345}));
  user.update("after", 0, 1, 0, 16384, 'z');
  user.snapshot("after", "snap");
  EXPECT_EQ(audit(engine), "");
  std::vector<std::string> names;
  user.client().view.for_each([&](const ArrayCopy& copy) { names.push_back(copy.name); });
  for (const auto& name : names) engine.remove(user.slot(), 0, name);
  engine.reclaim();
  EXPECT_EQ(engine.pool_status().used_bytes, 0U);
  EXPECT_EQ(engine.pool_status().live_bytes, 0U);
}

/// Every crash point of the daemon's sources.
std::vector<std::string> crash_points() {
  static const std::regex call("crash_point\\(\"([a-z_.]+)\"\\)");
  std::set<std::string> out;
  for (const auto& file : std::filesystem::directory_iterator(NDSHARE_SOURCE_DIR "/daemon")) {
    if (file.path().extension() != ".cc" && file.path().extension() != ".h") continue;
    std::ifstream in(file.path());
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at) out.insert((*at)[1]);
  }
  return {out.begin(), out.end()};
}

std::string at(const std::string& point, int n) { return point + ":" + std::to_string(n); }

/// What an adoption can come by.
bool is_of_adoption(const std::string& point) {
  static const std::regex kinds("(recover|adopt|commit|sweep|torn|reclaim)\\..*");
  return std::regex_match(point, kinds);
}

class VersionsCrashTest : public ::testing::TestWithParam<std::string> {
 protected:
  /// Kills the scenario at the n-th occurrence of a point. False where it does not come that far.
  bool kill_scenario(TestStore& store, Board& board, const std::string& point, int n) {
    return crash_in_child(at(point, n), [&] { scenario(store, board, keeper); });
  }
  const Peer keeper = self();
};

/// Sanitizers look at the code of each point, not at each of its hundreds of occurrences: the release build does that.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSample = 11;
#else
constexpr int kSample = 1;
#endif

TEST_P(VersionsCrashTest, BeforeOrAfterAndNothingIsLost) {
  for (int n = 1; !HasFailure(); n += kSample) {
    TestStore store;
    SharedBoard board;
    if (!kill_scenario(store, *board, GetParam(), n)) return;
    check_survivor(store, *board, at(GetParam(), n));
  }
}

TEST_P(VersionsCrashTest, ItsSuccessorIsKilledToo) {
  const bool all = std::getenv("NDSHARE_LONG") != nullptr;  // NOLINT(concurrency-mt-unsafe): no other thread
  const int stride = all ? 1 : kSample * (GetParam() == "commit.apply" ? 29 : 7);
  for (int n = 1; !HasFailure(); n += stride) {
    for (const auto& second : crash_points()) {
      if (!is_of_adoption(second)) continue;
      for (int m = 1; !HasFailure(); ++m) {
        TestStore store;
        SharedBoard board;
        if (!kill_scenario(store, *board, GetParam(), n)) return;
        if (!crash_in_child(at(second, m), [&] { store.open(); })) break;
        check_survivor(store, *board, at(GetParam(), n) + " then " + at(second, m));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Points, VersionsCrashTest, ::testing::ValuesIn(crash_points()), [](const auto& point) {
  std::string name(point.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

/// A point that no scenario comes by is a point at which nobody ever killed a daemon.
TEST(CrashPointsTest, EachIsComeBy) {
  const auto keeper = self();
  std::set<std::string> elsewhere(std::begin(kCrashPointsServing), std::end(kCrashPointsServing));
  elsewhere.insert(std::begin(kCrashPointsStreams), std::end(kCrashPointsStreams));
  const auto points = crash_points();
  EXPECT_GT(points.size(), 35U);
  for (const auto& point : points) {
    if (elsewhere.contains(point)) continue;  // recovery_test.cc and streams_test.cc fail where one of these is not reached
    TestStore store, other;
    SharedBoard board, second;
    if (crash_in_child(point, [&] { scenario(store, *board, keeper); })) continue;
    EXPECT_TRUE(crash_in_child("commit.committed:20", [&] { scenario(other, *second, keeper); }));
    EXPECT_TRUE(crash_in_child(point, [&] { other.open(); })) << point;
  }
}

TEST(CrashPointsTest, TheScenarioItselfComesToItsEnd) {
  TestStore store;
  SharedBoard board;
  EXPECT_FALSE(crash_in_child("none", [&] { scenario(store, *board, self()); }));
  EXPECT_EQ(board->done, steps().size());
}

}  // namespace
}  // namespace ndshare::internal
