// Expressions on the command line, over a real store.
#include <thread>

#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

class CliEvalTest : public CliClaimsTest {
 protected:
  void SetUp() override {
    CliClaimsTest::SetUp();
    put("x", arange(12.0).reshape({3, 4}));
    put("y", ones({4}, float32));
    put("market/p", ndshare::array({1.5, 2.5}));
    const Array rows = zeros({3}, DType::parse("delay:i4,who:S3,day:M8[D]"));
    fill(rows["who"](1), "ORD");
    put("flights", rows);
  }
  void put(const std::string& name, const Array& values, Order order = Order::C) {
    SharedArray made = client_->create(name, values.dtype(), values.shape(), {.order = order});
    auto guard = made.write();
    copyto(guard.array(), values);
    guard.release();
  }
  Array now(const std::string& name) const { return client_->open(name).view(); }
  /// Nobody but this process.
  void holds_nothing() const {
    for (const auto& claim : json({"locks"})) EXPECT_EQ(claim["pid"], ::getpid()) << claim;
  }
};

TEST_F(CliEvalTest, PrintsValues) {
  EXPECT_EQ(ok({"eval", "sum(x)"}), "66.0\n");
  EXPECT_EQ(ok({"eval", "x[1] + y"}), "[5. 6. 7. 8.]\n");
  EXPECT_EQ(ok({"eval", "`market/p` * 2; 1 + 1"}), "[3. 5.]\n2\n");
  EXPECT_EQ(ok({"eval", "flights.who == \"ORD\""}), "[False  True False]\n");
  EXPECT_EQ(ok({"eval", "flights[1:]"}), ok({"show", "flights[1:]"}));
  EXPECT_EQ(ok({"eval", "transpose(x)[0]"}), "[0. 4. 8.]\n");
  EXPECT_EQ(ok({"--store", store_.name(), "eval", "sum(x)", "--threads", "1"}), "66.0\n");
  EXPECT_EQ(json({"eval", "x[0, :2]"})["values"], Json::array({0.0, 1.0}));
  EXPECT_EQ(json({"eval", "mean(x, axis=0)"})["dtype"], "float64");
  EXPECT_EQ(json({"eval", "y * (pi/2)"})["dtype"], "float32");
  holds_nothing();
}

TEST_F(CliEvalTest, MakesAndReplacesArrays) {
  ok({"eval", "z = sqrt(x * x + y * y); w = z[0]; who = flights.who; all = flights"});
  EXPECT_EQ(now("z").shape(), Shape({3, 4}));
  EXPECT_EQ(now("w").shape(), Shape({4}));
  EXPECT_EQ(now("who").dtype(), DType::parse("S3"));
  EXPECT_TRUE(array_equal(now("all")["who"], now("flights")["who"]));
  holds_nothing();
  const Array before = now("z");
  ok({"eval", "z = sum(x, axis=0)"});
  EXPECT_EQ(now("z").shape(), Shape({4}));
  EXPECT_EQ(before.shape(), Shape({3, 4})) << "a view keeps its version";
  ok({"eval", "z = z * 2; x = x[::-1]"});
  EXPECT_EQ(now("z").at<double>(0), 24);
  EXPECT_EQ(now("x").at<double>(0, 0), 8);
}

TEST_F(CliEvalTest, WhatFailsHalfWayIsNotThere) {
  put("i", ndshare::array({2, 3}));
  fails(2, {"eval", "z = i ** (0 - i)"}, "negative powers");
  EXPECT_FALSE(client_->contains("z")) << "it was being filled when its values turned out to be wrong";
  fails(2, {"eval", "x = i ** (0 - i)"});
  EXPECT_EQ(now("x").shape(), Shape({3, 4}));
  fails(2, {"eval", "i **= 0 - i"});
  EXPECT_EQ(now("i").at<int>(1), 3);
  fails(1, {"eval", "i[1] = 7; i[0] = 1.5"});
  EXPECT_EQ(now("i").at<int>(1), 7) << "statements before it are done";
  fails(2, {"eval", "i[1] = 8; nosuch(i)"});
  EXPECT_EQ(now("i").at<int>(1), 7) << "but text is read before anything is";
  holds_nothing();
}

