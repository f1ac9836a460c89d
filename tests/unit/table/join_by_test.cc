// join_by: pairs, their order, what is missing, and what goes wrong.
#include <ndshare/index.h>
#include <ndshare/ledger.h>
#include <ndshare/limits.h>

#include "lib/table/key_table.h"
#include "tests/support/support.h"
#include "tests/unit/table/table_support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ndshare::test {
namespace {

Array left() { return make_rows("v:i4,k:S2,w:f4", {{1, "b", 0.5}, {2, "a", 1.5}, {3, "x", 2.5}, {4, "b", 3.5}}); }
Array right() {
  return make_rows("k:S2,v:i4,d:M8[D],n:U2",
                   {{"a", 10, 1, "p"}, {"b", 20, 2, "q"}, {"c", 30, 3, "r"}, {"b", 40, 4, "s"}});
}

TEST(JoinByTest, InnerPairsInOrder) {
  const Array out = join_by(left(), right(), {"k"});
  EXPECT_EQ(out.dtype(), DType::parse("k:S2,v_1:i4,w:f4,v_2:i4,d:M8[D],n:U2"));
  EXPECT_EQ(rows_text(out),
            "b 1 0.5 20 1970-01-03 q; b 1 0.5 40 1970-01-05 s; a 2 1.5 10 1970-01-02 p; b 4 3.5 20 1970-01-03 q; b 4 "
            "3.5 40 1970-01-05 s");
}

TEST(JoinByTest, LeftAndOuterKeepWhatHasNoPartner) {
  const Array kept =
      join_by(left()(slice(1, 3)), right(), {"k"}, {.how = JoinHow::left, .left_suffix = "", .right_suffix = "_right"});
  EXPECT_EQ(kept.dtype(), DType::parse("k:S2,v:i4,w:f4,v_right:i4,d:M8[D],n:U2"));
  EXPECT_EQ(rows_text(kept), "a 2 1.5 10 1970-01-02 p; x 3 2.5 0 NaT _");
  const Array all = join_by(left()(slice(2, 3)), right(), {"k"},
                            {.how = JoinHow::outer, .fill = {{"v_1", -1}, {"n", "??"}, {"d", "2001-01-01"}}});
  EXPECT_EQ(rows_text(all),
            "x 3 2.5 0 2001-01-01 ??; a -1 nan 10 1970-01-02 p; b -1 nan 20 1970-01-03 q; c -1 nan 30 1970-01-04 r; b "
            "-1 nan 40 1970-01-05 s");
}

TEST(JoinByTest, EmptyTables) {
  const Array none_left = left()(slice(0, 0)), none_right = right()(slice(0, 0));
  EXPECT_EQ(join_by(none_left, right(), {"k"}).size(), 0);
  EXPECT_EQ(join_by(left(), none_right, {"k"}).size(), 0);
  EXPECT_EQ(join_by(left(), none_right, {"k"}, {.how = JoinHow::left}).size(), 4);
  EXPECT_EQ(join_by(none_left, right(), {"k"}, {.how = JoinHow::outer}).size(), 4);
  EXPECT_EQ(join_by(none_left, none_right, {"k"}, {.how = JoinHow::outer}).size(), 0);
}

TEST(JoinByTest, CarriesNestedFieldsAndReadsViews) {
  const DType nested = DType::parse("[('k','<i2'),('v','<f4',(2,3)),('s',[('p','<i8'),('q','U3')])]");
  const Array x = zeros({3}, nested);
  for (std::int64_t i = 0; i < 3; ++i) {
    fill(x(i)["k"], i);
    fill(x(i)["v"], static_cast<double>(i) + 0.5);
    fill(x(i)["s"]["q"], "row");
  }
  const Array keys = make_rows("k:i2", {{2}, {0}, {7}});
  const Array out = join_by(keys, x, {"k"}, {.how = JoinHow::left});
  EXPECT_EQ(out.dtype(), nested);
  EXPECT_EQ(bytes_of(out(slice(0, 2))), bytes_of(x(slice(2, none, -2))));
  EXPECT_TRUE(std::isnan(out["v"](2, 1, 2).item<float>()));
  EXPECT_EQ(bytes_of(join_by(laid_apart(keys), laid_apart(x), {"k"}, {.how = JoinHow::left})), bytes_of(out));
}

TEST(JoinByTest, ZerosAndNatAreOneKey) {
  constexpr std::int64_t kNat = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(join_by(make_rows("k:f8", {{-0.0}, {1.0}}), make_rows("k:f8,v:i1", {{0.0, 3}}), {"k"}).size(), 1);
  EXPECT_EQ(join_by(make_rows("k:m8[s]", {{kNat}, {1}}), make_rows("k:m8[s],v:i1", {{kNat, 3}}), {"k"}).size(), 1);
}

Array numbered(std::int64_t rows, std::int64_t keys, const std::string& value) {
  const Array x = zeros({rows}, DType::parse("k:i4,t:S12," + value + ":i8"));
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t key = i * 7919 % keys;
    fill(x(i)["k"], key);
    fill(x(i)["t"], "common-" + std::to_string(key));
    fill(x(i)[value], i);
  }
  return x;
}

