#include "tools/cli/verb_doc.h"

#include <sstream>

#include <CLI/CLI.hpp>

#include "tools/cli/app.h"
#include "tools/cli/application.h"

namespace ndshare::cli {
namespace {

/// CLI11 writes an option's type as "FORMAT:{npy,npz,csv}".
OptionDoc option_doc(const CLI::Option& option) {
  OptionDoc doc;
  doc.name = option.get_positional() ? option.get_name(true) : "--" + option.get_lnames().front();
  doc.help = option.get_description();
  if (option.get_items_expected_max() == 0) return doc;
  const auto type = option.get_type_name();
  const auto brace = type.find(":{");
  doc.value = type.substr(0, type.find(':'));
  if (brace == std::string::npos) return doc;
  std::istringstream list(type.substr(brace + 2, type.size() - brace - 3));
  for (std::string choice; std::getline(list, choice, ',');) doc.choices.push_back(choice);
  return doc;
}

void describe_options(const CLI::App& app, std::vector<OptionDoc>& options, std::vector<OptionDoc>* words) {
  for (const auto* option : app.get_options()) {
    if (option->get_positional() && words != nullptr) {
      words->push_back(option_doc(*option));
    } else if (!option->get_lnames().empty()) {
      options.push_back(option_doc(*option));
    }
  }
}

}  // namespace

std::vector<ExampleDoc> examples_of(const std::string& verb) {
  std::vector<ExampleDoc> out;
  for (const auto& one : verbs()) {
    if (one.name == verb) out.push_back({std::string(one.example), {}});
  }
#define NDSHARE_EXAMPLE(name, command, meaning) \
  if (verb == #name) out.push_back({command, meaning});
#include "tools/cli/example_list.inc"
#undef NDSHARE_EXAMPLE
  return out;
}

CliDoc describe_cli() {
  std::ostringstream nowhere;
  Context context{.out = nowhere, .err = nowhere, .store = {}, .command = {}};
  const Application application(context);
  CliDoc doc;
  describe_options(application.app, doc.options, nullptr);
  for (const auto* sub : application.app.get_subcommands(nullptr)) {
    VerbDoc verb;
    verb.name = sub->get_name();
    verb.summary = sub->get_description();
    verb.examples = examples_of(verb.name);
    verb.takes_command = takes_command(*find_verb(verb.name));
    describe_options(*sub, verb.options, &verb.words);
    doc.verbs.push_back(std::move(verb));
  }
  return doc;
}

}  // namespace ndshare::cli
