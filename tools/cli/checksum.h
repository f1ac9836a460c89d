/// Checksums of arrays: what `sum` prints and checks.
#pragma once

#include <string>
#include <string_view>

#include <ndshare/array.h>

namespace ndshare::cli {

/// 16 hexadecimal digits. The first eight are the CRC-32C of "DTYPE SHAPE" (the dtype as .npy files write it, the shape
/// as NumPy prints it), the last eight that of the elements' bytes in C order: equal arrays have equal sums whatever
/// their memory order, and two sums tell whether type or content differ. It finds accidents, not intent: CRC-32C is no
/// cryptographic hash.
///   Memory: a block where the array is not in C order.   Errors: none but Memory.   Source: RFC 3720, appendix B.4.
[[nodiscard]] std::string checksum(const Array& array);

/// Whether a word looks like one.
[[nodiscard]] bool is_checksum(std::string_view word);

}  // namespace ndshare::cli
