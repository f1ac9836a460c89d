// Two sets: membership, and what a merge of their sorted elements gives.
#include <ndshare/create.h>
#include <ndshare/sets.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"
#include "lib/order/arg_sort.h"
#include "lib/order/common_dtype.h"
#include "lib/order/lines.h"

#include <algorithm>
#include <array>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

/// a, then b, one behind the other.   REQUIRES: dense, of one dtype.
Array join(std::string_view what, const Array& a, const Array& b) {
  const Shape shape{a.size() + b.size()};
  check_result_memory(what, shape, a.itemsize(), {});
  Array out = empty(shape, a.dtype());
  std::copy_n(a.data(), a.nbytes(), out.mutable_data());
  std::copy_n(b.data(), b.nbytes(), out.mutable_data() + a.nbytes());
  return out;
}

/// What to keep of a merge.
struct Keep {
  bool left = false, both = false, right = false;
};

Array merge(std::string_view what, const Array& a, const Array& b, const Keep& keep) {
  const auto [left, right] = to_common_dtype(what, a, b);
  const Array x = unique(left).values, y = unique(right).values;
  const Array items = join(what, x, y);
  KeyPlan plan;
  plan.add(items.data(), items.itemsize(), items.dtype());
  std::vector<std::int64_t> rows;
  const std::int64_t middle = x.size(), end = items.size();
  for (std::int64_t i = 0, j = middle; i < middle || j < end;) {
    int order = i == middle ? 1 : j == end ? -1 : plan.compare(i, j);
    if (order == 0 && plan.is_nan(i)) order = -1;  // NaN is no one's equal: the other one is next
    if (order < 0 ? keep.left : order == 0 ? keep.both : keep.right) rows.push_back(order > 0 ? j : i);
    i += order <= 0 ? 1 : 0, j += order >= 0 ? 1 : 0;
  }
  Array out = empty({static_cast<std::int64_t>(rows.size())}, items.dtype());
  gather_items(items.data(), static_cast<std::size_t>(items.itemsize()), rows.data(), rows.size(), out.mutable_data(),
               0);
  return out;
}

/// Which of x[low, low + n) equal the element of the set that was found for them.
void match(const KeyPlan& x, const KeyPlan& set, std::int64_t size, const std::int64_t* found, std::int64_t low,
           std::size_t n, std::uint8_t* out) {
  constexpr std::size_t kPiece = 512;
  std::array<std::int64_t, kPiece> at;
  std::array<std::uint64_t, kPiece> left, right;
  for (std::size_t i = 0; i < n; ++i) {
    at[i] = std::min(found[i], size - 1);
    out[i] = found[i] < size ? 1 : 0;
  }
  for (std::size_t word = 0; word < x.words(); ++word) {
    x.load(word, low, n, left.data());
    set.gather(word, 0, at.data(), n, right.data());
    for (std::size_t i = 0; i < n; ++i) out[i] = left[i] == right[i] ? out[i] : std::uint8_t{0};
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (out[i] != 0 && x.is_nan(low + static_cast<std::int64_t>(i))) out[i] = 0;
  }
}

}  // namespace
}  // namespace internal

Array isin(const Array& x, const Array& elements, bool invert, int threads) {
  internal::check_threads(threads);
  internal::check_result_memory("isin", x.shape(), 1, std::span(&x, 1));
  const auto [own, set] = internal::to_common_dtype("isin", x, elements);
  const Array sorted = unique(set, {.threads = threads}).values;
  Array out = zeros(x.shape(), bool_);
  auto* to = reinterpret_cast<std::uint8_t*>(out.mutable_data());
  if (sorted.size() != 0) {
    const Array found = internal::search_sorted(sorted, own, false, nullptr, threads);
    const auto* at = found.as_span<const std::int64_t>().data();
    internal::KeyPlan keys, members;
    keys.add(own.data(), own.itemsize(), own.dtype());
    members.add(sorted.data(), sorted.itemsize(), sorted.dtype());
    constexpr std::size_t kPiece = 512;
    const auto n = static_cast<std::size_t>(x.size());
    internal::parallel_blocks((n + kPiece - 1) / kPiece, threads, [&](std::size_t block) {
      const std::size_t low = block * kPiece;
      internal::match(keys, members, sorted.size(), at + low, static_cast<std::int64_t>(low), std::min(kPiece, n - low),
                      to + low);
    });
  }
  return invert ? logical_not(out, {.out = out}) : out;
}

Array union1d(const Array& a, const Array& b) {
  const auto [left, right] = internal::to_common_dtype("union1d", a, b);
  return unique(internal::join("union1d", left, right)).values;
}
Array intersect1d(const Array& a, const Array& b) { return internal::merge("intersect1d", a, b, {.both = true}); }
Array setdiff1d(const Array& a, const Array& b) { return internal::merge("setdiff1d", a, b, {.left = true}); }
Array setxor1d(const Array& a, const Array& b) {
  return internal::merge("setxor1d", a, b, {.left = true, .right = true});
}

}  // namespace ndshare
