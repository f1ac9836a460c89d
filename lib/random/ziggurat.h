// Standard normal numbers from random words.
#pragma once

#include "lib/random/words.h"

namespace ndshare::internal {

/// out[i] = a standard normal number made of words[i], which is word `first + i` of the key's stream.
///   REQUIRES: n ≤ kRandomBlock; words and out have room for n rounded up to a multiple of 16.
///   Threads: safe. Same bits on every machine: +, −, ×, ÷ and a logarithm of our own are all it uses.
void normals(PhiloxKey key, std::uint64_t first, const std::uint64_t* words, std::size_t n, double* out) noexcept;

/// log x of positive finite normal x, within 4 ULP where |log x| > 1e-3; the same bits on every machine, which the C library's is not.
[[nodiscard]] double portable_log(double x) noexcept;

}  // namespace ndshare::internal
