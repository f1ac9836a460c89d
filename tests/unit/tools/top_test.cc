#include "tools/cli/top_frame.h"

#include <gtest/gtest.h>

#include "tools/cli/leaks.h"
#include "tools/cli/table.h"
#include "tools/cli/wait_text.h"

namespace ndshare::cli {
namespace {

admin::ClientInfo client(std::uint64_t slot, std::uint64_t pid, const std::string& command) {
  admin::ClientInfo out;
  out.slot = slot, out.gen = 1, out.pid = pid, out.command = command;
  return out;
}

admin::ArrayActivity array(const std::string& name, std::int64_t nbytes, std::uint64_t revision) {
  admin::ArrayActivity out;
  out.info.name = name, out.info.nbytes = nbytes, out.info.dtype = float64, out.info.shape = {nbytes / 8},
  out.info.pid = 10;
  out.info.extent_bytes = nbytes, out.revision = revision;
  return out;
}

StreamInfo stream(const std::string& name, std::uint64_t published, std::uint64_t ready, std::uint64_t lag) {
  StreamInfo out;
  out.name = name, out.dtype = float64, out.published = published, out.ready = ready, out.lag = lag;
  out.options.rows = 65536, out.options.depth = 16, out.producers = 2, out.consumers = 3;
  return out;
}

TopLook look_at(double at_s) {
  TopLook out;
  out.at_s = at_s;
  out.status.store = "s", out.status.pid = 1;
  out.status.pool.capacity_bytes = 1000, out.status.pool.used_bytes = 600, out.status.pool.pending_bytes = 100;
  out.status.pool.warm_bytes = 200, out.status.pool.free_bytes = 400;
  out.clients = {client(0, 10, "python3 etl.py"), client(1, 11, "reader")};
  out.arrays = {array("large", 8000, 5), array("hot", 80, 5)};
  return out;
}

TopData two_looks() {
  auto before = look_at(1), now = look_at(3);
  now.clients[0].writes_made = 20, now.clients[0].updated_bytes = 4096, now.clients[1].bytes = 100;
  now.clients[1].outdated = 1;
  now.arrays[1].revision = 25;
  admin::ClaimInfo claim;
  claim.array = "hot", claim.mode = "write", claim.pid = 10, claim.since_s = 2;
  now.claims = {claim};
  return compare(before, now);
}

TEST(TopTest, RatesAreBetweenTwoLooks) {
  const auto data = two_looks();
  EXPECT_EQ(data.rates.writes, 10);
  EXPECT_EQ(data.rates.copied_bytes, 2048);
  EXPECT_EQ(data.arrays[1].changes_per_s, 10);
  EXPECT_EQ(data.pinned_by, std::vector<std::uint64_t>{11});
  auto before = look_at(1), now = look_at(2);
  before.clients[0].writes_made = 100;
  now.clients[0].gen = 2;  // another client in the slot
  now.clients[0].writes_made = 7;
  before.arrays[0].info.created_unix_ns = 1, now.arrays[0].info.created_unix_ns = 2, now.arrays[0].revision = 1000;
  const auto other = compare(before, now);
  EXPECT_EQ(other.rates.writes, 7);
  EXPECT_EQ(other.arrays[0].changes_per_s, 0) << "another array of that name";
}

TEST(TopTest, FramesFillAnyTerminalExactly) {
  const auto data = two_looks();
  for (int page = 0; page < kTopPages; ++page) {
    for (const auto& [width, height] : {std::pair{80, 24}, {40, 10}, {200, 60}, {39, 24}, {80, 3}, {1, 1}}) {
      TopView view;
      view.page = static_cast<TopPage>(page);
      for (const bool help : {false, true}) {
        view.help = help;
        const auto lines = frame(data, view, width, height);
        ASSERT_EQ(lines.size(), static_cast<std::size_t>(height));
        for (const auto& line : lines) EXPECT_LE(text_width(line.text), static_cast<std::size_t>(width)) << line.text;
      }
    }
  }
  const auto lines = frame(data, {}, 80, 24);
  EXPECT_NE(lines[1].text.find("[####################++++::::::::........]"), std::string::npos) << lines[1].text;
  EXPECT_NE(lines[2].text.find("by 11"), std::string::npos) << lines[2].text;
}

TEST(TopTest, StreamsShowTheirLagAndRate) {
  auto before = look_at(1), now = look_at(3);
  before.streams = {stream("quiet", 7, 1, 1), stream("remade", 100, 0, 0)};
  before.streams[1].created_unix_ns = 1;
  now.streams = {stream("quiet", 7, 1, 1), stream("remade", 8, 0, 0), stream("in/orders", 40, 3, 5)};
  now.streams[1].created_unix_ns = 2, now.streams[0].dead = 2, now.streams[0].closed = true;
  before.streams.push_back(stream("in/orders", 10, 3, 5));
  const auto data = compare(before, now);
  TopView view;
  EXPECT_TRUE(apply(TopKey::page_4, data, view, 24));
  EXPECT_EQ(view.page, TopPage::streams);
  const auto names = [&] {
    std::vector<std::string> out;
    for (const auto& row : page_table(data, view).rows) out.push_back(row.back());
    return out;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(), (Names{"in/orders", "quiet", "remade"})) << "by lag";
  view.sort[kTopPages - 1] = "rate";
  EXPECT_EQ(names(), (Names{"in/orders", "remade", "quiet"})) << "15 and 4 a second (it began anew), and none";
  view.sort[kTopPages - 1] = "dead";
  EXPECT_EQ(names().front(), "quiet");
  EXPECT_TRUE(apply(TopKey::enter, data, view, 24));
  EXPECT_FALSE(view.is_drilled()) << "there is nothing below a stream";
  view.filter = "in/*";
  EXPECT_EQ(names(), Names{"in/orders"});
  const auto lines = frame(data, view, 80, 24);
  const auto& title = lines[5].text;
  const auto& row = lines[6].text;
  for (const auto* part : {"queue", "float64", "65536x16", " 5 ", " 2/3 ", " 15 ", " 40 ", "in/orders"})
    EXPECT_NE(row.find(part), std::string::npos) << part << " in " << row;
  EXPECT_EQ(title.find("NAME"), row.find("in/orders")) << title;
  view.filter = "quiet";
  EXPECT_NE(frame(data, view, 80, 24)[6].text.find("closed"), std::string::npos);
  EXPECT_EQ(to_json(data)["streams"][2]["published_per_s"], 15);
}

TEST(TopTest, RowsAreSortedFilteredAndReversed) {
  const auto data = two_looks();
  TopView view;
  view.page = TopPage::arrays;
  EXPECT_EQ(page_table(data, view).arrays, (std::vector<std::string>{"hot", "large"})) << "by heat";
  EXPECT_TRUE(apply(TopKey::sort, data, view, 24));
  EXPECT_EQ(view.sort_key(), "size");
  EXPECT_EQ(page_table(data, view).arrays, (std::vector<std::string>{"large", "hot"}));
  EXPECT_TRUE(apply(TopKey::reverse, data, view, 24));
  EXPECT_EQ(page_table(data, view).arrays, (std::vector<std::string>{"hot", "large"}));
  EXPECT_TRUE(apply(TopKey::filter, data, view, 24));
  for (const char c : std::string("lax\x7f*")) type(view, c);
  type(view, '\n');
  EXPECT_EQ(view.filter, "la*");
  EXPECT_FALSE(view.typing);
  EXPECT_EQ(page_table(data, view).arrays, std::vector<std::string>{"large"});
  for (int page = 0; page < kTopPages; ++page) {
    view = {};
    view.page = static_cast<TopPage>(page);
    for (std::size_t i = 0; i < sort_keys(view.page).size(); ++i) EXPECT_TRUE(apply(TopKey::sort, data, view, 24));
    EXPECT_EQ(view.sort_key(), sort_keys(view.page).front()) << "round again";
  }
}

TEST(TopTest, KeysMoveDrillAndLeave) {
  const auto data = two_looks();
  TopView view;
  EXPECT_FALSE(apply(TopKey::quit, data, view, 24));
  EXPECT_TRUE(apply(TopKey::enter, data, view, 24));
  EXPECT_EQ(view.pid, 10U) << "the busiest client";
  EXPECT_EQ(page_table(data, view).arrays, std::vector<std::string>{"hot"});
  EXPECT_TRUE(apply(TopKey::enter, data, view, 24));
  EXPECT_EQ(view.array, "hot");
  EXPECT_TRUE(apply(TopKey::back, data, view, 24));
  EXPECT_FALSE(view.is_drilled());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(apply(TopKey::down, data, view, 24));
  EXPECT_EQ(view.selected, 1U) << "not beyond the last";
  EXPECT_TRUE(apply(TopKey::page_up, data, view, 24));
  EXPECT_EQ(view.selected, 0U);
  view.array = "removed meanwhile";
  EXPECT_NE(frame(data, view, 80, 24)[5].text.find("gone"), std::string::npos);
}

TEST(TopTest, WhatIsSelectedIsInSight) {
  auto look = look_at(1);
  for (int i = 0; i < 100; ++i) look.arrays.push_back(array("a" + std::to_string(i), 8 * i, 1));
  const auto data = compare(look, look);
  TopView view;
  view.page = TopPage::arrays;
  EXPECT_TRUE(apply(TopKey::end, data, view, 24));
  EXPECT_EQ(view.selected, 101U);
  const auto lines = frame(data, view, 80, 24);
  EXPECT_EQ(lines[22].style, TopStyle::selected);
}

TEST(WaitPictureTest, TreesAndCircles) {
  const auto claim = [](std::uint64_t pid, const std::string& array, std::vector<std::uint64_t> waits_for) {
    admin::ClaimInfo out;
    out.pid = pid, out.array = array, out.mode = "write", out.waiting = !waits_for.empty(),
    out.waits_for = std::move(waits_for);
    out.command = "p" + std::to_string(pid), out.since_s = 2;
    return out;
  };
  EXPECT_EQ(WaitPicture({}).text(), "");
  const std::vector<admin::ClaimInfo> chain = {claim(1, "a", {}), claim(2, "a", {1}), claim(3, "a", {1, 2})};
  EXPECT_EQ(WaitPicture(chain).text(),
            "1 p1  holds write of 'a' rows all for 2 s\n"
            "├─ 2 p2  waits 2 s for write of 'a' rows all\n"
            "│  └─ 3 p3  waits 2 s for write of 'a' rows all\n"
            "└─ 3 p3  waits 2 s for write of 'a' rows all\n");
  EXPECT_TRUE(WaitPicture(chain).circles().empty());
  const std::vector<admin::ClaimInfo> circle = {claim(1, "a", {}), claim(2, "b", {}), claim(1, "b", {2}),
                                                claim(2, "a", {1}), claim(3, "a", {1})};
  const WaitPicture picture(circle);
  EXPECT_EQ(picture.circles(), (std::vector<std::vector<std::uint64_t>>{{1, 2}}));
  EXPECT_NE(picture.text().find("circle: 1 p1 → 2 p2 → 1\n"), std::string::npos) << picture.text();
  const std::vector<admin::ClaimInfo> threads = {claim(1, "a", {}), claim(1, "a", {1})};
  EXPECT_TRUE(WaitPicture(threads).circles().empty()) << "threads of one process";
  EXPECT_NE(WaitPicture(threads).text().find("└─ 1 p1"), std::string::npos);
}

TEST(LeaksTest, OnlyWhatNeverFalls) {
  std::vector<TopLook> looks;
  for (int i = 0; i < 4; ++i) {
    auto look = look_at(i * 10);
    look.clients[0].bytes = static_cast<std::uint64_t>(1000 + 100 * i);  // grows
    look.clients[0].views = static_cast<std::uint64_t>(i % 2);           // comes and goes
    look.clients[1].bytes = i == 2 ? 50 : 1000;                          // falls once
    look.arrays[1].revision = static_cast<std::uint64_t>(i);
    looks.push_back(std::move(look));
  }
  const auto report = find_leaks(looks, 0, 1'000'000'000);
  ASSERT_EQ(report.clients.size(), 1U);
  EXPECT_EQ(report.clients[0].info.pid, 10U);
  EXPECT_EQ(report.clients[0].bytes_per_minute, 600);
  EXPECT_EQ(report.clients[0].views_per_minute, 0);
  EXPECT_EQ(report.clients[0].made_bytes, 8080U);
  ASSERT_EQ(report.arrays.size(), 1U);
  EXPECT_EQ(report.arrays[0].info.name, "large");
  EXPECT_TRUE(report.arrays[0].maker_attached);
  EXPECT_TRUE(find_leaks(looks, 3600, 1'000'000'000).arrays.empty()) << "too young";
}

}  // namespace
}  // namespace ndshare::cli
