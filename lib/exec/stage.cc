#include "lib/exec/stage.h"

#include "lib/kernels/registry.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace ndshare::internal {
namespace {

// A run of elements across the rows of the space: calls step(byte offset, stride, elements already done, elements).
template <class Step>
void for_rows(const Space& space, const Strides& strides, std::int64_t low, std::size_t n, const Step& step) noexcept {
  const std::int64_t inner = space.inner();
  const std::int64_t inner_stride = strides.empty() ? 0 : strides.back();
  std::int64_t row = low / inner, column = low % inner;
  for (std::size_t done = 0; done < n; ++row, column = 0) {
    std::int64_t offset = column * inner_stride;
    std::int64_t rest = row;
    for (int axis = space.sizes.ndim() - 2; axis >= 0; --axis) {
      offset += rest % space.sizes[axis] * strides[axis];
      rest /= space.sizes[axis];
    }
    const std::size_t count = std::min(n - done, static_cast<std::size_t>(inner - column));
    step(offset, inner_stride, done, count);
    done += count;
  }
}

// Whether [low, low + n) lies in one row, so that one stride describes it.
bool in_one_row(const Space& space, std::int64_t low, std::size_t n) noexcept {
  return low % space.inner() + static_cast<std::int64_t>(n) <= space.inner();
}

std::int64_t offset_of(const Space& space, const Strides& strides, std::int64_t low) noexcept {
  std::int64_t offset = 0;
  for (int axis = space.sizes.ndim() - 1; axis >= 0; --axis) {
    offset += low % space.sizes[axis] * strides[axis];
    low /= space.sizes[axis];
  }
  return offset;
}

bool is_aligned_to(const std::byte* data, const Strides& strides, std::int64_t itemsize) noexcept {
  const std::int64_t unit = std::min<std::int64_t>(itemsize, 8);
  if (reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(unit) != 0) return false;
  return std::all_of(strides.begin(), strides.end(), [unit](std::int64_t s) { return s % unit == 0; });
}

// Whether the elements lie one behind the other in the space's order.
bool is_packed(const Space& space, const Strides& strides, std::int64_t itemsize) noexcept {
  for (int axis = space.sizes.ndim() - 1; axis >= 0; --axis) {
    if (strides[axis] != itemsize) return false;
    itemsize *= space.sizes[axis];
  }
  return true;
}

template <std::size_t kSize>
void gather_sized(const std::byte* from, std::int64_t stride, std::byte* to, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i, from += stride, to += kSize) std::memcpy(to, from, kSize);
}
constexpr std::size_t kFewItems = 16;  // a kernel's call costs more than it saves

/// The kernel for items so far apart, or null. It reads what lies between them, too, and throws it away: another thread that writes there
/// meanwhile changes nothing.
GatherKernel gather_kernel(std::int64_t stride, std::size_t itemsize) noexcept {
  const auto own = static_cast<std::int64_t>(itemsize);
  if (stride != 2 * own && stride != -own) return nullptr;
  const KernelTable& table = kernels();
  return (stride < 0 ? table.backwards : table.every_other)[static_cast<std::size_t>(std::countr_zero(itemsize))];
}

template <std::size_t kSize>
void scatter_sized(const std::byte* from, std::byte* to, std::int64_t stride, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i, from += kSize, to += stride) std::memcpy(to, from, kSize);
}

/// Calls move.operator()<itemsize>().
template <class Move>
void with_size(std::size_t itemsize, const Move& move) noexcept {
  switch (itemsize) {
    case 1:
      return move.template operator()<1>();
    case 2:
      return move.template operator()<2>();
    case 4:
      return move.template operator()<4>();
    case 8:
      return move.template operator()<8>();
    default:
      return move.template operator()<16>();
  }
}

}  // namespace

