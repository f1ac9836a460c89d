#include "lib/io/fixup.h"

#include <algorithm>

namespace ndshare::internal {
namespace {

bool contains_bool(const DType& dtype) {
  const auto fields = dtype.fields();
  return dtype.is_bool() ||
         std::any_of(fields.begin(), fields.end(), [](const Field& f) { return contains_bool(f.dtype); });
}

/// A C++ bool may hold 0 and 1 only: any other byte counts as true, as in NumPy.
void normalize_bools(std::byte* first, std::int64_t count, std::int64_t stride, const DType& dtype) {
  if (dtype.is_bool()) {
    for (std::int64_t i = 0; i < count; ++i)
      first[i * stride] = first[i * stride] == std::byte{0} ? std::byte{0} : std::byte{1};
    return;
  }
  for (const Field& field : dtype.fields()) {
    if (!contains_bool(field.dtype)) continue;
    const std::int64_t inner = field.shape.count();
    if (inner == 1) {
      normalize_bools(first + field.offset, count, stride, field.dtype);
      continue;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      normalize_bools(first + i * stride + field.offset, inner, field.dtype.itemsize(), field.dtype);
    }
  }
}

void swap_run(std::byte* first, const SwapRun& run) noexcept {
  for (std::int64_t i = 0; i < run.count; ++i) std::reverse(first + i * run.width, first + (i + 1) * run.width);
}

}  // namespace

Fixup::Fixup(const DType& dtype, std::span<const SwapRun> swaps)
    : dtype_(dtype), swaps_(swaps.begin(), swaps.end()), has_bools_(contains_bool(dtype)) {}

void Fixup::apply(std::byte* elements, std::int64_t count) const noexcept {
  const std::int64_t itemsize = dtype_.itemsize();
  for (const SwapRun& run : swaps_) {
    for (std::int64_t i = 0; i < count; ++i) swap_run(elements + i * itemsize + run.offset, run);
  }
  if (has_bools_) normalize_bools(elements, count, itemsize, dtype_);
}

}  // namespace ndshare::internal
