// doctor, locks --graph, clients --leaks, watch: what an operator sees of real processes.
#include <sys/wait.h>

#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

/// What `doctor` says of one check.
class CliOperatorTest : public CliClaimsTest {
 protected:
  Json doctor(Words words = {}) const {
    words.insert(words.begin(), {"--json", "doctor"});
    const auto done = cli(words);
    EXPECT_TRUE(done.status == 0 || done.status == 1) << done.err;
    const auto report = Json::parse(done.out, nullptr, false);
    EXPECT_EQ(report["healthy"], done.status == 0) << done.out;
    return report;
  }
  static Json check(const Json& report, const std::string& name) {
    for (const auto& one : report["checks"])
      if (one["check"] == name) return one;
    return {{"status", "missing"}, {"text", report.dump()}};
  }
  void expect_wrong(const std::string& name, const std::string& part, const Words& words = {}) const {
    const auto found = check(doctor(words), name);
    EXPECT_EQ(found["status"], "wrong") << found;
    EXPECT_NE(found["text"].get<std::string>().find(part), std::string::npos) << found;
    EXPECT_NE(found["advice"], "") << found;
  }
};

TEST_F(CliOperatorTest, DoctorFindsNothingInAStoreThatIsWell) {
  const auto report = doctor();
  EXPECT_EQ(report["store"], store_.name());
  for (const char* name : {"leftovers", "daemon", "layout", "capacity", "pending", "fragmentation", "torn", "dead",
                           "stopped", "held", "views"})
    EXPECT_EQ(check(report, name)["status"], "ok") << check(report, name);
  const auto text = cli({"doctor"});
  EXPECT_NE(text.out.find("\nok       torn "), std::string::npos) << text.out;
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos) << "no colours in a pipe";
}

TEST_F(CliOperatorTest, DoctorFindsTornRowsAndLongHeldLocksAndStoppedHolders) {
  array().write({.rows = {2, 5}}).abandon();
  expect_wrong("torn", "'a'");
  client_->create("b", int64, {10}).write().release();
  Locker holder(store_.name(), {"b"});
  ASSERT_TRUE(holder.holds());
  ASSERT_TRUE(eventually([&] { return check(doctor({"--held", "0.2"}), "held")["status"] == "wrong"; }));
  expect_wrong("held", std::to_string(holder.pid()), {"--held", "0.2"});
  EXPECT_EQ(check(doctor({"--held", "100000"}), "held")["status"], "ok");
  ASSERT_EQ(::kill(holder.pid(), SIGSTOP), 0);
  ASSERT_TRUE(eventually([&] { return check(doctor(), "stopped")["status"] == "wrong"; }));
  expect_wrong("stopped", "'b'");
  EXPECT_EQ(cli({"doctor"}).status, 1);
  ASSERT_EQ(::kill(holder.pid(), SIGCONT), 0);
  EXPECT_EQ(holder.end(), 7);
}

TEST_F(CliOperatorTest, DoctorFindsManyViewsAndViewsOfOldVersions) {
  std::vector<Array> views;
  for (int i = 0; i < 1000; ++i) views.push_back(array().view());
  expect_wrong("views", std::to_string(::getpid()));
  views.resize(1);
  array().resize(2000);  // another version: the view is of an old one from now on
  ASSERT_TRUE(eventually([&] { return check(doctor({"--held", "0.05"}), "held")["status"] == "wrong"; }));
  expect_wrong("held", "old version", {"--held", "0.05"});
  EXPECT_EQ(json({"clients"})[0]["outdated"], 1);
}

TEST_F(CliOperatorTest, DoctorWorksWithoutADaemonAndFixes) {
  {
    Client dead(
        store_, [](Store& store) { return std::make_shared<Array>(store.open("a").view()); }, false);
    kill_daemon();
  }
  const auto report = doctor();
  EXPECT_EQ(check(report, "daemon")["status"], "note");
  EXPECT_EQ(check(report, "dead")["status"], "wrong") << "its client died while nobody was there to sweep it";
  EXPECT_EQ(check(report, "leftovers")["status"], "wrong") << "the socket that nobody listens on";
  const auto fixed = doctor({"--fix"});
  ASSERT_EQ(fixed["removed"].size(), 1U) << fixed;
  EXPECT_TRUE(fixed["removed"][0].get<std::string>().ends_with(".sock")) << fixed;
  EXPECT_EQ(doctor({"--fix"})["removed"], Json::array());
  ok({"start"});
  EXPECT_EQ(json({"info", "a"})["name"], "a") << "what a start adopts is never removed";
  EXPECT_TRUE(eventually([&] { return check(doctor(), "dead")["status"] == "ok"; }));
}

