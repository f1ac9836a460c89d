// join_by: the plan of the result, and its rows written. Pairs are found in join_pairs.*.
#include <ndshare/error.h>
#include <ndshare/table.h>

#include "lib/array/copies.h"
#include "lib/base/text.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/table/gather_rows.h"
#include "lib/table/join_pairs.h"
#include "lib/table/row_keys.h"
#include "lib/table/table.h"

#include <algorithm>

namespace ndshare {
namespace internal {
namespace {

void check_keys(const Array& left, const Array& right, std::span<const std::string> on) {
  for (const std::string& name : on) {
    const Field &a = left.dtype().field(name), &b = right.dtype().field(name);
    if (a.dtype == b.dtype && a.shape == b.shape) continue;
    const auto text = [](const Field& field) {
      return field.dtype.to_string() + (field.shape.empty() ? "" : field.shape.str());
    };
    throw Error(Error::DtypeMismatch,
                "join_by: key '" + printable(name) + "' is " + text(a) + " in the left table and " + text(b) +
                    " in the right: convert one of them first, values of different dtypes are not compared",
                {{"field", name}, {"left", text(a)}, {"right", text(b)}});
  }
}

/// The result's fields, and which of the tables' fields each one is.
struct Plan {
  struct Part {
    const Field* from;
    std::size_t to;
  };
  DType dtype{};
  std::vector<Part> keys{}, right_keys{}, left{}, right{};
};

Plan make_plan(const Array& left, const Array& right, std::span<const std::string> on, const JoinOptions& options) {
  Plan plan;
  std::vector<Field> fields;
  for (const std::string& name : on) {
    plan.keys.push_back({&left.dtype().field(name), fields.size()});
    plan.right_keys.push_back({&right.dtype().field(name), fields.size()});
    fields.push_back(placed_anew(left.dtype().field(name), name));
  }
  const auto add = [&](const Array& table, const Array& other, const std::string& suffix,
                       std::vector<Plan::Part>& parts) {
    for (const Field& field : table.dtype().fields()) {
      if (std::find(on.begin(), on.end(), field.name) != on.end()) continue;
      parts.push_back({&field, fields.size()});
      fields.push_back(
          placed_anew(field, other.dtype().find_field(field.name) == nullptr ? field.name : field.name + suffix));
    }
  };
  add(left, right, options.left_suffix, plan.left);
  add(right, left, options.right_suffix, plan.right);
  plan.dtype = DType::structured(std::move(fields));
  return plan;
}

/// A row of the result in which every value is missing.
std::vector<std::byte> missing_row(const DType& dtype, std::span<const std::string> on, const JoinOptions& options) {
  std::vector<std::byte> row(static_cast<std::size_t>(dtype.itemsize()));
  for (const Field& field : dtype.fields()) store_missing(row.data(), field);
  for (const auto& [name, value] : options.fill) {
    const Field& field = dtype.field(name);
    if (std::find(on.begin(), on.end(), name) != on.end()) {
      throw Error(Error::Usage, "join_by: fill for key '" + printable(name) + "': keys are never missing",
                  {{"field", name}});
    }
    store_missing(row.data(), field, value);
  }
  return row;
}

/// Writes pairs as rows of the result.
class PairWriter {
 public:
  PairWriter(const Array& left, const Array& right, const Plan& plan, const std::vector<std::byte>& missing,
         const Array& out)
      : left_(left, missing.data()),
        right_(right, missing.data()),
        late_left_(left, missing.data()),
        late_right_(right, missing.data()),
        to_(out.mutable_data()),
        step_(out.itemsize()) {
    const auto fields = plan.dtype.fields();
    const auto add = [&](RowSource& source, std::span<const Plan::Part> parts) {
      for (const Plan::Part& part : parts) source.add(*part.from, fields[part.to]);
    };
    add(left_, plan.keys), add(left_, plan.left), add(right_, plan.right);
    add(late_left_, plan.left), add(late_right_, plan.right_keys), add(late_right_, plan.right);
  }
  /// Pairs with a left row.
  void pairs(std::int64_t first, const std::int64_t* left, const std::int64_t* right, std::size_t n) const noexcept {
    left_.gather(left, n, to_ + first * step_, step_);
    right_.gather(right, n, to_ + first * step_, step_);
  }
  /// Right rows without a partner: their keys are in the right table.
  void lone(std::int64_t first, const std::int64_t* absent, const std::int64_t* right, std::size_t n) const noexcept {
    late_left_.gather(absent, n, to_ + first * step_, step_);
    late_right_.gather(right, n, to_ + first * step_, step_);
  }

 private:
  RowSource left_, right_, late_left_, late_right_;
  std::byte* to_;
  std::int64_t step_;
};

Array joined_rows(const Array& left, const Array& right, const std::vector<std::string>& on, const JoinOptions& options) {
  check_table("join_by", left);
  check_table("join_by", right);
  check_threads(options.threads);
  check_keys(left, right, on);
  const RowKeys left_keys("join_by", "left table", left, on), right_keys("join_by", "right table", right, on);
  const Plan plan = make_plan(left, right, on, options);
  const std::vector<std::byte> missing = missing_row(plan.dtype, on, options);
  const JoinPairs pairs(left_keys, right_keys, options.how, options.threads);
  const Array operands[] = {left, right};
  check_result_memory("join_by", {pairs.size()}, plan.dtype.itemsize(), operands);
  note_copy(CopyReason::joined, pairs.size() * plan.dtype.itemsize());
  const Array out = make_table({pairs.size()}, plan.dtype);
  const PairWriter writer(left, right, plan, missing, out);
  pairs.each([&](std::int64_t first, const std::int64_t* from_left, const std::int64_t* from_right,
                 std::size_t n) { writer.pairs(first, from_left, from_right, n); },
             [&](std::int64_t first, const std::int64_t* absent, const std::int64_t* from_right, std::size_t n) {
               writer.lone(first, absent, from_right, n);
             });
  return out;
}

}  // namespace
}  // namespace internal

Array join_by(const Array& left, const Array& right, const std::vector<std::string>& on, const JoinOptions& options) {
  return internal::with_scratch("join_by", [&] { return internal::joined_rows(left, right, on, options); });
}

}  // namespace ndshare
