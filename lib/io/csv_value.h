// One CSV field: what kind of value its text is, and its bytes as an element of a dtype.
// REQUIRES, for all texts here: kCsvSlack readable bytes behind them.
#pragma once

#include <ndshare/dtype.h>

#include "lib/io/csv_missing.h"
#include "lib/io/csv_records.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace ndshare::internal {

/// Without spaces and tabs at its ends.
inline std::string_view trimmed(std::string_view text) noexcept {
  const auto space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

/// The truth values that are inferred: true, false, True, False, TRUE, FALSE.
std::optional<bool> truth_value(std::string_view text) noexcept;
/// A decimal number, "inf" or "nan" (any case), rounded correctly; too large or small becomes inf or 0, as in Python.
std::optional<double> real_value(std::string_view text) noexcept;
std::optional<float> real_value_float(std::string_view text) noexcept;

/// Dates in the forms that nearly all files have ("2001-01-01", "2001-01-01T00:01", "2001-01-01 00:01:02"), with a
/// memory of the last month; others go through `parse_datetime`.   Threads: one each.
class DateReader {
 public:
  /// The coarsest unit that keeps `text`; nothing for what is no date. "NaT" is not one here.
  std::optional<TimeUnit> unit_of(std::string_view text);
  /// The count in `unit`; nothing when it is no date, is finer than the unit or does not fit.
  std::optional<std::int64_t> count_of(std::string_view text, TimeUnit unit, std::int32_t multiple);
  /// The count where the text is such a usual one, of a unit down to ns; false says nothing.
  bool usual_count(std::string_view text, TimeUnit unit, std::int64_t& count);

 private:
  struct Moment {
    std::int64_t days = 0, seconds = 0;  ///< since 1970-01-01, and of the day
    TimeUnit precision = TimeUnit::D;
  };
  bool read(std::string_view text, Moment& moment);
  bool find_month(int year, int month);

  int year_ = -1, month_ = 0;     ///< the last one looked up
  std::uint64_t month_text_ = 0;  ///< "2001-01-", of that month; 0: none
  std::int64_t month_start_ = 0;  ///< days since 1970-01-01
  int month_days_ = 0;
};

/// Writes the value of a field's text into an element.
///   Dtypes: all but structured.   Threads: one each.
class ValueParser {
 public:
  explicit ValueParser(const DType& dtype);
  /// False, leaving the element unspecified, when `text` is no value of the dtype (or does not fit it).
  bool parse(std::string_view text, std::byte* element) { return (this->*parse_)(text, element); }
  /// Writes the values of a column from `from` on into elements `stride` bytes apart, the first at `element`, up to one
  /// that is missing, quoted in quotes, or none; returns how many.
  std::size_t parse_usual(const CsvColumnFields& column, std::size_t from, const MissingTexts& missing,
                          std::byte* element, std::int64_t stride) {
    return (this->*parse_usual_)(column, from, missing, element, stride);
  }
  [[nodiscard]] const DType& dtype() const noexcept { return dtype_; }

 private:
  using Method = bool (ValueParser::*)(std::string_view, std::byte*);
  using UsualMethod = std::size_t (ValueParser::*)(const CsvColumnFields&, std::size_t, const MissingTexts&, std::byte*,
                                                   std::int64_t);
  struct Methods {
    Method one;
    UsualMethod many;
  };
  template <auto kParse>
  static Methods methods() {
    return {kParse, &ValueParser::parse_while<kParse>};
  }
  static Methods methods_of(const DType& dtype);
  template <auto kParse>
  std::size_t parse_while(const CsvColumnFields& column, std::size_t from, const MissingTexts& missing,
                          std::byte* element, std::int64_t stride);
  template <class T>
  bool parse_integer(std::string_view text, std::byte* element);
  template <class T>
  bool parse_any_integer(std::string_view text, std::byte* element);
  template <class T>
  bool parse_real(std::string_view text, std::byte* element);
  template <class T>
  bool parse_complex(std::string_view text, std::byte* element);
  bool parse_bool(std::string_view text, std::byte* element);
  bool parse_bytes(std::string_view text, std::byte* element);
  bool parse_str(std::string_view text, std::byte* element);
  bool parse_datetime64(std::string_view text, std::byte* element);
  bool parse_timedelta64(std::string_view text, std::byte* element);

  DType dtype_;
  Method parse_;
  UsualMethod parse_usual_;
  DateReader dates_{};
  std::size_t itemsize_ = 0;
  TimeUnit unit_ = TimeUnit::generic;  ///< of a datetime64
  std::int32_t multiple_ = 0;
};

}  // namespace ndshare::internal
