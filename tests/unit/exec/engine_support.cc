#include "tests/unit/exec/engine_support.h"

#include <ndshare/print.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace ndshare::test {

std::uint64_t test_seed() {
  const char* text = std::getenv("NDSHARE_TEST_SEED");
  return text == nullptr ? 20261126 : std::strtoull(text, nullptr, 10);
}

const std::map<std::string, Op>& ops() {
  static const std::map<std::string, Op> all = {
#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc)                                  \
  {#name,                                                                                                      \
   {#name, 1, loops, #rule, #result, errors, ulp,                                                              \
    [](const std::vector<Array>& x, const OpOptions& options) { return ndshare::name(x.at(0), options); },     \
    [](const std::vector<Lazy>& x) { return ndshare::name(x.at(0)); }, {}}},
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc)                            \
  {#name,                                                                                                              \
   {#name, 2, loops, #rule, #result, errors, ulp,                                                                      \
    [](const std::vector<Array>& x, const OpOptions& options) { return ndshare::name(x.at(0), x.at(1), options); },    \
    [](const std::vector<Lazy>& x) { return ndshare::name(x.at(0), x.at(1)); },                                        \
    [](const Array& x, const Scalar& number, bool number_first, const OpOptions& options) {                            \
      return number_first ? ndshare::name(number, x, options) : ndshare::name(x, number, options);                     \
    }}},
#include <ndshare/op_list.inc>
  };
  return all;
}

const std::vector<DType>& numeric_dtypes() {
  static const std::vector<DType> all = {
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) DType(TypeId::id),
#include <ndshare/dtype_list.inc>
  };
  return all;
}

namespace {

double random_real(Engine& random, Values values, double largest) {
  std::uniform_real_distribution<double> unit(-1.0, 1.0);
  if (values == Values::moderate) return chance(random, 50) ? static_cast<double>(below(random, 21) - 10) : unit(random) * 100;
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double special[] = {0.0, -0.0, kInf, -kInf, std::numeric_limits<double>::quiet_NaN(), 1.0, -1.0, largest, -largest, 0.5, -2.0};
  if (chance(random, 20)) return special[below(random, 11)];
  return unit(random) * std::exp2(static_cast<double>(below(random, 12)) - 3);
}

template <class T>
T random_value(Engine& random, Values values) {
  if constexpr (std::is_same_v<T, bool>) {
    return (random() & 1U) != 0;
  } else if constexpr (std::is_integral_v<T>) {
    const auto small = static_cast<T>(std::is_signed_v<T> ? below(random, 21) - 10 : below(random, 21));
    return values == Values::moderate || chance(random, 60) ? small : static_cast<T>(random());
  } else if constexpr (std::is_same_v<T, Half>) {
    return Half(static_cast<float>(random_real(random, values, 65504)));
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(random_real(random, values, static_cast<double>(std::numeric_limits<T>::max())));
  } else {
    using Part = typename T::value_type;
    const auto largest = static_cast<double>(std::numeric_limits<Part>::max());
    return T(static_cast<Part>(random_real(random, values, largest)), static_cast<Part>(random_real(random, values, largest)));
  }
}

template <class T>
bool same_value(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, Half>) {
    return a.bits == b.bits || (a != a && b != b);
  } else if constexpr (std::is_floating_point_v<T>) {
    return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
  } else if constexpr (std::is_integral_v<T>) {
    return a == b;
  } else {
    return same_value(a.real(), b.real()) && same_value(a.imag(), b.imag());
  }
}

// A base of records with one byte before each element, so that no element is aligned.
Array inside_records(const Array& values) {
  const DType record = DType::structured({Field{"pad", uint8}, Field{"v", values.dtype()}});
  const Array view = empty(values.shape(), record)["v"];
  copyto(view, values);
  return view;
}

}  // namespace

void fill_random(Engine& random, const Array& view, Values values) { copyto(view, random_array(random, view.shape(), view.dtype(), values)); }

Array random_array(Engine& random, const Shape& shape, const DType& dtype, Values values) {
  const Array out = empty(shape, dtype);
  visit_numeric(dtype.id(), [&]<class T>() {
    for (T& element : out.as_span<T>()) element = random_value<T>(random, values);
  });
  return out;
}

Array laid_out(Engine& random, const Array& values) {
  const int n = values.ndim();
  const std::int64_t kind = below(random, 5);
  if (n == 0 || kind == 0) return chance(random, 50) ? values : inside_records(values);
  if (kind == 1) return values.copy(Order::F);
  Shape base;
  std::vector<Index> index;
  for (int axis = 0; axis < n; ++axis) {
    const std::int64_t step = std::vector<std::int64_t>{1, 1, 2, -1, -3}[static_cast<std::size_t>(below(random, 5))];
    base.push_back(values.shape()[axis] * std::abs(step));
    index.emplace_back(slice(none, none, step));
  }
  const Array view = (chance(random, 30) ? empty(base, values.dtype(), Order::F) : empty(base, values.dtype())).view(index);
  copyto(view, values);
  return kind == 2 ? inside_records(values).view({}) : view;
}

std::string bytes_of(const Array& array) {
  const Array flat = array.copy();
  return {reinterpret_cast<const char*>(flat.data()), static_cast<std::size_t>(flat.nbytes())};
}

std::string differs(const Array& got, const Array& want) {
  if (got.dtype() != want.dtype()) return "dtype " + got.dtype().name() + " instead of " + want.dtype().name();
  if (got.shape() != want.shape()) return "shape " + got.shape().str() + " instead of " + want.shape().str();
  std::string out;
  const Array a = got.flatten(), b = want.flatten();
  visit_numeric(a.dtype().id(), [&]<class T>() {
    const auto x = a.as_span<const T>(), y = b.as_span<const T>();
    for (std::size_t i = 0; i < x.size() && out.empty(); ++i) {
      if (same_value<T>(x[i], y[i])) continue;
      out = "element " + std::to_string(i) + ": " + to_string(a(static_cast<std::int64_t>(i))) + " instead of " +
            to_string(b(static_cast<std::int64_t>(i)));
    }
  });
  return out;
}

ErrorCounts counted(const std::function<void()>& body) {
  const ErrState counting{.divide = Err::count, .over = Err::count, .under = Err::count, .invalid = Err::count};
  reset_error_counts();
  body();
  return error_counts();
}

}  // namespace ndshare::test
