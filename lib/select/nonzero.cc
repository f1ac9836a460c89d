// nonzero and its relatives: the positions of true elements.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/select.h>

#include "lib/exec/guard.h"
#include "lib/kernels/registry.h"
#include "lib/select/true_blocks.h"

#include <algorithm>
#include <array>

namespace ndshare {
namespace internal {
namespace {

/// Splits flat positions into one of each axis: columns of a row-major table `step` apart.
class Unravel {
 public:
  explicit Unravel(const Shape& shape) : shape_(shape) {}
  void run(const std::int64_t* flat, std::size_t n, std::int64_t* const* to, std::int64_t step) const {
    for (std::size_t i = 0; i < n; ++i) {
      std::int64_t rest = flat[i];
      for (int axis = shape_.ndim() - 1; axis > 0; --axis) {
        const std::int64_t above = rest / shape_[axis];
        to[axis][static_cast<std::int64_t>(i) * step] = rest - above * shape_[axis];
        rest = above;
      }
      to[0][static_cast<std::int64_t>(i) * step] = rest;
    }
  }

 private:
  const Shape& shape_;
};

/// Calls place(true elements before, positions, n) for pieces of the mask, by all threads.
template <class Place>
void for_positions(const Array& mask, const TrueBlocks& blocks, const Place& place) {
  constexpr std::int64_t kPiece = 1024;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(mask.data());
  blocks.for_each([&](std::int64_t first, std::int64_t n, std::int64_t before) {
    std::array<std::int64_t, kPiece> found;
    for (std::int64_t low = first; low < first + n; low += kPiece) {
      const auto some = static_cast<std::size_t>(std::min(kPiece, first + n - low));
      const std::size_t count = kernels().true_positions(bytes + low, some, low, found.data());
      place(before, found.data(), count);
      before += static_cast<std::int64_t>(count);
    }
  });
}

void write_positions(const Array& mask, const TrueBlocks& blocks, const std::vector<std::int64_t*>& columns, std::int64_t step) {
  if (columns.size() == 1) {  // flat positions are what is asked for, and step is 1
    return for_positions(mask, blocks, [&](std::int64_t before, const std::int64_t* flat, std::size_t n) {
      std::copy_n(flat, n, columns[0] + before);
    });
  }
  const Unravel unravel(mask.shape());
  for_positions(mask, blocks, [&](std::int64_t before, const std::int64_t* flat, std::size_t n) {
    std::array<std::int64_t*, kMaxAxes> to{};
    for (std::size_t axis = 0; axis < columns.size(); ++axis) to[axis] = columns[axis] + before * step;
    unravel.run(flat, n, to.data(), step);
  });
}

}  // namespace
}  // namespace internal

std::vector<Array> nonzero(const Lazy& x) {
  const Array mask = internal::truth_of(x);
  if (mask.ndim() == 0) throw Error(Error::DtypeMismatch, "nonzero of an array without axes has no positions: give it one with reshape({1})");
  const internal::TrueBlocks blocks(mask);
  internal::check_result_memory("nonzero", {mask.ndim(), blocks.count()}, int64.itemsize(), {});
  std::vector<Array> out;
  std::vector<std::int64_t*> columns;
  for (int axis = 0; axis < mask.ndim(); ++axis) {
    out.push_back(empty({blocks.count()}, int64));
    columns.push_back(out.back().as_span<std::int64_t>().data());
  }
  internal::write_positions(mask, blocks, columns, 1);
  return out;
}

Array argwhere(const Lazy& x) {
  const Array mask = internal::truth_of(x);
  if (mask.ndim() == 0) return empty({mask.item<bool>() ? 1 : 0, 0}, int64);
  const internal::TrueBlocks blocks(mask);
  const Shape shape{blocks.count(), mask.ndim()};
  internal::check_result_memory("argwhere", shape, int64.itemsize(), {});
  const Array out = empty(shape, int64);
  std::vector<std::int64_t*> columns;
  for (int axis = 0; axis < mask.ndim(); ++axis) columns.push_back(out.as_span<std::int64_t>().data() + axis);
  internal::write_positions(mask, blocks, columns, mask.ndim());
  return out;
}

Array flatnonzero(const Lazy& x) {
  const Array mask = internal::truth_of(x);
  return nonzero(mask.reshape({-1})).front();
}

}  // namespace ndshare
