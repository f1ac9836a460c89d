// The distinct elements: sorted, then the first of each run of equals.
#include <ndshare/create.h>
#include <ndshare/sets.h>
#include <ndshare/sort.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/order/arg_sort.h"
#include "lib/order/lines.h"
#include "lib/order/order_map.h"

#include <algorithm>
#include <array>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

constexpr std::int64_t kRunBlock = std::int64_t{1} << 15;
constexpr std::int64_t kRunPiece = 1024;

/// Elements in order, cut into runs of equals.
class Runs {
 public:
  /// `rows`: item rows[i] is the i-th in order; null: items lie in order.
  Runs(const KeyPlan& plan, const std::int64_t* rows, std::int64_t n, bool equal_nan, int threads)
      : plan_(plan), rows_(rows), n_(n), equal_nan_(equal_nan), threads_(threads) {
    const std::int64_t blocks = (n + kRunBlock - 1) / kRunBlock;
    std::vector<std::int64_t> before(static_cast<std::size_t>(blocks) + 1);
    for_firsts([&](std::int64_t block, std::int64_t) { ++before[static_cast<std::size_t>(block) + 1]; });
    for (std::size_t block = 1; block < before.size(); ++block) before[block] += before[block - 1];
    firsts_ = empty({before.back() + 1}, int64);
    auto* to = firsts_.as_span<std::int64_t>().data();
    to[before.back()] = n;
    for_firsts([&](std::int64_t block, std::int64_t i) { to[before[static_cast<std::size_t>(block)]++] = i; });
  }

  [[nodiscard]] std::int64_t count() const noexcept { return firsts_.size() - 1; }

  /// The item that each run begins with: the first of its equals, as the order is stable.
  [[nodiscard]] Array first_items() const {
    const Array places = firsts_(slice(0, count()));
    if (rows_ == nullptr) return places;
    Array out = empty({count()}, int64);
    const auto from = places.as_span<const std::int64_t>();
    const auto to = out.as_span<std::int64_t>();
    for (std::size_t run = 0; run < to.size(); ++run) to[run] = rows_[from[run]];
    return out;
  }
  [[nodiscard]] Array lengths() const {
    Array out = empty({count()}, int64);
    const auto from = firsts_.as_span<const std::int64_t>();
    const auto to = out.as_span<std::int64_t>();
    for (std::size_t run = 0; run < to.size(); ++run) to[run] = from[run + 1] - from[run];
    return out;
  }
  /// The run of each item.   REQUIRES: rows.
  [[nodiscard]] Array run_of_items(const Shape& shape) const {
    Array out = empty(shape, int64);
    auto* to = out.as_span<std::int64_t>().data();
    const auto firsts = firsts_.as_span<const std::int64_t>();
    parallel_blocks(static_cast<std::size_t>((n_ + kRunBlock - 1) / kRunBlock), threads_, [&](std::size_t block) {
      const std::int64_t low = static_cast<std::int64_t>(block) * kRunBlock, end = std::min(n_, low + kRunBlock);
      auto run = std::upper_bound(firsts.begin(), firsts.end(), low) - firsts.begin() - 1;
      for (std::int64_t i = low; i < end; ++i) {
        if (i == firsts[static_cast<std::size_t>(run) + 1]) ++run;
        to[rows_[i]] = run;
      }
    });
    return out;
  }

 private:
  [[nodiscard]] std::int64_t item(std::int64_t i) const noexcept { return rows_ != nullptr ? rows_[i] : i; }

  /// Calls visit(block, i) for each place i in the order where a run begins, by all threads.
  template <class Visit>
  void for_firsts(const Visit& visit) const {
    parallel_blocks(static_cast<std::size_t>((n_ + kRunBlock - 1) / kRunBlock), threads_, [&](std::size_t task) {
      const auto block = static_cast<std::int64_t>(task);
      std::array<std::uint8_t, kRunPiece> begins;
      for (std::int64_t low = block * kRunBlock; low < std::min(n_, (block + 1) * kRunBlock); low += kRunPiece) {
        const std::int64_t some = std::min(kRunPiece, n_ - low);
        mark(low, some, begins.data());
        for (std::int64_t i = 0; i < some; ++i) {
          if (begins[static_cast<std::size_t>(i)] != 0) visit(block, low + i);
        }
      }
    });
  }

