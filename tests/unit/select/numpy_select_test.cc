// Selections of random dtypes, shapes, layouts and indices, read and written, against NumPy to the bit.
// numpy_selecting.py makes the cases; where NumPy refuses one, an error is wanted here and no byte may have changed.
#include <ndshare/create.h>
#include <ndshare/io.h>
#include <ndshare/select.h>
#include <ndshare/threads.h>

#include "tests/support/sample.h"
#include "tests/support/support.h"
#include "tests/unit/exec/engine_support.h"
#include "tests/unit/select/numpy_driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <sstream>

namespace ndshare {
namespace {

using Arrays = std::vector<Array>;
using Text = std::vector<std::string>;
using test::numbers;
using test::split_at;

Selector entry_of(const std::string& text, const Arrays& inputs) {
  if (text[0] == 'a') return Selector(inputs.at(std::stoul(text.substr(1))));
  if (text[0] == 'e') return Selector(ellipsis);
  if (text[0] == 'n') return Selector(newaxis);
  if (text[0] == 'i') return Selector(std::stoll(text.substr(1)));
  std::array<std::optional<std::int64_t>, 3> ends;
  const Text parts = split_at(text.substr(1), ':');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) ends[i] = std::stoll(parts[i]);
  }
  return Selector(slice(ends[0], ends[1], ends[2]));
}

std::vector<Selector> entries_of(const std::string& text, const Arrays& inputs) {
  std::vector<Selector> out;
  for (const std::string& word : split_at(text, '|')) out.push_back(entry_of(word, inputs));
  return out;
}

Operand operand_of(const std::string& text, const Arrays& inputs) {
  return text == "array" ? Operand(inputs.back()) : Operand(std::stoll(text.substr(text.find(':') + 1)));
}

TakeOptions take_options(const std::string& axis, const std::string& mode, const std::optional<Array>& out) {
  static const std::map<std::string, TakeMode> modes = {
      {"raise", TakeMode::raise}, {"wrap", TakeMode::wrap}, {"clip", TakeMode::clip}};
  TakeOptions options{.axis = {}, .mode = modes.at(mode), .out = out};
  if (axis != "none") options.axis = std::stoll(axis);
  return options;
}

Array call_select(const Arrays& x, const Text& p, const std::optional<Array>& out) {
  const auto n = std::stoul(p[0]);
  const std::vector<Array> conditions(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n));
  std::vector<Operand> choices;
  for (std::size_t i = n; i < 2 * n; ++i) choices.emplace_back(x[i]);
  return select(conditions, choices, operand_of(p[1], x), {.out = out});
}

/// What a call gives; the first input, after a call that writes it.
using Call = std::function<Arrays(const Arrays&, const Text&, const std::optional<Array>&)>;
const std::map<std::string, Call>& calls() {
  using Out = std::optional<Array>;
  static const std::map<std::string, Call> table = {
      {"get", [](const Arrays& x, const Text& p, const Out&) { return Arrays{x[0].select(entries_of(p[0], x))}; }},
      {"take", [](const Arrays& x, const Text& p,
                  const Out& out) { return Arrays{take(x[0], x[1], take_options(p[0], p[1], out))}; }},
      {"take_along", [](const Arrays& x, const Text& p,
                        const Out&) { return Arrays{take_along_axis(x[0], x[1], std::stoll(p[0]))}; }},
      {"compress", [](const Arrays& x, const Text& p,
                      const Out& out) { return Arrays{compress(x[1], x[0], take_options(p[0], "raise", out))}; }},
      {"nonzero", [](const Arrays& x, const Text&, const Out&) { return nonzero(x[0]); }},
      {"argwhere", [](const Arrays& x, const Text&, const Out&) { return Arrays{argwhere(x[0])}; }},
      {"flatnonzero", [](const Arrays& x, const Text&, const Out&) { return Arrays{flatnonzero(x[0])}; }},
      {"select", [](const Arrays& x, const Text& p, const Out& out) { return Arrays{call_select(x, p, out)}; }},
  };
  return table;
}

using Write = std::function<void(const Arrays&, const Text&)>;
const std::map<std::string, Write>& writes() {
  static const std::map<std::string, Write> table = {
      {"assign", [](const Arrays& x, const Text& p) { assign(x[0], entries_of(p[0], x), operand_of(p[1], x)); }},
      {"put", [](const Arrays& x, const Text& p) { put(x[0], x[1], x[2], take_options("none", p[0], {})); }},
      {"put_along",
       [](const Arrays& x, const Text& p) { put_along_axis(x[0], x[1], operand_of(p[1], x), std::stoll(p[0])); }},
  };
  return table;
}

std::string unlike(const Array& got, const Array& want) {
  if (got.dtype() != want.dtype()) return "dtype " + got.dtype().to_string() + ", NumPy " + want.dtype().to_string();
  if (got.shape() != want.shape()) return "shape " + got.shape().str() + ", NumPy " + want.shape().str();
  for (const Field& field : got.dtype().fields()) {  // what lies between them is not NumPy's to say
    const std::string wrong = unlike(got[field.name], want[field.name]);
    if (!wrong.empty()) return "field " + field.name + ": " + wrong;
  }
  if (got.dtype().is_structured()) return "";
  const std::string a = test::bytes_of(got), b = test::bytes_of(want);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return "element " + std::to_string(static_cast<std::int64_t>(i) / got.itemsize()) + " differs";
  }
  return "";
}

