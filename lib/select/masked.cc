#include "lib/select/masked.h"

#include <ndshare/create.h>
#include <ndshare/index.h>
#include <ndshare/reduce.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/kernels/registry.h"
#include "lib/select/true_blocks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kMaskPiece = 1024;

/// A block's items, a piece at a time through a buffer: the kernel writes whole vectors, which must not reach what another
/// thread's block puts behind this one's.
void keep_block(KeepKernel kernel, std::int64_t item, const std::uint8_t* mask, const std::byte* from, std::int64_t n, std::byte* to) noexcept {
  alignas(64) std::array<std::byte, kMaskPiece * 16> buffer;
  for (std::int64_t low = 0; low < n; low += kMaskPiece) {
    const auto some = static_cast<std::size_t>(std::min(kMaskPiece, n - low));
    const std::size_t bytes = kernel(mask + low, from + low * item, some, buffer.data()) * static_cast<std::size_t>(item);
    std::memcpy(to, buffer.data(), bytes);
    to += bytes;
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
  const auto bytes = static_cast<std::uint64_t>(row_bytes);
  if (bytes > 16 || !std::has_single_bit(bytes)) return keep_rows(mask, from, n, row_bytes, to);
  keep_block(kernels().keep[static_cast<std::size_t>(std::countr_zero(bytes))], row_bytes, mask, from, n, to);
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
