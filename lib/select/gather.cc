// Rows of memory by positions: read into one piece, or written from it.
#include <ndshare/layout.h>

#include "lib/array/strided.h"
#include "lib/exec/parallel.h"
#include "lib/select/selector.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kOffsets = 512;                           // offsets that are worked out at a time
constexpr std::int64_t kGatherBytes = std::int64_t{128} << 10;   // a task's share
constexpr std::int64_t kFarBytes = std::int64_t{2} << 20;      // arrays beyond a core's own cache: items are asked for ahead
constexpr std::int64_t kFewPicks = 64;                         // fewer are worked out once for many outer rows

/// The selection as memory: an outer part, the picks, and a row of what lies behind them.
struct Rows {
  Shape outer, inner;             // base's other axes before and after the picks
  Strides outer_strides, inner_strides;
  std::vector<const std::int64_t*> positions;
  std::vector<std::int64_t> steps;  // bytes between positions, of each pick
  std::int64_t picks = 1, outers = 1, run_bytes = 0, row_bytes = 0;
  bool whole = false;             // a row is one run of bytes
  bool far = false;               // base does not fit the nearer caches
  DType dtype;

  explicit Rows(const Selection& from) : dtype(from.base.dtype()) {
    int seen = 0;
    for (int axis = 0; axis < from.base.ndim(); ++axis) {
      const auto pick = std::find_if(from.picks.begin(), from.picks.end(), [&](const Pick& one) { return one.axis == axis; });
      if (pick != from.picks.end()) {
        positions.push_back(reinterpret_cast<const std::int64_t*>(pick->positions.data()));
        steps.push_back(from.base.strides()[axis]);
        continue;
      }
      (seen < from.place ? outer : inner).push_back(from.base.shape()[axis]);
      (seen < from.place ? outer_strides : inner_strides).push_back(from.base.strides()[axis]);
      ++seen;
    }
    picks = from.shape.count(), outers = outer.count();
    row_bytes = inner.nbytes(dtype.itemsize());
    far = from.base.nbytes() > kFarBytes;
    whole = Layout{inner, inner_strides, 0}.is_c_contiguous(dtype.itemsize());
  }

  /// Byte offsets of the picks [low, low + n).
  void offsets(std::int64_t low, std::int64_t n, std::int64_t* to) const {
    if (positions.empty()) {
      std::fill_n(to, n, 0);
      return;
    }
    for (std::int64_t i = 0; i < n; ++i) to[i] = positions[0][low + i] * steps[0];
    for (std::size_t pick = 1; pick < positions.size(); ++pick) {
      for (std::int64_t i = 0; i < n; ++i) to[i] += positions[pick][low + i] * steps[pick];
    }
  }
  std::int64_t outer_offset(std::int64_t index) const {
    std::int64_t out = 0;
    for (int axis = outer.ndim() - 1; axis >= 0; --axis) {
      out += index % outer[axis] * outer_strides[axis];
      index /= outer[axis];
    }
    return out;
  }
};

/// Items of a known size: the compiler makes loads and stores of them.
template <std::size_t kBytes>
void gather_items(const std::byte* base, const std::int64_t* offsets, std::int64_t n, std::byte* to) {
  for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * static_cast<std::int64_t>(kBytes), base + offsets[i], kBytes);
}
template <std::size_t kBytes>
void scatter_items(std::byte* base, const std::int64_t* offsets, std::int64_t n, const std::byte* from, std::int64_t step) {
  for (std::int64_t i = 0; i < n; ++i) std::memcpy(base + offsets[i], from + i * step, kBytes);
}

void gather_piece(const Rows& rows, const std::byte* base, const std::int64_t* offsets, std::int64_t n, std::byte* to) {
  if (!rows.whole) {
    const Strides packed = contiguous_strides(rows.inner, rows.dtype.itemsize());
    for (std::int64_t i = 0; i < n; ++i) {
      copy_strided(to + i * rows.row_bytes, packed, base + offsets[i], rows.inner_strides, rows.inner, rows.dtype);
    }
    return;
  }
  if (rows.far && rows.row_bytes <= 16) {
    for (std::int64_t i = 0; i < n; ++i) __builtin_prefetch(base + offsets[i], 0, 2);  // more misses at once than loads alone keep in flight
  }
  switch (rows.row_bytes) {
    case 1: return gather_items<1>(base, offsets, n, to);
    case 2: return gather_items<2>(base, offsets, n, to);
    case 4: return gather_items<4>(base, offsets, n, to);
    case 8: return gather_items<8>(base, offsets, n, to);
    case 16: return gather_items<16>(base, offsets, n, to);
    default:
      for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * rows.row_bytes, base + offsets[i], static_cast<std::size_t>(rows.row_bytes));
  }
}