TEST_F(CliEvalTest, ChangesInPlace) {
  const Array before = now("x");
  ok({"eval", "x[1:3] += 100; x[0, 0] = -5; y *= 2"});
  const Array after = now("x");
  EXPECT_EQ(after.at<double>(0, 0), -5);
  EXPECT_EQ(after.at<double>(0, 1), 1);
  EXPECT_EQ(after.at<double>(2, 3), 111);
  EXPECT_EQ(before.at<double>(2, 3), 11);
  EXPECT_EQ(now("y").at<float>(0), 2);
  ok({"eval",
      "x[...] = x * 2; x[1:] += x[:-1]; flights.delay[1:] = 7; flights[0].who = 'LAX'; flights.day = '2024-02-29'"});
  EXPECT_EQ(now("x").at<double>(1, 3), 2 * 107 + 2 * 3) << "as if the right side were copied first";
  EXPECT_EQ(now("x").at<double>(2, 3), 2 * 111 + 2 * 107);
  EXPECT_EQ(now("flights")["delay"].at<int>(2), 7);
  EXPECT_EQ(ok({"eval", "flights.who; flights.day[0] == '2024-02-29'"}), "[b'LAX' b'ORD' b'']\nTrue\n");
  fails(1, {"eval", "x[0] = ones((3,))"});
  fails(1, {"eval", "y[...] = 2j + y"}, "same_kind");
  fails(1, {"eval", "x[7] = 1"}, "out of bounds");
  client_->open("y").seal();
  fails(1, {"eval", "y += 1"}, "sealed");
  fails(1, {"eval", "y = x"}, "sealed");
  holds_nothing();
}

TEST_F(CliEvalTest, OtherOrdersNoAxesAndNoRows) {
  put("fortran", arange(12.0).reshape({3, 4}), Order::F);
  ok({"eval", "fortran[1:2] = 0; fortran[0, 1] += 10"});
  EXPECT_EQ(now("fortran").at<double>(1, 2), 0);
  EXPECT_EQ(now("fortran").at<double>(0, 1), 11);
  put("one", scalar_array(5, int64));
  ok({"eval", "one[...] = one * 2; one += 1"});
  EXPECT_EQ(now("one").item<int>(), 11);
  put("none", zeros({0, 3}));
  ok({"eval", "none[...] = 1; none += 1; none[0:0] = 2"});
  EXPECT_EQ(ok({"eval", "sum(none)"}), "0.0\n");
}

TEST_F(CliEvalTest, WritesOfManyAtOnceAreAllThere) {
  put("count", zeros({2}, int64));
  constexpr int kTimes = 12;
  std::vector<std::thread> all;
  for (int n = 0; n < 4; ++n) {
    all.emplace_back([&, n] {
      for (int k = 0; k < kTimes; ++k)
        ok({"--timeout", "60", "eval", n % 2 == 0 ? "count += 1" : "count[...] = count + 1"});
    });
  }
  for (auto& one : all) one.join();
  EXPECT_EQ(now("count").at<int>(0), 4 * kTimes) << "an array is read and changed in one state";
  holds_nothing();
}

TEST_F(CliEvalTest, WaitsForWritersAndNoLongerThanAsked) {
  const Locker locker(store_.name(), {"y", "--write"});
  ASSERT_TRUE(locker.holds());
  fails(4, {"--timeout", "0.2", "eval", "sum(x) + sum(y)"}, "'y'");
  fails(4, {"--timeout", "0.2", "eval", "y += 1"}, "'y'");
  fails(4, {"--timeout", "0.2", "eval", "z = y"}, "'y'");
  EXPECT_FALSE(client_->contains("z"));
  EXPECT_EQ(ok({"eval", "sum(x)"}), "66.0\n") << "what it does not read is nothing to it";
}

TEST_F(CliEvalTest, ReadersAndViewsAreNotInTheWay) {
  const Locker reader(store_.name(), {"x", "--read"}), viewer(store_.name(), {"x", "--view"});
  ASSERT_TRUE(reader.holds() && viewer.holds());
  ok({"eval", "x += 1; x[0] = x[1]; x = x * 2"});
  EXPECT_EQ(now("x").at<double>(0, 0), 10);
}

TEST_F(CliEvalTest, IsRefusedLikeAnyOtherCall) {
  fails(1, {"eval", "big = zeros((100000, 1)) + zeros((100000,))", "--max-bytes", "1M"}, "max_bytes");
  fails(1, {"eval", "big = zeros((1000000,))", "--max-bytes", "1M"}, "max_bytes");
  EXPECT_FALSE(client_->contains("big")) << "nothing is left of what was refused";
  EXPECT_EQ(ok({"eval", "sum(zeros((100000, 1)) + zeros((1000,)))", "--max-bytes", "1M"}), "0.0\n")
      << "a sum needs no memory";
  fails(1, {"eval", "x", "--max-bytes", "many"}, "many");
  fails(2, {"eval", "x", "--threads", "-1"});
  fails(3, {"eval", "nosuch + 1"}, "nosuch");
  fails(3, {"eval", "nosuch += 1"}, "nosuch");
  fails(3, {"eval", "market / p"}, "`market/p`");
  fails(1, {"eval", "`a//b` = 1"}, "a//b");
  fails(1, {"eval", "x + ones((7,))"}, "(3, 4)");
  fails(2, {"eval", "x +"}, "position 3\n  x +\n     ^");
  fails(2, {"eval", "frobnicate(x)"}, "frobnicate");
  fails(2, {"eval", "0 < x < 1"}, "(a < b) & (b < c)");
  fails(2, {"eval", ""});
  fails(2, {"eval"});
  fails(2, {"eval", "x", "y"});
  const auto error = cli({"--json", "eval", "x $"});
  EXPECT_NE(error.err.find("\"position\":\"2\""), std::string::npos) << error.err;
}

