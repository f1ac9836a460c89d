#include <gtest/gtest.h>
#include <ndshare/scalar.h>

#include "tests/support/support.h"

namespace ndshare {
namespace {

template <class T>
ErrorCode code_as(const Scalar& value) {
  return test::code_of([&] { static_cast<void>(value.as<T>()); });
}

TEST(ScalarTest, GoesUpTheKindsNeverDown) {
  EXPECT_EQ(Scalar(true).as<int>(), 1);
  EXPECT_EQ(Scalar(7).as<double>(), 7.0);
  EXPECT_EQ(Scalar(1.5F).as<std::complex<float>>(), std::complex<float>(1.5F));
  EXPECT_EQ(code_as<int>(Scalar(1.0)), ErrorCode::DtypeMismatch);
  EXPECT_EQ(code_as<double>(Scalar(std::complex<double>(1, 0))), ErrorCode::DtypeMismatch);
  EXPECT_EQ(code_as<bool>(Scalar(1)), ErrorCode::DtypeMismatch);
  EXPECT_EQ(code_as<double>(Scalar("1")), ErrorCode::DtypeMismatch);
  EXPECT_EQ(code_as<std::string>(Scalar(1)), ErrorCode::DtypeMismatch);
}

TEST(ScalarTest, HalvesAreRoundedOnce) {
  // Just above the tie between 1 and its successor: by way of float32 it would be the tie, and go to even.
  EXPECT_EQ(Scalar(1 + 0x1p-11 + 0x1p-40).as<Half>().bits, 0x3c01);
  EXPECT_EQ(Scalar(-(1 + 0x1p-11 + 0x1p-40)).as<Half>().bits, 0xbc01);
  EXPECT_EQ(Scalar(1 + 0x1p-11).as<Half>().bits, 0x3c00);
  EXPECT_EQ(Scalar(1 + 3 * 0x1p-11 - 0x1p-40).as<Half>().bits, 0x3c01);
  EXPECT_EQ(Scalar(65520 - 0x1p-20).as<Half>().bits, 0x7bff);
  EXPECT_EQ(Scalar(65520.0).as<Half>().bits, 0x7c00);
  EXPECT_EQ(Scalar(-1e300).as<Half>().bits, 0xfc00);
  EXPECT_EQ(Scalar(0x1p-25 + 0x1p-60).as<Half>().bits, 1);
  EXPECT_EQ(Scalar(-1e-300).as<Half>().bits, 0x8000);
}

TEST(ScalarTest, IntegersThatDoNotFitAreErrors) {
  EXPECT_EQ(Scalar(255).as<std::uint8_t>(), 255);
  EXPECT_EQ(code_as<std::uint8_t>(Scalar(256)), ErrorCode::Overflow);
  EXPECT_EQ(code_as<std::uint8_t>(Scalar(-1)), ErrorCode::Overflow);
  EXPECT_EQ(code_as<std::uint64_t>(Scalar(-1)), ErrorCode::Overflow);
  EXPECT_EQ(Scalar(UINT64_MAX).as<std::uint64_t>(), UINT64_MAX);
  EXPECT_EQ(code_as<std::int64_t>(Scalar(UINT64_MAX)), ErrorCode::Overflow);
  EXPECT_EQ(Scalar(INT64_MIN).as<std::int64_t>(), INT64_MIN);
  EXPECT_EQ(code_as<std::int8_t>(Scalar(-129)), ErrorCode::Overflow);
}

}  // namespace
}  // namespace ndshare