/// Where a result may be written to: of any layout, full of ones.
Array dirty_out(test::Engine& random, const Array& want) {
  const std::string ones(static_cast<std::size_t>(want.nbytes()), '\1');
  const Array plain = empty(want.shape(), want.dtype());
  std::memcpy(plain.mutable_data(), ones.data(), ones.size());
  if (want.dtype().is_numeric() && !want.dtype().is_bool()) return test::laid_out(random, plain);
  return plain.copy(test::chance(random, 50) ? Order::F : Order::C);
}

struct Case {
  std::string number, op;
  Text parameters, made;  ///< how the inputs are made of what was saved
  Arrays bases, wanted;

  /// The inputs, the first over memory of its own.
  Arrays inputs(const Array& first) const {
    Arrays out;
    for (std::size_t i = 0; i < bases.size(); ++i) {
      const Array& base = i == 0 ? first : bases[i];
      const bool field = made[2 * i].starts_with("v:");
      const std::string index = made[2 * i].substr(field ? 2 : 0);
      const Array whole = field ? base["v"] : base, cut = index == "[]" ? whole : whole.view(parse_index(index));
      out.push_back(cut.ndim() == 0 ? cut : cut.transpose(numbers(made[2 * i + 1])));
    }
    return out;
  }
};

Case read_case(const test::ScratchDir& dir, const std::string& line) {
  std::istringstream words(line);
  std::string parameters;
  std::size_t outputs = 0, inputs = 0;
  Case one;
  words >> one.number >> one.op >> parameters >> outputs >> inputs;
  one.parameters = split_at(parameters, ';');
  for (std::string word; words >> word;) one.made.push_back(word);
  for (std::size_t i = 0; i < inputs; ++i)
    one.bases.push_back(load(dir.file(one.number + "_x" + std::to_string(i) + ".npy")));
  for (std::size_t i = 0; i < outputs; ++i)
    one.wanted.push_back(load(dir.file(one.number + "_y" + std::to_string(i) + ".npy")));
  return one;
}

Arrays answer(const Case& one, const Array& base, const std::optional<Array>& out) {
  const Arrays inputs = one.inputs(base);
  const auto write = writes().find(one.op);
  if (write == writes().end()) return calls().at(one.op)(inputs, one.parameters, out);
  write->second(inputs, one.parameters);
  return {base};
}

void check_refused(const Case& one) {
  static const std::set<ErrorCode> fitting = {Error::IndexBounds, Error::IndexSyntax, Error::DtypeMismatch,
                                              Error::ShapeMismatch};
  const Array base = one.bases[0].copy();
  const ErrorCode code = test::code_of([&] { answer(one, base, {}); });
  EXPECT_TRUE(fitting.contains(code)) << "NumPy refuses it; here " << error_name(code);
  EXPECT_EQ(unlike(base, one.bases[0]), "");
}

void check_case(const Case& one, test::Engine& random) {
  const auto expect = [&](int threads, const std::optional<Array>& out, const char* how) {
    set_threads(threads);
    Arrays got;
    ASSERT_NO_THROW(got = answer(one, one.bases[0].copy(), out)) << how;
    set_threads(0);
    ASSERT_EQ(got.size(), one.wanted.size()) << how;
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(unlike(got[i], one.wanted[i]), "") << how << ", output " << i;
      const bool free_order = out || one.op == "get" || one.op == "select";  // select is element by element, as ops.h
      EXPECT_TRUE(free_order || got[i].is_c_contiguous()) << how << ", output " << i;
    }
    EXPECT_EQ(out ? unlike(*out, one.wanted[0]) : "", "") << how;
  };
  expect(1, {}, "one thread");
  expect(3, {}, "three threads");
  if (one.op == "take" || one.op == "compress" || one.op == "select")
    expect(2, dirty_out(random, one.wanted[0]), "with out");
}

/// An index of one array alone is written in a way of its own: x[array].
void check_operator(const Case& one) {
  if (one.op != "get" || one.parameters[0] != "a1" || one.wanted.empty()) return;
  const Arrays inputs = one.inputs(one.bases[0]);
  EXPECT_EQ(unlike(inputs[0][inputs[1]], one.wanted[0]), "");
}

void run_cases(std::uint64_t seed, int count) {
  test::Engine random(seed);
  test::for_numpy_cases("numpy_selecting.py", seed, count, [&](const test::ScratchDir& dir, const std::string& line) {
    const Case one = read_case(dir, line);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", case " + line + " of " + one.bases[0].dtype().to_string() +
                 one.bases[0].shape().str());
    if (one.wanted.empty()) {
      check_refused(one);
    } else {
      check_case(one, random), check_operator(one);
    }
  });
}

constexpr int kCases = 3'600 / test::kSample;

TEST(NumPySelectTest, RandomCases) {
  const std::uint64_t seed = test::test_seed();
  const int rounds = std::getenv("NDSHARE_LONG") != nullptr ? 10 : 1;
  for (int round = 0; round < rounds; ++round) run_cases(seed + static_cast<std::uint64_t>(round), kCases);
}

}  // namespace
}  // namespace ndshare
