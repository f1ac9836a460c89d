// Works out the dtype of one CSV column from all of its values; the result does not depend on their order.
#pragma once

#include <ndshare/csv.h>

#include "lib/io/csv_missing.h"
#include "lib/io/csv_value.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ndshare::internal {

/// What one text could be by itself.
enum class ValueKind : std::uint8_t { none, boolean, integer, real, date, text };

/// One column as far as it has been seen.
class ColumnGuess {
 public:
  /// Takes the next field.   REQUIRES: `missing` is the same at every call; kCsvSlack readable bytes behind `text`.
  /// Errors: Format for broken UTF-8 is the caller's: false says so.
  bool feed(std::string_view text, std::int64_t line, const MissingTexts& missing);

  /// Takes fields from the first on as long as they are like those before them; returns how many. `feed` is for the
  /// next.
  std::size_t feed_usual(const CsvColumnFields& column, std::size_t from, const MissingTexts& missing);

  /// A guess to feed with a later part of the column: it knows what this one has seen, and counts from 0.
  [[nodiscard]] ColumnGuess for_a_part() const;
  /// Whether `join(part)` gives what feeding the part's fields to this one would: none of them changes what the column
  /// is.
  [[nodiscard]] bool can_join(const ColumnGuess& part) const noexcept;
  /// Takes over what `part`, made by `for_a_part` of this guess at some time before, has seen; `lines` come before it.
  void join(const ColumnGuess& part, std::int64_t lines);

  /// The dtype for what was fed, with name, reason and count of missing values.
  [[nodiscard]] CsvColumn result(std::string name) const;
  [[nodiscard]] std::int64_t first_missing_line() const noexcept { return first_missing_; }
  [[nodiscard]] std::int64_t missing() const noexcept { return missing_; }

  /// What `text` (trimmed, not empty) is by itself.
  static ValueKind classify(std::string_view text, DateReader& dates);

 private:
  bool take_usual(std::string_view text);
  template <class Usual>
  std::size_t feed_while(const CsvColumnFields& column, std::size_t from, const MissingTexts& missing,
                         Usual&& usual) const;
  void take(std::string_view text, std::int64_t line);
  void take_integer(std::string_view text);
  [[nodiscard]] DType dtype() const;

  ValueKind kind_ = ValueKind::none;
  bool negative_ = false, over_int64_ = false, over_uint64_ = false;
  TimeUnit unit_ = TimeUnit::Y;
  std::size_t longest_ = 0;  ///< characters of the longest text, missing ones too
  std::int64_t missing_ = 0, first_missing_ = 0;
  std::int64_t nat_line_ = 0;  ///< of the first NaT, where one came before any other value
  std::string text_why_{};     ///< what made the column text
  DateReader dates_{};
};

}  // namespace ndshare::internal
