#include "lib/exec/error_flags.h"

#include <ndshare/error.h>

#include "lib/exec/program.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstring>
#include <limits>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace ndshare {
namespace internal {
namespace {

constexpr const char* kNames[] = {"divide by zero", "overflow", "underflow", "invalid value"};

thread_local ErrSettings t_settings;
thread_local ErrorCounts t_counts;

template <class T>
struct Parts {  // of one element, as doubles: exact for every float dtype
  double re = 0, im = 0;
};
template <class T>
Parts<T> load(const std::byte* data, std::size_t i) noexcept {
  T value;
  std::memcpy(static_cast<void*>(&value), data + i * sizeof(T), sizeof(T));
  if constexpr (std::is_same_v<T, Half>) {
    return {static_cast<double>(static_cast<float>(value)), 0};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {static_cast<double>(value), 0};
  } else {
    return {static_cast<double>(value.real()), static_cast<double>(value.imag())};
  }
}
template <class T>
bool has_nan(const Parts<T>& x) noexcept { return std::isnan(x.re) || std::isnan(x.im); }
template <class T>
bool has_inf(const Parts<T>& x) noexcept { return std::isinf(x.re) || std::isinf(x.im); }
template <class T>
bool is_zero(const Parts<T>& x) noexcept { return x.re == 0 && x.im == 0; }

bool counts(Looked mask, std::size_t i) noexcept {
  return mask.data == nullptr || mask.data[mask.scalar ? 0 : i] != std::byte{0};
}

template <class T>
double smallest_normal() noexcept {
  if constexpr (std::is_same_v<T, Half>) return 0x1p-14;
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, std::complex<float>>) return std::numeric_limits<float>::min();
  return std::numeric_limits<double>::min();
}

/// Whether an infinite result of these finite operands is exact, the operation having a pole there.
template <class T>
bool is_pole(const Step& step, const Parts<T>& a, const Parts<T>& b) noexcept {
  if (step.kind == Step::Kind::binary) {
    switch (static_cast<BinaryOp>(step.op)) {
      case BinaryOp::divide:
      case BinaryOp::floor_divide:
        return is_zero(b);
      case BinaryOp::pow:
        return is_zero(a) && b.re < 0;
      default:
        return false;
    }
  }
  switch (static_cast<UnaryOp>(step.op)) {
    case UnaryOp::reciprocal:
    case UnaryOp::log:
    case UnaryOp::log2:
    case UnaryOp::log10:
      return is_zero(a);
    case UnaryOp::log1p:
      return a.re == -1 && a.im == 0;
    case UnaryOp::atanh:
      return std::abs(a.re) == 1 && a.im == 0;
    default:
      return false;
  }
}

/// Whether a·b is not the tiny `out` exactly. Scaled, so that what was lost does not get lost here too.
bool is_inexact_product(double a, double b, double out) noexcept {
  constexpr double kScale = 0x1p600;
  if (std::abs(a) > std::abs(b)) std::swap(a, b);
  return std::fma(a * kScale, b, -(out * kScale)) != 0;
}

/// Whether a result below the smallest normal number (0 included) lost something. Sums and exact products lose nothing.
template <class T>
bool lost_digits(const Step& step, const Parts<T>& a, const Parts<T>& b, const Parts<T>& out) noexcept {
  const double small = smallest_normal<T>();
  const bool tiny = std::abs(out.re) < small && std::abs(out.im) < small;
  if (!tiny || is_zero(a)) return false;
  if (step.kind == Step::Kind::binary) {
    const auto op = static_cast<BinaryOp>(step.op);
    if (op == BinaryOp::multiply) return !is_zero(b) && is_inexact_product(a.re, b.re, out.re);
    if (op == BinaryOp::divide) return !has_inf(b) && std::fma(out.re, b.re, -a.re) != 0;
    if (op == BinaryOp::pow) return !has_inf(b) && !has_inf(a);
    return is_zero(out) || out.re != a.re;
  }
  const auto op = static_cast<UnaryOp>(step.op);
  if (op == UnaryOp::square) return is_inexact_product(a.re, a.re, out.re);
  return !has_inf(a) && out.re != a.re;
}

bool first_of(std::string_view what, const char* kind) {
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard lock(mutex);
  return told.insert(std::string(what) + kind).second;
}

}  // namespace

ErrorFlags::Kind ErrorFlags::kind_of(char letter) noexcept {
  switch (letter) {
    case 'd':
      return kDivide;
    case 'o':
      return kOver;
    case 'u':
      return kUnder;
    default:
      return kInvalid;
  }
}

