#include <ndshare/print.h>

#include "lib/array/print_format.h"
#include "lib/array/text.h"

#include <algorithm>
#include <array>
#include <ostream>

namespace ndshare {

namespace {

using internal::utf8_length;

void strip_right(std::string& text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
}

constexpr double kMaxSummaryBytes = 64.0 * 1024 * 1024;

/// Lays out the elements: NumPy's array2string. Widths are counted in characters.
class Writer {
 public:
  Writer(const Array& array, const PrintOptions& options, std::string separator, std::int64_t prefix,
         std::int64_t suffix)
      : array_(array),
        edge_(std::max<std::int64_t>(options.edgeitems, 0)),
        summary_(array.size() > options.threshold),
        separator_(std::move(separator)),
        separator_end_(separator_.substr(0, separator_.find(' '))),
        indent_(static_cast<std::size_t>(prefix) + 1, ' '),
        width_(options.linewidth - suffix) {
    // Axes of few elements are never cut, but many of them multiply: a summary stays a summary.
    while (summary_ && edge_ > 0 && shown_bytes() > kMaxSummaryBytes) --edge_;
    collect(array.data(), 0);
    format_ = internal::make_format(array.dtype(), sample_, array.ndim() == 0, options);
  }

  std::string write() { return level(array_.data(), 0, indent_, width_); }

 private:
  [[nodiscard]] double shown_bytes() const {
    auto bytes = static_cast<double>(array_.itemsize());
    for (int axis = 0; axis < array_.ndim(); ++axis) {
      bytes *= static_cast<double>(is_cut(axis) ? 2 * edge_ : array_.shape()[axis]);
    }
    return bytes;
  }

  [[nodiscard]] bool is_cut(int axis) const { return summary_ && array_.shape()[axis] > 2 * edge_; }

  // The items that will be shown, which decide the column's format.
  void collect(const std::byte* item, int axis) {
    if (axis == array_.ndim()) {
      sample_.push_back(item);
      return;
    }
    const std::int64_t length = array_.shape()[axis];
    for (std::int64_t i = 0; i < length; ++i) {
      if (is_cut(axis) && i == edge_) i = length - edge_;
      if (i < length) collect(item + i * array_.strides()[axis], axis + 1);
    }
  }

  std::string level(const std::byte* item, int axis, const std::string& indent, std::int64_t width) {
    if (axis == array_.ndim()) return format_->text(item);
    const std::int64_t inner = width - 1;  // the closing bracket
    const bool row = axis == array_.ndim() - 1;
    std::string body = row ? row_text(item, indent, width) : block_text(item, axis, indent, inner);
    return "[" + body.substr(indent.size()) + "]";
  }

  // The last axis: elements on lines, broken where the next one does not fit.
  std::string row_text(const std::byte* item, const std::string& indent, std::int64_t width) {
    const int axis = array_.ndim() - 1;
    const std::int64_t length = array_.shape()[axis];
    const auto limit = width - static_cast<std::int64_t>(std::max<std::size_t>(separator_end_.size(), 1));
    std::string done;
    std::string line = indent;
    std::size_t line_length = indent.size();
    const auto append = [&](const std::string& word) {
      const std::size_t added = utf8_length(word);
      if (static_cast<std::int64_t>(line_length + added) > limit && line_length > indent.size()) {
        strip_right(line);
        done += line + "\n";
        line = indent;
        line_length = indent.size();
      }
      line += word;
      line_length += added;
    };
    for (std::int64_t i = 0; i < length; ++i) {
      if (is_cut(axis) && i == edge_) {
        append("...");
        i = length - edge_;
        if (i < length) {
          line += separator_;
          line_length += separator_.size();
        }
      }
      if (i >= length) break;
      append(format_->text(item + i * array_.strides()[axis]));
      if (i + 1 < length) {
        line += separator_;
        line_length += separator_.size();
      }
    }
    return done + line;
  }

  // Outer axes: one block under the other, blank lines between blocks of more than one axis.
  std::string block_text(const std::byte* item, int axis, const std::string& indent, std::int64_t width) {
    const std::int64_t length = array_.shape()[axis];
    const std::string between = separator_end_ + std::string(static_cast<std::size_t>(array_.ndim() - axis - 1), '\n');
    std::string text;
    for (std::int64_t i = 0; i < length; ++i) {
      if (is_cut(axis) && i == edge_) {
        text += indent + "..." + between;
        i = length - edge_;
      }
      if (i >= length) break;
      text += indent + level(item + i * array_.strides()[axis], axis + 1, indent + " ", width);
      if (i + 1 < length) text += between;
    }
    return text;
  }

  const Array& array_;
  std::int64_t edge_;
  bool summary_;
  std::string separator_;
  std::string separator_end_;  // without the space that may end a line
  std::string indent_;
  std::int64_t width_;
  internal::Sample sample_;
  std::unique_ptr<internal::ElementFormat> format_;
};

// NumPy's dtype_short_repr: a bare name where Python can read it as one.
std::string dtype_argument(const DType& dtype) {
  if (dtype.is_structured()) return dtype.to_string();
  if (dtype.is_text()) return "'" + dtype.str() + "'";
  const std::string name = dtype.name();
  return name.find('[') == std::string::npos ? name : "'" + name + "'";
}

bool is_implied(const DType& dtype) {
  return dtype == int64 || dtype == float64 || dtype == complex128 || dtype == bool_;
}

}  // namespace

std::string to_string(const Array& array, const PrintOptions& options) {
  if (array.ndim() == 0) return internal::scalar_text(array.data(), array.dtype(), options);
  if (array.size() == 0) return "[]";
  return Writer(array, options, " ", 0, 0).write();
}

std::string repr(const Array& array, const PrintOptions& options) {
  const bool implied = is_implied(array.dtype()) && array.size() > 0;
  const std::string prefix = "array(";
  std::string text = prefix;
  if (array.size() > 0) {
    text += Writer(array, options, ", ", static_cast<std::int64_t>(prefix.size()), 1).write();
  } else {
    text += array.shape() == Shape{0} ? "[]" : "[], shape=" + array.shape().str();
  }
  if (implied) return text + ")";
  text += ",";
  const std::string dtype = "dtype=" + dtype_argument(array.dtype()) + ")";
  const std::size_t last_line = utf8_length(std::string_view(text).substr(text.rfind('\n') + 1));  // npos + 1 is 0
  const bool fits = static_cast<std::int64_t>(last_line + utf8_length(dtype) + 1) <= options.linewidth;
  return text + (fits ? " " : "\n" + std::string(prefix.size(), ' ')) + dtype;
}

std::string element_to_string(const Array& array, std::span<const Index> index) {
  const Array element = array.view(index);
  if (element.ndim() != 0) {
    throw Error(ErrorCode::IndexSyntax, "an element of shape " + array.shape().str() + " takes " +
                                            std::to_string(array.ndim()) + " integers, got " +
                                            std::to_string(index.size()) + " entries");
  }
  return to_string(element);
}

std::ostream& operator<<(std::ostream& out, const Array& array) { return out << to_string(array); }

}  // namespace ndshare
