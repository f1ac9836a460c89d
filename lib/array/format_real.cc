#include "lib/array/format_real.h"

#include <ndshare/half.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace ndshare::internal {

namespace {

constexpr int kMaxPrecision = 17;

/// |value| = 0.d1d2d3… · 10^(point): digits without zeros at either end ("0" for zero, point 1).
struct Decimal {
  std::string digits;
  int point = 1;
};

// "1.2345e-07" → digits and point.
Decimal from_scientific(std::string_view text) {
  const std::size_t e = text.find('e');
  int exponent = 0;
  std::string_view written = text.substr(e + 1);
  if (written.starts_with('+')) written.remove_prefix(1);
  std::from_chars(written.data(), written.data() + written.size(), exponent);
  Decimal decimal;
  for (const char c : text.substr(0, e)) {
    if (c != '.') decimal.digits += c;
  }
  while (decimal.digits.size() > 1 && decimal.digits.back() == '0') decimal.digits.pop_back();
  decimal.point = exponent + 1;
  return decimal;
}

std::string to_text(double value, std::chars_format format, int precision) {
  std::array<char, 512> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format, precision);
  return {buffer.data(), result.ptr};
}

template <class Float>
Decimal shortest_of(Float value) {
  std::array<char, 64> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  return from_scientific({buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())});
}

// No std::to_chars for halves: the fewest digits that read back as the same half, the nearest of those. The neighbours
// count too: below a power of two halves lie closer, so a number may read back although the nearest one does not.
Decimal shortest_half(double value) {
  const Half half(static_cast<float>(value));
  for (int precision = 0; precision < 5; ++precision) {
    const Decimal nearest = from_scientific(to_text(value, std::chars_format::scientific, precision));
    int number = 0;
    std::string digits = nearest.digits;
    digits.resize(static_cast<std::size_t>(precision) + 1, '0');
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    for (const int step : {0, 1, -1}) {
      const std::string text = std::to_string(number + step) + "e" + std::to_string(nearest.point - precision - 1);
      double candidate = 0;
      std::from_chars(text.data(), text.data() + text.size(), candidate);
      if (candidate > 0 && Half(static_cast<float>(candidate)).bits == half.bits) return shortest_of(candidate);
    }
  }
  return shortest_of(value);
}

Decimal shortest(double magnitude, RealWidth width) {
  if (magnitude == 0) return {"0", 1};
  if (width == RealWidth::f8) return shortest_of(magnitude);
  return width == RealWidth::f4 ? shortest_of(static_cast<float>(magnitude)) : shortest_half(magnitude);
}

// A magnitude split at its decimal point; trailing zeros of the fraction trimmed.
struct Split {
  std::string whole;
  std::string fraction;
};

Split positional(double magnitude, RealWidth width, int precision, bool exact_whole = false) {
  const Decimal decimal = shortest(magnitude, width);
  const auto digits = static_cast<int>(decimal.digits.size());
  if (precision >= 0 && digits - decimal.point > precision) {
    const std::string text = to_text(magnitude, std::chars_format::fixed, precision);
    const std::size_t point = std::min(text.find('.'), text.size());
    Split split{text.substr(0, point), point < text.size() ? text.substr(point + 1) : ""};
    while (!split.fraction.empty() && split.fraction.back() == '0') split.fraction.pop_back();
    return split;
  }
  if (magnitude == 0) return {"0", ""};
  if (decimal.point <= 0) return {"0", std::string(static_cast<std::size_t>(-decimal.point), '0') + decimal.digits};
  const auto point = static_cast<std::size_t>(decimal.point);
  // Columns show a whole part's own digits past the shortest ones (49536. for the half nearest 49540), scalars show
  // zeros.
  if (digits < decimal.point && exact_whole) return {to_text(magnitude, std::chars_format::fixed, 0), ""};
  if (digits <= decimal.point) return {decimal.digits + std::string(point - decimal.digits.size(), '0'), ""};
  return {decimal.digits.substr(0, point), decimal.digits.substr(point)};
}

// One digit, the fraction, and the exponent.
struct Scientific {
  char whole = '0';
  std::string fraction;
  int exponent = 0;
};

Scientific split_scientific(const Decimal& decimal) {
  const bool zero = decimal.digits == "0";
  return {decimal.digits[0], decimal.digits.substr(1), zero ? 0 : decimal.point - 1};
}

// With at most `precision` digits in the fraction.
Scientific scientific(double magnitude, RealWidth width, int precision) {
  const Decimal decimal = shortest(magnitude, width);
  if (precision < 0 || static_cast<int>(decimal.digits.size()) - 1 <= precision) return split_scientific(decimal);
  return split_scientific(from_scientific(to_text(magnitude, std::chars_format::scientific, precision)));
}

// With exactly `precision` digits: beyond the shortest ones come the value's own (0.1f is 1.00000001e-01), as in NumPy.
Scientific scientific_padded(double magnitude, RealWidth width, int precision) {
  Scientific result = scientific(magnitude, width, precision);
  if (static_cast<int>(result.fraction.size()) < precision) {
    const std::string text = to_text(magnitude, std::chars_format::scientific, precision);
    result = split_scientific(from_scientific(text));
    result.fraction.resize(static_cast<std::size_t>(precision), '0');
  }
  return result;
}

