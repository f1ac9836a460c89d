// Arrays of numbers that are functions of their own place: blocks of elements, made in any order by any thread.
#pragma once

#include <ndshare/random.h>

#include "lib/random/words.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace ndshare::internal {

/// Writes elements [low, low + n), n ≤ kRandomBlock, counted in C order, low a multiple of kRandomBlock. It must not throw.
using MakeBlock = std::function<void(std::int64_t low, std::size_t n, std::byte* to)>;

/// A number for messages, all of it.
[[nodiscard]] std::string number_text(double value);

/// The dtype to draw in: what is asked for, `out`'s where it is `allowed`, or the default.   Errors: DtypeMismatch.
[[nodiscard]] TypeId drawn_type(std::string_view what, const RandomOptions& options, bool (*allowed)(TypeId), TypeId otherwise);

/// Throws what `generate` would: nothing has happened yet.
void check_generate(std::string_view what, const Shape& shape, TypeId type, const RandomOptions& options);

/// A new array of `type`, or `out`, filled by `make`, which makes elements of `type`.   REQUIRES: check_generate passed.
///   Errors: Memory.
[[nodiscard]] Array generate(const Shape& shape, TypeId type, const RandomOptions& options, const MakeBlock& make);

/// The rows of x (along axis 0) that `rows` names (int64, C-contiguous, each in 0 … n−1), as a new array, noted in the ledger.
///   Shapes: (n, d1…) and (r0…) → (r0…, d1…).   Errors: Memory.
[[nodiscard]] Array take_rows(const Array& x, const Array& rows, int threads);
/// The shape of that, once the limits on memory allow it.   Errors: Shape, MemoryGuard, ShapeMismatch (x without axes).
[[nodiscard]] Shape rows_shape(std::string_view what, const Array& x, const Shape& rows);

}  // namespace ndshare::internal
