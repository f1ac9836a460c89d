// The command-line tool as its users run it: real programs, real pipes, exit statuses.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/support.h"

namespace ndshare::test {
namespace {

using Json = nlohmann::json;

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Segments in /dev/shm whose name contains `part`.
int segments_of(const std::string& part) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
    count += entry.path().filename().string().find(part) != std::string::npos ? 1 : 0;
  return count;
}

/// A store of its own a test, and a folder for files.
class CliTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto started = cli({"start", "--capacity", "64M"});
    ASSERT_EQ(started.status, 0) << started.err;
    EXPECT_TRUE(started.out.starts_with("store " + store_ + ": pid ")) << started.out;
    EXPECT_NE(started.out.find("capacity 64 MiB"), std::string::npos) << started.out;
  }
  void TearDown() override {
    cli({"stop", "--force"});
    EXPECT_EQ(segments_of(store_), 0);
  }

  Finished cli(const std::vector<std::string>& words, const std::string& input = {}) const {
    std::vector<std::string> command = {program("ndshare")};
    command.insert(command.end(), words.begin(), words.end());
    return run(command, {.input = input, .env = {{"NDSHARE_STORE", store_}, {"NDSHARE_DAEMON", program("ndshared")}}});
  }
  /// The status of a line of sh in this store.
  int cli_status(const std::string& line) const {
    return run({"sh", "-c", line},
               {.input = {}, .env = {{"NDSHARE_STORE", store_}, {"NDSHARE_DAEMON", program("ndshared")}}})
        .status;
  }
  /// A command line that must succeed; what it wrote.
  std::string ok(const std::vector<std::string>& words, const std::string& input = {}) const {
    const auto done = cli(words, input);
    EXPECT_EQ(done.status, 0) << words[0] << ": " << done.err;
    return done.out;
  }
  Json json(std::vector<std::string> words) const {
    words.emplace_back("--json");
    return Json::parse(ok(words));
  }
  /// A command line that must fail with this status, one line for people and nothing on stdout.
  void fails(int status, const std::vector<std::string>& words, const std::string& part = {}) const {
    const auto done = cli(words);
    EXPECT_EQ(done.status, status) << words[0] << ": " << done.out << done.err;
    EXPECT_TRUE(done.err.starts_with("ndshare: ")) << done.err;
    EXPECT_NE(done.err.find(part), std::string::npos) << done.err;
    EXPECT_EQ(done.out, "") << words[0];
  }
  std::string numpy_file(const std::string& name, const std::string& expression) const {
    const auto path = files_.file(name);
    const auto made = run_numpy("import numpy as np, sys\nnp.save(sys.argv[1], " + expression + ")", {path});
    EXPECT_EQ(made.status, 0) << made.err;
    return path;
  }

  std::string store_ = unique_store_name("cli");
  ScratchDir files_;
};

TEST_F(CliTest, FilesOfNumpyComeBackByteForByte) {
  int number = 0;
  for (const char* expression :
       {"np.arange(24, dtype='f4').reshape(2,3,4)", "np.asfortranarray(np.arange(12.).reshape(3,4))",
        "np.array(7, 'i2')", "np.zeros((0,3), 'c8')", "np.array(['ab','c'])", "np.array([b'x',b'yz'])",
        "np.arange(5).astype('M8[m]')", "np.zeros(4, [('t','<i8'),('v','<f4',(2,)),('s','U3')])",
        "np.array([True,False])", "np.arange(3, dtype='f2')"}) {
    const auto name = "a" + std::to_string(number++);
    const auto file = numpy_file(name + ".npy", expression);
    const auto back = files_.file(name + "-back.npy");
    ok({"put", name, file});
    ok({"get", name, back});
    EXPECT_EQ(read_bytes(back), read_bytes(file)) << expression;
    EXPECT_EQ(ok({"get", name, "-"}), read_bytes(file)) << expression << " through a pipe";
    ok({"put", name + "-piped", "-"}, read_bytes(file));
    EXPECT_EQ(ok({"get", name + "-piped", "-"}), read_bytes(file)) << expression << " from a pipe";
  }
}

