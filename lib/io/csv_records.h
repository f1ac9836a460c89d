// CSV text cut into records and fields, block by block: nothing is copied but the piece of a record at the end of a
// block.
#pragma once

#include "lib/io/csv_marks.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
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

/// A place at which a record, a blank line or a comment begins.
struct CsvPlace {
  std::int64_t offset = 0;  ///< bytes from the start of the text
  std::int64_t line = 1;
  std::int64_t row = 0;  ///< records of values before it
};

/// Where the text is: in memory, with kCsvSlack line feeds behind it, or in a regular file of this descriptor.
struct CsvOrigin {
  std::string name;  ///< for messages
  int fd = -1;       ///< −1: `memory`
  std::string_view memory{};
  bool part = false;  ///< more follows `memory`, which nobody knows
  std::int64_t bytes = 0;
};

/// One field as it stands, without its quotes.
struct CsvField {
  const char* begin;
  const char* end;
  bool escaped;  ///< has doubled quotes
  [[nodiscard]] std::string_view raw() const noexcept { return {begin, static_cast<std::size_t>(end - begin)}; }
};

/// One column of some records.
struct CsvColumnFields {
  const CsvField* first;
  std::size_t step;  ///< fields of a record
  std::size_t rows;
  const CsvField& operator[](std::size_t row) const noexcept { return first[row * step]; }
};

/// Goes over the records of a text, or of a part of it. Blank lines and comment lines are not records.
///   Errors: Format, with line and column, for a quote that is not closed or text after one; Io.
class CsvRecords {
 public:
  static constexpr std::int64_t kToTheEnd = std::numeric_limits<std::int64_t>::max();

  /// REQUIRES: `origin` outlives the reader.
  CsvRecords(const CsvOrigin& origin, const CsvDialect& dialect);

  /// Goes to `from`: `next` then gives the records that begin before the byte `stop`.
  void start(const CsvPlace& from, std::int64_t stop = kToTheEnd);
  /// Goes to the first line that begins at or behind `offset` (not 0), if that can be told: quotes may hold line ends.
  /// A guess; a record has `columns` fields as a rule. Lines count from 1 there.
  void start_near(std::int64_t offset, std::int64_t stop, std::size_t columns);

  /// Moves to the next record; false at the end.
  bool next();
  /// Moves to the next records, some at once, and returns how many; 0 at the end. All have `columns` fields, or it is
  /// one record that has not. What is wrong with a record is told when it is the first.
  std::size_t next_rows(std::size_t columns);
  /// Moves past records of `columns` fields and returns how many: as many as have no quotes, comments or the like about
  /// them, and nobody reads.
  std::int64_t skip_plain_rows(std::size_t columns);
  /// The fields of the record or records; valid until the next call.
  [[nodiscard]] std::span<const CsvField> fields() const noexcept { return {fields_.data(), count_}; }
  /// The line (from 1) on which the record begins; of the last that was looked at.
  [[nodiscard]] std::int64_t line() const noexcept { return line_; }
  /// The line on which each of the records begins.
  [[nodiscard]] std::int64_t line(std::size_t row) const noexcept { return lines_[row]; }
  /// Where the next record, blank line or comment begins; `row` is not kept.
  [[nodiscard]] CsvPlace place() const noexcept { return {base_ + (next_ - begin_), next_line_, 0}; }
  /// The field's text, with kCsvSlack bytes behind it; doubled quotes are undone in `scratch`.
  [[nodiscard]] std::string_view text(const CsvField& field, std::string& scratch) const {
    return field.escaped ? unescaped(field, scratch) : field.raw();
  }

 private:
  void read_block(std::int64_t offset, std::size_t bytes);
  void skip_mark();
  bool fill();
  void text_changed();
  bool skip_line();
  bool advance(bool may_fill);
  const char* take_plain_fields(const char* p);
  bool parse_record();
  bool parse_quoted(const char*& p);
  void push(const CsvField& field);
  std::string_view unescaped(const CsvField& field, std::string& scratch) const;
  [[nodiscard]] bool ends_field(char c) const noexcept { return c == dialect_.delimiter || c == '\n' || c == '\r'; }
  [[nodiscard]] const char* field_end(const char* p) noexcept;
  [[noreturn]] void too_many_fields() const;
  [[noreturn]] void fail(const std::string& message) const;

  const CsvOrigin& origin_;
  CsvDialect dialect_;
  int quote_, comment_;  ///< what no char is: none
  std::unique_ptr<char[]> block_{};
  std::size_t block_bytes_ = 0;   ///< room for text; the slack comes behind it
  const char* begin_ = nullptr;   ///< of the block
  const char* next_ = nullptr;    ///< of the next record
  const char* end_ = nullptr;     ///< of the block
  const char* limit_ = nullptr;   ///< no record that begins here or later
  const char* marked_ = nullptr;  ///< the 64 bytes whose line ends and delimiters are set in `marks_`
  std::uint64_t marks_ = 0;
  std::int64_t base_ = 0;  ///< bytes of text before the block
  std::int64_t stop_ = kToTheEnd;
  bool last_ = false;  ///< no text follows the block
  std::int64_t line_ = 0, next_line_ = 1, lines_in_quotes_ = 0;
  std::size_t count_ = 0, first_ = 0;  ///< fields, and where those of the last record begin
  std::vector<CsvField> fields_{};
  std::vector<std::int64_t> lines_{};
};

}  // namespace ndshare::internal
