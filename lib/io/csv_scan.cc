// The first pass over a CSV text: header, columns, dtypes, rows.
#include "lib/io/csv_text.h"

#include "lib/base/text.h"

#include <algorithm>

namespace ndshare {
namespace {

using internal::ColumnGuess;
using internal::CsvRecords;
using internal::format_error;

constexpr std::int64_t kProgressBytes = std::int64_t{1} << 20;
constexpr std::size_t kFirstRead = std::size_t{64} << 10;  ///< bytes of a pipe: most texts are small

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
    if (!records_.next())
      format_error(text_->origin.name,
                   "no rows: the file is empty" +
                       std::string(text_->origin.bytes > 0 ? " but for blank lines and comments" : ""));
    read_names();
    const bool inferring = !options_.dtype;
    if (inferring) guesses_.resize(text_->columns);
    bool more = text_->header ? records_.next() : true;
    for (; more; more = records_.next()) {
      if (records_.fields().size() != text_->columns)
        internal::ragged(*text_, records_.line(), records_.fields().size());
      if (inferring) feed();
      ++scan_.rows;
      report_progress();
    }
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

  void feed() {
    const auto fields = records_.fields();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (guesses_[i].feed(records_.text(fields[i], scratch_), records_.line(), missing_)) continue;
      const std::string line = std::to_string(records_.line());
      format_error(text_->origin.name,
                   "line " + line + ", " + internal::column_label(i, names_[i]) + ": the text is not UTF-8",
                   {{"line", line}, {"column", std::to_string(i + 1)}});
    }
  }

  void report_progress() {
    if (!options_.progress || records_.consumed() - reported_ < kProgressBytes) return;
    reported_ = records_.consumed();
    options_.progress(reported_, 2 * text_->origin.bytes);
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
    if (missing > 0 && options_.missing) guess.feed(*options_.missing, line, nothing);
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
  internal::MissingTexts missing_;
  CsvScan scan_{};
  std::vector<std::string> names_{};
  std::vector<ColumnGuess> guesses_{};
  std::string scratch_{};
  std::int64_t reported_ = 0;
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
  std::string& memory = text->memory;
  for (;;) {
    const std::size_t used = memory.size();
    const std::size_t room = std::clamp(used, kFirstRead, internal::kBlockBytes);
    memory.resize(used + room);
    const std::size_t n = source.read(reinterpret_cast<std::byte*>(memory.data() + used), room);
    memory.resize(used + n);
    if (n == 0) break;
    if (options.progress) options.progress(static_cast<std::int64_t>(memory.size()), -1);
  }
  text->origin.memory = memory;
  text->origin.bytes = static_cast<std::int64_t>(memory.size());
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
