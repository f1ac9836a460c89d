#include "lib/io/csv_records.h"

#include "lib/base/text.h"
#include "lib/io/csv_chunks.h"
#include "lib/io/file.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace ndshare::internal {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;        ///< bytes read at once
constexpr std::size_t kAhead = std::size_t{4} << 10;        ///< bytes behind a part, for its last record
constexpr std::size_t kMaxRecord = std::size_t{256} << 20;  ///< bytes: a quote that nobody closes ends here, too
constexpr std::size_t kMaxFields = 1'000'000;
constexpr std::size_t kRowsAtOnce = 256, kFieldsAtOnce = 1024;  ///< their places stay in the first-level cache

std::size_t read_at(const CsvOrigin& origin, char* into, std::size_t count, std::int64_t offset) {
  for (;;) {
    const ssize_t n = ::pread(origin.fd, into, count, offset);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) io_error("read", origin.name, errno);
  }
}

constexpr int kNone = 256;  ///< no char is that

int character_or_none(char c) noexcept { return c == '\0' ? kNone : c; }

}  // namespace

CsvRecords::CsvRecords(const CsvOrigin& origin, const CsvDialect& dialect)
    : origin_(origin),
      dialect_(dialect),
      quote_(character_or_none(dialect.quote)),
      comment_(character_or_none(dialect.comment)),
      fields_(16),
      lines_(kRowsAtOnce) {}

void CsvRecords::start(const CsvPlace& from, std::int64_t stop) {
  stop_ = stop;
  line_ = next_line_ = from.line;
  if (origin_.fd < 0) {
    begin_ = origin_.memory.data();
    base_ = 0;
    next_ = begin_ + std::min<std::int64_t>(from.offset, std::ssize(origin_.memory));
    end_ = begin_ + origin_.memory.size();
    last_ = !origin_.part;
    text_changed();
  } else {
    const std::int64_t part = std::min<std::int64_t>(std::max<std::int64_t>(stop - from.offset, 0), kBlock);
    read_block(from.offset, static_cast<std::size_t>(part) + kAhead);
  }
  if (from.offset == 0) skip_mark();
}

void CsvRecords::read_block(std::int64_t offset, std::size_t bytes) {
  if (block_bytes_ < bytes) {
    block_ = std::make_unique_for_overwrite<char[]>(bytes + kCsvSlack);
    block_bytes_ = bytes;
  }
  base_ = offset;
  last_ = false;
  begin_ = next_ = end_ = block_.get();
  end_ += read_at(origin_, block_.get(), bytes, offset);
  last_ = end_ == begin_;
  text_changed();
}

/// What follows from where the text is.
void CsvRecords::text_changed() {
  // Line ends in the slack: the search for a field's end needs no other bound. A text in memory has them already.
  if (block_) std::memset(block_.get() + (end_ - begin_), '\n', kCsvSlack);
  const std::int64_t behind = end_ - begin_ + 1;
  limit_ = begin_ + std::clamp<std::int64_t>(stop_ == kToTheEnd ? behind : stop_ - base_, 0, behind);
  marked_ = next_;
  marks_ = csv_marks(next_, dialect_.delimiter, '\n', '\r');
}

void CsvRecords::skip_mark() {
  const std::string_view text(next_, static_cast<std::size_t>(end_ - next_));
  if (text.starts_with("\xEF\xBB\xBF")) next_ += 3;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    format_error(origin_.name, "the text is UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)");
  }
}

void CsvRecords::start_near(std::int64_t offset, std::int64_t stop, std::size_t columns) {
  start({offset - 1, 1, 0}, stop);
  const CsvOrigin ahead{origin_.name, -1, {next_, static_cast<std::size_t>(end_ - next_)}, 0, !last_};
  next_ += guess_record_start(ahead, dialect_, columns);
}

