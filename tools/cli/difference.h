/// Where two arrays differ: what `diff` prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ndshare/array.h>

#include "tools/cli/describe.h"

namespace ndshare::cli {

struct Differing {
  std::vector<std::int64_t> index;
  std::string a, b;  ///< as NumPy prints the elements
};

struct Difference {
  bool comparable = false;  ///< same shape, and dtypes whose elements can be compared
  std::int64_t elements = 0;
  std::int64_t differing = 0;
  Json max_abs = nullptr;  ///< largest |a - b|, exact for integers; null where no pair has one (text, NaN, infinities)
  std::vector<Differing> first;
};

/// Compares element by element; NaN equals NaN and NaT equals NaT. Structures are compared by fields of the same names.
///   Memory: a block of rows at a time.   Errors: as the engine's.
[[nodiscard]] Difference compare(const Array& a, const Array& b, std::size_t wanted);

}  // namespace ndshare::cli
