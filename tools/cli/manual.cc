#include "tools/cli/manual.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>

#include <ndshare/admin.h>
#include <ndshare/error.h>
#include <ndshare/version.h>

namespace ndshare::cli {
namespace {

/// Text as roff takes it: no line of it is a request, hyphens are those of the keyboard.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;
      case '\'': out += "\\(aq"; break;
      case '`': out += "\\(ga"; break;
      case '^': out += "\\(ha"; break;
      case '~': out += "\\(ti"; break;
      default: out += c;
    }
  }
  return out;
}

/// A paragraph under a bold term; `value` in italics.
std::string term(const OptionDoc& option) {
  std::string out = ".TP\n\\fB" + roff(option.name) + "\\fR";
  if (!option.value.empty()) out += " \\fI" + roff(option.value) + "\\fR";
  out += "\n" + roff(option.help);
  std::string list;
  for (const auto& choice : option.choices) list += (list.empty() ? "" : ", ") + roff(choice);
  return out + (list.empty() ? "" : " (" + list + ")") + "\n";
}

std::string synopsis(const VerbDoc& verb) {
  std::string out = "\\fBndshare " + roff(verb.name) + "\\fR";
  if (!verb.options.empty()) out += " [\\fIoption\\fR]...";
  for (const auto& word : verb.words) out += " \\fI" + roff(word.name) + "\\fR";
  return out + (verb.takes_command ? " \\-\\- \\fICMD\\fR..." : "");
}

std::string example_lines(const std::vector<ExampleDoc>& examples) {
  std::string out = ".RS\n.nf\n";
  for (const auto& example : examples) {
    if (!example.meaning.empty()) out += "# " + roff(example.meaning) + "\n";
    out += "\\fB" + roff(example.command) + "\\fR\n";
  }
  return out + ".fi\n.RE\n";
}

std::string verb_section(const VerbDoc& verb) {
  std::string out = ".SS " + roff(verb.name) + "\n" + synopsis(verb) + "\n.PP\n" + roff(verb.summary) + ".\n";
  for (const auto& word : verb.words) out += term(word);
  for (const auto& option : verb.options) {
    if (option.name != "--help") out += term(option);
  }
  out += ".PP\nExamples:\n.PP\n" + example_lines(verb.examples);
  return out + ".PP\nExit status: " + roff(exit_status_text(verb.name)) + "\n";
}

/// Every error of error_list.inc, by exit status.
std::string exit_section() {
  constexpr std::array titles = {"1", "2", "3", "4"};
  std::array<std::string, 4> names;
#define NDSHARE_ERROR(name, number, exit, meaning) names[(exit) - 1] += std::string(names[(exit) - 1].empty() ? "" : ", ") + #name;
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR
  std::string out = ".SH EXIT STATUS\n.TP\n\\fB0\\fR\ndone\n";
  for (std::size_t i = 0; i < titles.size(); ++i) out += std::string(".TP\n\\fB") + titles[i] + "\\fR\n" + names[i] + "\n";
  return out + ".PP\nAn error is one line on standard error; with \\fB\\-\\-json\\fR an object "
               "{\"error\": {code number message details}} follows it.\n";
}

constexpr char kEnvironment[] = R"(.SH ENVIRONMENT
.TP
\fBNDSHARE_STORE\fR
the store where \fB\-\-store\fR is not given; else "default"
.TP
\fBNDSHARE_DAEMON\fR
the ndshared program to start; else the one beside this program, where it was installed, or in PATH
.TP
\fBCOLUMNS\fR
width of tables
.SH FILES
.TP
\fI/dev/shm/ndshare\-UID\-STORE.{catalog,sync,pool,sock,lock}\fR
a store's segments, socket and lock
)";

/// What the program prints; its errors go where ours go.   Errors: Io.
std::string output_of(const std::string& program, const std::string& option) {
  std::string quoted = "'";
  for (const char c : program) c == '\'' ? quoted += "'\\''" : quoted += c;
  struct Close {
    void operator()(std::FILE* pipe) const { ::pclose(pipe); }
  };
  std::unique_ptr<std::FILE, Close> pipe(::popen((quoted + "' " + option).c_str(), "re"));
  if (!pipe) throw Error(ErrorCode::Io, "cannot run " + program + ": " + std::strerror(errno));
  std::string out;
  std::array<char, 4096> part{};
  while (const auto got = std::fread(part.data(), 1, part.size(), pipe.get())) out.append(part.data(), got);
  if (::pclose(pipe.release()) != 0) throw Error(ErrorCode::Io, program + " " + option + " failed");
  return out;
}

void write_file(const std::filesystem::path& path, const std::string& text, Context& context) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw Error(ErrorCode::Io, "cannot write " + path.string() + ": " + std::strerror(errno), {{"path", path.string()}});
  context.out << path.string() << '\n';
}

}  // namespace

std::string exit_status_text(std::string_view verb) {
  constexpr std::string_view rest = "2 usage, 3 no such store or array, 4 timeout.";
  if (verb == "run" || verb == "lock") return "that of CMD; without one 1 failed,\n" + std::string(rest);
  if (verb == "repair") return "0 done, 1 failed or rows are torn, 2 wrong usage,\n3 no such store or array, 4 timeout.";
  return "0 done, 1 failed, " + std::string(rest);
}

std::string manual_page(const CliDoc& doc) {
  std::string out = ".TH NDSHARE 1 \"\" \"ndshare " + version() + "\" \"User Commands\"\n.SH NAME\n"
                    "ndshare \\- shared\\-memory arrays for many processes on one machine\n.SH SYNOPSIS\n"
                    "\\fBndshare\\fR [\\fB\\-\\-store\\fR \\fINAME\\fR] [\\fB\\-\\-json\\fR] [\\fB\\-\\-timeout\\fR \\fIS\\fR] "
                    "\\fIVERB\\fR ...\n.SH DESCRIPTION\n"
                    "Starts and ends stores, shows what is in them and who holds it, brings arrays in and out, computes with\n"
                    "them and puts things right. An array argument may have fields and an index as NumPy writes them.\n"
                    "Sizes take K, M, G and T (1024 each). What only reads works without a daemon for the store\\(aqs owner.\n"
                    ".SH OPTIONS\n";
  for (const auto& option : doc.options) out += term(option);
  out += ".SH VERBS\n";
  for (const auto& verb : doc.verbs) out += verb_section(verb);
  return out + exit_section() + kEnvironment + ".SH SEE ALSO\n\\fBndshared\\fR(8)\n";
}

void write_manual_pages(const std::string& folder, Context& context) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorCode::Io, "cannot make " + folder + ": " + error.message(), {{"path", folder}});
  const std::filesystem::path path(folder);
  const auto daemon_page = output_of(admin::daemon_program(), "--man");
  write_file(path / "ndshare.1", manual_page(describe_cli()), context);
  write_file(path / "ndshared.8", daemon_page, context);
}

}  // namespace ndshare::cli
