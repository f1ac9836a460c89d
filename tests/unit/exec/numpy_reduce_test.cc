// Reductions and scans of random dtypes, shapes, strides, axes and masks, against NumPy. numpy_reductions.py makes the cases.
#include <ndshare/index.h>
#include <ndshare/io.h>
#include <ndshare/print.h>
#include <ndshare/reduce.h>

#include "lib/kernels/registry.h"
#include "tests/support/sample.h"
#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

namespace ndshare {
namespace {

struct Case {
  std::string number, op, axis, index, axes;
  bool keepdims = false, masked = false;
  std::string initial;
  double ddof = 0;
};

Dims numbers(const std::string& text) {
  Dims out;
  std::istringstream words(text);
  for (std::string word; text != "-" && std::getline(words, word, ',');) out.push_back(std::stoll(word));
  return out;
}

Array reduce(const Case& one, const Array& x, const std::optional<Array>& mask, int threads) {
  if (one.op == "cumsum" || one.op == "cumprod") {
    ScanOptions options{.threads = threads};
    if (one.axis != "all") options.axis = std::stoll(one.axis);
    return one.op == "cumsum" ? cumsum(x, options) : cumprod(x, options);
  }
  ReduceOptions options{.keepdims = one.keepdims, .where = mask, .ddof = one.ddof, .threads = threads};
  if (one.axis != "all") options.axis = Axes(numbers(one.axis));
  const bool truth = x.dtype().is_bool() && (one.op == "min" || one.op == "max");
  if (one.initial != "none") options.initial = truth ? Scalar(one.initial == "1") : Scalar(std::stoll(one.initial));
  using Call = std::function<Array(const Lazy&, const ReduceOptions&)>;
  static const std::map<std::string, Call> calls = {
      {"sum", sum}, {"prod", prod}, {"min", min}, {"max", max}, {"mean", mean}, {"var", var}, {"stddev", stddev}, {"any", any},
      {"all", all}, {"count_nonzero", count_nonzero}, {"ptp", ptp}, {"argmin", argmin}, {"argmax", argmax}};
  return calls.at(one.op)(x, options);
}

/// How far floats may be apart, in units of the dtype's epsilon and the size of what was added.
double tolerance(const Case& one, std::int64_t length) {
  if (one.op == "prod" || one.op == "cumprod") return 4.0 * static_cast<double>(std::max<std::int64_t>(length, 4));
  if (one.op == "cumsum") return static_cast<double>(std::min<std::int64_t>(length, 4096)) + 32;
  if (one.op == "sum" || one.op == "mean" || one.op == "var" || one.op == "stddev") return 2.0 * std::log2(static_cast<double>(length) + 2) + 4;
  return 0;
}

template <class T>
double part_difference(T got, T want, double scale, double epsilon) {
  if (std::isnan(got) && std::isnan(want)) return 0;
  if (got == want) return 0;
  if (!std::isfinite(got) || !std::isfinite(want)) return 1e300;
  return std::abs(static_cast<double>(got) - static_cast<double>(want)) / epsilon / scale;
}

std::string compare(const Array& got, const Array& want, double most, double scale) {
  if (got.dtype() != want.dtype()) return "dtype " + got.dtype().name() + ", NumPy " + want.dtype().name();
  if (got.shape() != want.shape()) return "shape " + got.shape().str() + ", NumPy " + want.shape().str();
  std::string out;
  const Array a = got.flatten(), b = want.flatten();
  visit_numeric(a.dtype().id(), [&]<class T>() {
    const auto x = a.as_span<const T>(), y = b.as_span<const T>();
    for (std::size_t i = 0; i < x.size() && out.empty(); ++i) {
      double apart = 0;
      if constexpr (std::is_same_v<T, Half>) {
        const auto want_one = static_cast<float>(y[i]);
        apart = part_difference(static_cast<float>(x[i]), want_one, std::max<double>(scale, std::abs(want_one)), 0x1p-10);
      } else if constexpr (std::is_floating_point_v<T>) {
        apart = part_difference(x[i], y[i], std::max<double>(scale, std::abs(y[i])), double{std::numeric_limits<T>::epsilon()});
      } else if constexpr (!std::is_integral_v<T>) {
        using P = typename T::value_type;
        const double size = std::max<double>(scale, std::abs(y[i])), epsilon{std::numeric_limits<P>::epsilon()};
        apart = std::max(part_difference(x[i].real(), y[i].real(), size, epsilon), part_difference(x[i].imag(), y[i].imag(), size, epsilon));
      } else {
        apart = x[i] == y[i] ? 0 : 1e300;
      }
      if (apart > most) {
        out = "element " + std::to_string(i) + ": " + to_string(a(static_cast<std::int64_t>(i))) + ", NumPy " +
              to_string(b(static_cast<std::int64_t>(i))) + ", " + std::to_string(apart) + " eps apart, " + std::to_string(most) + " allowed";
      }
    }
  });
  return out;
}

std::string reduce_program() {
  std::ifstream file(std::string(NDSHARE_EXEC_TESTS) + "/numpy_reductions.py");
  return {std::istreambuf_iterator<char>(file), {}};
}

void run_reductions(int count, bool only_lowest) {
  const test::ScratchDir dir;
  const char* given = std::getenv("NDSHARE_TEST_SEED");
  const std::string seed = given != nullptr ? given : "20261127";
  const test::Finished numpy = test::run_numpy(reduce_program(), {dir.path().string(), seed, std::to_string(count)});
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
  if (only_lowest) internal::force_table_for_test(&internal::supported_tables().back());
  std::istringstream lines(numpy.out);
  int ran = 0;
  for (std::string line; std::getline(lines, line); ++ran) {
    std::istringstream words(line);
    Case one;
    words >> one.number >> one.op >> one.axis >> one.keepdims >> one.masked >> one.initial >> one.ddof >> one.index >> one.axes;
    const Array base = load(dir.file(one.number + "_x.npy"));
    const Array cut = one.index == "[]" ? base : base.view(parse_index(one.index));
    const Array x = cut.ndim() == 0 ? cut : cut.transpose(numbers(one.axes));
    std::optional<Array> mask;
    if (one.masked) mask = load(dir.file(one.number + "_mask.npy"));
    const Array want = load(dir.file(one.number + "_out.npy"));
    SCOPED_TRACE("seed " + seed + ", case " + line + " of " + x.dtype().name() + x.shape().str());
    Array got, again;
    EXPECT_NO_THROW(got = reduce(one, x, mask, 1));
    EXPECT_NO_THROW(again = reduce(one, x, mask, 2));
    const bool added = one.op.find("sum") != std::string::npos || one.op == "mean";
    const double length = static_cast<double>(x.size()) / static_cast<double>(std::max<std::int64_t>(1, one.op.starts_with("cum") ? 1 : want.size()));
    const double scale = !added ? 1e-3 : one.op == "mean" ? 1 : std::max(1.0, length);
    EXPECT_EQ(compare(got, want, tolerance(one, x.size()), scale), "");
    EXPECT_EQ(compare(again, got, 0, 1), "") << "with two threads";
  }
  internal::force_table_for_test(nullptr);
  EXPECT_EQ(ran, count);
}

TEST(NumPyReduceTest, RandomCases) { run_reductions(std::getenv("NDSHARE_LONG") != nullptr ? 20'000 : 2'000 / test::kSample, false); }
TEST(NumPyReduceTest, TheLowestTarget) { run_reductions(600 / test::kSample, true); }

}  // namespace
}  // namespace ndshare