Err ErrorFlags::setting(Kind kind) const noexcept {
  const std::array all = {settings_.divide, settings_.over, settings_.under, settings_.invalid};
  return all[kind];
}

/// Whether one of these kinds is set to `level`; for `ignore`: to anything else.
bool ErrorFlags::any_of(std::string_view letters, Err level) const noexcept {
  return std::any_of(letters.begin(), letters.end(), [&](char letter) {
    const Err set = setting(kind_of(letter));
    return level == Err::ignore ? set != Err::ignore : set == level;
  });
}

bool ErrorFlags::wants(const Step& step, TypeId result) const noexcept {
  switch (step.kind) {
    case Step::Kind::cast:
      return settings_.invalid != Err::ignore && !DType(step.loop).is_integer() && DType(result).is_integer();
    case Step::Kind::select:
      return false;
    default:
      return any_of(step.row().errors, Err::ignore) || (step.kind == Step::Kind::binary && static_cast<BinaryOp>(step.op) == BinaryOp::pow);
  }
}

bool ErrorFlags::wants_all(const Step& step) const noexcept {
  if (step.kind != Step::Kind::unary && step.kind != Step::Kind::binary) return false;
  const bool floating = !DType(step.loop).is_integer() && !DType(step.loop).is_bool();
  return floating && settings_.under != Err::ignore && step.row().errors.find('u') != std::string_view::npos;
}

bool ErrorFlags::may_raise(const Step& step, TypeId result) const noexcept {
  if (step.kind == Step::Kind::select) return false;
  if (step.kind == Step::Kind::cast) return wants(step, result) && settings_.invalid == Err::raise;
  if (any_of(step.row().errors, Err::raise)) return true;
  if (step.kind != Step::Kind::binary || !DType(step.loop).is_integer()) return false;
  return static_cast<BinaryOp>(step.op) == BinaryOp::pow || (step.op < 3 && settings_.overflow == OnOverflow::raise);
}

void ErrorFlags::look(const Step& step, std::uint32_t seen, Looked a, Looked b, const std::byte* out, std::size_t n,
                      std::size_t elements, Looked mask) noexcept {
  const std::uint64_t weight = n == 0 ? 0 : elements / n;
  switch (step.loop) {
    case TypeId::float16:
      return look_at<Half>(step, a, b, out, n, weight, mask);
    case TypeId::float32:
      return look_at<float>(step, a, b, out, n, weight, mask);
    case TypeId::float64:
      return look_at<double>(step, a, b, out, n, weight, mask);
    case TypeId::complex64:
      return look_at<std::complex<float>>(step, a, b, out, n, weight, mask);
    case TypeId::complex128:
      return look_at<std::complex<double>>(step, a, b, out, n, weight, mask);
    default:
      break;
  }
  if ((seen & kSeenNegative) != 0) negative_power_.fetch_add(1, std::memory_order_relaxed);
  if ((seen & (kSeenDivide | kSeenOver)) == 0) return;
  visit_numeric(step.loop, [&]<class T>() {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) count_divisions<T>(a, b, n, weight, mask);
  });
}

template <class T>
void ErrorFlags::count_divisions(Looked a, Looked b, std::size_t n, std::uint64_t weight, Looked mask) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    if (!counts(mask, i)) continue;
    T x, y;
    std::memcpy(&x, a.data + (a.scalar ? 0 : i * sizeof(T)), sizeof(T));
    std::memcpy(&y, b.data + (b.scalar ? 0 : i * sizeof(T)), sizeof(T));
    if (y == 0) {
      add(kDivide, weight);
    } else if (std::is_signed_v<T> && x == std::numeric_limits<T>::min() && y == static_cast<T>(-1)) {
      add(kOver, weight);
    }
  }
}

