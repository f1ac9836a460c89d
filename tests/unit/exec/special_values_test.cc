// The array API's tables of special cases, on every floating and complex dtype; each case fills an array, so that every lane is seen.
#include "tests/unit/exec/engine_support.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <set>

namespace ndshare::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kLanes = 21;  // more than a register, and an odd rest

/// The values that stand for a word, all of which `dtype` has.
std::vector<double> values_of(const std::string& word, const DType& dtype, const std::vector<double>& first = {}) {
  const bool half = dtype == float16, single = dtype == float32 || dtype == complex64;
  const double most = half ? 65504 : single ? double{std::numeric_limits<float>::max()} : std::numeric_limits<double>::max();
  const double tiny = half ? 0x1p-24 : single ? 0x1p-149 : 0x1p-1074;
  std::vector<double> every = {kNan, kInf, 0.0, tiny, tiny * 1024, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 7, 100, 101, 1024, most};
  const std::size_t n = every.size();
  for (std::size_t i = 0; i < n; ++i) every.push_back(-every[i]);
  const auto odd = [](double x) { return std::fmod(std::abs(x), 2) == 1; };
  const auto fits = [&](double x) {
    const bool finite = std::isfinite(x), zero = x == 0, whole = finite && std::trunc(x) == x, minus = std::signbit(x);
    if (word == "nan") return std::isnan(x);
    if (word == "+nan" || word == "-nan") return std::isnan(x) && minus == (word == "-nan");
    if (word == "inf" || word == "-inf") return x == (word == "inf" ? kInf : -kInf);
    if (word == "infs") return std::isinf(x);
    if (word == "+0" || word == "-0") return zero && minus == (word == "-0");
    if (word == "zero") return zero;
    if (word == "1" || word == "-1") return x == (word == "1" ? 1 : -1);
    if (word == "pos" || word == "neg") return finite && !zero && minus == (word == "neg");
    if (word == "nonzero") return finite && !zero;
    if (word == "finite") return finite;
    if (word == "real") return !std::isnan(x);
    if (word == "any") return true;
    if (word == ">0" || word == "<0") return word == ">0" ? x > 0 : x < 0;
    if (word == ">1" || word == "<1" || word == "<-1") return word == ">1" ? x > 1 : x < (word == "<1" ? 1 : -1);
    if (word == "|<1|" || word == "|>1|") return word == "|<1|" ? std::abs(x) < 1 : std::abs(x) > 1;
    if (word == "not1") return x != 1 && !std::isnan(x);
    if (word == "integer") return whole;
    if (word == "half") return finite && std::abs(x - std::trunc(x)) == 0.5;
    if (word == "frac") return finite && !whole;
    if (word == "odd+" || word == "odd-") return finite && odd(x) && minus == (word == "odd-");
    if (word == "other+" || word == "other-") return finite && !zero && !odd(x) && minus == (word == "other-");
    ADD_FAILURE() << "no such word: " << word;
    return false;
  };
  if (word == "same") return first;
  if (word == "-x1") return {-first[0]};
  std::vector<double> out;
  for (const double x : every) {
    if (fits(x)) out.push_back(x);
  }
  EXPECT_FALSE(out.empty()) << word;
  return out;
}

double angle_of(const std::string& word) {
  const std::string bare = word[0] == '-' || word[0] == '?' ? word.substr(1) : word;
  const double size = bare == "pi" ? 1 : bare == "pi/2" ? 0.5 : bare == "pi/4" ? 0.25 : 0.75;
  return size * std::numbers::pi * (word[0] == '-' ? -1 : 1);
}

