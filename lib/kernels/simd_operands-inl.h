// Operands of the loops in simd_loops-inl.h: a vector read from memory, or one value in every lane; plain and complex.
// Compiled once for each SIMD target, as the loops are.

#if defined(NDSHARE_SIMD_OPERANDS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef NDSHARE_SIMD_OPERANDS_INL
#undef NDSHARE_SIMD_OPERANDS_INL
#else
#define NDSHARE_SIMD_OPERANDS_INL
#endif

#include <cstddef>
#include <cstring>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "lib/kernels/families.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

enum class Form { vv, vs, sv };  // which operand is a scalar: none, the right, the left

// One operand of a loop over T: a vector read from memory, or one value in every lane.
template <class T, bool kScalar>
class Operand {
 public:
  using D = hn::ScalableTag<T>;
  HWY_INLINE explicit Operand(const void* p) noexcept : data_(static_cast<const T*>(p)), value_(first(p)) {}
  HWY_INLINE hn::Vec<D> load(std::size_t i) const noexcept {
    if constexpr (kScalar) {
      return hn::Set(D(), value_);
    } else {
      return hn::LoadU(D(), data_ + i);
    }
  }
  // Asks for the lines that the loop reads kReadAhead bytes after the `count` elements from i.
  HWY_INLINE void prefetch(std::size_t i, std::size_t count) const noexcept {
    if constexpr (!kScalar) {
      const auto* ahead = reinterpret_cast<const char*>(data_ + i) + kReadAhead;
      for (std::size_t byte = 0; byte < count * sizeof(T); byte += 64) hwy::Prefetch(ahead + byte);
    }
  }
  // `count` elements from i, then zeros.
  HWY_INLINE hn::Vec<D> load_part(std::size_t i, std::size_t count) const noexcept {
    if constexpr (kScalar) {
      return hn::Set(D(), value_);
    } else {
      HWY_ALIGN T part[HWY_MAX_BYTES / sizeof(T)] = {};
      std::memcpy(part, data_ + i, count * sizeof(T));
      return hn::Load(D(), part);
    }
  }

 private:
  static HWY_INLINE T first(const void* p) noexcept {
    T value{};
    if constexpr (kScalar) std::memcpy(&value, p, sizeof(T));
    return value;
  }
  const T* data_;
  T value_;  // used when kScalar
};

// The lanes of a complex operand, real and imaginary parts apart.
template <class T, bool kScalar>
class ComplexOperand {
 public:
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  HWY_INLINE explicit ComplexOperand(const void* p) noexcept : data_(static_cast<const T*>(p)) {
    if constexpr (kScalar) std::memcpy(value_, p, sizeof value_);
  }
  HWY_INLINE void load(std::size_t i, V& re, V& im) const noexcept {
    if constexpr (kScalar) {
      re = hn::Set(D(), value_[0]);
      im = hn::Set(D(), value_[1]);
    } else {
      hn::LoadInterleaved2(D(), data_ + 2 * i, re, im);
    }
  }
  HWY_INLINE void load_part(std::size_t i, std::size_t count, V& re, V& im) const noexcept {
    if constexpr (kScalar) {
      load(i, re, im);
    } else {
      HWY_ALIGN T part[2 * HWY_MAX_BYTES / sizeof(T)] = {};
      std::memcpy(part, data_ + 2 * i, 2 * count * sizeof(T));
      hn::LoadInterleaved2(D(), part, re, im);
    }
  }

 private:
  const T* data_;
  T value_[2] = {};
};

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#endif  // toggle
