#include "lib/io/csv_chunks.h"

#include <ndshare/error.h>

#include "lib/exec/parallel.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kChunkBytes = std::int64_t{256} << 10;
constexpr std::size_t kChunksAThread = 16;
constexpr int kRecordsToBelieve = 8;
constexpr std::size_t kQuoteAhead = std::size_t{1} << 20;  ///< bytes in which a quote is looked for

std::atomic<std::int64_t> g_chunk_bytes{kChunkBytes};

std::size_t behind_line_end(std::string_view text, std::size_t at) noexcept {
  at = std::min(text.find_first_of("\n\r", at), text.size());
  if (at == text.size()) return at;
  return at + (text[at] == '\r' && at + 1 != text.size() && text[at + 1] == '\n' ? 2 : 1);
}

/// Whether records with the usual number of fields begin at `at`.
bool plausible(CsvRecords& records, std::size_t at, std::size_t columns) {
  try {
    records.start({static_cast<std::int64_t>(at), 1, 0});
    for (int i = 0; i < kRecordsToBelieve && records.next(); ++i) {
      if (records.fields().size() != columns) return false;
    }
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// The first record's start when the text begins within quotes.
std::optional<std::size_t> start_within_quotes(CsvRecords& records, std::string_view text, const CsvDialect& dialect) {
  std::size_t at = 0;
  for (;; ++at) {
    at = text.substr(0, kQuoteAhead).find(dialect.quote, at);
    if (at == std::string_view::npos || ++at == text.size()) return std::nullopt;
    if (text[at] != dialect.quote) break;
  }
  if (text[at] == '\n' || text[at] == '\r') return behind_line_end(text, at);
  if (text[at] != dialect.delimiter) return std::nullopt;
  try {
    records.start({static_cast<std::int64_t>(at + 1), 1, 0});  // the rest of the record is one of fewer fields
    if (records.next()) return static_cast<std::size_t>(records.place().offset);
  } catch (const Error&) {
  }
  return std::nullopt;
}

}  // namespace

std::int64_t csv_chunk_bytes() noexcept { return g_chunk_bytes.load(std::memory_order_relaxed); }

void set_csv_chunk_bytes(std::int64_t bytes) noexcept {
  g_chunk_bytes.store(bytes > 0 ? bytes : kChunkBytes, std::memory_order_relaxed);
}

std::size_t csv_chunks_at_once() noexcept { return kChunksAThread * static_cast<std::size_t>(thread_limit(0)); }

std::size_t guess_record_start(const CsvOrigin& ahead, const CsvDialect& dialect, std::size_t columns) {
  const std::string_view text = ahead.memory;
  const std::size_t outside = behind_line_end(text, 0);
  const std::size_t near = std::min(text.size(), static_cast<std::size_t>(csv_chunk_bytes()));
  if (dialect.quote == '\0' || std::memchr(text.data(), dialect.quote, near) == nullptr) return outside;
  CsvRecords records(ahead, dialect);
  if (plausible(records, outside, columns)) return outside;
  const auto within = start_within_quotes(records, text, dialect);
  return within && plausible(records, *within, columns) ? *within : outside;
}

}  // namespace ndshare::internal
