// What every user of tables writes, as the README has it.
#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>
#include <ndshare/select.h>
#include <ndshare/sort.h>
#include <ndshare/table.h>

#include <gtest/gtest.h>

namespace ndshare {
namespace {

Array flights() {
  const Array rows = zeros({6}, DType::parse("date:M8[D],origin:S3,delay:f8"));
  const char* origins[] = {"ORD", "LAX", "ORD", "ORD", "JFK", "LAX"};
  const char* dates[] = {"2024-01-03", "2024-01-01", "2024-01-02", "2024-01-01", "2024-01-03", "2024-01-02"};
  for (std::int64_t row = 0; row < 6; ++row) fill(rows["origin"](row), origins[row]), fill(rows["date"](row), dates[row]);
  copyto(rows["delay"], array({5., 400., 20., 400., -3., 0.}));
  return rows;
}

TEST(TableExamplesTest, FilterByTwoFieldsAndAverageAThird) {
  const Array table = flights();
  EXPECT_EQ(mean(table["delay"][(table["origin"] == "ORD") & (table["delay"] > 15)]).item<double>(), 210);
}

TEST(TableExamplesTest, SortByTwoKeysAndTakeTheFirst) {
  const Array worst = sort(flights(), {.descending = true, .order = {"delay", "date"}})(slice(3));
  EXPECT_TRUE(array_equal(worst["delay"], array({400., 400., 20.})));
  EXPECT_EQ(worst["origin"](0).item().as<std::string>(), "ORD") << "both on 2024-01-01: the rest of the fields decides";
  EXPECT_EQ(worst["origin"](1).item().as<std::string>(), "LAX");
}

TEST(TableExamplesTest, GroupAndJoin) {
  const Array means = group_by(flights(), {"origin"}, {{Aggregate::count}, {Aggregate::mean, "delay"}});
  EXPECT_TRUE(array_equal(means["count"], array({1, 2, 3})));
  const Array places = zeros({1}, DType::parse("origin:S3,city:S8"));
  fill(places["origin"], "ORD"), fill(places["city"], "Chicago");
  const Array placed = join_by(flights(), places, {"origin"}, {.how = JoinHow::left});
  EXPECT_EQ(placed.size(), 6);
  EXPECT_EQ(placed["city"](0).item().as<std::string>(), "Chicago");
}

}  // namespace
}  // namespace ndshare
