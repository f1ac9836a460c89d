#include "tools/cli/array_argument.h"

#include <set>

#include <ndshare/create.h>
#include <ndshare/print.h>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::cli {
namespace {

using test::code_of;
using test::message_of;

/// Parses against a store that has these arrays.
ArrayArgument parse(std::string_view text, const std::set<std::string>& arrays) {
  return parse_array_argument(text, [&](const std::string& name) { return arrays.contains(name); });
}

TEST(ArrayArgumentTest, PlainNameHasNoSteps) {
  const auto argument = parse("market/prices", {"market/prices"});
  EXPECT_EQ(argument.name, "market/prices");
  EXPECT_TRUE(argument.steps.empty());
}

TEST(ArrayArgumentTest, LongestExistingPrefixIsTheName) {
  const auto both = parse("a.b.c[3]", {"a", "a.b"});
  EXPECT_EQ(both.name, "a.b");
  ASSERT_EQ(both.steps.size(), 2U);
  EXPECT_EQ(std::get<std::string>(both.steps[0]), "c");
  EXPECT_EQ(std::get<std::vector<Index>>(both.steps[1]), std::vector<Index>{Index(3)});
  const auto whole = parse("a.b.c[3]", {"a", "a.b", "a.b.c"});
  EXPECT_EQ(whole.name, "a.b.c");
  EXPECT_EQ(whole.steps.size(), 1U);
  EXPECT_EQ(parse("v1.2/x.y", {"v1.2/x"}).name, "v1.2/x");
}

TEST(ArrayArgumentTest, FieldsAndIndicesInAnyOrder) {
  const auto argument = parse(R"(a[1:-1, ::2]["x.y"].z[[ 'p', "q" ]])", {"a"});
  ASSERT_EQ(argument.steps.size(), 4U);
  EXPECT_EQ(to_string(std::get<std::vector<Index>>(argument.steps[0])), "1:-1, ::2");
  EXPECT_EQ(std::get<std::string>(argument.steps[1]), "x.y");
  EXPECT_EQ(std::get<std::string>(argument.steps[2]), "z");
  EXPECT_EQ(std::get<std::vector<std::string>>(argument.steps[3]), (std::vector<std::string>{"p", "q"}));
}

TEST(ArrayArgumentTest, StepsApplyToAnArray) {
  const Array records = zeros({4}, DType::parse("t:i8,v:(2,)f4"));
  copyto(records["t"], arange(4));
  EXPECT_EQ(to_string(apply_steps(records, parse("r.t[::2]", {"r"}).steps)), "[0 2]");
  EXPECT_EQ(to_string(apply_steps(records, parse("r[-1][\"t\"]", {"r"}).steps)), "3");
  EXPECT_EQ(apply_steps(records, parse("r.v[1:, 0]", {"r"}).steps).shape(), Shape({3}));
  EXPECT_EQ(apply_steps(records, parse("r[['t']]", {"r"}).steps).dtype().fields().size(), 1U);
}

TEST(ArrayArgumentTest, ErrorsAreTypedAndSayWhere) {
  EXPECT_EQ(code_of([] { parse("b[0]", {"a"}); }), Error::NoSuchArray);
  EXPECT_NE(message_of([] { parse("b.c[0]", {"a"}); }).find("'b.c'"), std::string::npos);
  EXPECT_EQ(code_of([] { parse("[0]", {"a"}); }), Error::Name);
  EXPECT_EQ(code_of([] { parse("", {"a"}); }), Error::Name);
  for (const char* text : {"a[", "a[0", "a[]", "a[ ]", "a[x]", "a[\"f]", "a['f'", "a[[f]]", "a[['f']", "a.", "a[0]x",
                           "a..b", "a[0].", "a[['f', ]]", "a[\"f\"x]"}) {
    EXPECT_EQ(code_of([&] { parse(text, {"a"}); }), Error::IndexSyntax) << text;
  }
}

}  // namespace
}  // namespace ndshare::cli
