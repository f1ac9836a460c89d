// group_by: orders, keys, sums, and what goes wrong.
#include <ndshare/index.h>
#include <ndshare/ledger.h>
#include <ndshare/limits.h>

#include "lib/table/key_table.h"
#include "tests/support/support.h"
#include "tests/unit/table/table_support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace ndshare::test {
namespace {

Array flights() {
  return make_rows("origin:S3,late:?,delay:i2,time:f8",
                   {{"SFO", true, 30, 1.5}, {"BOS", false, -4, 2.0}, {"SFO", true, 10, 0.5}, {"BOS", true, 8, 1.0}});
}

TEST(GroupByTest, OneRowAGroupByKey) {
  const Array out = group_by(flights(), {"origin"},
                             {{Aggregate::count},
                              {Aggregate::mean, "delay"},
                              {Aggregate::sum, "delay", "total"},
                              {Aggregate::max, "time"},
                              {Aggregate::min, "late"}});
  EXPECT_EQ(out.dtype(), DType::parse("origin:S3,count:i8,mean_delay:f8,total:i8,max_time:f8,min_late:?"));
  EXPECT_EQ(rows_text(out), "BOS 2 2.0 4 2.0 False; SFO 2 20.0 40 1.5 True");
  EXPECT_EQ(rows_text(group_by(flights(), {"origin", "late"}, {{.op = Aggregate::count, .name = "n"}})),
            "BOS False 1; BOS True 1; SFO True 2");
  EXPECT_EQ(rows_text(group_by(flights(), {"late", "origin"}, {})), "False BOS; True BOS; True SFO");
}

TEST(GroupByTest, ReadsViewsAndReadOnlyTables) {
  const std::vector<Aggregation> asked = {{Aggregate::count}, {Aggregate::sum, "time"}};
  EXPECT_EQ(bytes_of(group_by(laid_apart(flights()), {"origin"}, asked)),
            bytes_of(group_by(flights(), {"origin"}, asked)));
  const Array fields = flights().fields(std::vector<std::string>{"time", "origin"});
  EXPECT_EQ(bytes_of(group_by(fields, {"origin"}, asked)), bytes_of(group_by(flights(), {"origin"}, asked)));
  EXPECT_EQ(rows_text(group_by(flights()(slice(none, none, 2)), {"origin"}, asked)), "SFO 2 2.0");
}

TEST(GroupByTest, EmptyTablesHaveNoGroups) {
  const Array out = group_by(flights()(slice(0, 0)), {"origin"}, {{Aggregate::mean, "delay"}});
  EXPECT_EQ(out.shape(), Shape({0}));
  EXPECT_EQ(out.dtype(), DType::parse("origin:S3,mean_delay:f8"));
}

TEST(GroupByTest, KeysAscendByValue) {
  const auto order = [](const std::string& dtype, const std::vector<std::vector<Scalar>>& rows) {
    return rows_text(group_by(make_rows("k:" + dtype, rows), {"k"}, {}));
  };
  EXPECT_EQ(order("i4", {{5}, {-1}, {256}, {-300}, {0}}), "-300; -1; 0; 5; 256");
  EXPECT_EQ(order("u8", {{std::uint64_t{1} << 63}, {3}, {256}}), "3; 256; 9223372036854775808");
  EXPECT_EQ(order("f4", {{0.5}, {-0.0}, {-2.0}, {0.0}, {-0.25}, {INFINITY}, {-INFINITY}}),
            "-inf; -2.0; -0.25; 0.0; 0.5; inf");
  EXPECT_EQ(order("f2", {{0.5}, {-2.0}, {1024.0}}), "-2.0; 0.5; 1024.0");
  EXPECT_EQ(order("M8[D]",
                  {{3}, {std::numeric_limits<std::int64_t>::min()}, {-5}, {std::numeric_limits<std::int64_t>::min()}}),
            "1969-12-27; 1970-01-04; NaT");
  EXPECT_EQ(order("U3", {{"b"}, {"\U0001f600"}, {"ba"}, {"\u00e9"}, {""}, {"b"}}), "_; b; ba; \u00e9; \U0001f600");
  EXPECT_EQ(order("S11", {{"abcdefghijk"}, {"abcdefghij"}, {"abcdefgh"}, {"\xff"}, {"abcdefghijk"}}),
            "abcdefgh; abcdefghij; abcdefghijk; \xff");
}

TEST(GroupByTest, NanAndNatPropagateInAggregates) {
  constexpr std::int64_t kNat = std::numeric_limits<std::int64_t>::min();
  const Array x = make_rows(
      "k:i1,v:f4,d:M8[D]",
      {{1, 1.0, 3}, {1, NAN, 4}, {2, 2.0, kNat}, {2, INFINITY, 1}, {3, -INFINITY, 2}, {3, INFINITY, 2}, {4, 1.0, 5}});
  const Array out = group_by(x, {"k"},
                             {{Aggregate::sum, "v"},
                              {Aggregate::min, "v"},
                              {Aggregate::max, "v"},
                              {Aggregate::min, "d"},
                              {Aggregate::max, "d"}});
  EXPECT_EQ(rows_text(out),
            "1 nan nan nan 1970-01-04 1970-01-05; 2 inf 2.0 inf NaT NaT; 3 nan -inf inf 1970-01-03 1970-01-03; 4 1.0 "
            "1.0 1.0 1970-01-06 1970-01-06");
}

TEST(GroupByTest, SumsLoseNothingThatCounts) {
  const std::int64_t n = 300'000;
  const Array x = zeros({n}, DType::parse("k:u1,f:f4,d:f8,c:c8,i:u8"));
  fill(x["f"], 1.0);
  fill(x["i"], std::numeric_limits<std::uint64_t>::max());
  std::mt19937_64 random(7);
  __float128 exact = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double value = std::ldexp(static_cast<double>(random() >> 11), -40) * (i % 2 == 0 ? 1e6 : -1);
    fill(x(i)["d"], value);
    exact += static_cast<__float128>(value);
  }
  const Array out = group_by(x, {"k"},
                             {{Aggregate::sum, "f"},
                              {Aggregate::mean, "f"},
                              {Aggregate::sum, "d"},
                              {Aggregate::sum, "i"},
                              {Aggregate::mean, "i"}});
  EXPECT_EQ(out["sum_f"](0).item<float>(), 300'000.0F);
  EXPECT_EQ(out["mean_f"](0).item<float>(), 1.0F);
  EXPECT_EQ(out["sum_d"](0).item<double>(), static_cast<double>(exact));
  EXPECT_EQ(out["sum_i"](0).item<std::uint64_t>(), std::uint64_t{0} - 300'000);
  EXPECT_EQ(out["mean_i"](0).item<double>(), 0x1p64);
}

Array many_rows(std::int64_t rows, std::int64_t keys) {
  const Array x = zeros({rows}, DType::parse("v:f4,id:i8,name:S12"));
  std::mt19937_64 random(11);
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto key = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(keys));
    fill(x(i)["id"], key - keys / 2);
    fill(x(i)["name"], "shared-" + std::to_string(key % 99991));
    fill(x(i)["v"], static_cast<double>(random() % 1000) / 7);
  }
  return x;
}

