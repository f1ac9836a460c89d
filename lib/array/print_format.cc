#include "lib/array/print_format.h"

#include "lib/array/datetime.h"
#include "lib/array/element.h"
#include "lib/array/format_real.h"
#include "lib/array/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace ndshare::internal {

namespace {

std::string right_aligned(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

class BoolFormat final : public ElementFormat {
 public:
  explicit BoolFormat(bool alone) : true_text_(alone ? "True" : " True") {}
  [[nodiscard]] std::string text(const std::byte* item) const override {
    return load_lane<bool>(item) ? true_text_ : "False";
  }

 private:
  std::string true_text_;
};

template <class T>
class IntegerFormat final : public ElementFormat {
 public:
  explicit IntegerFormat(const Sample& sample) {
    for (const std::byte* item : sample) width_ = std::max(width_, std::to_string(load_lane<T>(item)).size());
  }
  [[nodiscard]] std::string text(const std::byte* item) const override {
    return right_aligned(std::to_string(load_lane<T>(item)), width_);
  }

 private:
  std::size_t width_ = 0;
};

RealWidth width_of(const DType& dtype) {
  const std::int64_t part = dtype.is_complex() ? dtype.itemsize() / 2 : dtype.itemsize();
  return part == 2 ? RealWidth::f2 : part == 4 ? RealWidth::f4 : RealWidth::f8;
}

double load_real(const std::byte* item, RealWidth width) {
  if (width == RealWidth::f8) return load_lane<double>(item);
  if (width == RealWidth::f4) return static_cast<double>(load_lane<float>(item));
  return static_cast<double>(static_cast<float>(load_lane<Half>(item)));
}

std::vector<double> load_reals(const Sample& sample, RealWidth width, std::int64_t offset) {
  std::vector<double> values;
  values.reserve(sample.size());
  for (const std::byte* item : sample) values.push_back(load_real(item + offset, width));
  return values;
}

class FloatFormat final : public ElementFormat {
 public:
  FloatFormat(const DType& dtype, const Sample& sample, const PrintOptions& options)
      : width_(width_of(dtype)), format_(load_reals(sample, width_, 0), width_, options) {}
  [[nodiscard]] std::string text(const std::byte* item) const override { return format_(load_real(item, width_)); }

 private:
  RealWidth width_;
  RealFormat format_;
};

class ComplexFormat final : public ElementFormat {
 public:
  ComplexFormat(const DType& dtype, const Sample& sample, const PrintOptions& options)
      : width_(width_of(dtype)),
        half_(dtype.itemsize() / 2),
        real_(load_reals(sample, width_, 0), width_, options),
        imaginary_(load_reals(sample, width_, half_), width_, options, true) {}

  [[nodiscard]] std::string text(const std::byte* item) const override {
    std::string imaginary = imaginary_(load_real(item + half_, width_));
    imaginary.insert(imaginary.find_last_not_of(' ') + 1, "j");  // before the padding
    return real_(load_real(item, width_)) + imaginary;
  }

 private:
  RealWidth width_;
  std::int64_t half_;
  RealFormat real_;
  RealFormat imaginary_;
};

class TextFormat final : public ElementFormat {
 public:
  explicit TextFormat(const DType& dtype) : dtype_(dtype) {}
  [[nodiscard]] std::string text(const std::byte* item) const override {
    return dtype_.id() == TypeId::bytes ? repr_bytes(read_bytes(item, dtype_.length()))
                                        : repr_str(read_str(item, dtype_.length()));
  }

 private:
  DType dtype_;
};

class TimeFormat final : public ElementFormat {
 public:
  TimeFormat(const DType& dtype, const Sample& sample) : dtype_(dtype) {
    std::int64_t low = INT64_MAX;
    std::int64_t high = kNat;
    for (const std::byte* item : sample) {
      const auto count = load_lane<std::int64_t>(item);
      if (count == kNat) {
        width_ = std::max<std::size_t>(width_, 5);  // 'NaT' with its quotes
        continue;
      }
      low = std::min(low, count);
      high = std::max(high, count);
    }
    if (high != kNat) width_ = std::max({width_, one(low).size(), one(high).size()});
  }
  [[nodiscard]] std::string text(const std::byte* item) const override {
    return right_aligned(one(load_lane<std::int64_t>(item)), width_);
  }

 private:
  [[nodiscard]] std::string one(std::int64_t count) const {
    if (count == kNat) return "'NaT'";
    if (dtype_.id() == TypeId::timedelta64) return std::to_string(count);
    return "'" + datetime_to_string(count, dtype_.unit(), dtype_.unit_multiple()) + "'";
  }

  DType dtype_;
  std::size_t width_ = 0;
};

// "[1, 2]" of a sub-array field; nested brackets for more axes.
class SubArrayFormat final : public ElementFormat {
 public:
  SubArrayFormat(const Field& field, std::unique_ptr<ElementFormat> element)
      : shape_(field.shape), itemsize_(field.dtype.itemsize()), element_(std::move(element)) {}
  [[nodiscard]] std::string text(const std::byte* item) const override { return level(item, 0); }

 private:
  [[nodiscard]] std::string level(const std::byte*& item, int axis) const {
    if (axis == shape_.ndim()) {
      std::string result = element_->text(item);
      item += itemsize_;
      return result;
    }
    std::string result = "[";
    for (std::int64_t i = 0; i < shape_[axis]; ++i) result += (i == 0 ? "" : ", ") + level(item, axis + 1);
    return result + "]";
  }

  Shape shape_;
  std::int64_t itemsize_;
  std::unique_ptr<ElementFormat> element_;
};

class StructFormat final : public ElementFormat {
 public:
  StructFormat(const DType& dtype, const Sample& sample, bool alone, const PrintOptions& options) {
    for (const Field& field : dtype.fields()) columns_.push_back({field.offset, column(field, sample, alone, options)});
  }
  [[nodiscard]] std::string text(const std::byte* item) const override {
    std::string result = "(";
    for (const Column& column : columns_) {
      if (result.size() > 1) result += ", ";
      result += column.format->text(item + column.offset);
    }
    return result + (columns_.size() == 1 ? ",)" : ")");
  }

 private:
  struct Column {
    std::int64_t offset;
    std::unique_ptr<ElementFormat> format;
  };

  static std::unique_ptr<ElementFormat> column(const Field& field, const Sample& sample, bool alone,
                                               const PrintOptions& options) {
    Sample inner;
    const std::int64_t count = field.shape.count();
    inner.reserve(sample.size() * static_cast<std::size_t>(count));
    for (const std::byte* item : sample) {
      for (std::int64_t i = 0; i < count; ++i) inner.push_back(item + field.offset + i * field.dtype.itemsize());
    }
    auto format = make_format(field.dtype, inner, alone && field.shape.empty(), options);
    if (field.shape.empty()) return format;
    return std::make_unique<SubArrayFormat>(field, std::move(format));
  }

  std::vector<Column> columns_;
};

std::string complex_text(double real, double imaginary, RealWidth width) {
  const std::string second = scalar_real(imaginary, width, false) + "j";
  if (real == 0 && !std::signbit(real)) return second;
  const bool plus = !std::signbit(imaginary) || std::isnan(imaginary);
  return "(" + scalar_real(real, width, false) + (plus ? "+" : "") + second + ")";
}

std::string timedelta_text(std::int64_t count, const DType& dtype) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds",
       "picoseconds", "femtoseconds", "attoseconds", "generic time units"});
  if (count == kNat) return "NaT";
  // As NumPy multiplies: in 64 bits, wrapping.
  const auto units = static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(dtype.unit_multiple());
  return std::to_string(static_cast<std::int64_t>(units)) + " " +
         std::string(kWords[static_cast<std::size_t>(dtype.unit())]);
}

}  // namespace

