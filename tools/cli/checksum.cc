#include "tools/cli/checksum.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <ndshare/index.h>

#include "lib/base/crc32c.h"

namespace ndshare::cli {
namespace {

constexpr std::int64_t kBlockBytes = 4 << 20;

/// Continues over the elements in C order. A part that is not contiguous is copied, row by row or by as many rows as
/// fit a block.
std::uint32_t continue_over(const Array& array, std::uint32_t crc) {
  if (array.size() == 0) return crc;
  if (array.is_c_contiguous()) return internal::crc32c(array.data(), static_cast<std::size_t>(array.nbytes()), crc);
  if (array.nbytes() <= kBlockBytes || array.ndim() == 0) {
    const Array copy = array.copy();
    return internal::crc32c(copy.data(), static_cast<std::size_t>(copy.nbytes()), crc);
  }
  const std::int64_t rows = array.shape(0), row_bytes = array.nbytes() / rows;
  const std::int64_t step = std::max<std::int64_t>(1, kBlockBytes / row_bytes);
  for (std::int64_t from = 0; from < rows; from += step) {
    const Array part = step == 1 ? array(from) : array(slice(from, std::min(rows, from + step)));
    crc = continue_over(part, crc);
  }
  return crc;
}

}  // namespace

std::string checksum(const Array& array) {
  const auto head = array.dtype().str() + " " + array.shape().str();
  const auto type = internal::crc32c(head.data(), head.size());
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%08x%08x", type, continue_over(array, 0));
  return text.data();
}

bool is_checksum(std::string_view word) {
  return word.size() == 16 &&
         std::ranges::all_of(word, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace ndshare::cli
