// The public face of expressions and statements.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/parse.h>
#include <ndshare/select.h>

#include "lib/exec/text_and_time.h"
#include "lib/expr/interpret.h"

#include <algorithm>

namespace ndshare {
namespace {

using internal::Interpreter;
using Node = internal::SyntaxNode;

void collect(const Node& node, std::vector<std::string>& names) {
  if (node.kind == Node::Kind::name && std::ranges::find(names, node.word) == names.end()) names.push_back(node.word);
  for (const auto& in : node.in) {
    if (in != nullptr) collect(*in, names);
  }
  for (const auto& [name, value] : node.named) collect(*value, names);
}

/// The fields and indices of a place, from the name on.
std::vector<const Node*> steps_of(const Node& place) {
  std::vector<const Node*> steps;
  for (const Node* node = &place; node->kind != Node::Kind::name; node = node->in[0].get()) steps.push_back(node);
  std::ranges::reverse(steps);
  return steps;
}

/// The index of rows: the first one, behind fields or not; null where there is none.
const Node* row_step(const std::vector<const Node*>& steps) {
  const auto found = std::ranges::find(steps, Node::Kind::index, &Node::kind);
  return found == steps.end() ? nullptr : *found;
}

/// What indices of the place read: everything below but the target itself.
std::vector<std::string> names_in_indices(const Node& place) {
  std::vector<std::string> names;
  for (const Node* step : steps_of(place)) {
    for (std::size_t i = 1; i < step->in.size(); ++i) collect(*step->in[i], names);
  }
  return names;
}

bool is_whole(const Node& entry) {
  if (entry.kind == Node::Kind::ellipsis) return true;
  return entry.kind == Node::Kind::slice &&
         std::ranges::all_of(entry.in, [](const Node::Ptr& part) { return part == nullptr; });
}

/// An entry that gives a view, as far as its text tells.
bool is_basic(const Node::Ptr& entry) {
  if (entry == nullptr) return true;
  switch (entry->kind) {
    case Node::Kind::slice:
    case Node::Kind::unary:
    case Node::Kind::binary:
    case Node::Kind::tuple:
      return std::ranges::all_of(entry->in, is_basic);
    case Node::Kind::number:
      return entry->number.kind() == 'i';
    case Node::Kind::list:  // of fields
      return !entry->in.empty() && entry->in[0]->kind == Node::Kind::text;
    default:
      return entry->kind == Node::Kind::ellipsis || entry->kind == Node::Kind::none || entry->kind == Node::Kind::text;
  }
}

/// An index of all rows as one of those from `first` on.
void shift(std::vector<Index>& index, std::int64_t first, std::int64_t length) {
  if (const auto* at = std::get_if<std::int64_t>(&index[0].value())) {
    index[0] = Index((*at < 0 ? *at + length : *at) - first);
  } else if (const auto* range = std::get_if<Slice>(&index[0].value())) {
    const SliceRange found = resolve_slice(*range, length);
    index[0] = Slice{found.start - first, found.start - first + found.count, std::nullopt};
  }
}

/// What is assigned.
struct Value {
  const Interpreter& interpreter;
  const Node& root;
  const internal::Result found;

  [[nodiscard]] Lazy lazy() const { return interpreter.to_lazy(found, root); }
  [[nodiscard]] Array array() const { return interpreter.to_array(found, root); }
};

/// x[mask] = e, x[positions] += e: with repeated positions the last one stands, as in NumPy.
void write_picked(const Array& part, const std::vector<Selector>& picks, const std::string& op, const Value& value) {
  if (!op.empty()) {
    const Array old = part.select(picks);
    return assign(part, picks, internal::apply_operator(op, Lazy(old), value.lazy()).eval());
  }
  if (const auto* number = std::get_if<Scalar>(&value.found)) return assign(part, picks, *number);
  if (const auto* text = std::get_if<std::string>(&value.found)) return assign(part, picks, internal::text_like(*text, part.dtype()));
  assign(part, picks, value.array());
}

void write_part(const Array& part, const std::string& op, const Value& value) {
  if (!op.empty()) {
    static_cast<void>(internal::apply_operator(op, value.interpreter.to_lazy(part, value.root), value.lazy()).eval({.out = part}));
  } else if (const auto* number = std::get_if<Scalar>(&value.found)) {
    fill(part, *number);
  } else if (const auto* text = std::get_if<std::string>(&value.found); text != nullptr && !part.dtype().is_numeric()) {
    fill(part, Scalar(*text));
  } else if (const auto* array = std::get_if<Array>(&value.found); array != nullptr && !part.dtype().is_numeric()) {
    copyto(part, *array);
  } else {
    const Lazy right = value.lazy();
    const Lazy fitting =
        right.shape() == part.shape() ? right : Lazy(value.array().broadcast_to(part.shape()));
    static_cast<void>(fitting.eval({.out = part}));
  }
}

}  // namespace

std::vector<std::string> Expression::names() const {
  std::vector<std::string> out;
  collect(*tree_->root, out);
  return out;
}

bool Expression::is_part() const noexcept {
  const Node* node = tree_->root.get();
  while (node->kind == Node::Kind::index || node->kind == Node::Kind::field) {
    if (node->kind == Node::Kind::index && !std::all_of(node->in.begin() + 1, node->in.end(), is_basic)) return false;
    node = node->in[0].get();
  }
  return node->kind == Node::Kind::name;
}

Array Expression::evaluate(const Resolve& resolve, const OpOptions& options) const {
  Interpreter interpreter(*tree_, resolve);
  const internal::Result value = interpreter.result();
  const auto* array = std::get_if<Array>(&value);
  if (array != nullptr && !options.out && !options.where) return *array;
  return interpreter.to_lazy(value, *tree_->root).eval(options);
}

std::variant<Array, Lazy> Expression::value(const Resolve& resolve) const {
  Interpreter interpreter(*tree_, resolve);
  const internal::Result value = interpreter.result();
  if (const auto* array = std::get_if<Array>(&value)) return *array;
  return interpreter.to_lazy(value, *tree_->root);
}

Lazy Expression::lazy(const Resolve& resolve) const {
  Interpreter interpreter(*tree_, resolve);
  return interpreter.to_lazy(interpreter.result(), *tree_->root);
}

Plan Expression::plan(const Resolve& resolve) const {
  std::vector<Plan> stages;
  Interpreter interpreter(*tree_, resolve, &stages);
  const internal::Result value = interpreter.result();
  Plan out;
  if (const auto* array = std::get_if<Array>(&value)) {  // stored, or what the last stage gives
    out = ndshare::plan(Lazy(0));
    out.shape = array->shape(), out.dtype = array->dtype(), out.nbytes = array->shape().nbytes(array->itemsize());
    out.temporaries = 0;
  } else {
    out = ndshare::plan(interpreter.to_lazy(value, *tree_->root));
  }
  std::int64_t between = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const bool last = i + 1 == stages.size() && std::holds_alternative<Array>(value);
    if (!last) between += stages[i].nbytes;
    out.operations += stages[i].operations;
    out.temporaries = std::max(out.temporaries, stages[i].temporaries);
    out.copies.insert(out.copies.end(), stages[i].copies.begin(), stages[i].copies.end());
    if (out.refusal.empty()) out.refusal = stages[i].refusal;
  }
  out.temporaries += between;
  return out;
}

