// Help, manual pages and completion, as shells and readers use them.
#include <set>

#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

std::set<std::string> lines_of(const std::string& text) {
  std::set<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out.insert(line);
  return out;
}

bool has_program(const std::string& name) { return run({"sh", "-c", "command -v " + name}).status == 0; }

class CliHelpTest : public CliClaimsTest {
 protected:
  /// What the hidden verb offers for these words, the last being typed.
  std::set<std::string> offers(Words words) const {
    words.insert(words.begin(), "__complete");
    const auto done = run(with_program(words), {.input = {}, .env = {{"NDSHARE_STORE", store_.name()}}});
    EXPECT_EQ(done.status, 0);
    EXPECT_EQ(done.err, "");
    return lines_of(done.out);
  }
  static Words with_program(Words words) {
    words.insert(words.begin(), program("ndshare"));
    return words;
  }
  /// What bash would put in the place of the last word of `line`.
  std::set<std::string> bash_offers(const std::string& line) const {
    static const std::string script = R"(
PATH=$1:$PATH; . <(ndshare completion bash) || exit 9
COMP_LINE=$2 COMP_POINT=${#2}
read -ra COMP_WORDS <<<"$2"; [[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_ndshare; printf '%s\n' "${COMPREPLY[@]}")";
    const auto folder = std::filesystem::path(program("ndshare")).parent_path().string();
    const auto done = run({"bash", "-c", script, "bash", folder, line}, {.input = {}, .env = {{"NDSHARE_STORE", store_.name()}}});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(done.err, "");
    return lines_of(done.out);
  }
};

using Set = std::set<std::string>;

TEST_F(CliHelpTest, CompletesVerbsOptionsAndNames) {
  ok({"create", "apples", "--dtype", "f8", "--shape", "1"});
  ok({"create", "market/prices@monday", "--dtype", "f8", "--shape", "1"});
  EXPECT_EQ(offers({"sta"}), (Set{"start", "stats", "status"}));
  EXPECT_TRUE(offers({""}).contains("help"));
  EXPECT_EQ(offers({"help", "sna"}), (Set{"snapshot"}));
  EXPECT_EQ(offers({"--st"}), (Set{"--store"}));
  EXPECT_EQ(offers({"put", "--rep"}), (Set{"--replace"}));
  EXPECT_EQ(offers({"put", "x", "--format", ""}), (Set{"npy", "npz", "csv"}));
  EXPECT_EQ(offers({"show", "ap"}), (Set{"apples"}));
  EXPECT_EQ(offers({"rm", "a", "ma"}), (Set{"market/prices@monday"}));
  EXPECT_EQ(offers({"put", "apples", ""}), (Set{":files"}));
  EXPECT_EQ(offers({"put", "--dtype", "f8", "apples", ""}), (Set{":files"}));
  EXPECT_EQ(offers({"lock", "a", "--", ""}), (Set{":files"}));
  EXPECT_EQ(offers({"info", "apples", ""}), Set{}) << "there is no second word";
  EXPECT_EQ(offers({"completion", "z"}), (Set{"zsh"}));
  EXPECT_EQ(offers({"log", "--event", "swe"}), (Set{"sweep"}));
  EXPECT_TRUE(offers({"--store", ""}).contains(store_.name()));
  EXPECT_EQ(offers({"--store", "no-such-store", "info", ""}), Set{}) << "no store, no message";
  EXPECT_EQ(offers({"nonsense", ""}), Set{});
  kill_daemon();
  EXPECT_EQ(offers({"show", "ap"}), (Set{"apples"})) << "without a daemon";
  ok({"start"});
}

TEST_F(CliHelpTest, BashCompletes) {
  ok({"create", "market/prices@monday", "--dtype", "f8", "--shape", "1"});
  ok({"create", "two words", "--dtype", "f8", "--shape", "1"});
  EXPECT_EQ(bash_offers("ndshare sta"), (Set{"start", "stats", "status"}));
  EXPECT_EQ(bash_offers("ndshare info mar"), (Set{"market/prices@monday"}));
  EXPECT_EQ(bash_offers("ndshare info market/prices@mo"), (Set{"monday"})) << "bash replaces what is behind the @";
  EXPECT_EQ(bash_offers("ndshare show 'market/prices@mo"), (Set{"market/prices@monday"})) << "but not in quotes";
  EXPECT_EQ(bash_offers("ndshare info two"), (Set{"two\\ words"}));
  EXPECT_EQ(bash_offers("ndshare --store " + store_.name() + " info market/p"), (Set{"market/prices@monday"}));
  EXPECT_TRUE(bash_offers("ndshare put x /de").contains("/dev"));
}

TEST_F(CliHelpTest, ScriptsAreSoundInTheirShells) {
  ScratchDir files;
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const auto path = files.file(shell);
    const auto text = ok({"completion", shell});
    std::ofstream(path) << text;
    EXPECT_NE(text.find(" __complete "), std::string::npos) << text;
    if (!has_program(shell)) {
      EXPECT_NE(text.find("_ndshare"), std::string::npos) << shell << " is not installed: its script is looked at only";
      continue;
    }
    const auto checked = run({shell, shell == "fish" ? "--no-execute" : "-n", path});
    EXPECT_EQ(checked.status, 0) << shell << checked.err;
  }
  EXPECT_EQ(json({"completion", "zsh"})["shell"], "zsh");
}

TEST_F(CliHelpTest, FishCompletes) {
  if (!has_program("fish")) GTEST_SKIP() << "fish is not installed";
  ScratchDir home;
  const auto folder = std::filesystem::path(program("ndshare")).parent_path().string();
  const auto done = run({"fish", "--no-config", "-c", "set -x PATH $argv[1] $PATH; ndshare completion fish | source; complete -C 'ndshare stat'", folder},
                        {.input = {}, .env = {{"HOME", home.path().string()}, {"XDG_DATA_HOME", home.path().string()}}});
  EXPECT_EQ(lines_of(done.out), (Set{"stats", "status"})) << done.err;
}

TEST_F(CliHelpTest, ManualPagesAreCleanAndComplete) {
  ScratchDir files;
  const auto folder = files.file("man");
  EXPECT_EQ(lines_of(ok({"help", "--man", folder})), (Set{folder + "/ndshare.1", folder + "/ndshared.8"}));
  std::ifstream file(folder + "/ndshare.1");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const char* part : {".SS snapshot", ".SS log", "\\fB\\-\\-store\\fR", ".SH EXIT STATUS", "NoSuchStore"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  for (const char* name : {"/ndshare.1", "/ndshared.8"}) {
    if (!has_program("groff")) continue;  // groff-base comes with man-db; the text is looked at above
    const auto set = run({"groff", "-man", "-ww", "-Tutf8", "-z", folder + name});
    EXPECT_EQ(set.status, 0);
    EXPECT_EQ(set.err, "") << name;
  }
  fails(1, {"help", "--man", "/dev/null/x"}, "/dev/null/x");
}

TEST_F(CliHelpTest, HelpTeaches) {
  for (const char* verb : {"put", "lock", "log"}) {
    const auto help = ok({verb, "--help"});
    EXPECT_NE(help.find("Examples:\n"), std::string::npos) << help;
    EXPECT_NE(help.find("Exit status: "), std::string::npos) << help;
    EXPECT_EQ(help, ok({"help", verb}));
  }
}

}  // namespace
}  // namespace ndshare::test
