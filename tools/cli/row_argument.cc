#include "tools/cli/row_argument.h"

#include <ndshare/error.h>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

[[noreturn]] void refuse(ErrorCode code, std::string_view text, const std::string& what) {
  throw Error(code, "'" + internal::printable(text) + "': " + what, {{"argument", std::string(text)}});
}

/// The one index that an argument may have.
const Index& only_index(const ArrayArgument& wanted, std::string_view text) {
  const auto* index = std::get_if<std::vector<Index>>(&wanted.steps.front());
  if (index == nullptr)
    refuse(ErrorCode::IndexSyntax, text, "claims are on whole rows, a field has none of its own; write NAME[10:20]");
  if (wanted.steps.size() > 1 || index->size() != 1)
    refuse(ErrorCode::IndexSyntax, text, "claims are on whole rows: one range on the first axis, as in NAME[10:20]");
  return index->front();
}

}  // namespace

Rows rows_of(const ArrayArgument& wanted, const Shape& shape, std::string_view text) {
  if (wanted.steps.empty()) return {};
  const auto& value = only_index(wanted, text).value();
  if (std::holds_alternative<EllipsisIndex>(value)) return {};
  if (std::holds_alternative<NewAxisIndex>(value))
    refuse(ErrorCode::IndexSyntax, text, "a new axis has no rows; write NAME[10:20]");
  if (shape.ndim() == 0)
    refuse(ErrorCode::IndexBounds, text, "an array without axes has one row; leave the index away");
  const std::int64_t length = shape[0];
  const std::string of_rows = " of its " + std::to_string(length) + " rows";
  if (const auto* position = std::get_if<std::int64_t>(&value)) {
    const std::int64_t row = *position < 0 ? *position + length : *position;
    if (row < 0 || row >= length)
      refuse(ErrorCode::IndexBounds, text, std::to_string(*position) + " is none" + of_rows);
    return {row, row + 1};
  }
  const auto& range = std::get<Slice>(value);
  if (range.step.value_or(1) != 1)
    refuse(ErrorCode::IndexSyntax, text, "rows of a claim follow each other; leave the step away");
  const auto found = resolve_slice(range, length);
  const bool to_the_end = !range.stop.has_value();
  if (found.count == 0 && !(to_the_end && found.start == 0))
    refuse(ErrorCode::IndexBounds, text, "names none" + of_rows);
  return {found.start, to_the_end ? -1 : found.start + found.count};
}

}  // namespace ndshare::cli
