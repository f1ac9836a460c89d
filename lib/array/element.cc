#include "lib/array/element.h"

#include <ndshare/error.h>

#include "lib/array/datetime.h"
#include "lib/array/text.h"
#include "lib/base/text.h"

#include <algorithm>
#include <cmath>

namespace ndshare::internal {

namespace {

[[noreturn]] void throw_structured(const DType& dtype) {
  throw Error(ErrorCode::DtypeMismatch, "an element of dtype " + dtype.to_string() +
                                            " is no single value: take a field first, as in a[\"" +
                                            printable(dtype.fields().front().name) + "\"]");
}

[[noreturn]] void throw_too_long(const DType& dtype, std::size_t length) {
  throw Error(ErrorCode::Overflow,
              "text of " + std::to_string(length) + " characters does not fit " + dtype.str() + ", which holds " +
                  std::to_string(dtype.length()) + ": use a longer dtype",
              {{"length", std::to_string(length)}, {"limit", std::to_string(dtype.length())}});
}

void store_text(std::byte* item, const DType& dtype, const std::string& text) {
  std::memset(item, 0, static_cast<std::size_t>(dtype.itemsize()));
  if (dtype.id() == TypeId::bytes) {
    if (text.size() > static_cast<std::size_t>(dtype.length())) throw_too_long(dtype, text.size());
    std::memcpy(item, text.data(), text.size());
    return;
  }
  const auto codes = decode_utf8(text);
  if (!codes) throw Error(ErrorCode::Format, "text that is not UTF-8: '" + printable(text.substr(0, 80)) + "'");
  if (codes->size() > static_cast<std::size_t>(dtype.length())) throw_too_long(dtype, codes->size());
  std::memcpy(item, codes->data(), codes->size() * sizeof(char32_t));
}

void store_time(std::byte* item, const DType& dtype, const Scalar& value) {
  if (value.kind() != 'U' || dtype.id() != TypeId::datetime64) {
    store_lane(item, value.as<std::int64_t>());
    return;
  }
  const std::string text = value.as<std::string>();
  const auto count = parse_datetime(text, dtype.unit(), dtype.unit_multiple());
  if (!count) {
    throw Error(ErrorCode::Format, "'" + printable(text.substr(0, 80)) + "' is no " + dtype.name() +
                                       ": write it as 2001-01-31T23:59:59, no finer than the unit");
  }
  store_lane(item, *count);
}

template <class T>
Scalar to_scalar(T value) {
  return Scalar(value);
}

template <class T>
bool is_nan(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    return std::isnan(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::isnan(value);
  } else if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
    return std::isnan(value.real()) || std::isnan(value.imag());
  } else {
    return false;
  }
}

template <class T>
bool is_zero(T value) {
  return value == T{};
}

bool subarrays_equal(const std::byte* a, const std::byte* b, const Field& field, bool equal_nan) {
  const std::int64_t count = field.shape.count();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = field.offset + i * field.dtype.itemsize();
    if (!elements_equal(a + at, b + at, field.dtype, equal_nan)) return false;
  }
  return true;
}

}  // namespace

Scalar load_scalar(const std::byte* item, const DType& dtype) {
  if (dtype.is_structured()) throw_structured(dtype);
  if (dtype.is_time()) return load_lane<std::int64_t>(item);
  if (dtype.id() == TypeId::bytes) return read_bytes(item, dtype.length());
  if (dtype.id() == TypeId::str) {
    std::string text;
    for (const char32_t code : read_str(item, dtype.length())) append_utf8(text, code);
    return text;
  }
  Scalar result(false);
  visit_numeric(dtype.id(), [&]<class T>() { result = to_scalar(load_lane<T>(item)); });
  return result;
}

void store_scalar(std::byte* item, const DType& dtype, const Scalar& value) {
  if (dtype.is_structured()) throw_structured(dtype);
  if (dtype.is_text()) {
    if (value.kind() != 'U') {
      throw Error(ErrorCode::DtypeMismatch,
                  "a number given where text is needed: dtype " + dtype.str() + " takes text");
    }
    return store_text(item, dtype, value.as<std::string>());
  }
  if (dtype.is_time()) return store_time(item, dtype, value);
  visit_numeric(dtype.id(), [&]<class T>() { store_lane(item, value.as<T>()); });
}

bool element_truth(const std::byte* item, const DType& dtype) {
  if (dtype.is_structured()) {
    const auto fields = dtype.fields();
    return std::any_of(fields.begin(), fields.end(), [item](const Field& field) {
      const std::int64_t count = field.shape.count();
      for (std::int64_t i = 0; i < count; ++i) {
        if (element_truth(item + field.offset + i * field.dtype.itemsize(), field.dtype)) return true;
      }
      return false;
    });
  }
  if (dtype.is_time()) return load_lane<std::int64_t>(item) != 0;
  if (dtype.id() == TypeId::bytes) return !read_bytes(item, dtype.length()).empty();
  if (dtype.id() == TypeId::str) return !read_str(item, dtype.length()).empty();
  bool truth = false;
  visit_numeric(dtype.id(), [&]<class T>() { truth = !is_zero(load_lane<T>(item)); });
  return truth;
}

bool elements_equal(const std::byte* a, const std::byte* b, const DType& dtype, bool equal_nan) {
  if (dtype.is_structured()) {
    const auto fields = dtype.fields();
    return std::all_of(fields.begin(), fields.end(),
                       [&](const Field& field) { return subarrays_equal(a, b, field, equal_nan); });
  }
  if (dtype.is_text()) return std::memcmp(a, b, static_cast<std::size_t>(dtype.itemsize())) == 0;
  if (dtype.is_time()) {
    const auto x = load_lane<std::int64_t>(a);
    return x == load_lane<std::int64_t>(b) && (x != kNat || equal_nan);
  }
  bool equal = false;
  visit_numeric(dtype.id(), [&]<class T>() {
    const T x = load_lane<T>(a);
    const T y = load_lane<T>(b);
    equal = x == y || (equal_nan && is_nan(x) && is_nan(y));
  });
  return equal;
}

}  // namespace ndshare::internal
