// Lines of numbers and times in order: the elements themselves move, as keys.
#pragma once

#include <ndshare/dtype.h>

#include "lib/exec/parallel.h"

#include <algorithm>
#include <cstddef>

namespace ndshare::internal {

/// Lines of elements, one behind the other.
struct Lines {
  std::size_t count = 0, length = 0;
};

/// Sorts each line of `in` into the same line of `out`, which is exactly `in` or apart from it. −0 comes before +0.
///   REQUIRES: has_map(dtype).   Memory: any alignment; scratch of the size of a long line, and 3 MiB a thread, kept.
///   Threads: safe; parallel inside.   Errors: Memory.
void sort_values(const DType& dtype, const std::byte* in, std::byte* out, const Lines& lines, bool descending,
                 int threads);

/// Calls body(line) for every line: short lines in groups by all threads, long ones one after the other (the body is
/// parallel then: it gets the number of threads to use).
template <class Body>
void for_lines(const Lines& lines, int threads, const Body& body) {
  constexpr std::size_t kTaskElements = std::size_t{1} << 15;
  if (lines.count < 2 * static_cast<std::size_t>(thread_limit(threads)) && lines.length >= kTaskElements) {
    for (std::size_t line = 0; line < lines.count; ++line) body(line, threads);
    return;
  }
  const std::size_t group = std::max<std::size_t>(1, kTaskElements / std::max<std::size_t>(1, lines.length));
  parallel_blocks((lines.count + group - 1) / group, threads, [&](std::size_t block) {
    for (std::size_t line = block * group; line < std::min(lines.count, (block + 1) * group); ++line) body(line, 1);
  });
}

}  // namespace ndshare::internal
