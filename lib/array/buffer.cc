#include <ndshare/buffer.h>

#include <ndshare/error.h>

#include "lib/array/warm_memory.h"
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
constexpr std::size_t kPagesFrom = std::size_t{4} << 20;  // below, the allocator keeps memory warm itself

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

/// Pages of its own: large memory, kept when it is given back.
class PageBuffer final : public Buffer {
 public:
  PageBuffer(internal::Pages pages, std::int64_t nbytes) noexcept
      : Buffer(pages.data, nbytes, true, private_origin(pages.data)), pages_(pages) {}
  ~PageBuffer() override { internal::give_warm(pages_); }

 private:
  internal::Pages pages_;
};

/// Fresh pages: zero. Large ones where there are any: then a fault is paid for 2 MiB and not for 4 KiB.
internal::Pages fresh_pages(std::size_t size) noexcept {
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return {};
  static_cast<void>(::madvise(data, size, MADV_HUGEPAGE));  // a hint: what it comes to is not looked at
  return {static_cast<std::byte*>(data), size};
}

std::shared_ptr<Buffer> make_page_buffer(std::int64_t nbytes, bool zeroed) {
  const std::size_t size = (static_cast<std::size_t>(nbytes) + kPage - 1) / kPage * kPage;
  internal::Pages pages = zeroed ? internal::Pages{} : internal::take_warm(size);
  if (pages.data == nullptr) pages = fresh_pages(size);
  if (pages.data == nullptr) {  // the kept ones may stand in the way
    internal::drop_warm();
    pages = fresh_pages(size);
  }
  if (pages.data == nullptr) throw_memory(nbytes);
  try {
    return std::make_shared<PageBuffer>(pages, nbytes);
  } catch (const std::bad_alloc&) {
    internal::give_warm(pages);
    throw_memory(nbytes);
  }
}

// Sanitizers watch what goes through malloc.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOwnPages = false;
#else
constexpr bool kOwnPages = true;
#endif

}  // namespace

std::shared_ptr<Buffer> make_heap_buffer(std::int64_t nbytes, bool zeroed) {
  check_size(nbytes);
  if (kOwnPages && static_cast<std::size_t>(nbytes) >= kPagesFrom) return make_page_buffer(nbytes, zeroed);
  // Over-allocating and aligning by hand keeps calloc's fresh zero pages, which aligned_alloc does not give.
  const std::size_t size = static_cast<std::size_t>(nbytes) + kAlignment;
  void* block = zeroed ? std::calloc(size, 1) : std::malloc(size);
  if (block == nullptr) {
    internal::drop_warm();
    block = zeroed ? std::calloc(size, 1) : std::malloc(size);
  }
  if (block == nullptr) throw_memory(nbytes);
  auto* raw = static_cast<std::byte*>(block);
  const std::size_t lead = (kAlignment - reinterpret_cast<std::uintptr_t>(raw) % kAlignment) % kAlignment;
  try {
    return std::make_shared<HeapBuffer>(raw + lead, raw, nbytes);
  } catch (const std::bad_alloc&) {
    std::free(block);
    throw_memory(nbytes);
  }
}

std::int64_t set_warm_heap(std::int64_t bytes) {
  if (bytes < 0) throw Error(ErrorCode::Usage, "set_warm_heap: " + std::to_string(bytes) + " bytes: give 0 (keep nothing) or more");
  return internal::set_warm_limit(bytes);
}

std::shared_ptr<Buffer> make_external_buffer(void* data, std::int64_t nbytes, bool writable,
                                             std::shared_ptr<const void> keep_alive) {
  check_size(nbytes);
  return std::make_shared<ExternalBuffer>(static_cast<std::byte*>(data), nbytes, writable, std::move(keep_alive));
}

}  // namespace ndshare
