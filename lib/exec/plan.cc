// nd::plan: what an expression would take.
#include <ndshare/error.h>
#include <ndshare/lazy.h>

#include "lib/base/text.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/evaluation.h"
#include "lib/exec/guard.h"
#include "lib/exec/lazy_node.h"

#include <limits>

namespace ndshare {
namespace {

using internal::Program;
using internal::ValueId;

std::string bytes_text(std::int64_t bytes) { return internal::format_bytes(static_cast<std::uint64_t>(bytes)); }

/// Bytes of a shape, or the largest number where 64 bits do not hold them.
std::int64_t bytes_of(const Shape& shape, std::int64_t itemsize) {
  std::int64_t bytes = itemsize;
  for (const std::int64_t length : shape) {
    if (length == 0) return 0;
    if (__builtin_mul_overflow(bytes, length, &bytes)) bytes = std::numeric_limits<std::int64_t>::max() / 2;
  }
  return bytes;
}

std::string text_of(const Program& program, const internal::OperandCopy& copy) {
  const std::string text = "an operand of shape " + program.shape(copy.operand).str();
  if (copy.reason != CopyReason::strided) {
    return text + ", " + DType(program.type(copy.operand)).name() + " to " + DType(copy.to).name();
  }
  return text + " with strides " + program.leaves()[program.value(copy.operand).index].strides().str();
}

}  // namespace

Plan plan(const Lazy& expression) {
  Program program;
  const ValueId value = internal::LazyCompiler(program).add(*expression.node());
  Plan plan;
  plan.shape = program.shape(value);
  plan.dtype = DType(program.type(value));
  plan.nbytes = bytes_of(plan.shape, plan.dtype.itemsize());
  plan.operations = static_cast<int>(program.steps().size());
  plan.allowed_bytes = internal::allowed_bytes();
  try {
    internal::check_result_memory("this expression", plan.shape, plan.dtype.itemsize(), program.leaves());
    const internal::Evaluation evaluation(program, value, plan.shape, internal::new_order(program, plan.shape));
    plan.temporaries = static_cast<std::int64_t>(evaluation.scratch_bytes());
    for (const internal::OperandCopy& copy : internal::operand_copies(program, evaluation)) {
      plan.copies.push_back({copy.reason, copy.bytes, text_of(program, copy)});
    }
  } catch (const Error& error) {
    if (error.code() != Error::MemoryGuard) throw;
    plan.refusal = error.what();
  }
  return plan;
}

std::string Plan::text() const {
  std::string out = "result: " + dtype.name() + " " + shape.str() + ", " + bytes_text(nbytes) + "\n" +
                    "operations: " + std::to_string(operations) + " a block, scratch " + bytes_text(temporaries) + " a thread\n";
  if (copies.empty()) out += "copies: none\n";
  for (const Copy& copy : copies) {
    out += "copies: " + bytes_text(copy.bytes) + " block by block (" + std::string(copy_reason_name(copy.reason)) + "): " + copy.text + "\n";
  }
  if (!refusal.empty()) out += "refused: " + refusal + "\n";
  return out;
}

}  // namespace ndshare
