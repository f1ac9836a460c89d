/// Expressions over stored arrays: what `eval`, `plan` and `audit` share.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ndshare/parse.h>
#include <ndshare/store.h>

#include "tools/cli/verb.h"

namespace ndshare::cli {

/// The arrays of one statement, claimed in one call: those that it reads under read guards, the one that it changes, if
/// any, under an update guard. An array that it changes and reads is read through that guard, which then has all rows:
/// in one state, and without a second claim.
class Claims {
 public:
  struct Changed {
    SharedArray array;
    Rows rows{};
    bool overwrite = false;
  };
  /// Errors: NoSuchArray, with names that are near; as Store::lock().
  Claims(Store& store, const std::vector<std::string>& read, const Timeout& timeout,
         const std::optional<Changed>& changed = {});

  /// For Expression::evaluate. The arrays keep their claims.
  [[nodiscard]] Expression::Resolve resolver() const;
  /// The claimed rows of the changed array, writable.
  [[nodiscard]] Array changed() const;
  /// Publishes them.   REQUIRES: no array of changed() or the resolver lives.
  void commit();

 private:
  std::vector<Guard> guards_;
  std::map<std::string, std::size_t> by_name_;  // of guards_
};

/// As Store::open(); where there is none, the message has names in backquotes that begin like it.
[[nodiscard]] SharedArray open_named(const Store& store, const std::string& name);

/// The one expression that a word of the command line is.   Errors: Usage for assignments, and several.
[[nodiscard]] Expression only_expression(const std::string& text, std::string_view verb);

/// Computes it under claims that end before this returns; what it gives is no one else's memory.
[[nodiscard]] Array compute(Store& store, const Expression& expression, Context& context);

/// A value as `show` prints it.
void print_value(const Array& value, Context& context);
/// Rows of a structured array as a table, a column a field; with --json a list of objects.
void print_rows(const Array& rows, Context& context);

/// Makes an array of what `put` writes into it: nobody sees it half made. With `replace` it takes the name over, and who holds the
/// old one keeps that.   Errors: Sealed, NameTaken; what `put` throws.
void keep(Store& store, const std::string& name, const DType& dtype, const Shape& shape, bool replace, Context& context,
          const std::function<void(const Array&)>& put);
/// Likewise, of a value.
void keep(Store& store, const std::string& name, const Array& value, bool replace, Context& context);
/// Where the result of a verb goes: kept under a name, or printed.
struct Into {
  std::string name{};
  bool replace = false;

  void declare(Flags& flags, const std::string& help);  ///< --into and --replace
  [[nodiscard]] Role role() const { return name.empty() ? Role::read_only : Role::read_write; }
  void put(Store& store, const Array& rows, Context& context) const;
};
[[noreturn]] void refuse_sealed(const std::string& name);

/// "a,b" as a, b.   Errors: Usage, naming the flag, for nothing between commas.
[[nodiscard]] std::vector<std::string> comma_words(const std::string& text, std::string_view flag);

}  // namespace ndshare::cli
