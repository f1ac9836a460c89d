#include "tools/cli/array_argument.h"

#include <optional>

#include <ndshare/error.h>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

/// Reads the steps behind a name, left to right.
class StepParser {
 public:
  StepParser(std::string_view text, std::size_t start) : text_(text), at_(start) {}

  std::vector<Step> parse() {
    std::vector<Step> steps;
    while (at_ < text_.size()) {
      if (text_[at_] == '.') {
        steps.push_back(dotted_field());
      } else if (text_[at_] == '[') {
        steps.push_back(bracket());
      } else {
        fail("'.' or '[' expected");
      }
    }
    return steps;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::IndexSyntax,
                "in '" + internal::printable(text_) + "', at character " + std::to_string(at_ + 1) + ": " + what +
                    "; write NAME[0:10], NAME.field or NAME[\"field\"]",
                {{"position", std::to_string(at_)}});
  }

  Step dotted_field() {
    const auto start = ++at_;
    while (at_ < text_.size() && text_[at_] != '.' && text_[at_] != '[') ++at_;
    if (at_ == start) fail("a field name expected after '.'");
    return std::string(text_.substr(start, at_ - start));
  }

  Step bracket() {
    const auto inside = text_.find_first_not_of(' ', at_ + 1);
    if (inside == std::string_view::npos) fail("']' expected");
    const char first = text_[inside];
    if (first == '"' || first == '\'') {
      at_ = inside;
      std::string field = quoted();
      close();
      return field;
    }
    if (first == '[') return field_list(inside + 1);
    const auto end = text_.find(']', inside);
    if (end == std::string_view::npos) fail("']' expected");
    const auto body = text_.substr(at_ + 1, end - at_ - 1);
    if (body.find_first_not_of(' ') == std::string_view::npos) fail("an index expected between '[' and ']'");
    auto index = parse_index(body);
    at_ = end + 1;
    return index;
  }

  Step field_list(std::size_t start) {
    std::vector<std::string> fields;
    at_ = start;
    do {
      skip_spaces();
      fields.push_back(quoted());
      skip_spaces();
    } while (take(','));
    close();
    close();
    return fields;
  }

  std::string quoted() {
    if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) fail("a quoted field name expected");
    const auto end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) fail("the quote is not closed");
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return result;
  }

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char wanted) {
    const bool there = at_ < text_.size() && text_[at_] == wanted;
    if (there) ++at_;
    return there;
  }
  void close() {
    skip_spaces();
    if (!take(']')) fail("']' expected");
  }

  std::string_view text_;
  std::size_t at_;
};

}  // namespace

ArrayArgument parse_array_argument(std::string_view text, const std::function<bool(const std::string&)>& exists) {
  const auto head_end = std::min(text.find('['), text.size());
  for (auto end = head_end; end > 0 && end != std::string_view::npos; end = text.rfind('.', end - 1)) {
    const std::string name(text.substr(0, end));
    if (exists(name)) return {name, StepParser(text, end).parse()};
    if (end == 1) break;
  }
  const std::string name(text.substr(0, head_end));
  internal::check_array_name(name);
  throw Error(ErrorCode::NoSuchArray,
              "no array named '" + internal::printable(name) + "'; ndshare ls shows what is there", {{"name", name}});
}

Array apply_steps(const Array& array, const std::vector<Step>& steps) {
  Array result = array;
  for (const auto& step : steps) {
    if (const auto* field = std::get_if<std::string>(&step)) {
      result = result[*field];
    } else if (const auto* fields = std::get_if<std::vector<std::string>>(&step)) {
      result = result.fields(*fields);
    } else {
      result = result.view(std::get<std::vector<Index>>(step));
    }
  }
  return result;
}

}  // namespace ndshare::cli
