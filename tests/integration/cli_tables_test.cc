// Selecting, sorting, grouping and joining on the command line, over a real store.
#include <ndshare/reduce.h>

#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

class CliTablesTest : public CliClaimsTest {
 protected:
  void SetUp() override {
    CliClaimsTest::SetUp();
    const Array rows = zeros({6}, DType::parse("day:i4,who:S3,delay:f8"));
    copyto(rows["day"], ndshare::array({3, 1, 2, 1, 3, 2}, int32));
    const char* names[] = {"ORD", "LAX", "ORD", "ORD", "JFK", "LAX"};
    for (std::int64_t row = 0; row < 6; ++row) fill(rows["who"](row), names[row]);
    copyto(rows["delay"], ndshare::array({5., 400., 20., 310., -3., 0.}));
    put("flights", rows);
    const Array places = zeros({2}, DType::parse("who:S3,city:S12"));
    fill(places["who"](0), "ORD"), fill(places["city"](0), "Chicago");
    fill(places["who"](1), "LAX"), fill(places["city"](1), "Los Angeles");
    put("places", places);
    put("x", ndshare::array({3., 1., 2.}));
  }
  void put(const std::string& name, const Array& values) {
    auto guard = client_->create(name, values.dtype(), values.shape()).write();
    copyto(guard.array(), values);
    guard.release();
  }
  Array now(const std::string& name) const { return client_->open(name).view(); }
  /// Nobody but this process.
  void holds_nothing() const {
    for (const auto& claim : json({"locks"})) EXPECT_EQ(claim["pid"], ::getpid()) << claim;
  }
};

TEST_F(CliTablesTest, ShowsWhatAMaskSelects) {
  EXPECT_EQ(ok({"show", "flights[flights.delay > 300].who"}), "[b'LAX' b'ORD']\n");
  EXPECT_EQ(json({"show", "flights[flights.delay > 300]"})["shape"], Json::array({2}));
  EXPECT_EQ(ok({"show", "x[[0, -1]]"}), "[3. 2.]\n");
  const std::string some = ok({"show", "flights[flights.delay > 0]", "--limit", "1"});
  EXPECT_EQ(some.find("LAX"), std::string::npos) << some;
  EXPECT_NE(some.find("1 of 4 rows"), std::string::npos) << some;
  EXPECT_EQ(ok({"show", "x", "--limit", "9"}), "[3. 1. 2.]\n");
  fails(1, {"show", "x[[9]]"}, "out of bounds");
  fails(1, {"show", "flights[x > 1]"}, "mask of shape (3,)");
  fails(3, {"show", "nope[nope > 1]"}, "nope");
}

TEST_F(CliTablesTest, EvaluatesMasksAndWritesThroughThem) {
  EXPECT_EQ(ok({"eval", "late = mean(flights.delay[flights.who == \"ORD\"]); late"}), "111.66666666666667\n");
  ok({"eval", "late = flights[flights.delay > 300]; x[x > 1] = 0; flights.delay[flights.delay < 0] = 0"});
  EXPECT_EQ(now("late").dtype(), now("flights").dtype());
  EXPECT_EQ(now("late").shape(), Shape({2}));
  EXPECT_EQ(sum(now("x")).item<double>(), 1);
  EXPECT_EQ(min(now("flights")["delay"]).item<double>(), 0);
  fails(1, {"eval", "x[[3]] = 1"}, "out of bounds");
  fails(2, {"eval", "flights[flights.delay > 1].delay = 0"}, "come last");
}

TEST_F(CliTablesTest, SortsInPlaceAndInto) {
  const Array before = now("flights");
  ok({"sort", "flights", "--order", "day,delay", "--into", "sorted"});
  EXPECT_TRUE(array_equal(now("sorted")["day"], ndshare::array({1, 1, 2, 2, 3, 3}, int32)));
  EXPECT_TRUE(array_equal(now("sorted")["delay"], ndshare::array({310., 400., 0., 20., -3., 5.})));
  EXPECT_TRUE(array_equal(now("flights")["day"], before["day"])) << "as it was";
  ok({"sort", "flights", "--order", "delay"});
  EXPECT_TRUE(array_equal(now("flights")["delay"], ndshare::array({-3., 0., 5., 20., 310., 400.})));
  EXPECT_TRUE(array_equal(before["delay"], ndshare::array({5., 400., 20., 310., -3., 0.}))) << "a view keeps its version";
  ok({"sort", "x"});
  EXPECT_TRUE(array_equal(now("x"), ndshare::array({1., 2., 3.})));
  ok({"sort", "x", "--descending"});
  EXPECT_TRUE(array_equal(now("x"), ndshare::array({3., 2., 1.})));
  holds_nothing();
}

TEST_F(CliTablesTest, Groups) {
  const std::string table = ok({"group", "flights", "--by", "who", "--agg", "count,mean:delay"});
  EXPECT_NE(table.find("mean_delay"), std::string::npos) << table;
  const Json rows = json({"group", "flights", "--by", "who", "--agg", "count,max:delay"});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[2]["who"], "ORD");
  EXPECT_EQ(rows[2]["count"], 3);
  EXPECT_EQ(rows[2]["max_delay"], 310.0);
  ok({"group", "flights[flights.delay > 0]", "--by", "day,who", "--into", "totals"});
  EXPECT_EQ(now("totals").shape(), Shape({4}));
  fails(1, {"group", "flights", "--by", "day", "--into", "totals"}, "totals");
  ok({"group", "flights", "--by", "day", "--into", "totals", "--replace"});
  EXPECT_EQ(now("totals").shape(), Shape({3}));
  holds_nothing();
}

TEST_F(CliTablesTest, Joins) {
  const Json rows = json({"join", "flights", "places", "--on", "who"});
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0]["city"], "Chicago");
  EXPECT_EQ(json({"join", "flights", "places", "--on", "who", "--how", "left"}).size(), 6U);
  ok({"join", "flights", "places", "--on", "who", "--how", "outer", "--into", "placed"});
  EXPECT_EQ(now("placed").shape(), Shape({6}));
  holds_nothing();
}

TEST_F(CliTablesTest, BadInput) {
  fails(2, {"sort", "flights", "--order", "date"}, "date");
  fails(2, {"sort", "flights", "--order", "day,,delay"}, "commas");
  fails(3, {"sort", "nope"}, "nope");
  fails(2, {"group", "flights"}, "--by");
  fails(2, {"group", "flights", "--by", "date"}, "date");
  fails(2, {"group", "flights", "--by", "day", "--agg", "median:delay"}, "none of count");
  fails(2, {"group", "flights", "--by", "day", "--agg", "mean"}, "needs a field");
  fails(1, {"group", "x", "--by", "day"}, "structured");
  fails(2, {"join", "flights", "places", "--on", "city"}, "city");
  fails(2, {"join", "flights", "places", "--on", "who", "--how", "cross"}, "cross");
  ok({"seal", "x"});
  fails(1, {"sort", "x"}, "sealed");
  holds_nothing();
}

}  // namespace
}  // namespace ndshare::test
