// nd::plan: what an expression would take.
#include <ndshare/error.h>
#include <ndshare/lazy.h>

#include "lib/base/text.h"
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

void add_copies(Plan& plan, const Program& program) {
  for (const internal::Step* step : program.casts_of_leaves()) {
    const DType from(step->loop), to(program.type(step->result));
    const std::int64_t bytes = bytes_of(program.shape(step->in[0]), to.itemsize());
    plan.copies.push_back({to.itemsize() > from.itemsize() ? CopyReason::upcast : CopyReason::downcast, bytes,
                           "an operand of shape " + program.shape(step->in[0]).str() + ", " + from.name() + " to " + to.name()});
  }
  for (const Array& leaf : program.leaves()) {
    if (leaf.is_c_contiguous() || leaf.size() <= 1) continue;
    bool stretched = false;
    for (const std::int64_t stride : leaf.strides()) stretched = stretched || stride == 0;
    if (stretched) continue;
    plan.copies.push_back({CopyReason::strided, bytes_of(leaf.shape(), leaf.itemsize()),
                           "an operand of shape " + leaf.shape().str() + " with strides " + leaf.strides().str()});
  }
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
    plan.temporaries = static_cast<std::int64_t>(internal::Evaluation(program, value, plan.shape).scratch_bytes());
  } catch (const Error& error) {
    if (error.code() != Error::MemoryGuard) throw;
    plan.refusal = error.what();
  }
  add_copies(plan, program);
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