void scatter_piece(const Rows& rows, std::byte* base, const std::int64_t* offsets, std::int64_t n, const std::byte* from,
                   std::int64_t step) {
  if (!rows.whole || rows.dtype.is_structured()) {  // padding of structured items is left alone
    Strides packed = contiguous_strides(rows.inner, rows.dtype.itemsize());
    if (step == 0) std::fill(packed.begin(), packed.end(), 0);
    for (std::int64_t i = 0; i < n; ++i) {
      copy_strided(base + offsets[i], rows.inner_strides, from + i * step, packed, rows.inner, rows.dtype);
    }
    return;
  }
  const std::int64_t items = rows.inner.count(), itemsize = rows.dtype.itemsize();
  // One element that stands for all is no row to copy.
  switch (step != 0 || items == 1 ? rows.row_bytes : 0) {
    case 1: return scatter_items<1>(base, offsets, n, from, step);
    case 2: return scatter_items<2>(base, offsets, n, from, step);
    case 4: return scatter_items<4>(base, offsets, n, from, step);
    case 8: return scatter_items<8>(base, offsets, n, from, step);
    case 16: return scatter_items<16>(base, offsets, n, from, step);
    default: break;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    if (step != 0) {
      std::memcpy(base + offsets[i], from + i * step, static_cast<std::size_t>(rows.row_bytes));
      continue;
    }
    for (std::int64_t item = 0; item < items; ++item) std::memcpy(base + offsets[i] + item * itemsize, from, static_cast<std::size_t>(itemsize));
  }
}

/// Calls piece(bytes to add to base, offsets, n, flat row) for rows [low, high), which count picks inside outers.
template <class Piece>
void for_pieces(const Rows& rows, std::int64_t low, std::int64_t high, const Piece& piece) {
  std::array<std::int64_t, kOffsets> offsets;
  const bool few = rows.picks <= kFewPicks;
  if (few) rows.offsets(0, rows.picks, offsets.data());
  while (low < high) {
    const std::int64_t outer = low / rows.picks, pick = low % rows.picks;
    const std::int64_t n = std::min({rows.picks - pick, kOffsets, high - low});
    if (!few) rows.offsets(pick, n, offsets.data());
    piece(rows.outer_offset(outer), offsets.data() + (few ? pick : 0), n, low);
    low += n;
  }
}

template <class Piece>
void for_all_rows(const Rows& rows, int threads, const Piece& piece) {
  const std::int64_t count = rows.outers * rows.picks;
  const std::int64_t step = std::max<std::int64_t>(1, kGatherBytes / std::max<std::int64_t>(8, rows.row_bytes));
  parallel_blocks(static_cast<std::size_t>((count + step - 1) / step), threads, [&](std::size_t task) {
    const std::int64_t low = static_cast<std::int64_t>(task) * step;
    for_pieces(rows, low, std::min(count, low + step), piece);
  });
}

}  // namespace

void gather(const Selection& from, std::byte* out, int threads) {
  const Rows rows(from);
  if (rows.row_bytes == 0) return;
  const std::byte* base = from.base.data();
  for_all_rows(rows, threads, [&](std::int64_t outer, const std::int64_t* offsets, std::int64_t n, std::int64_t row) {
    gather_piece(rows, base + outer, offsets, n, out + row * rows.row_bytes);
  });
}

void scatter(const Selection& to, const std::byte* values, int step, int threads) {
  const Rows rows(to);
  if (rows.row_bytes == 0) return;
  std::byte* base = to.base.mutable_data();
  const std::int64_t value_step = step * rows.row_bytes;
  const auto piece = [&](std::int64_t outer, const std::int64_t* offsets, std::int64_t n, std::int64_t row) {
    scatter_piece(rows, base + outer, offsets, n, values + row * value_step, value_step);
  };
  // The last of several writes to one element must stand: then threads share the outer part only.
  if (to.unique) return for_all_rows(rows, threads, piece);
  const bool small = rows.picks * rows.row_bytes * rows.outers < kGatherBytes;
  parallel_blocks(static_cast<std::size_t>(rows.outers), small ? 1 : threads, [&](std::size_t outer) {
    const std::int64_t low = static_cast<std::int64_t>(outer) * rows.picks;
    for_pieces(rows, low, low + rows.picks, piece);
  });
}

}  // namespace ndshare::internal
