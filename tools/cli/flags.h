/// What a verb's words and options fill in. flags.cc is the one place that knows the option parser (CLI11).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ndshare::cli {

/// Declares the words and options of one verb. Targets must outlive the parse; they keep their value where nothing is
/// given. Sizes are text here: verbs read them with parse_size(), so that a wrong one is an error like any other.
class Flags {
 public:
  explicit Flags(CLI::App& app) : app_(app) {}

  // By position, in the order of the calls
  void word(std::string& target, const std::string& name, const std::string& help);
  void optional_word(std::string& target, const std::string& name, const std::string& help);
  void words(std::vector<std::string>& target, const std::string& name, const std::string& help);  ///< one or more
  void optional_words(std::vector<std::string>& target, const std::string& name, const std::string& help);  ///< none or more

  // By name: "--dtype"
  void flag(bool& target, const std::string& name, const std::string& help);
  void text(std::string& target, const std::string& name, const std::string& help);
  void required_text(std::string& target, const std::string& name, const std::string& help);
  void texts(std::vector<std::string>& target, const std::string& name, const std::string& help);  ///< may be repeated
  /// A whole number from `least` on.
  void number(std::uint32_t& target, const std::string& name, const std::string& help, std::uint32_t least = 1);
  void choice(std::string& target, const std::string& name, const std::vector<std::string>& values,
              const std::string& help);
  /// Two flags of which at most one may be given.
  void exclude(const std::string& one, const std::string& other);

 private:
  CLI::App& app_;
};

}  // namespace ndshare::cli