/// Gets more text behind the unfinished record, which moves to the front; false when there is none.
bool CsvRecords::fill() {
  if (last_ || origin_.fd < 0) return false;
  const auto kept = static_cast<std::size_t>(end_ - next_);
  base_ += next_ - begin_;
  if (kept >= kMaxRecord) fail("a record longer than " + format_bytes(kMaxRecord) + " (a quote that is not closed?)");
  const std::size_t room = std::min(std::max(2 * kept, kBlock), kMaxRecord);
  if (block_bytes_ < room) {
    auto larger = std::make_unique_for_overwrite<char[]>(room + kCsvSlack);
    std::memcpy(larger.get(), next_, kept);
    block_ = std::move(larger);
    block_bytes_ = room;
  } else {
    std::memmove(block_.get(), next_, kept);
  }
  const std::size_t n =
      read_at(origin_, block_.get() + kept, block_bytes_ - kept, base_ + static_cast<std::int64_t>(kept));
  begin_ = next_ = block_.get();
  end_ = begin_ + kept + n;
  last_ = n == 0;
  text_changed();
  return true;
}

bool CsvRecords::next() {
  first_ = count_ = 0;
  return advance(true);
}

std::size_t CsvRecords::next_rows(std::size_t columns) {
  const std::size_t most = std::clamp<std::size_t>(kFieldsAtOnce / columns, 1, lines_.size());
  first_ = count_ = 0;
  if (!advance(true)) return 0;
  lines_[0] = line_;
  if (count_ != columns) return 1;
  std::size_t rows = 1;
  // More of the block's records; one that is odd in any way is left to be the first of the next call.
  for (; rows < most; ++rows) {
    const CsvPlace before{next_ - begin_, next_line_, 0};
    first_ = count_;
    bool taken = false;
    try {
      taken = advance(false) && count_ - first_ == columns;
    } catch (const Error&) {
    }
    if (!taken) {
      next_ = begin_ + before.offset;
      next_line_ = before.line;
      count_ = first_;
      break;
    }
    lines_[rows] = line_;
  }
  return rows;
}

std::int64_t CsvRecords::skip_plain_rows(std::size_t columns) {
  const char quote = quote_ == kNone ? '\r' : dialect_.quote, comment = comment_ == kNone ? '\r' : dialect_.comment;
  const int delimiters = static_cast<int>(columns) - 1;
  std::int64_t rows = 0;
  int seen = 0;  // delimiters of the line before the 64 bytes at p
  const char* line = next_;
  for (const char* p = next_; std::min(limit_, end_) - p >= 64; p += 64) {
    if (csv_marks(p, '\r', quote, comment) != 0) break;
    std::uint64_t between = csv_marks(p, dialect_.delimiter);
    std::uint64_t feeds = csv_marks(p, '\n');
    for (; feeds != 0; feeds &= feeds - 1) {
      const std::uint64_t before = feeds ^ (feeds - 1);  // the line end and all below
      const char* const end = p + std::countr_zero(feeds);
      if (seen + count_bits(between & before) != delimiters || end == line) break;
      between &= ~before;
      seen = 0;
      line = end + 1;
      ++rows;
    }
    if (feeds != 0) break;
    seen += count_bits(between);
  }
  next_ = line;
  next_line_ += rows;
  return rows;
}

