#include <ndshare/error.h>

#include <set>

#include <gtest/gtest.h>

namespace ndshare {
namespace {

TEST(ErrorTest, CarriesCodeMessageAndDetails) {
  const Error error(ErrorCode::NameTaken, "array 'a' exists", {{"name", "a"}});
  EXPECT_EQ(error.code(), Error::NameTaken);
  EXPECT_STREQ(error.what(), "array 'a' exists");
  EXPECT_EQ(error.detail("name"), "a");
  EXPECT_EQ(error.detail("other"), "");
}

TEST(ErrorTest, CopyOutlivesTheOriginal) {
  auto original = std::make_unique<Error>(ErrorCode::Io, "gone", Error::Details{{"k", "v"}});
  const Error copy = *original;
  original.reset();
  EXPECT_STREQ(copy.what(), "gone");
  EXPECT_EQ(copy.detail("k"), "v");
}

TEST(ErrorTest, NumbersAreUniqueAndComeBack) {
  std::set<int> seen;
#define NDSHARE_ERROR(name, number, exit, meaning)              \
  EXPECT_TRUE(seen.insert(number).second) << #name;             \
  EXPECT_EQ(error_from_number(number), ErrorCode::name);        \
  EXPECT_EQ(error_name(ErrorCode::name), #name);                \
  EXPECT_GE(error_exit_status(ErrorCode::name), 1) << #name;    \
  EXPECT_LE(error_exit_status(ErrorCode::name), 4) << #name;
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR
}

TEST(ErrorTest, UnknownNumberFromANewerPeerIsInternal) {
  EXPECT_EQ(error_from_number(9999), ErrorCode::Internal);
  EXPECT_EQ(error_from_number(1ULL << 40), ErrorCode::Internal);
}

}  // namespace
}  // namespace ndshare
