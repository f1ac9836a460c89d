// Arrays as CSV text.
#include <ndshare/csv.h>

#include "lib/array/datetime.h"
#include "lib/array/text.h"
#include "lib/base/text.h"
#include "lib/io/csv_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace ndshare {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{256} << 10;

struct Column {
  DType dtype;
  std::int64_t offset = 0;  ///< bytes from the start of a row
};

template <class T>
T load_element(const std::byte* element) noexcept {
  T value{};
  std::memcpy(&value, element, sizeof value);
  return value;
}

template <class T>
void append_integer(std::string& out, T value) {
  std::array<char, 24> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

/// The shortest digits that read back the same; always to be seen as a float ("1.0", "1e+20").
template <class T>
void append_real(std::string& out, T value, bool point = true) {
  std::array<char, 64> digits{};
  if (std::isnan(value)) {
    out += "nan";
    return;
  }
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (point && text.find_first_of(".en") == std::string_view::npos) out += ".0";
}

template <class T>
void append_complex(std::string& out, std::complex<T> value) {
  append_real(out, value.real(), false);
  if (!std::signbit(value.imag()) || std::isnan(value.imag())) out += '+';
  append_real(out, value.imag(), false);
  out += 'j';
}

/// Values to text, with quotes where RFC 4180 asks for them.
class RowWriter {
 public:
  RowWriter(const WriteCsvOptions& options) : options_(options) {}

  void append(std::string& out, const Column& column, const std::byte* element) {
    const DType& dtype = column.dtype;
    if (dtype.is_bool()) {
      out += *element == std::byte{0} ? "False" : "True";
    } else if (dtype.is_text()) {
      append_text(out, text_of(dtype, element));
    } else if (dtype.id() == TypeId::datetime64) {
      append_text(
          out, internal::datetime_to_string(load_element<std::int64_t>(element), dtype.unit(), dtype.unit_multiple()));
    } else if (dtype.id() == TypeId::timedelta64) {
      const auto count = load_element<std::int64_t>(element);
      count == internal::kNat ? static_cast<void>(out += "NaT") : append_integer(out, count);
    } else {
      append_number(out, dtype.id(), element);
    }
  }

  void append_text(std::string& out, std::string_view text) const {
    const std::array<char, 4> odd = {options_.delimiter, options_.quote, '\n', '\r'};
    const bool spaces = !text.empty() && (text.front() == ' ' || text.back() == ' ');
    if (!text.empty() && !spaces &&
        text.find_first_of(std::string_view(odd.data(), odd.size())) == std::string_view::npos) {
      out += text;
      return;
    }
    out += options_.quote;
    for (const char c : text) out.append(c == options_.quote ? 2 : 1, c);
    out += options_.quote;
  }

 private:
  static void append_number(std::string& out, TypeId id, const std::byte* element) {
    visit_numeric(id, [&]<class T>() {
      if constexpr (std::is_same_v<T, bool>) {
      } else if constexpr (std::is_integral_v<T>) {
        append_integer(out, load_element<T>(element));
      } else if constexpr (std::is_same_v<T, Half>) {
        append_real(out, static_cast<float>(load_element<Half>(element)));
      } else if constexpr (std::is_floating_point_v<T>) {
        append_real(out, load_element<T>(element));
      } else {
        append_complex(out, load_element<T>(element));
      }
    });
  }

  std::string_view text_of(const DType& dtype, const std::byte* element) {
    if (dtype.id() == TypeId::bytes) return internal::read_bytes(element, dtype.itemsize());
    scratch_.clear();
    for (const char32_t c : internal::read_str(element, dtype.length())) internal::append_utf8(scratch_, c);
    return scratch_;
  }

  const WriteCsvOptions& options_;
  std::string scratch_{};
};

std::vector<Column> columns_of(const Array& array) {
  std::vector<Column> columns;
  const bool structured = array.dtype().is_structured();
  if (array.ndim() < 1 || array.ndim() > (structured ? 1 : 2)) {
    throw Error(ErrorCode::NotSupported, "an array of shape " + array.shape().str() + " and dtype " +
                                             array.dtype().to_string() + " is no table; CSV takes one axis" +
                                             (structured ? "" : ", or two") + ": reshape it, or write .npy");
  }
  if (!structured) {
    const std::int64_t count = array.ndim() == 2 ? array.shape(1) : 1;
    for (std::int64_t i = 0; i < count; ++i)
      columns.push_back({array.dtype(), array.ndim() == 2 ? i * array.strides()[1] : 0});
  }
  for (const Field& field : array.dtype().fields()) {
    if (field.dtype.is_structured() || !field.shape.empty()) {
      throw Error(ErrorCode::NotSupported, "field '" + internal::printable(field.name) +
                                               "' is nested or a sub-array, which CSV cannot hold; "
                                               "write .npy, or the fields apart");
    }
    columns.push_back({field.dtype, field.offset});
  }
  return columns;
}

std::vector<std::string> names_of(const Array& array, const WriteCsvOptions& options, std::size_t columns) {
  if (!options.header) return {};
  std::vector<std::string> names = options.names;
  if (names.empty()) {
    for (const Field& field : array.dtype().fields()) names.push_back(field.name);
  }
  if (!names.empty() && names.size() != columns) {
    throw Error(ErrorCode::Usage, std::to_string(names.size()) + " names for " + std::to_string(columns) + " columns");
  }
  return names;
}

void check_dialect(const WriteCsvOptions& options) {
  const auto bad = [](char c) {
    return c == '\0' || c == '\n' || c == '\r' || (static_cast<unsigned char>(c) & 0x80U) != 0;
  };
  if (bad(options.delimiter) || bad(options.quote) || options.delimiter == options.quote) {
    throw Error(ErrorCode::Usage, "delimiter and quote of a CSV file are two different ASCII characters, no line ends");
  }
}

void flush(Sink& sink, std::string& out) {
  sink.write(std::as_bytes(std::span(out.data(), out.size())));
  out.clear();
}

}  // namespace

void write_csv(Sink& sink, const Array& array, const WriteCsvOptions& options) {
  check_dialect(options);
  const auto columns = columns_of(array);
  const auto names = names_of(array, options, columns.size());
  RowWriter writer(options);
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    writer.append_text(out, names[i]);
    out += i + 1 == names.size() ? '\n' : options.delimiter;
  }
  const std::int64_t rows = columns.empty() ? 0 : array.shape(0);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::byte* const item = array.data() + row * array.strides()[0];
    for (std::size_t i = 0; i < columns.size(); ++i) {
      writer.append(out, columns[i], item + columns[i].offset);
      out += i + 1 == columns.size() ? '\n' : options.delimiter;
    }
    if (out.size() < kFlushBytes) continue;
    flush(sink, out);
    if (options.progress) options.progress(array.nbytes() / rows * (row + 1), array.nbytes());
  }
  flush(sink, out);
}

void write_csv(const std::string& path, const Array& array, const WriteCsvOptions& options) {
  const auto sink = open_sink(path);
  write_csv(*sink, array, options);
  sink->finish();
}

}  // namespace ndshare
