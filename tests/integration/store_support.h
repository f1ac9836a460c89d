/// What the store's tests share: gates between processes, checks inside a child, patterns to recognise bytes by.
#pragma once

#include <array>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

#include <ndshare/create.h>

#include "tests/support/test_store.h"

namespace ndshare::test {

/// In a child: leaves it with a status of its own and the line on standard error.
#define CHILD_CHECK(condition)                                                          \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      std::fprintf(stderr, "child: line %d: %s does not hold\n", __LINE__, #condition); \
      return 1;                                                                         \
    }                                                                                   \
  } while (false)

/// Lets processes wait for each other; a gate whose opener died is open too (and says so).
class Gate {
 public:
  Gate() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  }
  ~Gate() { ::close(ends_[0]), ::close(ends_[1]); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  void open() const {
    if (::write(ends_[1], "g", 1) != 1) throw std::runtime_error("a gate does not open");
  }
  void wait() const {
    char byte = 0;
    if (::read(ends_[0], &byte, 1) != 1) throw std::runtime_error("a gate did not open");
  }

 private:
  std::array<int, 2> ends_{};
};

/// Bytes that tell arrays and positions apart.
inline unsigned char pattern_byte(std::uint64_t seed, std::int64_t at) {
  const auto mixed = (seed + 1) * 0x9E37'79B9'7F4A'7C15ULL + static_cast<std::uint64_t>(at) * 0xBF58'476D'1CE4'E5B9ULL;
  return static_cast<unsigned char>(mixed >> 56);
}
inline void fill_pattern(std::byte* data, std::int64_t bytes, std::uint64_t seed) {
  for (std::int64_t at = 0; at < bytes; ++at) data[at] = std::byte{pattern_byte(seed, at)};
}
inline bool has_pattern(const std::byte* data, std::int64_t bytes, std::uint64_t seed) {
  for (std::int64_t at = 0; at < bytes; ++at) {
    if (data[at] != std::byte{pattern_byte(seed, at)}) return false;
  }
  return true;
}

/// A sealed uint8 array of that many bytes with the pattern of `seed`.
inline SharedArray make_patterned(Store& store, const std::string& name, std::int64_t bytes, std::uint64_t seed) {
  auto array = store.create(name, uint8, {bytes}, {.fill = Fill::empty});
  auto guard = array.write();
  fill_pattern(guard.data(), bytes, seed);
  guard.release();
  array.seal();
  return array;
}
inline bool is_patterned(const SharedArray& array, std::uint64_t seed) {
  const auto guard = array.read();
  return has_pattern(guard.data(), array.nbytes(), seed);
}

}  // namespace ndshare::test
