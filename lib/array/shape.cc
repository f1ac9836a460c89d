#include <ndshare/shape.h>

#include <ndshare/error.h>

#include "lib/base/checked.h"

#include <algorithm>
#include <charconv>

namespace ndshare {

Dims::Dims(std::span<const std::int64_t> values) {
  if (values.size() > kMaxAxes) {
    throw Error(ErrorCode::Shape,
                std::to_string(values.size()) + " axes; an array has at most " + std::to_string(kMaxAxes) +
                    ": merge axes with reshape",
                {{"axes", std::to_string(values.size())}});
  }
  std::copy(values.begin(), values.end(), values_.begin());
  ndim_ = static_cast<std::int32_t>(values.size());
}

void Dims::push_back(std::int64_t value) { insert(ndim_, value); }

void Dims::insert(int axis, std::int64_t value) {
  if (ndim_ == kMaxAxes) {
    throw Error(ErrorCode::Shape, "more than " + std::to_string(kMaxAxes) +
                                      " axes; an array has at most that many: merge axes with reshape");
  }
  std::copy_backward(begin() + axis, end(), end() + 1);
  values_[static_cast<std::size_t>(axis)] = value;
  ++ndim_;
}

void Dims::erase(int axis) noexcept {
  std::copy(begin() + axis + 1, end(), begin() + axis);
  --ndim_;
  values_[size()] = 0;
}

bool operator==(const Dims& a, const Dims& b) noexcept { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

std::string Dims::str() const {
  std::string text = "(";
  for (int axis = 0; axis < ndim_; ++axis) {
    if (axis != 0) text += ", ";
    text += std::to_string((*this)[axis]);
  }
  return text + (ndim_ == 1 ? ",)" : ")");
}

std::int64_t Shape::count() const {
  for (std::size_t axis = 0; axis < size(); ++axis) {
    if ((*this)[axis] >= 0) continue;
    throw Error(ErrorCode::Shape,
                "shape " + str() + " has the negative length " + std::to_string((*this)[axis]) + " at axis " +
                    std::to_string(axis) + ": lengths are 0 or more",
                {{"axis", std::to_string(axis)}, {"length", std::to_string((*this)[axis])}});
  }
  if (std::find(begin(), end(), 0) != end()) return 0;  // before the product, which may pass 2^63 next to a zero
  std::int64_t product = 1;
  for (const std::int64_t length : *this) {
    const auto next = internal::checked_mul(product, length);
    if (!next) {
      throw Error(ErrorCode::Shape,
                  "shape " + str() + " has more than 2^63-1 = 9223372036854775807 elements: use a smaller shape",
                  {{"shape", str()}});
    }
    product = *next;
  }
  return product;
}

std::int64_t Shape::nbytes(std::int64_t itemsize) const {
  const std::int64_t elements = count();
  const auto bytes = internal::checked_mul(elements, itemsize);
  if (!bytes) {
    throw Error(ErrorCode::Shape,
                "shape " + str() + " of " + std::to_string(itemsize) + "-byte items is " + std::to_string(elements) +
                    " × " + std::to_string(itemsize) +
                    " bytes, more than 2^63-1 = 9223372036854775807: use a smaller shape",
                {{"shape", str()}, {"itemsize", std::to_string(itemsize)}});
  }
  return *bytes;
}

namespace {

class ShapeParser {
 public:
  explicit ShapeParser(std::string_view text) : text_(text) {}

  Shape parse() {
    skip_space();
    char close = '\0';
    if (peek() == '(') close = ')';
    if (peek() == '[') close = ']';
    if (close != '\0') ++at_;
    Shape shape = numbers(close);
    if (close != '\0') ++at_;
    skip_space();
    if (at_ != text_.size()) fail("something after the shape");
    return shape;
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::Shape,
                "cannot read a shape: " + what + " at position " + std::to_string(at_) + "; write it as 3,4 or (3, 4)",
                {{"position", std::to_string(at_)}});
  }

  Shape numbers(char close) {
    Shape shape;
    skip_space();
    if (close != '\0' && peek() == close) return shape;
    while (true) {
      shape.push_back(number());
      skip_space();
      if (peek() == ',') {
        ++at_;
        skip_space();
        if (peek() == close)
          return shape;  // a trailing comma, as in (3,); without brackets that is the end of the text
        continue;
      }
      if (peek() != close) fail("expected a comma" + (close != '\0' ? std::string(" or '") + close + "'" : ""));
      return shape;
    }
  }

  std::int64_t number() {
    std::int64_t value = 0;
    const char* first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("a number over 2^63-1");
    if (error != std::errc()) fail("expected a whole number");
    if (value < -1) fail("the negative length " + std::to_string(value));
    at_ += static_cast<std::size_t>(end - first);
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Shape Shape::parse(std::string_view text) { return ShapeParser(text).parse(); }

int normalize_axis(std::int64_t axis, int ndim) {
  if (axis < -ndim || axis >= ndim) {
    throw Error(ErrorCode::Axis,
                "axis " + std::to_string(axis) + " is out of range for " + std::to_string(ndim) +
                    (ndim == 1 ? " axis" : " axes") +
                    (ndim == 0 ? ": a 0-d array has none"
                               : ": use " + std::to_string(-ndim) + " to " + std::to_string(ndim - 1)),
                {{"axis", std::to_string(axis)}, {"ndim", std::to_string(ndim)}});
  }
  return static_cast<int>(axis < 0 ? axis + ndim : axis);
}

}  // namespace ndshare
