/// What every verb is given, and what it is made of: setup_<id>() declares flags and returns the logic.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include <ndshare/store.h>

#include "tools/cli/flags.h"

namespace ndshare::cli {

/// The options that every verb takes, the words after "--", and where output goes.
struct Context {
  std::ostream& out;      ///< results
  std::ostream& err;      ///< notes and errors
  int width = 0;          ///< columns that tables may take; 0: as many as they need
  bool progress = false;  ///< err is a terminal
  bool color = false;     ///< out is a terminal that may have colours
  std::string store;      ///< empty: NDSHARE_STORE, else "default"
  bool json = false;
  double timeout_s = 5;
  std::vector<std::string> command;  ///< behind "--", of the verbs that take one (run, lock)

  [[nodiscard]] std::chrono::nanoseconds timeout() const;
  /// Connects with this context's store and timeout.
  [[nodiscard]] Store connect(Role role = Role::read_write) const;
};

/// What a verb does; returns the exit status, errors are thrown.
using Logic = std::function<int(Context&)>;

#define NDSHARE_VERB(id, summary, example) Logic setup_##id(Flags& flags);
#include "tools/cli/verb_list.inc"
#undef NDSHARE_VERB

struct Verb {
  std::string_view name, summary, example;
  Logic (*setup)(Flags&);
};

/// The list of verbs, in its order.
[[nodiscard]] const std::vector<Verb>& verbs();
/// The verb nearest to a misspelt one; empty where none is near.
[[nodiscard]] std::string_view nearest_verb(std::string_view word);

/// Reads "64M", "1.5G" (1024 each).   Errors: Format, naming the flag; an empty text is 0.
[[nodiscard]] std::uint64_t parse_size(std::string_view text, std::string_view flag);
/// As parse_size() for --capacity.   Errors: Usage for a capacity of nothing.
[[nodiscard]] std::uint64_t parse_capacity(std::string_view text);
/// Reads seconds, as "5" or "0.5".   Errors: Usage, naming the flag, for what is no number from 0 on.
[[nodiscard]] double parse_seconds(std::string_view text, std::string_view flag);
/// Reads "key=value" words.   Errors: Usage.
[[nodiscard]] Attrs parse_attrs(const std::vector<std::string>& words);

}  // namespace ndshare::cli
