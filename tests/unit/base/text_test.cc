#include "lib/base/text.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using test::code_of;

TEST(TextTest, BytesForPeople) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1 KiB");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(1ULL << 30), "1 GiB");
}

TEST(TextTest, BytesAreReadInPowersOf1024) {
  EXPECT_EQ(parse_bytes("64M"), 64ULL << 20);
  EXPECT_EQ(parse_bytes("1.5G"), 3ULL << 29);
  EXPECT_EQ(parse_bytes("4096"), 4096U);
  EXPECT_EQ(parse_bytes("2t"), 2ULL << 40);
  EXPECT_EQ(parse_bytes("10KiB"), 10240U);
  for (const char* bad : {"", "M", "-1", "1X", "1Mx", "99999999T", "nan", "0x10"}) EXPECT_FALSE(parse_bytes(bad)) << bad;
}

TEST(TextTest, IntegersAreWholeOrNothing) {
  EXPECT_EQ(parse_int("-12"), -12);
  for (const char* bad : {"", "1.5", "12x", " 1", "9223372036854775808"}) EXPECT_FALSE(parse_int(bad)) << bad;
}

TEST(TextTest, GlobMatchesAsShellsDo) {
  EXPECT_TRUE(glob_match("market/*", "market/prices/eur"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("a?c*z", "abcz"));
  EXPECT_FALSE(glob_match("market/*", "markets"));
  EXPECT_FALSE(glob_match("", "a"));
}

TEST(TextTest, StarFindsEverySplit) {
  EXPECT_TRUE(rc::check("prefix*suffix matches any middle", [](const std::string& a, const std::string& b, const std::string& c) {
    const auto plain = [](std::string text) {
      for (char& x : text) x = (x == '*' || x == '?') ? 'x' : x;
      return text;
    };
    RC_ASSERT(glob_match(plain(a) + "*" + plain(c), plain(a) + b + plain(c)));
  }));
}

TEST(TextTest, ArrayNamesThatAreRefused) {
  for (const std::string& bad : {std::string(), std::string(256, 'a'), std::string("a\nb"), std::string("a\0b", 3),
                                std::string("../a"), std::string("a/../b"), std::string("a//b"), std::string("/a"),
                                std::string("a/"), std::string("\xff"), std::string("a[0]"), std::string("a*"),
                                std::string(" a"), std::string("."), std::string("\xed\xa0\x80")}) {
    EXPECT_EQ(code_of([&] { check_array_name(bad); }), ErrorCode::Name) << printable(bad);
  }
  for (const std::string& good : {std::string("a"), std::string(255, 'a'), std::string("market/prices@monday"),
                                 std::string("größe"), std::string("a b"), std::string("..."), std::string("a..b")}) {
    EXPECT_EQ(code_of([&] { check_array_name(good); }), ErrorCode::Ok) << good;
  }
}

TEST(TextTest, StoreNamesThatAreRefused) {
  for (const std::string& bad : {std::string(), std::string(65, 'a'), std::string("a/b"), std::string(".a"), std::string("a b")}) {
    EXPECT_EQ(code_of([&] { check_store_name(bad); }), ErrorCode::Name) << bad;
  }
  EXPECT_EQ(code_of([&] { check_store_name("etl-2.b_c"); }), ErrorCode::Ok);
}

TEST(TextTest, PrintableKeepsMessagesOnOneLine) {
  EXPECT_EQ(printable("a\nb"), "a\\x0ab");
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("ö"), "ö");
}

}  // namespace
}  // namespace ndshare::internal
