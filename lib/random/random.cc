#include <ndshare/random.h>

#include <ndshare/error.h>

#include "lib/random/generate.h"
#include "lib/random/words.h"
#include "lib/random/ziggurat.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <sys/random.h>

namespace ndshare {
namespace internal {
namespace {

// |z| of the ziggurat's tail: r − log(2^-53)/r.
constexpr double kMostSigma = 14;

bool is_drawn_float(TypeId type) { return type == TypeId::float64 || type == TypeId::float32; }
bool is_drawn_integer(TypeId type) { return DType(type).is_integer(); }

/// The largest finite number that the dtype's real numbers reach.
double largest_real(TypeId type) {
  switch (type) {
    case TypeId::float16: return 65504;
    case TypeId::float32:
    case TypeId::complex64: return double{std::numeric_limits<float>::max()};
    default: return std::numeric_limits<double>::max();
  }
}
/// Of what is drawn and of what it is written to: both must hold the numbers.
double largest_real(TypeId type, const RandomOptions& options) {
  return std::min(largest_real(type), options.out ? largest_real(options.out->dtype().id()) : largest_real(type));
}

void require_finite(const char* what, const char* first, double a, const char* second, double b) {
  if (std::isfinite(a) && std::isfinite(b)) return;
  throw Error(Error::Usage,
              std::string(what) + ": " + first + " = " + number_text(a) + " and " + second + " = " + number_text(b) +
                  ": both must be finite",
              {{first, number_text(a)}, {second, number_text(b)}});
}

[[noreturn]] void throw_empty_range(const char* what, const std::string& low, const std::string& high) {
  throw Error(Error::Usage, std::string(what) + ": no number is in [" + low + ", " + high + "): give a low that is below high",
              {{"low", low}, {"high", high}});
}

struct UniformRange {
  double low, high, span;
};

UniformRange uniform_range(double low, double high, TypeId type, const RandomOptions& options) {
  require_finite("uniform", "low", low, "high", high);
  if (low >= high) throw_empty_range("uniform", number_text(low), number_text(high));
  const double most = largest_real(type, options);
  if (std::max(std::abs(low), std::abs(high)) > most || high - low > most) {
    throw Error(Error::Overflow, "uniform: [" + number_text(low) + ", " + number_text(high) +
                                     ") does not fit: bounds and their distance may be " + number_text(most) + " at most; draw from [0, 1) and scale, or draw in a wider dtype",
                {{"low", number_text(low)}, {"high", number_text(high)}, {"most", number_text(most)}});
  }
  if (type == TypeId::float64) return {low, high, high - low};
  const float low32 = static_cast<float>(low), high32 = static_cast<float>(high);
  if (low32 >= high32) throw_empty_range("uniform", number_text(double{low32}) + " (float32)", number_text(double{high32}) + " (float32)");
  return {double{low32}, double{high32}, double{high32 - low32}};
}

/// low + span·u where that rounds up to high or beyond: the number below high.
template <class T>
void spread(T* x, std::size_t n, const UniformRange& range) {
  const T low = static_cast<T>(range.low), high = static_cast<T>(range.high), span = static_cast<T>(range.span);
  const T last = std::nextafter(high, low);
  for (std::size_t i = 0; i < n; ++i) {
    const T value = low + span * x[i];
    x[i] = value < high ? value : last;
  }
}

using Words = std::array<std::uint64_t, kRandomBlock>;

void uniform_doubles(PhiloxKey key, std::uint64_t first, std::size_t n, const UniformRange& range, double* to) {
  alignas(64) Words words;  // NOLINT: written before it is read
  stream_words(key, first, n, words.data());
  for (std::size_t i = 0; i < n; ++i) to[i] = unit_below(words[i]);
  spread(to, n, range);
}

// Two of a word, its low half first, as NumPy.
void uniform_floats(PhiloxKey key, std::uint64_t first, std::size_t n, const UniformRange& range, float* to) {
  alignas(64) Words words;  // NOLINT
  stream_words(key, first, (n + 1) / 2, words.data());
  for (std::size_t i = 0; i < n; ++i) {
    const auto half = static_cast<std::uint32_t>(words[i / 2] >> (i % 2 * 32));
    to[i] = static_cast<float>(static_cast<std::int32_t>(half >> 8)) * 0x1p-24F;
  }
  spread(to, n, range);
}

template <class T>
void normal_block(PhiloxKey key, std::uint64_t first, std::size_t n, double mean, double stddev, T* to) {
  alignas(64) Words words;  // NOLINT
  alignas(64) std::array<double, kRandomBlock> z;  // NOLINT
  stream_words(key, first, (n + 15) / 16 * 16, words.data());
  normals(key, first, words.data(), n, z.data());
  for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<T>(mean + stddev * z[i]);
}

/// Throws unless integers low … high − 1 are numbers of the dtype.
void check_integer_bounds(std::int64_t low, std::int64_t high, const DType& dtype) {
  const int bits = static_cast<int>(dtype.itemsize()) * 8;
  std::int64_t least = 0, most = std::numeric_limits<std::int64_t>::max();  // of uint64 what bounds can say
  if (dtype.is_signed_integer()) {
    least = std::numeric_limits<std::int64_t>::min() >> (64 - bits);
    most = most >> (64 - bits);
  } else if (dtype.is_integer() && bits < 64) {
    most = (std::int64_t{1} << bits) - 1;
  } else if (dtype.id() == TypeId::float16) {
    least = -65504, most = 65504;
  } else if (!dtype.is_integer()) {
    return;
  }
  if (low >= least && high - 1 <= most) return;
  const std::string range = "[" + std::to_string(low) + ", " + std::to_string(high) + ")";
  throw Error(Error::Overflow, "integers: " + range + " does not fit " + dtype.name() + ", which holds " + std::to_string(least) + " to " +
                                   std::to_string(most) + ": choose a wider dtype",
              {{"low", std::to_string(low)}, {"high", std::to_string(high)}, {"dtype", dtype.name()}});
}

template <class T>
void integer_block(PhiloxKey key, std::uint64_t first, std::size_t n, std::int64_t low, std::uint64_t range, T* to) {
  alignas(64) Words words;  // NOLINT
  stream_words(key, first, n, words.data());
  for (std::size_t i = 0; i < n; ++i) {
    to[i] = static_cast<T>(static_cast<std::uint64_t>(low) + below(key, first + i, words[i], range));
  }
}

template <class Body>
void with_integer(TypeId type, const Body& body) {
  switch (type) {
    case TypeId::int8:
    case TypeId::uint8: return body.template operator()<std::uint8_t>();
    case TypeId::int16:
    case TypeId::uint16: return body.template operator()<std::uint16_t>();
    case TypeId::int32:
    case TypeId::uint32: return body.template operator()<std::uint32_t>();
    default: return body.template operator()<std::uint64_t>();
  }
}

std::uint64_t system_seed() {
  std::uint64_t seed = 0;
  auto* to = reinterpret_cast<unsigned char*>(&seed);
  for (std::size_t have = 0; have < sizeof seed;) {
    const ssize_t got = ::getrandom(to + have, sizeof seed - have, 0);
    if (got < 0 && errno != EINTR) {
      throw Error(Error::Io, std::string("getrandom: ") + std::strerror(errno) + ": give a seed of your own");
    }
    if (got > 0) have += static_cast<std::size_t>(got);
  }
  return seed;
}

}  // namespace
}  // namespace internal

using namespace internal;  // NOLINT: the file's own parts

Random::Random() : Random(system_seed()) {}

Array Random::uniform(const Shape& shape, double low, double high, const RandomOptions& options) {
  const TypeId type = drawn_type("uniform", options, is_drawn_float, TypeId::float64);
  check_generate("uniform", shape, type, options);
  const UniformRange range = uniform_range(low, high, type, options);
  const PhiloxKey key{seed_, stream_};
  const std::uint64_t first = position_;
  const bool wide = type == TypeId::float64;
  const Array out = generate(shape, type, options, [&](std::int64_t at, std::size_t n, std::byte* to) {
    const auto i = static_cast<std::uint64_t>(at);
    if (wide) return uniform_doubles(key, first + i, n, range, reinterpret_cast<double*>(to));
    uniform_floats(key, first + i / 2, n, range, reinterpret_cast<float*>(to));
  });
  const auto count = static_cast<std::uint64_t>(out.size());
  position_ += wide ? count : (count + 1) / 2;
  return out;
}

Array Random::normal(const Shape& shape, double mean, double stddev, const RandomOptions& options) {
  const TypeId type = drawn_type("normal", options, is_drawn_float, TypeId::float64);
  check_generate("normal", shape, type, options);
  require_finite("normal", "mean", mean, "stddev", stddev);
  if (stddev < 0) {
    throw Error(Error::Usage, "normal: stddev = " + number_text(stddev) + ": give 0 or more", {{"stddev", number_text(stddev)}});
  }
  const double most = largest_real(type, options);
  if (std::abs(mean) + kMostSigma * stddev > most) {
    throw Error(Error::Overflow, "normal: mean " + number_text(mean) + " ± 14·" + number_text(stddev) + " passes " + number_text(most) +
                                     ": give smaller ones, or draw in a wider dtype",
                {{"mean", number_text(mean)}, {"stddev", number_text(stddev)}, {"most", number_text(most)}});
  }
  const PhiloxKey key{seed_, stream_};
  const std::uint64_t first = position_;
  const Array out = generate(shape, type, options, [&](std::int64_t at, std::size_t n, std::byte* to) {
    const std::uint64_t word = first + static_cast<std::uint64_t>(at);
    if (type == TypeId::float64) return normal_block(key, word, n, mean, stddev, reinterpret_cast<double*>(to));
    normal_block(key, word, n, mean, stddev, reinterpret_cast<float*>(to));
  });
  position_ += static_cast<std::uint64_t>(out.size());
  return out;
}

Array Random::integers(const Shape& shape, std::int64_t low, std::int64_t high, const RandomOptions& options) {
  const TypeId type = drawn_type("integers", options, is_drawn_integer, TypeId::int64);
  check_generate("integers", shape, type, options);
  if (low >= high) throw_empty_range("integers", std::to_string(low), std::to_string(high));
  check_integer_bounds(low, high, DType(type));
  if (options.out) check_integer_bounds(low, high, options.out->dtype());
  const PhiloxKey key{seed_, stream_};
  const std::uint64_t first = position_, range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const Array out = generate(shape, type, options, [&](std::int64_t at, std::size_t n, std::byte* to) {
    with_integer(type, [&]<class T>() {
      integer_block(key, first + static_cast<std::uint64_t>(at), n, low, range, reinterpret_cast<T*>(to));
    });
  });
  position_ += static_cast<std::uint64_t>(out.size());
  return out;
}

}  // namespace ndshare
