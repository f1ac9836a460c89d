// Floating-point numbers as text, as NumPy writes them: shortest digits that identify the value in its own width, cut
// to a precision by exact rounding (ties to even). Half and float values travel as doubles, which hold them exactly.
#pragma once

#include <ndshare/print.h>

#include <cstdint>
#include <span>
#include <string>

namespace ndshare::internal {

enum class RealWidth : std::uint8_t { f2, f4, f8 };

/// NumPy's str() of a scalar: "1.5", "1e-05", "65500.0" for a half; without `point_zero`: "2" for 2.0 (complex parts).
std::string scalar_real(double value, RealWidth width, bool point_zero = true);

/// The unified format of a column of numbers: NumPy's FloatingFormat with floatmode 'maxprec'.
class RealFormat {
 public:
  /// `sample` are the numbers that will be shown; `plus` writes the sign of positive ones.
  RealFormat(std::span<const double> sample, RealWidth width, const PrintOptions& options, bool plus = false);

  [[nodiscard]] std::string operator()(double value) const;

 private:
  void choose_exponent_form(std::span<const double> finite);
  void measure(std::span<const double> finite);

  RealWidth width_;
  int precision_;
  bool suppress_;
  bool plus_;
  bool exponent_form_ = false;
  int pad_left_ = 0;
  int pad_right_ = 0;
  int exponent_digits_ = 2;
};

}  // namespace ndshare::internal
