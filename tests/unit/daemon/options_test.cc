#include "daemon/options.h"

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using test::code_of;

DaemonOptions parse(std::vector<std::string> words) {
  words.insert(words.begin(), "ndshared");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse_options(static_cast<int>(words.size()), argv.data());
}

TEST(OptionsTest, EveryOptionArrives) {
  const auto out = parse({"--store", "etl", "--capacity=2G", "--max-clients", "9", "--max-arrays", "1000", "--pool-dir", "/mnt/p",
                          "--warm-limit", "64M", "--ephemeral", "--allow-gid", "7", "--allow-gid", "8", "--read-only-gid", "9",
                          "--log-file", "x.log", "--log-level", "debug", "--idle-exit", "3"});
  EXPECT_EQ(out.engine.store, "etl");
  EXPECT_EQ(out.engine.capacity_bytes, 2ULL << 30);
  EXPECT_EQ(out.engine.max_clients, 9U);
  EXPECT_EQ(out.engine.max_arrays, 1000U);
  EXPECT_EQ(out.engine.pool_dir, "/mnt/p");
  EXPECT_EQ(out.engine.warm_limit_bytes, 64ULL << 20);
  EXPECT_TRUE(out.engine.ephemeral);
  EXPECT_TRUE(out.engine.shared_between_uids);
  EXPECT_EQ(out.write_gids, (std::vector<std::uint32_t>{7, 8}));
  EXPECT_EQ(out.read_only_gids, (std::vector<std::uint32_t>{9}));
  EXPECT_EQ(out.log.file, "x.log");
  EXPECT_EQ(out.log.level, LogLevel::debug);
  EXPECT_EQ(out.idle_exit, std::chrono::seconds(3));
  EXPECT_FALSE(parse({"--store", "a"}).engine.shared_between_uids);
}

TEST(OptionsTest, GroupsMayBeNamed) { EXPECT_EQ(parse({"--allow-gid", "root"}).write_gids, (std::vector<std::uint32_t>{0})); }

TEST(OptionsTest, WhatCannotBeReadIsRefused) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"--capacity", "0"}, {"--capacity", "-1"}, {"--max-clients", "4096"},
                                                                 {"--max-arrays", "0"}, {"--allow-gid", "no such group"},
                                                                 {"--idle-exit", "soon"}, {"--capacity"}, {"extra"}, {"-x"}}) {
    EXPECT_EQ(code_of([&] { parse(words); }), ErrorCode::Usage) << words[0];
  }
  EXPECT_EQ(code_of([&] { parse({"--store", "../x"}); }), ErrorCode::Name);
}

TEST(OptionsTest, HelpNamesEveryOption) {
  for (const char* name : {"--store", "--capacity", "--ready-fd", "--idle-exit", "--read-only-gid"}) {
    EXPECT_NE(help_text().find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace ndshare::internal
