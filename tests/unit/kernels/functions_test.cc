// Kernels of the transcendental families as loops, on every target: lengths, offsets, in place, scalar operands, what they say they
// saw, float16. An element's result is the same bits wherever it stands; how right it is the families' own tests say.
#include "tests/unit/kernels/functions.h"
#include "tests/unit/kernels/op_families.h"

#include <ndshare/dtype.h>

namespace ndshare::internal {
namespace {

using test::Line;
using test::Random;

template <class R>
bool finite(R value) {
  if constexpr (test::kIsComplex<R>) return std::isfinite(value.real()) && std::isfinite(value.imag());
  else if constexpr (std::is_same_v<R, Half>) return std::isfinite(static_cast<float>(value));
  else return std::isfinite(value);
}

template <class T>
struct Operand {
  Line<T> line;
  std::vector<T> values;
  Operand(std::size_t n, std::size_t offset, Random& random) : line(n, offset, random, random() % 2 == 0) {
    for (std::size_t i = 0; i < n; ++i) values.push_back(line.get(i));
  }
};

// SLEEF reduces the arguments of these for all lanes alike, as the largest needs it.
bool neighbours_matter(const OpInfo& op) { return op.name == "sin" || op.name == "cos" || op.name == "tan"; }

// Results are those of one element alone; the edges and what was seen are right.
template <class T, class Alone>
void expect_loop(const std::string& about, const OpInfo& op, const Line<T>& out, std::size_t n, std::uint32_t seen, Alone alone) {
  bool all_finite = true;
  for (std::size_t i = 0; i < n; ++i) {
    const T expected = alone(i);
    ASSERT_TRUE(test::close(out.get(i), expected, neighbours_matter(op) ? 3 : 0)) << about << " i=" << i << ": " << testing::PrintToString(out.get(i)) << " for "
                                                  << testing::PrintToString(expected);
    all_finite = all_finite && finite(expected);
  }
  ASSERT_TRUE(out.edges_untouched()) << about;
  if (op.errors.empty() && test::kIsComplex<T>) return;  // may say so or not
  ASSERT_EQ(seen, op.errors.empty() || all_finite ? 0U : std::uint32_t{kSeenNonFinite}) << about;
}

std::vector<std::size_t> lengths(const KernelTable& table, std::size_t size) {
  const std::size_t lanes = std::max<std::size_t>(1, table.vector_bytes / size);
  return {0, 1, lanes - 1, lanes, lanes + 1, 4 * lanes + 3, 300};
}

template <class T>
void check_unary(const KernelTable& table, UnaryOp op, Random& random) {
  const UnaryKernel kernel = table.find(op, type_id_of<T>());
  if (kernel == nullptr) return;
  for (const std::size_t n : lengths(table, sizeof(T))) {
    for (const bool in_place : {false, true}) {
      Operand<T> a(n, n % 3 * sizeof(T), random);
      Line<T> apart(n, 0, random, false);
      Line<T>& out = in_place ? a.line : apart;
      const std::uint32_t seen = kernel(a.line.data(), out.data(), n);
      const std::string about = std::string(table.name) + ' ' + std::string(info(op).name) + ' ' + std::string(dtype_of<T>().name());
      expect_loop<T>(about, info(op), out, n, seen, [&](std::size_t i) {
        T result{};
        kernel(&a.values[i], &result, 1);
        return result;
      });
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

template <class T>
void check_binary(const KernelTable& table, BinaryOp op, Random& random) {
  const BinaryKernels& kernels = table.find(op, type_id_of<T>());
  if (kernels.vv == nullptr) return;
  for (const std::size_t n : lengths(table, sizeof(T))) {
    for (int form = 0; form < 3; ++form) {
      const BinaryKernel kernel = form == 0 ? kernels.vv : form == 1 ? kernels.vs : kernels.sv;
      if (kernel == nullptr) continue;
      Operand<T> a(std::max<std::size_t>(n, 1), n % 3 * sizeof(T), random), b(std::max<std::size_t>(n, 1), 0, random);
      Line<T> out(n, 0, random, false);
      const std::uint32_t seen = kernel(a.line.data(), b.line.data(), out.data(), n);
      const std::string about = std::string(table.name) + ' ' + std::string(info(op).name) + ' ' + std::string(dtype_of<T>().name()) +
                                " form " + std::to_string(form);
      expect_loop<T>(about, info(op), out, n, seen, [&](std::size_t i) {
        T result{};
        kernels.vv(&a.values[form == 2 ? 0 : i], &b.values[form == 1 ? 0 : i], &result, 1);
        return result;
      });
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(FunctionsTest, UnaryLoops) {
  Random random(11);
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kUnaryCount; ++op) {
      if (!test::transcendental(test::kUnaryFamilies[op])) continue;
      const auto which = static_cast<UnaryOp>(op);
      check_unary<Half>(table, which, random), check_unary<float>(table, which, random), check_unary<double>(table, which, random);
      check_unary<std::complex<float>>(table, which, random), check_unary<std::complex<double>>(table, which, random);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(FunctionsTest, BinaryLoops) {
  Random random(12);
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kBinaryCount; ++op) {
      const auto which = static_cast<BinaryOp>(op);
      if (!test::transcendental(test::kBinaryFamilies[op]) || which == BinaryOp::ldexp) continue;  // its powers are int32
      check_binary<Half>(table, which, random), check_binary<float>(table, which, random), check_binary<double>(table, which, random);
      check_binary<std::complex<float>>(table, which, random), check_binary<std::complex<double>>(table, which, random);
      if (HasFatalFailure()) return;
    }
  }
}

// float16 is float32 rounded once: every one of its numbers.
TEST(FunctionsTest, HalvesAreFloatsRoundedOnce) {
  std::vector<Half> x;
  std::vector<float> wide;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    x.push_back(Half::from_bits(static_cast<std::uint16_t>(bits)));
    wide.push_back(static_cast<float>(x.back()));
  }
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kUnaryCount; ++op) {
      if (!test::transcendental(test::kUnaryFamilies[op])) continue;
      const std::vector<Half> halves = test::run(table, static_cast<UnaryOp>(op), x);
      const std::vector<float> floats = test::run(table, static_cast<UnaryOp>(op), wide);
      for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_TRUE(test::same(halves[i], Half(floats[i]))) << table.name << ' ' << kUnaryOps[op].name << ' ' << wide[i];
      }
    }
  }
}

// Which dtypes op_list.inc promises.
TEST(FunctionsTest, EveryLoopIsThere) {
  const auto has = [](const OpInfo& op, char kind) { return op.loops.find(kind) != std::string_view::npos; };
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kUnaryCount; ++op) {
      if (!test::transcendental(test::kUnaryFamilies[op])) continue;
      for (const TypeId type : {TypeId::float16, TypeId::float32, TypeId::float64}) {
        EXPECT_EQ(table.unary[op][static_cast<std::size_t>(type)] != nullptr, has(kUnaryOps[op], 'f')) << kUnaryOps[op].name;
      }
      for (const TypeId type : {TypeId::complex64, TypeId::complex128}) {
        EXPECT_EQ(table.unary[op][static_cast<std::size_t>(type)] != nullptr, has(kUnaryOps[op], 'c')) << kUnaryOps[op].name;
      }
    }
  }
}

}  // namespace
}  // namespace ndshare::internal
