// A CSV text in chunks that threads take at the same time.
//
// A chunk ends at a record's end, and quotes may hold line ends: where a chunk's first record begins is known for sure
// only when the chunk before it has been read. So threads begin at a guess, and chunks are joined in the order of the
// text: one that began where the one before it ended is right, any other is read again from there. What comes out, the
// first error and its line included, is what one thread reading from start to end would give.
#pragma once

#include "lib/io/csv_records.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace ndshare::internal {

/// Bytes of a chunk: its text stays in a core's cache while it is parsed.
std::int64_t csv_chunk_bytes() noexcept;
/// For tests: other sizes give the same results. 0: the usual one.
void set_csv_chunk_bytes(std::int64_t bytes) noexcept;

/// Chunks that are read before they are joined and progress is told.
std::size_t csv_chunks_at_once() noexcept;

/// Bytes from the start of `ahead` to the first record or line that begins behind its first byte, as far as can be
/// told: outside of quotes, unless the records that follow then are not such as the text has.
std::size_t guess_record_start(const CsvOrigin& ahead, const CsvDialect& dialect, std::size_t columns);

/// Things that threads work with, kept for the next chunk.   Threads: safe.
template <class T>
class Spares {
 public:
  template <class Make>
  std::unique_ptr<T> take(Make&& make) {
    {
      const std::lock_guard lock(mutex_);
      if (!spares_.empty()) {
        auto spare = std::move(spares_.back());
        spares_.pop_back();
        return spare;
      }
    }
    return make();
  }
  void give(std::unique_ptr<T> spare) {
    const std::lock_guard lock(mutex_);
    spares_.push_back(std::move(spare));
  }

 private:
  std::mutex mutex_{};
  std::vector<std::unique_ptr<T>> spares_{};
};

}  // namespace ndshare::internal