TEST_F(CliTest, NpzMembersBecomeArrays) {
  const auto file = files_.file("two.npz");
  ASSERT_EQ(
      run_numpy("import numpy as np, sys\nnp.savez(sys.argv[1], a=np.arange(3), b=np.ones((2,2),'f4'))", {file}).status,
      0);
  ok({"put", "z", file, "--seal"});
  EXPECT_EQ(ok({"show", "z/a"}), "[0 1 2]\n");
  EXPECT_EQ(json({"info", "z/b"})["sealed"], true);
  const auto back = files_.file("back.npz");
  ok({"get", "z/b", back});
  const auto checked =
      run_numpy("import numpy as np, sys\nf = np.load(sys.argv[1]); print(f.files, f['b'].tolist())", {back});
  EXPECT_EQ(checked.out, "['b'] [[1.0, 1.0], [1.0, 1.0]]\n") << checked.err;
}

TEST_F(CliTest, NpzOfMoreMembersThanAProcessHasClaims) {
  const auto file = files_.file("many.npz");
  const auto made = run_numpy(
      "import numpy as np, sys\nnp.savez(sys.argv[1], **{f'm{i:04}': np.full(3, i) for i in range(1000)})", {file});
  ASSERT_EQ(made.status, 0) << made.err;
  ok({"put", "z", file});
  EXPECT_EQ(json({"ls"}).size(), 1000U);
  EXPECT_EQ(ok({"show", "z/m0000"}), "[0 0 0]\n");
  EXPECT_EQ(ok({"show", "z/m0999"}), "[999 999 999]\n");
  ok({"put", "z", file, "--seal", "--replace"});
  EXPECT_EQ(json({"ls"}).size(), 1000U);
  EXPECT_EQ(ok({"show", "z/m0500"}), "[500 500 500]\n");
  EXPECT_EQ(json({"info", "z/m0999"})["sealed"], true);
}

