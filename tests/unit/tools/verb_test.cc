#include "tools/cli/verb.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/support/support.h"
#include "tools/cli/app.h"
#include "tools/cli/transfer.h"
#include "tools/cli/verb_doc.h"

namespace ndshare::cli {
namespace {

using test::code_of;

/// One command line inside this process.
struct Ran {
  int status = -1;
  std::string out, err;
};
Ran run_words(std::vector<std::string> words) {
  std::ostringstream out, err;
  Context context{.out = out, .err = err, .store = {}, .command = {}};
  const int status = run_cli(std::move(words), context);
  return {status, out.str(), err.str()};
}

TEST(VerbTest, EveryVerbHasHelpWithItsExample) {
  const auto all = run_words({"--help"});
  EXPECT_EQ(all.status, 0);
  for (const auto& verb : verbs()) {
    EXPECT_NE(all.out.find("\n  " + std::string(verb.name) + " "), std::string::npos) << verb.name;
    const auto help = run_words({std::string(verb.name), "--help"});
    EXPECT_EQ(help.status, 0) << verb.name << help.err;
    EXPECT_NE(help.out.find(verb.example), std::string::npos) << help.out;
    EXPECT_TRUE(help.err.empty()) << help.err;
    EXPECT_GE(examples_of(std::string(verb.name)).size(), 2U) << verb.name << ": a row in example_list.inc";
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
}

TEST(VerbTest, EveryVerbIsInTheReadme) {
  std::ifstream file(NDSHARE_TOOLS_README);
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  for (const auto& verb : verbs()) {
    const auto row = "| `" + std::string(verb.name) + "` | `" + std::string(verb.example) + "` |";
    EXPECT_NE(readme.find(row), std::string::npos) << row;
  }
}

/// As a shell splits it (single quotes only).
std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

TEST(VerbTest, ExamplesAreRealCommandLines) {
  // Each parses: what fails, if anything, is the store that is not there.
  const std::set<std::string_view> needs_store = {"start", "run"}, needs_none = {"version", "completion"};
  for (const auto& verb : verbs()) {
    if (needs_store.contains(verb.name)) continue;
    for (const auto& example : examples_of(std::string(verb.name))) {
      auto words = split_words(example.command);
      ASSERT_EQ(words.front(), "ndshare");
      EXPECT_NE(std::ranges::find(words, verb.name), words.end()) << example.command << " is listed under " << verb.name;
      words.erase(words.begin());
      const auto own_end = std::ranges::find(words, std::string("--"));
      words.insert(own_end, "--store=" + test::unique_store_name("none"));  // the last one counts
      const auto ran = run_words(words);
      EXPECT_EQ(ran.status, needs_none.contains(verb.name) ? 0 : 3) << example.command << '\n' << ran.err;
    }
  }
}

TEST(VerbTest, WrongUsageIsTwo) {
  EXPECT_EQ(run_words({}).status, 2);
  EXPECT_NE(run_words({}).err.find("Usage"), std::string::npos);
  const std::vector<std::vector<std::string>> lines = {{"lst"},
                                                       {"frobnicate"},
                                                       {"ls", "a", "b"},
                                                       {"show"},
                                                       {"put", "x"},
                                                       {"version", "--nonsense"},
                                                       {"--timeout", "x", "version"},
                                                       {"--timeout", "-1", "version"},
                                                       {"version", "extra"},
                                                       {"run"},
                                                       {"run", "ls"},
                                                       {"lock", "a"},
                                                       {"lock", "a", "ls"},
                                                       {"lock", "--", "ls"},
                                                       {"lock", "a", "--read", "--write", "--", "ls"},
                                                       {"holders"},
                                                       {"snapshot", "a"},
                                                       {"snapshot", "a", "b", "--attr", "x"},
                                                       {"repair", "a", "--accept", "--revert", "b"},
                                                       {"kick", "somebody"},
                                                       {"kick", "0"},
                                                       {"put", "x", "f.npy", "--append", "--replace"},
                                                       {"put", "x", "f.npy", "--append", "--attr", "a=b"},
                                                       {"stop", "--force", "--keep"},
                                                       {"put", "x", "f.npy", "--format", "parquet"},
                                                       {"start", "--max-clients", "many"},
                                                       {"diff", "x"},
                                                       {"sum"},
                                                       {"sum", "x", "--check", "f"},
                                                       {"plot"},
                                                       {"plot", "x", "--kind", "pie"},
                                                       {"plot", "x", "--height", "0"},
                                                       {"watch"},
                                                       {"watch", "x", "--count", "0"},
                                                       {"top", "--page", "streets"},
                                                       {"top", "--sort", "colour"},
                                                       {"top", "--delay", "nan"},
                                                       {"top", "--json"},
                                                       {"doctor", "--held", "soon"},
                                                       {"clients", "--leaks", "--interval", "-1"},
                                                       {"--store"}};
  for (const auto& words : lines) {
    const auto ran = run_words(words);
    EXPECT_EQ(ran.status, 2) << words[0] << ran.out << ran.err;
    EXPECT_TRUE(ran.err.starts_with("ndshare: ")) << ran.err;
    EXPECT_TRUE(ran.out.empty()) << ran.out;
  }
}

TEST(VerbTest, HelpIsAWordToo) {
  EXPECT_EQ(run_words({"help"}).out, run_words({"--help"}).out);
  EXPECT_EQ(run_words({"help", "put"}).out, run_words({"put", "--help"}).out);
  EXPECT_NE(run_words({"run", "--help"}).out.find("-- CMD"), std::string::npos);
  EXPECT_NE(run_words({"lock", "--help"}).out.find("-- CMD"), std::string::npos);
  EXPECT_EQ(run_words({"locks", "--help"}).out.find("-- CMD"), std::string::npos);
  EXPECT_TRUE(run_words({"--json"}).err.starts_with("ndshare: no verb given"));
}

TEST(VerbTest, MisspeltVerbIsSuggested) {
  EXPECT_NE(run_words({"shwo", "a"}).err.find("did you mean 'show'?"), std::string::npos);
  EXPECT_NE(run_words({"inf"}).err.find("'info'"), std::string::npos);
  EXPECT_EQ(run_words({"frobnicate"}).err.find("did you mean"), std::string::npos);
  EXPECT_EQ(nearest_verb("zz"), "");
}

TEST(VerbTest, GlobalOptionsStandAnywhere) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--json", "version"},
                                                {"version", "--json"},
                                                {"--timeout", "1", "version", "--json"},
                                                {"--store=x", "version", "--json", "--timeout=2.5"}}) {
    const auto ran = run_words(words);
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_TRUE(ran.out.starts_with("{\"version\":")) << ran.out;
  }
}

