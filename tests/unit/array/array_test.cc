// Array: sharing, views, protection, spans, and every refusal.
#include <cstring>
#include <vector>

#include <gtest/gtest.h>
#include <ndshare/create.h>
#include <ndshare/print.h>

#include "tests/support/support.h"

// The address sanitizer ends the program where malloc would return null; TooMuchMemoryIsAnErrorWithTheBytes needs the
// null.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }

namespace ndshare {
namespace {

template <class Body>
ErrorCode code(Body body) {
  return test::code_of([&] { static_cast<void>(body()); });
}

TEST(ArrayTest, AHandleSharesAndAViewSeesChanges) {
  const Array a = zeros({3, 4}, int32);
  const Array b = a;
  const Array row = a(1);
  fill(row, 7);
  EXPECT_EQ(b.at<int>(1, -1), 7);
  EXPECT_EQ(to_string(a), "[[0 0 0 0]\n [7 7 7 7]\n [0 0 0 0]]");
  EXPECT_FALSE(a.is_view());
  ASSERT_TRUE(row(slice(1, 3)).base().has_value());
  EXPECT_EQ(row(slice(1, 3)).base()->shape(), (Shape{3, 4})) << "views of views have one base";
  EXPECT_EQ(a.copy().base(), std::nullopt);
}

TEST(ArrayTest, ViewsKeepTheMemoryAlive) {
  Array view;
  {
    const Array owner = arange(1000);
    view = owner(slice(990, none));
  }
  EXPECT_EQ(to_string(view), "[990 991 992 993 994 995 996 997 998 999]");
}

TEST(ArrayTest, ExternalMemoryIsHeldAndReleased) {
  auto values = std::make_shared<std::vector<double>>(std::vector<double>{1, 2, 3, 4});
  const std::weak_ptr<std::vector<double>> watch = values;
  {
    const auto buffer = make_external_buffer(values->data(), 32, false, std::shared_ptr<const void>(values));
    values.reset();
    const Array a(float64, Layout::contiguous({2, 2}, 8), buffer, true);
    EXPECT_FALSE(a.is_writable()) << "the buffer says so";
    EXPECT_EQ(a.T()(0).at<double>(1), 3.0);
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(ArrayTest, NoLayoutReachesOutsideItsBuffer) {
  const auto buffer = make_heap_buffer(64, true);
  const auto build = [&](Layout layout) { return code([&] { return Array(int64, layout, buffer, true); }); };
  EXPECT_EQ(build(Layout::contiguous({8}, 8)), ErrorCode::Ok);
  EXPECT_EQ(build(Layout::contiguous({9}, 8)), ErrorCode::Layout);
  EXPECT_EQ(build(Layout::contiguous({8}, 8, Order::C, 1)), ErrorCode::Layout);
  EXPECT_EQ(build({Shape{8}, Strides{-8}, 56}), ErrorCode::Ok);
  EXPECT_EQ(build({Shape{8}, Strides{-8}, 55}), ErrorCode::Layout);
  EXPECT_EQ(build({Shape{2}, Strides{INT64_MAX}, 0}), ErrorCode::Layout);
  EXPECT_EQ(build({Shape{3, 3}, Strides{INT64_MIN, INT64_MAX}, 0}), ErrorCode::Layout);
  EXPECT_EQ(build({Shape{2}, Strides{8, 8}, 0}), ErrorCode::Layout);
  EXPECT_EQ(build({Shape{-1}, Strides{8}, 0}), ErrorCode::Shape);
  EXPECT_EQ(code([&] { return Array(int64, Layout::contiguous({1}, 8), nullptr, true); }), ErrorCode::Layout);
}

TEST(ArrayTest, ReadOnlyIsReadOnlyInEveryView) {
  const Array locked = zeros({4}).as_readonly();
  EXPECT_EQ(code([&] { return locked.mutable_data(); }), ErrorCode::ReadOnly);
  EXPECT_EQ(code([&] { return locked(slice(1, 2)).as_span<double>(); }), ErrorCode::ReadOnly);
  EXPECT_EQ(locked.as_span<const double>().size(), 4U);
  EXPECT_EQ(test::code_of([&] { fill(locked.reshape({2, 2}), 1.0); }), ErrorCode::ReadOnly);
  EXPECT_EQ(test::code_of([&] { copyto(locked, zeros({4})); }), ErrorCode::ReadOnly);
  EXPECT_FALSE(zeros({3}).broadcast_to({2, 3}).is_writable());
  EXPECT_TRUE(locked.copy().is_writable());
}

TEST(ArrayTest, SpansCheckTypeContiguityAndAlignment) {
  const Array a = arange(6).reshape({2, 3});
  EXPECT_EQ(a.as_span<const std::int64_t>()[5], 5);
  EXPECT_EQ(code([&] { return a.as_span<const double>(); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(code([&] { return a.T().as_span<const std::int64_t>(); }), ErrorCode::Layout);
  EXPECT_EQ(zeros({2}, DType::parse("M8[s]")).as_span<std::int64_t>().size(), 2U);
  const Array packed = zeros({1}, DType::parse("a:i1,b:f8"));
  EXPECT_FALSE(packed["b"].is_aligned());
  EXPECT_EQ(code([&] { return packed["b"].as_span<double>(); }), ErrorCode::Layout);
  EXPECT_TRUE(zeros({0, 3}).as_span<double>().empty());
}

TEST(ArrayTest, FieldsAreViews) {
  const DType dtype = DType::parse("ts:i8,grid:(2,3)f4,in:[('q','u1'),('s','U2')]");
  const Array rows = zeros({5}, dtype);
  fill(rows["grid"](ellipsis, 1), 2.5);
  fill(rows["in"]["s"], "ab");
  EXPECT_EQ(rows["grid"].shape(), (Shape{5, 2, 3}));
  EXPECT_EQ(to_string(rows(4)), "(0, [[0. , 2.5, 0. ], [0. , 2.5, 0. ]], (0, 'ab'))");
  EXPECT_EQ(code([&] { return rows["nope"]; }), ErrorCode::DType);
  EXPECT_EQ(code([&] { return rows["ts"]["x"]; }), ErrorCode::DType);
  const std::string names[] = {"in", "ts"};
  const Array some = rows.fields(names);
  EXPECT_EQ(some.dtype().fields()[0].name, "in");
  fill(some["ts"], 9);
  EXPECT_EQ(rows["ts"].at<int>(3), 9);
}

TEST(ArrayTest, ReshapeCopiesOnlyWhenItMayAndMust) {
  const Array a = arange(12).reshape({3, 4});
  EXPECT_TRUE(a.reshape({2, 6}).is_view());
  EXPECT_TRUE(a.ravel().is_view());
  EXPECT_FALSE(a.flatten().is_view());
  EXPECT_FALSE(a.T().reshape({12}).is_view());
  EXPECT_EQ(to_string(a.T().reshape({2, 6})), "[[ 0  4  8  1  5  9]\n [ 2  6 10  3  7 11]]");
  EXPECT_EQ(code([&] { return a.T().reshape({12}, Copy::never); }), ErrorCode::Layout);
  EXPECT_EQ(code([&] { return a.reshape({5, -1}); }), ErrorCode::ShapeMismatch);
}

TEST(ArrayTest, ViewAsAnotherDtype) {
  const Array a = arange(6).reshape({2, 3});
  EXPECT_EQ(a.view_as(uint64).shape(), (Shape{2, 3}));
  EXPECT_EQ(a.view_as(int32).shape(), (Shape{2, 6}));
  EXPECT_EQ(a.view_as(int8).view_as(int64).at<int>(1, 2), 5);
  EXPECT_EQ(a.T().view_as(float64).shape(), (Shape{3, 2}));
  EXPECT_EQ(code([&] { return a.T().view_as(int32); }), ErrorCode::Layout);
  EXPECT_EQ(code([&] { return a.view_as(complex128); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code([&] { return a.view_as(DType::bytes(5)); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code([&] { return scalar_array(1, int64).view_as(int32); }), ErrorCode::Layout);
  EXPECT_EQ(a.view_as(DType::parse("x:i4,y:i4"))["x"].at<int>(1, 0), 3);
}

TEST(ArrayTest, ItemsConvertUpTheKinds) {
  EXPECT_EQ(full({1, 1}, 2.5, float32).item<double>(), 2.5);
  EXPECT_EQ(full({}, "é", DType::str(3)).item<std::string>(), "é");
  EXPECT_EQ(full({}, true, bool_).item<int>(), 1);
  EXPECT_EQ(code([] { return arange(2).item<int>(); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code([] { return full({}, 1.5, float64).item<int>(); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(code([] { return zeros({}, DType::parse("a:i4")).item(); }), ErrorCode::DtypeMismatch);
  EXPECT_EQ(code([] { return arange(2).at<int>(2); }), ErrorCode::IndexBounds);
  EXPECT_EQ(code([] { return arange(2)(0, 0); }), ErrorCode::IndexSyntax);
  EXPECT_EQ(code([] { return arange(2)(ellipsis, ellipsis); }), ErrorCode::IndexSyntax);
}

TEST(ArrayTest, TruthIsOfOneElement) {
  EXPECT_TRUE(static_cast<bool>(full({1}, 0.5, float64)));
  EXPECT_FALSE(static_cast<bool>(full({}, "", DType::str(2))));
  EXPECT_FALSE(static_cast<bool>(full({}, -0.0, float16)));
  EXPECT_EQ(code([] { return static_cast<bool>(zeros({2})); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code([] { return static_cast<bool>(zeros({0})); }), ErrorCode::ShapeMismatch);
}

TEST(ArrayTest, FlagsAndSharing) {
  const Array a = zeros({3, 4});
  EXPECT_TRUE(a.flags().c_contiguous && a.flags().owndata && a.flags().writeable && a.flags().aligned &&
              !a.flags().f_contiguous);
  EXPECT_TRUE(a.T().flags().f_contiguous && !a.T().flags().owndata);
  EXPECT_TRUE(zeros({1, 4, 1}).flags().f_contiguous) << "axes of length 1 do not count";
  EXPECT_TRUE(may_share_memory(a(0), a(slice(0, 1))));
  EXPECT_FALSE(may_share_memory(a(0), a(1)));
  EXPECT_FALSE(may_share_memory(a, a.copy()));
  EXPECT_EQ(a(1).origin().offset - a.origin().offset, 32U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0U);
}

TEST(ArrayTest, ZerosInShapesWorkEverywhere) {
  const Array a = zeros({2, 0, 3}, DType::parse("a:i4,b:U3"));
  EXPECT_EQ(a.nbytes(), 0);
  EXPECT_EQ(a.copy().shape(), (Shape{2, 0, 3}));
  EXPECT_EQ(a(1).shape(), (Shape{0, 3}));
  EXPECT_EQ(a["b"].T().reshape({0, 5}).shape(), (Shape{0, 5}));
  EXPECT_EQ(a.reshape({-1, 3}).shape(), (Shape{0, 3}));
  EXPECT_TRUE(array_equal(a, a.copy()));
  EXPECT_EQ(to_string(a), "[]");
  const Array vast = zeros({0, INT64_MAX, INT64_MAX}, int64);
  EXPECT_EQ(vast(all, -1, slice(none, none, 2)).size(), 0);
  EXPECT_EQ(vast.T().copy().size(), 0);
  const Array none_yet = zeros({0, 2});
  const Array backwards = none_yet(all, slice(none, none, -1));
  EXPECT_EQ(backwards.shape(), (Shape{0, 2}));
  EXPECT_EQ(backwards(slice(none, none, -2), 1).shape(), Shape{0});
  EXPECT_EQ(none_yet.with_layout(flip(none_yet.layout())).copy().size(), 0);
  const Array wide = zeros({0, 1, std::int64_t{1} << 59});
  EXPECT_EQ(wide.with_layout(diagonal(wide.layout())).shape(), (Shape{std::int64_t{1} << 59, 0}));
}

TEST(ArrayTest, TooMuchMemoryIsAnErrorWithTheBytes) {
  const auto ask = [] { static_cast<void>(empty({std::int64_t{1} << 59})); };
  EXPECT_EQ(test::code_of(ask), ErrorCode::Memory);
  EXPECT_NE(test::message_of(ask).find("4611686018427387904"), std::string::npos);
  EXPECT_EQ(code([] { return zeros({std::int64_t{1} << 60}); }), ErrorCode::Shape);
  EXPECT_EQ(code([] { return zeros({3, -1}); }), ErrorCode::Shape);
}

TEST(ArrayTest, CopyingStructuresLeavesNoStaleBytes) {
  const DType padded = DType::structured({{"a", int8}, {"b", int64}}, true);
  const Array a = zeros({3}, padded);
  std::memset(a.mutable_data(), 0xff, static_cast<std::size_t>(a.nbytes()));
  const Array b = a.copy();
  EXPECT_EQ(b.data()[1], std::byte{0}) << "padding is not copied";
  EXPECT_EQ(b["b"].at<std::int64_t>(2), -1);
  const std::string one[] = {"a"};
  const Array target = zeros({3}, padded);
  copyto(target.fields(one), a.fields(one));
  EXPECT_EQ(target["b"].at<int>(0), 0) << "other fields are not overwritten";
  EXPECT_EQ(target["a"].at<int>(0), -1);
}

}  // namespace
}  // namespace ndshare
