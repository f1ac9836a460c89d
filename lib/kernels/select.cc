// Which of two elements: bytes are moved, so payloads and signs of NaN stay.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/select.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/plain_loops-inl.h"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

// An element of 16 bytes moves as two halves.
struct Halves {
  std::uint64_t first, second;
};
template <class T>
HWY_INLINE T pick(std::uint8_t mask, T a, T b) noexcept {
  return mask != 0 ? a : b;
}
HWY_INLINE Halves pick(std::uint8_t mask, Halves a, Halves b) noexcept {
  return {mask != 0 ? a.first : b.first, mask != 0 ? a.second : b.second};
}

template <class T, bool kAScalar, bool kBScalar>
void select_loop(const std::uint8_t* mask, const void* va, const void* vb, void* vo, std::size_t n) noexcept {
  const auto* a = static_cast<const T*>(va);
  const auto* b = static_cast<const T*>(vb);
  auto* out = static_cast<T*>(vo);
  const T a0 = a[0], b0 = b[0];
#pragma GCC ivdep
  for (std::size_t i = 0; i < n; ++i) {  // both are read whatever the mask says: no branch
    const T x = kAScalar ? a0 : a[i], y = kBScalar ? b0 : b[i];
    out[i] = pick(mask[i], x, y);
  }
}

template <class T>
void select_kernel(const std::uint8_t* mask, const void* a, bool a_scalar, const void* b, bool b_scalar, void* out,
                   std::size_t n) noexcept {
  if (n == 0) return;
  if (a_scalar && b_scalar) {
    select_loop<T, true, true>(mask, a, b, out, n);
  } else if (a_scalar) {
    select_loop<T, true, false>(mask, a, b, out, n);
  } else if (b_scalar) {
    select_loop<T, false, true>(mask, a, b, out, n);
  } else {
    select_loop<T, false, false>(mask, a, b, out, n);
  }
}

void fill_select_table(KernelTable* table) {
  table->select = {select_kernel<std::uint8_t>, select_kernel<std::uint16_t>, select_kernel<std::uint32_t>,
                   select_kernel<std::uint64_t>, select_kernel<Halves>};
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_select_table);
void fill_select(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_select_table)(&table); }
}  // namespace ndshare::internal
#endif
