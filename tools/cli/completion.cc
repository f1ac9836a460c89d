#include "tools/cli/completion.h"

#include <algorithm>
#include <ostream>
#include <set>

#include <ndshare/error.h>
#include <ndshare/telemetry.h>

#include "tools/cli/application.h"
#include "tools/cli/verb_doc.h"

namespace ndshare::cli {
namespace {

constexpr std::size_t kMostNames = 1000;
constexpr char kFiles[] = ":files";

constexpr std::string_view kBash = R"(# bash completion of ndshare: . <(ndshare completion bash)
_ndshare() {
  local line=${COMP_LINE:0:COMP_POINT} quote='' typed tail program=${COMP_WORDS[0]} breaks='' one
  local -a words found
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  typed=${words[${#words[@]}-1]}
  [[ $typed == [\"\']* ]] && quote=${typed:0:1} typed=${typed:1}
  words[${#words[@]}-1]=$typed
  [[ $program == "~/"* ]] && program=$HOME/${program:2}
  mapfile -t found < <("$program" __complete "${words[@]:1}" 2>/dev/null)
  COMPREPLY=()
  if [[ ${found[0]-} == :files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$typed")
    return
  fi
  # bash replaces only what stands behind the last of these, which names may have.
  for one in : = @; do [[ $COMP_WORDBREAKS == *"$one"* ]] && breaks+=$one; done
  tail=$typed
  [[ -n $breaks && -z $quote ]] && tail=${typed##*[$breaks]}
  for one in "${found[@]}"; do
    one=${one:$((${#typed} - ${#tail}))}
    [[ -z $quote && $one == *[[:space:]\$\&\(\)\;\<\>\|\#\!]* ]] && printf -v one %q "$one"
    COMPREPLY+=("$one")
  done
}
complete -F _ndshare ndshare
)";

constexpr std::string_view kZsh = R"(#compdef ndshare
# zsh completion of ndshare: source <(ndshare completion zsh), or as _ndshare in a folder of fpath
_ndshare() {
  local -a found
  found=("${(@f)$(command ndshare __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
  if [[ ${found[1]} == :files ]]; then
    _files
  elif [[ -n ${found[1]} ]]; then
    compadd -a found
  fi
}
if [[ ${funcstack[1]-} == _ndshare ]]; then
  _ndshare "$@"
else
  compdef _ndshare ndshare
fi
)";

constexpr std::string_view kFish = R"(# fish completion of ndshare: ndshare completion fish | source
function __ndshare_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found (command ndshare __complete $words[2..-1] "$current" 2>/dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path "$current"
    else if test (count $found) -gt 0
        printf '%s\n' $found
    end
end
complete -c ndshare -f -a '(__ndshare_complete)'
)";

/// Those of `all` that begin as the word does.
void print_matches(const std::vector<std::string>& all, const std::string& word, std::ostream& out) {
  for (const auto& one : all) {
    if (one.starts_with(word)) out << one << '\n';
  }
}

const OptionDoc* find_option(const std::vector<OptionDoc>& options, std::string_view name) {
  const auto found = std::ranges::find(options, name, &OptionDoc::name);
  return found == options.end() ? nullptr : &*found;
}

std::vector<std::string> names_of(const std::vector<OptionDoc>& options) {
  std::vector<std::string> out;
  for (const auto& option : options) out.push_back(option.name);
  return out;
}

class Completer {
 public:
  Completer(std::vector<std::string> words, Context& context)
      : doc_(describe_cli()), words_(std::move(words)), out_(context.out) {
    if (words_.empty()) words_.emplace_back();
    word_ = words_.back();
    words_.pop_back();
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (words_[i] == "--store" && i + 1 < words_.size()) store_ = words_[i + 1];
      if (words_[i].starts_with("--store=")) store_ = words_[i].substr(8);
    }
  }

  void run() {
    const auto at = verb_position(words_);
    const auto verb = at < words_.size() ? std::ranges::find(doc_.verbs, words_[at], &VerbDoc::name) : doc_.verbs.end();
    const bool has_verb = verb != doc_.verbs.end();
    if (has_verb && verb->takes_command && std::ranges::find(words_, "--") != words_.end()) {
      out_ << kFiles << '\n';
      return;
    }
    if (!words_.empty() && value_of(has_verb ? &*verb : nullptr, words_.back())) return;
    if (word_.starts_with('-')) {
      print_matches(names_of(doc_.options), word_, out_);
      if (has_verb) print_matches(names_of(verb->options), word_, out_);
    } else if (has_verb) {
      positional(*verb, at + 1);
    } else if (at >= words_.size() || words_[at] == "help") {
      for (const auto& one : doc_.verbs) print_matches({one.name}, word_, out_);
      if (at >= words_.size()) print_matches({"help"}, word_, out_);
    }
  }

 private:
  [[nodiscard]] const OptionDoc* option_of(const VerbDoc* verb, std::string_view name) const {
    const auto* option = verb != nullptr ? find_option(verb->options, name) : nullptr;
    return option != nullptr ? option : find_option(doc_.options, name);
  }

  /// Whether the word is the value of the option ahead of it; prints what it may be.
  bool value_of(const VerbDoc* verb, const std::string& name) {
    const auto* option = option_of(verb, name);
    if (option == nullptr || option->value.empty()) return false;
    if (option->name == "--store") {
      print_matches(admin::store_names(), word_, out_);
    } else if (option->name == "--event") {
      print_matches(admin::event_kinds(), word_, out_);
    } else if (option->value == "FILE" || option->value == "DIR") {
      out_ << kFiles << '\n';
    } else if (option->name == "--into" || option->name == "--revert") {
      print_arrays();
    } else {
      print_matches(option->choices, word_, out_);
    }
    return true;
  }

  void print_arrays() {
    for (const auto& name : admin::array_names(store_, word_, kMostNames)) out_ << name << '\n';
  }

  /// The word by position at which the line is.
  void positional(const VerbDoc& verb, std::size_t from) {
    static const std::set<std::string_view> kArrays = {"NAME", "PATTERN", "FROM", "SRC", "TO", "DST", "A", "B", "EXPRESSION"};
    std::size_t place = 0;
    for (std::size_t i = from; i < words_.size(); ++i) {
      const auto* option = option_of(&verb, words_[i]);
      if (option != nullptr && !option->value.empty()) {
        ++i;
      } else if (!words_[i].starts_with('-')) {
        ++place;
      }
    }
    if (verb.words.empty()) return;
    if (verb.name != "rm" && verb.name != "seal" && place >= verb.words.size()) return;
    const auto& word = verb.words[std::min(place, verb.words.size() - 1)];
    const auto name = word.name.substr(0, word.name.find('['));
    if (name == "FILE" || name == "DIR") {
      out_ << kFiles << '\n';
    } else if (name == "SHELL") {
      print_matches({"bash", "zsh", "fish"}, word_, out_);
    } else if (kArrays.contains(name)) {
      print_arrays();
    }
  }

  CliDoc doc_;
  std::vector<std::string> words_;
  std::string word_, store_;
  std::ostream& out_;
};

}  // namespace

int complete(std::vector<std::string> words, Context& context) {
  try {
    Completer(std::move(words), context).run();
  } catch (const std::exception&) {
    // Who types a line wants no messages in it.
  }
  context.out.flush();
  return 0;
}

std::string_view completion_script(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  return shell == "fish" ? kFish : std::string_view();
}

}  // namespace ndshare::cli
