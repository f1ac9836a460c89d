// Random numbers: arrays of them, permutations and samples, from a stream that is the same for everyone who names its seed.
#pragma once

#include <ndshare/array.h>
#include <ndshare/dtype.h>
#include <ndshare/export.h>
#include <ndshare/shape.h>

#include <cstdint>
#include <optional>

namespace ndshare {

/// Options of `uniform`, `normal` and `integers`: `random.normal({3, 4}, 0, 1, {.dtype = float32})`.
struct RandomOptions {
  /// What is drawn. Not given: the dtype of `out` where the function draws such numbers, else float64 (`integers`: int64).
  std::optional<DType> dtype{};
  /// Written and returned instead of a new array: as in OpOptions (ndshare/ops.h). Numbers go to elements in C order, however these
  /// lie in memory.
  std::optional<Array> out{};
  int threads = 0;  ///< as in OpOptions
};

/// Options of `choice`.
struct ChoiceOptions {
  bool replace = true;         ///< whether a row may be drawn more than once
  std::optional<Array> p{};    ///< the probability of each row: real numbers ≥ 0, of shape (n,), with sum 1
  int threads = 0;             ///< as in OpOptions
};

/// A stream of random numbers that is counted, not stepped: number i is a function of the seed, the stream and i alone. So results
/// have the same bits for any number of threads, on every instruction set and every machine, and processes that
/// share an array can each fill their part of it: with streams of their own, or from places of one stream (`seek`).
///
///   Words: 64 bits each; word i is number i of `numpy.random.Philox(key=seed + (stream << 64)).random_raw()`. Each call takes the next
///     `take` of them (said below), whatever the numbers come to; it takes none when it fails. The stream ends after 2^64, and begins
///     again.
///   Threads: a Random is for one thread at a time (calls move its position); the work of a call is shared by threads.
///   Not for secrets: who knows the seed knows the numbers.
///   Source: Philox4x64-10; Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as 1, 2, 3, SC11.
///
///   Errors of all that make arrays: Shape (negative lengths), MemoryGuard and Memory for the result, Usage (negative threads);
///     for `out` ShapeMismatch, DtypeMismatch, ReadOnly. On an error `out` and the position are unchanged.
class NDSHARE_API Random {
 public:
  /// A seed from the system (getrandom(2)): another one each time. `seed()` says which, to do it again.   Errors: Io.
  Random();
  /// Streams of one seed have nothing to do with each other: a number for each process, or for each purpose.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) noexcept : seed_(seed), stream_(stream) {}

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] std::uint64_t stream() const noexcept { return stream_; }
  /// The number of the word that the next call begins with.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  /// Goes there, back too: the same calls from the same place give the same numbers.
  void seek(std::uint64_t position) noexcept { position_ = position; }

  /// low + (high − low)·u, u in steps of 2^-53 (float32: 2^-24) from 0 to just below 1; always low ≤ number < high.
  ///   Dtypes: float64, float32 (low and high are rounded to it first); an `out` of another dtype takes them rounded.
  ///   Takes: a word a number, float32 half a word. `uniform(shape)` has the bits of NumPy's `Generator(Philox(key)).random(shape)`.
  ///   Errors: Usage (low ≥ high; NaN, infinities), Overflow (bounds that the dtype, or their distance that float64, cannot hold),
  ///     DtypeMismatch.
  Array uniform(const Shape& shape, double low = 0, double high = 1, const RandomOptions& options = {});

  /// mean + stddev·z, z of the standard normal distribution, tails too: 52 random bits in one of 256 layers.
  ///   Dtypes: float64; float32 (the same, rounded).   Takes: a word a number.   Range: |z| < 14.
  ///   Errors: Usage (stddev < 0; NaN, infinities), Overflow (where mean ± 14·stddev leaves the dtype's range), DtypeMismatch.
  ///   Source: Marsaglia and Tsang, The ziggurat method for generating random variables, 2000; redraws have counters of their own.
  Array normal(const Shape& shape, double mean = 0, double stddev = 1, const RandomOptions& options = {});

  /// Integers from low to high − 1, each exactly as likely as the others.
  ///   Dtypes: any integer.   Takes: a word a number.
  ///   Errors: Usage (low ≥ high), Overflow (bounds outside the dtype), DtypeMismatch.
  ///   Source: Lemire, Fast random integer generation in an interval, 2019.
  Array integers(const Shape& shape, std::int64_t low, std::int64_t high, const RandomOptions& options = {});

  /// 0 … n−1 in random order, int64; all n! orders are as likely, as far as a stream of one seed can tell.   Takes: n words.
  ///   Errors: Usage (n < 0).   Source: Fisher and Yates; Knuth, volume 2, 3.4.2, algorithm P.
  [[nodiscard]] Array permutation(std::int64_t n);
  /// A new array with the rows of x (its elements along axis 0) in random order. Any dtype, any strides.   Takes: a word a row.
  ///   Errors: ShapeMismatch (x without axes).
  [[nodiscard]] Array permutation(const Array& x);

  /// Rows of x (its elements along axis 0) drawn at random into a new array.
  ///   Shapes: x (n, d1…) and shape (s0…) → (s0…, d1…).   Dtypes: any; x may have any strides.
  ///   With replacement a row is drawn with its probability, each time anew; p that is 0 is never drawn. Without, rows come in the order
  ///     in which they would be drawn one by one, probabilities of the rest in proportion.
  ///   Takes: a word for each that is drawn; without replacement and with p, a word for each row of x.
  ///   Errors: Usage (more than there are, or than have p > 0, without replacement; an empty x; p that is negative, NaN, or whose sum is
  ///     further from 1 than the root of its dtype's epsilon), ShapeMismatch (x without axes, p of another shape), DtypeMismatch (p).
  ///   Source: without replacement by p: Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006.
  [[nodiscard]] Array choice(const Array& x, const Shape& shape, const ChoiceOptions& options = {});

 private:
  std::uint64_t seed_, stream_, position_ = 0;
};

}  // namespace ndshare
