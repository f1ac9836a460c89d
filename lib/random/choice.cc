// Permutations and samples: first the numbers of the rows, then the rows.
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/random.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/random/generate.h"
#include "lib/random/words.h"
#include "lib/random/ziggurat.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ndshare {
namespace internal {
namespace {

// From so many rows a drawn one on, the table of all rows is cheaper than a map of the moved ones.
constexpr std::uint64_t kSparse = 32;

/// The words of the stream one after the other.
class Draws {
 public:
  Draws(PhiloxKey key, std::uint64_t first) noexcept : key_(key), next_(first) {}

  std::uint64_t word() noexcept {
    const std::size_t at = used_++ % words_.size();
    if (at == 0) stream_words(key_, next_, words_.size(), words_.data());
    ++next_;
    return words_[at];
  }
  std::uint64_t below(std::uint64_t range) noexcept {
    const std::uint64_t number = next_, drawn = word();
    return internal::below(key_, number, drawn, range);
  }

 private:
  PhiloxKey key_;
  std::uint64_t next_;
  std::size_t used_ = 0;
  std::array<std::uint64_t, kRandomBlock> words_;  // NOLINT: written before it is read
};

/// The first `count` of n numbers in random order: Fisher–Yates, ended early.
void shuffle(Draws draws, std::int64_t n, std::span<std::int64_t> out) {
  const auto rows = static_cast<std::uint64_t>(n), count = static_cast<std::uint64_t>(out.size());
  if (rows / kSparse <= count) {
    const bool every = count == rows;  // then `out` is the table
    if (!every) check_result_memory("choice", {n}, 8, {});
    const Array spare = empty({every ? 0 : n}, int64);
    const std::span<std::int64_t> table = every ? out : spare.as_span<std::int64_t>();
    std::iota(table.begin(), table.end(), 0);
    for (std::uint64_t i = 0; i < count; ++i) std::swap(table[i], table[i + draws.below(rows - i)]);
    if (!every) std::copy_n(table.begin(), count, out.begin());
    return;
  }
  std::unordered_map<std::uint64_t, std::int64_t> moved;  // the table's elements that are not their own number
  moved.reserve(count);
  const auto at = [&](std::uint64_t i) {
    const auto found = moved.find(i);
    return found == moved.end() ? static_cast<std::int64_t>(i) : found->second;
  };
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t j = i + draws.below(rows - i);
    out[i] = at(j);
    moved[j] = at(i);
  }
}

void check_weights_sum(std::span<const double> p, const DType& dtype) {
  double sum = 0, lost = 0;  // Kahan's: the check must not fail by its own rounding
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!(p[i] >= 0) || std::isinf(p[i])) {
      throw Error(Error::Usage,
                  "choice: p[" + std::to_string(i) + "] = " + number_text(p[i]) + ": probabilities are numbers from 0 to 1",
                  {{"index", std::to_string(i)}, {"value", number_text(p[i])}});
    }
    const double term = p[i] - lost, next = sum + term;
    lost = (next - sum) - term;
    sum = next;
  }
  const double epsilon = dtype == float16 ? 0x1p-10 : dtype == float32 ? 0x1p-23 : 0x1p-52;
  if (std::abs(sum - 1) <= std::sqrt(epsilon)) return;
  throw Error(Error::Usage, "choice: p has the sum " + number_text(sum) + ", not 1: give p / sum(p)", {{"sum", number_text(sum)}});
}

/// p as float64, checked.
Array weights_of(const Array& p, std::int64_t rows) {
  if (p.shape() != Shape{rows}) {
    throw Error(Error::ShapeMismatch, "choice: p has shape " + p.shape().str() + ", and x has " + std::to_string(rows) +
                                          " rows: give a probability for each, shape " + Shape{rows}.str(),
                {{"p", p.shape().str()}, {"rows", std::to_string(rows)}});
  }
  if (!p.dtype().is_floating() && !p.dtype().is_integer()) {
    throw Error(Error::DtypeMismatch, "choice: p has dtype " + p.dtype().to_string() + ": probabilities are real numbers");
  }
  check_result_memory("choice", {rows}, 24, {});  // a weight, and without replacement a waiting time and a number
  Array weights = empty({rows}, float64);
  assign_cast(weights, p, 0);
  check_weights_sum(weights.as_span<const double>(), p.dtype());
  return weights;
}

