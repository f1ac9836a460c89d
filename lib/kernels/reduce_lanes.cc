// Products, minima and maxima of blocks, counts and searches: over fixed virtual lanes, so the same bits on every target.
//
// A block is seen as rows of 256 bytes; each column of them is joined from top to bottom, then the columns as a binary tree.
// Missing lanes of the last row are left out. Products of complex numbers are in scan.cc.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/reduce_lanes.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"

#include <cstring>
#include <type_traits>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
inline constexpr std::size_t kColumns = 256 / sizeof(T);

struct Product {
  template <class D, class V>
  static HWY_INLINE V join(D, V a, V b) noexcept { return hn::Mul(a, b); }
  template <class T>
  static HWY_INLINE T join(T a, T b) noexcept { return static_cast<T>(a * b); }
};
// The second only where it is beyond the first: ties and NaN keep the first.
struct Smaller {
  template <class D, class V>
  static HWY_INLINE V join(D, V a, V b) noexcept { return hn::IfThenElse(hn::Lt(b, a), b, a); }
  template <class T>
  static HWY_INLINE T join(T a, T b) noexcept { return b < a ? b : a; }
};
struct Larger {
  template <class D, class V>
  static HWY_INLINE V join(D, V a, V b) noexcept { return hn::IfThenElse(hn::Gt(b, a), b, a); }
  template <class T>
  static HWY_INLINE T join(T a, T b) noexcept { return a < b ? b : a; }
};

template <class T>
HWY_INLINE std::size_t first_nan(const T* x, std::size_t n) noexcept {
  std::size_t i = 0;
  while (i < n && x[i] == x[i]) ++i;
  return i;
}

