#include "lib/io/growing_buffer.h"

#include <ndshare/error.h>

#include <string>
#include <utility>

#include <sys/mman.h>

namespace ndshare::internal {

GrowingBuffer::~GrowingBuffer() {
  if (data_ != nullptr) ::munmap(data_, static_cast<std::size_t>(capacity_));
}

void GrowingBuffer::reserve(std::int64_t nbytes) {
  constexpr std::int64_t kPage = 4096;
  if (nbytes <= capacity_) return;
  const std::int64_t wanted = nbytes > INT64_MAX - kPage ? nbytes : (nbytes + kPage - 1) / kPage * kPage;
  void* const map = data_ == nullptr ? ::mmap(nullptr, static_cast<std::size_t>(wanted), PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                     : ::mremap(data_, static_cast<std::size_t>(capacity_),
                                                static_cast<std::size_t>(wanted), MREMAP_MAYMOVE);
  if (map == MAP_FAILED) {
    throw Error(ErrorCode::Memory, "no memory for " + std::to_string(nbytes) + " bytes",
                {{"asked_bytes", std::to_string(nbytes)}});
  }
  data_ = static_cast<std::byte*>(map);
  capacity_ = wanted;
}

std::shared_ptr<Buffer> GrowingBuffer::share(std::shared_ptr<GrowingBuffer> owner, std::int64_t nbytes) {
  std::byte* const data = owner->data();
  return make_external_buffer(data, nbytes, true, std::move(owner));
}

}  // namespace ndshare::internal
