// Arrays as text, exactly as NumPy prints them.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>

#include <cstdint>
#include <iosfwd>
#include <string>

namespace ndshare {

/// NumPy's print options, with its defaults.
struct PrintOptions {
  std::int64_t threshold = 1000;  ///< more elements than this are summarised with `...`
  std::int64_t edgeitems = 3;     ///< items shown at each end of an axis in a summary
  std::int64_t linewidth = 75;    ///< columns
  std::int32_t precision = 8;     ///< digits after the point, 0 … 17; shortest digits that are unique come first
  bool suppress = false;          ///< never use the exponent form
};

/// NumPy's str(array): "[1. 2.]", rows under one another, summarised when large.
///   Memory: reads only the elements it shows, plus nothing.   Errors: none; any dtype, any layout.
[[nodiscard]] NDSHARE_API std::string to_string(const Array& array, const PrintOptions& options = {});

/// NumPy's repr(array): "array([1., 2.])", with the dtype where NumPy names it.
[[nodiscard]] NDSHARE_API std::string repr(const Array& array, const PrintOptions& options = {});

/// One element (structured ones too) as NumPy prints it alone: "1.5", "abc", "2001-01-01T00:00", "(1, 2.)".
///   Errors: IndexBounds; `index` has an entry an axis.
[[nodiscard]] NDSHARE_API std::string element_to_string(const Array& array, std::span<const Index> index);

NDSHARE_API std::ostream& operator<<(std::ostream& out, const Array& array);

}  // namespace ndshare
