#include "tools/cli/claims.h"

#include <sstream>

#include <gtest/gtest.h>

namespace ndshare::cli {
namespace {

admin::ClaimInfo long_claim() {
  admin::ClaimInfo claim;
  claim.array = std::string(200, 'n');
  claim.mode = "update";
  claim.rows = {1'000'000'000'000, 2'000'000'000'000};
  claim.pid = 4'194'304;
  claim.since_s = 123456;
  claim.waiting = claim.stopped = true;
  claim.waits_for = {4'194'301, 4'194'302, 4'194'303};
  claim.command = std::string(47, 'c');
  return claim;
}

std::string table(const std::vector<admin::ClaimInfo>& claims, bool with_array, bool wide = false) {
  std::ostringstream out, err;
  Context context{.out = out, .err = err, .store = {}, .command = {}};
  print_claims(claims, with_array, wide, context);
  return out.str();
}

TEST(ClaimsTest, TablesFitEightyColumns) {
  for (const bool with_array : {true, false}) {
    std::istringstream lines(table({long_claim(), {}}, with_array));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(text_width(line), 80U) << line;
    EXPECT_EQ(count, 3);
  }
  EXPECT_NE(table({long_claim()}, true, true).find("stopped, waits for 4194301, 4194302, 4194303"), std::string::npos);
  EXPECT_EQ(table({}, true), "ARRAY  MODE  ROWS  PID  SINCE  STATE  COMMAND\n");
  EXPECT_EQ(table({}, false), "MODE  ROWS  PID  SINCE  STATE  COMMAND\n");
}

TEST(ClaimsTest, StatesInWords) {
  admin::ClaimInfo claim;
  EXPECT_EQ(claim_state(claim), "held");
  claim.stopped = true;
  EXPECT_EQ(claim_state(claim), "stopped, held");
  claim.dead = true;
  EXPECT_EQ(claim_state(claim), "dead, held");
  claim = {};
  claim.waiting = true;
  EXPECT_EQ(claim_state(claim), "waiting");
  claim.waits_for = {12, 34};
  EXPECT_EQ(claim_state(claim), "waits for 12, 34");
}

TEST(ClaimsTest, RowsInWords) {
  EXPECT_EQ(rows_text({}), "all");
  EXPECT_EQ(rows_text({10, 20}), "10:20");
  EXPECT_EQ(rows_text({10, -1}), "10:");
}

TEST(ClaimsTest, TornAndSnapshotAreStates) {
  ArrayInfo info;
  EXPECT_EQ(state_name(info), "open");
  info.sealed = true;
  EXPECT_EQ(state_name(info), "sealed");
  info.snapshot = true;
  info.source_version = 7;
  EXPECT_EQ(state_name(info), "snapshot");
  EXPECT_EQ(to_json(info)["source_version"], 7);
  info.torn = {{{2, 5}, 17, 1}};
  EXPECT_EQ(state_name(info), "torn");
  EXPECT_EQ(to_json(info)["torn"], Json::parse(R"([{"rows":[2,5],"pid":17,"unix_ns":1}])"));
}

}  // namespace
}  // namespace ndshare::cli
