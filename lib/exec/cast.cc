#include <ndshare/cast.h>

#include <ndshare/error.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/promotion.h"

#include <optional>
#include <string>
#include <vector>

namespace ndshare {
namespace {

constexpr const char* kNames[] = {"no", "equiv", "safe", "same_kind", "unsafe"};

/// The mildest rule that allows it.
std::string way_out(const DType& from, const DType& to) {
  for (const Casting rule : {Casting::safe, Casting::same_kind, Casting::unsafe}) {
    if (can_cast(from, to, rule)) return std::string("Casting::") + kNames[static_cast<std::size_t>(rule)];
  }
  return "no rule";
}

}  // namespace

bool can_cast(const DType& from, const DType& to, Casting casting) noexcept {
  if (!from.is_numeric() || !to.is_numeric()) return from == to;
  return internal::can_cast(from.id(), to.id(), casting);
}

DType result_type(std::initializer_list<TypeOperand> operands) {
  std::vector<TypeId> strong;
  for (const TypeOperand& operand : operands) {
    if (const auto* dtype = std::get_if<DType>(&operand)) {
      internal::require_numeric("result_type", *dtype);
      strong.push_back(dtype->id());
    }
  }
  std::optional<TypeId> result;
  if (!strong.empty()) result = internal::result_type(strong);
  for (const TypeOperand& operand : operands) {
    const auto* number = std::get_if<Scalar>(&operand);
    if (number == nullptr) continue;
    const TypeId next = internal::weak_type(*number, result.value_or(TypeId::bool_));
    result = result ? internal::result_type(*result, next) : next;
  }
  if (!result) throw Error(Error::Usage, "result_type of nothing: give a dtype or a number");
  return DType(*result);
}

Array astype(const Array& x, const DType& dtype, const CastOptions& options) {
  if (x.dtype() == dtype) {
    if (!options.copy) return x;
    internal::note_copy(CopyReason::asked, x.nbytes());
    return x.copy();
  }
  internal::require_numeric("astype", x.dtype());
  internal::require_numeric("astype", dtype);
  if (!can_cast(x.dtype(), dtype, options.casting)) {
    throw Error(Error::DtypeMismatch,
                "astype: " + x.dtype().name() + " does not cast to " + dtype.name() + " by " +
                    kNames[static_cast<std::size_t>(options.casting)] + ": say " + way_out(x.dtype(), dtype),
                {{"from", x.dtype().name()}, {"to", dtype.name()}});
  }
  internal::note_copy(CopyReason::asked, x.size() * dtype.itemsize());
  internal::Program program;
  const internal::ValueId value = program.cast(program.leaf(x), dtype.id());
  return internal::evaluate(program, value, {.what = "astype", .threads = options.threads, .is_noted = true});
}

}  // namespace ndshare