TEST(JoinByTest, TheSameForAnyThreads) {
  const Array a = numbered(70'000, 40'000, "a"), b = numbered(66'000, 50'000, "b");
  for (const std::vector<std::string>& on : {std::vector<std::string>{"k"}, std::vector<std::string>{"t", "k"}}) {
    const Array out = same_for_any_threads(
        [&](int threads) { return join_by(a, b, on, {.how = JoinHow::outer, .threads = threads}); });
    EXPECT_GT(out.size(), 70'000);
  }
}

TEST(JoinByTest, CollidingHashesChangeNothing) {
  const Array a = numbered(2'000, 300, "a"), b = numbered(500, 400, "b");
  const std::string good = bytes_of(join_by(a, b, {"k", "t"}, {.how = JoinHow::outer}));
  internal::force_poor_hash_for_test(true);
  const std::string poor = bytes_of(join_by(a, b, {"k", "t"}, {.how = JoinHow::outer}));
  internal::force_poor_hash_for_test(false);
  EXPECT_TRUE(good == poor);
}

TEST(JoinByTest, CountsBeforeItAllocates) {
  // 2^40 pairs of 30 bytes: refused by what they would take.
  const Array rows = zeros({1}, DType::parse("k:i2,v:i8")).broadcast_to({std::int64_t{1} << 20});
  EXPECT_EQ(code_of([&] { static_cast<void>(join_by(rows, rows, {"k"})); }), Error::MemoryGuard);
  CopyAudit audit;
  static_cast<void>(join_by(left(), right(), {"k"}));
  EXPECT_EQ(audit.totals()[CopyReason::joined].bytes, 5U * (2 + 4 + 4 + 4 + 8 + 8));
}

TEST(JoinByTest, SaysWhatIsWrong) {
  const auto join = [](const Array& other, const std::vector<std::string>& on, const JoinOptions& options = {}) {
    return [other, on, options] { static_cast<void>(join_by(left(), other, on, options)); };
  };
  EXPECT_EQ(code_of(join(right(), {})), Error::Usage);
  EXPECT_EQ(code_of(join(right(), {"w"})), Error::DType);
  EXPECT_EQ(code_of(join(right(), {"k", "k"})), Error::DType);
  EXPECT_EQ(code_of(join(make_rows("k:S3", {}), {"k"})), Error::DtypeMismatch);
  const std::string both = message_of(join(make_rows("k:S3", {}), {"k"}));
  EXPECT_NE(both.find("S2"), std::string::npos) << both;
  EXPECT_NE(both.find("S3"), std::string::npos) << both;
  EXPECT_EQ(code_of(join(right(), {"k"}, {.left_suffix = "", .right_suffix = ""})), Error::DType);
  EXPECT_EQ(code_of(join(right(), {"k"}, {.fill = {{"zz", 1}}})), Error::DType);
  EXPECT_EQ(code_of(join(right(), {"k"}, {.fill = {{"k", "a"}}})), Error::Usage);
  EXPECT_EQ(code_of(join(right(), {"k"}, {.fill = {{"v_1", 1.5}}})), Error::DtypeMismatch);
  EXPECT_EQ(code_of(join(right(), {"k"}, {.fill = {{"v_1", std::int64_t{1} << 40}}})), Error::Overflow);
  EXPECT_EQ(code_of(join(arange(4), {"k"})), Error::DtypeMismatch);
  EXPECT_EQ(code_of(join(right()(newaxis), {"k"})), Error::ShapeMismatch);
  const Array nan = make_rows("w:f4", {{1.0}, {NAN}});
  EXPECT_EQ(code_of(join(nan, {"w"})), Error::Usage);
  EXPECT_NE(message_of(join(nan, {"w"})).find("row 1 of the right table"), std::string::npos)
      << message_of(join(nan, {"w"}));
}

}  // namespace
}  // namespace ndshare::test
