// Arrays as CSV text.
#include <ndshare/csv.h>

#include "lib/base/text.h"
#include "lib/exec/parallel.h"
#include "lib/io/csv_chunks.h"
#include "lib/io/csv_format.h"

#include <algorithm>
#include <memory>

namespace ndshare {
namespace {

using internal::CsvFormatter;
using internal::CsvOutColumn;

std::vector<CsvOutColumn> columns_of(const Array& array) {
  std::vector<CsvOutColumn> columns;
  const bool structured = array.dtype().is_structured();
  if (array.ndim() < 1 || array.ndim() > (structured ? 1 : 2)) {
    throw Error(ErrorCode::NotSupported, "an array of shape " + array.shape().str() + " and dtype " +
                                             array.dtype().to_string() + " is no table; CSV takes one axis" +
                                             (structured ? "" : ", or two") + ": reshape it, or write .npy");
  }
  if (!structured) {
    const std::int64_t count = array.ndim() == 2 ? array.shape(1) : 1;
    for (std::int64_t i = 0; i < count; ++i)
      columns.push_back({array.dtype(), array.ndim() == 2 ? i * array.strides()[1] : 0});
  }
  for (const Field& field : array.dtype().fields()) {
    if (field.dtype.is_structured() || !field.shape.empty()) {
      throw Error(ErrorCode::NotSupported, "field '" + internal::printable(field.name) +
                                               "' is nested or a sub-array, which CSV cannot hold; "
                                               "write .npy, or the fields apart");
    }
    columns.push_back({field.dtype, field.offset});
  }
  return columns;
}

std::vector<std::string> names_of(const Array& array, const WriteCsvOptions& options, std::size_t columns) {
  if (!options.header) return {};
  std::vector<std::string> names = options.names;
  if (names.empty()) {
    for (const Field& field : array.dtype().fields()) names.push_back(field.name);
  }
  if (!names.empty() && names.size() != columns) {
    throw Error(ErrorCode::Usage, std::to_string(names.size()) + " names for " + std::to_string(columns) + " columns");
  }
  return names;
}

void check_dialect(const WriteCsvOptions& options) {
  const auto bad = [](char c) {
    return c == '\0' || c == '\n' || c == '\r' || (static_cast<unsigned char>(c) & 0x80U) != 0;
  };
  if (bad(options.delimiter) || bad(options.quote) || options.delimiter == options.quote) {
    throw Error(ErrorCode::Usage, "delimiter and quote of a CSV file are two different ASCII characters, no line ends");
  }
}

void write_text(Sink& sink, const std::string& text) { sink.write(std::as_bytes(std::span(text.data(), text.size()))); }

/// Threads make the text of some blocks of rows, which is then written in their order.
void write_rows(Sink& sink, const Array& array, const std::vector<CsvOutColumn>& columns,
                const WriteCsvOptions& options) {
  const std::int64_t rows = array.shape(0), stride = array.strides()[0];
  const std::int64_t row_bytes = std::max<std::int64_t>(array.nbytes() / std::max<std::int64_t>(rows, 1), 1);
  const std::int64_t block = std::max<std::int64_t>(internal::csv_chunk_bytes() / row_bytes, 1);
  internal::Spares<CsvFormatter> spares;
  const auto make = [&] { return std::make_unique<CsvFormatter>(columns, options.delimiter, options.quote); };
  std::vector<std::string> texts;
  for (std::int64_t done = 0; done < rows;) {
    const std::int64_t blocks = (rows - done + block - 1) / block;
    texts.resize(std::min(internal::csv_chunks_at_once(), static_cast<std::size_t>(blocks)));
    internal::parallel_blocks(texts.size(), 0, [&](std::size_t i) {
      auto formatter = spares.take(make);
      const std::int64_t first = done + static_cast<std::int64_t>(i) * block;
      texts[i].clear();
      formatter->append_rows(texts[i], array.data() + first * stride, stride, std::min(block, rows - first));
      spares.give(std::move(formatter));
    });
    for (const std::string& text : texts) write_text(sink, text);
    done = std::min(rows, done + std::ssize(texts) * block);
    if (options.progress) options.progress(array.nbytes() / rows * done, array.nbytes());
  }
}

}  // namespace

void write_csv(Sink& sink, const Array& array, const WriteCsvOptions& options) {
  check_dialect(options);
  const auto columns = columns_of(array);
  const auto names = names_of(array, options, columns.size());
  const CsvFormatter formatter(columns, options.delimiter, options.quote);
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    formatter.append_text(out, names[i]);
    out += i + 1 == names.size() ? '\n' : options.delimiter;
  }
  write_text(sink, out);
  if (!columns.empty()) write_rows(sink, array, columns, options);
}

void write_csv(const std::string& path, const Array& array, const WriteCsvOptions& options) {
  const auto sink = open_sink(path);
  write_csv(*sink, array, options);
  sink->finish();
}

}  // namespace ndshare
