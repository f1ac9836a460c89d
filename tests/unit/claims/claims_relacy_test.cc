/// The claims' protocol under weak memory: random schedules and random stale reads, as C++ allows them. Data that
/// claims protect is plain: Relacy reports two accesses that no order of the protocol separates. NDSHARE_LONG=1: a
/// hundred times as many iterations.

#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <streambuf>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/claims/relacy_unlocked.h"

namespace ndshare::internal::weak {
namespace {

struct Found {
  rl::test_result_e result;
  std::string history;
};

/// Where Relacy writes its history: memory that is there from the start, since Relacy has an operator new of its own
/// while it runs.
class Page : public std::streambuf {
 public:
  Page() { clear(); }
  void clear() { setp(text_, text_ + sizeof text_); }
  std::string text() const { return {pbase(), pptr()}; }

 private:
  char text_[1 << 20];
};

/// Random schedules until something is found or `iterations` are over.
template <class Test>
Found simulate(const char* name, unsigned long iterations) {
  static const bool thorough = std::getenv("NDSHARE_LONG") != nullptr;
  static Page page;
  page.clear();
  static std::ostream text(&page);
  rl::test_params params;
  params.iteration_count = static_cast<rl::iteration_t>(thorough ? iterations * 100 : iterations);
  params.output_stream = params.progress_stream = &text;
  params.search_type = rl::sched_random;
  params.execution_depth_limit = 20'000;
  text.clear();
  rl::simulate<Test>(params);
  std::printf("  %-24s %9llu iterations: %s\n", name, static_cast<unsigned long long>(params.stop_iteration),
              rl::test_result_str(params.test_result));
  return {params.test_result, page.text()};
}

class ClaimsRelacyTest : public ::testing::Test {
 protected:
  ~ClaimsRelacyTest() override { weaken = {}; }
  template <class Test>
  void expect_sound(const char* name, unsigned long iterations) {
    const auto found = simulate<Test>(name, iterations);
    EXPECT_EQ(found.result, rl::test_result_success) << found.history;
  }
  template <class Test>
  void expect_caught(const char* name, const Weaken& without) {
    weaken = without;
    EXPECT_NE(simulate<Test>(name, 400'000).result, rl::test_result_success);
  }
};

TEST_F(ClaimsRelacyTest, WritersAndReadersExcludeEachOtherAndNoWakeIsLost) {
  expect_sound<Exclusion>("Exclusion", 100'000);
}
TEST_F(ClaimsRelacyTest, AReusedEntryIsNeverTakenForItsLastClaim) { expect_sound<Reuse>("Reuse", 80'000); }
TEST_F(ClaimsRelacyTest, APinnedVersionIsNeverUsedAgain) {
  expect_sound<Pin<false>>("Pin", 120'000);
  expect_sound<Pin<true>>("Pin, replaced", 80'000);
}
TEST_F(ClaimsRelacyTest, AWriterKnowsOfEveryView) { expect_sound<Share>("Share", 120'000); }
TEST_F(ClaimsRelacyTest, ASweepWakesWhoeverWaits) { expect_sound<Sweep>("Sweep", 100'000); }
TEST_F(ClaimsRelacyTest, ReadersWithoutTheMutexAndWritersExcludeEachOther) {
  expect_sound<Again>("Again", 60'000);
  expect_sound<Once>("Once", 60'000);
  expect_sound<Fellow>("Fellow", 80'000);
  expect_sound<Cleared>("Cleared", 60'000);
}
TEST_F(ClaimsRelacyTest, AWriterKnowsOfEveryViewWithoutTheMutex) { expect_sound<ShareAgain>("ShareAgain", 100'000); }
TEST_F(ClaimsRelacyTest, AVersionThatIsTakenAgainIsNeverUsedAgain) {
  expect_sound<PinAgain<false>>("PinAgain", 80'000);
  expect_sound<PinAgain<true>>("PinAgain, replaced", 80'000);
}

// ---- one order weaker than the protocol has it

constexpr auto kRelaxed = std::memory_order_relaxed, kAcquire = std::memory_order_acquire,
               kRelease = std::memory_order_release, kSeqCst = std::memory_order_seq_cst;

TEST_F(ClaimsRelacyTest, AMutexWithoutAcquireIsCaught) {
  expect_caught<Exclusion>("mutex not acquired", {Role::mutex, false, true, kAcquire, kRelaxed});
}
TEST_F(ClaimsRelacyTest, AMutexWithoutReleaseIsCaught) {
  expect_caught<Exclusion>("mutex not released", {Role::mutex, false, true, kRelease, kRelaxed});
}
TEST_F(ClaimsRelacyTest, AReleaseThatDoesNotPublishIsCaught) {
  expect_caught<Exclusion>("word relaxed", {Role::word, false, true, kSeqCst, kRelaxed});
}
TEST_F(ClaimsRelacyTest, AReleaseThatIsNotSequentialLosesWakes) {
  expect_caught<Exclusion>("word only released", {Role::word, false, true, kSeqCst, kRelease});
}
TEST_F(ClaimsRelacyTest, AScanThatIsNotSequentialLosesWakes) {
  expect_caught<Exclusion>("scan only acquires", {Role::word, true, false, kSeqCst, kAcquire});
}
TEST_F(ClaimsRelacyTest, RowsThatAreNotReleasedAreCaught) {
  expect_caught<Reuse>("rows relaxed", {Role::field, false, true, kRelease, kRelaxed});
}
TEST_F(ClaimsRelacyTest, RowsThatAreNotAcquiredAreCaught) {
  expect_caught<Reuse>("rows not acquired", {Role::field, true, false, kAcquire, kRelaxed});
}
TEST_F(ClaimsRelacyTest, APinThatIsNotSequentialIsCaught) {
  expect_caught<Pin<false>>("pin only released", {Role::word, false, true, kSeqCst, kRelease});
}
TEST_F(ClaimsRelacyTest, ARootThatIsNotSequentialIsCaught) {
  expect_caught<Pin<false>>("root only acquired", {Role::root, true, false, kSeqCst, kAcquire});
}

// ---- the same of grants without the mutex

TEST_F(ClaimsRelacyTest, AWordThatIsOnlyReleasedIsNotSeen) {
  expect_caught<Once>("unlocked word only released", {Role::word, false, true, kSeqCst, kRelease});
}
TEST_F(ClaimsRelacyTest, WritersThatAreOnlyAcquiredAreNotSeen) {
  expect_caught<Once>("writers only acquired", {Role::writers, true, false, kSeqCst, kAcquire});
  expect_caught<Again>("writers relaxed", {Role::writers, true, false, kSeqCst, kRelaxed});
}
TEST_F(ClaimsRelacyTest, AWriterThatIsOnlyReleasedIsNotSeen) {
  expect_caught<Once>("mark only released", {Role::writers, false, true, kSeqCst, kRelease});
  expect_caught<Once>("mark relaxed", {Role::writers, false, true, kSeqCst, kRelaxed});
}
TEST_F(ClaimsRelacyTest, AWritersClearThatIsRelaxedPublishesNothing) {
  expect_caught<Cleared>("clear of writers relaxed", {Role::writers, false, true, kRelease, kRelaxed});
}
TEST_F(ClaimsRelacyTest, AScanThatOnlyAcquiresMissesAWord) {
  expect_caught<Once>("unlocked scan acquires", {Role::word, true, false, kSeqCst, kAcquire});
}
TEST_F(ClaimsRelacyTest, APinWithoutTheMutexThatIsNotSequentialIsCaught) {
  expect_caught<PinAgain<false>>("unlocked pin released", {Role::word, false, true, kSeqCst, kRelease});
  expect_caught<PinAgain<false>>("unlocked root acquired", {Role::root, true, false, kSeqCst, kAcquire});
}
TEST_F(ClaimsRelacyTest, FieldsThatAreNotReleasedAreCaught) {
  expect_caught<PinAgain<false>>("version relaxed", {Role::version, false, true, kRelease, kRelaxed});
  expect_caught<PinAgain<true>>("array_gen relaxed", {Role::gen, false, true, kRelease, kRelaxed});
  expect_caught<Pin<true>>("array_gen of acquire() relaxed", {Role::gen, false, true, kRelease, kRelaxed});
}

// Not here, as Relacy runs seq_cst operations in one order, and loads never see what is stored later:
//  - The looks at the own bit, and the store that sets it. Acquire and release would do (set_bit() has one order for
//    all bitmaps); weaker ones would let the second look at the writers go before a mark that the bit came after.
//  - The clears of claimants and holders. Relaxed would do: who took a cleared bit for set had found no writer marked
//    in its first look, after the clear; so that look read a clear of that writer's bit, which is a later release.
//  - Loads of bitmaps under the mutex. Relaxed would do: nobody else stores them.

}  // namespace
}  // namespace ndshare::internal::weak