TEST_F(CliOperatorTest, DoctorSaysThatADaemonDoesNotAnswer) {
  const auto pid = static_cast<pid_t>(json({"status"})["pid"].get<int>());
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  const auto found = check(doctor({"--timeout", "0.3"}), "daemon");
  const auto frame = json({"top", "--once", "--delay", "0.1"});
  ASSERT_EQ(::kill(pid, SIGCONT), 0);
  EXPECT_EQ(found["status"], "wrong") << found;
  EXPECT_EQ(frame["note"], "the daemon does not answer");
  EXPECT_EQ(frame["arrays"].size(), 1U) << "the segments still say";
}

/// Changes the layout hash of a catalog, and back again.
void flip_layout(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(8);
  const auto byte = static_cast<char>(file.get() ^ 0x55);
  file.seekp(8);
  file.put(byte);
}

TEST_F(CliOperatorTest, DoctorSaysThatALayoutIsAnothers) {
  client_.reset();
  ok({"stop", "--keep"});
  const auto path = "/dev/shm/ndshare-" + std::to_string(::geteuid()) + "-" + store_.name() + ".catalog";
  flip_layout(path);
  expect_wrong("layout", "another memory layout");
  EXPECT_EQ(check(doctor(), "torn")["status"], "skipped");
  EXPECT_EQ(doctor({"--fix"})["removed"], Json::array()) << "another build may still read it";
  fails(1, {"top", "--once"}, "another memory layout");
  flip_layout(path);
  EXPECT_EQ(check(doctor(), "layout")["status"], "ok");
}

