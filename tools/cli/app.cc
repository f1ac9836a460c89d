#include "tools/cli/app.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <ostream>

#include <CLI/CLI.hpp>

#include <poll.h>
#include <unistd.h>

#include <ndshare/error.h>
#include <ndshare/version.h>

#include "lib/base/text.h"
#include "tools/cli/application.h"
#include "tools/cli/completion.h"
#include "tools/cli/describe.h"
#include "tools/cli/manual.h"
#include "tools/cli/verb_doc.h"

namespace ndshare::cli {
namespace {

constexpr int kWrongUsage = 2;

/// The message for people; with --json also an object for programs. Both on the error stream, so that output stays
/// clean.
void report(Context& context, ErrorCode code, const std::string& message, const Error::Details& details = {}) {
  context.err << "ndshare: " << message << '\n';
  if (!context.json) return;
  Json more = Json::object();
  for (const auto& [key, value] : details) more[key] = value;
  print_json(
      context.err,
      {{"error",
        {{"code", error_name(code)}, {"number", static_cast<int>(code)}, {"message", message}, {"details", more}}}});
}

int wrong_usage(Context& context, const std::string& message) {
  report(context, ErrorCode::Usage, message);
  return kWrongUsage;
}

std::string command_usage(const Verb& verb) { return "ndshare " + std::string(verb.name) + " ... -- CMD..."; }

/// A verb's command is taken off before the option parser sees it: it would read its words as its own.
void split_command(std::vector<std::string>& words, std::size_t verb, Context& context) {
  if (!takes_command(*find_verb(words[verb]))) return;
  const auto mark = std::find(words.begin() + static_cast<std::ptrdiff_t>(verb), words.end(), "--");
  if (mark == words.end()) return;
  context.command.assign(mark + 1, words.end());
  words.erase(mark, words.end());
}

/// What is wrong with a word for --timeout; empty where nothing is. A "nan" would pass a check of a range.
std::string seconds_problem(const std::string& word) {
  double seconds = -1;
  const char* end = word.data() + word.size();
  const auto [at, error] = std::from_chars(word.data(), end, seconds);
  if (error == std::errc() && at == end && seconds >= 0) return {};
  return "takes seconds, as 5 or 0.5, not '" + internal::printable(word) + "'";
}

void add_globals(CLI::App& app, Context& context) {
  app.add_option("--store", context.store, "or USER:NAME; else NDSHARE_STORE, else \"default\"")
      ->type_name("NAME")
      ->take_last();
  app.add_flag("--json", context.json, "output for programs");
  app.add_option("--timeout", context.timeout_s, "longest wait in seconds")
      ->type_name("S")
      ->check(CLI::Validator(seconds_problem, ""))
      ->take_last()
      ->default_str("5");
}

/// Examples under each other; what one is for stands above it.
std::string footer(const Verb& verb) {
  std::string text;
  if (takes_command(verb)) text = "Words behind -- are the command: " + command_usage(verb) + "\n\n";
  text += "Examples:\n";
  for (const auto& example : examples_of(std::string(verb.name))) {
    if (!example.meaning.empty()) text += "  # " + example.meaning + "\n";
    text += "  " + example.command + "\n";
  }
  text += std::string("\nExit status: ") + exit_status_text(verb.name) + "\n\n";
  return text + "Every verb also takes --store NAME, --json and --timeout S.";
}

int unknown_verb(const std::string& word, Context& context) {
  const auto near = nearest_verb(word);
  return wrong_usage(context, "no verb '" + internal::printable(word) + "'" +
                                  (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?") +
                                  " (ndshare --help lists them)");
}

/// Reads the words into the verbs' flags. The exit status where that is all there is to do: help was asked for, or they
/// are wrong.
std::optional<int> parse(Application& application, std::vector<std::string> words, Context& context) {
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    application.app.parse(std::move(words));
    return std::nullopt;
  } catch (const CLI::Success&) {
    const auto chosen = application.app.get_subcommands();
    context.out << (chosen.empty() ? application.app.help() : chosen.front()->help("ndshare"));
    context.out.flush();
    return 0;
  } catch (const CLI::ParseError& error) {
    const auto chosen = application.app.get_subcommands();
    if (chosen.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
      return wrong_usage(context, "no verb given (ndshare --help lists them)");
    const auto* verb = chosen.empty() ? nullptr : find_verb(chosen.front()->get_name());
    if (verb != nullptr && takes_command(*verb) && context.command.empty() &&
        dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
      return wrong_usage(context, std::string(verb->name) + ": write the command behind '--': " + command_usage(*verb));
    return wrong_usage(context, one_line(error.what()) + " (ndshare " +
                                    (chosen.empty() ? "" : chosen.front()->get_name() + " ") + "--help)");
  }
}

/// Whether standard output is a pipe or socket that nobody reads any more (`ndshare ls | head -1`).
bool reader_is_gone() {
  pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/// Runs `logic`; what it throws becomes a message and an exit status.
int guarded(Context& context, const std::function<int()>& logic) {
  try {
    const int status = logic();
    context.out.flush();
    // Who closes a pipe has read enough: no error, and no words about it.
    if (context.out.good() || reader_is_gone()) return status;
    report(context, ErrorCode::Io, "standard output cannot be written");
    return error_exit_status(ErrorCode::Io);
  } catch (const Error& error) {
    context.out.flush();
    if (error.detail("file") == "<stdout>" && reader_is_gone()) return 0;
    report(context, error.code(), error.message(), error.details());
    return error_exit_status(error.code());
  } catch (const std::bad_alloc&) {
    report(context, ErrorCode::Memory, "this process has no memory left");
    return error_exit_status(ErrorCode::Memory);
  } catch (const std::exception& error) {
    report(context, ErrorCode::Internal, std::string(error.what()) + " (please report it)");
    return error_exit_status(ErrorCode::Internal);
  }
}

/// `ndshare help --man DIR`.
int write_manuals(const std::vector<std::string>& words, Context& context) {
  if (words.size() != 2) return wrong_usage(context, "help --man takes the folder to write manual pages to");
  return guarded(context, [&] {
    write_manual_pages(words[1], context);
    return 0;
  });
}

int execute(Application& application, Context& context) {
  const auto chosen = application.app.get_subcommands();
  return guarded(context, [&] { return application.logic.at(chosen.front())(context); });
}

}  // namespace

std::size_t verb_position(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--store" || words[i] == "--timeout") {
      ++i;
    } else if (words[i].empty() || words[i][0] != '-') {
      return i;
    }
  }
  return words.size();
}

const Verb* find_verb(std::string_view word) {
  const auto found = std::find_if(verbs().begin(), verbs().end(), [&](const Verb& verb) { return verb.name == word; });
  return found == verbs().end() ? nullptr : &*found;
}

bool takes_command(const Verb& verb) { return verb.example.find(" -- ") != std::string_view::npos; }

Application::Application(Context& context) {
  app.require_subcommand(1);
  const auto formatter = app.get_formatter();  // the verbs inherit it
  formatter->column_width(24);
  formatter->label("SUBCOMMAND", "VERB");
  formatter->label("Positionals", "Words");
  formatter->label("REQUIRED", "");
  app.fallthrough();  // global options may stand behind the verb
  add_globals(app, context);
  app.footer(
      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no such store or array, 4 timeout.\n"
      "ndshare VERB --help shows a verb's options and examples, man ndshare all of them.");
  for (const auto& verb : verbs()) {
    auto* sub = app.add_subcommand(std::string(verb.name), std::string(verb.summary));
    sub->group("Verbs");
    sub->footer(footer(verb));
    Flags flags(*sub);
    logic.emplace(sub, verb.setup(flags));
  }
}

int run_cli(std::vector<std::string> words, Context& context) {
  if (!words.empty() && words.front() == "__complete") {
    words.erase(words.begin());
    return complete(std::move(words), context);
  }
  Application application(context);
  if (words.empty()) {
    context.err << application.app.help();
    return kWrongUsage;
  }
  // So that the errors of the option parser itself obey it.
  const auto own_end = std::find(words.begin(), words.end(), "--");
  context.json = std::find(words.begin(), own_end, "--json") != own_end;
  if (words == std::vector<std::string>{"--version"}) words = {"version"};
  auto position = verb_position(words);
  if (position < words.size() && words[position] == "help") {  // "help put" is "put --help"
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(position));
    if (position < words.size() && words[position] == "--man") {
      return write_manuals({words.begin() + static_cast<std::ptrdiff_t>(position), words.end()}, context);
    }
    const auto at = position + (position < words.size() ? 1 : 0);
    words.insert(words.begin() + static_cast<std::ptrdiff_t>(at), "--help");
    position = verb_position(words);
  }
  if (position < words.size()) {
    if (find_verb(words[position]) == nullptr) return unknown_verb(words[position], context);
    split_command(words, position, context);
  }
  const auto ended = parse(application, std::move(words), context);
  return ended ? *ended : execute(application, context);
}

}  // namespace ndshare::cli
