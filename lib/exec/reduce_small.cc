#include "lib/exec/reduce_small.h"

#include <ndshare/create.h>
#include <ndshare/errstate.h>

#include "lib/exec/guard.h"
#include "lib/exec/lazy_node.h"
#include "lib/exec/promotion.h"
#include "lib/exec/reduction.h"
#include "lib/kernels/cast.h"

#include <cmath>
#include <cstring>

namespace ndshare::internal {
namespace {

constexpr std::size_t kFewElements = 1024;
static_assert(kFewElements * sizeof(double) <= 32768);  // one block of every reduction

/// Elements in one of the dtypes that a kernel takes: where they lie, or converted.
struct Elements {
  const std::byte* data;
  std::size_t n;
  TypeId type;
};
struct Room {
  alignas(64) std::byte bytes[kFewElements * sizeof(double)];
};

bool is_plain(const ReduceOptions& options, int axes) noexcept {
  const bool all = options.axis.is_all() || (axes == 1 && options.axis.values().ndim() == 1 &&
                                             (options.axis.values()[0] == 0 || options.axis.values()[0] == -1));
  return all && !options.dtype && !options.keepdims && !options.out && !options.where && !options.initial &&
         options.acc == Accumulate::own && options.threads >= 0;
}

/// The array behind the expression, if it is one that can be read as it lies.
const Array* few_of(const Lazy& x, const ReduceOptions& options) noexcept {
  const LazyNode& node = *x.node();
  if (node.kind != LazyNode::Kind::array || node.without_memory) return nullptr;
  const Array& array = *node.array;
  if (!is_plain(options, array.ndim()) || !array.dtype().is_numeric()) return nullptr;
  const std::int64_t n = array.size();
  const bool few = n >= 1 && n <= static_cast<std::int64_t>(kFewElements);
  const bool larger = array.nbytes() >= 8;  // than a result that has not the operand's dtype: limits may compare them
  return few && larger && array.is_c_contiguous() && array.is_aligned() && limits_allow_small(1, 16) ? &array : nullptr;
}

Elements converted(const Array& x, TypeId type, Room& room) noexcept {
  const auto n = static_cast<std::size_t>(x.size());
  if (x.dtype().id() == type) return {x.data(), n, type};
  find_cast(x.dtype().id(), type)(x.data(), room.bytes, n);
  return {room.bytes, n, type};
}

Array result_of(TypeId type, const void* value) {
  Array out = empty({}, DType(type));
  std::memcpy(out.mutable_data(), value, static_cast<std::size_t>(out.itemsize()));
  return out;
}

template <class T>
T joined(ReduceKernel kernel, const Elements& x) noexcept {
  T out;
  kernel(x.data, x.n, &out);
  return out;
}
template <class T>
T summed(const Elements& x) noexcept {
  return joined<T>(kernels().sum[static_cast<std::size_t>(x.type)], x);
}

/// Σx, Σx/n, or how far x is from that; not where a step was not finite, as errstate may want to know why.
template <class T>
std::optional<Array> moments(Few what, const Elements& x, double ddof) {
  const T total = summed<T>(x), mean = total / static_cast<T>(x.n);
  if (!std::isfinite(total)) return std::nullopt;
  if (what == Few::sum) return result_of(x.type, &total);
  if (what == Few::mean) return result_of(x.type, &mean);
  const double left = static_cast<double>(x.n) - ddof;
  if (!(left > 0)) return std::nullopt;
  Room room;
  kernels().find(BinaryOp::subtract, x.type).vs(x.data, &mean, room.bytes, x.n);
  kernels().find(UnaryOp::square, x.type)(room.bytes, room.bytes, x.n);
  const T squares = summed<T>({room.bytes, x.n, x.type}), var = squares / static_cast<T>(left), root = std::sqrt(var);
  if (!std::isfinite(var)) return std::nullopt;  // nor are the squares, then
  return result_of(x.type, what == Few::var ? &var : &root);
}

/// How many elements are true.
std::int64_t count_of(const Array& x, Room& room) noexcept {
  const Elements truth = converted(x, TypeId::bool_, room);
  return static_cast<std::int64_t>(kernels().count_true(reinterpret_cast<const std::uint8_t*>(truth.data), truth.n));
}

std::optional<Array> add_few(Few what, const Array& x, const ReduceOptions& options) {
  const TypeId own = x.dtype().id();
  const bool exact = is_exact(own);
  const ErrSettings settings = err_settings();
  if (settings.under != Err::ignore || (options.ddof != 0 && (what == Few::sum || what == Few::mean))) return std::nullopt;
  Room room;
  if (what == Few::sum && x.dtype().is_bool()) {
    const std::int64_t count = count_of(x, room);
    return result_of(TypeId::int64, &count);
  }
  if (what == Few::sum && exact) {
    const TypeId wide = sum_loop(own);
    if (settings.overflow != OnOverflow::wrap) return std::nullopt;
    Elements x64 = converted(x, wide, room);
    x64.type = TypeId::uint64;  // wraps: the same bits
    const auto total = summed<std::uint64_t>(x64);
    return result_of(wide, &total);
  }
  if (own == TypeId::float32) return moments<float>(what, converted(x, own, room), options.ddof);
  if (own != TypeId::float64 && !exact) return std::nullopt;
  return moments<double>(what, converted(x, TypeId::float64, room), options.ddof);
}

/// The smallest or largest, or where it is first.
std::optional<Array> extreme_of_few(Few what, const Array& x) {
  const TypeId type = x.dtype().id();
  const bool largest = what == Few::max || what == Few::argmax;
  const auto& table = largest ? kernels().max : kernels().min;
  const ReduceKernel kernel = table[static_cast<std::size_t>(type)];
  if (kernel == nullptr) return std::nullopt;
  alignas(16) std::byte value[16];
  const auto n = static_cast<std::size_t>(x.size());
  kernel(x.data(), n, value);
  if (what == Few::min || what == Few::max) return result_of(type, value);
  const auto place = static_cast<std::int64_t>(kernels().find_first[static_cast<std::size_t>(type)](x.data(), n, value));
  return result_of(TypeId::int64, &place);
}

Array truth_of_few(Few what, const Array& x) {
  Room room;
  const std::int64_t count = count_of(x, room);
  const std::uint8_t out = (what == Few::any ? count != 0 : count == x.size()) ? 1 : 0;
  return result_of(TypeId::bool_, &out);
}

}  // namespace

std::optional<Array> reduce_few(Few what, const Lazy& x, const ReduceOptions& options) {
  const Array* few = few_of(x, options);
  if (few == nullptr) return std::nullopt;
  if (what <= Few::stddev) return add_few(what, *few, options);
  if (options.ddof != 0) return std::nullopt;
  if (what == Few::any || what == Few::all) return truth_of_few(what, *few);
  return extreme_of_few(what, *few);
}

}  // namespace ndshare::internal
