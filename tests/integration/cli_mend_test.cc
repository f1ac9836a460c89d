// Snapshots, torn rows, clients that are asked to leave, and appended files, on the command line.
#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

TEST_F(CliClaimsTest, SnapshotsKeepWhatAnArrayWas) {
  const auto version = array().version();
  ok({"snapshot", "a", "a@monday", "--attr", "why=test"});
  const auto info = json({"info", "a@monday"});
  EXPECT_EQ(info["snapshot"], true);
  EXPECT_EQ(info["sealed"], true);
  EXPECT_GT(info["source_version"], 0);
  EXPECT_LE(info["source_version"], version);
  EXPECT_EQ(info["state"], "snapshot");
  EXPECT_EQ(info["attrs"]["why"], "test");
  EXPECT_TRUE(json({"info", "a"})["source_version"].is_null());
  EXPECT_NE(ok({"ls"}).find("snapshot"), std::string::npos);
  EXPECT_NE(ok({"info", "a@monday"}).find("snapshot of  version"), std::string::npos);
  {
    auto guard = array().write({.rows = {0, 1}});
    guard.as_span<std::int64_t>()[0] = 5;
  }
  EXPECT_EQ(ok({"show", "a@monday[0]"}), "0\n");
  EXPECT_EQ(ok({"show", "a[0]"}), "5\n");
  EXPECT_EQ(json({"snapshot", "a", "second"})["name"], "second");
  fails(1, {"snapshot", "a", "second"}, "second");
  fails(3, {"snapshot", "nothing", "b"}, "nothing");
  fails(1, {"snapshot", "a[0:3]", "b"}, "indices");
  Locker writer(store_.name(), {"a"});
  ASSERT_TRUE(writer.holds());
  fails(4, {"snapshot", "a", "late", "--timeout", "0.2"}, std::to_string(writer.pid()));
}

TEST_F(CliClaimsTest, TornRowsAreListedAndMended) {
  EXPECT_EQ(ok({"repair", "a"}), "no row of 'a' is torn\n");
  ok({"snapshot", "a", "before"});
  array().write({.rows = {2, 5}}).abandon();
  const auto listed = cli({"repair", "a"});
  EXPECT_EQ(listed.status, 1) << listed.err;
  for (const auto& part :
       {std::string("2:5"), "pid " + std::to_string(::getpid()), std::string("--accept"), std::string("--revert")})
    EXPECT_NE(listed.out.find(part), std::string::npos) << part << " in\n" << listed.out;
  const auto torn = json({"repair", "a"}, 1)["torn"];
  ASSERT_EQ(torn.size(), 1U);
  EXPECT_EQ(torn[0]["rows"], Json::array({2, 5}));
  EXPECT_EQ(torn[0]["pid"], ::getpid());
  EXPECT_EQ(json({"info", "a"})["state"], "torn");
  EXPECT_NE(ok({"info", "a"}).find("2:5, by pid"), std::string::npos);
  EXPECT_EQ(json({"repair", "a[5:]"})["torn"], Json::array());
  EXPECT_EQ(json({"repair", "a[4]"}, 1)["torn"].size(), 1U);
  fails(1, {"lock", "a[3:4]", "--", "true"}, "repair");
  EXPECT_EQ(cli({"lock", "a[5:]", "--", "true"}).status, 0);
  fails(1, {"snapshot", "a", "torn"}, "repair");
  EXPECT_EQ(json({"repair", "a", "--accept"})["accepted"], 1);
  EXPECT_EQ(json({"repair", "a"})["torn"], Json::array());
  EXPECT_EQ(ok({"repair", "a", "--accept"}), "no row of 'a' was torn\n");
  array().write({.rows = {7, 8}}).abandon();
  EXPECT_EQ(json({"repair", "a", "--revert", "before"})["reverted_to"], "before");
  EXPECT_EQ(json({"info", "a"})["state"], "open");
  fails(3, {"repair", "nothing"}, "nothing");
  fails(3, {"repair", "a", "--revert", "nothing"}, "nothing");
  ok({"create", "other", "--dtype", "i8", "--shape", "1000"});
  fails(1, {"repair", "a", "--revert", "other"}, "other");
  fails(2, {"repair", "a[1:2]", "--revert", "before"}, "whole");
}

