// Rows of an array as CSV text, with quotes where RFC 4180 asks for them.
#pragma once

#include <ndshare/dtype.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare::internal {

/// A column that is written.
struct CsvOutColumn {
  DType dtype;
  std::int64_t offset = 0;  ///< bytes from the start of a row
};

/// Threads: one each.
class CsvFormatter {
 public:
  /// REQUIRES: `columns` outlive it, and are of no structured dtype.
  CsvFormatter(const std::vector<CsvOutColumn>& columns, char delimiter, char quote);

  /// Appends `rows` lines; rows are `stride` bytes apart.
  void append_rows(std::string& out, const std::byte* row, std::int64_t stride, std::int64_t rows);
  /// Appends one text, quoted where that is needed.
  void append_text(std::string& out, std::string_view text) const;

 private:
  /// Writes an element's text at `to` and returns its end; nullptr, for `append` to do it, where it is no usual one.
  using Put = char* (CsvFormatter::*)(const std::byte* element, std::int64_t itemsize, char* to);
  struct Plan {
    std::int64_t offset, itemsize;
    std::size_t room;  ///< bytes that `put` may write
    Put put;
  };
  [[nodiscard]] Put put_of(const DType& dtype) const;
  template <class T>
  char* put_number(const std::byte* element, std::int64_t itemsize, char* to);
  template <TimeUnit kUnit>
  char* put_date(const std::byte* element, std::int64_t itemsize, char* to);
  template <class Character>
  char* put_text(const std::byte* element, std::int64_t itemsize, char* to);
  char* put_other(const std::byte*, std::int64_t, char*) { return nullptr; }

  void append(std::string& out, const DType& dtype, const std::byte* element);
  static void append_number(std::string& out, TypeId id, const std::byte* element);
  std::string_view text_of(const DType& dtype, const std::byte* element);

  const std::vector<CsvOutColumn>& columns_;
  char delimiter_, quote_;
  std::vector<Plan> plans_{};
  std::size_t row_room_ = 0;
  std::array<bool, 128> plain_{};    ///< characters that need no quotes
  std::int64_t day_ = INT64_MIN;     ///< the last one written,
  std::array<char, 10> day_text_{};  ///< and its text
  std::string scratch_{};
};

}  // namespace ndshare::internal
