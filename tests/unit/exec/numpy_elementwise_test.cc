// Every operation of the list on random dtypes, shapes and strides, against NumPy. numpy_cases.py makes the cases.
#include <ndshare/index.h>
#include <ndshare/io.h>
#include <ndshare/lazy.h>
#include <ndshare/ops.h>
#include <ndshare/print.h>

#include "lib/kernels/registry.h"
#include "tests/support/sample.h"
#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

namespace ndshare {
namespace {

struct Row {
  int arity = 1;
  std::string loops, rule;
  double ulp = 0;
  std::function<Array(const std::vector<Array>&)> eager;
  std::function<Array(const std::vector<Array>&)> lazily;
};

const std::map<std::string, Row>& rows() {
  static const std::map<std::string, Row> all = {
#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc)        \
  {#name,                                                                            \
   {1, loops, #rule, ulp, [](const std::vector<Array>& x) { return name(x[0]); },    \
    [](const std::vector<Array>& x) { return name(lazy(x[0])).eval(); }}},
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc) \
  {#name,                                                                                   \
   {2, loops, #rule, ulp, [](const std::vector<Array>& x) { return name(x[0], x[1]); },     \
    [](const std::vector<Array>& x) { return name(lazy(x[0]), x[1]).eval(); }}},
#include <ndshare/op_list.inc>
  };
  return all;
}

// The distance in representable numbers; equal values (both NaN too) have none.
template <class T>
double ulps(T got, T want) {
  if (std::isnan(got) && std::isnan(want)) return 0;
  if (got == want) return std::signbit(got) == std::signbit(want) ? 0 : 0.25;
  if (!std::isfinite(got) || !std::isfinite(want)) return 1e300;
  return std::abs(static_cast<double>(got) - static_cast<double>(want)) /
         static_cast<double>(std::nextafter(std::abs(want), std::numeric_limits<T>::infinity()) - std::abs(want));
}
double half_ulps(Half got, Half want) {
  const auto a = static_cast<float>(got), b = static_cast<float>(want);
  if (std::isnan(a) && std::isnan(b)) return 0;
  if (a == b) return std::signbit(a) == std::signbit(b) ? 0 : 0.25;
  const auto order = [](Half x) {
    const auto bits = std::bit_cast<std::int16_t>(x);
    return bits < 0 ? -(bits & 0x7fff) : bits;
  };
  return std::abs(order(got) - order(want));
}

template <class T>
double distance(T got, T want) {
  if constexpr (std::is_same_v<T, Half>) {
    return half_ulps(got, want);
  } else if constexpr (std::is_floating_point_v<T>) {
    return ulps(got, want);
  } else if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
    // Of a complex number the error is measured against its length.
    const bool odd = !std::isfinite(want.real()) || !std::isfinite(want.imag());
    if (odd) return 0;  // what stands beside an infinity or NaN is the C library's
    const auto size = std::max<double>(std::abs(want), std::numeric_limits<typename T::value_type>::min());
    return std::abs(std::complex<double>(got) - std::complex<double>(want)) / size /
           double{std::numeric_limits<typename T::value_type>::epsilon()};
  } else {
    return got == want ? 0 : 1e300;
  }
}

/// What NumPy and the library may be apart: both may err by their own bound. 0.25 is another zero.
double tolerance(const std::string& op, const Row& row, const DType& dtype) {
  if (dtype.is_complex()) return row.ulp > 0.5 || op == "abs" || op == "sqrt" || op == "sign" || op == "reciprocal" ? 64 : 2;
  if (op == "maximum" || op == "minimum" || op == "fmax" || op == "fmin") return 0.25;
  if (op == "nextafter") return 0.25;  // NumPy's float16 form gives x1 for equal operands, C gives x2
  if (op == "logaddexp" || op == "logaddexp2") return 1e9;  // near 0 the sum cancels: the kernels' test has its own measure
  if (row.ulp <= 0.5) return op == "abs" || op == "sign" ? 2 : 0;  // of complex numbers: 1 ULP each
  return dtype.id() == TypeId::float16 ? 1 : row.ulp + 4;  // NumPy's own: up to 4
}

Array cut(const Array& base, std::string text) {
  const bool transposed = text.ends_with('T');
  if (transposed) text.pop_back();
  const Array view = text == "[]" ? base : base.view(parse_index(text));
  return transposed ? view.T() : view;
}

std::string compare(const Array& got, const Array& want, double most) {
  if (got.dtype() != want.dtype()) return "dtype " + got.dtype().name() + ", NumPy " + want.dtype().name();
  if (got.shape() != want.shape()) return "shape " + got.shape().str() + ", NumPy " + want.shape().str();
  std::string out;
  const Array a = got.flatten(), b = want.flatten();
  visit_numeric(a.dtype().id(), [&]<class T>() {
    const auto x = a.as_span<const T>(), y = b.as_span<const T>();
    for (std::size_t i = 0; i < x.size() && out.empty(); ++i) {
      const double apart = distance<T>(x[i], y[i]);
      if (apart <= most) continue;
      out = "element " + std::to_string(i) + ": " + to_string(a(static_cast<std::int64_t>(i))) + ", NumPy " +
            to_string(b(static_cast<std::int64_t>(i))) + ", " + std::to_string(apart) + " ULP apart";
    }
  });
  return out;
}

std::string program() {
  std::ifstream file(std::string(NDSHARE_EXEC_TESTS) + "/numpy_cases.py");
  return {std::istreambuf_iterator<char>(file), {}};
}

void run_cases(int count, bool only_lowest) {
  const test::ScratchDir dir;
  const char* given = std::getenv("NDSHARE_TEST_SEED");
  const std::string seed = given != nullptr ? given : "20261126";
  std::vector<std::string> arguments = {dir.path().string(), seed, std::to_string(count)};
  for (const auto& [name, row] : rows()) {
    arguments.push_back(name + ":" + std::to_string(row.arity) + ":" + row.loops + ":" + row.rule);
  }
  const test::Finished numpy = test::run_numpy(program(), arguments);
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
  if (only_lowest) internal::force_table_for_test(&internal::supported_tables().back());
  std::istringstream lines(numpy.out);
  int ran = 0;
  for (std::string line; std::getline(lines, line); ++ran) {
    std::istringstream words(line);
    std::string number, op;
    words >> number >> op;
    const Row& row = rows().at(op);
    std::vector<Array> operands;
    for (int k = 0; k < row.arity; ++k) {
      std::string text;
      words >> text;
      operands.push_back(cut(load(dir.file(number + "_" + std::to_string(k) + ".npy")), text));
    }
    const Array want = load(dir.file(number + "_out.npy"));
    SCOPED_TRACE("seed " + seed + ", case " + line + " of " + operands[0].dtype().name() + operands[0].shape().str() +
                 (row.arity == 2 ? " and " + operands[1].dtype().name() + operands[1].shape().str() : ""));
    const double most = tolerance(op, row, want.dtype());
    Array got;
    EXPECT_NO_THROW(got = row.eager(operands));
    EXPECT_EQ(compare(got, want, most), "");
    EXPECT_EQ(compare(row.lazily(operands), got, 0), "") << "lazy and eager differ";
  }
  internal::force_table_for_test(nullptr);
  EXPECT_EQ(ran, count);
}

TEST(NumPyElementwiseTest, RandomCasesOfEveryOp) { run_cases(std::getenv("NDSHARE_LONG") != nullptr ? 30'000 : 3'000 / test::kSample, false); }
TEST(NumPyElementwiseTest, TheLowestTarget) { run_cases(1'000 / test::kSample, true); }

}  // namespace
}  // namespace ndshare
