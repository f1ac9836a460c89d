// Attributes survive the way through their text, whatever bytes they have.
#include "lib/wire/attrs.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using Attrs = std::map<std::string, std::string>;

TEST(AttrsTest, NoneIsTheEmptyText) {
  EXPECT_EQ(encode_attrs({}), "");
  EXPECT_TRUE(decode_attrs("").empty());
  EXPECT_TRUE(decode_attrs("{}").empty());
}

TEST(AttrsTest, TextIsOneJsonObject) {
  EXPECT_EQ(encode_attrs({{"unit", "USD"}, {"a\"b", "line\n\\"}}), R"({"a\"b":"line\n\\","unit":"USD"})");
}

TEST(AttrsTest, AnyAsciiTextComesBack) {
  const bool good = rc::check("attributes come back", [] {
    const auto text = [] { return rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127)); };
    const auto attrs = *rc::gen::container<Attrs>(text(), text());
    RC_ASSERT(decode_attrs(encode_attrs(attrs)) == attrs);
  });
  EXPECT_TRUE(good);
  const Attrs utf8 = {{"prénom", "日本"}};
  EXPECT_EQ(decode_attrs(encode_attrs(utf8)), utf8);
}

TEST(AttrsTest, ValuesOfOtherKindsComeBackAsText) {
  EXPECT_EQ(decode_attrs(R"({"n":3,"l":[1,2]})"), (Attrs{{"l", "[1,2]"}, {"n", "3"}}));
}

TEST(AttrsTest, BadTextIsAnError) {
  EXPECT_EQ(code_of([] { encode_attrs({{"a", "\xff"}}); }), ErrorCode::Usage);
  for (const char* bad : {"[]", "{", "3", "nonsense", "{\"a\":}"}) {
    EXPECT_EQ(code_of([&] { decode_attrs(bad); }), ErrorCode::Damaged) << bad;
  }
}

}  // namespace
}  // namespace ndshare::internal
