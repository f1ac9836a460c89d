// searchsorted and digitize: binary searches, several at a time.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>
#include <ndshare/sort.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/order/common_dtype.h"
#include "lib/order/key_plan.h"
#include "lib/order/lines.h"
#include "lib/order/order_map.h"

#include <algorithm>
#include <array>
#include <string>

namespace ndshare {
namespace internal {
namespace {

constexpr std::size_t kAtOnce = 16;  // searches that wait for memory together
constexpr std::size_t kSearchBlock = 4096;

/// Positions of values [low, low + n) among sorted elements that `at(i)` gives as keys.
template <class Key, class At>
void search_keys(const Key* values, std::size_t n, std::size_t length, bool right, const At& at,
                 std::int64_t* out) noexcept {
  for (std::size_t low = 0; low < n; low += kAtOnce) {
    const std::size_t some = std::min(kAtOnce, n - low);
    std::array<std::size_t, kAtOnce> base{};
    for (std::size_t left = length; left > 1; left -= left / 2) {
      const std::size_t half = left / 2;
      for (std::size_t j = 0; j < some; ++j) {
        const Key key = at(base[j] + half - 1), value = values[low + j];
        base[j] += (right ? key <= value : key < value) ? half : 0;
      }
    }
    for (std::size_t j = 0; j < some; ++j) {
      const bool behind = length != 0 && (right ? at(base[j]) <= values[low + j] : at(base[j]) < values[low + j]);
      out[low + j] = static_cast<std::int64_t>(base[j] + (behind ? 1 : 0));
    }
  }
}

template <class Map>
void search_block(const Map& map, const Array& sorted, const Array& values, std::size_t low, std::size_t n, bool right,
                  const std::int64_t* sorter, std::int64_t* out) {
  using Key = typename Map::Key;
  std::array<Key, kSearchBlock> keys;
  const std::byte *items = sorted.data(), *from = values.data() + low * sizeof(Key);
  for (std::size_t i = 0; i < n; ++i) keys[i] = map.equal(load_lane<Key>(from + i * sizeof(Key)));
  const auto length = static_cast<std::size_t>(sorted.size());
  const auto plain = [&](std::size_t i) { return map.equal(load_lane<Key>(items + i * sizeof(Key))); };
  const auto sorted_by = [&](std::size_t i) {
    return map.equal(load_lane<Key>(items + static_cast<std::size_t>(sorter[i]) * sizeof(Key)));
  };
  if (sorter == nullptr) return search_keys(keys.data(), n, length, right, plain, out + low);
  search_keys(keys.data(), n, length, right, sorted_by, out + low);
}

/// Anything else: by comparisons.
std::int64_t search_one(const KeyPlan& sorted, std::int64_t length, const KeyPlan& values, std::int64_t value,
                        bool right, const std::int64_t* sorter) {
  std::int64_t low = 0, high = length;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const int order = sorted.compare(sorter != nullptr ? sorter[middle] : middle, values, value);
    if (right ? order <= 0 : order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/// Text with more room: NULs behind it.
Array widen(const Array& x, const DType& dtype) {
  const Array from = dense(x);
  Array out = zeros(x.shape(), dtype);
  note_copy(CopyReason::ordered, out.nbytes());
  for (std::int64_t i = 0; i < x.size(); ++i) {
    std::copy_n(from.data() + i * x.itemsize(), x.itemsize(), out.mutable_data() + i * dtype.itemsize());
  }
  return out;
}

Array check_sorter(const Array& sorter, std::int64_t length) {
  if (!sorter.dtype().is_integer())
    throw Error(Error::DtypeMismatch, "searchsorted: sorter is " + sorter.dtype().name() + ", not integers");
  if (sorter.shape() != Shape{length}) {
    throw Error(Error::ShapeMismatch, "searchsorted: sorter has shape " + sorter.shape().str() + " for " +
                                          std::to_string(length) + " sorted elements");
  }
  const Array own = dense(astype(sorter, int64, {.casting = Casting::unsafe, .copy = false}));
  for (const std::int64_t at : own.as_span<const std::int64_t>()) {
    if (at >= 0 && at < length) continue;
    throw Error(Error::IndexBounds, "searchsorted: sorter has position " + std::to_string(at) + " of " +
                                        std::to_string(length) + " elements");
  }
  return own;
}

}  // namespace

std::pair<Array, Array> to_common_dtype(std::string_view what, const Array& a, const Array& b) {
  const DType &x = a.dtype(), &y = b.dtype();
  if (x == y) return {dense(a), dense(b)};
  if (x.is_numeric() && y.is_numeric()) {
    const CastOptions cast{.casting = Casting::unsafe, .copy = false};
    const DType dtype = result_type({x, y});
    return {dense(astype(a, dtype, cast)), dense(astype(b, dtype, cast))};
  }
  if (x.is_text() && x.id() == y.id()) {
    const DType& dtype = x.length() > y.length() ? x : y;
    return {x == dtype ? dense(a) : widen(a, dtype), y == dtype ? dense(b) : widen(b, dtype)};
  }
  throw Error(Error::DtypeMismatch,
              std::string(what) + ": " + x.name() + " and " + y.name() + " have no common order: convert one of them",
              {{"first", x.name()}, {"second", y.name()}});
}

Array search_sorted(const Array& sorted, const Array& values, bool right, const Array* sorter, int threads) {
  Array out = empty(values.shape(), int64);
  auto* to = out.as_span<std::int64_t>().data();
  const std::int64_t* by = sorter != nullptr ? sorter->as_span<const std::int64_t>().data() : nullptr;
  const auto n = static_cast<std::size_t>(values.size());
  const bool as_keys = has_map(sorted.dtype());
  KeyPlan left, keys;
  if (!as_keys) {
    left.add(sorted.data(), sorted.itemsize(), sorted.dtype());
    keys.add(values.data(), values.itemsize(), values.dtype());
  }
  parallel_blocks((n + kSearchBlock - 1) / kSearchBlock, threads, [&](std::size_t block) {
    const std::size_t low = block * kSearchBlock, some = std::min(kSearchBlock, n - low);
    if (as_keys) {
      visit_map(sorted.dtype(), false,
                [&](const auto& map) { search_block(map, sorted, values, low, some, right, by, to); });
      return;
    }
    for (std::size_t i = low; i < low + some; ++i)
      to[i] = search_one(left, sorted.size(), keys, static_cast<std::int64_t>(i), right, by);
  });
  return out;
}

}  // namespace internal

Array searchsorted(const Array& sorted, const Array& values, const SearchOptions& options) {
  internal::check_threads(options.threads);
  if (sorted.ndim() != 1) {
    throw Error(Error::ShapeMismatch, "searchsorted: the sorted array has shape " + sorted.shape().str() +
                                          ", not one axis: ravel() gives it one");
  }
  internal::check_result_memory("searchsorted", values.shape(), int64.itemsize(), std::span(&values, 1));
  std::optional<Array> sorter;
  if (options.sorter) sorter = internal::check_sorter(*options.sorter, sorted.size());
  const auto [in, keys] = internal::to_common_dtype("searchsorted", sorted, values);
  return internal::search_sorted(in, keys, options.side == Side::right, sorter ? &*sorter : nullptr, options.threads);
}

Array digitize(const Array& x, const Array& bins, bool right, int threads) {
  for (const Array* array : {&x, &bins}) {
    if (array->dtype().is_numeric() && !array->dtype().is_complex()) continue;
    throw Error(Error::DtypeMismatch, "digitize takes real numbers, not " + array->dtype().name());
  }
  if (bins.ndim() != 1)
    throw Error(Error::ShapeMismatch, "digitize: bins have shape " + bins.shape().str() + ", not one axis");
  internal::KeyPlan plan;
  const Array own = internal::dense(bins);
  plan.add(own.data(), own.itemsize(), own.dtype());
  bool rises = true, falls = true;
  for (std::int64_t i = 1; i < own.size(); ++i) {
    const int order = plan.compare(i - 1, i);
    rises = rises && order <= 0, falls = falls && order >= 0;
  }
  if (!rises && !falls) throw Error(Error::Usage, "digitize: bins neither rise nor fall throughout: sort them");
  const SearchOptions search{.side = right ? Side::left : Side::right, .threads = threads};
  if (rises) return searchsorted(own, x, search);
  const Array found = searchsorted(own(slice(none, none, -1)), x, search);
  return subtract(Scalar(own.size()), found, {.out = found});
}

}  // namespace ndshare
