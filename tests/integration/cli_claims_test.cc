// Locks and holders on the command line, with real processes that hold, wait, stop and die.
#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

void expect_fits(const std::string& table) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    const auto characters = std::count_if(
        line.begin(), line.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; });
    EXPECT_LE(characters, 80) << line;
  }
}

TEST_F(CliClaimsTest, LockRunsACommandAndEndsAsItDoes) {
  EXPECT_EQ(ok({"lock", "a", "--", "sh", "-c", "echo $NDSHARE_STORE"}), store_.name() + "\n");
  for (const char* mode : {"--read", "--view", "--update", "--write"}) {
    EXPECT_EQ(cli({"lock", "a[10:20]", mode, "--", "sh", "-c", "exit 7"}).status, 7) << mode;
    const auto held = Json::parse(ok({"lock", "a[10:20]", mode, "--", program("ndshare"), "--json", "holders", "a"}));
    ASSERT_EQ(held.size(), 1U) << mode;
    EXPECT_EQ("--" + held[0]["mode"].get<std::string>(), mode);
    EXPECT_EQ(held[0]["rows"], Json::array({10, 20}));
  }
  EXPECT_EQ(cli({"lock", "a", "--", "no-such-program-here"}).status, 127);
  EXPECT_EQ(cli({"lock", "a", "--", "sh", "-c", "kill -9 $$"}).status, 128 + SIGKILL);
  EXPECT_EQ(ok({"lock", "a", "--json", "--", "printf", "%s|", "--json", "--read", "--", "-x"}), "--json|--read|--|-x|")
      << "words of the command are its own";
  EXPECT_EQ(json({"locks"}), Json::array()) << "nothing is left of them";
  EXPECT_EQ(array().info().torn.size(), 0U);
}

TEST_F(CliClaimsTest, TimeoutNamesTheHolder) {
  Locker holder(store_.name(), {"a"});
  ASSERT_TRUE(holder.holds());
  for (const char* mode : {"--write", "--read", "--update"})
    fails(4, {"lock", "a", mode, "--timeout", "0.2", "--", "echo", "not reached"}, std::to_string(holder.pid()));
  EXPECT_EQ(holder.end(), 7);
  EXPECT_EQ(ok({"lock", "a", "--timeout", "0.2", "--", "echo", "reached"}), "reached\n");
}

TEST_F(CliClaimsTest, ReadersAndDisjointRowsRunSideBySide) {
  {
    Locker one(store_.name(), {"a", "--read"}), two(store_.name(), {"a", "--read"});
    EXPECT_TRUE(one.holds() && two.holds());
    EXPECT_EQ(json({"holders", "a"}).size(), 2U);
    fails(4, {"lock", "a[5]", "--timeout", "0.2", "--", "true"});
    EXPECT_EQ(one.end(), 7);
    EXPECT_EQ(two.end(), 7);
  }
  Locker low(store_.name(), {"a[0:500]"}), high(store_.name(), {"a[500:]"});
  EXPECT_TRUE(low.holds() && high.holds());
  EXPECT_EQ(low.end(), 7);
  EXPECT_EQ(high.end(), 7);
}

TEST_F(CliClaimsTest, ClaimEndsWithItsCommandOrItsHolder) {
  Locker first(store_.name(), {"a"});
  ASSERT_TRUE(first.holds());
  ASSERT_EQ(::kill(first.command_pid(), SIGKILL), 0);
  EXPECT_EQ(first.wait(), 128 + SIGKILL);
  EXPECT_EQ(json({"locks"}), Json::array());
  Locker second(store_.name(), {"a", "--read"});
  ASSERT_TRUE(second.holds());
  ASSERT_EQ(::kill(second.pid(), SIGKILL), 0);
  EXPECT_EQ(second.wait(), 128 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return json({"locks"}).empty(); })) << "swept";
  EXPECT_EQ(cli({"lock", "a", "--", "true"}).status, 0);
}