/// Whether `got` is what `word` says. x1, x2: the operands (of complex functions: the parts); `part` 0 or 1 of cis.
bool is(double got, const std::string& word, double x1, double x2, double tolerance, int part = 0) {
  const auto exactly = [&](double want) {
    return std::isnan(want) ? std::isnan(got) : got == want && std::signbit(got) == std::signbit(want);
  };
  if (const std::size_t slash = word.find('/'); slash != std::string::npos && word.find("pi") == std::string::npos) {
    return is(got, word.substr(0, slash), x1, x2, tolerance) || is(got, word.substr(slash + 1), x1, x2, tolerance) ||
           (word == "inf/nan" && got == (std::signbit(x1) == std::signbit(x2) ? kInf : -kInf));
  }
  if (word == "nan") return std::isnan(got);
  if (word == "+nan" || word == "-nan") return std::isnan(got) && std::signbit(got) == (word == "-nan");
  if (word == "inf" || word == "-inf") return exactly(word == "inf" ? kInf : -kInf);
  if (word == "?inf") return std::isinf(got);
  if (word == "+0" || word == "-0") return exactly(word == "+0" ? 0.0 : -0.0);
  if (word == "0" || word == "false") return got == 0;
  if (word == "1" || word == "-1" || word == "true") return got == (word == "-1" ? -1 : 1);
  if (word == "x1" || word == "x2") return exactly(word == "x1" ? x1 : x2);
  if (word == "|x1|" || word == "-|x1|") return exactly(word == "|x1|" ? std::abs(x1) : -std::abs(x1));
  if (word == "|x2|") return exactly(std::abs(x2));
  if (word == "+" || word == "-") return !std::isnan(got) && std::signbit(got) == (word == "-");
  if (word == "even") return exactly(std::nearbyint(part == 0 ? x1 : x2));
  if (word == "cis" || word == "cis0") {
    const double side = part == 0 ? std::cos(x2) : std::sin(x2);
    return exactly(std::copysign(word == "cis" ? kInf : 0.0, side));
  }
  const double angle = angle_of(word);
  return std::abs(word[0] == '?' ? std::abs(got) - angle : got - angle) <= tolerance;
}

double tolerance_of(const DType& dtype) { return dtype == float16 ? 4e-3 : dtype == float32 || dtype == complex64 ? 1e-6 : 2e-15; }

Array filled(double x, const DType& dtype) {
  const Array wide = full({kLanes}, x, float64);  // NaN keeps its sign: what signbit and copysign are asked about
  return dtype == float64 ? wide : ndshare::copysign(full({kLanes}, std::abs(x), dtype), full({kLanes}, std::signbit(x) ? -1.0 : 1.0, dtype));
}

/// Calls on real operands and checks every lane.
void check_real(const std::string& name, const std::vector<double>& x, const std::string& word, const DType& dtype) {
  std::vector<Array> operands;
  for (const double value : x) operands.push_back(filled(value, dtype));
  const Array got = ops().at(name).eager(operands, {});
  const bool predicate = got.dtype() == bool_;
  for (std::int64_t i = 0; i < kLanes; ++i) {
    const double value = predicate ? static_cast<double>(got.at<bool>(i)) : got.at<double>(i);
    if (is(value, word, x[0], x.back(), tolerance_of(dtype))) continue;
    ADD_FAILURE() << name << " of " << dtype.name() << " " << x[0] << (x.size() > 1 ? ", " + std::to_string(x[1]) : "") << " is "
                  << (std::signbit(value) ? "-" : "") << std::abs(value) << " in lane " << i << ", not " << word;
    return;
  }
}

TEST(SpecialValuesTest, OfOneRealNumber) {
  const Quiet quiet;
  std::set<std::string> seen;
  for (const DType& dtype : {float16, float32, float64}) {
    const auto row = [&](const char* name, const char* x, const char* word) {
      for (const double value : values_of(x, dtype)) check_real(name, {value}, word, dtype);
      seen.insert(name);
    };
#define NDSHARE_REAL1(name, x, result) row(#name, #x, #result);
#define NDSHARE_REAL2(name, x1, x2, result)
#include "tests/unit/exec/special_values.inc"
#undef NDSHARE_REAL1
#undef NDSHARE_REAL2
  }
  EXPECT_EQ(seen.size(), 31U);
}

TEST(SpecialValuesTest, OfTwoRealNumbers) {
  const Quiet quiet;
  for (const DType& dtype : {float16, float32, float64}) {
    const auto row = [&](const std::string& name, const char* x1, const std::string& x2, const std::string& word) {
      for (const double first : values_of(x1, dtype)) {
        for (const double second : values_of(x2, dtype, {first})) {
          // A sign says nothing of a quotient or product that NaN or another row has; those are not in these words' sets.
          check_real(name, {first, second}, word, dtype);
        }
      }
    };
#define NDSHARE_REAL1(name, x, result)
#define NDSHARE_REAL2(name, x1, x2, result) row(#name, #x1, #x2, #result);
#include "tests/unit/exec/special_values.inc"
#undef NDSHARE_REAL1
#undef NDSHARE_REAL2
  }
}

