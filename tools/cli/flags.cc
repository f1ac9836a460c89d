#include "tools/cli/flags.h"

#include <CLI/CLI.hpp>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

/// What stands for an option's value in the help, the option's last word: "--pool-dir DIR".
std::string value_name(const std::string& option) {
  std::string name = option.substr(option.rfind('-') + 1);
  for (char& letter : name) letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  return name;
}

}  // namespace

void Flags::word(std::string& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->required()->type_name("");
}

void Flags::optional_word(std::string& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->type_name("");
}

void Flags::words(std::vector<std::string>& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->required()->type_name("")->expected(1, CLI::detail::expected_max_vector_size);
}

void Flags::optional_words(std::vector<std::string>& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->type_name("")->expected(0, CLI::detail::expected_max_vector_size);
}

void Flags::flag(bool& target, const std::string& name, const std::string& help) { app_.add_flag(name, target, help); }

void Flags::text(std::string& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->type_name(value_name(name));
}

void Flags::required_text(std::string& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->required()->type_name(value_name(name));
}

void Flags::texts(std::vector<std::string>& target, const std::string& name, const std::string& help) {
  // One value an occurrence: the next word may be a positional.
  app_.add_option(name, target, help)->allow_extra_args(false)->type_name(value_name(name));
}

void Flags::number(std::uint32_t& target, const std::string& name, const std::string& help, std::uint32_t least) {
  const auto problem = [least](const std::string& word) {
    const bool whole = !word.empty() && word.size() <= 10 && word.find_first_not_of("0123456789") == std::string::npos;
    const bool fits = whole && std::stoull(word) >= least && std::stoull(word) <= UINT32_MAX;
    return fits ? std::string()
                : "takes a whole number from " + std::to_string(least) + ", not '" + internal::printable(word) + "'";
  };
  app_.add_option(name, target, help)->type_name("N")->check(CLI::Validator(problem, ""));
}

void Flags::choice(std::string& target, const std::string& name, const std::vector<std::string>& values,
                   const std::string& help) {
  app_.add_option(name, target, help)->check(CLI::IsMember(values))->type_name(value_name(name));
}

void Flags::exclude(const std::string& one, const std::string& other) {
  app_.get_option(one)->excludes(app_.get_option(other));
}

}  // namespace ndshare::cli