std::unique_ptr<ElementFormat> make_format(const DType& dtype, const Sample& sample, bool alone,
                                           const PrintOptions& options) {
  if (dtype.is_structured()) return std::make_unique<StructFormat>(dtype, sample, alone, options);
  if (dtype.is_text()) return std::make_unique<TextFormat>(dtype);
  if (dtype.is_time()) return std::make_unique<TimeFormat>(dtype, sample);
  if (dtype.is_bool()) return std::make_unique<BoolFormat>(alone);
  if (dtype.is_floating()) return std::make_unique<FloatFormat>(dtype, sample, options);
  if (dtype.is_complex()) return std::make_unique<ComplexFormat>(dtype, sample, options);
  std::unique_ptr<ElementFormat> format;
  visit_numeric(dtype.id(), [&]<class T>() {
    if constexpr (std::is_integral_v<T>) format = std::make_unique<IntegerFormat<T>>(sample);
  });
  return format;
}

std::string scalar_text(const std::byte* item, const DType& dtype, const PrintOptions& options) {
  if (dtype.is_structured()) return make_format(dtype, {item}, true, options)->text(item);
  if (dtype.is_time()) {
    const auto count = load_lane<std::int64_t>(item);
    return dtype.id() == TypeId::timedelta64 ? timedelta_text(count, dtype)
                                             : datetime_to_string(count, dtype.unit(), dtype.unit_multiple());
  }
  if (dtype.id() == TypeId::bytes) return repr_bytes(read_bytes(item, dtype.length()));
  if (dtype.id() == TypeId::str) return load_scalar(item, dtype).as<std::string>();
  if (dtype.is_floating()) return scalar_real(load_real(item, width_of(dtype)), width_of(dtype));
  if (dtype.is_complex()) {
    const RealWidth width = width_of(dtype);
    return complex_text(load_real(item, width), load_real(item + dtype.itemsize() / 2, width), width);
  }
  return make_format(dtype, {item}, true, options)->text(item);
}

}  // namespace ndshare::internal
