#include "daemon/roles.h"

#include <algorithm>

namespace ndshare::internal {
namespace {

bool member_of_any(const PeerCredentials& peer, std::span<const std::uint32_t> gids) {
  return std::any_of(gids.begin(), gids.end(), [&](std::uint32_t gid) {
    return peer.gid == gid || std::find(peer.groups.begin(), peer.groups.end(), gid) != peer.groups.end();
  });
}

}  // namespace

PeerRole role_of(const PeerCredentials& peer, std::uint32_t owner_uid, std::span<const std::uint32_t> write_gids,
                 std::span<const std::uint32_t> read_only_gids) {
  if (peer.uid == 0 || peer.uid == owner_uid || member_of_any(peer, write_gids)) return PeerRole::read_write;
  return member_of_any(peer, read_only_gids) ? PeerRole::read_only : PeerRole::refused;
}

}  // namespace ndshare::internal
