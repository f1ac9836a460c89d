#include "lib/base/crc32c.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ndshare::internal {
namespace {

std::uint32_t naive(const std::string& text) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78U : crc >> 1;
  }
  return ~crc;
}

TEST(Crc32cTest, PublishedCheckValue) { EXPECT_EQ(crc32c("123456789", 9), 0xE3069283U); }  // RFC 3720 B.4

TEST(Crc32cTest, EqualsTheBitwiseDefinitionAndContinues) {
  EXPECT_TRUE(rc::check("any text, any split", [](const std::string& text) {
    RC_ASSERT(crc32c(text.data(), text.size()) == naive(text));
    RC_ASSERT(crc32c_by_table(text.data(), text.size()) == naive(text));
    const auto split = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
    RC_ASSERT(crc32c(text.data() + split, text.size() - split, crc32c(text.data(), split)) == naive(text));
  }));
}

}  // namespace
}  // namespace ndshare::internal