/// Moves to the next record and appends its fields; false at the end, or of the block unless it `may_fill` it again.
bool CsvRecords::advance(bool may_fill) {
  for (;;) {
    if (next_ >= limit_) return false;
    if (next_ == end_) {
      if (!may_fill || !fill()) return false;
      continue;
    }
    if (*next_ == '\n' || *next_ == '\r' || *next_ == comment_) {
      if (!skip_line() && !(may_fill && fill())) return false;
      continue;
    }
    line_ = next_line_;
    lines_in_quotes_ = 0;
    if (parse_record()) {
      next_line_ += 1 + lines_in_quotes_;
      return true;
    }
    if (!may_fill || !fill()) return false;
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

/// Where the field at `p` ends that is not quoted; the line ends in the slack end the last one.
inline const char* CsvRecords::field_end(const char* p) noexcept {
  const auto at = static_cast<std::size_t>(p - marked_);
  if (at < 64) {
    const std::uint64_t marks = marks_ >> at;
    if (marks != 0) return p + std::countr_zero(marks);
    p = marked_ + 64;
  }
  for (;; p += 64) {
    marks_ = csv_marks(p, dialect_.delimiter, '\n', '\r');
    if (marks_ == 0) continue;
    marked_ = p;
    return p + std::countr_zero(marks_);
  }
}

inline void CsvRecords::push(const CsvField& field) {
  if (count_ == fields_.size()) fields_.resize(2 * count_);
  fields_[count_++] = field;
}

/// Appends the fields from `p` on up to the record's last, or before one that is quoted; returns where it stopped: at
/// the last field's end, or at the start of the one that is next.
inline const char* CsvRecords::take_plain_fields(const char* p) {
  // All in registers, and only the clearing of a bit between one field and the next.
  const char* marked = marked_;
  std::uint64_t marks = marks_;
  if (static_cast<std::size_t>(p - marked) >= 64) marks = csv_marks(marked = p, dialect_.delimiter, '\n', '\r');
  std::uint64_t rest = marks & (~std::uint64_t{0} << (p - marked));
  CsvField* out = fields_.data() + count_;
  const CsvField* const room = fields_.data() + fields_.size();
  const char delimiter = dialect_.delimiter;
  while (out != room && *p != quote_) {
    while (rest == 0) rest = marks = csv_marks(marked += 64, delimiter, '\n', '\r');
    const char* const end = marked + std::countr_zero(rest);
    rest &= rest - 1;
    *out++ = {p, end, false};
    p = end;
    if (*end != delimiter || end == end_) break;
    p = end + 1;
  }
  marked_ = marked;
  marks_ = marks;
  count_ = static_cast<std::size_t>(out - fields_.data());
  return p;
}

/// Reads the record at `next_` and moves there behind it; false when its end is not in the block yet.
bool CsvRecords::parse_record() {
  count_ = first_;
  const char* p = next_;
  const char* const end = end_;
  for (;;) {
    const std::size_t before = count_;
    p = take_plain_fields(p);
    // Where it stopped behind a delimiter a field follows: a quoted one, or one for which there was no room.
    if (count_ == before || p != fields_[count_ - 1].end) {
      if (*p == quote_ && p != end) {
        if (!parse_quoted(p)) return false;
      } else {
        const char* const start = p;
        p = field_end(p);
        push({start, p, false});
      }
    }
    if (*p == dialect_.delimiter && p != end) {
      ++p;
      if (count_ - first_ >= kMaxFields) too_many_fields();
      continue;
    }
    if (count_ - first_ > kMaxFields) too_many_fields();
    if (p == end) {
      if (!last_) return false;
      break;
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
        fail("column " + std::to_string(count_ - first_ + 1) + ": a quote is opened and not closed before the end");
      return false;
    }
    for (const char* at = p; at != quote; ++at) {
      lines += *at == '\n' || (*at == '\r' && at[1] != '\n') ? 1 : 0;
    }
    p = quote + 1;
    if (p == end_ || *p != dialect_.quote) {
      push({start, quote, escaped});
      break;
    }
    escaped = true;
  }
  if (p != end_ && !ends_field(*p)) {
    fail("column " + std::to_string(count_ - first_) +
         ": text after the closing quote; a quote inside of a quoted field is doubled");
  }
  lines_in_quotes_ += lines;
  return true;
}

std::string_view CsvRecords::unescaped(const CsvField& field, std::string& scratch) const {
  scratch.clear();
  scratch.reserve(field.raw().size() + kCsvSlack);
  for (const char* p = field.begin; p != field.end; ++p) {
    scratch += *p;
    if (*p == dialect_.quote) ++p;  // the second of two
  }
  return scratch;
}

void CsvRecords::too_many_fields() const { fail("more than " + std::to_string(kMaxFields) + " fields in one record"); }

void CsvRecords::fail(const std::string& message) const {
  const std::string line = std::to_string(line_);
  format_error(origin_.name, "line " + line + ": " + message, {{"line", line}});
}

}  // namespace ndshare::internal