TEST_F(CliClaimsTest, HoldersTellWhoWaitsForWhom) {
  Locker holder(store_.name(), {"a[0:10]"});
  ASSERT_TRUE(holder.holds());
  Locker waiter(store_.name(), {"a", "--read", "--timeout", "60"});
  ASSERT_TRUE(
      eventually([&] { return !claims_of(waiter.pid()).empty() && claims_of(waiter.pid())[0]["waiting"] == true; }));
  const auto list = json({"holders", "a"});
  ASSERT_EQ(list.size(), 2U);
  const auto& held = list[0];
  EXPECT_EQ(held["array"], "a");
  EXPECT_EQ(held["mode"], "write");
  EXPECT_EQ(held["rows"], Json::array({0, 10}));
  EXPECT_EQ(held["pid"], holder.pid());
  EXPECT_NE(held["command"].get<std::string>().find("ndshare"), std::string::npos);
  EXPECT_GE(held["since_s"], 0.0);
  EXPECT_EQ(held["waiting"], false);
  EXPECT_EQ(held["stopped"], false);
  EXPECT_EQ(held["dead"], false);
  EXPECT_EQ(held["waits_for"], Json::array());
  EXPECT_EQ(held["tid"], holder.pid());
  EXPECT_EQ(held["version"], array().version());
  EXPECT_EQ(list[1]["waits_for"], Json::array({holder.pid()}));
  EXPECT_EQ(list[1]["waiting"], true);
  EXPECT_EQ(json({"locks"}).size(), 2U);
  EXPECT_EQ(json({"locks", "a"}).size(), 2U);
  const auto table = ok({"holders", "a", "--wide"});
  EXPECT_NE(table.find("waits for " + std::to_string(holder.pid())), std::string::npos) << table;
  EXPECT_LT(table.find(" held "), table.find(" waits for ")) << table;
  EXPECT_EQ(holder.end(), 7);
  ASSERT_TRUE(waiter.holds());
  EXPECT_EQ(waiter.end(), 7);
}

TEST_F(CliClaimsTest, StoppedHolderIsShown) {
  Locker holder(store_.name(), {"a", "--read"});
  ASSERT_TRUE(holder.holds());
  ASSERT_EQ(::kill(holder.pid(), SIGSTOP), 0);
  EXPECT_TRUE(eventually([&] { return claims_of(holder.pid())[0]["stopped"] == true; }));
  EXPECT_NE(ok({"locks"}).find("stopped, held"), std::string::npos);
  for (const auto& client : json({"clients"})) EXPECT_EQ(client["stopped"], client["pid"] == holder.pid());
  fails(4, {"lock", "a", "--timeout", "0.2", "--", "true"}, "stopped");
  ASSERT_EQ(::kill(holder.pid(), SIGCONT), 0);
  EXPECT_TRUE(eventually([&] { return claims_of(holder.pid())[0]["stopped"] == false; }));
  EXPECT_EQ(holder.end(), 7);
}

TEST_F(CliClaimsTest, ClientsTellWhatTheyHold) {
  const auto guard = array().read({.rows = {0, 10}});
  const Array view = array().view();
  const auto list = json({"clients"});
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["pid"], ::getpid());
  EXPECT_EQ(list[0]["uid"], ::geteuid());
  EXPECT_EQ(list[0]["bytes"], 8000) << "of one array, however often it is held";
  EXPECT_EQ(list[0]["claims"], 2);
  EXPECT_EQ(list[0]["views"], 1);
  EXPECT_EQ(list[0]["role"], "read_write");
  EXPECT_EQ(list[0]["stopped"], false);
  EXPECT_TRUE(list[0].contains("id") && list[0].contains("command") && list[0].contains("since_unix_ns"));
  const auto table = ok({"clients"});
  EXPECT_TRUE(table.starts_with("ID  ")) << table;
  expect_fits(table);
}