// Whole rows into `columns`; says whether a NaN was seen.
template <class Op, class T, bool kNan>
HWY_INLINE bool join_rows(const T* x, std::size_t rows, T* columns) noexcept {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr std::size_t kVectors = kColumns<T> / hn::MaxLanes(hn::ScalableTag<T>());
  const std::size_t lanes = hn::Lanes(d);
  V join[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) join[v] = hn::LoadU(d, x + v * lanes);
  // Eq of NaN with itself is false on every target (Highway's Ne is, too, on some).
  auto ordered = hn::Eq(join[0], join[0]);
  if constexpr (kNan) {
    for (std::size_t v = 1; v < kVectors; ++v) ordered = hn::And(ordered, hn::Eq(join[v], join[v]));
  }
  for (std::size_t row = 1; row < rows; ++row) {
    const T* p = x + row * kColumns<T>;
    for (std::size_t line = 0; line < 4; ++line) hwy::Prefetch(p + (kReadAhead + line * 64) / sizeof(T));
    for (std::size_t v = 0; v < kVectors; ++v) {
      const V next = hn::LoadU(d, p + v * lanes);
      if constexpr (kNan) ordered = hn::And(ordered, hn::Eq(next, next));
      join[v] = Op::join(d, join[v], next);
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(join[v], d, columns + v * lanes);
  return kNan && !hn::AllTrue(d, ordered);
}

// REQUIRES: n ≥ 1.
template <class Op, class T, bool kNan>
void reduce_block(const void* vx, std::size_t n, void* out) noexcept {
  const T* x = static_cast<const T*>(vx);
  HWY_ALIGN T columns[kColumns<T>];
  const std::size_t rows = n / kColumns<T>, rest = n % kColumns<T>;
  bool nan = false;
  if (rows != 0) nan = join_rows<Op, T, kNan>(x, rows, columns);
  const T* tail = x + rows * kColumns<T>;
  std::size_t used = rows != 0 ? kColumns<T> : rest;
  if (rows == 0) std::memcpy(columns, tail, rest * sizeof(T));
  for (std::size_t i = 0; i < rest; ++i) {
    if constexpr (kNan) nan = nan || tail[i] != tail[i];
    if (rows != 0) columns[i] = Op::join(columns[i], tail[i]);
  }
  if constexpr (kNan) {
    if (nan) {
      std::memcpy(out, x + first_nan(x, n), sizeof(T));
      return;
    }
  }
  while (used > 1) {
    const std::size_t half = (used + 1) / 2;
    for (std::size_t i = 0; i + half < used; ++i) columns[i] = Op::join(columns[i], columns[i + half]);
    used = half;
  }
  std::memcpy(out, columns, sizeof(T));
}

template <class T>
void product_block(const void* x, std::size_t n, void* out) noexcept {
  if (n != 0) return reduce_block<Product, T, false>(x, n, out);
  const T one{1};
  std::memcpy(out, &one, sizeof one);
}
// No target multiplies vectors of 64-bit integers: plain, in a few chains.
void product_integers(const void* vx, std::size_t n, void* out) noexcept {
  const auto* x = static_cast<const std::uint64_t*>(vx);
  std::uint64_t chain[4] = {1, 1, 1, 1};
  for (std::size_t i = 0; i < n; ++i) chain[i % 4] *= x[i];
  const std::uint64_t all = chain[0] * chain[1] * chain[2] * chain[3];
  std::memcpy(out, &all, sizeof all);
}

template <class T>
struct Parts {
  T re, im;
};
template <class T>
HWY_INLINE bool is_nan(Parts<T> x) noexcept { return x.re != x.re || x.im != x.im; }
template <class T>
HWY_INLINE bool comes_before(Parts<T> a, Parts<T> b) noexcept { return a.re < b.re || (a.re == b.re && a.im < b.im); }

template <class T, bool kLargest>
void extreme_complex(const void* vx, std::size_t n, void* out) noexcept {
  const auto* x = static_cast<const Parts<T>*>(vx);
  Parts<T> best = x[0];
  for (std::size_t i = 0; i < n; ++i) {
    if (is_nan(x[i])) {
      best = x[i];
      break;
    }
    if (kLargest ? comes_before(best, x[i]) : comes_before(x[i], best)) best = x[i];
  }
  std::memcpy(out, &best, sizeof best);
}

template <class T>
std::size_t find_number(const void* vx, std::size_t n, const void* value) noexcept {
  const T* x = static_cast<const T*>(vx);
  T wanted;
  std::memcpy(&wanted, value, sizeof wanted);
  if constexpr (std::is_floating_point_v<T>) {
    if (wanted != wanted) return first_nan(x, n);
  }
  // Steps of 256 bytes without a branch inside; then the place in the step that has it.
  std::size_t i = 0;
  for (; i + kColumns<T> <= n; i += kColumns<T>) {
    unsigned found = 0;
    for (std::size_t k = 0; k < kColumns<T>; ++k) found |= x[i + k] == wanted ? 1U : 0U;
    if (found != 0) break;
  }
  while (i < n && !(x[i] == wanted)) ++i;
  return i;
}
template <class T>
std::size_t find_complex(const void* vx, std::size_t n, const void* value) noexcept {
  const auto* x = static_cast<const Parts<T>*>(vx);
  Parts<T> wanted;
  std::memcpy(&wanted, value, sizeof wanted);
  const bool nan = is_nan(wanted);
  std::size_t i = 0;
  while (i < n && !(nan ? is_nan(x[i]) : x[i].re == wanted.re && x[i].im == wanted.im)) ++i;
  return i;
}

std::size_t count_bytes(const std::uint8_t* x, std::size_t n) noexcept {
  std::size_t total = 0, i = 0;
  if (n < 64) {
    for (; i < n; ++i) total += x[i] != 0 ? 1 : 0;
    return total;
  }
  while (i < n) {  // 255 rows of one byte a lane cannot wrap
    const std::size_t end = n - i < 16320 ? n : i + 16320;
    std::uint8_t lanes[64] = {};
    for (; i + 64 <= end; i += 64) {
      for (std::size_t k = 0; k < 64; ++k) lanes[k] = static_cast<std::uint8_t>(lanes[k] + (x[i + k] != 0 ? 1 : 0));
    }
    for (const std::uint8_t lane : lanes) total += lane;
    for (; i < end; ++i) total += x[i] != 0 ? 1 : 0;
  }
  return total;
}

template <class T>
void set_extremes(KernelTable& table, TypeId id) noexcept {
  constexpr bool kNan = std::is_floating_point_v<T>;
  table.min[static_cast<std::size_t>(id)] = reduce_block<Smaller, T, kNan>;
  table.max[static_cast<std::size_t>(id)] = reduce_block<Larger, T, kNan>;
  table.find_first[static_cast<std::size_t>(id)] = find_number<T>;
}
template <class T>
void set_complex(KernelTable& table, TypeId id) noexcept {
  table.min[static_cast<std::size_t>(id)] = extreme_complex<T, false>;
  table.max[static_cast<std::size_t>(id)] = extreme_complex<T, true>;
  table.find_first[static_cast<std::size_t>(id)] = find_complex<T>;
}

}  // namespace

void fill_reduce_lanes_table(KernelTable* table) {
  set_extremes<std::int8_t>(*table, TypeId::int8), set_extremes<std::int16_t>(*table, TypeId::int16);
  set_extremes<std::int32_t>(*table, TypeId::int32), set_extremes<std::int64_t>(*table, TypeId::int64);
  set_extremes<std::uint8_t>(*table, TypeId::uint8), set_extremes<std::uint16_t>(*table, TypeId::uint16);
  set_extremes<std::uint32_t>(*table, TypeId::uint32), set_extremes<std::uint64_t>(*table, TypeId::uint64);
  set_extremes<float>(*table, TypeId::float32), set_extremes<double>(*table, TypeId::float64);
  set_complex<float>(*table, TypeId::complex64), set_complex<double>(*table, TypeId::complex128);
  table->prod[static_cast<std::size_t>(TypeId::int64)] = table->prod[static_cast<std::size_t>(TypeId::uint64)] = product_integers;
  table->prod[static_cast<std::size_t>(TypeId::float32)] = product_block<float>;
  table->prod[static_cast<std::size_t>(TypeId::float64)] = product_block<double>;
  table->count_true = count_bytes;
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_reduce_lanes_table);
void fill_reduce_lanes(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_reduce_lanes_table)(&table); }
}  // namespace ndshare::internal
#endif
