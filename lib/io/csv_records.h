// CSV text cut into records and fields, block by block: nothing is copied but the piece of a record at the end of a
// block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare::internal {

/// The characters that matter.
struct CsvDialect {
  char delimiter = ',';
  char quote = '"';     ///< 0: none
  char comment = '\0';  ///< 0: none
};

/// Where the text is: in memory, or in a regular file of this descriptor.
struct CsvOrigin {
  std::string name;  ///< for messages
  int fd = -1;       ///< −1: `memory`
  std::string_view memory{};
  std::int64_t bytes = 0;
};

/// One field as it stands, without its quotes.
struct CsvField {
  const char* begin;
  const char* end;
  bool escaped;  ///< has doubled quotes
  [[nodiscard]] std::string_view raw() const noexcept { return {begin, static_cast<std::size_t>(end - begin)}; }
};

/// Goes over the records of a text once. Blank lines and comment lines are not records.
///   Errors: Format, with line and column, for a quote that is not closed or text after one; Io.
class CsvRecords {
 public:
  /// REQUIRES: `origin` outlives the reader.
  CsvRecords(const CsvOrigin& origin, const CsvDialect& dialect);

  /// Moves to the next record; false at the end.
  bool next();
  /// The fields of the record; valid until the next `next`.
  [[nodiscard]] std::span<const CsvField> fields() const noexcept { return fields_; }
  /// The line (from 1) on which the record begins.
  [[nodiscard]] std::int64_t line() const noexcept { return line_; }
  /// Bytes of text passed so far.
  [[nodiscard]] std::int64_t consumed() const noexcept { return base_ + (next_ - begin_); }
  /// The field's text; doubled quotes are undone in `scratch`.
  [[nodiscard]] std::string_view text(const CsvField& field, std::string& scratch) const {
    return field.escaped ? unescaped(field, scratch) : field.raw();
  }

 private:
  void skip_mark();
  bool fill();
  bool skip_line();
  bool parse_record();
  bool parse_quoted(const char*& p);
  std::string_view unescaped(const CsvField& field, std::string& scratch) const;
  [[nodiscard]] bool ends_field(char c) const noexcept { return c == dialect_.delimiter || c == '\n' || c == '\r'; }
  [[nodiscard]] const char* field_end(const char* p) const noexcept;
  [[noreturn]] void fail(const std::string& message) const;

  const CsvOrigin& origin_;
  CsvDialect dialect_;
  std::uint64_t delimiters_;  ///< the delimiter in every byte
  std::vector<char> block_{};
  const char* begin_ = nullptr;  ///< of the block
  const char* next_ = nullptr;   ///< of the next record
  const char* end_ = nullptr;    ///< of the block
  std::int64_t base_ = 0;        ///< bytes of text before the block
  bool last_ = false;            ///< no text follows the block
  std::int64_t line_ = 0, next_line_ = 1, lines_in_quotes_ = 0;
  std::vector<CsvField> fields_{};
};

}  // namespace ndshare::internal