TEST(GroupByTest, TheSameForAnyThreads) {
  for (const std::int64_t keys : {std::int64_t{1}, std::int64_t{300}, std::int64_t{1} << 40}) {
    const Array x = many_rows(140'000, keys);
    for (const char* key : {"id", "name"}) {
      const Array out = same_for_any_threads([&](int threads) {
        return group_by(x, {key}, {{Aggregate::count}, {Aggregate::sum, "v"}, {Aggregate::mean, "v"}},
                        {.threads = threads});
      });
      EXPECT_LE(out.size(), keys);
      EXPECT_GE(out.size(), std::min<std::int64_t>(keys, 300));
    }
  }
}

TEST(GroupByTest, CollidingHashesChangeNothing) {
  const Array x = many_rows(3'000, 500);
  const std::vector<Aggregation> asked = {{Aggregate::count}, {Aggregate::sum, "v"}};
  const std::string narrow = bytes_of(group_by(x, {"id"}, asked)), wide = bytes_of(group_by(x, {"name", "id"}, asked));
  internal::force_poor_hash_for_test(true);
  const std::string poor_narrow = bytes_of(group_by(x, {"id"}, asked)),
                    poor_wide = bytes_of(group_by(x, {"name", "id"}, asked));
  internal::force_poor_hash_for_test(false);
  EXPECT_TRUE(narrow == poor_narrow);
  EXPECT_TRUE(wide == poor_wide);
}

TEST(GroupByTest, VeryLongKeys) {
  const Array x = zeros({3'000}, DType::parse("name:U700,v:i4"));
  const std::string shared(690, 'x');
  for (std::int64_t i = 0; i < x.size(); ++i) {
    fill(x(i)["name"], shared + std::to_string(i % 11));
    fill(x(i)["v"], i);
  }
  const Array out = same_for_any_threads([&](int threads) {
    return group_by(x, {"name"}, {{Aggregate::count}, {Aggregate::min, "v"}}, {.threads = threads});
  });
  ASSERT_EQ(out.size(), 11);
  EXPECT_EQ(out["name"](2).item<std::string>(), shared + "10");  // by code point: 0, 1, 10, 2, …
  EXPECT_EQ(out["min_v"](2).item<int>(), 10);
  EXPECT_EQ(out["count"](0).item<int>(), 273);
  EXPECT_EQ(join_by(x, out, {"name"}).size(), 3'000);
}

TEST(GroupByTest, SaysWhatIsWrong) {
  const Array x =
      make_rows("k:i4,f:f8,c:c8,v:(2,)i4,t:S2", {{1, 1.0, 0, 0, "a"}, {2, NAN, 0, 0, "b"}, {3, NAN, 0, 0, "c"}});
  const auto group = [&](const std::vector<std::string>& keys, const std::vector<Aggregation>& asked) {
    return [&x, keys, asked] { static_cast<void>(group_by(x, keys, asked)); };
  };
  EXPECT_EQ(code_of(group({}, {})), Error::Usage);
  EXPECT_EQ(code_of(group({"k", "k"}, {})), Error::DType);
  EXPECT_EQ(code_of(group({"q"}, {})), Error::DType);
  EXPECT_EQ(code_of(group({"c"}, {})), Error::DtypeMismatch);
  EXPECT_EQ(code_of(group({"v"}, {})), Error::DtypeMismatch);
  EXPECT_EQ(code_of(group({"f"}, {})), Error::Usage);
  EXPECT_NE(message_of(group({"k", "f"}, {})).find("row 1 "), std::string::npos) << message_of(group({"f"}, {}));
  EXPECT_EQ(code_of(group({"k"}, {{Aggregate::sum}})), Error::Usage);
  EXPECT_EQ(code_of(group({"k"}, {{Aggregate::sum, "t"}})), Error::DtypeMismatch);
  EXPECT_EQ(code_of(group({"k"}, {{Aggregate::min, "t"}})), Error::DtypeMismatch);
  EXPECT_EQ(code_of(group({"k"}, {{Aggregate::sum, "v"}})), Error::DtypeMismatch);
  EXPECT_EQ(code_of(group({"k"}, {{Aggregate::sum, "q"}})), Error::DType);
  EXPECT_EQ(code_of(group({"k"}, {{Aggregate::count}, {Aggregate::count}})), Error::DType);
  EXPECT_EQ(code_of([] { static_cast<void>(group_by(arange(3), {"k"}, {})); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(group_by(x(newaxis), {"k"}, {})); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(group_by(x, {"k"}, {}, {.threads = -1})); }), Error::Usage);
  const Limits cap{.max_bytes = 11};
  EXPECT_EQ(code_of(group({"k"}, {})), Error::MemoryGuard);
}

}  // namespace
}  // namespace ndshare::test
