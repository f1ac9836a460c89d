// Memory that grows as data really arrive, for files whose length only their own header tells (pipes, compressed
// members).
#pragma once

#include <ndshare/buffer.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ndshare::internal {

/// Anonymous pages, grown in place or moved without copying (mremap).
class GrowingBuffer {
 public:
  GrowingBuffer() = default;
  ~GrowingBuffer();
  GrowingBuffer(const GrowingBuffer&) = delete;
  GrowingBuffer& operator=(const GrowingBuffer&) = delete;

  /// Room for `nbytes` in all; what is there stays, `data()` may change.   Errors: Memory.
  void reserve(std::int64_t nbytes);
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::int64_t capacity() const noexcept { return capacity_; }

  /// The first `nbytes` as an array's buffer, which keeps `owner` alive.
  static std::shared_ptr<Buffer> share(std::shared_ptr<GrowingBuffer> owner, std::int64_t nbytes);

 private:
  std::byte* data_ = nullptr;
  std::int64_t capacity_ = 0;
};

}  // namespace ndshare::internal
