#include "lib/exec/promotion.h"
#include "tests/support/support.h"

#include <ndshare/create.h>
#include <ndshare/lazy.h>
#include <ndshare/ops.h>

#include <gtest/gtest.h>

#include <sstream>

namespace ndshare::internal {
namespace {

// NumPy 1.24 with NPY_PROMOTION_STATE=weak promotes as NumPy 2 does. The tables between dtypes are the same in both;
// what NumPy 2 adds is that an integer literal which does not fit is an error (see ElementwiseTest).
constexpr char kProgram[] = R"(
import numpy as np
names = 'bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128'.split()
for a in names:
    for b in names:
        print('pair', a, b, np.result_type(np.dtype(a), np.dtype(b)),
              int(np.can_cast(a, b, 'no')), int(np.can_cast(a, b, 'safe')), int(np.can_cast(a, b, 'same_kind')))
    for kind, literal in (('b', True), ('i', 1), ('f', 1.0), ('c', 1j)):
        print('weak', a, kind, np.add(np.ones(1, a), literal).dtype)
)";

TEST(PromotionTest, MatchesNumPyForEveryPairAndLiteral) {
  const test::Finished numpy = test::run_numpy(kProgram);
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  std::istringstream lines(numpy.out);
  int rows = 0;
  for (std::string what; lines >> what; ++rows) {
    std::string a, b, result;
    lines >> a >> b >> result;
    const TypeId from = DType::parse(a).id();
    if (what == "weak") {
      const Scalar literal = b == "b"   ? Scalar(true)
                             : b == "i" ? Scalar(1)
                             : b == "f" ? Scalar(1.0)
                                        : Scalar(std::complex<double>(0, 1));
      EXPECT_EQ(DType(weak_type(literal, from)).name(), result) << a << " with a literal of kind " << b;
      continue;
    }
    const TypeId to = DType::parse(b).id();
    bool no = false, safe = false, same_kind = false;
    lines >> no >> safe >> same_kind;
    EXPECT_EQ(DType(result_type(from, to)).name(), result) << a << ", " << b;
    EXPECT_EQ(can_cast(from, to, Casting::no), no) << a << " to " << b;
    EXPECT_EQ(can_cast(from, to, Casting::safe), safe) << a << " to " << b;
    EXPECT_EQ(can_cast(from, to, Casting::same_kind), same_kind) << a << " to " << b;
    EXPECT_TRUE(can_cast(from, to, Casting::unsafe));
  }
  EXPECT_EQ(rows, 14 * 14 + 14 * 4);
}

// What NumPy 2 says of them: it compares with iinfo, whose numbers are asked for here.
constexpr char kLimits[] = R"(
import numpy as np
for a in 'int8 int16 int32 int64 uint8 uint16 uint32 uint64'.split():
    print(a, np.iinfo(a).min, np.iinfo(a).max)
)";

TEST(PromotionTest, LiteralsThatDoNotFitAreOverflow) {
  __extension__ using Wide = __int128;
  const test::Finished numpy = test::run_numpy(kLimits);
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  std::istringstream lines(numpy.out);
  const Wide lowest = INT64_MIN, highest = UINT64_MAX;  // what a literal can be
  const auto literal = [](Wide value) { return value < 0 ? Scalar(static_cast<std::int64_t>(value)) : Scalar(static_cast<std::uint64_t>(value)); };
  for (std::string name; lines >> name;) {
    std::int64_t low = 0;
    std::uint64_t high = 0;
    lines >> low >> high;
    const Array x = zeros({2}, DType::parse(name));
    for (const Wide value : {lowest, Wide{low} - 1, Wide{low}, Wide{0}, Wide{high}, Wide{high} + 1, highest}) {
      if (value < lowest || value > highest) continue;
      const bool fits = value >= low && value <= Wide{high};
      const ErrorCode want = fits ? ErrorCode::Ok : ErrorCode::Overflow;
      const Scalar number = literal(value);
      EXPECT_EQ(test::code_of([&] { EXPECT_EQ((x | number).dtype(), x.dtype()); }), want) << name << ": " << static_cast<double>(value);
      EXPECT_EQ(test::code_of([&] { (void)(number + x); }), want) << name << ": " << static_cast<double>(value);
      EXPECT_EQ(test::code_of([&] { (void)(lazy(x) | number).eval(); }), want) << name << ": " << static_cast<double>(value);
      EXPECT_EQ(test::code_of([&] { (void)(astype(x, float32) + number); }), ErrorCode::Ok) << "floats take every integer";
    }
  }
}

TEST(PromotionTest, TextIsNoLiteral) {
  EXPECT_EQ(test::code_of([] { (void)weak_type(Scalar("x"), TypeId::float32); }), Error::DtypeMismatch);
}

}  // namespace
}  // namespace ndshare::internal
