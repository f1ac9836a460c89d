#include "daemon/roles.h"

#include <array>

#include <gtest/gtest.h>

namespace ndshare::internal {
namespace {

constexpr std::array<std::uint32_t, 2> kWriters = {100, 101};
constexpr std::array<std::uint32_t, 1> kReaders = {200};

PeerRole role(std::uint32_t uid, std::uint32_t gid, std::vector<std::uint32_t> groups) {
  PeerCredentials peer;
  peer.uid = uid;
  peer.gid = gid;
  peer.groups = std::move(groups);
  return role_of(peer, 1000, kWriters, kReaders);
}

TEST(RolesTest, OwnerAndRootWrite) {
  EXPECT_EQ(role(1000, 5, {}), PeerRole::read_write);
  EXPECT_EQ(role(0, 5, {}), PeerRole::read_write);
}

TEST(RolesTest, PrimaryAndSupplementaryGroupsCount) {
  EXPECT_EQ(role(7, 101, {}), PeerRole::read_write);
  EXPECT_EQ(role(7, 5, {6, 100}), PeerRole::read_write);
  EXPECT_EQ(role(7, 200, {}), PeerRole::read_only);
  EXPECT_EQ(role(7, 5, {200}), PeerRole::read_only);
}

TEST(RolesTest, TheLargerRoleWinsAndStrangersAreRefused) {
  EXPECT_EQ(role(7, 200, {100}), PeerRole::read_write);
  EXPECT_EQ(role(7, 5, {6}), PeerRole::refused);
  EXPECT_EQ(role(7, 1000, {0}), PeerRole::refused);  // groups named like the owner's uid or root's mean nothing
}

}  // namespace
}  // namespace ndshare::internal