/// Numbers of rows, each with its weight: where a uniform number falls among the running sums.
Array weighted_rows(PhiloxKey key, std::uint64_t first, const Shape& shape, const Array& weights, int threads) {
  const auto p = weights.as_span<double>();
  std::partial_sum(p.begin(), p.end(), p.begin());
  const double total = p.back();
  for (double& sum : p) sum /= total;
  return generate(shape, TypeId::int64, {.threads = threads}, [&](std::int64_t low, std::size_t n, std::byte* to) {
    std::array<std::uint64_t, kRandomBlock> words;  // NOLINT
    const std::uint64_t word = first + static_cast<std::uint64_t>(low);
    stream_words(key, word, n, words.data());
    auto* rows = reinterpret_cast<std::int64_t*>(to);
    for (std::size_t i = 0; i < n; ++i) rows[i] = std::upper_bound(p.begin(), p.end(), unit_below(words[i])) - p.begin();
  });
}

/// Each row waits an exponential time of rate p; the first come first.
Array weighted_rows_once(PhiloxKey key, std::uint64_t first, const Shape& shape, const Array& weights) {
  const auto p = weights.as_span<const double>();
  Draws draws(key, first);
  std::vector<std::pair<double, std::int64_t>> waits;
  for (std::size_t row = 0; row < p.size(); ++row) {
    const double time = -portable_log(unit_above(draws.word()));
    if (p[row] > 0) waits.emplace_back(time / p[row], static_cast<std::int64_t>(row));
  }
  Array rows = empty(shape, int64);
  const std::span<std::int64_t> out = rows.as_span<std::int64_t>();
  if (waits.size() < out.size()) {
    throw Error(Error::Usage, "choice: " + std::to_string(out.size()) + " rows asked, " + std::to_string(waits.size()) +
                                  " have p > 0: ask for fewer, or draw with replacement",
                {{"asked", std::to_string(out.size())}, {"rows", std::to_string(waits.size())}});
  }
  std::partial_sort(waits.begin(), waits.begin() + static_cast<std::ptrdiff_t>(out.size()), waits.end());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = waits[i].second;
  return rows;
}

/// What every draw of `count` from n rows needs.
void check_rows(std::int64_t n, std::int64_t count, bool replace) {
  if (n == 0 && count > 0) {
    throw Error(Error::Usage, "choice: x has no rows, " + std::to_string(count) + " are asked: give one with rows",
                {{"asked", std::to_string(count)}, {"rows", "0"}});
  }
  if (!replace && count > n) {
    throw Error(Error::Usage, "choice: " + std::to_string(count) + " rows asked, x has " + std::to_string(n) +
                                  ": ask for fewer, or draw with replacement",
                {{"asked", std::to_string(count)}, {"rows", std::to_string(n)}});
  }
}

}  // namespace
}  // namespace internal

using namespace internal;  // NOLINT: the file's own parts

Array Random::permutation(std::int64_t n) {
  if (n < 0) throw Error(Error::Usage, "permutation(" + std::to_string(n) + "): give 0 or more", {{"n", std::to_string(n)}});
  check_result_memory("permutation", {n}, 8, {});
  Array rows = empty({n}, int64);
  shuffle(Draws({seed_, stream_}, position_), n, rows.as_span<std::int64_t>());
  position_ += static_cast<std::uint64_t>(n);
  return rows;
}

Array Random::permutation(const Array& x) {
  const std::uint64_t first = position_;
  static_cast<void>(rows_shape("permutation", x, x.ndim() == 0 ? Shape{} : Shape{x.shape()[0]}));
  const Array rows = permutation(x.shape()[0]);
  const std::uint64_t after = std::exchange(position_, first);  // should the rows find no memory
  Array out = take_rows(x, rows, 0);
  position_ = after;
  return out;
}

Array Random::choice(const Array& x, const Shape& shape, const ChoiceOptions& options) {
  check_threads(options.threads);
  const std::int64_t count = shape.count();
  static_cast<void>(rows_shape("choice", x, shape));
  const std::int64_t n = x.shape()[0];
  check_rows(n, count, options.replace);
  std::optional<Array> weights;
  if (options.p && count > 0) weights = weights_of(*options.p, n);
  const PhiloxKey key{seed_, stream_};
  Array rows;
  if (count == 0) {
    rows = empty(shape, int64);
  } else if (weights) {
    rows = options.replace ? weighted_rows(key, position_, shape, *weights, options.threads)
                           : weighted_rows_once(key, position_, shape, *weights);
  } else if (options.replace) {
    const std::uint64_t before = position_;
    rows = integers(shape, 0, n, {.threads = options.threads});
    position_ = before;
  } else {
    rows = empty(shape, int64);
    shuffle(Draws(key, position_), n, rows.as_span<std::int64_t>());
  }
  Array out = take_rows(x, rows, options.threads);
  position_ += static_cast<std::uint64_t>(weights && !options.replace ? n : count);
  return out;
}

}  // namespace ndshare