std::shared_ptr<void> nothing(Store&) { return nullptr; }

TEST_F(CliClaimsTest, KickAsksAClientToLeave) {
  {
    Client busy(store_, nothing, true);
    ok({"kick", busy.pid(), "--timeout", "30"});
    EXPECT_EQ(busy.wait(), 0) << "its next call said Kicked";
  }
  Client second(store_, nothing, true);
  std::string id;
  for (const auto& client : json({"clients"}))
    if (std::to_string(client["pid"].get<int>()) == second.pid()) id = std::to_string(client["id"].get<int>());
  EXPECT_EQ(std::to_string(json({"kick", "#" + id, "--timeout", "30"})["kicked"].get<int>()), second.pid());
  EXPECT_EQ(second.wait(), 0);
  EXPECT_EQ(json({"clients"}).size(), 1U) << "this test's own";
}

TEST_F(CliClaimsTest, KickNamesWhatIsInItsWay) {
  fails(2, {"kick", "1"}, std::to_string(::getpid()));
  fails(2, {"kick", "#4000"}, "clients");
  Client viewer(
      store_, [](Store& s) { return std::make_shared<Array>(s.open("a").view()); }, false);
  fails(4, {"kick", viewer.pid(), "--timeout", "0.3"}, "view of 'a'");
  Client writer(
      store_,
      [](Store& s) {
        return std::make_shared<WriteGuard>(s.open("a").write({.rows = {3, 5}}));
      },
      false);
  fails(1, {"kick", writer.pid()}, "'a'");
  ok({"kick", writer.pid(), "--kill", "--timeout", "30"});
  EXPECT_EQ(writer.wait(), 128 + SIGKILL);
  EXPECT_EQ(json({"repair", "a"}, 1)["torn"][0]["rows"], Json::array({3, 5}));
  ok({"kick", viewer.pid(), "--kill", "--timeout", "30"});
  EXPECT_EQ(viewer.wait(), 128 + SIGKILL);
}

TEST_F(CliClaimsTest, PutAppendsRows) {
  ScratchDir files;
  const auto file = files.file("r.npy");
  const auto made = [&](const std::string& expression) {
    EXPECT_EQ(run_numpy("import numpy as np, sys\nnp.save(sys.argv[1], " + expression + ")", {file}).status, 0);
  };
  made("np.arange(6, dtype='f4').reshape(3, 2)");
  ok({"put", "t", file});
  made("np.array([[7, 8]], dtype='f4')");
  EXPECT_NE(ok({"put", "t", file, "--append"}).find("t: 1 row appended, 4 now"), std::string::npos);
  made("np.array([9, 10], dtype='f4')");
  EXPECT_EQ(json({"put", "t", file, "--append"})["arrays"][0]["appended_rows"], 1) << "one row without its axis";
  EXPECT_EQ(ok({"show", "t[3:]"}), "[[ 7.  8.]\n [ 9. 10.]]\n");
  made("np.zeros((1, 3), dtype='f4')");
  fails(1, {"put", "t", file, "--append"});
  made("np.zeros((1, 2), dtype='f8')");
  fails(1, {"put", "t", file, "--append"}, "float64");
  fails(3, {"put", "nothing", file, "--append"}, "nothing");
  ok({"put", "c", "-", "--format", "csv"}, "n,x\n1,1.5\n2,2.5\n");
  ok({"put", "c", "-", "--format", "csv", "--append"}, "x,n\n3,3\n");
  EXPECT_EQ(ok({"show", "c"}), "[(1, 1.5) (2, 2.5) (3, 3. )]\n") << "a CSV is read as what is there";
  EXPECT_EQ(json({"info", "t"})["shape"], Json::array({5, 2}));
  ok({"put", "t", files.file("r.npy"), "--replace"});
  made("np.zeros((1, 2), dtype='f8')");
  ok({"put", "t", file, "--append", "--seal"});
  fails(1, {"put", "t", file, "--append"}, "sealed");
}

}  // namespace
}  // namespace ndshare::test
