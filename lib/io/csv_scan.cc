// The first pass over a CSV text: header, columns, dtypes, rows.
#include "lib/io/csv_text.h"

#include "lib/base/text.h"
#include "lib/exec/parallel.h"
#include "lib/io/csv_chunks.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ndshare {
namespace {

using internal::ColumnGuess;
using internal::CsvPlace;
using internal::CsvRecords;
using internal::format_error;

constexpr std::int64_t kFirstRead = std::int64_t{64} << 10;  ///< bytes of a pipe: most texts are small

/// What a thread found in a chunk of the text.
struct Part {
  CsvPlace begin{}, end{};  ///< lines count from 1 at `begin`, rows from 0
  std::int64_t stop = 0;    ///< bytes from the start of the text to the next chunk's nominal start
  bool failed = false;
  std::vector<ColumnGuess> guesses{};
};

void check_options(const CsvOptions& options) {
  const char d = options.delimiter, q = options.quote, c = options.comment;
  const auto bad = [](char x) { return x == '\n' || x == '\r'; };
  const bool same = d == q || (q != '\0' && q == c) || d == c;
  if (d == '\0' || bad(d) || bad(q) || bad(c) || same || (static_cast<unsigned char>(d | q | c) & 0x80U) != 0) {
    throw Error(ErrorCode::Usage,
                "delimiter, quote and comment of a CSV file are three different ASCII characters, no line ends, "
                "and there is always a delimiter");
  }
}

bool looks_like_header(const CsvRecords& records) {
  internal::DateReader dates;
  std::string scratch;
  for (const auto& field : records.fields()) {
    const std::string_view text = internal::trimmed(records.text(field, scratch));
    if (text.empty() || ColumnGuess::classify(text, dates) != internal::ValueKind::text) return false;
  }
  return true;
}

/// The pass itself.
class Scanner {
 public:
  Scanner(std::shared_ptr<CsvScan::Text> text, const CsvOptions& options)
      : text_(std::move(text)),
        options_(options),
        records_(text_->origin, text_->dialect),
        missing_(text_->missing_texts) {}

  CsvScan run() {
    records_.start({});
    if (!records_.next())
      format_error(text_->origin.name,
                   "no rows: the file is empty" +
                       std::string(text_->origin.bytes > 0 ? " but for blank lines and comments" : ""));
    read_names();
    if (!options_.dtype) guesses_.resize(text_->columns);
    if (text_->header) at_ = records_.place();
    // One chunk first: the others then know what the columns are like.
    for (bool more = read_chunks(1); more;) more = read_chunks(internal::csv_chunks_at_once());
    text_->places.push_back(at_);
    scan_.rows = at_.row;
    finish();
    return std::move(scan_);
  }

 private:
  void read_names() {
    const auto fields = records_.fields();
    text_->columns = fields.size();
    text_->header = options_.header == CsvHeader::present ||
                    (options_.header == CsvHeader::automatic && looks_like_header(records_));
    scan_.header = text_->header || !options_.names.empty();
    if (!options_.names.empty() && options_.names.size() != fields.size()) {
      throw Error(ErrorCode::Usage, std::to_string(options_.names.size()) + " names are given, " + text_->origin.name +
                                        " has " + std::to_string(fields.size()) + " columns");
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      std::string name = internal::default_name(i);
      if (!options_.names.empty()) {
        name = options_.names[i];
      } else if (text_->header) {
        const std::string_view text = internal::trimmed(records_.text(fields[i], scratch_));
        if (!text.empty()) name = std::string(text);
      }
      names_.push_back(std::move(name));
    }
  }

  /// Reads up to `count` chunks from `at_`; false when they were the last.
  bool read_chunks(std::size_t count) {
    const std::int64_t chunk = internal::csv_chunk_bytes(), first = at_.offset / chunk;
    const std::int64_t left = std::max<std::int64_t>((text_->origin.bytes + chunk - 1) / chunk - first, 1);
    const bool last = left <= static_cast<std::int64_t>(count);
    parts_.resize(last ? static_cast<std::size_t>(left) : count);
    internal::parallel_blocks(parts_.size(), 0, [&](std::size_t i) {
      const std::int64_t start = (first + static_cast<std::int64_t>(i)) * chunk;
      parts_[i].stop = last && i + 1 == parts_.size() ? CsvRecords::kToTheEnd : start + chunk;
      read_part(parts_[i], i == 0 ? 0 : start);
    });
    for (const Part& part : parts_) join(part);
    if (options_.progress) options_.progress(std::min(at_.offset, text_->origin.bytes), 2 * text_->origin.bytes);
    return !last;
  }

