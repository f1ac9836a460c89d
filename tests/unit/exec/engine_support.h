// What the engine's tests share: every operation by name, random arrays in any layout, and comparison to the bit.
#pragma once

#include <ndshare/array.h>
#include <ndshare/create.h>
#include <ndshare/dtype.h>
#include <ndshare/errstate.h>
#include <ndshare/lazy.h>
#include <ndshare/ops.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace ndshare::test {

using Engine = std::mt19937_64;

/// NDSHARE_TEST_SEED, or a fixed one: a failing run can be repeated, and others tried.
std::uint64_t test_seed();
/// 0 … n−1.
inline std::int64_t below(Engine& random, std::int64_t n) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n)); }
inline bool chance(Engine& random, int percent) { return below(random, 100) < percent; }

/// An operation of op_list.inc, as users call it.
struct Op {
  std::string name;
  int arity = 1;
  std::string loops, rule, result, errors;
  double ulp = 0;
  std::function<Array(const std::vector<Array>&, const OpOptions&)> eager;
  std::function<Lazy(const std::vector<Lazy>&)> lazily;
  /// With a weak number, on the left or on the right; of binary operations only.
  std::function<Array(const Array&, const Scalar&, bool number_first, const OpOptions&)> with_number{};
};
const std::map<std::string, Op>& ops();

/// bool … complex128.
const std::vector<DType>& numeric_dtypes();

/// How random values are chosen.
enum class Values {
  any,      ///< integers of every size; floats of every size with infinities and NaN among them
  moderate  ///< small integers and finite floats between −100 and 100
};
/// Writes random values into every element of a view.
void fill_random(Engine& random, const Array& view, Values values = Values::any);
/// A contiguous array of random values.
Array random_array(Engine& random, const Shape& shape, const DType& dtype, Values values = Values::any);
/// The same elements in a random layout: transposed, reversed, with steps, or unaligned inside records.
Array laid_out(Engine& random, const Array& values);

/// The elements in C order, as bytes.
std::string bytes_of(const Array& array);
/// "" where shape, dtype and every bit agree (NaN is NaN whatever its bits); else what differs first.
std::string differs(const Array& got, const Array& want);

/// What errstate counts while `body` runs, every kind being counted.
ErrorCounts counted(const std::function<void()>& body);
/// Every kind ignored until its end.
struct Quiet {
  ErrState state{.divide = Err::ignore, .over = Err::ignore, .under = Err::ignore, .invalid = Err::ignore};
};

}  // namespace ndshare::test
