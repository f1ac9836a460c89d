// The block engine, in its first form: one operation of two operands, planned, then run block by block.
#pragma once

#include <ndshare/array.h>
#include <ndshare/ops.h>

#include "lib/kernels/registry.h"

#include <string_view>

namespace ndshare::internal {

/// x1 op x2 (include/ndshare/ops.h has the contract).
[[nodiscard]] Array run_binary(BinaryOp op, const Array& x1, const Array& x2, const OpOptions& options);

/// dst[...] = src in dst's dtype (unsafe casts included), block by block.   REQUIRES: equal shapes, numeric, dst
/// writable, and memory that is apart or exactly the same.
void assign_cast(const Array& dst, const Array& src, int threads);

/// Throws unless `out` can take a result of this shape and dtype: ShapeMismatch, DtypeMismatch, ReadOnly.
void check_out(std::string_view what, const Array& out, const Shape& shape, TypeId type);

}  // namespace ndshare::internal