TEST_F(CliTest, CsvIsInferredOrGivenAndComesBack) {
  const std::string text = "when,v,id\n2001-01-01T00:01,1.5,ab\n2001-01-01T00:02,-2,c\n";
  const auto put = cli({"put", "t", "-", "--format", "csv"}, text);
  EXPECT_EQ(put.status, 0) << put.err;
  EXPECT_NE(put.err.find("when: datetime64[m]"), std::string::npos) << "the inference is reported: " << put.err;
  EXPECT_EQ(ok({"show", "t.v"}), "[ 1.5 -2. ]\n");
  EXPECT_EQ(ok({"get", "t", "-", "--format", "csv"}), "when,v,id\n2001-01-01T00:01,1.5,ab\n2001-01-01T00:02,-2.0,c\n");
  ok({"put", "given", "-", "--format", "csv", "--dtype", "v:f4"}, text);
  EXPECT_EQ(json({"info", "given"})["dtype"], "[('v', '<f4')]");
  EXPECT_EQ(json({"info", "given"})["shape"], Json::array({2}));
  const std::string gaps = "a,b\n1,2\n3,\n";
  const auto refused = cli({"put", "gaps", "-", "--format", "csv"}, gaps);
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("line 3"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--missing"), std::string::npos) << refused.err;
  EXPECT_EQ(cli({"put", "gaps", "-", "--format", "csv", "--missing", "-1"}, gaps).status, 0);
  EXPECT_EQ(ok({"show", "gaps.b"}), "[ 2 -1]\n");
}

TEST_F(CliTest, FailingPutLeavesNothing) {
  const auto good = read_bytes(numpy_file("good.npy", "np.arange(1000)"));
  write_bytes(files_.file("short.npy"), good.substr(0, good.size() - 8));
  write_bytes(files_.file("long.npy"), good + "x");
  write_bytes(files_.file("junk.npy"), "no array at all");
  write_bytes(files_.file("ragged.csv"), "a,b\n1,2\n3\n");
  write_bytes(files_.file("word.csv"), "a,b\n1,2\n3,x\n");
  for (const char* file : {"short.npy", "long.npy", "junk.npy"}) fails(1, {"put", "x", files_.file(file)});
  fails(1, {"put", "x", files_.file("ragged.csv")}, "3");
  fails(1, {"put", "x", files_.file("word.csv"), "--dtype", "i4"}, "3");
  fails(1, {"put", "x", files_.file("missing.npy")}, "missing.npy");
  fails(1, {"put", "x", files_.file("table.parquet")}, "--format");
  // Through a pipe the length shows only at the end: the array was there, unseen, and is gone.
  EXPECT_EQ(cli({"put", "x", "-"}, good.substr(0, good.size() - 8)).status, 1);
  EXPECT_EQ(cli({"put", "x", "-"}, good + "x").status, 1);
  EXPECT_EQ(json({"ls"}), Json::array());
  EXPECT_EQ(json({"df"})["live"], 0);
}

TEST_F(CliTest, CreateFillsAndRefuses) {
  ok({"create", "z", "--dtype", "i4", "--shape", "2,3"});
  EXPECT_EQ(ok({"show", "z"}), "[[0 0 0]\n [0 0 0]]\n");
  ok({"create", "f", "--dtype", "f4", "--shape", "(2,)", "--fill", "-1.5", "--seal", "--attr", "unit=USD"});
  EXPECT_EQ(ok({"show", "f"}), "[-1.5 -1.5]\n");
  EXPECT_EQ(json({"info", "f"})["attrs"]["unit"], "USD");
  ok({"create", "scalar", "--dtype", "i8", "--shape", "()", "--fill", "7"});
  EXPECT_EQ(ok({"show", "scalar"}), "7\n");
  ok({"create", "none", "--dtype", "f8", "--shape", "0,5"});
  EXPECT_EQ(ok({"show", "none"}), "[]\n");
  ok({"create", "text", "--dtype", "U3", "--shape", "1", "--fill", "ab"});
  EXPECT_EQ(ok({"show", "text"}), "['ab']\n");
  ok({"create", "digits", "--dtype", "U3", "--shape", "1", "--fill", "7"});
  EXPECT_EQ(ok({"show", "digits"}), "['7']\n");
  ok({"create", "turn", "--dtype", "c16", "--shape", "1", "--fill", "1-2j"});
  EXPECT_EQ(ok({"show", "turn"}), "[1.-2.j]\n");
  fails(1, {"create", "no", "--dtype", "c16", "--shape", "1", "--fill", "1-2"});
  fails(1, {"create", "z", "--dtype", "i4", "--shape", "2"}, "z");
  ok({"create", "z", "--dtype", "i4", "--shape", "2", "--replace"});
  EXPECT_EQ(ok({"show", "z"}), "[0 0]\n");
}

TEST_F(CliTest, BadInputHasTheStatusOfItsKind) {
  ok({"create", "a", "--dtype", "x:f4,y:i8", "--shape", "3"});
  // wrong by itself: 2
  fails(2, {"create", "b", "--dtype", "f5", "--shape", "3"}, "f5");
  fails(2, {"create", "b", "--dtype", std::string(5000, 'x'), "--shape", "3"});
  fails(2, {"create", "b", "--dtype", "f4", "--shape", "-3"}, "'-3'");
  fails(2, {"create", "b", "--dtype", "f4", "--shape", "x"});
  fails(2, {"create", "b", "--dtype", "f4", "--shape", "9223372036854775807,9223372036854775807"});
  std::string axes33 = "1";
  for (int i = 1; i < 33; ++i) axes33 += ",1";
  fails(2, {"create", "b", "--dtype", "f4", "--shape", axes33}, "32");
  fails(2, {"show", "a[::0]"});
  fails(3, {"show", "a[x]"}, "no array 'x'");  // an index array, were it there
  fails(2, {"show", "a["});
  fails(2, {"show", "a.nope"}, "x");
  fails(2, {"create", "b", "--dtype", "f4"}, "--shape");
  fails(2, {"put", "b", "x.npy", "--dtype", "f4"}, "CSV");
  fails(2, {"start", "--capacity", "0"}, "--capacity");
  fails(2, {"start", "--max-clients", "0"}, "--max-clients");
  for (const char* seconds : {"x", "-1", "nan", "1e999", ""}) {
    const auto done = cli({"ls", "--timeout", seconds});
    EXPECT_EQ(done.status, 2) << seconds;
    EXPECT_LT(done.err.size(), 120U) << "no range of 300 digits: " << done.err;
  }
  // an operation that fails: 1
  fails(1, {"show", "a[3]"}, "3");
  fails(1, {"create", "", "--dtype", "f4", "--shape", "3"});
  fails(1, {"create", "../x", "--dtype", "f4", "--shape", "3"});
  fails(1, {"create", "a\nb", "--dtype", "f4", "--shape", "3"});
  fails(1, {"create", std::string(256, 'n'), "--dtype", "f4", "--shape", "3"}, "255");
  fails(1, {"create", "big", "--dtype", "f8", "--shape", "1000,1000,1000"}, "MiB");
  fails(1, {"create", "b", "--dtype", "i4", "--shape", "3", "--fill", "1.5"});
  fails(1, {"create", "b", "--dtype", "i1", "--shape", "3", "--fill", "300"});
  fails(1, {"trim", "--keep", "12Q"}, "12Q");
  fails(1, {"get", "a", files_.file("no/such/folder/a.npy")});
  // no such store or array: 3
  fails(3, {"show", "nothing"}, "nothing");
  fails(3, {"info", "nothing"}, "nothing");
  fails(3, {"rm", "a", "nothing"}, "nothing was removed");
  fails(3, {"rm", "no*"});
  fails(3, {"mv", "nothing", "b"});
  fails(3, {"cp", "nothing[0]", "b"});
  fails(3, {"seal", "nothing"});
  fails(3, {"--store", unique_store_name("absent"), "ls"}, "start");
  EXPECT_EQ(json({"ls"}).size(), 1U) << "and nothing of all that left an array";
}

TEST_F(CliTest, ErrorsForProgramsAreJson) {
  const auto done = cli({"--json", "show", "nothing"});
  EXPECT_EQ(done.status, 3);
  const auto line = done.err.substr(done.err.find('\n') + 1);
  const auto error = Json::parse(line)["error"];
  EXPECT_EQ(error["code"], "NoSuchArray");
  EXPECT_EQ(error["number"], 32);
  EXPECT_NE(error["message"].get<std::string>().find("nothing"), std::string::npos);
  EXPECT_TRUE(error["details"].is_object());
  EXPECT_EQ(cli({"rm", "--", "nothing"}).err.find('{'), std::string::npos) << "--json was not asked for";
}

TEST_F(CliTest, ListsAndDescribes) {
  EXPECT_EQ(ok({"ls"}), "NAME  DTYPE  SHAPE  SIZE  STATE  VERSION\n") << "an empty table prints its header";
  EXPECT_EQ(json({"ls"}), Json::array());
  ok({"create", "m/a", "--dtype", "f4", "--shape", "10,2"});
  ok({"create", "m/b", "--dtype", "U5", "--shape", "3", "--seal"});
  ok({"create", "other", "--dtype", "i8", "--shape", "1"});
  const auto list = json({"ls", "m/*"});
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["name"], "m/a");
  EXPECT_EQ(list[0]["dtype"], "float32");
  EXPECT_EQ(list[0]["shape"], Json::array({10, 2}));
  EXPECT_EQ(list[0]["nbytes"], 80);
  EXPECT_EQ(list[0]["sealed"], false);
  EXPECT_GT(list[0]["version"], 0);
  EXPECT_EQ(list[1]["sealed"], true);
  const auto info = ok({"info", "m/a"});
  for (const char* part : {"m/a", "float32", "(10, 2)", "80 B", "open", "persistent"})
    EXPECT_NE(info.find(part), std::string::npos) << part << " in\n" << info;
  const auto status = json({"status"});
  for (const char* key :
       {"store", "pid", "uptime_s", "capacity_bytes", "used_bytes", "warm_bytes", "arrays", "clients"})
    EXPECT_TRUE(status.contains(key)) << key;
  EXPECT_EQ(status["store"], store_);
  EXPECT_EQ(status["arrays"], 3);
  EXPECT_EQ(status["capacity_bytes"], 64 << 20);
  const auto df = json({"df"});
  for (const char* key : {"capacity", "used", "live", "warm", "free", "largest_free"})
    EXPECT_TRUE(df.contains(key)) << key;
  EXPECT_EQ(df["used"].get<std::uint64_t>() + df["free"].get<std::uint64_t>(), 64U << 20);
  EXPECT_GE(df["live"], 80 + 60 + 8);
}

