#include "tools/cli/formula.h"

#include <algorithm>
#include <ostream>

#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/print.h>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/reader.h"
#include "tools/cli/table.h"

namespace ndshare::cli {
namespace {

/// Names that were meant where "market" stands for `market/prices`: they go on with what is no part of an identifier.
std::string longer_names(const Store& store, const std::string& name) {
  constexpr std::size_t kMost = 3;
  std::string out;
  std::size_t count = 0;
  for (const auto& info : store.list(name + "?*")) {
    const char next = info.name[name.size()];
    const bool goes_on =
        (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || (next >= '0' && next <= '9') || next == '_';
    if (goes_on || ++count > kMost) continue;
    out += (out.empty() ? "" : ", ") + ("`" + info.name + "`");
  }
  return out;
}

}  // namespace

SharedArray open_named(const Store& store, const std::string& name) {
  try {
    return store.open(name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NoSuchArray) throw;
    const std::string longer = longer_names(store, name);
    if (longer.empty()) throw;
    throw Error(ErrorCode::NoSuchArray, "no array '" + name + "'; names like " + longer + " are written in backquotes",
                error.details());
  }
}

Claims::Claims(Store& store, const std::vector<std::string>& read, const Timeout& timeout,
               const std::optional<Changed>& changed) {
  std::vector<LockItem> items;
  if (changed) {
    by_name_[changed->array.name()] = 0;
    items.push_back({changed->array, LockMode::update, changed->rows, changed->overwrite});
  }
  for (const std::string& name : read) {
    // Two claims on one array would be a second wish behind whoever waits for the first.
    if (!by_name_.emplace(name, items.size()).second) continue;
    items.push_back({open_named(store, name), LockMode::read, {}, false});
  }
  guards_ = store.lock(items, timeout);
}

Expression::Resolve Claims::resolver() const {
  return [this](const std::string& name) {
    return std::visit([](const auto& guard) { return guard.array(); }, guards_[by_name_.at(name)]);
  };
}

Array Claims::changed() const { return std::get<UpdateGuard>(guards_[0]).array(); }
void Claims::commit() { std::get<UpdateGuard>(guards_[0]).commit(); }

Expression only_expression(const std::string& text, std::string_view verb) {
  auto statements = parse(text);
  if (statements.size() == 1 && statements[0].target.empty()) return statements[0].value;
  throw Error(ErrorCode::Usage, std::string(verb) + " takes one expression, without '=': ndshare eval assigns");
}

Array compute(Store& store, const Expression& expression, Context& context) {
  // A part of an array is looked at as `show` does: pinned, so that a reader who takes his time keeps nobody waiting.
  if (expression.is_part())
    return expression.evaluate(
        [&](const std::string& name) { return open_named(store, name).view({.timeout = context.timeout()}); });
  const Claims claims(store, expression.names(), context.timeout());
  Array value = expression.evaluate(claims.resolver());
  for (const std::string& name : expression.names()) {
    if (may_share_memory(value, claims.resolver()(name))) return value.copy();
  }
  return value;
}

void refuse_sealed(const std::string& name) {
  throw Error(ErrorCode::Sealed,
              "'" + internal::printable(name) + "' is sealed, it never changes again: choose another name",
              {{"array", name}});
}

void keep(Store& store, const std::string& name, const DType& dtype, const Shape& shape, bool replace, Context& context,
          const std::function<void(const Array&)>& put) {
  if (replace && contains(store, name) && store.open(name).sealed()) refuse_sealed(name);
  SharedArray array =
      store.create(name, dtype, shape, {.fill = Fill::empty, .replace = replace, .timeout = context.timeout()});
  auto guard = array.write({.timeout = context.timeout(), .overwrite = true});
  try {
    put(guard.array());
  } catch (...) {
    guard.abandon();  // nobody has seen it, and nobody will
    throw;
  }
  guard.release();
}

void keep(Store& store, const std::string& name, const Array& value, bool replace, Context& context) {
  keep(store, name, value.dtype(), value.shape(), replace, context, [&](const Array& out) { copyto(out, value); });
}

void Into::declare(Flags& flags, const std::string& help) {
  flags.text(name, "--into", help);
  flags.flag(replace, "--replace", "take that name over from the array that has it");
}
void Into::put(Store& store, const Array& rows, Context& context) const {
  name.empty() ? print_rows(rows, context) : keep(store, name, rows, replace, context);
}

std::vector<std::string> comma_words(const std::string& text, std::string_view flag) {
  std::vector<std::string> out;
  std::size_t from = 0;
  while (from <= text.size()) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    out.push_back(text.substr(from, comma - from));
    if (out.back().empty()) throw Error(ErrorCode::Usage, std::string(flag) + " takes names with commas between them: a,b");
    from = comma + 1;
  }
  return out;
}

void print_rows(const Array& rows, Context& context) {
  std::vector<std::string> names;
  std::vector<Column> columns;
  for (const auto& field : rows.dtype().fields()) {
    names.push_back(field.name);
    columns.push_back({field.name, field.dtype.is_numeric()});
  }
  Json objects = Json::array();
  Table table(columns);
  for (std::int64_t row = 0; row < rows.shape()[0]; ++row) {
    Json object = Json::object();
    std::vector<std::string> cells;
    for (const std::string& name : names) {
      const Array cell = rows(row)[name];
      if (context.json) object[name] = to_json_values(cell);
      if (!context.json) cells.push_back(cell.ndim() == 0 ? element_to_string(cell, {}) : to_string(cell));
    }
    context.json ? objects.push_back(std::move(object)) : table.add(std::move(cells));
  }
  context.json ? print_json(context.out, objects) : table.print(context.out, context.width);
}

void print_value(const Array& value, Context& context) {
  if (context.json) {
    print_json(context.out, {{"dtype", value.dtype().to_string()},
                             {"shape", std::vector<std::int64_t>(value.shape().begin(), value.shape().end())},
                             {"values", to_json_values(value)}});
  } else {
    context.out << to_string(value) << '\n';
  }
}

}  // namespace ndshare::cli
