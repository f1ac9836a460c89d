// Sets: the distinct elements of arrays, and what two of them share.
//
// Results are new arrays of one axis, sorted (ndshare/sort.h has the order). −0 and +0 are one element, and so are
// structured elements that differ in nothing else, or just in the bits of a NaN.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>

#include <optional>

namespace ndshare {

// Dtypes: all; of two arrays: numbers in the dtype that both cast to, text of one kind, else the same dtype.
// Errors of everything here: DtypeMismatch (arrays of different kinds), MemoryGuard, Memory, Usage (negative threads).
// Threads: safe; parallel inside; the same result for any number of them.   Memory: any strides; scratch as sort
// (ledger: `ordered`).

/// The distinct elements of x, of any shape. Each NaN is an element of its own (the array API's rule; NaT is one
/// element).
[[nodiscard]] NDSHARE_API Array unique_values(const Array& x);

struct UniqueCounts {
  Array values, counts;  ///< counts: int64, how often each value stands in x
};
[[nodiscard]] NDSHARE_API UniqueCounts unique_counts(const Array& x);

struct UniqueInverse {
  Array values, inverse_indices;  ///< x is values[inverse_indices]: int64, of x's shape
};
[[nodiscard]] NDSHARE_API UniqueInverse unique_inverse(const Array& x);

struct UniqueAll {
  Array values, indices, inverse_indices, counts;  ///< indices: of each value's first place in x flattened
};
[[nodiscard]] NDSHARE_API UniqueAll unique_all(const Array& x);

/// Options of `unique`: what is wanted beside the values.
struct UniqueOptions {
  bool index = false, inverse = false, counts = false;
  bool equal_nan = true;  ///< all NaNs are one element
  int threads = 0;
};
struct Unique {
  Array values;
  std::optional<Array> index{}, inverse{}, counts{};  ///< those asked for
};
/// NumPy's unique of x flattened: as above, with NaN once.
[[nodiscard]] NDSHARE_API Unique unique(const Array& x, const UniqueOptions& options = {});

/// For each element of x whether it is one of `elements`; NaN never is.   Shapes: x's.   Dtypes: → bool.
[[nodiscard]] NDSHARE_API Array isin(const Array& x, const Array& elements, bool invert = false, int threads = 0);
/// The distinct elements of either, of both, of `a` alone, and of just one of the two. NaN differs from every NaN, but
/// is once in a union.
[[nodiscard]] NDSHARE_API Array union1d(const Array& a, const Array& b);
[[nodiscard]] NDSHARE_API Array intersect1d(const Array& a, const Array& b);
[[nodiscard]] NDSHARE_API Array setdiff1d(const Array& a, const Array& b);
[[nodiscard]] NDSHARE_API Array setxor1d(const Array& a, const Array& b);

}  // namespace ndshare
