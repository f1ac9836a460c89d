// Random words, and the first step from words to normal numbers. Same bits on every target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/random.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "lib/kernels/families.h"
#include "lib/kernels/philox.h"

#include <algorithm>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Scalar: vectors have no product of 128 bits, and make it of four. A target with BMI2 multiplies without moving registers.
// Two counters at once: one alone waits for its own multiplications.
void philox_blocks(std::uint64_t counter, std::uint64_t seed, std::uint64_t stream, std::size_t n, std::uint64_t* out) noexcept {
  for (; n >= 2; n -= 2, counter += 2, out += 8) {
    PhiloxKey key{seed, stream};
    Words4 a{counter, 0, 0, 0}, b{counter + 1, 0, 0, 0};
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      a = philox_round(a, key);
      b = philox_round(b, key);
      key = philox_bump(key);
    }
    for (std::size_t i = 0; i < 4; ++i) out[i] = a[i], out[4 + i] = b[i];
  }
  if (n == 0) return;
  const Words4 last = philox({counter, 0, 0, 0}, {seed, stream});
  std::copy(last.begin(), last.end(), out);
}

std::size_t ziggurat_places(const std::uint64_t* words, std::size_t n, const std::int64_t* inside, const double* step, double* out,
                            std::uint64_t* open) noexcept {
  const hn::ScalableTag<double> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::RebindToSigned<decltype(d)> di;
  const auto low_byte = hn::Set(du, 255), place_bits = hn::Set(du, (std::uint64_t{1} << 52) - 1);
  const auto sign_bit = hn::Set(du, std::uint64_t{1} << 63);
  const auto magic_bits = hn::Set(du, 0x4330000000000000);  // 2^52: or-ed with 52 bits, the number 2^52 + they
  const auto magic = hn::Set(d, 0x1p52);
  std::size_t opens = 0;
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto word = hn::LoadU(du, words + i);
    const auto layer = hn::BitCast(di, hn::And(word, low_byte));
    const auto place = hn::And(hn::ShiftRight<9>(word), place_bits);
    const auto size = hn::Mul(hn::Sub(hn::BitCast(d, hn::Or(place, magic_bits)), magic), hn::GatherIndex(d, step, layer));
    hn::StoreU(hn::Or(size, hn::BitCast(d, hn::And(hn::ShiftLeft<55>(word), sign_bit))), d, out + i);
    const auto outside = hn::Not(hn::Lt(hn::BitCast(di, place), hn::GatherIndex(di, inside, layer)));
    if (hn::AllFalse(di, outside)) continue;
    opens += hn::CompressStore(hn::Iota(du, i), hn::RebindMask(du, outside), du, open + opens);
  }
  return opens;
}

void fill_random_table(KernelTable* table) {
  table->philox_blocks = philox_blocks;
  table->ziggurat_places = ziggurat_places;
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_random_table);
void fill_random(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_random_table)(&table); }
}  // namespace ndshare::internal
#endif
