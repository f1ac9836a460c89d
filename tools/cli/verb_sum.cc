// ndshare sum: checksums of arrays, printed and checked as sha256sum(1) does files.
#include <fstream>
#include <iostream>
#include <memory>
#include <ostream>
#include <vector>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/checksum.h"
#include "tools/cli/color.h"
#include "tools/cli/describe.h"
#include "tools/cli/reader.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct SumFlags {
  std::vector<std::string> names;
  std::string check;
  bool quiet = false;
};

/// The arrays of a word: a pattern's, or the one that it names.   Errors: NoSuchArray for a pattern that fits none.
std::vector<std::string> expand(const Reader& reader, const std::string& word) {
  if (word.find_first_of("*?") == std::string::npos) return {word};
  std::vector<std::string> names;
  for (const auto& info : reader.list(word)) names.push_back(info.name);
  if (names.empty())
    throw Error(ErrorCode::NoSuchArray, "no array fits '" + internal::printable(word) + "'", {{"array", word}});
  return names;
}

int print_sums(const SumFlags& flags, Context& context) {
  const Reader reader(context);
  Json list = Json::array();
  for (const auto& word : flags.names) {
    for (const auto& name : expand(reader, word)) {
      const Array array = reader.array(name);
      const auto sum = checksum(array);
      if (context.json) {
        list.push_back(
            {{"name", name}, {"sum", sum}, {"dtype", array.dtype().to_string()}, {"nbytes", array.nbytes()}});
      } else {
        context.out << sum << "  " << name << '\n';
      }
    }
  }
  if (context.json) print_json(context.out, list);
  return 0;
}

struct Line {
  std::string name, sum;
};

/// "SUM  NAME" lines.   Errors: Io; Format for a file that has none; other lines are counted in `malformed`.
std::vector<Line> read_lines(const std::string& file, std::size_t& malformed) {
  std::ifstream opened;
  if (file != "-") opened.open(file);
  std::istream& in = file == "-" ? std::cin : opened;
  if (!in) throw Error(ErrorCode::Io, "'" + internal::printable(file) + "' cannot be opened");
  std::vector<Line> lines;
  for (std::string text; std::getline(in, text);) {
    if (text.empty() || text[0] == '#') continue;
    const bool good =
        text.size() > 18 && is_checksum(std::string_view(text).substr(0, 16)) && text.compare(16, 2, "  ") == 0;
    if (good) lines.push_back({text.substr(18), text.substr(0, 16)});
    malformed += good ? 0 : 1;
  }
  if (in.bad()) throw Error(ErrorCode::Io, "'" + internal::printable(file) + "' cannot be read");
  if (lines.empty())
    throw Error(ErrorCode::Format, "'" + internal::printable(file) +
                                       "' has no checksum lines: 16 hexadecimal digits, two spaces, a name, as "
                                       "`ndshare sum` prints them");
  return lines;
}

/// "OK"; "FAILED: type", "FAILED: content", "FAILED: type and content"; "FAILED: no such array".
std::string verdict(const Reader& reader, const Line& line) {
  try {
    const auto sum = checksum(reader.array(line.name));
    const bool type = sum.compare(0, 8, line.sum, 0, 8) == 0, content = sum.compare(8, 8, line.sum, 8, 8) == 0;
    if (type && content) return "OK";
    return type ? "FAILED: content" : content ? "FAILED: type" : "FAILED: type and content";
  } catch (const Error& error) {
    if (error.code() == ErrorCode::NoSuchArray) return "FAILED: no such array";
    if (error_exit_status(error.code()) == 4) throw;
    return "FAILED: " + error.message();
  }
}

int check_sums(const SumFlags& flags, Context& context) {
  const Reader reader(context);
  std::size_t malformed = 0, failed = 0;
  const auto lines = read_lines(flags.check, malformed);
  Json list = Json::array();
  for (const auto& line : lines) {
    const auto text = verdict(reader, line);
    const bool ok = text == "OK";
    failed += ok ? 0 : 1;
    if (context.json) {
      list.push_back({{"name", line.name}, {"ok", ok}, {"text", text}});
    } else if (!ok || !flags.quiet) {
      context.out << one_line(line.name) << ": " << paint(context, ok ? Color::green : Color::red, text) << '\n';
    }
  }
  if (context.json) print_json(context.out, list);
  if (malformed != 0) context.err << "ndshare: " << malformed << " lines are no checksum lines\n";
  if (failed != 0) context.err << "ndshare: " << failed << " of " << lines.size() << " sums did NOT match\n";
  return failed == 0 ? 0 : 1;
}

int sum(const SumFlags& flags, Context& context) {
  if (flags.check.empty() == flags.names.empty()) throw Error(ErrorCode::Usage, "sum: give names, or --check FILE");
  return flags.check.empty() ? print_sums(flags, context) : check_sums(flags, context);
}

}  // namespace

Logic setup_sum(Flags& flags) {
  auto chosen = std::make_shared<SumFlags>();
  flags.optional_words(chosen->names, "NAME[INDEX]", "arrays, parts of them, or patterns with * and ?");
  flags.text(chosen->check, "--check", "of lines that sum printed (- is stdin): compare");
  flags.flag(chosen->quiet, "--quiet", "with --check: only what does not match");
  return [chosen](Context& context) { return sum(*chosen, context); };
}

}  // namespace ndshare::cli
