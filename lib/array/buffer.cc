#include <ndshare/buffer.h>

#include <ndshare/error.h>

#include "lib/base/text.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include <sys/mman.h>

namespace ndshare {

Buffer::~Buffer() = default;

namespace {

constexpr std::size_t kAlignment = 64;  // a cache line, and the widest vector
constexpr std::size_t kPage = 4096;
constexpr std::size_t kLargePagesFrom = std::size_t{4} << 20;  // as NumPy: below, their zeroing costs what they save

Origin private_origin(const void* data) { return {0, reinterpret_cast<std::uintptr_t>(data)}; }

void check_size(std::int64_t nbytes) {
  if (nbytes < 0)
    throw Error(ErrorCode::Shape, "a buffer of " + std::to_string(nbytes) + " bytes: sizes are 0 or more");
}

class HeapBuffer final : public Buffer {
 public:
  HeapBuffer(std::byte* data, std::byte* block, std::int64_t nbytes) noexcept
      : Buffer(data, nbytes, true, private_origin(data)), block_(block) {}
  ~HeapBuffer() override { std::free(block_); }

 private:
  std::byte* block_;  // what the allocator gave; `data` is the first aligned byte in it
};

class ExternalBuffer final : public Buffer {
 public:
  ExternalBuffer(std::byte* data, std::int64_t nbytes, bool writable, std::shared_ptr<const void> keep_alive) noexcept
      : Buffer(data, nbytes, writable, private_origin(data)), keep_alive_(std::move(keep_alive)) {}

 private:
  std::shared_ptr<const void> keep_alive_;
};

[[noreturn]] void throw_memory(std::int64_t nbytes) {
  throw Error(ErrorCode::Memory,
              "no memory for an array of " + std::to_string(nbytes) + " bytes (" +
                  internal::format_bytes(static_cast<std::uint64_t>(nbytes)) +
                  "): free some, work in parts, or share the array through a store",
              {{"asked_bytes", std::to_string(nbytes)}});
}

/// Asks for large pages: fresh memory then costs a fault for 2 MiB and not for 4 KiB. A hint: what it comes to is not looked at.
void prefer_large_pages(std::byte* data, std::size_t size) noexcept {
  if (size < kLargePagesFrom) return;
  const std::uintptr_t first = (reinterpret_cast<std::uintptr_t>(data) + kPage - 1) / kPage * kPage;
  const std::uintptr_t last = (reinterpret_cast<std::uintptr_t>(data) + size) / kPage * kPage;
  static_cast<void>(::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE));  // NOLINT: addresses of pages
}

}  // namespace

std::shared_ptr<Buffer> make_heap_buffer(std::int64_t nbytes, bool zeroed) {
  check_size(nbytes);
  // Over-allocating and aligning by hand keeps calloc's fresh zero pages, which aligned_alloc does not give.
  const std::size_t size = static_cast<std::size_t>(nbytes) + kAlignment;
  void* block = zeroed ? std::calloc(size, 1) : std::malloc(size);
  if (block == nullptr) throw_memory(nbytes);
  auto* raw = static_cast<std::byte*>(block);
  prefer_large_pages(raw, size);
  const std::size_t lead = (kAlignment - reinterpret_cast<std::uintptr_t>(raw) % kAlignment) % kAlignment;
  try {
    return std::make_shared<HeapBuffer>(raw + lead, raw, nbytes);
  } catch (const std::bad_alloc&) {
    std::free(block);
    throw_memory(nbytes);
  }
}

std::shared_ptr<Buffer> make_external_buffer(void* data, std::int64_t nbytes, bool writable,
                                             std::shared_ptr<const void> keep_alive) {
  check_size(nbytes);
  return std::make_shared<ExternalBuffer>(static_cast<std::byte*>(data), nbytes, writable, std::move(keep_alive));
}

}  // namespace ndshare