std::string exponent_text(int exponent, int least_digits) {
  const std::string digits = std::to_string(std::abs(exponent));
  const int zeros = least_digits - static_cast<int>(digits.size());
  return (exponent < 0 ? "e-" : "e+") + std::string(static_cast<std::size_t>(std::max(zeros, 0)), '0') + digits;
}

double in_width(double value, RealWidth width) {
  if (width == RealWidth::f8) return value;
  const auto narrow = static_cast<float>(value);
  return static_cast<double>(width == RealWidth::f4 ? narrow : static_cast<float>(Half(narrow)));
}

int length_of(const std::string& text) { return static_cast<int>(text.size()); }

}  // namespace

std::string scalar_real(double value, RealWidth width, bool point_zero) {
  const std::string sign = std::signbit(value) && !std::isnan(value) ? "-" : "";
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return sign + "inf";
  const double magnitude = std::fabs(value);
  if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16)) {
    const Split split = positional(magnitude, width, -1);
    if (split.fraction.empty()) return sign + split.whole + (point_zero ? ".0" : "");
    return sign + split.whole + "." + split.fraction;
  }
  const Scientific parts = scientific(magnitude, width, -1);
  return sign + parts.whole + (parts.fraction.empty() ? "" : "." + parts.fraction) + exponent_text(parts.exponent, 2);
}

RealFormat::RealFormat(std::span<const double> sample, RealWidth width, const PrintOptions& options, bool plus)
    : width_(width),
      precision_(std::clamp(options.precision, 0, kMaxPrecision)),
      suppress_(options.suppress),
      plus_(plus) {
  std::vector<double> finite;
  for (const double value : sample) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  if (!finite.empty()) {
    choose_exponent_form(finite);
    measure(finite);
  }
  if (finite.size() == sample.size()) return;
  const bool minus_infinity =
      std::any_of(sample.begin(), sample.end(), [](double v) { return std::isinf(v) && v < 0; });
  const int offset = pad_right_ + 1;  // the decimal point
  pad_left_ = std::max({pad_left_, 3 - offset, 3 + (plus || minus_infinity ? 1 : 0) - offset});
}

void RealFormat::choose_exponent_form(std::span<const double> finite) {
  double largest = 0;
  double smallest = INFINITY;
  for (const double value : finite) {
    if (value == 0) continue;
    largest = std::max(largest, std::fabs(value));
    smallest = std::min(smallest, std::fabs(value));
  }
  if (largest == 0) return;
  // The ratio is taken in the numbers' own width, as NumPy does.
  exponent_form_ = largest >= 1e8 || (!suppress_ && (smallest < 1e-4 || in_width(largest / smallest, width_) > 1000.0));
}

void RealFormat::measure(std::span<const double> finite) {
  int fraction = 0;
  for (const double value : finite) {
    const int sign = std::signbit(value) || plus_ ? 1 : 0;
    const double magnitude = std::fabs(value);
    if (exponent_form_) {
      const Scientific parts = scientific(magnitude, width_, precision_);
      fraction = std::max(fraction, length_of(parts.fraction));
      exponent_digits_ = std::max(exponent_digits_, length_of(exponent_text(parts.exponent, 2)) - 2);
      pad_left_ = std::max(pad_left_, sign + 1);
    } else {
      const Split split = positional(magnitude, width_, precision_);
      fraction = std::max(fraction, length_of(split.fraction));
      pad_left_ = std::max(pad_left_, sign + length_of(split.whole));
    }
  }
  if (exponent_form_) precision_ = fraction;
  pad_right_ = exponent_form_ ? exponent_digits_ + 2 + fraction : fraction;
}

std::string RealFormat::operator()(double value) const {
  const auto spaces = [](int count) { return std::string(static_cast<std::size_t>(std::max(count, 0)), ' '); };
  const bool negative = std::signbit(value) && !std::isnan(value);
  const std::string sign = negative ? "-" : plus_ ? "+" : "";
  if (!std::isfinite(value)) {
    const std::string text = sign + (std::isnan(value) ? "nan" : "inf");
    return spaces(pad_left_ + pad_right_ + 1 - length_of(text)) + text;
  }
  const double magnitude = std::fabs(value);
  if (exponent_form_) {
    const Scientific parts = scientific_padded(magnitude, width_, precision_);
    const std::string head = sign + parts.whole;
    return spaces(pad_left_ - length_of(head)) + head + "." + parts.fraction +
           exponent_text(parts.exponent, exponent_digits_);
  }
  const Split split = positional(magnitude, width_, precision_, true);
  const std::string head = sign + split.whole;
  return spaces(pad_left_ - length_of(head)) + head + "." + split.fraction +
         spaces(pad_right_ - length_of(split.fraction));
}

}  // namespace ndshare::internal