template <class T>
void ErrorFlags::look_at(const Step& step, Looked a, Looked b, const std::byte* out, std::size_t n,
                         std::uint64_t weight, Looked mask) noexcept {
  const bool under = settings_.under != Err::ignore && step.row().errors.find('u') != std::string_view::npos;
  const bool part = step.row().result == ResultRule::part;  // abs of a complex number
  for (std::size_t i = 0; i < n; ++i) {
    Parts<T> result;
    if constexpr (std::is_same_v<T, std::complex<float>>) {
      result = part ? Parts<T>{load<float>(out, i).re, 0} : load<T>(out, i);
    } else if constexpr (std::is_same_v<T, std::complex<double>>) {
      result = part ? Parts<T>{load<double>(out, i).re, 0} : load<T>(out, i);
    } else {
      result = load<T>(out, i);
    }
    const bool nan = has_nan(result), inf = has_inf(result);
    if ((!nan && !inf && !under) || !counts(mask, i)) continue;
    const Parts<T> x = load<T>(a.data, a.scalar ? 0 : i);
    const bool two = b.data != nullptr && step.row().rule != TypeRule::exponent;
    const Parts<T> y = two ? load<T>(b.data, b.scalar ? 0 : i) : Parts<T>{1, 0};
    if (has_nan(x) || has_nan(y)) continue;
    if (nan) {
      add(kInvalid, weight);
    } else if (inf) {
      if (!has_inf(x) && !has_inf(y)) add(is_pole(step, x, y) ? kDivide : kOver, weight);
    } else if (lost_digits(step, x, y, result)) {
      add(kUnder, weight);
    }
  }
}

void ErrorFlags::look_at_cast(TypeId from, TypeId to, const std::byte* in, std::size_t n, std::size_t elements,
                              Looked mask) noexcept {
  const DType target(to);
  const bool has_sign = target.is_signed_integer();
  const int bits = static_cast<int>(target.itemsize()) * 8 - (has_sign ? 1 : 0);
  const double above = std::ldexp(1.0, bits), below = has_sign ? -above : 0.0;
  const std::uint64_t weight = n == 0 ? 0 : elements / n;
  visit_numeric(from, [&]<class T>() {
    if constexpr (!std::is_integral_v<T>) {
      for (std::size_t i = 0; i < n; ++i) {
        const double value = std::trunc(load<T>(in, i).re);
        if (!(value >= below && value < above) && counts(mask, i)) add(kInvalid, weight);
      }
    }
  });
}

void ErrorFlags::check(std::string_view what) const {
  const auto count = [](const std::atomic<std::uint64_t>& number) { return number.load(std::memory_order_relaxed); };
  if (count(negative_power_) != 0) {
    throw Error(Error::Usage, std::string(what) + ": integers have no negative powers: convert the base to float64 first");
  }
  if (const auto over = count(overflow_); over != 0 && settings_.overflow == OnOverflow::raise) {
    throw Error(Error::Overflow,
                std::string(what) + ": " + std::to_string(over) + " results do not fit the dtype (errstate overflow=raise)",
                {{"elements", std::to_string(over)}});
  }
  for (std::uint8_t kind = 0; kind < kKinds; ++kind) {
    const auto found = count(found_[kind]);
    if (found == 0 || setting(static_cast<Kind>(kind)) != Err::raise) continue;
    throw Error(Error::Arithmetic,
                std::string(what) + ": " + kNames[kind] + " in " + std::to_string(found) + " places (errstate raise)",
                {{"kind", kNames[kind]}, {"elements", std::to_string(found)}});
  }
}

void ErrorFlags::report(std::string_view what) const {
  std::array<std::uint64_t*, kKinds> counts = {&t_counts.divide, &t_counts.over, &t_counts.under, &t_counts.invalid};
  for (std::uint8_t kind = 0; kind < kKinds; ++kind) {
    const auto found = found_[kind].load(std::memory_order_relaxed);
    if (found == 0) continue;
    const Err set = setting(static_cast<Kind>(kind));
    if (set == Err::count) *counts[kind] += found;
    if (set == Err::warn && first_of(what, kNames[kind])) {
      std::fprintf(stderr, "ndshare: warning: %.*s: %s in %llu places (told once; see ErrState)\n", static_cast<int>(what.size()),
                   what.data(), kNames[kind], static_cast<unsigned long long>(found));
    }
  }
  if (settings_.overflow == OnOverflow::count) t_counts.overflow += overflow_.load(std::memory_order_relaxed);
}

}  // namespace internal

ErrScope::ErrScope(std::optional<Err> divide, std::optional<Err> over, std::optional<Err> under, std::optional<Err> invalid,
                   std::optional<OnOverflow> overflow) noexcept
    : before_(internal::t_settings) {
  internal::t_settings = {divide.value_or(before_.divide), over.value_or(before_.over), under.value_or(before_.under),
                invalid.value_or(before_.invalid), overflow.value_or(before_.overflow)};
}
ErrScope::~ErrScope() { internal::t_settings = before_; }

ErrSettings err_settings() noexcept { return internal::t_settings; }
ErrorCounts error_counts() noexcept { return internal::t_counts; }
void reset_error_counts() noexcept { internal::t_counts = {}; }

}  // namespace ndshare