  /// Reads a part that begins near `start`, or, for 0, where the text read so far ends.
  void read_part(Part& part, std::int64_t start) {
    part.failed = false;
    part.guesses.clear();
    for (const ColumnGuess& guess : guesses_) part.guesses.push_back(guess.for_a_part());
    auto records = spares_.take([&] { return std::make_unique<CsvRecords>(text_->origin, text_->dialect); });
    try {
      start == 0 ? records->start({at_.offset, 1, 0}, part.stop)
                 : records->start_near(start, part.stop, text_->columns);
      part.begin = start == 0 ? at_ : records->place();
      const std::int64_t rows = feed(*records, part.guesses);
      part.end = records->place();
      part.end.row = rows;
    } catch (const Error&) {  // reported when it is known that the text before is right
      part.failed = true;
    }
    spares_.give(std::move(records));
  }

  /// Adds what a part has to all that comes before it.
  void join(const Part& part) {
    if (at_.offset >= part.stop) return;  // one record was longer than the part
    text_->places.push_back(at_);
    bool alike = !part.failed && part.begin.offset == at_.offset;
    for (std::size_t i = 0; i < guesses_.size() && alike; ++i) alike = guesses_[i].can_join(part.guesses[i]);
    if (alike) {
      for (std::size_t i = 0; i < guesses_.size(); ++i) guesses_[i].join(part.guesses[i], at_.line - 1);
      at_ = {part.end.offset, at_.line + part.end.line - 1, at_.row + part.end.row};
      return;
    }
    records_.start(at_, part.stop);
    const std::int64_t rows = at_.row + feed(records_, guesses_);
    at_ = records_.place();
    at_.row = rows;
  }

  /// Counts the records that are left, and feeds them where the dtype is inferred.
  std::int64_t feed(CsvRecords& records, std::vector<ColumnGuess>& guesses) const {
    std::int64_t count = 0;
    for (;;) {
      if (guesses.empty()) count += records.skip_plain_rows(text_->columns);
      const std::size_t rows = records.next_rows(text_->columns);
      if (rows == 0) return count;
      const auto fields = records.fields();
      if (fields.size() != rows * text_->columns) internal::ragged(*text_, records.line(0), fields.size());
      std::size_t right = rows, wrong_column = 0;
      for (std::size_t i = 0; i < guesses.size(); ++i) {
        const std::size_t fed = feed_column(records, {fields.data() + i, guesses.size(), rows}, guesses[i]);
        if (fed >= right) continue;
        right = fed;
        wrong_column = i;
      }
      if (right != rows) not_utf8(records.line(right), wrong_column);
      count += static_cast<std::int64_t>(rows);
    }
  }

  /// The rows before the first that is not UTF-8.
  std::size_t feed_column(const CsvRecords& records, const internal::CsvColumnFields& column,
                          ColumnGuess& guess) const {
    std::string scratch;
    for (std::size_t row = 0;; ++row) {
      row += guess.feed_usual(column, row, missing_);
      if (row == column.rows || !guess.feed(records.text(column[row], scratch), records.line(row), missing_))
        return row;
    }
  }

  [[noreturn]] void not_utf8(std::int64_t line_number, std::size_t column) const {
    const std::string line = std::to_string(line_number);
    format_error(text_->origin.name,
                 "line " + line + ", " + internal::column_label(column, names_[column]) + ": the text is not UTF-8",
                 {{"line", line}, {"column", std::to_string(column + 1)}});
  }

  void finish() {
    if (options_.dtype) {
      internal::apply_given_dtype(scan_, *text_, names_, *options_.dtype);
    } else {
      for (std::size_t i = 0; i < guesses_.size(); ++i) finish_column(i);
      scan_.dtype = internal::combined_dtype(scan_, scan_.header, text_->origin.name);
    }
    const auto columns = static_cast<std::int64_t>(scan_.columns.size());
    scan_.shape = Shape{scan_.rows};
    if (!scan_.dtype.is_structured() && columns > 1) scan_.shape = Shape{scan_.rows, columns};
    scan_.text_bytes = text_->origin.bytes;
    if (options_.progress) options_.progress(scan_.text_bytes, 2 * scan_.text_bytes);
    scan_.text = std::move(text_);
  }