Space make_space(const Shape& shape, std::span<Strides> strides, bool reorder) {
  std::array<int, kMaxAxes> order{};
  int kept = 0;
  for (int axis = 0; axis < shape.ndim(); ++axis) {
    if (shape[axis] != 1) order[static_cast<std::size_t>(kept++)] = axis;
  }
  const std::span axes(order.data(), static_cast<std::size_t>(kept));
  if (reorder && !strides.empty()) {
    std::stable_sort(axes.begin(), axes.end(),
                     [&](int a, int b) { return std::abs(strides[0][a]) > std::abs(strides[0][b]); });
  }
  return merge_axes(shape, axes, strides);
}

Space merge_axes(const Shape& shape, std::span<const int> axes, std::span<Strides> strides) {
  Space space;
  std::array<Strides, 4> few;
  std::vector<Strides> many;
  if (strides.size() > few.size()) many.resize(strides.size());
  Strides* merged = strides.size() > few.size() ? many.data() : few.data();
  for (const int axis : axes) {
    space.count *= shape[axis];
    if (shape[axis] == 1) continue;
    const int last = space.sizes.ndim() - 1;
    bool joins = last >= 0;
    for (std::size_t k = 0; k < strides.size() && joins; ++k) joins = merged[k][last] == strides[k][axis] * shape[axis];
    for (std::size_t k = 0; k < strides.size(); ++k) {
      if (joins)
        merged[k][last] = strides[k][axis];
      else
        merged[k].push_back(strides[k][axis]);
    }
    if (joins)
      space.sizes[last] *= shape[axis];
    else
      space.sizes.push_back(shape[axis]);
  }
  std::copy_n(merged, strides.size(), strides.begin());
  return space;
}

Strides stretched_strides(const Array& array, const Shape& shape) {
  Strides strides;
  const int missing = shape.ndim() - array.ndim();
  for (int axis = 0; axis < shape.ndim(); ++axis) {
    const int own = axis - missing;
    const bool stretched = own < 0 || (array.shape()[own] == 1 && shape[axis] != 1);
    strides.push_back(stretched ? 0 : array.strides()[own]);
  }
  return strides;
}

void gather_run(const std::byte* from, std::int64_t stride, std::size_t itemsize, std::byte* to,
                std::size_t n) noexcept {
  if (stride == static_cast<std::int64_t>(itemsize)) {
    std::memcpy(to, from, n * itemsize);
    return;
  }
  const GatherKernel kernel = n >= kFewItems ? gather_kernel(stride, itemsize) : nullptr;
  if (kernel != nullptr) return kernel(from, to, n);
  with_size(itemsize, [&]<std::size_t kSize>() { gather_sized<kSize>(from, stride, to, n); });
}

void scatter_run(const std::byte* from, std::byte* to, std::int64_t stride, std::size_t itemsize,
                 std::size_t n) noexcept {
  if (stride == static_cast<std::int64_t>(itemsize)) {
    std::memcpy(to, from, n * itemsize);
    return;
  }
  with_size(itemsize, [&]<std::size_t kSize>() { scatter_sized<kSize>(from, to, stride, n); });
}

void gather_tile(const std::byte* from, std::int64_t row_stride, std::int64_t column_stride, const Tile& tile,
                 std::size_t itemsize, std::byte* to) noexcept {
  const auto rows = static_cast<std::size_t>(tile.rows), columns = static_cast<std::size_t>(tile.columns);
  if (std::abs(column_stride) <= std::abs(row_stride)) {
    for (std::size_t row = 0; row < rows; ++row, from += row_stride, to += columns * itemsize) {
      gather_run(from, column_stride, itemsize, to, columns);
    }
    return;
  }
  // Down the columns: a cache line that is read gives a piece of several rows.
  with_size(itemsize, [&]<std::size_t kSize>() {
    const std::byte* in = from;
    std::byte* out = to;
    for (std::size_t column = 0; column < columns; ++column, in += column_stride, out += kSize) {
      const std::byte* item = in;
      for (std::size_t row = 0; row < rows; ++row, item += row_stride) std::memcpy(out + row * columns * kSize, item, kSize);
    }
  });
}

Reader::Reader(const std::byte* data, const Strides& strides, TypeId type, const Space& space, TypeId loop) noexcept
    : data_(data),
      strides_(strides),
      space_(&space),
      type_(type),
      loop_(loop),
      itemsize_(DType(type).itemsize()),
      aligned_(is_aligned_to(data, strides, itemsize_)),
      packed_(is_packed(space, strides, itemsize_)) {}