TEST(VerbTest, ErrorsForProgramsFollowTheLineForPeople) {
  const auto ran = run_words({"--json", "lst"});
  EXPECT_TRUE(ran.err.starts_with("ndshare: no verb 'lst'")) << ran.err;
  EXPECT_NE(ran.err.find("\n{\"error\":{\"code\":\"Usage\",\"number\":2,\"message\":\"no verb"), std::string::npos)
      << ran.err;
}

TEST(VerbTest, SizesAndAttributesFromText) {
  EXPECT_EQ(parse_size("", "--capacity"), 0U);
  EXPECT_EQ(parse_size("1.5K", "--capacity"), 1536U);
  for (const char* text : {"x", "-1", "12Q", "99999999999T"})
    EXPECT_EQ(code_of([&] { (void)parse_size(text, "--capacity"); }), Error::Format) << text;
  EXPECT_EQ(parse_attrs({"unit=USD", "note=a=b", "empty="}), (Attrs{{"unit", "USD"}, {"note", "a=b"}, {"empty", ""}}));
  EXPECT_EQ(code_of([] { (void)parse_attrs({"unit"}); }), Error::Usage);
  EXPECT_EQ(code_of([] { (void)parse_attrs({"=x"}); }), Error::Usage);
}

TEST(VerbTest, FileFormats) {
  EXPECT_EQ(file_format("", "a.npy"), "npy");
  EXPECT_EQ(file_format("", "a.b/c.npz"), "npz");
  EXPECT_EQ(file_format("", "-"), "npy");
  EXPECT_EQ(file_format("csv", "-"), "csv");
  EXPECT_EQ(file_format("csv", "a.txt"), "csv");
  EXPECT_EQ(code_of([] { (void)file_format("", "a.parquet"); }), Error::Format);
}

}  // namespace
}  // namespace ndshare::cli
