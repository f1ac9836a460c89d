// CsvScan::Text: the text that was scanned and what the second pass over it needs.
#pragma once

#include <ndshare/csv.h>

#include "lib/io/csv_guess.h"
#include "lib/io/csv_records.h"
#include "lib/io/file.h"
#include "lib/io/growing_buffer.h"

#include <optional>
#include <string>
#include <vector>

namespace ndshare {

struct CsvScan::Text {
  internal::UniqueFd file{};  ///< a regular file, read again; the descriptor keeps it even if the name is replaced
  internal::GrowingBuffer memory{};  ///< otherwise: all of the text
  internal::CsvOrigin origin{};
  internal::CsvDialect dialect{};
  std::vector<std::string> missing_texts{};
  std::optional<std::string> missing{};
  bool header = false;
  std::vector<internal::CsvPlace> places{};  ///< where each chunk begins, and the end; headers are before the first
  std::size_t columns = 0;                   ///< in the text; some may not be wanted
  std::vector<std::size_t> from{};           ///< column of the text for each column of the result
};

namespace internal {

/// How messages name a column: "column 2 'delay'".
std::string column_label(std::size_t column, std::string_view name);

/// The default name of a column, as NumPy's: f0, f1, …
std::string default_name(std::size_t column);

/// Fails for a record with another number of fields than the first.
[[noreturn]] void ragged(const CsvScan::Text& text, std::int64_t line, std::size_t fields);

/// Dtype, shape, columns and `from` for a dtype that was given.   Errors: Usage, NotSupported.
void apply_given_dtype(CsvScan& scan, CsvScan::Text& text, const std::vector<std::string>& names, const DType& dtype);

/// Dtype from columns that were inferred.   Errors: Format for repeated names.
DType combined_dtype(const CsvScan& scan, bool named, const std::string& file);

}  // namespace internal
}  // namespace ndshare
