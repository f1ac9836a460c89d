// What a caller may write to name a store, and how deadlines behave at their ends.
#include "client/address.h"

#include <cstdlib>
#include <limits>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using test::code_of;

struct StoreVariable {
  explicit StoreVariable(const char* value) {
    if (value != nullptr) ::setenv("NDSHARE_STORE", value, 1);
    if (value == nullptr) ::unsetenv("NDSHARE_STORE");
  }
  ~StoreVariable() { ::unsetenv("NDSHARE_STORE"); }
};

TEST(AddressTest, NothingMeansTheVariableThenDefault) {
  {
    const StoreVariable set("etl");
    EXPECT_EQ(resolve_address("").name, "etl");
    EXPECT_EQ(resolve_address("other").name, "other");
  }
  {
    const StoreVariable set("");
    EXPECT_EQ(resolve_address("").name, "default");
  }
  const StoreVariable unset(nullptr);
  EXPECT_EQ(resolve_address("").name, "default");
  EXPECT_EQ(resolve_address("").uid, ::geteuid());
}

TEST(AddressTest, OwnersAreNamedByNumberOrName) {
  EXPECT_EQ(resolve_address("12345:etl").uid, 12345U);
  EXPECT_EQ(resolve_address("12345:etl").name, "etl");
  EXPECT_EQ(resolve_address("root:etl").uid, 0U);
  EXPECT_EQ(address_text({12345, "etl"}), "12345:etl");
  EXPECT_EQ(address_text({own_uid(), "etl"}), "etl");
}

TEST(AddressTest, BadNamesAreErrors) {
  for (const char* bad : {"a b", "../x", "no such user here:x", "root:", ".x", "a/b"}) {
    EXPECT_EQ(code_of([&] { resolve_address(bad); }), ErrorCode::Name) << bad;
  }
  EXPECT_EQ(code_of([&] { resolve_address(std::string(65, 'x')); }), ErrorCode::Name);
}

TEST(AddressTest, DeadlinesSaturate) {
  using std::chrono::nanoseconds;
  EXPECT_EQ(deadline_after(nanoseconds::max(), nanoseconds(0)), kForever);
  EXPECT_EQ(deadline_after(std::nullopt, nanoseconds::max()), kForever);
  EXPECT_EQ(time_left(deadline_after(nanoseconds(-5), nanoseconds(0))).count(), 0);
  EXPECT_GT(time_left(kForever), std::chrono::hours(1));
}

}  // namespace
}  // namespace ndshare::internal
