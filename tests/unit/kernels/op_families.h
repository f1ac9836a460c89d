// The family of each operation, as op_list.inc has it.
#pragma once

#include <string_view>

namespace ndshare::test {

inline constexpr std::string_view kUnaryFamilies[] = {
#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc) #family,
#include <ndshare/op_list.inc>
};
inline constexpr std::string_view kBinaryFamilies[] = {
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc) #family,
#include <ndshare/op_list.inc>
};
// Held against their accuracy elsewhere, not to the bit.
inline bool transcendental(std::string_view family) {
  return family == "exponential" || family == "trigonometric" || family == "power";
}

}  // namespace ndshare::test
