// The public functions: each operation of the op list by its name.
#include <ndshare/create.h>
#include <ndshare/ops.h>
#include <ndshare/threads.h>

#include "lib/exec/elementwise.h"
#include "lib/exec/promotion.h"
#include "lib/kernels/registry.h"

namespace ndshare {
namespace {

using internal::BinaryOp;

// A literal as an array without axes, of the dtype it takes next to `array`.
Array weak(const Scalar& literal, const Array& array, BinaryOp op) {
  internal::require_numeric(internal::info(op).name, array.dtype());
  return scalar_array(literal, DType(internal::weak_type(literal, array.dtype().id())));
}

}  // namespace

#define NDSHARE_BINARY_OP(name, loops, rule, commutative, identity, family, ulp, doc)       \
  Array name(const Array& x1, const Array& x2, const OpOptions& options) {                  \
    return internal::run_binary(BinaryOp::name, x1, x2, options);                           \
  }                                                                                         \
  Array name(const Array& x1, const Scalar& x2, const OpOptions& options) {                 \
    return internal::run_binary(BinaryOp::name, x1, weak(x2, x1, BinaryOp::name), options); \
  }                                                                                         \
  Array name(const Scalar& x1, const Array& x2, const OpOptions& options) {                 \
    return internal::run_binary(BinaryOp::name, weak(x1, x2, BinaryOp::name), x2, options); \
  }
#include "lib/kernels/op_list.inc"

std::string_view simd_target() noexcept { return internal::kernels().name; }

}  // namespace ndshare
