// Every operation × dtype × supported target × form × length × offset, against formulas written separately. The
// transcendental families have tests of their own.
#include "lib/kernels/registry.h"
#include "tests/unit/kernels/line.h"
#include "tests/unit/kernels/naive_binary.h"
#include "tests/unit/kernels/op_families.h"

#include <ndshare/dtype.h>

#include <gtest/gtest.h>

namespace ndshare::internal {
namespace {

using test::Line;
using test::Random;

// Sanitizers slow the formulas down: a sample of the lengths and offsets is enough there.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSkip = 2;
#else
constexpr std::uint64_t kSkip = 1;
#endif

std::vector<std::size_t> lengths(std::size_t lanes) {
  return {0, 1, lanes - 1, lanes, lanes + 1, 2 * lanes, 4 * lanes + 3, 777};
}

// float16 is rounded after float32: the last digit may differ where the float32 one may. Complex numbers: 1 ULP of |x|
// is 2 of a part.
std::uint64_t allowed(const OpInfo& op, bool complex) {
  const bool inexact_complex = complex && (op.name == "abs" || op.name == "sign" || op.name == "sqrt");
  return inexact_complex ? 2 : static_cast<std::uint64_t>(op.ulp);
}

template <class R>
bool finite(R value) {
  if constexpr (test::kIsComplex<R>) {
    return finite(value.real()) && finite(value.imag());
  } else if constexpr (std::is_same_v<R, Half>) {
    return std::isfinite(static_cast<float>(value));
  } else {
    return std::isfinite(value);
  }
}

struct Case {
  const OpInfo* op;
  const KernelTable* table;
  std::size_t n, offset, out_offset;
  bool tame;
  std::string form;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.table->name << ' ' << c.op->name << ' ' << c.form << " n=" << c.n << " offset=" << c.offset;
}

// What a float or complex loop says of results; ops that cannot raise say nothing.
template <class R>
std::uint32_t seen_of(const OpInfo& op, const Line<R>& out, std::size_t n) {
  if constexpr (!std::is_integral_v<R>) {
    for (std::size_t i = 0; !op.errors.empty() && i < n; ++i) {
      if (!finite(out.get(i))) return kSeenNonFinite;
    }
  }
  return 0;
}

template <class T, class R, class Formula>
void check_unary(const Case& c, UnaryKernel kernel, bool in_place, Random& random, Formula formula) {
  Line<T> a(c.n, c.offset, random, c.tame);
  Line<R> apart(c.n, c.out_offset, random, c.tame);
  std::vector<T> values;
  for (std::size_t i = 0; i < c.n; ++i) values.push_back(a.get(i));
  Line<R>* out = &apart;
  if constexpr (std::is_same_v<T, R>) out = in_place ? &a : &apart;
  const std::uint32_t seen = kernel(a.data(), out->data(), c.n);
  for (std::size_t i = 0; i < c.n; ++i) {
    const T value = values[i];
    const std::optional<R> expected = formula(value);
    ASSERT_TRUE(expected.has_value()) << c << " has no formula";
    ASSERT_TRUE(test::close<R>(out->get(i), *expected, allowed(*c.op, test::kIsComplex<T>)))
        << c << " i=" << i << ' ' << testing::PrintToString(value) << ": " << testing::PrintToString(out->get(i))
        << " for " << testing::PrintToString(*expected);
  }
  ASSERT_TRUE(out->edges_untouched()) << c;
  ASSERT_TRUE(out->clean()) << c;
  ASSERT_EQ(seen, seen_of(*c.op, *out, c.n)) << c;
}

template <class T>
void check_unary_kernel(const KernelTable& table, UnaryOp op, Random& random) {
  const UnaryKernel kernel = table.find(op, type_id_of<T>());
  if (kernel == nullptr) return;
  for (const std::size_t n : lengths(std::max<std::size_t>(1, table.vector_bytes / sizeof(T)))) {
    for (const std::size_t offset : {std::size_t{0}, sizeof(T), 3 * sizeof(T)}) {
      for (const bool in_place : {false, true}) {
        if (random() % kSkip != 0) continue;
        const Case c{&info(op), &table, n, offset, in_place ? offset : 0, random() % 2 == 0, dtype_of<T>().name()};
        switch (info(op).result) {
          case ResultRule::same:
            check_unary<T, T>(c, kernel, in_place, random, [&](T x) { return test::naive_same(op, x); });
            break;
          case ResultRule::boolean:
            check_unary<T, bool>(c, kernel, in_place, random, [&](T x) { return test::naive_boolean(op, x); });
            break;
          case ResultRule::part:
            check_unary<T, test::PartOf<T>>(c, kernel, in_place, random, [&](T x) { return test::naive_part(op, x); });
            break;
        }
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TEST(ElementwiseTest, UnaryOpsOfEveryDtypeTargetLengthAndOffset) {
  Random random(20240502);
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kUnaryCount; ++op) {
      if (test::transcendental(test::kUnaryFamilies[op])) continue;
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize)          \
  check_unary_kernel<lane>(table, static_cast<UnaryOp>(op), random); \
  if (HasFatalFailure()) return;
#include <ndshare/dtype_list.inc>
    }
  }
}

enum class InPlace { no, left, right };
struct Form {
  const char* name;
  BinaryKernel kernel;
  bool a_scalar, b_scalar;
  InPlace in_place;
};

// Integer division says what it met.
template <class T>
std::uint32_t seen_of_division(BinaryOp op, T a, T b) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (op != BinaryOp::floor_divide && op != BinaryOp::remainder && op != BinaryOp::fmod) return 0;
    if (b == 0) return kSeenDivide;
    const bool over = std::is_signed_v<T> && a == std::numeric_limits<T>::min() && b == static_cast<T>(-1);
    return over && op == BinaryOp::floor_divide ? std::uint32_t{kSeenOver} : 0U;
  }
  return 0;
}

template <class T, class R, class Formula>
void check_binary(const Case& c, BinaryOp op, const Form& form, Random& random, Formula formula) {
  Line<T> a(form.a_scalar ? 1 : c.n, c.offset, random, c.tame), b(form.b_scalar ? 1 : c.n, c.offset, random, c.tame);
  Line<R> apart(c.n, c.out_offset, random, c.tame);
  std::vector<std::pair<T, T>> values;
  for (std::size_t i = 0; i < c.n; ++i) values.emplace_back(a.get(form.a_scalar ? 0 : i), b.get(form.b_scalar ? 0 : i));
  Line<R>* out = &apart;
  if constexpr (std::is_same_v<T, R>) {
    out = form.in_place == InPlace::left ? &a : form.in_place == InPlace::right ? &b : &apart;
  }
  const std::uint32_t seen = form.kernel(a.data(), b.data(), out->data(), c.n);
  c.table->fence();
  std::uint32_t integers_saw = 0;
  for (std::size_t i = 0; i < c.n; ++i) {
    const auto [x, y] = values[i];
    const std::optional<R> expected = formula(x, y);
    integers_saw |= seen_of_division(op, x, y);
    ASSERT_TRUE(expected.has_value()) << c << " has no formula";
    ASSERT_TRUE(test::close<R>(out->get(i), *expected, allowed(*c.op, false)))
        << c << " i=" << i << ' ' << testing::PrintToString(x) << ", " << testing::PrintToString(y) << ": "
        << testing::PrintToString(out->get(i)) << " for " << testing::PrintToString(*expected);
  }
  ASSERT_TRUE(out->edges_untouched()) << c;
  ASSERT_TRUE(out->clean()) << c;
  ASSERT_EQ(seen, seen_of(*c.op, *out, c.n) | integers_saw) << c;
}

template <class T>
void check_binary_kernels(const KernelTable& table, BinaryOp op, Random& random) {
  const BinaryKernels& found = table.find(op, type_id_of<T>());
  const Form forms[] = {{"", found.vv, false, false, InPlace::no},
                        {"in place left", found.vv, false, false, InPlace::left},
                        {"in place right", found.vv, false, false, InPlace::right},
                        {"vs", found.vs, false, true, InPlace::no},
                        {"vs in place", found.vs, false, true, InPlace::left},
                        {"sv", found.sv, true, false, InPlace::no},
                        {"stream", found.vv_stream, false, false, InPlace::no},
                        {"vs stream", found.vs_stream, false, true, InPlace::no},
                        {"sv stream", found.sv_stream, true, false, InPlace::no}};
  for (const std::size_t n : lengths(std::max<std::size_t>(1, table.vector_bytes / sizeof(T)))) {
    for (const std::size_t offset : {std::size_t{0}, sizeof(T), 3 * sizeof(T)}) {
      for (const Form& form : forms) {
        if (form.kernel == nullptr || random() % kSkip != 0) continue;
        const std::size_t out_offset = random() % 2 == 0 ? 0 : offset;
        const Case c{
            &info(op), &table, n, offset, out_offset, random() % 2 == 0, dtype_of<T>().name() + ' ' + form.name};
        if (info(op).result == ResultRule::boolean) {
          const auto formula = [&](T a, T b) { return test::naive_boolean(op, a, b); };
          check_binary<T, bool>(c, op, form, random, formula);
        } else {
          check_binary<T, T>(c, op, form, random, [&](T a, T b) { return test::naive_same(op, a, b); });
        }
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TEST(ElementwiseTest, BinaryOpsOfEveryDtypeTargetFormLengthAndOffset) {
  Random random(20240501);
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kBinaryCount; ++op) {
      if (test::transcendental(test::kBinaryFamilies[op])) continue;
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize)             \
  check_binary_kernels<lane>(table, static_cast<BinaryOp>(op), random); \
  if (HasFatalFailure()) return;
#include <ndshare/dtype_list.inc>
    }
  }
}

TEST(ElementwiseTest, EveryPairOfBytes) {
  std::vector<std::uint8_t> all(256), out(256);
  for (std::size_t i = 0; i < 256; ++i) all[i] = static_cast<std::uint8_t>(i);
  for (const KernelTable& table : supported_tables()) {
    for (const BinaryOp op :
         {BinaryOp::add, BinaryOp::subtract, BinaryOp::multiply, BinaryOp::floor_divide, BinaryOp::remainder,
          BinaryOp::fmod, BinaryOp::gcd, BinaryOp::bitwise_left_shift, BinaryOp::bitwise_right_shift}) {
      for (std::size_t scalar = 0; scalar < 256; ++scalar) {
        const auto value = static_cast<std::uint8_t>(scalar);
        const auto with_sign = static_cast<std::int8_t>(value);
        (void)table.find(op, TypeId::uint8).vs(all.data(), &value, out.data(), 256);
        for (std::size_t i = 0; i < 256; ++i) ASSERT_EQ(out[i], test::naive_same(op, all[i], value)) << table.name;
        (void)table.find(op, TypeId::int8).vs(all.data(), &with_sign, out.data(), 256);
        for (std::size_t i = 0; i < 256; ++i) {
          ASSERT_EQ(static_cast<std::int8_t>(out[i]), test::naive_same(op, static_cast<std::int8_t>(all[i]), with_sign))
              << table.name << ' ' << info(op).name << ' ' << i << ' ' << int{with_sign};
        }
      }
    }
  }
}

}  // namespace
}  // namespace ndshare::internal