TEST_F(CliTest, TablesFitTheirWidth) {
  ok({"create", std::string(200, 'n'), "--dtype", "first_field:datetime64[m],second_field:f8,third_field:U100",
      "--shape", "3"});
  const auto wide = ok({"ls"});
  EXPECT_NE(wide.find(std::string(200, 'n')), std::string::npos) << "a pipe gets whole names";
  const auto narrow = run({"env", "COLUMNS=80", "NDSHARE_STORE=" + store_, program("ndshare"), "ls"});
  EXPECT_EQ(narrow.status, 0) << narrow.err;
  std::istringstream lines(narrow.out);
  for (std::string line; std::getline(lines, line);) {
    std::size_t characters = 0;
    for (const char byte : line) characters += (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U ? 1 : 0;
    EXPECT_LE(characters, 80U) << line;
  }
  EXPECT_NE(narrow.out.find("…"), std::string::npos);
  ok({"mv", std::string(200, 'n'), "short"});
  EXPECT_NE(ok({"ls"}).find("first_field:M8[m],"), std::string::npos) << "dtypes are compact";
  EXPECT_EQ(ok({"ls"}).find("third_field:U100"), std::string::npos) << "and cut to 80 columns in a pipe";
  EXPECT_NE(ok({"ls", "--wide"}).find("first_field:M8[m],second_field:f8,third_field:U100  (3,)"), std::string::npos);
}

TEST_F(CliTest, ArrayArgumentsTakeFieldsAndIndices) {
  ok({"put", "v1.0/rec", numpy_file("r.npy", "np.array([(1,1.5),(2,2.5),(3,3.5)], [('n','i8'),('x','f4')])")});
  EXPECT_EQ(ok({"show", "v1.0/rec.x[::-1]"}), "[3.5 2.5 1.5]\n");
  EXPECT_EQ(ok({"show", "v1.0/rec[\"n\"][-1]"}), "3\n");
  EXPECT_EQ(ok({"show", "v1.0/rec[1]"}), "(2, 2.5)\n");
  const auto shown = json({"show", "v1.0/rec[0:2]"});
  EXPECT_EQ(shown["values"], Json::parse(R"([{"n":1,"x":1.5},{"n":2,"x":2.5}])"));
  ok({"cp", "v1.0/rec.n[1:]", "part"});
  EXPECT_EQ(ok({"show", "part"}), "[2 3]\n");
  const auto file = files_.file("part.npy");
  ok({"get", "v1.0/rec.x[1:]", file});
  EXPECT_EQ(run_numpy("import numpy as np, sys\nprint(np.load(sys.argv[1]))", {file}).out, "[2.5 3.5]\n");
}

TEST_F(CliTest, NamesMoveCopyAndGo) {
  ok({"create", "a", "--dtype", "i4", "--shape", "2", "--fill", "1"});
  ok({"create", "b", "--dtype", "i4", "--shape", "2", "--fill", "2"});
  fails(1, {"mv", "a", "b"}, "b");
  ok({"mv", "a", "b", "--replace"});
  EXPECT_EQ(ok({"show", "b"}), "[1 1]\n");
  ok({"cp", "b", "c", "--seal"});
  fails(1, {"seal", "c"}, "sealed");
  ok({"seal", "b"});
  ok({"cp", "b", "tmp/1"});
  ok({"cp", "b", "tmp/2"});
  EXPECT_EQ(json({"rm", "tmp/*", "c", "tmp/1", "c"})["removed"].size(), 3U) << "each of them once";
  const auto left = json({"ls"});
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0]["name"], "b");
  EXPECT_EQ(json({"trim"}).contains("trimmed_bytes"), true);
}

