// Sums and products of integers that their dtype does not hold.
//
// The kernels wrap, and look at nothing. Where errstate asks, the same elements are joined once more in float64. For a sum of n
// terms that is off by less than log2(n) · 2^-53 · n · 2^64, for a product by n · 2^-53 of itself: less than 2^62 for any array
// where the result fits. A wrapped result that is wrong is off by 2^64 or a multiple, so the two tell which it is, exactly.
#include "lib/exec/reduction.h"

#include <ndshare/reduce.h>

#include <cmath>
#include <limits>
#include <type_traits>

namespace ndshare::internal {
namespace {

/// Counts what T does not hold of results that wrapped in 64 bits, and puts the nearest end of T there where `saturate`.
template <class T>
std::size_t fit(const Array& wrapped, const Array& rough, bool saturate) {
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  constexpr auto kLow = Wide{std::numeric_limits<T>::min()}, kHigh = Wide{std::numeric_limits<T>::max()};
  const auto values = wrapped.as_span<Wide>();
  const auto sizes = rough.as_span<const double>();
  std::size_t over = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double off = sizes[i] - static_cast<double>(values[i]);
    const bool wrong = std::abs(off) >= 0x1p63;  // not where it is NaN: infinity times 0, and a true product of 0
    const bool below = wrong ? off < 0 : values[i] < kLow, above = wrong ? off > 0 : values[i] > kHigh;
    if (!below && !above) continue;
    ++over;
    if (saturate) values[i] = below ? kLow : kHigh;
  }
  return over;
}

}  // namespace

RoughScope::RoughScope()
    : scope_(Err::ignore, Err::ignore, Err::ignore, Err::ignore,
             // Steps of the expression that saturate do so again; that others overflow has been told.
             err_settings().overflow == OnOverflow::saturate ? OnOverflow::saturate : OnOverflow::wrap) {}

bool looks_at_integers(TypeId result) noexcept {
  return err_settings().overflow != OnOverflow::wrap && DType(result).is_integer();
}

void fit_integers(std::string_view what, const Array& wrapped, const Array& rough, TypeId result) {
  ErrorFlags flags;
  visit_numeric(result, [&]<class T>() {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      flags.add_overflows(fit<T>(wrapped, rough, flags.overflow() == OnOverflow::saturate));
    }
  });
  flags.check(what), flags.report(what);
}

}  // namespace ndshare::internal
