// top in a real terminal: tmux plays it.
#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

/// A tmux server of its own with one window of 80 × 24 that runs `ndshare top`, and then says how it ended.
class Terminal {
 public:
  Terminal(const std::string& store, const std::string& words, int columns = 80, int rows = 24) {
    const auto line = "trap : INT; exec 2>" + files_.file("err") + "; " + program("ndshare") + " --store " + store +
                      " top " + words + "; echo ended:$?; exec sleep 300";
    tmux({"-f", "/dev/null", "new-session", "-d", "-x", std::to_string(columns), "-y", std::to_string(rows), "sh", "-c",
          line});
  }
  ~Terminal() { tmux({"kill-server"}); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::string screen() const { return tmux({"capture-pane", "-p"}).out; }
  void keys(const Words& names) const {
    Words words = {"send-keys"};
    words.insert(words.end(), names.begin(), names.end());
    tmux(words);
  }
  void resize(int columns, int rows) const {
    tmux({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(rows)});
  }
  bool shows(const std::string& text) const {
    return eventually([&] { return screen().find(text) != std::string::npos; });
  }
  std::string errors() const {
    std::ifstream file(files_.file("err"));
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  Finished tmux(const Words& words) const {
    Words command = {"tmux", "-S", files_.file("tmux")};
    command.insert(command.end(), words.begin(), words.end());
    return run(command, {.input = {}, .env = {{"LC_ALL", "C.UTF-8"}}});
  }
  ScratchDir files_;
};

class CliTopTest : public CliClaimsTest {};

TEST_F(CliTopTest, ShowsWhatGoesOn) {
  client_->create("market/prices", float32, {1000, 3}).write().release();
  const Array view = array().view();
  Terminal terminal(store_.name(), "--delay 0.1");
  ASSERT_TRUE(terminal.shows("store " + store_.name())) << terminal.screen() << terminal.errors();
  ASSERT_TRUE(terminal.shows("[1 clients]"));
  EXPECT_TRUE(terminal.shows(std::to_string(::getpid()))) << terminal.screen();
  EXPECT_NE(terminal.screen().find("q quit"), std::string::npos) << "the keys are told on the last line";
  terminal.keys({"2"});
  ASSERT_TRUE(terminal.shows("[2 arrays]"));
  EXPECT_TRUE(terminal.shows("market/prices")) << terminal.screen();
  terminal.keys({"/"});
  ASSERT_TRUE(terminal.shows("filter: _"));
  terminal.keys({"-l", "price"});
  terminal.keys({"Enter"});
  ASSERT_TRUE(eventually([&] { return terminal.screen().find("(1000,) ") == std::string::npos; })) << terminal.screen();
  terminal.keys({"Enter"});
  ASSERT_TRUE(terminal.shows("array 'market/prices'")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("float32 (1000, 3)")) << terminal.screen();
  terminal.keys({"Escape"});
  ASSERT_TRUE(terminal.shows("[2 arrays]"));
  terminal.keys({"s"});
  EXPECT_TRUE(terminal.shows("by size"));
  terminal.keys({"Space"});
  EXPECT_TRUE(terminal.shows("PAUSED"));
  terminal.keys({"h"});
  EXPECT_TRUE(terminal.shows("any key goes on"));
  terminal.keys({"x"});
  terminal.keys({"q"});
  EXPECT_TRUE(terminal.shows("ended:0")) << terminal.screen();
}

TEST_F(CliTopTest, StreamsArePageFour) {
  const StreamWait soon{.timeout = std::chrono::seconds(30)};
  auto orders = client_->create_stream("in/orders", float32, {.rows = 500, .depth = 6, .max_deliveries = 1});
  for (int i = 0; i < 4; ++i) orders.loan(soon).publish();
  static_cast<void>(orders.take(soon));  // not done: a dead letter
  const auto held = orders.take(soon);
  client_->create_stream("other", float64, {.rows = 1}).close();
  Terminal terminal(store_.name(), "--delay 0.1");
  ASSERT_TRUE(terminal.shows("[1 clients]")) << terminal.screen() << terminal.errors();
  terminal.keys({"4"});
  ASSERT_TRUE(terminal.shows("[4 streams]")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("closed")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("500x6   2   0   1   1   2   1/1      0         4 in/orders")) << terminal.screen();
  terminal.keys({"q"});
  EXPECT_TRUE(terminal.shows("ended:0")) << terminal.screen();
  const auto all = json({"top", "--once", "--delay", "0.1", "--page", "streams", "--sort", "name"})["streams"];
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["name"], "in/orders");
  EXPECT_EQ(all[0]["lag"], 2);
  EXPECT_EQ(all[0]["dead"], 1);
  EXPECT_EQ(all[0]["published_per_s"], 0);
  EXPECT_EQ(all[1]["closed"], true);
  const auto text = ok({"top", "--once", "--delay", "0.1", "--filter", "in/"});
  EXPECT_NE(text.find("500x6"), std::string::npos) << text;
  EXPECT_EQ(text.find("closed"), std::string::npos) << "the other one is filtered";
  fails(2, {"top", "--once", "--page", "streams", "--sort", "heat"}, "lag");
}

TEST_F(CliTopTest, SurvivesResizesAndEndsAtCtrlC) {
  Terminal terminal(store_.name(), "--delay 0.2");
  ASSERT_TRUE(terminal.shows("[1 clients]")) << terminal.errors();
  terminal.resize(120, 40);
  ASSERT_TRUE(eventually([&] {
    const auto screen = terminal.screen();
    return std::count(screen.begin(), screen.end(), '\n') == 40 && screen.find("q quit") > screen.size() / 2;
  })) << terminal.screen();
  terminal.resize(30, 5);
  EXPECT_TRUE(terminal.shows("too small")) << terminal.screen();
  terminal.resize(80, 24);
  EXPECT_TRUE(terminal.shows("[1 clients]")) << terminal.screen();
  terminal.keys({"C-c"});
  EXPECT_TRUE(terminal.shows("ended:0")) << terminal.screen();
  EXPECT_EQ(terminal.errors(), "");
}

TEST_F(CliTopTest, SurvivesItsStore) {
  Terminal terminal(store_.name(), "--delay 0.1");
  ASSERT_TRUE(terminal.shows("[1 clients]")) << terminal.errors();
  kill_daemon();
  EXPECT_TRUE(terminal.shows("no daemon runs")) << terminal.screen();
  ok({"start"});
  EXPECT_TRUE(terminal.shows("daemon " + std::to_string(json({"status"})["pid"].get<int>()))) << terminal.screen();
  terminal.keys({"q"});
  EXPECT_TRUE(terminal.shows("ended:0"));
}

TEST_F(CliTopTest, RefusesWhatIsNoTerminal) {
  {
    Terminal small(store_.name(), "", 30, 8);
    ASSERT_TRUE(small.shows("ended:1")) << small.screen();
    EXPECT_NE(small.errors().find("at least 40 x 10"), std::string::npos) << small.errors();
  }
  const auto unknown = run({"env", "TERM=no-such-terminal", "script", "-qec",
                            program("ndshare") + " --store " + store_.name() + " top", "/dev/null"});
  EXPECT_EQ(unknown.status, 1) << unknown.out;
  EXPECT_NE(unknown.out.find("no-such-terminal"), std::string::npos) << unknown.out;
  fails(1, {"top"}, "--once");
}

TEST_F(CliTopTest, OnceIsAFrameForScripts) {
  const Array view = array().view();
  Locker holder(store_.name(), {"a[0:10]"});
  ASSERT_TRUE(holder.holds());
  const auto frame = json({"top", "--once", "--delay", "0.1"});
  EXPECT_EQ(frame["store"], store_.name());
  EXPECT_EQ(frame["note"], "");
  EXPECT_EQ(frame["memory"]["capacity_bytes"], 64 << 20);
  EXPECT_EQ(frame["clients"].size(), 2U);
  EXPECT_EQ(frame["arrays"][0]["claims"], 2);
  EXPECT_EQ(frame["claims"].size(), 2U);
  const auto text = ok({"top", "--once", "--delay", "0.1"});
  for (const char* part : {"memory [", "COMMAND", "HEAT", "ARRAY"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(ok({"top", "--once", "--delay", "0.1", "--filter", "zzz"}).find("(1000,)"), std::string::npos);
  EXPECT_EQ(holder.end(), 7);
}

}  // namespace
}  // namespace ndshare::test
