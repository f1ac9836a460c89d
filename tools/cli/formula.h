/// Expressions over stored arrays: what `eval`, `plan` and `audit` share.
#pragma once

#include <map>
#include <string>

#include <ndshare/parse.h>
#include <ndshare/store.h>

#include "tools/cli/verb.h"

namespace ndshare::cli {

/// Arrays by name as pinned views: an expression sees one version of each, and blocks nobody.
class StoredNames {
 public:
  explicit StoredNames(const Store& store) : store_(store) {}
  Array find(const std::string& name);
  /// For Expression::evaluate.
  Expression::Resolve resolver() {
    return [this](const std::string& name) { return find(name); };
  }
  /// The next use of the name sees what it is then.
  void forget(const std::string& name) { seen_.erase(name); }

 private:
  const Store& store_;
  std::map<std::string, Array> seen_;
};

/// The one expression that a word of the command line is.   Errors: Usage for assignments, and several.
[[nodiscard]] Expression only_expression(const std::string& text, std::string_view verb);

/// A value as `show` prints it.
void print_value(const Array& value, Context& context);

}  // namespace ndshare::cli
