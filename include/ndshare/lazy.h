// Lazy expressions: written like eager ones, computed in one pass over memory, with no temporaries.
//
//   nd::sqrt(nd::lazy(x) * x + nd::lazy(z) * z).eval({.out = y});
//   nd::sum(nd::lazy(a) - b);   nd::plan(nd::lazy(x) * w).text();
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/ledger.h>
#include <ndshare/ops.h>
#include <ndshare/scalar.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ndshare {

namespace internal {
struct LazyNode;
}

/// An expression that has not been computed: a value, cheap to copy. It keeps its arrays' memory alive, and reads it when it is
/// evaluated. dtypes and shapes are settled as it grows.
///   Errors of building one: as ops.h, but for what concerns `out`.   Threads: a plain value; may be evaluated from several.
class NDSHARE_API Lazy {
 public:
  Lazy(const Array& array);
  /// A weak number.
  template <class T>
  requires std::constructible_from<Scalar, T> Lazy(const T& number) : Lazy(of_number(Scalar(number))) {}
  explicit Lazy(std::shared_ptr<const internal::LazyNode> node) noexcept : node_(std::move(node)) {}

  [[nodiscard]] Shape shape() const;
  [[nodiscard]] DType dtype() const;
  /// Computes it.   Errors: as ops.h; Usage where an operand is `shape_only`.
  Array eval(const OpOptions& options = {}) const;
  /// In another dtype, converted as `nd::astype(…, unsafe)`.
  [[nodiscard]] Lazy astype(const DType& dtype) const;
  [[nodiscard]] const std::shared_ptr<const internal::LazyNode>& node() const noexcept { return node_; }

 private:
  static Lazy of_number(const Scalar& number);
  std::shared_ptr<const internal::LazyNode> node_;
};

[[nodiscard]] inline Lazy lazy(const Array& x) { return Lazy(x); }
/// An operand that has a shape and a dtype but no memory: for plans.
[[nodiscard]] NDSHARE_API Lazy shape_only(const Shape& shape, const DType& dtype);

#define NDSHARE_UNARY_OP(name, loops, rule, result, errors, family, ulp, doc) \
  [[nodiscard]] NDSHARE_API Lazy name(const Lazy& x);
#define NDSHARE_BINARY_OP(name, loops, rule, result, commutative, errors, family, ulp, doc) \
  [[nodiscard]] NDSHARE_API Lazy name(const Lazy& x1, const Lazy& x2);
#include <ndshare/op_list.inc>
[[nodiscard]] inline Lazy round(const Lazy& x) { return rint(x); }
[[nodiscard]] inline Lazy power(const Lazy& x1, const Lazy& x2) { return pow(x1, x2); }
[[nodiscard]] NDSHARE_API Lazy where(const Lazy& condition, const Lazy& x1, const Lazy& x2);
[[nodiscard]] NDSHARE_API Lazy clip(const Lazy& x, const Lazy& low, const Lazy& high);

#define NDSHARE_OPERATOR(symbol, name) \
  [[nodiscard]] inline Lazy operator symbol(const Lazy& x1, const Lazy& x2) { return name(x1, x2); }
#include <ndshare/operator_list.inc>
[[nodiscard]] inline Lazy operator-(const Lazy& x) { return negative(x); }
[[nodiscard]] inline Lazy operator~(const Lazy& x) { return bitwise_invert(x); }

/// What an expression would take, before it runs.
struct NDSHARE_API Plan {
  struct Copy {
    CopyReason reason{};
    std::int64_t bytes = 0;  ///< in all, block by block
    std::string text;        ///< which operand
  };
  Shape shape{};
  DType dtype{};
  std::int64_t nbytes = 0;       ///< of the result
  std::int64_t temporaries = 0;  ///< bytes of scratch, of each thread that takes part
  int operations = 0;            ///< kernel calls a block
  std::vector<Copy> copies{};    ///< of operands, as the ledger has them when a new array is computed; none where it is refused
  std::int64_t allowed_bytes = 0;  ///< what a result may take now
  std::string refusal{};           ///< why the memory guard would refuse it; empty: it would run

  [[nodiscard]] std::string text() const;  ///< for people, a few lines
};
/// Nothing is allocated or computed. A plan that the guard would refuse says so; it does not throw.
[[nodiscard]] NDSHARE_API Plan plan(const Lazy& expression);

}  // namespace ndshare