TEST_F(CliTest, StopKeepsOrRemoves) {
  fails(1, {"start"}, store_);
  ok({"create", "a", "--dtype", "i4", "--shape", "2", "--fill", "5"});
  fails(1, {"stop"}, "--force");
  ok({"stop", "--keep"});
  // Without a daemon the owner still reads.
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"ls"}, {"info", "a"}, {"show", "a"}, {"df"}, {"status"}, {"get", "a", "-"}}) {
    const auto done = cli(words);
    EXPECT_EQ(done.status, 0) << words[0] << done.err;
    EXPECT_NE(done.err.find("no daemon runs; read from the segments"), std::string::npos) << words[0] << done.err;
    EXPECT_FALSE(done.out.empty());
  }
  EXPECT_TRUE(json({"df"})["memory_available"].is_null()) << "only a daemon knows";
  EXPECT_EQ(cli({"show", "a"}).out, "[5 5]\n");
  fails(3, {"show", "b"}, "b");
  fails(3, {"rm", "a"}, "start");
  const auto again = ok({"start"});
  EXPECT_NE(again.find("adopted 1 array"), std::string::npos) << again;
  EXPECT_EQ(ok({"show", "a"}), "[5 5]\n");
  ok({"stop", "--force"});
  EXPECT_EQ(segments_of(store_), 0);
  fails(3, {"status"}, "start");
  fails(3, {"stop"});
}