  void mark(std::int64_t low, std::int64_t n, std::uint8_t* begins) const noexcept {
    std::array<std::uint64_t, kRunPiece + 1> keys;  // of the one before, and of the piece
    const std::int64_t from = low == 0 ? 0 : low - 1;
    std::uint64_t* own = keys.data() + (low - from);
    std::fill_n(begins, n, std::uint8_t{0});
    for (std::size_t word = 0; word < plan_.words(); ++word) {
      const auto some = static_cast<std::size_t>(low + n - from);
      if (rows_ != nullptr) {
        plan_.gather(word, 0, rows_ + from, some, keys.data());
      } else {
        plan_.load(word, from, some, keys.data());
      }
      for (std::int64_t i = low == 0 ? 1 : 0; i < n; ++i) begins[i] |= own[i] != own[i - 1] ? 1 : 0;
    }
    if (low == 0) begins[0] = 1;
    if (equal_nan_) return;
    // NaNs are last: as soon as one is none, so is all before it.
    for (std::int64_t i = n; i-- > 0 && plan_.is_nan(item(low + i));) begins[i] = 1;
  }

  const KeyPlan& plan_;
  const std::int64_t* rows_;
  std::int64_t n_;
  bool equal_nan_;
  int threads_;
  Array firsts_{};  // where each run begins in the order, and the end of all
};

Array gather_rows(const Array& items, const Array& rows, int threads) {
  Array out = empty({rows.size()}, items.dtype());
  gather_items(items.data(), static_cast<std::size_t>(items.itemsize()), rows.as_span<const std::int64_t>().data(),
               static_cast<std::size_t>(rows.size()), out.mutable_data(), threads);
  return out;
}

}  // namespace
}  // namespace internal

Unique unique(const Array& x, const UniqueOptions& options) {
  internal::check_threads(options.threads);
  internal::check_result_memory("unique", x.shape(), std::max(x.itemsize(), options.inverse ? int64.itemsize() : 0),
                                std::span(&x, 1));
  const bool by_value = internal::has_map(x.dtype()) && !options.index && !options.inverse;
  const Array items = by_value ? sort(x, {.axis = none, .threads = options.threads}) : internal::dense(x);
  Array order;
  if (!by_value) order = argsort(items, {.axis = none, .threads = options.threads});
  internal::KeyPlan plan;
  plan.add(items.data(), items.itemsize(), items.dtype());
  // Every NaT is the same bits: it is one element whatever is said of NaN.
  const internal::Runs runs(plan, by_value ? nullptr : order.as_span<const std::int64_t>().data(), x.size(),
                            options.equal_nan || x.dtype().is_time(), options.threads);
  const Array firsts = runs.first_items();
  Unique out{.values = internal::gather_rows(items, firsts, options.threads)};
  internal::note_copy(CopyReason::ordered, out.values.nbytes());
  if (options.index) out.index = firsts;
  if (options.counts) out.counts = runs.lengths();
  if (options.inverse) out.inverse = runs.run_of_items(x.shape());
  return out;
}

Array unique_values(const Array& x) { return unique(x, {.equal_nan = false}).values; }
UniqueCounts unique_counts(const Array& x) {
  const Unique all_of = unique(x, {.counts = true, .equal_nan = false});
  return {all_of.values, *all_of.counts};
}
UniqueInverse unique_inverse(const Array& x) {
  const Unique all_of = unique(x, {.inverse = true, .equal_nan = false});
  return {all_of.values, *all_of.inverse};
}
UniqueAll unique_all(const Array& x) {
  const Unique all_of = unique(x, {.index = true, .inverse = true, .counts = true, .equal_nan = false});
  return {all_of.values, *all_of.index, *all_of.inverse, *all_of.counts};
}

}  // namespace ndshare
