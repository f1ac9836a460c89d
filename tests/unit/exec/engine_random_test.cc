// Random calls against themselves: lazy trees against eager calls, overlapping memory against copies, out and where against a loop,
// what errstate counts against the values. NDSHARE_TEST_SEED repeats a run.
#include <ndshare/cast.h>
#include <ndshare/ledger.h>
#include <ndshare/limits.h>
#include <ndshare/print.h>
#include <ndshare/reduce.h>

#include "tests/support/sample.h"
#include "tests/unit/exec/engine_support.h"

#include <cmath>
#include <limits>

namespace ndshare::test {
namespace {

const Op& pick_op(Engine& random) {
  auto at = ops().begin();
  std::advance(at, below(random, static_cast<std::int64_t>(ops().size())));
  return at->second;
}
const DType& pick_dtype(Engine& random) { return numeric_dtypes()[static_cast<std::size_t>(below(random, 14))]; }

// ---- lazy

const Shape kShapes[] = {{40, 50}, {50}, {40, 1}, {}, {1, 50}, {3, 1, 50}};

/// The same call lazily and eagerly: both give a value, or both the same error.
void grow(Engine& random, std::vector<Array>& eager, std::vector<Lazy>& lazily, std::string& text) {
  const Op& op = pick_op(random);
  std::vector<Array> arrays;
  std::vector<Lazy> nodes;
  std::optional<Scalar> weak;
  const std::int64_t side = op.arity == 2 && chance(random, 25) ? below(random, 2) : -1;
  for (int k = 0; k < op.arity; ++k) {
    const auto i = static_cast<std::size_t>(below(random, static_cast<std::int64_t>(eager.size())));
    if (k == side) {
      weak = chance(random, 50) ? Scalar(2) : Scalar(1.5);
      nodes.emplace_back(weak->kind() == 'i' ? Lazy(2) : Lazy(1.5));
      continue;
    }
    arrays.push_back(eager[i]), nodes.push_back(lazily[i]);
  }
  std::optional<Array> a;
  std::optional<Lazy> b;
  const ErrorCode error = code_of([&] { a = weak ? op.with_number(arrays[0], *weak, side == 0, {}) : op.eager(arrays, {}); });
  const ErrorCode later = code_of([&] { b = op.lazily(nodes); });
  if (error == ErrorCode::Usage) return;  // a negative power of integers: known from the values only
  ASSERT_EQ(error, later) << op.name << " after" << text;
  if (error != ErrorCode::Ok) return;
  ASSERT_EQ(b->dtype(), a->dtype()) << op.name << " after" << text;
  ASSERT_EQ(b->shape(), a->shape()) << op.name << " after" << text;
  eager.push_back(*a), lazily.push_back(*b), text += " " + op.name;
}

TEST(EngineRandomTest, LazyTreesAreTheEagerCallsToTheBit) {
  Engine random(test_seed());
  const Quiet quiet;
  for (int round = 0; round < 600 / test::kSample; ++round) {
    std::vector<Array> eager;
    std::vector<Lazy> lazily;
    std::string text;
    for (int leaf = 0; leaf < 4; ++leaf) {
      const Array plain = random_array(random, kShapes[below(random, 6)], pick_dtype(random), Values::moderate);
      eager.push_back(round % 3 == 0 ? plain : laid_out(random, plain));
      lazily.emplace_back(eager.back());
    }
    for (int node = 0; node < 12; ++node) grow(random, eager, lazily, text);
    if (HasFatalFailure()) return;
    SCOPED_TRACE("round " + std::to_string(round) + ", seed " + std::to_string(test_seed()) + ":" + text);
    Array got;
    const ErrorCode error = code_of([&] { got = lazily.back().eval({.threads = 1 + round % 2}); });
    if (error == ErrorCode::Usage) continue;
    ASSERT_EQ(error, ErrorCode::Ok);
    ASSERT_EQ(differs(got, eager.back()), "");
    const Plan made = plan(lazily.back());
    EXPECT_EQ(made.nbytes, got.nbytes());
    EXPECT_EQ(made.dtype, got.dtype());
    EXPECT_EQ(made.shape, got.shape());
    // A reduction joins elements in the order of memory, which the operands' layouts give: the same bits where all are in C order.
    if (round % 3 == 0) {
      EXPECT_EQ(differs(sum(lazily.back()), sum(eager.back())), "");
    }
    EXPECT_EQ(differs(mean(lazily.back(), {.axis = Axes(Dims{})}), mean(eager.back(), {.axis = Axes(Dims{})})), "");
  }
}

// ---- out and where

TEST(EngineRandomTest, OutOfEveryDtypeByEveryMask) {
  Engine random(test_seed() + 1);
  const Quiet quiet;
  for (int round = 0; round < 3000 / test::kSample; ++round) {
    const Op& op = pick_op(random);
    const Shape shape = kShapes[below(random, 6)];
    std::vector<Array> x;
    for (int k = 0; k < op.arity; ++k) x.push_back(laid_out(random, random_array(random, shape, pick_dtype(random), Values::moderate)));
    std::optional<Array> plain;
    const ErrorCode error = code_of([&] { plain = op.eager(x, {}); });
    const Array out = laid_out(random, random_array(random, shape, pick_dtype(random))), before = out.copy();
    SCOPED_TRACE("round " + std::to_string(round) + ": " + op.name + " into " + out.dtype().name() + ", seed " + std::to_string(test_seed()));
    const bool fits = error == ErrorCode::Ok && can_cast(plain->dtype(), out.dtype(), Casting::same_kind);
    const Array mask = random_array(random, chance(random, 50) && shape.ndim() > 0 ? Shape{shape.back()} : shape, bool_);
    const bool masked = chance(random, 50);
    const ErrorCode into = code_of([&] {
      OpOptions options{.out = out};
      if (masked) options.where = mask;
      op.eager(x, options);
    });
    if (!fits) {
      EXPECT_TRUE(into == (error == ErrorCode::Ok ? ErrorCode::DtypeMismatch : error) || into == ErrorCode::DtypeMismatch);
      EXPECT_EQ(bytes_of(out), bytes_of(before));
      continue;
    }
    EXPECT_EQ(into, ErrorCode::Ok);
    const Array converted = astype(*plain, out.dtype());
    EXPECT_EQ(differs(out, masked ? where(mask, converted, before) : converted), "") << plain->dtype().name() << (masked ? ", masked" : "");
    const std::string kept = bytes_of(out);
    EXPECT_EQ(code_of([&] { op.eager(x, {.out = out.as_readonly()}); }), ErrorCode::ReadOnly);
    EXPECT_EQ(code_of([&] { op.eager(x, {.out = empty({7, 7, 7}, out.dtype())}); }), ErrorCode::ShapeMismatch);
    EXPECT_EQ(bytes_of(out), kept);
  }
}

// ---- overlap

/// A random view over the whole of `bytes`, of a dtype; no two of its elements share a byte.
Layout random_layout(Engine& random, const Shape& shape, std::int64_t itemsize, std::int64_t bytes) {
  Layout layout{shape, Strides{}, 0};
  Dims order;
  for (int axis = 0; axis < shape.ndim(); ++axis) order.insert(static_cast<int>(below(random, axis + 1)), axis);
  for (int axis = 0; axis < shape.ndim(); ++axis) layout.strides.push_back(0);
  std::int64_t step = itemsize, low = 0, high = itemsize;
  for (const std::int64_t axis : order) {
    const std::int64_t stride = step + below(random, 3) * itemsize, length = shape[static_cast<int>(axis)];
    const bool backwards = chance(random, 30);
    layout.strides[static_cast<int>(axis)] = backwards ? -stride : stride;
    (backwards ? low : high) += (backwards ? -stride : stride) * (length - 1);
    step = stride * length;
  }
  layout.offset = -low + below(random, (bytes - (high - low)) / itemsize + 1) * itemsize;
  return layout;
}

TEST(EngineRandomTest, OverlappingViewsOfOneMemory) {
  Engine random(test_seed() + 2);
  const Quiet quiet;
  constexpr std::int64_t kBytes = 40'000;
  const std::vector<DType> dtypes = {int8, uint8, int16, int32, int64, float32, float64};
  for (int round = 0; round < 1500 / test::kSample; ++round) {
    const Array memory = empty({kBytes}, uint8);
    for (auto& byte : memory.as_span<std::uint8_t>()) byte = static_cast<std::uint8_t>(0x38 + below(random, 8));  // finite as any float
    const Array copy = memory.copy();
    const Shape shape{1 + below(random, 8), 1 + below(random, 12), 1 + below(random, 3)};
    const DType& dtype = dtypes[static_cast<std::size_t>(below(random, 7))];
    const DType& other = chance(random, 50) ? dtype : dtypes[static_cast<std::size_t>(below(random, 7))];
    const DType made = result_type({dtype, other});
    const DType& into = chance(random, 50) ? made : made.is_floating() ? float32 : int32;
    const Layout a = random_layout(random, shape, dtype.itemsize(), kBytes), b = random_layout(random, shape, other.itemsize(), kBytes),
                 out = random_layout(random, shape, into.itemsize(), kBytes);
    const auto view = [](const Array& whole, const Layout& layout, const DType& as) { return Array(as, layout, whole.buffer(), true); };
    const bool fused = chance(random, 40);
    const Array x = view(memory, a, dtype), y = view(memory, b, other), z = view(memory, out, into);
    const Array x2 = view(copy, a, dtype).copy(), y2 = view(copy, b, other).copy();
    if (!can_cast(made, into, Casting::same_kind)) continue;
    if (fused) {
      (lazy(x) * y + x).eval({.out = z});
      copyto(view(copy, out, into), astype(x2 * y2 + x2, into));
    } else {
      subtract(x, y, {.out = z});
      copyto(view(copy, out, into), astype(x2 - y2, into));
    }
    ASSERT_TRUE(array_equal(memory, copy)) << "round " << round << ", seed " << test_seed() << ": " << dtype.name() << a.strides.str()
                                           << other.name() << b.strides.str() << into.name() << out.strides.str() << fused;
  }
}

// ---- errstate: counts are what the values say, whatever the way

/// A result that is NaN of none, or infinite of finite operands; the elements where that is so.
std::int64_t odd_results(const std::vector<Array>& x, const Array& y) {
  if (!y.dtype().is_floating()) return 0;
  Array in = zeros(y.shape(), bool_), infinite = zeros(y.shape(), bool_);
  for (const Array& operand : x) in = logical_or(in, isnan(operand)), infinite = logical_or(infinite, isinf(operand));
  const Array odd = logical_or(logical_and(isnan(y), logical_not(in)), logical_and(isinf(y), logical_not(logical_or(infinite, in))));
  return count_nonzero(odd).item<std::int64_t>();
}

TEST(EngineRandomTest, CountsAreTheValuesWhateverTheWay) {
  Engine random(test_seed() + 3);
  for (const auto& [name, op] : ops()) {
    for (const DType& dtype : {float16, float32, float64}) {
      if (op.loops.find('f') == std::string::npos || (op.rule == "exponent")) continue;
      const Shape shape{37, 1800};
      std::vector<Array> x;
      for (int k = 0; k < op.arity; ++k) x.push_back(random_array(random, shape, dtype));
      SCOPED_TRACE(name + " of " + dtype.name() + ", seed " + std::to_string(test_seed()));
      Array y;
      const ErrorCounts one = counted([&] { y = op.eager(x, {.threads = 1}); });
      EXPECT_EQ(static_cast<std::int64_t>(one.divide + one.over + one.invalid), odd_results(x, y));
      EXPECT_TRUE(one.divide == 0 || op.errors.find('d') != std::string::npos);
      EXPECT_TRUE(one.over == 0 || op.errors.find('o') != std::string::npos);
      EXPECT_TRUE(one.invalid == 0 || op.errors.find('v') != std::string::npos);
      EXPECT_EQ(counted([&] { (void)op.eager(x, {.threads = 2}); }), one) << "two threads";
      std::vector<Array> odd;
      std::vector<Lazy> nodes;
      for (const Array& operand : x) odd.push_back(laid_out(random, operand)), nodes.emplace_back(operand);
      EXPECT_EQ(counted([&] { (void)op.eager(odd, {}); }), one) << "other layouts";
      EXPECT_EQ(counted([&] { (void)op.lazily(nodes).eval(); }), one) << "lazily";
      const Array none_here = zeros(shape, bool_), out = y.copy();
      EXPECT_EQ(counted([&] { op.eager(x, {.out = out, .where = none_here}); }), ErrorCounts{}) << "masked out";
      if (one == ErrorCounts{}) continue;
      const std::string kept = bytes_of(out);
      const ErrState raising{.divide = Err::raise, .over = Err::raise, .under = Err::raise, .invalid = Err::raise};
      EXPECT_EQ(code_of([&] { op.eager(x, {.out = out}); }), ErrorCode::Arithmetic);
      EXPECT_EQ(bytes_of(out), kept) << "nothing was written";
      if (y.dtype() != dtype) continue;
      const std::string operand = bytes_of(x[0]);
      EXPECT_EQ(code_of([&] { op.eager(x, {.out = x[0]}); }), ErrorCode::Arithmetic);
      EXPECT_EQ(bytes_of(x[0]), operand) << "in place";
    }
  }
}

// ---- overflow of integers

template <class T>
void check_overflow(Engine& random, const DType& dtype) {
  constexpr T kLow = std::numeric_limits<T>::min(), kHigh = std::numeric_limits<T>::max();
  const Array a = random_array(random, {5000}, dtype), b = random_array(random, {5000}, dtype);
  const auto x = a.as_span<const T>(), y = b.as_span<const T>();
  for (const std::string name : {"add", "subtract", "multiply"}) {
    SCOPED_TRACE(name + " of " + dtype.name() + ", seed " + std::to_string(test_seed()));
    std::uint64_t over = 0;
    const Array wrapped = empty({5000}, dtype), saturated = empty({5000}, dtype);
    for (std::size_t i = 0; i < x.size(); ++i) {
      T low_bits{};  // the compiler's own arithmetic without bounds, and its word whether the result fitted
      const bool lost = name == "add"        ? __builtin_add_overflow(x[i], y[i], &low_bits)
                        : name == "subtract" ? __builtin_sub_overflow(x[i], y[i], &low_bits)
                                             : __builtin_mul_overflow(x[i], y[i], &low_bits);
      const bool minus = name == "multiply" ? (x[i] < 0) != (y[i] < 0) : name == "add" ? x[i] < 0 : x[i] < y[i];
      over += lost ? 1U : 0U;
      wrapped.as_span<T>()[i] = low_bits;
      saturated.as_span<T>()[i] = lost ? (minus ? kLow : kHigh) : low_bits;
    }
    const auto call = [&](OnOverflow policy, const OpOptions& options) {
      const ErrState state{.overflow = policy};
      reset_error_counts();
      return ops().at(name).eager({a, b}, options);
    };
    EXPECT_EQ(differs(call(OnOverflow::wrap, {}), wrapped), "");
    EXPECT_EQ(differs(call(OnOverflow::saturate, {.threads = 2}), saturated), "");
    EXPECT_EQ(differs(call(OnOverflow::count, {}), wrapped), "");
    EXPECT_EQ(error_counts().overflow, over);
    const Array out = ones({5000}, dtype), kept = out.copy();
    EXPECT_EQ(code_of([&] { call(OnOverflow::raise, {.out = out}); }), over == 0 ? ErrorCode::Ok : ErrorCode::Overflow);
    EXPECT_TRUE(over == 0 || differs(out, kept).empty());
    const ErrState saturating{.overflow = OnOverflow::saturate};
    EXPECT_EQ(differs(ops().at(name).lazily({lazy(a(slice(none, none, -1))), lazy(b(slice(none, none, -1)))}).eval()(slice(none, none, -1)), saturated), "");
  }
}

TEST(EngineRandomTest, OverflowOfEveryIntegerDtype) {
  Engine random(test_seed() + 4);
  for (const DType& dtype : numeric_dtypes()) {
    if (!dtype.is_integer()) continue;
    visit_numeric(dtype.id(), [&]<class T>() {
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) check_overflow<T>(random, dtype);
    });
  }
}

// ---- the guard

TEST(EngineRandomTest, TheGuardRefusesBeforeItAllocates) {
  const Array tall = zeros({1}).broadcast_to({5'000'000, 1000, 1}), row = zeros({10});
  for (const auto& body : std::vector<std::function<void()>>{[&] { (void)(tall + row); }, [&] { (void)(lazy(tall) * row).eval(); },
                                                             [&] { (void)where(zeros({1}, bool_).broadcast_to(tall.shape()), row, row); }}) {
    const std::string message = message_of(body);
    EXPECT_NE(message.find("(5000000, 1000, 1"), std::string::npos) << message;
    EXPECT_EQ(code_of(body), ErrorCode::MemoryGuard);
  }
  EXPECT_EQ(plan(lazy(tall) + row).shape, Shape({5'000'000, 1000, 10}));
  EXPECT_NE(plan(lazy(tall) + row).refusal, "");
}

}  // namespace
}  // namespace ndshare::test
