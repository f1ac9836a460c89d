/// The option parser with every verb: what app.cc runs and verb_doc.cc reads.
#pragma once

#include <map>
#include <string_view>

#include <CLI/CLI.hpp>

#include "tools/cli/verb.h"

namespace ndshare::cli {

struct Application {
  CLI::App app{"Shared-memory arrays for many processes on one machine.", "ndshare"};
  std::map<const CLI::App*, Logic> logic;

  /// `context` is filled in by the parse, and must outlive this.
  explicit Application(Context& context);
};

/// Null where there is no verb of that name.
[[nodiscard]] const Verb* find_verb(std::string_view word);
/// Whether a verb takes a command behind "--": its example has one.
[[nodiscard]] bool takes_command(const Verb& verb);
/// Where the verb stands in the words: the first one that is neither an option nor an option's value; words.size() for none.
[[nodiscard]] std::size_t verb_position(const std::vector<std::string>& words);

}  // namespace ndshare::cli