const std::byte* Reader::locate(std::int64_t low) const noexcept { return data_ + offset_of(*space_, strides_, low); }

const std::byte* Reader::direct(std::int64_t low, std::size_t n) const noexcept {
  if (needs_cast() || !aligned_) return nullptr;
  if (packed_) return data_ + low * itemsize_;
  return strides_.back() == itemsize_ && in_one_row(*space_, low, n) ? locate(low) : nullptr;
}

const std::byte* Reader::repeated(std::int64_t low, std::size_t n) const noexcept {
  const bool every = std::all_of(strides_.begin(), strides_.end(), [](std::int64_t s) { return s == 0; });
  if (every) return data_;
  return strides_.back() == 0 && in_one_row(*space_, low, n) ? locate(low) : nullptr;
}

void Reader::gather(std::int64_t low, std::size_t n, std::byte* to) const noexcept {
  const auto itemsize = static_cast<std::size_t>(itemsize_);
  for_rows(*space_, strides_, low, n,
           [&](std::int64_t offset, std::int64_t stride, std::size_t done, std::size_t count) {
             gather_run(data_ + offset, stride, itemsize, to + done * itemsize, count);
           });
}

void Reader::stage(std::int64_t low, std::size_t n, std::byte* to) const noexcept {
  if (!needs_cast()) return gather(low, n, to);
  const CastKernel cast = find_cast(type_, loop_);
  const auto width = static_cast<std::size_t>(DType(loop_).itemsize());
  const bool contiguous = aligned_ && (strides_.empty() || strides_.back() == itemsize_);
  if (contiguous && in_one_row(*space_, low, n)) return cast(locate(low), to, n);
  alignas(64) std::byte raw[kStageElements * 16];
  for (std::size_t done = 0; done < n; done += kStageElements) {
    const std::size_t count = std::min(kStageElements, n - done);
    gather(low + static_cast<std::int64_t>(done), count, raw);
    cast(raw, to + done * width, count);
  }
}

void Reader::stage_tile(const Tile& tile, std::byte* to) const noexcept {
  alignas(64) std::byte raw[kTileBytes];
  std::byte* const lies = needs_cast() ? raw : to;
  const int last = space_->sizes.ndim() - 1;
  const std::byte* from = data_ + offset_of(*space_, strides_, tile.row * space_->inner() + tile.column);
  gather_tile(from, strides_[last - 1], strides_[last], tile, static_cast<std::size_t>(itemsize_), lies);
  if (needs_cast()) find_cast(type_, loop_)(raw, to, static_cast<std::size_t>(tile.rows * tile.columns));
}

Writer::Writer(std::byte* data, const Strides& strides, TypeId type, const Space& space, TypeId loop) noexcept
    : data_(data),
      strides_(strides),
      space_(&space),
      type_(type),
      loop_(loop),
      itemsize_(DType(type).itemsize()),
      aligned_(is_aligned_to(data, strides, itemsize_)),
      packed_(is_packed(space, strides, itemsize_)) {}

std::byte* Writer::direct(std::int64_t low, std::size_t n) const noexcept {
  if (type_ != loop_ || !aligned_) return nullptr;
  if (packed_) return data_ + low * itemsize_;
  return strides_.back() == itemsize_ && in_one_row(*space_, low, n) ? data_ + offset_of(*space_, strides_, low) : nullptr;
}

void Writer::put(std::int64_t low, std::size_t n, const std::byte* from) const noexcept {
  alignas(64) std::byte raw[kStageElements * 16];
  if (type_ != loop_) {
    find_cast(loop_, type_)(from, raw, n);
    from = raw;
  }
  const auto itemsize = static_cast<std::size_t>(itemsize_);
  for_rows(*space_, strides_, low, n,
           [&](std::int64_t offset, std::int64_t stride, std::size_t done, std::size_t count) {
             scatter_run(from + done * itemsize, data_ + offset, stride, itemsize, count);
           });
}

}  // namespace ndshare::internal