// ---- complex

using Complex = std::complex<double>;

Complex call_complex(const std::string& name, Complex x, const DType& dtype) {
  const Array got = ops().at(name).eager({full({kLanes}, x, dtype)}, {});
  if (got.dtype() == bool_) return static_cast<double>(got.at<bool>(kLanes - 1));
  const auto first = got.at<Complex>(0), last = got.at<Complex>(kLanes - 1);
  const auto same = [](double a, double b) { return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b)); };
  EXPECT_TRUE(same(first.real(), last.real()) && same(first.imag(), last.imag())) << name << x << ": lanes differ " << first << last;
  return last;
}

void check_complex(const std::string& name, Complex x, const std::string& real, const std::string& imag, const DType& dtype) {
  const double tolerance = tolerance_of(dtype);
  const Complex got = call_complex(name, x, dtype);
  EXPECT_TRUE(is(got.real(), real, x.real(), x.imag(), tolerance) &&
              (imag == "none" || is(got.imag(), imag, x.real(), x.imag(), tolerance, 1)))
      << name << " of " << dtype.name() << " " << x << " is " << got << ", not " << real << ", " << imag;
  if (imag == "none") return;
  const Complex mirrored = call_complex(name, std::conj(x), dtype);
  const bool zero_or_any = imag == "0" || imag[0] == '?' || imag.find('/') != std::string::npos;
  EXPECT_TRUE((std::isnan(got.imag()) && std::isnan(mirrored.imag())) || got.imag() == -mirrored.imag() || zero_or_any)
      << name << " of the conjugate of " << x << " is " << mirrored << ", not the conjugate of " << got;
}

TEST(SpecialValuesTest, OfComplexNumbers) {
  const Quiet quiet;
  for (const DType& dtype : {complex64, complex128}) {
    const auto row = [&](const char* name, const char* a, const char* b, const char* real, const char* imag) {
      for (const double x : values_of(a, dtype)) {
        for (const double y : values_of(b, dtype)) check_complex(name, {x, y}, real, imag, dtype);
      }
    };
#define NDSHARE_COMPLEX(name, a, b, real, imag) row(#name, #a, #b, #real, #imag);
#include "tests/unit/exec/special_complex.inc"
#undef NDSHARE_COMPLEX
  }
}

// sin, cos, tan, asin, atan: "as if" by the hyperbolic function of x·1j; log2 and log10 by the logarithm. Parts move, nothing is computed.
TEST(SpecialValuesTest, ComplexFunctionsDefinedByOthers) {
  const Quiet quiet;
  const std::vector<std::array<const char*, 2>> pairs = {{"sin", "sinh"}, {"tan", "tanh"}, {"asin", "asinh"}, {"atan", "atanh"}, {"cos", "cosh"}};
  const auto agree = [](double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) == std::isnan(b);
    return a == b || std::abs(a - b) <= 1e-5 * std::abs(b);
  };
  for (const DType& dtype : {complex64, complex128}) {
    for (const double a : values_of("any", dtype)) {
      for (const double b : values_of("any", dtype)) {
        if (std::isfinite(a) && std::isfinite(b)) continue;
        for (const auto& [name, base] : pairs) {
          const Complex y = call_complex(base, {-b, a}, dtype), got = call_complex(name, {a, b}, dtype);
          const Complex want = std::string(name) == "cos" ? y : Complex(y.imag(), -y.real());
          const bool unspecified = std::isinf(want.real()) || std::isinf(want.imag()) || want.real() == 0 || want.imag() == 0;
          const auto part = [&](double g, double w) { return agree(g, w) || (unspecified && agree(std::abs(g), std::abs(w))); };
          EXPECT_TRUE(part(got.real(), want.real()) && part(got.imag(), want.imag()))
              << name << " of " << dtype.name() << Complex(a, b) << " is " << got << ", not " << want;
        }
        for (const auto& [name, scale] : {std::pair{"log2", std::log(2.0)}, {"log10", std::log(10.0)}}) {
          const Complex y = call_complex("log", {a, b}, dtype), got = call_complex(name, {a, b}, dtype);
          EXPECT_TRUE(agree(got.real(), y.real() / scale) && agree(got.imag(), y.imag() / scale)) << name << Complex(a, b) << " is " << got;
        }
      }
    }
  }
}

}  // namespace
}  // namespace ndshare::test
