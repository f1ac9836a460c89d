// Copy and fill with stores that go past the caches; and items gathered from two common strides.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/memory.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"

#include <cstring>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::ScalableTag<std::uint8_t>;

// Bytes until `p` is aligned for a stream store, `bytes` at most.
HWY_INLINE std::size_t memory_head(const void* p, std::size_t bytes) noexcept {
  const std::size_t width = hn::Lanes(Bytes());
  const std::size_t head = (width - reinterpret_cast<std::uintptr_t>(p) % width) % width;
  return head < bytes ? head : bytes;
}

void stream_copy(void* dst, const void* src, std::size_t bytes) noexcept {
  const Bytes d;
  const std::size_t width = hn::Lanes(d);
  auto* out = static_cast<std::uint8_t*>(dst);
  const auto* in = static_cast<const std::uint8_t*>(src);
  std::size_t i = memory_head(dst, bytes);
  std::memcpy(out, in, i);
  for (; i + 4 * width <= bytes; i += 4 * width) {
    const auto v0 = hn::LoadU(d, in + i), v1 = hn::LoadU(d, in + i + width);
    const auto v2 = hn::LoadU(d, in + i + 2 * width), v3 = hn::LoadU(d, in + i + 3 * width);
    hn::Stream(v0, d, out + i);
    hn::Stream(v1, d, out + i + width);
    hn::Stream(v2, d, out + i + 2 * width);
    hn::Stream(v3, d, out + i + 3 * width);
  }
  std::memcpy(out + i, in + i, bytes - i);
}

void stream_fill(void* dst, unsigned char value, std::size_t bytes) noexcept {
  const Bytes d;
  const std::size_t width = hn::Lanes(d);
  auto* out = static_cast<std::uint8_t*>(dst);
  std::size_t i = memory_head(dst, bytes);
  std::memset(out, value, i);
  const auto v = hn::Set(d, value);
  for (; i + width <= bytes; i += width) hn::Stream(v, d, out + i);
  std::memset(out + i, value, bytes - i);
}

void stream_fence() noexcept { hwy::FlushStream(); }

#if HWY_TARGET != HWY_SCALAR
// Nothing behind the last item is read, as it may be nobody's.
template <class T>
void every_other(const void* from, void* out, std::size_t n) noexcept {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto* in = static_cast<const T*>(from);
  auto* to = static_cast<T*>(out);
  std::size_t i = 0;
  for (; i + lanes < n; i += lanes) {
    hn::StoreU(hn::ConcatEven(d, hn::LoadU(d, in + 2 * i + lanes), hn::LoadU(d, in + 2 * i)), d, to + i);
  }
  for (; i < n; ++i) std::memcpy(to + i, in + 2 * i, sizeof(T));  // anywhere
}

template <class T>
void backwards(const void* from, void* out, std::size_t n) noexcept {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto* in = static_cast<const T*>(from);
  auto* to = static_cast<T*>(out);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Reverse(d, hn::LoadU(d, in - i - (lanes - 1))), d, to + i);
  for (; i < n; ++i) std::memcpy(to + i, in - i, sizeof(T));
}
#endif

void fill_memory_table(KernelTable* table) {
  table->vector_bytes = hn::Lanes(Bytes());
  table->stream_copy = stream_copy;
  table->stream_fill = stream_fill;
  table->fence = stream_fence;
#if HWY_TARGET != HWY_SCALAR
  table->every_other = {nullptr, every_other<std::uint16_t>, every_other<std::uint32_t>, every_other<std::uint64_t>, nullptr};
  table->backwards = {nullptr, backwards<std::uint16_t>, backwards<std::uint32_t>, backwards<std::uint64_t>, nullptr};
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_memory_table);
void fill_memory(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_memory_table)(&table); }
}  // namespace ndshare::internal
#endif
