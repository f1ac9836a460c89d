// What tests of reductions share.
#pragma once

#include <ndshare/cast.h>
#include <ndshare/index.h>
#include <ndshare/lazy.h>
#include <ndshare/reduce.h>

#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>

namespace ndshare::test {

using Random = std::mt19937_64;
using Reduce = std::function<Array(const Lazy&, const ReduceOptions&)>;

inline constexpr double kInf = std::numeric_limits<double>::infinity();

inline Array converted(const Array& x, const DType& dtype) { return astype(x, dtype, {.casting = Casting::unsafe}); }

inline bool same_bytes(const Array& a, const Array& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.copy().data(), b.copy().data(), static_cast<std::size_t>(a.nbytes())) == 0;
}

inline const std::map<std::string, Reduce>& reductions() {
  static const std::map<std::string, Reduce> all_of_them = {
      {"sum", sum}, {"prod", prod}, {"min", min}, {"max", max}, {"mean", mean}, {"var", var}, {"any", any}, {"all", all},
      {"count_nonzero", count_nonzero}, {"argmin", argmin}, {"argmax", argmax}};
  return all_of_them;
}

}  // namespace ndshare::test
