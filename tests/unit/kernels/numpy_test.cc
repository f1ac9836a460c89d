// NumPy as the oracle where special values meet: every pair of them, for every operation and dtype that NumPy has too.
#include "lib/kernels/registry.h"
#include "tests/support/support.h"
#include "tests/unit/kernels/op_families.h"
#include "tests/unit/kernels/samples.h"

#include <ndshare/dtype.h>

#include <gtest/gtest.h>

#include <fstream>

namespace ndshare::internal {
namespace {

// argv: a folder. Its file `list` says what to compute: operation, dtype, arity. <dtype>-x and <dtype>-y hold every
// pair.
constexpr char kProgram[] = R"(
import sys, numpy as np, warnings
warnings.simplefilter('ignore')
np.seterr(all='ignore')
names = {'abs': 'absolute', 'bitwise_invert': 'invert', 'bitwise_left_shift': 'left_shift',
         'bitwise_right_shift': 'right_shift'}
folder = sys.argv[1]
for line in open(folder + '/list'):
    op, dtype, arity = line.split()
    x = np.fromfile(folder + '/' + dtype + '-x', dtype=dtype)
    y = np.fromfile(folder + '/' + dtype + '-y', dtype=dtype)
    f = getattr(np, names.get(op, op))
    out = np.ascontiguousarray(f(x) if arity == '1' else f(x, y))
    out.tofile(folder + '/' + op + '-' + dtype)
)";

// Left to the formulas: sign of complex numbers (NumPy 1 has another one), rounding of integers (NumPy 1 makes them
// floats), and what is no element-wise loop there.
bool numpy_differs(std::string_view op, char kind) {
  if (op == "sign") return kind == 'c';
  if (op == "floor" || op == "ceil" || op == "trunc" || op == "rint") return kind == 'i' || kind == 'u';
  return op == "real" || op == "imag";
}

template <class T>
std::vector<T> values() {
  std::vector<T> some;
  using P = test::PartOf<T>;
  if constexpr (std::is_same_v<T, bool>) return {};  // 0 and 1: the formulas' business
  for (std::size_t i = 0; i < 12; ++i) {
    if constexpr (test::kIsComplex<T>) {
      for (std::size_t k = 0; k < 12; ++k) {
        const auto part = [](std::size_t j) {
          return j < 8 ? test::special_value<P>(j) : static_cast<P>(2.5 * (static_cast<double>(j) - 9));
        };
        some.push_back(T(part(i), part(k)));
      }
    } else if constexpr (std::is_integral_v<T>) {
      some.push_back(i < 8 ? test::special_value<T>(i) : static_cast<T>(7 * (static_cast<int>(i) - 9)));
    } else {
      some.push_back(i < 8 ? test::special_value<T>(i) : test::of_double<T>(2.5 * (static_cast<double>(i) - 9)));
    }
  }
  return some;
}

template <class T>
struct Pairs {
  std::vector<T> x, y;
  Pairs() {
    for (const T a : values<T>()) {
      for (const T b : values<T>()) x.push_back(a), y.push_back(b);
    }
  }
};

template <class T>
void save(const std::string& path, const std::vector<T>& data) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size() * sizeof(T)));
}
template <class R>
std::vector<R> load(const std::string& path, std::size_t n) {
  std::vector<R> data(n);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(data.data()), static_cast<std::streamsize>(n * sizeof(R)));
  EXPECT_EQ(static_cast<std::size_t>(file.gcount()), n * sizeof(R)) << path;
  return data;
}

// +0 and −0 are equal here: which of two equal operands NumPy's extremes give depends on its machine.
template <class R>
bool agree(R a, R b, std::uint64_t ulp) {
  if constexpr (test::kIsComplex<R>) {
    return agree(a.real(), b.real(), ulp) && agree(a.imag(), b.imag(), ulp);
  } else {
    return a == b || test::close(a, b, ulp);
  }
}

template <class R, class T, class Run>
void compare(const test::ScratchDir& dir, const OpInfo& op, const Pairs<T>& pairs, Run run) {
  const std::string type = dtype_of<T>().name();
  const auto expected = load<R>(dir.file(std::string(op.name) + '-' + type), pairs.x.size());
  std::vector<R> out(pairs.x.size());
  run(out.data());
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_TRUE(agree(out[i], expected[i], static_cast<std::uint64_t>(op.ulp) + (test::kIsComplex<T> ? 2 : 0)))
        << op.name << ' ' << type << ' ' << testing::PrintToString(pairs.x[i]) << ", "
        << testing::PrintToString(pairs.y[i]) << ": " << testing::PrintToString(out[i]) << ", NumPy "
        << testing::PrintToString(expected[i]);
  }
}

template <class T, class Visit>
void for_each_op(Visit visit) {
  constexpr TypeId kType = type_id_of<T>();
  const char kind = dtype_of<T>().kind();
  const auto wanted = [&](const OpInfo& op, std::string_view family) {
    return !test::transcendental(family) && !numpy_differs(op.name, kind);
  };
  for (std::size_t i = 0; i < kUnaryCount; ++i) {
    if (kernels().unary[i][static_cast<std::size_t>(kType)] != nullptr && wanted(kUnaryOps[i], test::kUnaryFamilies[i]))
      visit(kUnaryOps[i], i, 1);
  }
  for (std::size_t i = 0; i < kBinaryCount; ++i) {
    if (kernels().binary[i][static_cast<std::size_t>(kType)].vv != nullptr &&
        wanted(kBinaryOps[i], test::kBinaryFamilies[i]))
      visit(kBinaryOps[i], i, 2);
  }
}

template <class T>
void check(const test::ScratchDir& dir) {
  const Pairs<T> pairs;
  for_each_op<T>([&](const OpInfo& op, std::size_t index, int arity) {
    const auto run = [&](void* out) {
      const auto type = static_cast<std::size_t>(type_id_of<T>());
      if (arity == 1) (void)kernels().unary[index][type](pairs.x.data(), out, pairs.x.size());
      if (arity == 2) (void)kernels().binary[index][type].vv(pairs.x.data(), pairs.y.data(), out, pairs.x.size());
    };
    switch (op.result) {
      case ResultRule::same:
        return compare<T>(dir, op, pairs, run);
      case ResultRule::boolean:
        return compare<std::uint8_t>(dir, op, pairs, run);
      case ResultRule::part:
        return compare<test::PartOf<T>>(dir, op, pairs, run);
    }
  });
}

template <class T>
void prepare(const test::ScratchDir& dir, std::ostream& list) {
  const std::string type = dtype_of<T>().name();
  const Pairs<T> pairs;
  save(dir.file(type + "-x"), pairs.x);
  save(dir.file(type + "-y"), pairs.y);
  for_each_op<T>(
      [&](const OpInfo& op, std::size_t, int arity) { list << op.name << ' ' << type << ' ' << arity << '\n'; });
}

TEST(NumPyTest, SpecialValuesAgree) {
  const test::ScratchDir dir;
  {
    std::ofstream list(dir.file("list"));
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) \
  if constexpr (!std::is_same_v<lane, bool>) prepare<lane>(dir, list);
#include <ndshare/dtype_list.inc>
  }
  const test::Finished numpy = test::run_numpy(kProgram, {dir.path().string()});
  ASSERT_EQ(numpy.status, 0) << numpy.err;
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) \
  if constexpr (!std::is_same_v<lane, bool>) check<lane>(dir);
#include <ndshare/dtype_list.inc>
}

}  // namespace
}  // namespace ndshare::internal
