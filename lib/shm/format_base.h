/// Limits, sizes and magics of the shared segments; see format.h for the whole picture.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ndshare::internal {

using a32 = std::atomic<std::uint32_t>;
using a64 = std::atomic<std::uint64_t>;
static_assert(a32::is_always_lock_free && a64::is_always_lock_free && sizeof(a64) == 8 && sizeof(a32) == 4);

inline constexpr std::uint64_t kCatalogMagic = 0x3147'4c54'4353'444eULL;  // "NDSCTLG1"
inline constexpr std::uint64_t kSyncMagic = 0x3131'434e'5953'444eULL;     // "NDSYNC11"
inline constexpr std::uint32_t kVersionMagic = 0x4e4f'4956;               // "VION"
inline constexpr std::uint32_t kMetaMagic = 0x4154'454d;                  // "META"
inline constexpr std::uint32_t kTornMagic = 0x4e52'4f54;                  // "TORN"
inline constexpr std::uint32_t kFormatVersion = 3;

inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t kHugePage = 2ULL << 20;    ///< extents of this size and more start at a multiple of it
inline constexpr std::uint64_t kSlabBytes = 64ULL << 10;  ///< a slab: 64 KiB-aligned, pieces of one size class
inline constexpr std::uint64_t kSlabLimit = 4096;         ///< arrays below live in slabs
inline constexpr std::uint64_t kHeapUnit = 64;            ///< blocks of the catalog's heap start at multiples of this
inline constexpr std::uint32_t kMaxClientsLimit = 4095;
inline constexpr std::uint32_t kLockEntries = 128;        ///< lock entries a slot
inline constexpr std::uint32_t kViewEntries = 8192;       ///< view entries a slot
inline constexpr std::uint32_t kMaxGrants = 65536;
inline constexpr std::uint32_t kMaxAxes = 32;
inline constexpr std::uint32_t kMaxExtents = 16384;       ///< extents a version
inline constexpr std::uint32_t kMaxDtypeBytes = 4096;
inline constexpr std::uint32_t kMaxAttrsBytes = 32768;
inline constexpr std::uint32_t kMaxRedoStores = 65536;

}  // namespace ndshare::internal
