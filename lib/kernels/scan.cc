// Running sums and products of a block. One chain in the order of the elements: the same on every machine, so there is one
// form for all targets; blocks are what threads share.
#include "lib/kernels/families.h"

#include <cstring>

namespace ndshare::internal {
namespace {

template <class T>
struct Parts {
  T re, im;
};
template <class T>
Parts<T> operator+(Parts<T> a, Parts<T> b) noexcept { return {a.re + b.re, a.im + b.im}; }
template <class T>
Parts<T> operator*(Parts<T> a, Parts<T> b) noexcept { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }

template <class T, bool kProduct>
void scan(const void* vx, std::size_t n, void* carry, void* vout) noexcept {
  const auto* x = static_cast<const T*>(vx);
  auto* out = static_cast<T*>(vout);
  T running;
  std::memcpy(&running, carry, sizeof running);
  for (std::size_t i = 0; i < n; ++i) {
    running = kProduct ? running * x[i] : running + x[i];
    out[i] = running;
  }
  std::memcpy(carry, &running, sizeof running);
}

template <class T>
void set(KernelTable& table, TypeId id) noexcept {
  table.cumsum[static_cast<std::size_t>(id)] = scan<T, false>;
  table.cumprod[static_cast<std::size_t>(id)] = scan<T, true>;
}

}  // namespace

void fill_scan(KernelTable& table) {
  set<std::uint64_t>(table, TypeId::int64), set<std::uint64_t>(table, TypeId::uint64);
  set<float>(table, TypeId::float32), set<double>(table, TypeId::float64);
  set<Parts<float>>(table, TypeId::complex64), set<Parts<double>>(table, TypeId::complex128);
}

}  // namespace ndshare::internal
