// The public face of expressions and statements.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/parse.h>

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

/// An index of all rows as one of those from `first` on.
void shift(std::vector<Index>& index, std::int64_t first, std::int64_t length) {
  if (const auto* at = std::get_if<std::int64_t>(&index[0].value())) {
    index[0] = Index((*at < 0 ? *at + length : *at) - first);
  } else if (const auto* range = std::get_if<Slice>(&index[0].value())) {
    const SliceRange found = resolve_slice(*range, length);
    index[0] = Slice{found.start - first, found.start - first + found.count, std::nullopt};
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
  while (node->kind == Node::Kind::index || node->kind == Node::Kind::field) node = node->in[0].get();
  return node->kind == Node::Kind::name;
}

Array Expression::evaluate(const Resolve& resolve, const OpOptions& options) const {
  Interpreter interpreter(*tree_, resolve);
  const internal::Result value = interpreter.result();
  const auto* array = std::get_if<Array>(&value);
  if (array != nullptr && !options.out && !options.where) return *array;
  return interpreter.to_lazy(value, *tree_->root).eval(options);
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
  const std::vector<Index> index =
      rows_first ? Interpreter(*place.tree_, nothing).entries(first) : std::vector<Index>{};
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
  const auto steps = steps_of(*place.tree_->root);
  const bool some = rows.ndim() > 0 && rows.shape()[0] != length;
  for (const Node* step : steps) {
    if (step->kind == Node::Kind::field) {
      part = part[step->word];
      continue;
    }
    auto index = places.entries(*step);
    if (step == row_step(steps) && some) shift(index, first, length);
    part = part.view(index);
  }
  const internal::Result found = values.result();
  const Node& root = *value.tree_->root;
  if (!op.empty()) {
    const Lazy right = values.to_lazy(found, root);
    static_cast<void>(
        internal::apply_operator(op, places.to_lazy(part, *place.tree_->root), right).eval({.out = part}));
  } else if (const auto* number = std::get_if<Scalar>(&found)) {
    fill(part, *number);
  } else if (const auto* text = std::get_if<std::string>(&found); text != nullptr && !part.dtype().is_numeric()) {
    fill(part, Scalar(*text));
  } else if (const auto* array = std::get_if<Array>(&found); array != nullptr && !part.dtype().is_numeric()) {
    copyto(part, *array);
  } else {
    const Lazy right = values.to_lazy(found, root);
    const Lazy fitting =
        right.shape() == part.shape() ? right : Lazy(values.to_array(found, root).broadcast_to(part.shape()));
    static_cast<void>(fitting.eval({.out = part}));
  }
}

}  // namespace ndshare
