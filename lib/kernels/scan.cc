// Running sums and products of a block, one chain in the order of the elements; and products of complex numbers, in four. The
// same on every machine, so there is one form for all targets; blocks are what threads share.
//
// Complex products have no form for each target on purpose: where a target has vfmaddsub, g++ 12 makes it of a·c − b·d and
// a·d + b·c under -ffp-contract=off too, and its bits are not those of the other targets.
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

// What was carried is joined beside the chain: small elements after a large sum are added to each other first.
template <class T, bool kProduct>
void scan(const void* vx, std::size_t n, const void* carry, void* vout) noexcept {
  const auto join = [](T a, T b) { return kProduct ? a * b : a + b; };
  const auto* x = static_cast<const T*>(vx);
  auto* out = static_cast<T*>(vout);
  if (n == 0) return;
  T running = x[0], before{};
  if (carry == nullptr) {
    out[0] = running;
    for (std::size_t i = 1; i < n; ++i) out[i] = running = join(running, x[i]);
    return;
  }
  std::memcpy(&before, carry, sizeof before);
  out[0] = join(before, running);
  for (std::size_t i = 1; i < n; ++i) {
    running = join(running, x[i]);
    out[i] = join(before, running);
  }
}

template <class T>
void product_complex(const void* vx, std::size_t n, void* out) noexcept {
  const auto* x = static_cast<const Parts<T>*>(vx);
  Parts<T> chain[4] = {{1, 0}, {1, 0}, {1, 0}, {1, 0}};
  for (std::size_t i = 0; i < n; ++i) chain[i % 4] = i < 4 ? x[i] : chain[i % 4] * x[i];
  Parts<T> all = chain[0];
  for (std::size_t i = 1; i < 4 && i < n; ++i) all = all * chain[i];
  std::memcpy(out, &all, sizeof all);
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
  table.prod[static_cast<std::size_t>(TypeId::complex64)] = product_complex<float>;
  table.prod[static_cast<std::size_t>(TypeId::complex128)] = product_complex<double>;
}

}  // namespace ndshare::internal