  void finish_column(std::size_t i) {
    ColumnGuess& guess = guesses_[i];
    const internal::MissingTexts nothing({});
    const std::int64_t missing = guess.missing(), line = guess.first_missing_line();
    // The value that stands in for missing ones must fit the column as any other.
    if (missing > 0 && options_.missing) guess.feed(internal::with_slack(*options_.missing), line, nothing);
    text_->from.push_back(i);
    scan_.columns.push_back(guess.result(names_[i]));
    scan_.columns.back().missing = missing;
    const DType& dtype = scan_.columns.back().dtype;
    if (missing == 0 || options_.missing || !(dtype.is_integer() || dtype.is_bool())) return;
    format_error(
        text_->origin.name,
        "line " + std::to_string(line) + ", " + internal::column_label(i, names_[i]) + ": no value, and " +
            dtype.name() + " has none for that (" + std::to_string(missing) + " of " + std::to_string(scan_.rows) +
            " rows); give a value for missing ones (--missing) or a float dtype",
        {{"line", std::to_string(line)}, {"column", std::to_string(i + 1)}, {"missing", std::to_string(missing)}});
  }

  std::shared_ptr<CsvScan::Text> text_;
  const CsvOptions& options_;
  CsvRecords records_;
  internal::Spares<CsvRecords> spares_{};
  std::vector<Part> parts_{};
  CsvPlace at_{};  ///< all before it has been read
  internal::MissingTexts missing_;
  CsvScan scan_{};
  std::vector<std::string> names_{};
  std::vector<ColumnGuess> guesses_{};
  std::string scratch_{};
};

std::shared_ptr<CsvScan::Text> make_text(const CsvOptions& options, std::string name) {
  check_options(options);
  auto text = std::make_shared<CsvScan::Text>();
  text->dialect = {options.delimiter, options.quote, options.comment};
  text->missing_texts = options.missing_texts;
  text->missing = options.missing;
  text->origin.name = std::move(name);
  return text;
}

CsvScan scan_in_memory(Source& source, const CsvOptions& options) {
  auto text = make_text(options, source.name());
  internal::GrowingBuffer& memory = text->memory;
  constexpr auto kSlack = static_cast<std::int64_t>(internal::kCsvSlack);
  std::int64_t used = 0;
  for (;;) {
    if (memory.capacity() < used + kFirstRead + kSlack) memory.reserve(2 * used + kFirstRead + kSlack);
    const std::int64_t room = std::min<std::int64_t>(memory.capacity() - used - kSlack, internal::kBlockBytes);
    const std::size_t n = source.read(memory.data() + used, static_cast<std::size_t>(room));
    if (n == 0) break;
    used += static_cast<std::int64_t>(n);
    if (options.progress) options.progress(used, -1);
  }
  std::memset(memory.data() + used, '\n', internal::kCsvSlack);
  text->origin.memory = {reinterpret_cast<const char*>(memory.data()), static_cast<std::size_t>(used)};
  text->origin.bytes = used;
  return Scanner(std::move(text), options).run();
}

}  // namespace

CsvScan scan_csv(Source& source, const CsvOptions& options) { return scan_in_memory(source, options); }

CsvScan scan_csv(const std::string& path, const CsvOptions& options) {
  if (path != "-") {
    auto text = make_text(options, path);
    text->file = internal::open_to_read(path);
    if (const auto length = internal::regular_length(text->file.get(), path)) {
      text->origin.fd = text->file.get();
      text->origin.bytes = *length;
      return Scanner(std::move(text), options).run();
    }
    return scan_in_memory(*descriptor_source(text->file.get(), path), options);
  }
  return scan_in_memory(*open_source(path), options);
}

std::string CsvScan::report() const {
  std::string out;
  for (const CsvColumn& column : columns) {
    out += internal::printable(column.name) + ": " + column.dtype.to_string() + " (" + column.why;
    if (column.missing > 0) out += "; " + std::to_string(column.missing) + " missing";
    out += ")\n";
  }
  return out;
}

}  // namespace ndshare
