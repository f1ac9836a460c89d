// `ndshare streams` through a real daemon: every action, in words and in JSON, and what is wrong usage.
#include <fstream>

#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

class CliStreamsTest : public CliClaimsTest {
 protected:
  CliStreamsTest() {
    std::ofstream(csv_) << "id,price\n1,1.5\n2,2.5\n3,3.5\n";
    ok({"streams", "create", "s", "--dtype", "id:i8,price:f8", "--shape", "2", "--depth", "4", "--max-deliveries",
        "1"});
  }
  ScratchDir files_;
  std::string csv_ = files_.file("rows.csv");
};

TEST_F(CliStreamsTest, RowsGoInAndComeOut) {
  const auto pushed = json({"streams", "push", "s", csv_, "--attr", "file=rows.csv", "--close"});
  ASSERT_EQ(pushed.size(), 2U);
  EXPECT_EQ(pushed[1]["rows"], 1);
  const auto info = json({"streams", "info", "s"});
  EXPECT_EQ(info["ready"], 2);
  EXPECT_EQ(info["closed"], true);
  EXPECT_EQ(info["mode"], "queue");
  EXPECT_EQ(info["shape"], Json::array({2}));
  EXPECT_EQ(info["batches"].size(), 4U);
  const auto first = json({"streams", "take", "s"});
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0]["seq"], 0);
  EXPECT_EQ(first[0]["rows"], 2);
  EXPECT_EQ(first[0]["deliveries"], 1);
  EXPECT_EQ(first[0]["attrs"]["file"], "rows.csv");
  const auto out = files_.file("out.csv");
  ok({"streams", "take", "s", "--into", out});
  std::ifstream text(out);
  const std::string read{std::istreambuf_iterator<char>(text), {}};
  EXPECT_EQ(read, "id,price\n3,3.5\n");
  fails(1, {"streams", "take", "s"}, "closed");
  fails(1, {"streams", "push", "s", csv_}, "closed");
}

TEST_F(CliStreamsTest, ListsAreTablesAndJson) {
  ok({"streams", "create", "other/b", "--dtype", "f4", "--shape", "10,3", "--mode", "broadcast", "--slow", "skip"});
  const auto table = ok({"streams", "ls"});
  for (const auto* part : {"NAME", "other/b", "broadcast", "queue", "open"})
    EXPECT_NE(table.find(part), std::string::npos) << table;
  const auto list = json({"streams", "ls", "other/*"});
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["shape"], Json::array({10, 3}));
  EXPECT_EQ(list[0]["slow"], "skip");
  EXPECT_EQ(list[0]["lag"], 0);
  EXPECT_EQ(ok({"ls"}).find(".batch"), std::string::npos);
  ok({"streams", "rm", "other/b"});
  EXPECT_EQ(json({"streams", "ls"}).size(), 1U);
}

TEST_F(CliStreamsTest, DrainAndTail) {
  ok({"streams", "push", "s", csv_});
  EXPECT_EQ(ok({"streams", "drain", "s"}), "2 batches, 3 rows dropped\n");
  EXPECT_EQ(json({"streams", "drain", "s"})["batches"], 0);
  fails(4, {"streams", "tail", "s", "--timeout", "0.2"}, "deadline");
  ok({"streams", "push", "s", csv_, "--close"});
  ok({"streams", "drain", "s"});
  EXPECT_EQ(ok({"streams", "tail", "s"}), "");  // it has ended
}

TEST_F(CliStreamsTest, DeadLettersAreListedRetriedAndDropped) {
  ok({"streams", "push", "s", csv_});
  const auto lose = [&] {
    auto store = Store::connect(store_.name());
    const auto batch = store.open_stream("s").take({.timeout = std::chrono::seconds(30)});
  };
  lose(), lose();
  const auto letters = json({"streams", "dead-letters", "s"});
  ASSERT_EQ(letters.size(), 2U);
  EXPECT_EQ(letters[0]["deliveries"], 1);
  EXPECT_NE(ok({"streams", "dead-letters", "s"}).find("dead"), std::string::npos);
  EXPECT_EQ(json({"streams", "dead-letters", "s", "--retry"})["retried"], 2);
  lose();
  EXPECT_EQ(json({"streams", "dead-letters", "s", "--drop"})["dropped"], 1);
  EXPECT_EQ(json({"streams", "info", "s"})["ready"], 1);
}

TEST_F(CliStreamsTest, WithoutALimitNothingBecomesADeadLetter) {
  ok({"streams", "create", "endless", "--dtype", "id:i8,price:f8", "--shape", "3", "--depth", "1", "--max-deliveries",
      "0"});
  ok({"streams", "push", "endless", csv_});
  for (int i = 0; i < 10; ++i) {  // the limit is 8 where none is given
    auto store = Store::connect(store_.name());
    const auto lost = store.open_stream("endless").take({.timeout = std::chrono::seconds(30)});
  }
  const auto info = json({"streams", "info", "endless"});
  EXPECT_EQ(info["max_deliveries"], 0);
  EXPECT_EQ(info["dead"], 0);
  EXPECT_EQ(json({"streams", "take", "endless"})[0]["deliveries"], 11);
}

TEST_F(CliStreamsTest, TheHelpNamesEveryAction) {
  const auto help = ok({"streams", "--help"});
  const auto refused = cli({"streams", "nonsense"});
  const std::string before = "there are ";
  const auto at = refused.err.find(before);
  ASSERT_NE(at, std::string::npos) << refused.err;
  std::istringstream names(refused.err.substr(at + before.size(), refused.err.find('\n', at) - at - before.size()));
  int count = 0;
  for (std::string name; names >> name; ++count) {
    if (name.back() == ',') name.pop_back();
    EXPECT_NE(help.find(name), std::string::npos) << name << " in " << help;
    EXPECT_EQ(cli({"streams", name}).err.find("there is no '" + name), std::string::npos) << name << " is parsed";
  }
  EXPECT_EQ(count, 10) << refused.err;
}

TEST_F(CliStreamsTest, WhatIsWrongIsSaid) {
  fails(2, {"streams", "nonsense"}, "dead-letters");
  fails(2, {"streams", "info"}, "name the stream");
  fails(2, {"streams", "create", "x"}, "--dtype");
  fails(2, {"streams", "create", "x", "--dtype", "f8", "--shape", "10", "--depth", "0"}, "depth");
  fails(2, {"streams", "create", "x", "--dtype", "f8", "--shape", "0"}, "rows");
  fails(2, {"streams", "create", "x", "--dtype", "f8", "--shape", "10", "--max-deliveries", "31"}, "0 to 30");
  fails(2, {"streams", "create", "x", "--dtype", "f8", "--shape", "10", "--max-deliveries", "few"}, "from 0");
  fails(1, {"streams", "create", "s", "--dtype", "f8", "--shape", "10"}, "exists");
  fails(3, {"streams", "info", "none"}, "none");
  fails(3, {"streams", "take", "none"}, "none");
  fails(2, {"streams", "push", "s"}, "file");
  fails(4, {"streams", "take", "s", "--timeout", "0.1"}, "deadline");
  fails(1, {"rm", ".batch/s/0"}, "stream");
  auto store = Store::connect(store_.name());
  const auto open = store.open_stream("s");
  fails(1, {"streams", "rm", "s"}, std::to_string(::getpid()));
}

}  // namespace
}  // namespace ndshare::test