TEST_F(CliEvalTest, ReadingNeedsNoLeaveToWrite) {
  EXPECT_EQ(ok({"eval", "x[0, 1]"}), "1.0\n");
  client_->open("x").seal();
  EXPECT_EQ(ok({"eval", "sum(x) + sum(y)"}), "70.0\n") << "sealed arrays are read as others";
}

TEST_F(CliEvalTest, Plans) {
  const Json planned = json({"plan", "x + y"});
  EXPECT_EQ(planned["shape"], Json::array({3, 4}));
  EXPECT_EQ(planned["dtype"], "float64");
  EXPECT_EQ(planned["nbytes"], 96);
  ASSERT_EQ(planned["copies"].size(), 2U) << "y is widened, and stretched in rows too short to be read where they lie";
  EXPECT_EQ(planned["copies"][0]["reason"], "upcast");
  EXPECT_EQ(planned["copies"][1]["reason"], "strided");
  EXPECT_GT(planned["temporaries"], 0);
  EXPECT_TRUE(planned["refusal"].is_null());
  EXPECT_NE(ok({"plan", "x * 2"}).find("(3, 4)"), std::string::npos);
  const Json sum = json({"plan", "sum((zeros((1000000, 1000000)) + x[0, 0])**2)"});
  EXPECT_EQ(sum["shape"], Json::array());
  EXPECT_EQ(sum["operations"], 3) << "it is planned, not computed";
  EXPECT_FALSE(json({"plan", "zeros((1000000, 1000000)) + x[0, 0]"})["refusal"].is_null());
  fails(2, {"plan", "z = x"}, "eval assigns");
  fails(2, {"plan", "x; y"});
  fails(2, {"plan", "x +"}, "position");
  fails(3, {"plan", "nosuch * 2"});
  fails(1, {"plan", "x + ones((7,))"}, "(3, 4)");
  fails(2, {"plan"});
  kill_daemon();
  EXPECT_EQ(json({"plan", "x + y"})["nbytes"], 96) << "from the segments";
  EXPECT_EQ(json({"stats", "x"})["max"], 11.0);
}

TEST_F(CliEvalTest, Stats) {
  const Json stats = json({"stats", "x"});
  EXPECT_EQ(stats,
            Json({{"min", 0.0}, {"max", 11.0}, {"mean", 5.5}, {"std", stats["std"]}, {"nulls", 0}, {"count", 12}}));
  EXPECT_NEAR(stats["std"].get<double>(), std::sqrt(143.0 / 12), 1e-14);
  EXPECT_EQ(json({"stats", "x[1:, 0]"})["mean"], 6.0);
  ok({"eval", "n = where(x > 3, nan, x); n[0, 0] = -inf"});
  EXPECT_EQ(json({"stats", "n"})["nulls"], 8);
  EXPECT_EQ(json({"stats", "n"})["max"], 3.0);
  ok({"eval", "n[...] = nan"});
  EXPECT_TRUE(json({"stats", "n"})["max"].is_null());
  put("days", full({3}, 5, int64).view_as(DType::parse("M8[D]")));
  ok({"eval", "days[1] = 'NaT'; days[2] = '2024-02-29'"});
  EXPECT_EQ(json({"stats", "days"})["nulls"], 1);
  EXPECT_EQ(json({"stats", "days"})["max"], "2024-02-29");
  ok({"eval", "flights.delay[1] = 9"});
  EXPECT_EQ(json({"stats", "flights"})["fields"]["delay"]["max"], 9);
  EXPECT_EQ(json({"stats", "flights.delay"})["mean"], 3.0);
  EXPECT_NE(ok({"stats", "flights"}).find("\ndelay      3      0"), std::string::npos) << ok({"stats", "flights"});
  fails(3, {"stats", "nosuch"});
  fails(2, {"stats", "x["});
  fails(1, {"stats", "x[9]"});
  fails(2, {"stats"});
}

TEST_F(CliEvalTest, Audits) {
  const Json copies = json({"audit", "x + y"});
  const auto upcast =
      std::find_if(copies.begin(), copies.end(), [](const Json& line) { return line["reason"] == "upcast"; });
  ASSERT_NE(upcast, copies.end());
  EXPECT_EQ((*upcast)["bytes"], 32) << "four float32 as float64";
  EXPECT_NE(ok({"audit", "x + y"}).find("upcast"), std::string::npos);
  EXPECT_EQ(json({"audit", "x * x"}), Json::array());
  EXPECT_EQ(json({"audit"}), Json::array());
  EXPECT_NE(cli({"audit"}).err.find("keeps no totals"), std::string::npos);
  fails(2, {"audit", "x += 1"}, "eval assigns");
  fails(2, {"audit", "x +"}, "position");
  fails(3, {"audit", "nosuch"});
  fails(1, {"audit", "x + ones((7,))"});
}

}  // namespace
}  // namespace ndshare::test