/// A private store whose processes were all killed, or files alone: nobody can use them any more.
TEST(CliDoctorTest, FixRemovesOrphansAndRemains) {
  const auto name = unique_store_name("orphan");
  ::setenv("NDSHARE_DAEMON", program("ndshared").c_str(), 1);
  const auto client = fork_child([&] {
    Store store = Store::open_or_start(name, {.capacity_bytes = 16U << 20});
    store.create("x", int64, {10}).write().release();
    const auto daemon = static_cast<pid_t>(store.daemon_pid());
    ::kill(daemon, SIGKILL);
    ::kill(::getpid(), SIGKILL);
    return 0;
  });
  EXPECT_EQ(wait_child(client), 128 + SIGKILL);
  // Any other program of this user that starts a private store removes orphans too: this one may be gone at any time.
  const auto seen = cli(name, {"doctor"});
  EXPECT_TRUE(seen.status == 3 || seen.out.find("without a living process") != std::string::npos)
      << seen.out << seen.err;
  const auto fixed = cli(name, {"doctor", "--fix"});
  EXPECT_TRUE(fixed.status == 3 || fixed.out.find("removed /dev/shm/") != std::string::npos) << fixed.out << fixed.err;
  EXPECT_EQ(cli(name, {"doctor"}).status, 3) << "nothing of that name is left";

  const auto file = "/dev/shm/ndshare-" + std::to_string(::geteuid()) + "-" + name + ".sync";
  std::ofstream(file) << "half a store";
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_NE(cli(name, {"doctor"}).out.find("without a catalog"), std::string::npos);
  EXPECT_NE(cli(name, {"doctor", "--fix"}).out.find("removed " + file), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(CliOperatorTest, GraphShowsWhoWaitsForWhom) {
  EXPECT_EQ(ok({"locks", "--graph"}), "nobody waits\n");
  Locker holder(store_.name(), {"a[0:10]"});
  ASSERT_TRUE(holder.holds());
  Locker waiter(store_.name(), {"a", "--read", "--timeout", "60"});
  ASSERT_TRUE(eventually([&] { return json({"locks", "--graph"})["waits"].size() == 1; }));
  const auto graph = json({"locks", "--graph", "a"});
  EXPECT_EQ(graph["waits"][0]["pid"], waiter.pid());
  EXPECT_EQ(graph["waits"][0]["waits_for"], holder.pid());
  EXPECT_EQ(graph["processes"].size(), 2U);
  EXPECT_EQ(graph["circles"], Json::array());
  const auto text = ok({"locks", "--graph"});
  EXPECT_TRUE(text.starts_with(std::to_string(holder.pid()) + " ")) << text;
  EXPECT_NE(text.find("holds write of 'a' rows 0:10"), std::string::npos) << text;
  EXPECT_NE(text.find("\n└─ " + std::to_string(waiter.pid()) + " "), std::string::npos) << text;
  EXPECT_EQ(holder.end(), 7);
  ASSERT_TRUE(waiter.holds());
  EXPECT_EQ(waiter.end(), 7);
}

TEST_F(CliOperatorTest, LeaksAreWhatOnlyGrows) {
  Client leaker(
      store_, [](Store& store) { return std::make_shared<Store>(store); }, false);
  const auto grower = fork_child([&] {
    Store mine = store_.connect();
    std::vector<Array> kept;
    while (true) {  // until it is killed
      const auto name = "leak" + std::to_string(kept.size());
      mine.create(name, int64, {100}).write().release();
      kept.push_back(mine.open(name).view());
      ::usleep(20'000);
    }
    return 0;
  });
  const auto report = json({"clients", "--leaks", "--interval", "1", "--age", "0"});
  ::kill(grower, SIGKILL);
  wait_child(grower);
  ASSERT_EQ(report["clients"].size(), 1U) << report;
  EXPECT_EQ(report["clients"][0]["pid"], grower);
  EXPECT_GT(report["clients"][0]["made_bytes_per_minute"], 0.0);
  EXPECT_GT(report["clients"][0]["views_per_minute"], 0.0);
  ASSERT_FALSE(report["arrays"].empty());
  bool idle = false;
  for (const auto& array : report["arrays"]) idle = idle || (array["name"] == "a" && array["maker_attached"] == true);
  EXPECT_TRUE(idle) << report;
  EXPECT_NE(ok({"clients", "--leaks", "--interval", "0.2", "--age", "0"}).find("nobody touched"), std::string::npos);
}

TEST_F(CliOperatorTest, WatchPrintsALineAChange) {
  const auto file = std::make_unique<ScratchDir>();
  const auto out = file->file("lines");
  const auto watcher = fork_child([&] {
    const auto done = cli({"--json", "watch", "a", "--count", "3", "--timeout", "30"});
    std::ofstream(out) << done.out;
    return done.status;
  });
  ASSERT_TRUE(eventually([&] { return json({"clients"}).size() == 2; })) << "it is attached";
  ::usleep(300'000);  // it has looked at the revision by then; a change before that is not told, and the next one is
  const auto status = [&] {
    int ended = 0;
    return ::waitpid(watcher, &ended, WNOHANG) == watcher ? std::optional(ended) : std::nullopt;
  };
  std::optional<int> ended;
  ASSERT_TRUE(eventually([&] {
    array().write().release();
    ok({"eval", "a[0] = 7"});
    ended = status();
    return ended.has_value();
  }));
  EXPECT_EQ(*ended, 0);
  std::ifstream lines(out);
  std::uint64_t revision = 0;
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto change = Json::parse(line, nullptr, false);
    EXPECT_EQ(change["name"], "a") << line;
    EXPECT_GT(change["revision"].get<std::uint64_t>(), revision) << line;
    revision = change["revision"];
    EXPECT_TRUE(change.contains("version") && change.contains("pid") && change.contains("unix_ns")) << line;
  }
  EXPECT_EQ(count, 3);
}

TEST_F(CliOperatorTest, WatchNamesTheOneWhoMayHaveBeenIt) {
  const auto watched = fork_child([&] {
    const auto done = cli({"--json", "watch", "a", "--count", "1"});
    const auto change = Json::parse(done.out, nullptr, false);
    return done.status == 0 && change.is_object() && change["pid"] == ::getppid() ? 0 : 1;
  });
  ASSERT_TRUE(eventually([&] { return json({"clients"}).size() == 2; }));
  ::usleep(300'000);
  array().write().release();  // this process, the only other client
  EXPECT_EQ(wait_child(watched), 0);
}

TEST_F(CliOperatorTest, WatchFollowsANameAndEndsWithIt) {
  const auto watched = fork_child([&] {
    const auto done = cli({"--json", "watch", "a"});
    return done.status == 3 && done.out.find("\"replaced\":true") != std::string::npos ? 0 : 1;
  });
  ASSERT_TRUE(eventually([&] { return json({"clients"}).size() == 2; }));
  ::usleep(300'000);
  ok({"create", "b", "--dtype", "f4", "--shape", "3"});
  ok({"mv", "b", "a", "--replace"});
  ::usleep(600'000);
  ok({"rm", "a"});
  EXPECT_EQ(wait_child(watched), 0);
}

TEST_F(CliOperatorTest, BadInputHasTheStatusOfItsKind) {
  fails(2, {"doctor", "--held", "soon"}, "--held");
  fails(2, {"clients", "--leaks", "--interval", "0"}, "--interval");
  fails(2, {"clients", "--leaks", "--age", "-1"}, "--age");
  fails(3, {"watch", "nothing"}, "nothing");
  fails(2, {"watch", "a", "--count", "0"});
  fails(2, {"top", "--json"}, "--once");
  fails(2, {"top", "--once", "--sort", "colour"}, "sorted by");
  fails(2, {"top", "--once", "--page", "streets"});
  fails(2, {"top", "--delay", "0"}, "--delay");
  fails(1, {"top"}, "no terminal");
  fails(3, {"locks", "--graph", "nothing"}, "nothing");
  const auto absent = unique_store_name("absent");
  for (const Words& words : {Words{"doctor"},
                             {"top", "--once"},
                             {"watch", "a"},
                             {"diff", "a", "b"},
                             {"sum", "a"},
                             {"plot", "a"},
                             {"clients", "--leaks"},
                             {"locks", "--graph"}}) {
    const auto done = test::cli(absent, words);
    EXPECT_EQ(done.status, 3) << words[0] << done.err;
    EXPECT_NE(done.err.find("ndshare start"), std::string::npos) << words[0] << done.err;
  }
}

}  // namespace
}  // namespace ndshare::test
