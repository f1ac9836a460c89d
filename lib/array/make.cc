// Arrays of regular numbers, and arrays like others.
#include <ndshare/create.h>
#include <ndshare/error.h>

#include <cmath>
#include <string>

namespace ndshare {
namespace {

void check_line(double start, double stop, std::int64_t num, const DType& dtype) {
  if (num < 0) throw Error(ErrorCode::Usage, "num = " + std::to_string(num) + ": give 0 or more elements");
  if (!std::isfinite(start) || !std::isfinite(stop)) throw Error(ErrorCode::Usage, "start and stop must be finite numbers");
  if (dtype != float32 && dtype != float64) {
    throw Error(ErrorCode::DtypeMismatch, "evenly spaced numbers are float32 or float64, not " + dtype.to_string() +
                                              ": convert them with astype");
  }
}

/// Calls put(i, number) for each number of the line, in double.
template <class Put>
void walk_line(double start, double stop, std::int64_t num, bool endpoint, const Put& put) {
  const double parts = static_cast<double>(endpoint ? num - 1 : num);
  const double step = (stop - start) / parts;
  for (std::int64_t i = 0; i < num; ++i) {
    // As NumPy: where the step itself is too small for a double, the fraction is taken first.
    const double at = step == 0 && parts > 0 ? static_cast<double>(i) / parts * (stop - start) : static_cast<double>(i) * step;
    put(static_cast<std::size_t>(i), endpoint && num > 1 && i == num - 1 ? stop : start + (num == 1 && endpoint ? 0 : at));
  }
}

template <class Value>
Array line(double start, double stop, std::int64_t num, bool endpoint, const DType& dtype, const Value& value) {
  check_line(start, stop, num, dtype);
  Array out = empty({num}, dtype);
  if (dtype == float64) {
    const auto span = out.as_span<double>();
    walk_line(start, stop, num, endpoint, [&](std::size_t i, double at) { span[i] = value(at); });
  } else {
    const auto span = out.as_span<float>();
    walk_line(start, stop, num, endpoint, [&](std::size_t i, double at) { span[i] = static_cast<float>(value(at)); });
  }
  return out;
}

Order order_of(const Array& like) noexcept { return like.is_f_contiguous() && !like.is_c_contiguous() ? Order::F : Order::C; }

}  // namespace

Array linspace(double start, double stop, std::int64_t num, bool endpoint, const DType& dtype) {
  return line(start, stop, num, endpoint, dtype, [](double at) { return at; });
}

Array logspace(double start, double stop, std::int64_t num, bool endpoint, double base, const DType& dtype) {
  return line(start, stop, num, endpoint, dtype, [base](double at) { return std::pow(base, at); });
}

Array eye(std::int64_t n, std::int64_t m, std::int64_t k, const DType& dtype) {
  const std::int64_t columns = m == -1 ? n : m;
  Array out = zeros({n, columns}, dtype);
  if (k >= columns || k <= -n || out.size() == 0) return out;
  fill(out.with_layout(diagonal(out.layout(), k)), dtype.is_bool() ? Scalar(true) : Scalar(1));
  return out;
}

Array empty_like(const Array& like, const std::optional<DType>& dtype) {
  return empty(like.shape(), dtype.value_or(like.dtype()), order_of(like));
}
Array zeros_like(const Array& like, const std::optional<DType>& dtype) {
  return zeros(like.shape(), dtype.value_or(like.dtype()), order_of(like));
}
Array ones_like(const Array& like, const std::optional<DType>& dtype) {
  const DType wanted = dtype.value_or(like.dtype());
  return full_like(like, wanted.is_bool() ? Scalar(true) : Scalar(1), wanted);
}
Array full_like(const Array& like, const Scalar& value, const std::optional<DType>& dtype) {
  Array out = empty_like(like, dtype);
  fill(out, value);
  return out;
}

}  // namespace ndshare
