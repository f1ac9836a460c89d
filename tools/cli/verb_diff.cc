// ndshare diff: whether two arrays are equal, and where they are not. Exit status as diff(1): 0 equal, 1 different.
#include <memory>
#include <ostream>

#include "lib/base/text.h"
#include "tools/cli/color.h"
#include "tools/cli/difference.h"
#include "tools/cli/reader.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct DiffFlags {
  std::string a, b;
  std::uint32_t limit = 10;
  bool quiet = false;
};

std::string index_text(const std::vector<std::int64_t>& index) {
  std::string text;
  for (const auto at : index) text += (text.empty() ? "" : ", ") + std::to_string(at);
  return "[" + (index.empty() ? "()" : text) + "]";
}

std::string outline(const Array& array) {
  return array.shape().str() + " of " + one_line(compact_dtype(array.dtype()));
}

Json side_json(const std::string& name, const Array& array) {
  return {{"name", name},
          {"dtype", array.dtype().to_string()},
          {"shape", std::vector<std::int64_t>(array.shape().begin(), array.shape().end())}};
}

Json report_json(const DiffFlags& flags, const Array& a, const Array& b, const Difference& found, bool equal) {
  Json first = Json::array();
  for (const auto& one : found.first) first.push_back({{"index", one.index}, {"a", one.a}, {"b", one.b}});
  return {{"equal", equal},
          {"a", side_json(flags.a, a)},
          {"b", side_json(flags.b, b)},
          {"same_dtype", a.dtype() == b.dtype()},
          {"same_shape", a.shape() == b.shape()},
          {"elements", found.elements},
          {"differing", found.comparable ? Json(found.differing) : Json(nullptr)},
          {"max_abs_difference", found.max_abs},
          {"first", first}};
}

void print_text(const DiffFlags& flags, const Array& a, const Array& b, const Difference& found, Context& context) {
  if (!(a.shape() == b.shape()) || !(a.dtype() == b.dtype())) {
    context.out << paint(context, Color::red, "- " + one_line(flags.a) + ": " + outline(a)) << '\n'
                << paint(context, Color::green, "+ " + one_line(flags.b) + ": " + outline(b)) << '\n';
  }
  if (!found.comparable) return;
  context.out << internal::format_count(static_cast<std::uint64_t>(found.differing)) << " of "
              << internal::format_count(static_cast<std::uint64_t>(found.elements)) << " elements differ";
  if (!found.max_abs.is_null() && found.differing != 0)
    context.out << ", by at most "
                << (found.max_abs.is_string() ? found.max_abs.get<std::string>() : found.max_abs.dump());
  context.out << '\n';
  for (const auto& one : found.first) {
    context.out << "@ " << index_text(one.index) << '\n'
                << paint(context, Color::red, "- " + one_line(one.a)) << '\n'
                << paint(context, Color::green, "+ " + one_line(one.b)) << '\n';
  }
  if (static_cast<std::size_t>(found.differing) > found.first.size())
    context.out << "(" << found.first.size() << " of " << found.differing << " differences: --limit)\n";
}

int diff(const DiffFlags& flags, Context& context) {
  const Reader reader(context);
  const Array a = reader.array(flags.a), b = reader.array(flags.b);
  const auto found = compare(a, b, flags.quiet ? 0 : flags.limit);
  const bool equal = found.comparable && found.differing == 0 && a.dtype() == b.dtype();
  if (context.json) {
    print_json(context.out, report_json(flags, a, b, found, equal));
  } else if (!flags.quiet && !equal) {
    print_text(flags, a, b, found, context);
  }
  return equal ? 0 : 1;
}

}  // namespace

Logic setup_diff(Flags& flags) {
  auto chosen = std::make_shared<DiffFlags>();
  flags.word(chosen->a, "A", "'a', 'a[0:10, ::2]', 'a.field[-1]'");
  flags.word(chosen->b, "B", "likewise");
  flags.number(chosen->limit, "--limit", "so many differences at most (10)");
  flags.flag(chosen->quiet, "--quiet", "print nothing: the exit status tells");
  return [chosen](Context& context) { return diff(*chosen, context); };
}

}  // namespace ndshare::cli
