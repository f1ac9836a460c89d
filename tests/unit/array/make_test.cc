// Arrays of regular numbers against NumPy's, bit by bit.
#include <ndshare/create.h>
#include <ndshare/error.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

namespace ndshare {
namespace {

constexpr char kProgram[] = R"(
import sys, numpy as np
d = sys.argv[1] + '/'
np.linspace(0, 1, 50).tofile(d + 'a')
np.linspace(-3, 17.25, 1001, endpoint=False).tofile(d + 'b')
np.linspace(2, 2, 7).tofile(d + 'c')
np.linspace(5, -5, 1).tofile(d + 'd')
np.linspace(0, 5e-324, 4).tofile(d + 'e')
np.linspace(0, 10, 33, dtype='f4').tofile(d + 'f')
np.logspace(0, 3, 13).tofile(d + 'g')
np.logspace(-2, 2, 9, endpoint=False, base=2).tofile(d + 'h')
np.eye(4, 6, 1).tofile(d + 'i')
np.eye(3, 2, -1, dtype='i4').tofile(d + 'j')
)";

void expect_bytes(const Array& array, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  ASSERT_EQ(static_cast<std::size_t>(array.nbytes()), bytes.size()) << path;
  EXPECT_EQ(std::memcmp(array.data(), bytes.data(), bytes.size()), 0) << path;
}

TEST(MakeTest, AsNumPy) {
  const test::ScratchDir dir;
  const test::Finished numpy = test::run_numpy(kProgram, {dir.path().string()});
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  expect_bytes(linspace(0, 1), dir.file("a"));
  expect_bytes(linspace(-3, 17.25, 1001, false), dir.file("b"));
  expect_bytes(linspace(2, 2, 7), dir.file("c"));
  expect_bytes(linspace(5, -5, 1), dir.file("d"));
  expect_bytes(linspace(0, 5e-324, 4), dir.file("e"));
  expect_bytes(linspace(0, 10, 33, true, float32), dir.file("f"));
  expect_bytes(eye(4, 6, 1), dir.file("i"));
  expect_bytes(eye(3, 2, -1, int32), dir.file("j"));
}

TEST(MakeTest, LogspaceIsPowersOfTheLine) {
  const Array made = logspace(-2, 2, 9, false, 2), line = linspace(-2, 2, 9, false);
  for (std::int64_t i = 0; i < 9; ++i) EXPECT_EQ(made.at<double>(i), std::pow(2.0, line.at<double>(i)));
}

TEST(MakeTest, EyeBeyondTheCorners) {
  for (const std::int64_t k : {-5, -3, 3, 5}) {
    const Array made = eye(3, 3, k);
    for (const double x : made.as_span<const double>()) EXPECT_EQ(x, 0) << k;
  }
  EXPECT_EQ(eye(0).size(), 0);
  EXPECT_TRUE(eye(2, -1, 0, bool_).at<bool>(1, 1));
}

TEST(MakeTest, LikesKeepShapeDtypeAndOrder) {
  const Array f = empty({3, 4}, int16, Order::F);
  EXPECT_TRUE(zeros_like(f).is_f_contiguous());
  EXPECT_EQ(ones_like(f).dtype(), int16);
  EXPECT_EQ(ones_like(f).at<int>(2, 3), 1);
  EXPECT_EQ(full_like(f, 2.5, float32).at<float>(0, 0), 2.5F);
  EXPECT_EQ(empty_like(f(all, 0)).shape(), Shape({3}));
}

TEST(MakeTest, BadLines) {
  const auto code = [](const auto& body) {
    try {
      body();
    } catch (const Error& error) {
      return error.code();
    }
    return Error::Internal;
  };
  EXPECT_EQ(code([] { static_cast<void>(linspace(0, 1, -1)); }), Error::Usage);
  EXPECT_EQ(code([] { static_cast<void>(linspace(0, HUGE_VAL)); }), Error::Usage);
  EXPECT_EQ(code([] { static_cast<void>(linspace(0, 1, 5, true, int32)); }), Error::DtypeMismatch);
  EXPECT_EQ(code([] { static_cast<void>(eye(-1)); }), Error::Shape);
}

}  // namespace
}  // namespace ndshare
