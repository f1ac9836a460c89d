// Expressions on the command line, over a real store.
#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

class CliEvalTest : public CliClaimsTest {
 protected:
  void SetUp() override {
    CliClaimsTest::SetUp();
    Store mine = store_.connect();
    const auto put = [&](const std::string& name, const Array& values) {
      SharedArray made = mine.create(name, values.dtype(), values.shape());
      auto guard = made.write();
      copyto(guard.array(), values);
      guard.release();
    };
    put("x", arange(12.0).reshape({3, 4}));
    put("y", floats());
    put("market/p", ndshare::array({1.5, 2.5}));
  }
  static Array floats() { return ones({4}, float32); }
};

TEST_F(CliEvalTest, PrintsValues) {
  EXPECT_EQ(ok({"eval", "sum(x)"}), "66.0\n");
  EXPECT_EQ(ok({"eval", "x[1] + y"}), "[5. 6. 7. 8.]\n");
  EXPECT_EQ(ok({"eval", "`market/p` * 2"}), "[3. 5.]\n");
  EXPECT_EQ(json({"eval", "x[0, :2]"})["values"], Json::array({0.0, 1.0}));
  EXPECT_EQ(json({"eval", "mean(x, axis=0)"})["dtype"], "float64");
}

TEST_F(CliEvalTest, MakesAndReplacesArrays) {
  ok({"eval", "z = sqrt(x * x + y * y); w = z[0]"});
  Store mine = store_.connect();
  EXPECT_EQ(mine.open("z").shape(), Shape({3, 4}));
  EXPECT_EQ(mine.open("w").shape(), Shape({4}));
  EXPECT_EQ(json({"locks"}), Json::array()) << "nothing is held afterwards";
  const Array before = mine.open("z").view();
  ok({"eval", "z = sum(x, axis=0)"});
  EXPECT_EQ(mine.open("z").shape(), Shape({4}));
  EXPECT_EQ(before.shape(), Shape({3, 4})) << "a view keeps its version";
}

TEST_F(CliEvalTest, ChangesInPlace) {
  Store mine = store_.connect();
  const Array before = mine.open("x").view();
  ok({"eval", "x[1:3] += 100; x[0, 0] = -5; y *= 2"});
  const Array after = mine.open("x").view();
  EXPECT_EQ(after.at<double>(0, 0), -5);
  EXPECT_EQ(after.at<double>(0, 1), 1);
  EXPECT_EQ(after.at<double>(2, 3), 111);
  EXPECT_EQ(before.at<double>(2, 3), 11);
  EXPECT_EQ(mine.open("y").view().at<float>(0), 2);
  ok({"eval", "x[...] = x * 2"});
  EXPECT_EQ(mine.open("x").view().at<double>(2, 3), 222);
  fails(1, {"eval", "x[0] = ones((3,))"});
  fails(1, {"eval", "y[...] = 2j + y"}, "same_kind");
  mine.open("y").seal();
  fails(1, {"eval", "y += 1"}, "sealed");
  fails(1, {"eval", "y = x"}, "sealed");
}

TEST_F(CliEvalTest, IsRefusedLikeAnyOtherCall) {
  fails(1, {"eval", "big = zeros((100000, 1)) + zeros((100000,))", "--max-bytes", "1M"}, "max_bytes");
  fails(3, {"eval", "nosuch + 1"}, "nosuch");
  fails(2, {"eval", "x +"}, "position");
  fails(2, {"eval", ""});
  fails(1, {"eval", "x + ones((7,))"}, "(3, 4)");
  fails(2, {"eval", "frobnicate(x)"}, "frobnicate");
  fails(1, {"eval", "x", "--max-bytes", "many"});
  EXPECT_EQ(store_.connect().list("big").size(), 0U) << "nothing is left of what was refused";
}

TEST_F(CliEvalTest, PlanStatsAndAudit) {
  const Json planned = json({"plan", "x + y"});
  EXPECT_EQ(planned["shape"], Json::array({3, 4}));
  EXPECT_EQ(planned["dtype"], "float64");
  EXPECT_EQ(planned["nbytes"], 96);
  ASSERT_EQ(planned["copies"].size(), 1U);
  EXPECT_EQ(planned["copies"][0]["reason"], "upcast");
  EXPECT_NE(ok({"plan", "x * 2"}).find("(3, 4)"), std::string::npos);
  fails(2, {"plan", "z = x"});
  const Json stats = json({"stats", "x"});
  EXPECT_EQ(stats["min"], 0.0);
  EXPECT_EQ(stats["max"], 11.0);
  EXPECT_EQ(stats["mean"], 5.5);
  EXPECT_EQ(stats["count"], 12);
  EXPECT_EQ(stats["nulls"], 0);
  ok({"eval", "n = where(x > 3, nan, x)"});
  EXPECT_EQ(json({"stats", "n"})["nulls"], 8);
  EXPECT_EQ(json({"stats", "n"})["max"], 3.0);
  fails(3, {"stats", "nosuch"});
  const Json copies = json({"audit", "x + y"});
  const auto upcast = std::find_if(copies.begin(), copies.end(), [](const Json& line) { return line["reason"] == "upcast"; });
  ASSERT_NE(upcast, copies.end());
  EXPECT_EQ((*upcast)["bytes"], 32) << "four float32 as float64";
  EXPECT_NE(ok({"audit", "x + y"}).find("upcast"), std::string::npos);
}

}  // namespace
}  // namespace ndshare::test
