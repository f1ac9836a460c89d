// Random tables against NumPy's recfunctions and plain Python. numpy_tables.py makes the cases.
#include <ndshare/index.h>
#include <ndshare/io.h>

#include "tests/support/support.h"
#include "tests/unit/table/table_support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

namespace ndshare {
namespace {

struct Case {
  std::string number{}, op{}, index{};
  std::vector<std::string> more{};
  const test::ScratchDir* dir = nullptr;

  [[nodiscard]] Array array(const std::string& what) const { return load(dir->file(number + "_" + what + ".npy")); }
};

std::vector<std::string> parts(const std::string& text, char by) {
  std::vector<std::string> out;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, by);) out.push_back(word);
  return out;
}

std::vector<Aggregation> aggregations(const std::string& text) {
  static const std::map<std::string, Aggregate> ops = {{"count", Aggregate::count},
                                                       {"sum", Aggregate::sum},
                                                       {"mean", Aggregate::mean},
                                                       {"min", Aggregate::min},
                                                       {"max", Aggregate::max}};
  std::vector<Aggregation> out;
  for (const std::string& word : parts(text, ',')) {
    const std::size_t colon = word.find(':');
    out.push_back({ops.at(word.substr(0, colon)), word.substr(colon + 1)});
  }
  return out;
}

Array joined(const Case& one, const Array& x, int threads) {
  static const std::map<std::string, JoinHow> hows = {
      {"inner", JoinHow::inner}, {"left", JoinHow::left}, {"outer", JoinHow::outer}};
  JoinOptions options{.how = hows.at(one.more[1]), .threads = threads};
  if (one.more[2] != "-") options.fill.emplace_back(parts(one.more[2], '=')[0], std::stoll(parts(one.more[2], '=')[1]));
  return join_by(x, one.array("y"), parts(one.more[0], ','), options);
}

Array run(const Case& one, const Array& x, int threads) {
  const std::string& op = one.op;
  if (op == "group") return group_by(x, parts(one.more[0], ','), aggregations(one.more[1]), {.threads = threads});
  if (op == "join") return joined(one, x, threads);
  if (op == "append") return append_fields(x, {"new0", "new1"}, {one.array("a0"), one.array("a1")});
  if (op == "drop") return drop_fields(x, parts(one.more[0], ','));
  if (op == "rename") return rename_fields(x, {{"x", "y"}, {"y", "x"}, {"z", "new"}});
  if (op == "merge" || op == "flatten")
    return merge_arrays({x, one.array("a0"), one.array("a1")}, {.flatten = op == "flatten"});
  if (op == "stack") return stack_arrays({x, one.array("a0"), one.array("a1")});
  if (op == "from_plain") return unstructured_to_structured(x, DType::parse(one.more[0]), Casting::unsafe);
  return structured_to_unstructured(x, one.more[0] == "-" ? std::nullopt : std::optional(DType::parse(one.more[0])),
                                    Casting::unsafe);
}

/// Whether floats are as far apart as a rounding or two: Python adds exactly and rounds.
std::string compare_floats(const std::string& name, const Array& got, const Array& want) {
  std::string out;
  visit_numeric(got.dtype().id(), [&]<class T>() {
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, Half>) {
      const double epsilon = std::is_same_v<T, Half> ? 0x1p-10 : std::is_same_v<T, float> ? 0x1p-23 : 0x1p-52;
      for (std::int64_t i = 0; i < got.size() && out.empty(); ++i) {
        const auto a = got(i).item<double>(), b = want(i).item<double>();
        if ((std::isnan(a) && std::isnan(b)) || a == b || std::abs(a - b) <= 2 * epsilon * std::max(std::abs(b), 1e-9))
          continue;
        out = name + " of row " + std::to_string(i) + ": " + std::to_string(a) + ", Python " + std::to_string(b);
      }
    } else if constexpr (!std::is_integral_v<T>) {
      const double epsilon{std::numeric_limits<typename T::value_type>::epsilon()};
      for (std::int64_t i = 0; i < got.size() && out.empty(); ++i) {
        const auto a = got(i).item<std::complex<double>>(), b = want(i).item<std::complex<double>>();
        const bool nan = std::isnan(std::abs(a)) && std::isnan(std::abs(b));
        if (nan || a == b || std::abs(a - b) <= 4 * epsilon * std::max(std::abs(b), 1e-9)) continue;
        out = name + " of row " + std::to_string(i) + " differs";
      }
    }
  });
  return out;
}

std::string compare(const Array& got, const Array& want) {
  if (got.dtype() != want.dtype()) return "dtype " + got.dtype().to_string() + ", Python " + want.dtype().to_string();
  if (got.shape() != want.shape()) return "shape " + got.shape().str() + ", Python " + want.shape().str();
  if (array_equal(got, want, true)) return "";
  for (const Field& field : got.dtype().fields()) {
    const Array a = got[field.name], b = want[field.name];
    if (array_equal(a, b, true)) continue;
    const bool added = field.name.starts_with("sum_") || field.name.starts_with("mean_");
    if (!added || a.dtype().is_integer()) return "field " + field.name + " differs";
    const std::string apart = compare_floats(field.name, a, b);
    if (!apart.empty()) return apart;
  }
  return got.dtype().is_structured() ? "" : "elements differ";
}

std::string program() {
  std::ifstream file(std::string(NDSHARE_TABLE_TESTS) + "/numpy_tables.py");
  return {std::istreambuf_iterator<char>(file), {}};
}

void run_cases(const std::string& seed) {
  constexpr int kCount = 480;
  const test::ScratchDir dir;
  const test::Finished python = test::run_numpy(program(), {dir.path().string(), seed, std::to_string(kCount)});
  ASSERT_EQ(python.status, 0) << python.err;
  std::istringstream lines(python.out);
  int ran = 0;
  for (std::string line; std::getline(lines, line); ++ran) {
    std::istringstream words(line);
    Case one;
    one.dir = &dir;
    words >> one.number >> one.op >> one.index;
    for (std::string word; words >> word;) one.more.push_back(word);
    SCOPED_TRACE("seed " + seed + ", case " + line);
    const Array base = one.array("x"), x = base.view(parse_index(one.index)).as_readonly(), want = one.array("out");
    Array got, again;
    EXPECT_NO_THROW(got = run(one, x, 1));
    EXPECT_EQ(compare(got, want), "");
    EXPECT_NO_THROW(again = run(one, x, 2));
    EXPECT_TRUE(test::bytes_of(got) == test::bytes_of(again)) << "with two threads";
  }
  EXPECT_EQ(ran, kCount);
}

TEST(NumPyTablesTest, RandomCases) {
  const char* given = std::getenv("NDSHARE_TEST_SEED");
  const long long seed = given != nullptr ? std::atoll(given) : 20261126;
  const int rounds = std::getenv("NDSHARE_LONG") != nullptr ? 10 : 1;
  for (int round = 0; round < rounds; ++round) run_cases(std::to_string(seed + round));
}

}  // namespace
}  // namespace ndshare
