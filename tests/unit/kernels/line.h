// Elements somewhere in memory with guarded edges: what kernels are given in tests.
#pragma once

#include "tests/unit/kernels/samples.h"

#include <cstdint>
#include <vector>

namespace ndshare::test {

// Elements `offset` bytes into aligned memory, with room on both sides that must stay as it was. Values are random from
// the start: with the awkward ones, or `tame`.
template <class T>
class Line {
 public:
  Line(std::size_t n, std::size_t offset, Random& random, bool tame)
      : n_(n), room_(n * sizeof(T) + offset + 3 * kEdge, kMark) {
    const auto address = reinterpret_cast<std::uintptr_t>(room_.data()) + kEdge;
    start_ = kEdge + (64 - address % 64) % 64 + offset;
    for (std::size_t i = 0; i < n_; ++i) fill(i, random, tame);
  }
  unsigned char* data() { return room_.data() + start_; }
  T get(std::size_t i) const {
    const unsigned char* from = room_.data() + start_ + i * sizeof(T);
    if constexpr (std::is_same_v<T, bool>) {
      return *from != 0;  // any byte but 0 is true
    } else {
      T value{};
      std::memcpy(static_cast<void*>(&value), from, sizeof(T));
      return value;
    }
  }
  bool edges_untouched() const {
    for (std::size_t i = 0; i < room_.size(); ++i) {
      if ((i < start_ || i >= start_ + n_ * sizeof(T)) && room_[i] != kMark) return false;
    }
    return true;
  }
  // Booleans that a kernel wrote are 0 and 1.
  bool clean() const {
    for (std::size_t i = 0; std::is_same_v<T, bool> && i < n_; ++i) {
      if (room_[start_ + i] > 1) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kEdge = 128;
  static constexpr unsigned char kMark = 0xa5;

  void fill(std::size_t i, Random& random, bool tame) {
    unsigned char* to = room_.data() + start_ + i * sizeof(T);
    if constexpr (std::is_same_v<T, bool>) {
      constexpr unsigned char kBytes[] = {0, 1, 0, 1, 2, 128, 255, 0};
      *to = kBytes[random() % 8];
    } else {
      const T value = tame ? tame_sample<T>(random) : sample<T>(random);
      std::memcpy(to, &value, sizeof(T));
    }
  }
  std::size_t n_, start_ = 0;
  std::vector<unsigned char> room_;
};

}  // namespace ndshare::test