TEST_F(CliTest, ClosedStandardStreamsAreNoOnesElse) {
  const auto file = numpy_file("f.npy", "np.arange(1000)");
  const auto closed = [&](const std::string& words, const std::string& streams) {
    return cli_status("exec " + program("ndshare") + " " + words + " " + streams);
  };
  EXPECT_EQ(closed("put a " + file, "<&- 2>&-"), 0);
  EXPECT_EQ(closed("put b " + file, "<&- >&- 2>&-"), 1) << "its report was lost";
  EXPECT_EQ(closed("put c -", "<&-"), 1) << "an empty file";
  EXPECT_EQ(closed("ls", ">&-"), 1);
  EXPECT_EQ(ok({"get", "a", "-"}), read_bytes(file));
  EXPECT_EQ(ok({"get", "b", "-"}), read_bytes(file));
  EXPECT_EQ(json({"ls"}).size(), 2U);
}

TEST_F(CliTest, NpzFromAPipeSaysWhy) {
  const auto done = cli({"put", "z", "-", "--format", "npz"}, "PK");
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.err.find("pipe"), std::string::npos) << done.err;
}

TEST_F(CliTest, StoppedDaemonIsATimeout) {
  const auto pid = json({"status"})["pid"].get<int>();
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  fails(4, {"status", "--timeout", "0.3"});
  fails(4, {"create", "a", "--dtype", "i4", "--shape", "2", "--timeout", "0.3"});
  ASSERT_EQ(::kill(pid, SIGCONT), 0);
  EXPECT_EQ(cli({"status"}).status, 0);
}

}  // namespace
}  // namespace ndshare::test
