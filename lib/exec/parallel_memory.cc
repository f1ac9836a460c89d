#include "lib/exec/parallel_memory.h"

#include "lib/exec/parallel.h"
#include "lib/kernels/registry.h"

#include <algorithm>
#include <cstring>

#include <unistd.h>

namespace ndshare::internal {
namespace {

constexpr std::size_t kCopyTask = std::size_t{1} << 20;  // of one task: thousands of pages, and few enough hand-outs
constexpr std::size_t kSharedFrom = std::size_t{2} << 20;  // below, waking a thread costs what it saves

template <class Body>
void over_blocks(std::size_t bytes, int threads, const Body& body) {
  const KernelTable& table = kernels();
  const bool stream = bytes >= stream_bytes();
  const auto block = [&](std::size_t i) {
    const std::size_t low = i * kCopyTask;
    body(table, stream, low, std::min(kCopyTask, bytes - low));
  };
  parallel_blocks((bytes + kCopyTask - 1) / kCopyTask, threads, block, [&] {
    if (stream) table.fence();
  });
}

}  // namespace

std::size_t stream_bytes() noexcept {
  static const std::size_t bytes = [] {
    const long cache = ::sysconf(_SC_LEVEL3_CACHE_SIZE);  // -1 or 0 where it is not known
    return std::max(std::size_t{8} << 20, cache > 0 ? static_cast<std::size_t>(cache) / 8 : 0);
  }();
  return bytes;
}

void parallel_copy(void* dst, const void* src, std::size_t bytes, int threads) {
  if (bytes == 0) return;
  if (bytes < kSharedFrom) {
    std::memcpy(dst, src, bytes);
    return;
  }
  auto* out = static_cast<unsigned char*>(dst);
  const auto* in = static_cast<const unsigned char*>(src);
  over_blocks(bytes, threads, [&](const KernelTable& table, bool stream, std::size_t low, std::size_t count) {
    if (stream) return table.stream_copy(out + low, in + low, count);
    std::memcpy(out + low, in + low, count);
  });
}

void parallel_fill(void* dst, unsigned char value, std::size_t bytes, int threads) {
  if (bytes == 0) return;
  if (bytes < kSharedFrom) {
    std::memset(dst, value, bytes);
    return;
  }
  auto* out = static_cast<unsigned char*>(dst);
  over_blocks(bytes, threads, [&](const KernelTable& table, bool stream, std::size_t low, std::size_t count) {
    if (stream) return table.stream_fill(out + low, value, count);
    std::memset(out + low, value, count);
  });
}

}  // namespace ndshare::internal
