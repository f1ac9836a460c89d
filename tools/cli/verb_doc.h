/// What the command line knows of itself: for manual pages and completion.
#pragma once

#include <string>
#include <vector>

namespace ndshare::cli {

struct OptionDoc {
  std::string name;                  ///< "--dtype", or "NAME" of a word by position
  std::string value;                 ///< "DTYPE"; empty for a flag
  std::vector<std::string> choices;  ///< where only these values are taken
  std::string help;
};

struct ExampleDoc {
  std::string command, meaning;
};

struct VerbDoc {
  std::string name, summary;
  bool takes_command = false;
  std::vector<OptionDoc> words, options;
  std::vector<ExampleDoc> examples;
};

struct CliDoc {
  std::vector<OptionDoc> options;    ///< that every verb takes
  std::vector<VerbDoc> verbs;
};

/// Examples of a verb: that of verb_list.inc and those of example_list.inc.
[[nodiscard]] std::vector<ExampleDoc> examples_of(const std::string& verb);

/// Read from the option parser itself (app.cc).
[[nodiscard]] CliDoc describe_cli();

}  // namespace ndshare::cli
