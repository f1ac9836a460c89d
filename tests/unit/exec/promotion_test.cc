#include "lib/exec/promotion.h"
#include "tests/support/support.h"

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

TEST(PromotionTest, TextIsNoLiteral) {
  EXPECT_EQ(test::code_of([] { (void)weak_type(Scalar("x"), TypeId::float32); }), Error::DtypeMismatch);
}

}  // namespace
}  // namespace ndshare::internal
