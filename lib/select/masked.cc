#include "lib/select/masked.h"

#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/reduce.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/select/true_blocks.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kPiece = 1024;

/// Keeps items where the mask is true; gives how many. Written in any case, kept where it is true: no branch to guess.
///   REQUIRES: `to` has room for n.
template <std::size_t kBytes>
std::size_t keep_items(const std::uint8_t* mask, const std::byte* from, std::size_t n, std::byte* to) noexcept {
  std::size_t kept = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, mask + i, sizeof(eight));
    if (eight == 0) continue;
    for (std::size_t j = i; j < i + 8; ++j) {
      std::memcpy(to + kept * kBytes, from + j * kBytes, kBytes);
      kept += mask[j] != 0 ? 1 : 0;
    }
  }
  for (; i < n; ++i) {
    if (mask[i] != 0) std::memcpy(to + kept++ * kBytes, from + i * kBytes, kBytes);
  }
  return kept;
}

/// A block's items, a piece at a time through a buffer: the write of an item that is not kept must not reach what another thread's
/// block puts behind this one's.
template <std::size_t kBytes>
void keep_block(const std::uint8_t* mask, const std::byte* from, std::int64_t n, std::byte* to) noexcept {
  alignas(64) std::array<std::byte, kPiece * kBytes> buffer;
  for (std::int64_t low = 0; low < n; low += kPiece) {
    const auto some = static_cast<std::size_t>(std::min(kPiece, n - low));
    const std::size_t kept = keep_items<kBytes>(mask + low, from + low * static_cast<std::int64_t>(kBytes), some, buffer.data());
    std::memcpy(to, buffer.data(), kept * kBytes);
    to += kept * kBytes;
  }
}

/// Rows of any length: those that follow each other are one copy.
void keep_rows(const std::uint8_t* mask, const std::byte* from, std::int64_t n, std::int64_t row_bytes, std::byte* to) noexcept {
  for (std::int64_t i = 0; i < n;) {
    if (mask[i] == 0) {
      ++i;
      continue;
    }
    const std::int64_t first = i;
    while (i < n && mask[i] != 0) ++i;
    const auto bytes = static_cast<std::size_t>((i - first) * row_bytes);
    std::memcpy(to, from + first * row_bytes, bytes);
    to += bytes;
  }
}

void keep(const std::uint8_t* mask, const std::byte* from, std::int64_t n, std::int64_t row_bytes, std::byte* to) noexcept {
  switch (row_bytes) {
    case 1: return keep_block<1>(mask, from, n, to);
    case 2: return keep_block<2>(mask, from, n, to);
    case 4: return keep_block<4>(mask, from, n, to);
    case 8: return keep_block<8>(mask, from, n, to);
    case 16: return keep_block<16>(mask, from, n, to);
    default: return keep_rows(mask, from, n, row_bytes, to);
  }
}

}  // namespace

bool is_row_mask(const Array& x, const Array& mask) noexcept {
  if (!mask.dtype().is_bool() || mask.ndim() == 0 || mask.ndim() > x.ndim() || !x.is_c_contiguous()) return false;
  return std::equal(mask.shape().begin(), mask.shape().end(), x.shape().begin());
}

Array masked_rows(const Array& x, const Array& mask) {
  const Array truth = truth_of(mask);
  const TrueBlocks blocks(truth);
  Shape shape{blocks.count()};
  for (int axis = mask.ndim(); axis < x.ndim(); ++axis) shape.push_back(x.shape()[axis]);
  check_result_memory("selection by a mask", shape, x.itemsize(), {});
  note_copy(CopyReason::selected, shape.nbytes(x.itemsize()));
  const Array out = empty(shape, x.dtype());
  if (out.size() == 0) return out;
  const std::int64_t row_bytes = out.nbytes() / blocks.count();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(truth.data());
  const std::byte* from = x.data();
  std::byte* to = out.mutable_data();
  blocks.for_each([&](std::int64_t first, std::int64_t n, std::int64_t before) {
    keep(bytes + first, from + first * row_bytes, n, row_bytes, to + before * row_bytes);
  });
  return out;
}

void fill_masked(const Array& x, const Array& mask, const Array& value) {
  std::vector<Index> entries(static_cast<std::size_t>(mask.ndim()), all);
  entries.resize(static_cast<std::size_t>(x.ndim()), newaxis);
  Program program;
  const ValueId everywhere = program.leaf(value.broadcast_to(x.shape()));
  const auto rows = count_nonzero(mask).item<std::int64_t>();
  note_copy(CopyReason::assigned, rows == 0 ? 0 : rows * (x.nbytes() / mask.size()));
  static_cast<void>(evaluate(program, everywhere, {.what = "assign", .out = x, .where = mask.view(entries)}));
}

}  // namespace ndshare::internal
