// CSV: text tables into arrays and back. Every dtype that was inferred is reported; nothing is guessed in silence.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/source.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ndshare {

/// For `.dtype`: work it out from all rows.
inline constexpr std::nullopt_t infer = std::nullopt;

/// Whether the first row has names.
enum class CsvHeader : std::uint8_t {
  automatic,  ///< it has, when no field of it is empty or reads as a number, a truth value or a date
  present,
  absent,
};

/// How to read a CSV file.
///
/// Records end with LF, CRLF or CR; blank lines, lines that begin with `comment`, and a byte order mark are skipped.
/// Quoted fields are RFC 4180's: they may hold delimiters, line ends and doubled quotes. Text is UTF-8.
struct CsvOptions {
  /// Infer, or: a structured dtype (with a header its fields are found by name, in any order, and other columns skipped;
  /// without one, or with none of its names in the header, by position), or one dtype for all columns.
  std::optional<DType> dtype = infer;
  char delimiter = ',';
  char quote = '"';      ///< 0: none
  char comment = '\0';   ///< 0: none
  CsvHeader header = CsvHeader::automatic;
  std::vector<std::string> names{};  ///< column names, in place of the header's
  /// Fields that stand for no value (the empty one always does). A missing value is NaN in float and complex columns, NaT in
  /// time columns, and the text itself in text columns; in integer and bool columns it is an error ...
  std::vector<std::string> missing_texts = {"NA", "N/A", "null", "NULL"};
  /// ... unless this gives the text of the value to use in its place, in every column that is not text.
  std::optional<std::string> missing{};
  Progress progress{};  ///< bytes of text; a file is passed over twice, both passes count
};

/// One column, and why it has its dtype.
struct CsvColumn {
  std::string name;
  DType dtype;
  std::string why;           ///< "every value is an integer", "given", "line 7: 'abc' is no number"
  std::int64_t missing = 0;  ///< fields without a value (counted when inferring)
};

/// What is in a CSV file: everything that is needed to make the array before it is read.
struct CsvScan {
  /// Structured when the file has a header (or names), even for one column or columns alike; otherwise one dtype where all
  /// columns agree, else structured with fields f0, f1, …
  DType dtype;
  Shape shape;  ///< (rows,) when structured or of one column, else (rows, columns)
  std::int64_t rows = 0;
  std::vector<CsvColumn> columns{};
  bool header = false;           ///< the first row has names
  std::int64_t text_bytes = 0;

  /// The report: one line a column, "delay: int64 (every value is an integer)".
  [[nodiscard]] NDSHARE_API std::string report() const;

  struct Text;  ///< the text, and how to go over it again
  std::shared_ptr<const Text> text{};
};

/// Goes over a CSV file ("-": standard input) once: column names, dtypes, rows. Inferred are, in this order: bool (true, false),
/// int64, uint64, float64, datetime64 of the coarsest unit that keeps every value (ISO 8601), else U<longest>. Integers that
/// fit no 64 bits stay text; a column without any value is float64.
///   Memory: files are read in blocks, a pipe is kept whole in memory.
///   Errors: Format with line and column: ragged lines (fields expected, fields there), an open quote, broken UTF-8, a missing
///   integer, repeated names; Io; DType, Usage for a dtype that does not fit the columns, NotSupported for nested fields.
[[nodiscard]] NDSHARE_API CsvScan scan_csv(const std::string& path, const CsvOptions& options = {});
/// The same over any source; its text is kept in memory.
[[nodiscard]] NDSHARE_API CsvScan scan_csv(Source& source, const CsvOptions& options = {});

/// Reads what was scanned into `destination`, whatever its strides.
///   Shapes: destination has scan.shape and scan.dtype.   Errors: DtypeMismatch, ShapeMismatch, ReadOnly; Format with line and
///   column for a field that is no value of its column (its text, name and number; the way out), text too long for its
///   column, a file that changed meanwhile; Io. After an error the destination's content is unspecified.
NDSHARE_API void read_csv_into(const CsvScan& scan, const Array& destination, const Progress& progress = {});

/// Reads a CSV file ("-": standard input) into a new heap array.   Errors: as `scan_csv` and `read_csv_into`; Memory.
[[nodiscard]] NDSHARE_API Array read_csv(const std::string& path, const CsvOptions& options = {});
[[nodiscard]] NDSHARE_API Array read_csv(Source& source, const CsvOptions& options = {});

struct WriteCsvOptions {
  char delimiter = ',';
  char quote = '"';
  bool header = true;                ///< names first, where there are any
  std::vector<std::string> names{};  ///< of the columns; default: the fields' names, none for other dtypes
  Progress progress{};               ///< bytes of the array
};

/// Writes an array as CSV: a structured one (one axis) a field a column, others of one axis as one column, of two as rows.
/// Floats have the shortest digits that read back the same; fields are quoted where RFC 4180 asks for it; lines end with LF.
///   Errors: NotSupported for other shapes and for nested or sub-array fields, Usage for a wrong number of names; Io.
NDSHARE_API void write_csv(const std::string& path, const Array& array, const WriteCsvOptions& options = {});
NDSHARE_API void write_csv(Sink& sink, const Array& array, const WriteCsvOptions& options = {});

}  // namespace ndshare
