#include "lib/io/csv_records.h"

#include "lib/base/text.h"
#include "lib/io/file.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace ndshare::internal {
namespace {

constexpr std::size_t kFirstBlock = std::size_t{1} << 20;
constexpr std::size_t kMaxRecord = std::size_t{256} << 20;  ///< bytes: a quote that nobody closes ends here, too
constexpr std::size_t kMaxFields = 1'000'000;

std::size_t read_at(const CsvOrigin& origin, char* into, std::size_t count, std::int64_t offset) {
  for (;;) {
    const ssize_t n = ::pread(origin.fd, into, count, offset);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) io_error("read", origin.name, errno);
  }
}

constexpr std::uint64_t kOnes = 0x0101010101010101ULL;

constexpr std::uint64_t in_every_byte(char c) { return kOnes * static_cast<unsigned char>(c); }

/// The high bit of every byte that is zero; bytes above the lowest zero may be marked, too.
/// Source: S. E. Anderson, Bit Twiddling Hacks, "Determine if a word has a zero byte".
constexpr std::uint64_t zero_bytes(std::uint64_t word) { return (word - kOnes) & ~word & (kOnes << 7); }

static_assert(std::endian::native == std::endian::little, "the lowest byte of a word is the first of the text");

}  // namespace

CsvRecords::CsvRecords(const CsvOrigin& origin, const CsvDialect& dialect)
    : origin_(origin), dialect_(dialect), delimiters_(in_every_byte(dialect.delimiter)) {
  if (origin.fd < 0) {
    begin_ = next_ = origin.memory.data();
    end_ = begin_ + origin.memory.size();
    last_ = true;
  } else {
    block_.resize(kFirstBlock);
    begin_ = next_ = end_ = block_.data();
    fill();
  }
  skip_mark();
}

void CsvRecords::skip_mark() {
  const std::string_view text(next_, static_cast<std::size_t>(end_ - next_));
  if (text.starts_with("\xEF\xBB\xBF")) next_ += 3;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    format_error(origin_.name, "the text is UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)");
  }
}

/// Gets more text behind the unfinished record, which moves to the front; false when there is none.
bool CsvRecords::fill() {
  if (last_) return false;
  const auto kept = static_cast<std::size_t>(end_ - next_);
  base_ += next_ - begin_;
  if (kept > 0) std::memmove(block_.data(), next_, kept);
  if (kept == block_.size()) {
    if (kept >= kMaxRecord) fail("a record longer than " + format_bytes(kMaxRecord) + " (a quote that is not closed?)");
    block_.resize(2 * kept);
  }
  const std::size_t n =
      read_at(origin_, block_.data() + kept, block_.size() - kept, base_ + static_cast<std::int64_t>(kept));
  begin_ = next_ = block_.data();
  end_ = begin_ + kept + n;
  last_ = n == 0;
  return true;
}

bool CsvRecords::next() {
  for (;;) {
    if (next_ == end_) {
      if (!fill()) return false;
      continue;
    }
    if (*next_ == '\n' || *next_ == '\r' || (dialect_.comment != '\0' && *next_ == dialect_.comment)) {
      if (!skip_line()) fill();
      continue;
    }
    line_ = next_line_;
    lines_in_quotes_ = 0;
    if (parse_record()) {
      next_line_ += 1 + lines_in_quotes_;
      return true;
    }
    fill();
  }
}

/// Passes over a blank or comment line; false when its end is not in the block yet.
bool CsvRecords::skip_line() {
  const char* p = next_;
  while (p != end_ && *p != '\n' && *p != '\r') ++p;
  if (!last_ && (p == end_ || (*p == '\r' && p + 1 == end_))) return false;
  if (p != end_) p += (*p == '\r' && p + 1 != end_ && p[1] == '\n') ? 2 : 1;
  next_ = p;
  ++next_line_;
  return true;
}

/// Where the field at `p` ends that is not quoted: eight bytes at a time, since most fields are that short.
inline const char* CsvRecords::field_end(const char* p) const noexcept {
  constexpr std::uint64_t kLineFeeds = in_every_byte('\n'), kReturns = in_every_byte('\r');
  for (; end_ - p >= 8; p += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    const std::uint64_t found =
        zero_bytes(word ^ delimiters_) | zero_bytes(word ^ kLineFeeds) | zero_bytes(word ^ kReturns);
    if (found != 0) return p + std::countr_zero(found) / 8;
  }
  while (p != end_ && !ends_field(*p)) ++p;
  return p;
}

/// Reads the record at `next_` and moves there behind it; false when its end is not in the block yet.
bool CsvRecords::parse_record() {
  fields_.clear();
  const char* p = next_;
  const char* const end = end_;
  for (;;) {
    if (p != end && dialect_.quote != '\0' && *p == dialect_.quote) {
      if (!parse_quoted(p)) return false;
    } else {
      const char* const start = p;
      p = field_end(p);
      fields_.push_back({start, p, false});
    }
    if (p == end) {
      if (!last_) return false;
      break;
    }
    if (*p == dialect_.delimiter) {
      ++p;
      if (fields_.size() >= kMaxFields) fail("more than " + std::to_string(kMaxFields) + " fields in one record");
      continue;
    }
    if (*p == '\r') {
      if (p + 1 == end && !last_) return false;
      if (p + 1 != end && p[1] == '\n') ++p;
    }
    ++p;
    break;
  }
  next_ = p;
  return true;
}

/// Reads a quoted field at `p` and moves `p` behind it; false when its end is not in the block yet.
bool CsvRecords::parse_quoted(const char*& p) {
  const char* const start = ++p;
  bool escaped = false;
  std::int64_t lines = 0;
  for (;; ++p) {
    const char* const quote =
        static_cast<const char*>(std::memchr(p, dialect_.quote, static_cast<std::size_t>(end_ - p)));
    if (quote == nullptr || (quote + 1 == end_ && !last_)) {
      if (last_)
        fail("column " + std::to_string(fields_.size() + 1) + ": a quote is opened and not closed before the end");
      return false;
    }
    for (const char* at = p; at != quote; ++at) {
      lines += *at == '\n' || (*at == '\r' && at[1] != '\n') ? 1 : 0;
    }
    p = quote + 1;
    if (p == end_ || *p != dialect_.quote) {
      fields_.push_back({start, quote, escaped});
      break;
    }
    escaped = true;
  }
  if (p != end_ && !ends_field(*p)) {
    fail("column " + std::to_string(fields_.size()) +
         ": text after the closing quote; a quote inside of a quoted field is doubled");
  }
  lines_in_quotes_ += lines;
  return true;
}

std::string_view CsvRecords::unescaped(const CsvField& field, std::string& scratch) const {
  scratch.clear();
  for (const char* p = field.begin; p != field.end; ++p) {
    scratch += *p;
    if (*p == dialect_.quote) ++p;  // the second of two
  }
  return scratch;
}

void CsvRecords::fail(const std::string& message) const {
  const std::string line = std::to_string(line_);
  format_error(origin_.name, "line " + line + ": " + message, {{"line", line}});
}

}  // namespace ndshare::internal
