#include "tools/cli/flags.h"

#include <CLI/CLI.hpp>

namespace ndshare::cli {

void Flags::word(std::string& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->required()->type_name("");
}

void Flags::optional_word(std::string& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->type_name("");
}

void Flags::words(std::vector<std::string>& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->required()->type_name("")->expected(1, CLI::detail::expected_max_vector_size);
}

void Flags::flag(bool& target, const std::string& name, const std::string& help) { app_.add_flag(name, target, help); }

void Flags::text(std::string& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help);
}

void Flags::required_text(std::string& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->required();
}

void Flags::texts(std::vector<std::string>& target, const std::string& name, const std::string& help) {
  // One value an occurrence: the next word may be a positional.
  app_.add_option(name, target, help)->allow_extra_args(false);
}

void Flags::number(std::uint32_t& target, const std::string& name, const std::string& help) {
  app_.add_option(name, target, help)->type_name("N");
}

void Flags::choice(std::string& target, const std::string& name, std::initializer_list<std::string> values,
                   const std::string& help) {
  app_.add_option(name, target, help)->check(CLI::IsMember(std::vector<std::string>(values)));
}

void Flags::exclude(const std::string& one, const std::string& other) {
  app_.get_option(one)->excludes(app_.get_option(other));
}

}  // namespace ndshare::cli