std::vector<std::string> Statement::names() const {
  std::vector<std::string> out = value.names();
  if (!in_place) return out;
  for (std::string& name : names_in_indices(*place.tree_->root)) {
    if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
  }
  return out;
}

Statement::Touched Statement::touched(std::int64_t length) const {
  Touched out{0, length, false};
  const Node& root = *place.tree_->root;
  const auto read = names();
  const auto steps = steps_of(root);
  const bool fresh = op.empty() && std::ranges::find(read, target) == read.end();
  if (row_step(steps) == nullptr || !names_in_indices(root).empty()) return out;
  const Node& first = *row_step(steps);
  out.overwritten = fresh && steps.size() == 1 &&
                    std::all_of(first.in.begin() + 2, first.in.end(), [](const auto& in) { return is_whole(*in); });
  const Node& entry = *first.in[1];
  if (is_whole(entry)) return out;
  const bool rows_first = entry.kind == Node::Kind::slice || entry.kind == Node::Kind::number ||
                          entry.kind == Node::Kind::unary || entry.kind == Node::Kind::binary;
  const Expression::Resolve nothing = [](const std::string&) { return Array(); };
  const std::vector<Selector> entries =
      rows_first ? Interpreter(*place.tree_, nothing).entries(first) : std::vector<Selector>{};
  if (internal::picks_any(entries)) return {0, length, false};
  const std::vector<Index> index = internal::basic_index(entries);
  if (rows_first && !index.empty()) {
    if (const auto* at = std::get_if<std::int64_t>(&index[0].value())) {
      const std::int64_t row = *at < 0 ? *at + length : *at;
      if (row >= 0 && row < length) return {row, 1, out.overwritten};
    } else if (const auto* range = std::get_if<Slice>(&index[0].value())) {
      const SliceRange found = resolve_slice(*range, length);
      if (found.step == 1 && found.count > 0) return {found.start, found.count, out.overwritten};
    }
  }
  return {0, length, false};  // every other row, a new axis; or out of bounds, which write() tells
}

void Statement::write(const Array& rows, std::int64_t first, std::int64_t length,
                      const Expression::Resolve& resolve) const {
  Interpreter places(*place.tree_, resolve), values(*value.tree_, resolve);
  Array part = rows;
  std::vector<Selector> picks;  // the last step's, where it has masks or index arrays
  const auto steps = steps_of(*place.tree_->root);
  const bool some = rows.ndim() > 0 && rows.shape()[0] != length;
  for (const Node* step : steps) {
    if (!picks.empty()) {
      places.fail(*step, "masks and index arrays come last in what is assigned to: their elements are a copy (x.field[mask] = …)");
    }
    if (step->kind == Node::Kind::field) {
      part = part[step->word];
      continue;
    }
    auto entries = places.entries(*step);
    if (internal::picks_any(entries)) {
      picks = std::move(entries);
      continue;
    }
    auto index = internal::basic_index(entries);
    if (step == row_step(steps) && some) shift(index, first, length);
    part = part.view(index);
  }
  const Value what{values, *value.tree_->root, values.result()};
  picks.empty() ? write_part(part, op, what) : write_picked(part, picks, op, what);
}

}  // namespace ndshare
