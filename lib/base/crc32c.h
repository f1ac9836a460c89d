/// CRC-32C (Castagnoli), the checksum of version blocks, the redo record and hostile-proof headers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

/// The CRC-32C of `bytes`, continued from `seed` (0 for a new one).
///   Source: RFC 3720 appendix B.4 (check value of "123456789" is 0xE3069283).
std::uint32_t crc32c(const void* bytes, std::size_t count, std::uint32_t seed = 0) noexcept;

/// The same without the processor's instruction for it: what machines that lack it run, named so that tests can compare.
std::uint32_t crc32c_by_table(const void* bytes, std::size_t count, std::uint32_t seed = 0) noexcept;

}  // namespace ndshare::internal
