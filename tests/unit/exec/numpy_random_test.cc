// Every operation on every combination of dtypes, in every layout, against NumPy; numpy_random.py makes the cases and says in its
// table OWN where NumPy 1.24 is not what the library follows.
//
// How far apart results may be: not at all where op_list.inc says 0 or 0.5 ULP (but for the sign of a zero that maximum and its kin
// choose). Where it says more, the exact value comes from NumPy in a wider type (float32 for float16, float64 for float32, the x87's
// 80 bits for float64), good to 2^-10 ULP, so the stated bound is tested as it stands; NumPy's own error is not in it. float16 is
// rounded once from float32: 0.5 ULP and the float32 bound. Complex numbers have no stated bound: kComplexEps, against the length,
// and for powers against what the operands' own last places make of it, 1 + |x2 log x1|.
#include <ndshare/index.h>
#include <ndshare/io.h>
#include <ndshare/print.h>

#include "lib/kernels/registry.h"
#include "tests/support/sample.h"
#include "tests/unit/exec/engine_support.h"

#include <cmath>
#include <limits>
#include <sstream>

namespace ndshare::test {
namespace {

constexpr double kComplexEps = 16;  // × the machine epsilon × the length of the result

/// What an answer was computed to.
struct Answer {
  char kind = 'E';
  Array out, hi, lo;
};

template <class T>
struct Format {
  static constexpr int kDigits = std::numeric_limits<T>::digits, kMin = std::numeric_limits<T>::min_exponent - 1,
                       kMax = std::numeric_limits<T>::max_exponent - 1;
};
template <>
struct Format<Half> {
  static constexpr int kDigits = 11, kMin = -14, kMax = 15;
};

/// The distance of a result of type T from hi + lo, in units of its last place. An infinite result counts as 2^(largest exponent + 1).
template <class T>
double ulps_apart(double got, double hi, double lo) {
  if (std::isnan(got) || std::isnan(hi)) return std::isnan(got) == std::isnan(hi) ? 0 : 1e300;
  if (std::signbit(got) != std::signbit(hi) && got == 0 && hi == 0) return 1e300;  // another zero
  const double beyond = std::ldexp(1.0, Format<T>::kMax) * 2;                      // infinite for float64
  if (std::isinf(got) && std::abs(hi) >= beyond) return std::signbit(got) == std::signbit(hi) ? 0 : 1e300;
  if (std::isinf(hi)) return std::abs(got) == std::ldexp(2 - std::ldexp(1.0, 1 - Format<T>::kDigits), Format<T>::kMax) ? 1 : 1e300;
  const int exponent = hi == 0 ? Format<T>::kMin : std::clamp(std::ilogb(hi), Format<T>::kMin, Format<T>::kMax);
  const double ulp = std::ldexp(1.0, exponent - Format<T>::kDigits + 1);
  if (std::isinf(got)) return (beyond / 2 - std::abs(hi) / 2) / ulp * 2;
  return std::abs((got - hi) / ulp - lo / ulp);
}

/// The same of complex numbers, in units of epsilon × length.
template <class T>
double lengths_apart(std::complex<T> got, std::complex<double> hi, std::complex<double> lo) {
  const auto smallest = static_cast<double>(std::numeric_limits<T>::min()), eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  if (!std::isfinite(hi.real()) || !std::isfinite(hi.imag())) return 0;  // the special values' test has these
  if (std::abs(hi) > static_cast<double>(std::numeric_limits<T>::max()) / 4 || std::abs(hi) < smallest * 4) return 0;
  return std::abs((std::complex<double>(got) - hi) - lo) / (std::abs(hi) * eps);
}

double most_apart(const Op& op, const Answer& answer) {
  if (answer.out.dtype().is_complex()) return kComplexEps;
  const bool of_complex = op.ulp <= 0.5;  // abs of a complex number: "its length, 2 ULP"
  const double stated = of_complex ? 2 : op.ulp;
  return answer.out.dtype().id() == TypeId::float16 ? 0.5 + stated / 4096 : stated + 1.0 / 1024;
}

double real_of(Half x) { return static_cast<double>(static_cast<float>(x)); }
double real_of(std::floating_point auto x) { return static_cast<double>(x); }

/// "" or the worst element.
template <class T>
std::string worst(const Op& op, const Answer& answer, const Array& got, const std::vector<Array>& operands) {
  const double most = most_apart(op, answer);
  const auto x = got.as_span<const T>();
  const bool sum_of_logs = op.name.starts_with("logaddexp");  // stated against the largest of |x1|, |x2|, 1
  double apart = 0, largest = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    if constexpr (requires { x[i].imag(); }) {
      using Complex = std::complex<double>;
      apart = lengths_apart<typename T::value_type>(x[i], answer.hi.at<Complex>(at), answer.lo.at<Complex>(at));
      if (op.name == "pow") apart /= 1 + std::abs(operands[1].at<Complex>(at) * std::log(operands[0].at<Complex>(at)));
    } else if constexpr (!std::is_integral_v<T>) {
      const double hi = answer.hi.at<double>(at);
      apart = ulps_apart<T>(real_of(x[i]), hi, answer.lo.at<double>(at));
      if (sum_of_logs && apart < 1e300 && std::isfinite(hi) && hi != 0) {
        const double a = std::abs(operands[0].at<double>(at)), b = std::abs(operands[1].at<double>(at));
        const double size = std::max({a, b, std::abs(hi), 1.0});
        if (std::isfinite(size)) apart *= std::exp2(std::ilogb(hi) - std::ilogb(size));
      }
    }
    if (apart > largest) largest = apart, where = i;
  }
  if (largest <= most) return "";
  const auto at = static_cast<std::int64_t>(where);
  std::string text = "element " + std::to_string(where) + ": " + to_string(got(at)) + ", exactly " + to_string(answer.hi(at)) + ", " +
                     std::to_string(largest) + " apart, of";
  for (const Array& operand : operands) text += " " + to_string(operand(at), {.precision = 17});
  return text;
}

/// "" where `got` is what it may be.
std::string compare(const Op& op, const Answer& answer, const Array& got, const std::vector<Array>& operands) {
  if (got.dtype() != answer.out.dtype()) return "dtype " + got.dtype().name() + ", NumPy " + answer.out.dtype().name();
  if (got.shape() != answer.out.shape()) return "shape " + got.shape().str() + ", NumPy " + answer.out.shape().str();
  if (answer.kind == 'E') {
    const bool any_zero = op.name == "maximum" || op.name == "minimum" || op.name == "fmax" || op.name == "fmin";
    return any_zero && array_equal(got, answer.out, true) ? "" : differs(got, answer.out);
  }
  std::vector<Array> flat;
  for (const Array& operand : operands) flat.push_back(operand.broadcast_to(got.shape()).flatten());
  Answer ravelled{answer.kind, answer.out.flatten(), {}, {}};
  ravelled.hi = answer.hi.flatten();
  ravelled.lo = answer.lo.flatten();
  std::string out;
  visit_numeric(got.dtype().id(), [&]<class T>() { out = worst<T>(op, ravelled, got.flatten(), flat); });
  return out;
}

Array cut(Array view, const std::string& text) {
  std::istringstream steps(text);
  for (std::string step; std::getline(steps, step, ';');) {
    if (step == "v") view = view["v"];
    if (step[0] == '[') view = view.view(parse_index(step));
    if (step == "T") view = view.T();
    if (step[0] != 'b') continue;
    std::replace(step.begin(), step.end(), 'x', ',');
    view = view.broadcast_to(Shape::parse(step.substr(1)));
  }
  return view;
}

Scalar number(const std::string& text) {
  const std::string rest = text.substr(2);
  if (text[1] == 'i') return std::stoll(rest);
  if (text[1] == 'f') return std::stod(rest);
  if (text[1] == 'b') return rest == "1";
  return std::complex<double>(std::stod(rest), std::stod(rest.substr(rest.find(',') + 1)));
}

/// One line of the driver: reads it, calls, compares.
void run_case(const ScratchDir& dir, const std::string& line) {
  std::istringstream words(line);
  std::string id, name, kind;
  words >> id >> name >> kind;
  const Op& op = ops().at(name);
  std::vector<Array> operands, as_arrays;
  std::optional<Scalar> weak;
  bool first = false;
  std::string of;
  for (int k = 0; k < op.arity; ++k) {
    std::string text;
    words >> text;
    if (text[0] == '#') {
      weak = number(text), first = k == 0;
      as_arrays.push_back(weak->kind() == 'c' ? scalar_array(*weak, complex128) : scalar_array(*weak, float64));
      continue;
    }
    operands.push_back(cut(load(dir.file(id + "_" + std::to_string(k) + ".npy")), text));
    as_arrays.push_back(operands.back());
    of += " " + operands.back().dtype().name() + operands.back().shape().str();
  }
  SCOPED_TRACE("case " + line + " of" + of + ", seed " + std::to_string(test_seed()));
  const auto call = [&] { return weak ? op.with_number(operands[0], *weak, first, {}) : op.eager(operands, {}); };
  if (kind == "R") {
    EXPECT_EQ(code_of([&] { (void)call(); }), Error::DtypeMismatch);
    return;
  }
  Answer answer{kind[0], load(dir.file(id + "_out.npy")), {}, {}};
  if (kind == "U") answer.hi = load(dir.file(id + "_hi.npy")), answer.lo = load(dir.file(id + "_lo.npy"));
  Array got;
  EXPECT_EQ(message_of([&] { got = call(); }), "");
  EXPECT_EQ(compare(op, answer, got, as_arrays), "");
}

void run_cases(int every, int larger) {
  const ScratchDir dir;
  std::vector<std::string> command = {"/usr/bin/python3",           std::string(NDSHARE_EXEC_TESTS) + "/numpy_random.py",
                                      dir.path().string(),          std::to_string(test_seed()),
                                      std::to_string(every),        std::to_string(larger)};
  for (const auto& [name, op] : ops()) command.push_back(name + ":" + std::to_string(op.arity));
  const Finished numpy = run(command, {.input = {}, .env = {{"NPY_PROMOTION_STATE", "weak"}}, .watchdog = std::chrono::seconds(100)});
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  const Quiet quiet;
  std::istringstream lines(numpy.out);
  int ran = 0;
  for (std::string line; std::getline(lines, line); ++ran) run_case(dir, line);
  std::printf("%d cases, seed %llu (NDSHARE_TEST_SEED)\n", ran, static_cast<unsigned long long>(test_seed()));
  EXPECT_GE(ran, larger);
}

TEST(NumPyRandomTest, EveryOpOnEveryCombinationOfDtypes) { run_cases(test::kSample, std::getenv("NDSHARE_LONG") != nullptr ? 20'000 : 1'500 / test::kSample); }

TEST(NumPyRandomTest, TheLowestTarget) {
  internal::force_table_for_test(&internal::supported_tables().back());
  run_cases(5 * test::kSample, 600 / test::kSample);
  internal::force_table_for_test(nullptr);
}

}  // namespace
}  // namespace ndshare::test