TEST_F(CliClaimsTest, TablesFitAndHaveTheirHeader) {
  EXPECT_EQ(ok({"locks"}), "ARRAY  MODE  ROWS  PID  SINCE  STATE  COMMAND\n");
  EXPECT_EQ(ok({"holders", "a"}), "MODE  ROWS  PID  SINCE  STATE  COMMAND\n");
  EXPECT_EQ(json({"locks"}), Json::array());
  const std::string name(150, 'n');
  auto wide = client_->create(name, int64, {1000});
  wide.write().release();
  const auto guard = wide.read({.rows = {100, 200}});
  expect_fits(ok({"locks"}));
  expect_fits(ok({"holders", name}));
  EXPECT_NE(ok({"locks", "--wide"}).find(name), std::string::npos);
}

TEST_F(CliClaimsTest, RemovedArraysKeepTheirHolders) {
  const auto guard = array().read();
  ok({"rm", "a"});
  const auto list = json({"locks"});
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["array"], "(removed)");
  fails(3, {"holders", "a"}, "a");
}

TEST_F(CliClaimsTest, HoldersWithoutADaemon) {
  Locker holder(store_.name(), {"a"});
  ASSERT_TRUE(holder.holds());
  EXPECT_EQ(cli({"holders", "a"}).err, "") << "nothing to say while a daemon runs";
  kill_daemon();
  for (const Words& words : {Words{"holders", "a"}, {"locks"}, {"clients"}, {"repair", "a"}}) {
    const auto done = cli(words);
    EXPECT_EQ(done.status, 0) << words[0] << done.err;
    EXPECT_NE(done.err.find("no daemon runs; read from the segments"), std::string::npos) << words[0] << done.err;
  }
  ASSERT_EQ(claims_of(holder.pid()).size(), 1U);
  ASSERT_EQ(::kill(holder.pid(), SIGKILL), 0);
  EXPECT_EQ(holder.wait(), 128 + SIGKILL);
  ASSERT_EQ(json({"holders", "a"}).size(), 1U) << "nobody is there to sweep it";
  EXPECT_EQ(json({"holders", "a"})[0]["dead"], true);
  EXPECT_NE(ok({"holders", "a"}).find("dead, held"), std::string::npos);
  fails(3, {"kick", std::to_string(::getpid())}, "start");
  ok({"start"});
  EXPECT_TRUE(eventually([&] { return json({"holders", "a"}).empty(); }));
}

TEST_F(CliClaimsTest, BadInputHasTheStatusOfItsKind) {
  for (const char* text : {"a[::2]", "a[0, 1]", "a.x", "a[", "a[None]"}) {
    fails(2, {"lock", text, "--", "true"}, "a");
    fails(2, {"repair", text}, "a");
    fails(2, {"repair", text, "--accept"}, "a");
  }
  for (const char* text : {"a[1000]", "a[5:5]", "a[2000:]"}) {
    fails(1, {"lock", text, "--", "true"}, "1000 rows");
    fails(1, {"repair", text, "--accept"}, "1000 rows");
  }
  fails(2, {"lock", "a"}, "--");
  fails(2, {"lock", "a", "--read", "--write", "--", "true"});
  fails(2, {"lock", "a", "--timeout", "soon", "--", "true"});
  fails(3, {"lock", "nothing", "--", "true"}, "nothing");
  fails(3, {"holders", "nothing"}, "nothing");
  fails(3, {"locks", "nothing"}, "nothing");
  fails(1, {"holders", "a[0]"}, "indices");
  fails(2, {"kick", "somebody"}, "clients");
  ok({"seal", "a"});
  fails(1, {"lock", "a", "--", "true"}, "sealed");
  EXPECT_EQ(cli({"lock", "a", "--read", "--", "true"}).status, 0);
  const auto absent = unique_store_name("absent");
  for (const Words& words : {Words{"locks"},
                             {"clients"},
                             {"holders", "a"},
                             {"repair", "a"},
                             {"snapshot", "a", "b"},
                             {"kick", "1"},
                             {"lock", "a", "--", "true"}}) {
    const auto done = test::cli(absent, words);
    EXPECT_EQ(done.status, 3) << words[0] << done.err;
    EXPECT_NE(done.err.find("ndshare start"), std::string::npos) << words[0] << done.err;
  }
}

}  // namespace
}  // namespace ndshare::test
