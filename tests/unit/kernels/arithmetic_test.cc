// Every operation × dtype × supported target × form × length × offset, against loops written separately.
#include "lib/kernels/registry.h"
#include "tests/unit/kernels/samples.h"

#include <ndshare/dtype.h>

#include <gtest/gtest.h>

#include <cmath>

namespace ndshare::internal {
namespace {

using test::kIsComplex;
using test::Random;

template <class T>
T smith(T a, T b) {  // complex division by the larger part
  const auto ar = a.real(), ai = a.imag(), br = b.real(), bi = b.imag();
  if (std::abs(br) >= std::abs(bi)) {
    if (br == 0 && bi == 0) return T(ar / std::abs(br), ai / std::abs(br));
    const auto ratio = bi / br, scale = 1 / (br + bi * ratio);
    return T((ar + ai * ratio) * scale, (ai - ar * ratio) * scale);
  }
  const auto ratio = br / bi, scale = 1 / (bi + br * ratio);
  return T((ar * ratio + ai) * scale, (ai * ratio - ar) * scale);
}

template <class T>
T naive(BinaryOp op, T a, T b) {
  if constexpr (std::is_same_v<T, bool>) {
    return op == BinaryOp::add ? a || b : a && b;
  } else if constexpr (std::is_integral_v<T>) {
    const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
    return static_cast<T>(op == BinaryOp::add ? x + y : op == BinaryOp::subtract ? x - y : x * y);
  } else if constexpr (std::is_same_v<T, Half>) {
    return Half(naive(op, static_cast<float>(a), static_cast<float>(b)));
  } else if constexpr (kIsComplex<T>) {
    if (op == BinaryOp::multiply) {
      return T(a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real());
    }
    if (op == BinaryOp::divide) return smith(a, b);
    return T(naive(op, a.real(), b.real()), naive(op, a.imag(), b.imag()));
  } else {
    switch (op) {
      case BinaryOp::add:
        return a + b;
      case BinaryOp::subtract:
        return a - b;
      case BinaryOp::multiply:
        return a * b;
      case BinaryOp::divide:
        return a / b;
    }
    return a;
  }
}

// Elements `offset` bytes into aligned memory, with room on both sides that must stay as it was.
template <class T>
class Line {
 public:
  Line(std::size_t n, std::size_t offset) : n_(n), room_(n * sizeof(T) + offset + 3 * kEdge, kMark) {
    const auto address = reinterpret_cast<std::uintptr_t>(room_.data()) + kEdge;
    start_ = kEdge + (64 - address % 64) % 64 + offset;
  }
  unsigned char* data() { return room_.data() + start_; }
  T get(std::size_t i) {
    T value{};
    std::memcpy(static_cast<void*>(&value), data() + i * sizeof(T), sizeof(T));
    return value;
  }
  void set(std::size_t i, T value) { std::memcpy(data() + i * sizeof(T), &value, sizeof(T)); }
  void fill(Random& random) {
    for (std::size_t i = 0; i < n_; ++i) set(i, test::sample<T>(random));
  }
  bool edges_untouched() const {
    for (std::size_t i = 0; i < room_.size(); ++i) {
      if ((i < start_ || i >= start_ + n_ * sizeof(T)) && room_[i] != kMark) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kEdge = 128;
  static constexpr unsigned char kMark = 0xa5;
  std::size_t n_, start_ = 0;
  std::vector<unsigned char> room_;
};

enum class InPlace { no, left, right };

template <class T>
void check(BinaryOp op, BinaryKernel kernel, bool a_scalar, bool b_scalar, std::size_t n, std::size_t offset,
           std::size_t out_offset, InPlace in_place, Random& random, const std::string& what) {
  Line<T> a(a_scalar ? 1 : n, offset), b(b_scalar ? 1 : n, offset), apart(n, out_offset);
  a.fill(random);
  b.fill(random);
  std::vector<T> expected(n);
  for (std::size_t i = 0; i < n; ++i) expected[i] = naive(op, a.get(a_scalar ? 0 : i), b.get(b_scalar ? 0 : i));
  Line<T>& out = in_place == InPlace::left ? a : in_place == InPlace::right ? b : apart;
  kernel(a.data(), b.data(), out.data(), n);
  for (std::size_t i = 0; i < n; ++i) {
    ASSERT_TRUE(test::same<T>(out.get(i), expected[i])) << what << " n=" << n << " i=" << i << " offset=" << offset;
  }
  EXPECT_TRUE(out.edges_untouched()) << what << " n=" << n;
}

template <class T>
void check_kernels(const KernelTable& table, BinaryOp op, Random& random) {
  const BinaryKernels& found = table.find(op, type_id_of<T>());
  if (found.vv == nullptr) return;
  const std::string what = std::string(table.name) + ' ' + std::string(info(op).name) + ' ' + dtype_of<T>().name();
  const std::size_t lanes = std::max<std::size_t>(1, table.vector_bytes / sizeof(T));
  for (const std::size_t n :
       {std::size_t{0}, std::size_t{1}, lanes - 1, lanes, lanes + 1, 2 * lanes, 4 * lanes + 3, std::size_t{777}}) {
    for (const std::size_t offset : {std::size_t{0}, sizeof(T), 3 * sizeof(T)}) {
      check<T>(op, found.vv, false, false, n, offset, offset, InPlace::no, random, what);
      check<T>(op, found.vv, false, false, n, offset, 0, InPlace::left, random, what + " in place left");
      check<T>(op, found.vv, false, false, n, offset, 0, InPlace::right, random, what + " in place right");
      check<T>(op, found.vs, false, true, n, offset, 0, InPlace::no, random, what + " vs");
      check<T>(op, found.vs, false, true, n, offset, 0, InPlace::left, random, what + " vs in place");
      if (found.sv != nullptr) check<T>(op, found.sv, true, false, n, offset, 0, InPlace::no, random, what + " sv");
      if (found.vv_stream != nullptr) {
        check<T>(op, found.vv_stream, false, false, n, offset, offset, InPlace::no, random, what + " stream");
      }
      if (found.vs_stream != nullptr) {
        check<T>(op, found.vs_stream, false, true, n, offset, offset, InPlace::no, random, what + " vs stream");
      }
      if (found.sv_stream != nullptr) {
        check<T>(op, found.sv_stream, true, false, n, offset, offset, InPlace::no, random, what + " sv stream");
      }
      table.fence();
    }
  }
}

TEST(ArithmeticTest, EveryOpDtypeTargetLengthAndOffset) {
  Random random(20240501);
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kBinaryCount; ++op) {
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) \
  check_kernels<lane>(table, static_cast<BinaryOp>(op), random);
#include <ndshare/dtype_list.inc>
    }
  }
}

TEST(ArithmeticTest, EveryPairOfBytes) {
  for (const KernelTable& table : supported_tables()) {
    for (const BinaryOp op : {BinaryOp::add, BinaryOp::subtract, BinaryOp::multiply}) {
      std::vector<std::uint8_t> all(256), out(256);
      for (std::size_t i = 0; i < 256; ++i) all[i] = static_cast<std::uint8_t>(i);
      for (std::size_t scalar = 0; scalar < 256; ++scalar) {
        const auto value = static_cast<std::uint8_t>(scalar);
        table.find(op, TypeId::uint8).vs(all.data(), &value, out.data(), 256);
        for (std::size_t i = 0; i < 256; ++i) ASSERT_EQ(out[i], naive<std::uint8_t>(op, all[i], value)) << table.name;
      }
    }
  }
}

}  // namespace
}  // namespace ndshare::internal
