// What expressions can call: every function by its name.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/reduce.h>

#include "lib/exec/guard.h"
#include "lib/exec/promotion.h"
#include "lib/exec/text_and_time.h"
#include "lib/expr/interpret.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace ndshare::internal {
namespace {

template <Lazy (*kFunction)(const Lazy&)>
Result call_unary(Call& call) {
  call.need(1, 1), call.done();
  return kFunction(call.operand(0));
}
template <Lazy (*kFunction)(const Lazy&, const Lazy&)>
Result call_binary(Call& call) {
  call.need(2, 2), call.done();
  return kFunction(call.operand(0), call.operand(1));
}

Array all_of(const Lazy& x, const ReduceOptions& options) { return all(x, options); }

template <Interpreter::Reduce kFunction>
Result call_reduce(Call& call) {
  call.need(1, 2);
  ReduceOptions options{.axis = call.take_axes(1), .dtype = call.take_dtype(), .keepdims = call.take_flag("keepdims")};
  options.initial = call.take_number("initial");
  if (const auto ddof = call.take_number("ddof")) options.ddof = ddof->as<double>();
  if (const auto mask = call.take("where")) {
    if (std::holds_alternative<std::string>(*mask) || std::holds_alternative<Tuple>(*mask))
      call.fail("takes a mask as where");
    const auto* array = std::get_if<Array>(&*mask);
    const auto* lazy = std::get_if<Lazy>(&*mask);
    options.where = array != nullptr
                        ? *array
                        : call.interpreter().computed(lazy != nullptr ? *lazy : Lazy(std::get<Scalar>(*mask)));
  }
  call.done();
  return call.interpreter().reduced(kFunction, call.operand(0), options);
}

template <Array (*kFunction)(const Lazy&, const ScanOptions&)>
Result call_scan(Call& call) {
  call.need(1, 2);
  ScanOptions options{.axis = call.take_integer("axis", 1), .dtype = call.take_dtype()};
  call.done();
  const Lazy x = call.operand(0);
  if (!call.interpreter().is_planning()) return kFunction(x, options);
  Plan made = plan(x);
  Shape small;
  for (int axis = 0; axis < x.shape().ndim(); ++axis) small.push_back(1);
  made.dtype = kFunction(Lazy(zeros(small, x.dtype())), options).dtype();
  if (!options.axis) made.shape = {x.shape().count()};
  made.nbytes = made.shape.nbytes(made.dtype.itemsize()), made.operations += 1;
  return call.interpreter().planned(std::move(made));
}

Result call_isnat(Call& call) {
  call.need(1, 1), call.done();
  return is_nat(call.array(0));
}
Result call_where(Call& call) {
  call.need(3, 3), call.done();
  return where(call.operand(0), call.operand(1), call.operand(2));
}
Result call_clip(Call& call) {
  call.need(1, 3);
  const auto bound = [&](const std::string& name, std::size_t position) -> std::optional<Lazy> {
    const auto given = call.take(name, position);
    if (!given) return std::nullopt;
    if (const auto* number = std::get_if<Scalar>(&*given)) return Lazy(*number);
    if (const auto* lazy = std::get_if<Lazy>(&*given)) return *lazy;
    if (const auto* array = std::get_if<Array>(&*given)) return Lazy(*array);
    call.fail("takes numbers and arrays as bounds");
  };
  const auto low = bound("min", 1), high = bound("max", 2);
  call.done();
  if (!low && !high) call.fail("needs a bound: clip(a, 0, 1), clip(a, min=0)");
  Lazy value = call.operand(0);
  if (low) value = maximum(value, *low);
  return high ? minimum(value, *high) : value;
}
Result call_astype(Call& call) {
  call.need(1, 2);
  const auto dtype = call.take_dtype(1);
  call.done();
  if (!dtype) call.fail("needs a dtype: astype(a, f4)");
  return call.operand(0).astype(*dtype);
}

/// To the nearest even, or to so many decimals: NumPy's way, rint(x · 10^n) / 10^n.
Result call_round(Call& call) {
  call.need(1, 2);
  const std::int64_t decimals = call.take_integer("decimals", 1).value_or(0);
  call.done();
  const Lazy x = call.operand(0);
  const DType dtype = x.dtype();
  if (decimals == 0 || (!dtype.is_floating() && !dtype.is_complex() && decimals > 0)) return rint(x);
  if (!dtype.is_floating() && !dtype.is_complex())
    call.fail("of whole numbers takes no negative decimals: convert with astype(a, f8)");
  const double factor = std::pow(10.0, static_cast<double>(std::abs(decimals)));
  return decimals > 0 ? divide(rint(multiply(x, factor)), factor) : multiply(rint(divide(x, factor)), factor);
}

Result scaled(Call& call, double factor) {
  call.need(1, 1), call.done();
  const Lazy x = call.operand(0);
  const DType dtype = x.dtype();
  const bool exact = dtype.is_integer() || dtype.is_bool();
  return multiply(exact ? x.astype(DType(float_for(dtype.id()))) : x, factor);
}
Result call_deg2rad(Call& call) { return scaled(call, std::numbers::pi / 180); }
Result call_rad2deg(Call& call) { return scaled(call, 180 / std::numbers::pi); }

Result call_isclose(Call& call) {
  call.need(2, 4);
  CloseOptions close;
  if (const auto rtol = call.take_number("rtol", 2)) close.rtol = rtol->as<double>();
  if (const auto atol = call.take_number("atol", 3)) close.atol = atol->as<double>();
  close.equal_nan = call.take_flag("equal_nan");
  call.done();
  if (call.interpreter().is_planning())
    return call.interpreter().computed(less_equal(abs(call.operand(0) - call.operand(1)), abs(call.operand(1))));
  return isclose(call.array(0), call.array(1), close);
}

Result call_nan_to_num(Call& call) {
  call.need(1, 1);
  const auto number = [&](const char* name, double otherwise) {
    const auto given = call.take_number(name);
    return given ? given->as<double>() : otherwise;
  };
  const Lazy x = call.operand(0);
  const DType dtype = x.dtype();
  if (dtype.is_complex()) call.fail("takes real numbers: do real(a) and imag(a) apart");
  const double most = dtype == float16   ? 65504
                      : dtype == float32 ? double{std::numeric_limits<float>::max()}
                                         : std::numeric_limits<double>::max();
  const double nan = number("nan", 0), high = number("posinf", most), low = number("neginf", -most);
  call.done();
  if (!dtype.is_floating()) return x;
  constexpr double kInf = std::numeric_limits<double>::infinity();
  return where(isnan(x), nan, where(equal(x, kInf), high, where(equal(x, -kInf), low, x)));
}

Result call_transpose(Call& call) {
  call.need(1, 2);
  const auto axes = call.take("axes", 1);
  call.done();
  const Array x = call.array(0);
  if (!axes) return x.transpose();
  const auto* order = std::get_if<Tuple>(&*axes);
  if (order == nullptr) call.fail("takes a tuple of axes: transpose(a, (1, 0))");
  Dims all;
  for (const Scalar& axis : *order) all.push_back(axis.as<std::int64_t>());
  return x.transpose(std::span<const std::int64_t>(all.begin(), all.end()));
}

/// An array that is made: through the memory guard.
Result made(Call& call, const Shape& shape, const DType& dtype, const std::function<Array()>& make) {
  check_result_memory(call.name(), shape, dtype.itemsize(), {});
  if (!call.interpreter().is_planning()) return make();
  Plan plan{.shape = shape, .dtype = dtype};
  plan.nbytes = shape.nbytes(dtype.itemsize());
  return call.interpreter().planned(std::move(plan));
}

/// One number everywhere: no memory, until it is asked for.
Result call_full(Call& call) {
  const bool given = call.name() == "full";
  call.need(1, given ? 3 : 2);
  const Shape shape = call.take_shape(0);
  std::optional<Scalar> value = given ? call.take_number("fill_value", 1) : Scalar(call.name() == "ones" ? 1 : 0);
  if (!value) call.fail("needs a value: full((2, 3), 1.5)");
  const auto dtype = call.take_dtype(given ? 2 : 1);
  call.done();
  constexpr std::string_view kKinds = "bifc";
  const DType own[] = {bool_, int64, float64, complex128};
  const DType chosen = dtype.value_or(given ? own[kKinds.find(value->kind())] : float64);
  if (!chosen.is_numeric()) return made(call, shape, chosen, [&] { return zeros(shape, chosen); });
  static_cast<void>(shape.nbytes(chosen.itemsize()));  // no more than 64 bits hold
  return Lazy(scalar_array(*value, chosen).broadcast_to(shape));
}

Result call_arange(Call& call) {
  call.need(1, 4);
  const auto dtype = call.take_dtype(3);
  const auto first = call.take_number("start", 0), second = call.take_number("stop", 1),
             third = call.take_number("step", 2);
  call.done();
  if (!first) call.fail("needs an end: arange(10)");
  const Scalar start = second ? *first : Scalar(0), stop = second ? *second : *first, step = third.value_or(Scalar(1));
  const double count = std::ceil((stop.as<double>() - start.as<double>()) / step.as<double>());
  const bool whole = start.kind() != 'f' && stop.kind() != 'f' && step.kind() != 'f';
  const DType chosen = dtype.value_or(whole ? int64 : float64);
  const Shape shape{std::isfinite(count) ? static_cast<std::int64_t>(std::clamp(count, 0.0, 9e18))
                                         : 0};  // what is not is told by arange
  return made(call, shape, chosen,
              [&] { return dtype ? arange(start, stop, step, *dtype) : arange(start, stop, step); });
}
Result call_linspace(Call& call) {
  call.need(2, 4);
  const auto start = call.take_number("start", 0), stop = call.take_number("stop", 1);
  const std::int64_t count = call.take_integer("num", 2).value_or(50);
  const bool endpoint = call.take_flag("endpoint", true);
  const DType dtype = call.take_dtype().value_or(float64);
  call.done();
  if (!start || !stop) call.fail("takes numbers: linspace(0, 1, 11)");
  return made(call, {std::max<std::int64_t>(count, 0)}, dtype,
              [&] { return linspace(start->as<double>(), stop->as<double>(), count, endpoint, dtype); });
}

struct Entry {
  std::string_view name;
  Function function;
};
constexpr Entry kFunctions[] = {
#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc) {#name, call_unary<name>},
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc) {#name, call_binary<name>},
#include <ndshare/op_list.inc>
    {"power", call_binary<power>},
    {"round", call_round},
    {"where", call_where},
    {"isnat", call_isnat},
    {"clip", call_clip},
    {"astype", call_astype},
    {"isclose", call_isclose},
    {"deg2rad", call_deg2rad},
    {"rad2deg", call_rad2deg},
    {"nan_to_num", call_nan_to_num},
    {"transpose", call_transpose},
    {"sum", call_reduce<sum>},
    {"prod", call_reduce<prod>},
    {"min", call_reduce<min>},
    {"max", call_reduce<max>},
    {"ptp", call_reduce<ptp>},
    {"mean", call_reduce<mean>},
    {"var", call_reduce<var>},
    {"std", call_reduce<stddev>},
    {"any", call_reduce<any>},
    {"all", call_reduce<all_of>},
    {"count_nonzero", call_reduce<count_nonzero>},
    {"argmin", call_reduce<argmin>},
    {"argmax", call_reduce<argmax>},
    {"cumsum", call_scan<cumsum>},
    {"cumprod", call_scan<cumprod>},
    {"arange", call_arange},
    {"linspace", call_linspace},
    {"zeros", call_full},
    {"ones", call_full},
    {"full", call_full},
    // NumPy's other names
    {"absolute", call_unary<abs>},
    {"invert", call_unary<bitwise_invert>},
    {"bitwise_not", call_unary<bitwise_invert>},
    {"conjugate", call_unary<conj>},
    {"arcsin", call_unary<asin>},
    {"arccos", call_unary<acos>},
    {"arctan", call_unary<atan>},
    {"arcsinh", call_unary<asinh>},
    {"arccosh", call_unary<acosh>},
    {"arctanh", call_unary<atanh>},
    {"arctan2", call_binary<atan2>},
    {"mod", call_binary<remainder>},
    {"true_divide", call_binary<divide>},
    {"left_shift", call_binary<bitwise_left_shift>},
    {"right_shift", call_binary<bitwise_right_shift>},
    {"radians", call_deg2rad},
    {"degrees", call_rad2deg},
    {"amin", call_reduce<min>},
    {"amax", call_reduce<max>}};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = std::exchange(row[j], std::min({changed, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

Function find_function(std::string_view name) {
  const auto* found = std::ranges::find(kFunctions, name, &Entry::name);
  return found == std::end(kFunctions) ? nullptr : found->function;
}
bool is_function(std::string_view name) { return find_function(name) != nullptr; }

std::string nearest_function(std::string_view name) {
  if (name.size() > 40) return {};
  const Entry* best = nullptr;
  std::size_t nearest = 3;
  for (const Entry& entry : kFunctions) {
    const std::size_t distance = edit_distance(name, entry.name);
    if (distance < nearest && distance < name.size()) best = &entry, nearest = distance;
  }
  return best == nullptr ? std::string{} : ": did you mean '" + std::string(best->name) + "'?";
}

Lazy apply_operator(std::string_view op, const Lazy& left, const Lazy& right) {
  struct Operator {
    std::string_view mark;
    Lazy (*function)(const Lazy&, const Lazy&);
  };
  static constexpr Operator kOperators[] = {
#define NDSHARE_OPERATOR(symbol, name) {#symbol, name},
#include <ndshare/operator_list.inc>
      {"//", floor_divide},
      {"**", pow}};
  return std::ranges::find(kOperators, op, &Operator::mark)->function(left, right);
}

}  // namespace ndshare::internal
