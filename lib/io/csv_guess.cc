#include "lib/io/csv_guess.h"

#include "lib/base/text.h"
#include "lib/io/utf8.h"

#include <algorithm>
#include <charconv>

namespace ndshare::internal {
namespace {

std::string_view noun(ValueKind kind) {
  switch (kind) {
    case ValueKind::boolean:
      return "truth value";
    case ValueKind::integer:
      return "integer";
    case ValueKind::real:
      return "number";
    default:
      return "date";
  }
}

bool is_integer_text(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

template <class T>
bool fits(std::string_view text) {
  if (text.front() == '+') text.remove_prefix(1);
  T value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

bool is_number(ValueKind kind) { return kind == ValueKind::integer || kind == ValueKind::real; }

}  // namespace

ValueKind ColumnGuess::classify(std::string_view text, DateReader& dates) {
  if (is_integer_text(text)) return ValueKind::integer;
  if (real_value(text)) return ValueKind::real;
  if (truth_value(text)) return ValueKind::boolean;
  return dates.unit_of(text) ? ValueKind::date : ValueKind::text;
}

bool ColumnGuess::feed(std::string_view text, std::int64_t line, const MissingTexts& missing) {
  if (text.size() > longest_) {  // bytes are at least as many as characters
    const auto count = utf8_count(text);
    if (!count) return false;
    longest_ = std::max(longest_, *count);
  }
  const std::string_view value = trimmed(text);
  if (missing.contains(value)) {
    if (missing_++ == 0) first_missing_ = line;
  } else if (kind_ != ValueKind::text && !take_usual(value)) {
    take(value, line);
  }
  return true;
}

template <class Usual>
std::size_t ColumnGuess::feed_while(const CsvColumnFields& column, std::size_t from, const MissingTexts& missing,
                                    Usual&& usual) const {
  std::size_t row = from;
  for (; row < column.rows; ++row) {
    const CsvField& field = column[row];
    std::string_view text = field.raw();
    if (field.escaped || text.empty() || text.size() > longest_) break;
    if (missing.may_begin(text.front())) {
      text = trimmed(text);
      if (missing.contains(text)) break;
    }
    if (!usual(text)) break;
  }
  return row - from;
}

std::size_t ColumnGuess::feed_usual(const CsvColumnFields& column, std::size_t from, const MissingTexts& missing) {
  if (kind_ == ValueKind::text) return feed_while(column, from, missing, [](std::string_view) { return true; });
  if (kind_ == ValueKind::integer) {
    bool negative = negative_;
    const std::size_t count = feed_while(column, from, missing, [&](std::string_view text) {
      const bool minus = text.front() == '-';
      const std::size_t digits = text.size() - (minus ? 1 : 0);
      if (digits - 1 >= 8) {  // none, or many
        const auto value = short_integer(text);
        negative = negative || (value && *value < 0);
        return value.has_value();
      }
      const bool right = are_digits(text.data() + text.size() - digits, digits);
      negative = negative || (right && minus);
      return right;
    });
    negative_ = negative;
    return count;
  }
  if (kind_ != ValueKind::real && kind_ != ValueKind::date) return 0;
  return feed_while(column, from, missing, [&](std::string_view text) { return take_usual(text); });
}

ColumnGuess ColumnGuess::for_a_part() const {
  ColumnGuess part = *this;
  part.missing_ = part.first_missing_ = 0;
  return part;
}

bool ColumnGuess::can_join(const ColumnGuess& part) const noexcept {
  if (kind_ == ValueKind::text) return true;  // whatever comes
  if (kind_ == ValueKind::real && is_number(part.kind_)) return true;
  return part.kind_ == kind_ && (kind_ != ValueKind::none || part.nat_line_ == nat_line_);
}

void ColumnGuess::join(const ColumnGuess& part, std::int64_t lines) {
  negative_ = negative_ || part.negative_;
  over_int64_ = over_int64_ || part.over_int64_;
  over_uint64_ = over_uint64_ || part.over_uint64_;
  unit_ = std::max(unit_, part.unit_);
  longest_ = std::max(longest_, part.longest_);
  if (missing_ == 0 && part.missing_ != 0) first_missing_ = part.first_missing_ + lines;
  missing_ += part.missing_;
}

/// The short way for a value like those before it.
bool ColumnGuess::take_usual(std::string_view text) {
  if (kind_ == ValueKind::integer) {
    const auto value = short_integer(text);
    if (value) negative_ = negative_ || *value < 0;
    return value.has_value();
  }
  if (kind_ == ValueKind::real) return real_value(text).has_value();
  if (kind_ != ValueKind::date) return false;
  const auto unit = dates_.unit_of(text);
  if (unit) unit_ = std::max(unit_, *unit);
  return unit.has_value();
}

void ColumnGuess::take(std::string_view text, std::int64_t line) {
  if (text == "NaT" && (kind_ == ValueKind::date || kind_ == ValueKind::none)) {
    if (kind_ == ValueKind::none && nat_line_ == 0) nat_line_ = line;  // a date, if what follows is one
    return;
  }
  ValueKind kind = classify(text, dates_);
  if (kind == ValueKind::integer) take_integer(text);
  if (kind == ValueKind::date) unit_ = std::max(unit_, *dates_.unit_of(text));
  if (kind_ == ValueKind::none && nat_line_ != 0 && kind != ValueKind::date) {
    kind_ = kind = ValueKind::text;
    text_why_ = "line " + std::to_string(nat_line_) + ": 'NaT' is a date, line " + std::to_string(line) + ": '" +
                printable(text.substr(0, 40)) + "' is none";
  } else if (kind_ == ValueKind::none || (is_number(kind_) && kind == ValueKind::real)) {
    kind_ = kind;
    if (kind == ValueKind::text)
      text_why_ = "line " + std::to_string(line) + " is text: '" + printable(text.substr(0, 40)) + "'";
  } else if (kind != kind_ && !(kind_ == ValueKind::real && kind == ValueKind::integer)) {
    text_why_ = "line " + std::to_string(line) + ": '" + printable(text.substr(0, 40)) + "' is no " +
                std::string(noun(kind_)) + ", as the values before it are";
    kind_ = ValueKind::text;
  }
}

void ColumnGuess::take_integer(std::string_view text) {
  negative_ = negative_ || text.front() == '-';
  over_int64_ = over_int64_ || !fits<std::int64_t>(text);
  over_uint64_ = over_uint64_ || (text.front() != '-' && !fits<std::uint64_t>(text));
}

DType ColumnGuess::dtype() const {
  const bool no_integer = over_uint64_ || (over_int64_ && negative_);
  switch (kind_) {
    case ValueKind::boolean:
      return bool_;
    case ValueKind::integer:
      if (!no_integer) return over_int64_ ? uint64 : int64;
      break;
    case ValueKind::date:
      return DType::datetime64(unit_);
    case ValueKind::none:
      if (nat_line_ == 0) return float64;
      break;
    case ValueKind::real:
      return float64;
    case ValueKind::text:
      break;
  }
  return DType::str(static_cast<std::int64_t>(std::max<std::size_t>(longest_, 1)));
}

CsvColumn ColumnGuess::result(std::string name) const {
  CsvColumn column{std::move(name), dtype(), {}, missing_};
  switch (kind_) {
    case ValueKind::none:
      column.why = nat_line_ == 0 ? "no row has a value" : "every value is NaT, of no unit";
      break;
    case ValueKind::boolean:
      column.why = "every value is true or false";
      break;
    case ValueKind::integer:
      column.why = column.dtype.is_text() ? "integers that 64 bits cannot hold" : "every value is an integer";
      if (column.dtype == uint64) column.why += ", some over 2^63-1";
      break;
    case ValueKind::real:
      column.why = "every value is a number";
      break;
    case ValueKind::date:
      column.why = "every value is a date, none finer than this unit";
      break;
    case ValueKind::text:
      column.why = text_why_ + "; the longest has " + std::to_string(longest_) + " characters";
      break;
  }
  return column;
}

}  // namespace ndshare::internal
