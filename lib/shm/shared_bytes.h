/// Copies between private memory and bytes that another process may be changing.
///
/// Word by word with atomics, so that a copy taken during a change is a wrong copy (its CRC says so) and never
/// undefined behaviour. Loads are acquire and stores release: a reader that sees a word of a newer block also sees the
/// root store that freed the older one (free on x86, cheap elsewhere). Fences are not used: thread sanitizer does not
/// model them.
///   Threads: safe.   REQUIRES: the shared side is 8-byte aligned and readable (writable) up to the next multiple of 8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/shm/format.h"

namespace ndshare::internal {

/// Copies `bytes` bytes out of shared memory.
inline void load_shared(void* to, const std::byte* from, std::size_t bytes) noexcept {
  const auto* words = reinterpret_cast<const a64*>(from);
  auto* out = static_cast<std::byte*>(to);
  for (std::size_t done = 0; done < bytes; done += 8) {
    const std::uint64_t word = words[done / 8].load(std::memory_order_acquire);
    std::memcpy(out + done, &word, bytes - done < 8 ? bytes - done : 8);
  }
}

/// Copies `bytes` bytes into shared memory; the rest of the last word becomes zero.
inline void store_shared(std::byte* to, const void* from, std::size_t bytes) noexcept {
  auto* words = reinterpret_cast<a64*>(to);
  const auto* in = static_cast<const std::byte*>(from);
  for (std::size_t done = 0; done < bytes; done += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, in + done, bytes - done < 8 ? bytes - done : 8);
    words[done / 8].store(word, std::memory_order_release);
  }
}

}  // namespace ndshare::internal
