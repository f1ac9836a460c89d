// Making, filling, copying and comparing arrays; copies against a naive walk over indices.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <ndshare/create.h>
#include <ndshare/print.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/support/support.h"

namespace ndshare {
namespace {

template <class Body>
ErrorCode refusal(Body body) {
  return test::code_of([&] { static_cast<void>(body()); });
}

TEST(CreateTest, ValuesNameOrInferTheirDtype) {
  EXPECT_EQ(array({1, 2, 3}).dtype(), int64);
  EXPECT_EQ(array({true, false}).dtype(), bool_);
  EXPECT_EQ(array({1, 2.5}).dtype(), float64);
  EXPECT_EQ(array({{1.0, 2.0}, {3.0, 4.0}}).shape(), (Shape{2, 2}));
  EXPECT_EQ(repr(array({1, 2, 3}, int8)), "array([1, 2, 3], dtype=int8)");
  EXPECT_EQ(repr(array({"a", "bcd"}, DType::str(3))), "array(['a', 'bcd'], dtype='<U3')");
  EXPECT_EQ(refusal([] { return array({"a"}); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(refusal([] { return array({1, 300}, uint8); }), ErrorCode::Overflow);
  EXPECT_EQ(refusal([] { return array({1.5}, int32); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(refusal([] { return array({{1, 2}, {3}}); }), ErrorCode::ShapeMismatch);
  const std::vector<std::int16_t> data = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(from_vector(data, {2, -1}).at<int>(1, 2), 6);
  EXPECT_EQ(refusal([&] { return from_vector(data, {4}); }), ErrorCode::ShapeMismatch);
}

TEST(CreateTest, FillsEveryDtype) {
  for (const DType& dtype :
       {int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, float32, float64, complex64, complex128}) {
    const Array a = zeros({3, 4}, dtype);
    fill(a(all, slice(none, none, 2)), 3);
    EXPECT_EQ(a.at<std::complex<double>>(2, 2), 3.0) << dtype.name();
    EXPECT_EQ(a.at<std::complex<double>>(2, 1), 0.0) << dtype.name();
    EXPECT_EQ(ones({2}, dtype).at<std::complex<double>>(1), 1.0) << dtype.name();
  }
  EXPECT_EQ(to_string(full({2}, "2001-01-01", DType::parse("M8[s]"))), "['2001-01-01T00:00:00' '2001-01-01T00:00:00']");
  EXPECT_EQ(refusal([] { return full({2}, "soon", DType::parse("M8[s]")); }), ErrorCode::Format);
  EXPECT_EQ(refusal([] { return full({2}, "abcd", DType::bytes(3)); }), ErrorCode::Overflow);
  EXPECT_EQ(refusal([] { return full({2}, 1, DType::parse("a:i4")); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(refusal([] { return full({2}, 1, bool_); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(refusal([] { return ones({2}, DType::str(3)); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(refusal([] { return full({2}, -1, uint64); }), ErrorCode::Overflow);
}

TEST(CreateTest, ArangeHasNumpysLengths) {
  EXPECT_EQ(to_string(arange(5)), "[0 1 2 3 4]");
  EXPECT_EQ(arange(12.0).dtype(), float64);
  EXPECT_EQ(to_string(arange(10, 0, -3)), "[10  7  4  1]");
  EXPECT_EQ(arange(0.0, 1.0, 0.1).size(), 10);
  EXPECT_EQ(arange(5, 5).size(), 0);
  EXPECT_EQ(arange(5, 0).size(), 0);
  EXPECT_EQ(arange(0, 5, 1, uint8).dtype(), uint8);
  EXPECT_EQ(refusal([] { return arange(0, 5, 0); }), ErrorCode::Usage);
  EXPECT_EQ(refusal([] { return arange(0.0, INFINITY, 1.0); }), ErrorCode::Shape);
  EXPECT_EQ(refusal([] { return arange(0.0, NAN, 1.0); }), ErrorCode::Usage);
  EXPECT_EQ(refusal([] { return arange(0, 300, 1, int8); }), ErrorCode::Overflow);
  EXPECT_EQ(refusal([] { return arange(0.0, 3.0, 1.0, int8); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(refusal([] { return arange(INT64_MIN, INT64_MAX); }), ErrorCode::Shape);
  EXPECT_EQ(arange(INT64_MIN, INT64_MAX, std::int64_t{1} << 62).at<std::int64_t>(3), std::int64_t{1} << 62);
}

Array random_view(const Array& start) {
  Array view = start;
  for (int axis = 0; axis < start.ndim(); ++axis) {
    std::vector<Index> index(static_cast<std::size_t>(axis), Index(all));
    index.push_back(slice(none, none, *rc::gen::element<std::int64_t>(1, 1, -1, 2, -3)));
    view = view.view(index);
  }
  return *rc::gen::arbitrary<bool>() ? view.T() : view;
}

RC_GTEST_PROP(CreateTest, CopiesPutEachElementWhereItBelongs, ()) {
  const DType dtype =
      *rc::gen::element(uint8, int16, float32, int64, complex128, DType::bytes(3), DType::parse("a:i1,b:f8"));
  const std::int64_t rows = *rc::gen::inRange<std::int64_t>(0, 6);
  const std::int64_t columns = *rc::gen::inRange<std::int64_t>(0, 6);
  const Array memory = zeros({rows, columns, 3}, dtype);
  for (std::int64_t i = 0; i < memory.nbytes(); ++i) memory.mutable_data()[i] = static_cast<std::byte>(i % 100);
  const Array source = random_view(memory);
  const Array target = zeros(source.shape(), dtype, *rc::gen::element(Order::C, Order::F));
  copyto(target, source);
  RC_ASSERT(array_equal(target, source));
  for (std::int64_t i = 0; i < source.shape(0); ++i) {
    for (std::int64_t j = 0; j < source.shape(1); ++j) {
      for (std::int64_t k = 0; k < source.shape(2); ++k) {
        RC_ASSERT(std::memcmp(target(i, j, k).data(), source(i, j, k).data(),
                              static_cast<std::size_t>(dtype.itemsize())) == 0);
      }
    }
  }
  RC_ASSERT(array_equal(source.copy(Order::F), source.copy()));
}

TEST(CreateTest, CopiesWithinOneMemoryAreAsIfThereWereNoOverlap) {
  const Array a = arange(6);
  copyto(a(slice(1, none)), a(slice(none, -1)));
  EXPECT_EQ(to_string(a), "[0 0 1 2 3 4]");
  copyto(a, a(slice(none, none, -1)));
  EXPECT_EQ(to_string(a), "[4 3 2 1 0 0]");
  const Array square = arange(9).reshape({3, 3});
  copyto(square, square.T());
  EXPECT_EQ(to_string(square), "[[0 3 6]\n [1 4 7]\n [2 5 8]]");
  copyto(square, square(0));
  EXPECT_EQ(to_string(square), "[[0 3 6]\n [0 3 6]\n [0 3 6]]");
  copyto(square(0), arange(3).reshape({1, 1, 3}));
  EXPECT_EQ(to_string(square(0)), "[0 1 2]") << "outer axes of length 1 fall away";
  copyto(square(1), square(slice(2), all)(slice(1), slice(none, none, -1)));
  EXPECT_EQ(to_string(square(1)), "[2 1 0]");
  EXPECT_EQ(test::code_of([&] { copyto(square, zeros({2, 3, 3}, int64)); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(test::code_of([&] { copyto(square, arange(4)); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(test::code_of([&] { copyto(square, zeros({3})); }), ErrorCode::DtypeMismatch);
}

TEST(CreateTest, EqualityIsOfValues) {
  const Array nan = full({2}, NAN, float32);
  EXPECT_FALSE(array_equal(nan, nan));
  EXPECT_TRUE(array_equal(nan, nan.copy(), true));
  EXPECT_TRUE(array_equal(full({2}, -0.0, float16), full({2}, 0.0, float16)));
  EXPECT_FALSE(array_equal(zeros({2}, int32), zeros({2}, int64)));
  EXPECT_FALSE(array_equal(zeros({2}), zeros({2, 1})));
  const Array nat = full({1}, "NaT", DType::parse("M8[s]"));
  EXPECT_FALSE(array_equal(nat, nat));
  EXPECT_TRUE(array_equal(nat, nat, true));
}

}  // namespace
}  // namespace ndshare
