// The building functions on random dtypes, shapes, strides and parameters, against NumPy to the bit. numpy_building.py
// makes the cases.
#include <ndshare/build.h>
#include <ndshare/io.h>

#include "tests/support/sample.h"
#include "tests/support/support.h"
#include "tests/unit/exec/engine_support.h"
#include "tests/unit/select/numpy_driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <sstream>

namespace ndshare {
namespace {

using Arrays = std::vector<Array>;

using test::numbers;

std::vector<std::string> fields(const std::string& text) { return test::split_at(text, ';'); }

std::optional<std::int64_t> axis_or_none(const std::string& text) {
  return text == "none" ? std::nullopt : std::optional<std::int64_t>(std::stoll(text));
}

/// How a case is run: the functions that take them get an `out` and a number of threads.
struct Run {
  std::optional<Array> out{};
  int threads = 0;
};
using Text = std::vector<std::string>;
using Call = std::function<Arrays(const Arrays&, const Text&, const Run&)>;

Arrays call_pad(const Arrays& x, const Text& p, const Run& run) {
  static const std::map<std::string, PadMode> modes = {{"constant", PadMode::constant},
                                                       {"edge", PadMode::edge},
                                                       {"reflect", PadMode::reflect},
                                                       {"symmetric", PadMode::symmetric},
                                                       {"wrap", PadMode::wrap}};
  PadOptions options{.mode = modes.at(p[0]), .out = run.out, .threads = run.threads};
  if (p[2] != "none") options.value = x[0].dtype().is_bool() ? Scalar(p[2] == "1") : Scalar(std::stoll(p[2]));
  const auto widths = numbers(p[1]);
  std::vector<PadWidth> pairs;
  for (std::size_t i = 0; i < widths.size(); i += 2) pairs.push_back({widths[i], widths[i + 1]});
  return {pad(x[0], pairs.empty() ? PadWidths(0) : PadWidths(pairs), options)};
}

Arrays call_diff(const Arrays& x, const Text& p, const Run& run) {
  DiffOptions options{.n = std::stoll(p[1]), .axis = std::stoll(p[0]), .out = run.out, .threads = run.threads};
  std::size_t at = 1;
  if (p[2] == "1") options.prepend = x[at++];
  if (p[3] == "1") options.append = x[at];
  return {diff(x[0], options)};
}

Arrays call_concat(const Arrays& x, const Text& p, const Run& run) {
  ConcatOptions options{.axis = axis_or_none(p[0]), .out = run.out, .threads = run.threads};
  if (p[1] != "none" && !options.out) options.out = empty(concat(x, options).shape(), DType::parse(p[1]));
  return {concat(x, options)};
}

Arrays call_split(const Arrays& x, const Text& p, const Run&) {
  return p[1] == "parts" ? split(x[0], std::stoll(p[2]), std::stoll(p[0]))
                         : split(x[0], numbers(p[2]), std::stoll(p[0]));
}

Arrays call_roll(const Arrays& x, const Text& p, const Run& run) {
  RollOptions options{.out = run.out, .threads = run.threads};
  if (p[0] != "none") options.axis = Axes(Dims(numbers(p[0])));
  return {roll(x[0], numbers(p[1]), options)};
}

const std::map<std::string, Call>& calls() {
  static const std::map<std::string, Call> table = {
      {"meshgrid",
       [](const Arrays& x, const Text& p, const Run&) {
         return meshgrid(x, {.indexing = p[0] == "xy" ? GridOptions::xy : GridOptions::ij, .sparse = p[1] == "1"});
       }},
      {"tril",
       [](const Arrays& x, const Text& p, const Run& r) {
         return Arrays{tril(x[0], std::stoll(p[0]), {r.out, r.threads})};
       }},
      {"triu",
       [](const Arrays& x, const Text& p, const Run& r) {
         return Arrays{triu(x[0], std::stoll(p[0]), {r.out, r.threads})};
       }},
      {"tile",
       [](const Arrays& x, const Text& p, const Run& r) {
         return Arrays{tile(x[0], numbers(p[0]), {r.out, r.threads})};
       }},
      {"repeat",
       [](const Arrays& x, const Text& p, const Run& r) {
         return Arrays{repeat(x[0], numbers(p[1]), {axis_or_none(p[0]), r.out, r.threads})};
       }},
      {"concat", call_concat},
      {"stack",
       [](const Arrays& x, const Text& p, const Run& r) {
         return Arrays{stack(x, {std::stoll(p[0]), r.out, r.threads})};
       }},
      {"split", call_split},
      {"unstack", [](const Arrays& x, const Text& p, const Run&) { return unstack(x[0], std::stoll(p[0])); }},
      {"roll", call_roll},
      {"flip", [](const Arrays& x, const Text& p,
                  const Run&) { return Arrays{flip(x[0], p[0] == "all" ? Axes() : Axes(Dims(numbers(p[0]))))}; }},
      {"rot90", [](const Arrays& x, const Text& p,
                   const Run&) { return Arrays{rot90(x[0], std::stoll(p[0]), Dims(numbers(p[1])))}; }},
      {"pad", call_pad},
      {"diff", call_diff},
  };
  return table;
}

/// To the bit; of differences NaN is NaN.
std::string unlike(const std::string& op, const Array& got, const Array& want) {
  if (got.dtype() != want.dtype()) return "dtype " + got.dtype().to_string() + ", NumPy " + want.dtype().to_string();
  if (got.shape() != want.shape()) return "shape " + got.shape().str() + ", NumPy " + want.shape().str();
  if (op == "diff") return test::differs(got, want);
  const std::string a = test::bytes_of(got), b = test::bytes_of(want);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return "element " + std::to_string(static_cast<std::int64_t>(i) / got.itemsize()) + " differs";
  }
  return "";
}

/// An array of other strides to write a result to, full of ones.
Array dirty_out(test::Engine& random, const Array& want) {
  Layout layout = Layout::contiguous(want.shape(), want.itemsize());
  const Array plain(DType::bytes(want.itemsize()), layout, empty(want.shape(), want.dtype()).buffer(), true);
  if (plain.nbytes() != 0) std::memset(plain.mutable_data(), 1, static_cast<std::size_t>(plain.nbytes()));
  const Array typed(want.dtype(), layout, plain.buffer(), true);
  if (want.dtype().is_numeric() && !want.dtype().is_bool()) return test::laid_out(random, typed);
  return want.ndim() < 2 ? typed : empty(Shape(transpose(layout).shape), want.dtype()).T();
}

struct Case {
  std::string number, op, line;
  Text parameters;
  Arrays inputs, wanted;
};

Case read_case(const test::ScratchDir& dir, const std::string& line) {
  std::istringstream words(line);
  std::string parameters;
  std::size_t outputs = 0, inputs = 0;
  Case one;
  one.line = line;
  words >> one.number >> one.op >> parameters >> outputs >> inputs;
  one.parameters = fields(parameters);
  for (std::size_t i = 0; i < inputs; ++i) {
    std::string index, axes;
    words >> index >> axes;
    const Array base = load(dir.file(one.number + "_x" + std::to_string(i) + ".npy"));
    const Array cut = index == "[]" ? base : base.view(parse_index(index));
    one.inputs.push_back(cut.ndim() == 0 ? cut : cut.transpose(numbers(axes)));
  }
  for (std::size_t i = 0; i < outputs; ++i)
    one.wanted.push_back(load(dir.file(one.number + "_y" + std::to_string(i) + ".npy")));
  return one;
}

void check_case(const Case& one, test::Engine& random) {
  const Call& call = calls().at(one.op);
  const auto expect = [&](const Run& run, const char* how) {
    Arrays got;
    ASSERT_NO_THROW(got = call(one.inputs, one.parameters, run)) << how;
    ASSERT_EQ(got.size(), one.wanted.size()) << how;
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_EQ(unlike(one.op, got[i], one.wanted[i]), "") << how << ", output " << i;
  };
  expect({.threads = 1}, "one thread");
  expect({.threads = 2}, "two threads");
  if (one.wanted.size() == 1) expect({.out = dirty_out(random, one.wanted[0])}, "with out");
}

void run_cases(std::uint64_t seed, int count) {
  test::Engine random(seed);
  test::for_numpy_cases("numpy_building.py", seed, count, [&](const test::ScratchDir& dir, const std::string& line) {
    const Case one = read_case(dir, line);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", case " + line + " of " + one.inputs[0].dtype().to_string() +
                 one.inputs[0].shape().str());
    check_case(one, random);
  });
}

TEST(NumPyBuildTest, RandomCases) {
  const std::uint64_t seed = test::test_seed();
  const int rounds = std::getenv("NDSHARE_LONG") != nullptr ? 10 : 1;
  for (int round = 0; round < rounds; ++round) run_cases(seed + static_cast<std::uint64_t>(round), 2'800 / test::kSample);
}

}  // namespace
}  // namespace ndshare
