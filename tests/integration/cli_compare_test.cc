// diff, sum and plot on the command line, with NumPy's opinion where it has one; pipes that close early.
#include "tests/integration/cli_claims_support.h"

namespace ndshare::test {
namespace {

class CliCompareTest : public CliClaimsTest {
 protected:
  /// Puts what the NumPy expression gives.
  void put(const std::string& name, const std::string& expression) const {
    const auto file = files_.file(name + ".npy");
    const auto made = run_numpy("import numpy as np, sys\nnp.save(sys.argv[1], " + expression + ")", {file});
    ASSERT_EQ(made.status, 0) << made.err;
    ok({"put", name, file, "--replace"});
  }
  ScratchDir files_;
};

TEST_F(CliCompareTest, DiffOfEqualArraysIsQuietAndZero) {
  for (const char* expression :
       {"np.arange(24, dtype='f4').reshape(2,3,4)", "np.array([1, np.nan, np.inf])", "np.array(7)", "np.zeros((0,3))",
        "np.array(['ab','c'])", "np.array(['2001-01-01','NaT'], 'M8[D]')",
        "np.array([(1, 2.5, [1, 2])], [('t','<i8'),('v','<f4'),('m','<i2',(2,))])", "np.array([True])"}) {
    put("x", expression);
    put("y", "np.array(" + std::string(expression) + ", order='F')");
    EXPECT_EQ(ok({"diff", "x", "y"}), "") << expression;
    EXPECT_EQ(json({"diff", "x", "y"})["equal"], true) << expression;
    EXPECT_EQ(json({"sum", "x"})[0]["sum"], json({"sum", "y"})[0]["sum"])
        << expression << ": the order in memory does not count";
  }
}

TEST_F(CliCompareTest, DiffCountsAndShowsDifferences) {
  put("x", "np.arange(12, dtype='i8').reshape(3,4)");
  put("y", "np.arange(12, dtype='i8').reshape(3,4) + np.array([0,0,0,5]) * np.array([[0],[1],[1]])");
  auto report = json({"diff", "x", "y"}, 1);
  EXPECT_EQ(report["differing"], 2);
  EXPECT_EQ(report["elements"], 12);
  EXPECT_EQ(report["max_abs_difference"], 5);
  EXPECT_EQ(report["first"][0]["index"], Json::array({1, 3}));
  EXPECT_EQ(report["first"][0]["a"], "7");
  EXPECT_EQ(report["first"][0]["b"], "12");
  const auto text = cli({"diff", "x", "y", "--limit", "1"});
  EXPECT_EQ(text.status, 1);
  EXPECT_EQ(text.out, "2 of 12 elements differ, by at most 5\n@ [1, 3]\n- 7\n+ 12\n(1 of 2 differences: --limit)\n");
  EXPECT_EQ(cli({"diff", "x[0]", "y[0]"}).status, 0) << "parts";
  EXPECT_EQ(cli({"diff", "x", "y", "--quiet"}).out, "");
  put("y", "np.arange(12, dtype='i4').reshape(3,4)");
  report = json({"diff", "x", "y"}, 1);
  EXPECT_EQ(report["same_dtype"], false);
  EXPECT_EQ(report["differing"], 0) << "the values are equal all the same";
  put("y", "np.arange(12, dtype='i8')");
  report = json({"diff", "x", "y"}, 1);
  EXPECT_EQ(report["same_shape"], false);
  EXPECT_TRUE(report["differing"].is_null());
  EXPECT_NE(cli({"diff", "x", "y"}).out.find("- x: (3, 4) of int64\n+ y: (12,) of int64"), std::string::npos);
  fails(3, {"diff", "x", "nothing"}, "nothing");
  fails(1, {"diff", "x", "y[100]"});
  fails(2, {"diff", "x"});
}

TEST_F(CliCompareTest, LargestDifferencesAreExact) {
  struct Case {
    const char *a, *b;
    Json expected;
  };
  for (const auto& [a, b, expected] : {Case{"np.array([-2**63, 5])", "np.array([2**63-1, 5])", 18446744073709551615ULL},
                                       {"np.array([0, 200], 'u1')", "np.array([255, 200], 'u1')", 255},
                                       {"np.array([-128], 'i1')", "np.array([127], 'i1')", 255},
                                       {"np.array([1.5, np.nan])", "np.array([1.0, 2.0])", 0.5},
                                       {"np.array([1+1j])", "np.array([1-2j])", 3.0},
                                       {"np.array(['2001-01-01'], 'M8[D]')", "np.array(['2001-01-31'], 'M8[D]')", 30},
                                       {"np.array([np.inf])", "np.array([0.0])", "inf"},
                                       {"np.array(['NaT'], 'M8[D]')", "np.array(['2001-01-31'], 'M8[D]')", nullptr},
                                       {"np.array([np.nan])", "np.array([0.0])", nullptr},
                                       {"np.array(['a'])", "np.array(['b'])", nullptr},
                                       {"np.array([(1, 2.0)], 'i4,f8')", "np.array([(4, 2.5)], 'i4,f8')", 3}}) {
    put("x", a);
    put("y", b);
    EXPECT_EQ(json({"diff", "x", "y"}, 1)["max_abs_difference"], expected) << a;
  }
}

TEST_F(CliCompareTest, DiffOfManyBlocksFindsTheLast) {
  put("x", "np.zeros((3000, 400), 'f4')");
  put("y", "np.where(np.arange(1200000).reshape(3000, 400) >= 1199998, 2, 0).astype('f4')");
  const auto report = json({"diff", "x", "y"}, 1);
  EXPECT_EQ(report["differing"], 2);
  EXPECT_EQ(report["first"][0]["index"], Json::array({2999, 398}));
}

TEST_F(CliCompareTest, SumsAreCheckedAsSha256sumDoes) {
  put("x", "np.arange(1000.)");
  put("f", "np.asfortranarray(np.arange(1200000.).reshape(1000, 1200))");
  put("c", "np.arange(1200000.).reshape(1000, 1200)");
  // An independent CRC-32C over what the README says.
  const auto oracle = run_numpy(R"(
import numpy as np
table = []
for i in range(256):
    for _ in range(8): i = (i >> 1) ^ (0x82F63B78 if i & 1 else 0)
    table.append(i)
def crc(data):
    c = 0xFFFFFFFF
    for b in data: c = table[(c ^ b) & 255] ^ (c >> 8)
    return c ^ 0xFFFFFFFF
x = np.arange(1000.)
print(f"{crc((x.dtype.str + ' ' + str(x.shape)).encode()):08x}{crc(x.tobytes()):08x}", end='')
)");
  ASSERT_EQ(oracle.status, 0) << oracle.err;
  EXPECT_EQ(ok({"sum", "x"}), oracle.out + "  x\n");
  EXPECT_EQ(json({"sum", "f"})[0]["sum"], json({"sum", "c"})[0]["sum"]);
  const auto file = files_.file("sums");
  const auto sums = ok({"sum", "x", "c", "a*", "x[10:20]"});
  std::ofstream(file) << sums << "# a comment\n";
  EXPECT_EQ(ok({"sum", "--check", file}), "x: OK\nc: OK\na: OK\nx[10:20]: OK\n");
  EXPECT_EQ(ok({"sum", "--check", "-"}, sums), "x: OK\nc: OK\na: OK\nx[10:20]: OK\n");
  EXPECT_EQ(ok({"sum", "--check", file, "--quiet"}), "");
  ok({"eval", "x[3] = 4"});
  put("c", "np.arange(1200000.)");
  ok({"rm", "a"});
  const auto failed = cli({"sum", "--check", file});
  EXPECT_EQ(failed.status, 1);
  EXPECT_EQ(failed.out, "x: FAILED: content\nc: FAILED: type\na: FAILED: no such array\nx[10:20]: OK\n");
  EXPECT_NE(failed.err.find("3 of 4"), std::string::npos) << failed.err;
  EXPECT_EQ(json({"sum", "--check", file}, 1)[0]["ok"], false);
  std::ofstream(file) << "no sums here\n";
  fails(1, {"sum", "--check", file}, "no checksum lines");
  fails(1, {"sum", "--check", files_.file("missing")}, "cannot be opened");
  fails(2, {"sum"}, "names");
  fails(3, {"sum", "nothing*"}, "nothing");
}

TEST_F(CliCompareTest, PlotsCountAsNumpyDoes) {
  put("x", "np.concatenate([np.sin(np.arange(5000) / 700), [np.nan, np.inf]])");
  const auto oracle =
      run_numpy("import numpy as np\nprint(np.histogram(np.sin(np.arange(5000) / 700), 12)[0].tolist(), end='')");
  const auto report = json({"plot", "x", "--bins", "12"});
  EXPECT_EQ(report["kind"], "histogram");
  EXPECT_EQ(report["counts"], Json::parse(oracle.out)) << oracle.err;
  EXPECT_EQ(report["left_out"], 2);
  const auto line = json({"plot", "x"});
  EXPECT_EQ(line["kind"], "line");
  EXPECT_EQ(line["columns"].size(), 136U);
  for (const Words& words : {Words{"plot", "x"},
                             {"plot", "x", "--kind", "histogram", "--height", "8"},
                             {"plot", "x[0:3]"},
                             {"plot", "x[7:8]"}}) {
    std::istringstream lines(ok(words));
    for (std::string text; std::getline(lines, text);) {
      const auto characters = std::count_if(
          text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; });
      EXPECT_LE(characters, 80) << text;
    }
  }
  EXPECT_NE(ok({"plot", "x", "--bins", "4"}).find("█"), std::string::npos);
  put("t", "np.array(['2001-01-01','2001-01-09','NaT'], 'M8[D]')");
  EXPECT_NE(ok({"plot", "t", "--kind", "histogram"}).find("2001-01-09"), std::string::npos);
  put("s", "np.array([(1, 'a')], [('n', 'i4'), ('w', 'U1')])");
  fails(2, {"plot", "s"}, "s.n");
  EXPECT_EQ(json({"plot", "s.n"})["count"], 1);
  fails(2, {"plot", "s.w"}, "real numbers");
  fails(1, {"plot", "x[0:0]"}, "no finite value");
  put("m", "np.eye(3)");
  EXPECT_EQ(json({"plot", "m"})["kind"], "histogram");
  fails(1, {"plot", "m", "--kind", "line"}, "one axis");
  fails(2, {"plot", "x", "--kind", "line", "--bins", "3"}, "--bins");
  fails(2, {"plot", "x", "--bins", "1000"}, "room for 68");
  fails(2, {"plot", "x", "--height", "1"}, "--height");
}

TEST_F(CliCompareTest, PicturesArePngFiles) {
  put("x", "np.sin(np.arange(5000) / 700)");
  const auto file = files_.file("x.png");
  ok({"plot", "x", "--png", file});
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  EXPECT_TRUE(bytes.starts_with("\x89PNG\r\n\x1a\n"));
  EXPECT_EQ(bytes.substr(16, 8), std::string("\0\0\3\x20\0\0\1\xe0", 8)) << "800 x 480, by its header";
  EXPECT_EQ(ok({"plot", "x", "--png", "-"}), bytes);
  fails(1, {"plot", "x", "--png", files_.file("no/such/folder.png")}, "cannot be written");
}

TEST_F(CliCompareTest, ColoursStandOnTerminalsOnly) {
  put("x", "np.arange(3)");
  put("y", "np.arange(3) + 1");
  const auto line = program("ndshare") + " --store " + store_.name() + " diff x y";
  const auto colored = [&](const std::vector<std::pair<std::string, std::string>>& env) {
    const auto done = run({"script", "-qec", line, "/dev/null"}, {.input = {}, .env = env});  // gives it a terminal
    EXPECT_NE(done.out.find("3 of 3 elements differ"), std::string::npos) << done.out;
    return done.out.find("\x1b[31m- 0\x1b[0m") != std::string::npos;
  };
  EXPECT_TRUE(colored({{"TERM", "xterm"}}));
  EXPECT_FALSE(colored({{"TERM", "xterm"}, {"NO_COLOR", "1"}}));
  EXPECT_FALSE(colored({{"TERM", "dumb"}}));
  EXPECT_EQ(cli({"diff", "x", "y"}).out.find('\x1b'), std::string::npos);
}

TEST_F(CliCompareTest, APipeThatClosesEarlyEndsQuietly) {
  put("x", "np.arange(100000.).reshape(-1, 2)");
  const auto file = files_.file("err");
  for (const char* words : {"ls",
                            "info x",
                            "show x",
                            "--json show x",
                            "--json plot x",
                            "stats x",
                            "status",
                            "df",
                            "clients",
                            "locks",
                            "locks --graph",
                            "holders x",
                            "get x -",
                            "get x - --format csv",
                            "sum x",
                            "diff x x[1:]",
                            "doctor",
                            "top --once --delay 0.1",
                            "clients --leaks --interval 0.1",
                            "eval x",
                            "plan x+1",
                            "audit x+1",
                            "repair x",
                            "version",
                            "--help",
                            "watch x"}) {
    // `true` reads nothing; the sleep lets it end before the first byte is written.
    const auto line = "{ sleep 0.05; " + program("ndshare") + " --store " + store_.name() + " " + words + " 2>" + file +
                      "; echo $? >" + file + ".status; } | true; while ! [ -s " + file +
                      ".status ]; do sleep 0.02; done";
    const auto done = run({"sh", "-c", line}, {.input = {}, .env = {}});
    EXPECT_EQ(done.status, 0) << words;
    std::ifstream err(file), status(file + ".status");
    const std::string said{std::istreambuf_iterator<char>(err), {}};
    int ended = -1;
    status >> ended;
    EXPECT_EQ(said, "") << words;
    EXPECT_TRUE(ended == 0 || ended == 1) << words << ": " << ended;
    std::filesystem::remove(file + ".status");
  }
}

}  // namespace
}  // namespace ndshare::test
