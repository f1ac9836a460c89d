// Operators that write into their left operand: += … >>=, against loops over copies.
#include "tests/unit/exec/engine_support.h"

#include <ndshare/cast.h>
#include <ndshare/index.h>

#include <cstring>

namespace ndshare {
namespace {

using test::below;
using test::code_of;
using test::Engine;

struct Operator {
  const char* name;
  std::function<void(const Array&, const Array&)> with_array;
  std::function<void(const Array&, const Scalar&)> with_number;
  std::function<std::int64_t(std::int64_t, std::int64_t)> integers;  // null where it has no integer loop
  std::function<double(double, double)> reals;                      // null where it has no float loop
};

std::int64_t floor_modulo(std::int64_t a, std::int64_t b) {
  if (b == 0) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
double floor_modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest == 0 ? std::copysign(0.0, b) : rest;
}
std::int64_t shift_left(std::int64_t a, std::int64_t by) {
  return by < 0 || by > 63 ? 0 : static_cast<std::int64_t>(static_cast<std::uint64_t>(a) << by);
}
std::int64_t shift_right(std::int64_t a, std::int64_t by) { return a >> (by < 0 || by > 63 ? 63 : by); }

#define NDSHARE_TEST_OPERATOR(symbol, integers, reals)                                            \
  {#symbol, [](const Array& a, const Array& b) { a symbol b; }, [](const Array& a, const Scalar& b) { a symbol b; }, integers, reals}
const std::vector<Operator>& operators() {
  using Int = std::int64_t;
  static const std::vector<Operator> all = {
      NDSHARE_TEST_OPERATOR(+=, [](Int a, Int b) { return a + b; }, [](double a, double b) { return a + b; }),
      NDSHARE_TEST_OPERATOR(-=, [](Int a, Int b) { return a - b; }, [](double a, double b) { return a - b; }),
      NDSHARE_TEST_OPERATOR(*=, [](Int a, Int b) { return a * b; }, [](double a, double b) { return a * b; }),
      NDSHARE_TEST_OPERATOR(/=, nullptr, [](double a, double b) { return a / b; }),
      NDSHARE_TEST_OPERATOR(%=, [](Int a, Int b) { return floor_modulo(a, b); }, [](double a, double b) { return floor_modulo(a, b); }),
      NDSHARE_TEST_OPERATOR(&=, [](Int a, Int b) { return a & b; }, nullptr),
      NDSHARE_TEST_OPERATOR(|=, [](Int a, Int b) { return a | b; }, nullptr),
      NDSHARE_TEST_OPERATOR(^=, [](Int a, Int b) { return a ^ b; }, nullptr),
      NDSHARE_TEST_OPERATOR(<<=, shift_left, nullptr),
      NDSHARE_TEST_OPERATOR(>>=, shift_right, nullptr),
  };
  return all;
}
#undef NDSHARE_TEST_OPERATOR

/// Element by element, from copies.
template <class T, class F>
Array looped(const F& function, const Array& a, const Array& b) {
  const Array left = a.copy(), right = b.broadcast_to(a.shape()).copy();
  const auto x = left.as_span<T>();
  const auto y = right.as_span<const T>();
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = function(x[i], y[i]);
  return left;
}
Array wanted(const Operator& op, const Array& a, const Array& b) {
  return a.dtype() == int64 ? looped<std::int64_t>(op.integers, a, b) : looped<double>(op.reals, a, b);
}

/// `left op= right` for two views that `cut` makes of one memory; what `left` does not show stays.
template <class Cut>
void expect_as_if_apart(const Operator& op, const DType& dtype, const std::string& what, const Cut& cut) {
  Engine random(test::test_seed());
  const Array memory = test::random_array(random, {40, 30}, dtype, test::Values::moderate), before = memory.copy();
  const auto [left, right] = cut(memory);
  const auto [left_then, right_then] = cut(before);
  const Array want = wanted(op, left_then, right_then);
  op.with_array(left, right);
  ASSERT_EQ(test::differs(left, want), "") << op.name << " " << dtype.name() << " " << what;
  copyto(left_then, want);
  ASSERT_EQ(test::differs(memory, before), "") << op.name << " " << dtype.name() << " wrote beyond: " << what;
}

TEST(InPlaceTest, OperandsMayShareTheMemory) {
  const test::Quiet quiet;
  using Pair = std::pair<Array, Array>;
  const auto back = slice(none, none, -1);
  for (const Operator& op : operators()) {
    for (const DType& dtype : {int64, float64}) {
      if (dtype == int64 ? !op.integers : !op.reals) continue;
      const auto expect = [&](const char* what, const auto& cut) { expect_as_if_apart(op, dtype, what, cut); };
      expect("itself", [](const Array& m) { return Pair(m, m); });
      expect("itself reversed", [&](const Array& m) { return Pair(m, m(back)); });
      expect("reversed both ways", [&](const Array& m) { return Pair(m, m(back, back)); });
      expect("shifted down", [](const Array& m) { return Pair(m(slice(1, none)), m(slice(none, -1))); });
      expect("shifted up", [](const Array& m) { return Pair(m(slice(none, -1)), m(slice(1, none))); });
      expect("shifted by one column", [](const Array& m) { return Pair(m(all, slice(1, none)), m(all, slice(none, -1))); });
      expect("transposed", [](const Array& m) { return Pair(m(slice(0, 30)), m(slice(0, 30)).T()); });
      expect("its own first row", [](const Array& m) { return Pair(m, m(0)); });
      expect("its own last column", [](const Array& m) { return Pair(m, m(all, slice(29, none))); });
      expect("every other", [](const Array& m) { return Pair(m(slice(none, none, 2)), m(slice(1, none, 2))); });
    }
  }
}

TEST(InPlaceTest, TheRightSideOnlyIsStretched) {
  const test::Quiet quiet;
  for (const Operator& op : operators()) {
    const DType dtype = op.integers ? int64 : float64;
    const Array x = full({3, 4}, 6, dtype), number = full({3, 4}, 6, dtype), row = full({4}, 2, dtype);
    op.with_array(x, row), op.with_number(number, Scalar(2));
    EXPECT_EQ(test::differs(x, wanted(op, full({3, 4}, 6, dtype), row)), "") << op.name;
    EXPECT_EQ(test::differs(number, x), "") << op.name << " with a number";
    const Array before = row.copy();
    EXPECT_EQ(code_of([&] { op.with_array(row, x); }), Error::ShapeMismatch) << op.name;
    EXPECT_EQ(code_of([&] { op.with_array(full({1, 4}, 6, dtype), x); }), Error::ShapeMismatch) << op.name;
    EXPECT_EQ(code_of([&] { op.with_array(full({}, 6, dtype), row); }), Error::ShapeMismatch) << op.name;
    EXPECT_EQ(code_of([&] { op.with_array(x, full({3}, 6, dtype)); }), Error::ShapeMismatch) << op.name;
    EXPECT_EQ(test::differs(row, before), "") << op.name;
  }
}

TEST(InPlaceTest, ResultsThatWouldNotGoBackAreRefused) {
  for (const Operator& op : operators()) {
    for (const DType& own : test::numeric_dtypes()) {
      for (const DType& other : test::numeric_dtypes()) {
        const Array x = ones({3}, own), before = x.copy(), y = ones({3}, other);
        const std::string name(op.name, std::strlen(op.name) - 1);
        const auto apart = [&] {
          return name == "+" ? x + y : name == "-" ? x - y : name == "*" ? x * y : name == "/" ? x / y : name == "%" ? x % y
               : name == "&" ? x & y : name == "|" ? x | y : name == "^" ? x ^ y : name == "<<" ? x << y : x >> y;
        };
        const bool has_loop = code_of([&] { (void)apart(); }) == ErrorCode::Ok;
        const bool goes_back = has_loop && can_cast(apart().dtype(), own, Casting::same_kind);
        const std::string what = own.name() + " " + op.name + " " + other.name();
        ASSERT_EQ(code_of([&] { op.with_array(x, y); }), goes_back ? ErrorCode::Ok : ErrorCode::DtypeMismatch) << what;
        ASSERT_EQ(x.dtype(), own);
        ASSERT_EQ(goes_back ? "" : test::differs(x, before), "") << what;
      }
    }
  }
  const Array small = full({2}, 3, int8), natural = full({2}, 3, uint8);
  EXPECT_EQ(code_of([&] { small += 1.5; }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { natural += small; }), Error::DtypeMismatch) << "int16 does not go back to uint8";
  EXPECT_EQ(code_of([&] { small += 300; }), Error::Overflow);
  EXPECT_EQ(code_of([&] { small /= 2; }), Error::DtypeMismatch);
  small += natural;  // int16 to int8: the same kind
  EXPECT_EQ(small.at<int>(1), 6);
}

TEST(InPlaceTest, ReadOnlyArraysStay) {
  for (const Operator& op : operators()) {
    const DType dtype = op.integers ? int64 : float64;
    const Array x = full({3}, 6, dtype);
    EXPECT_EQ(code_of([&] { op.with_array(x.as_readonly(), x); }), Error::ReadOnly) << op.name;
    EXPECT_EQ(code_of([&] { op.with_number(x.as_readonly(), Scalar(1)); }), Error::ReadOnly) << op.name;
    EXPECT_EQ(code_of([&] { op.with_array(full({1}, 6, dtype).broadcast_to({3}), x); }), Error::ReadOnly) << op.name;
    EXPECT_EQ(test::differs(x, full({3}, 6, dtype)), "") << op.name;
  }
}

TEST(InPlaceTest, ChainsGiveTheArrayItself) {
  const Array x = ones({2});
  ((x += 1) *= 3) -= x;
  EXPECT_EQ(test::differs(x, zeros({2})), "");
}

}  // namespace
}  // namespace ndshare
