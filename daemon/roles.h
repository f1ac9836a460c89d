/// Who may do what: decided once a connection, by the kernel's credentials.
#pragma once

#include <cstdint>
#include <span>

#include "lib/wire/peer.h"

namespace ndshare::internal {

enum class PeerRole : std::uint8_t { refused, read_only, read_write };

/// The owner's uid and root write; then members (primary or supplementary) of `write_gids`; then members of `read_only_gids`
/// read; everybody else is refused. The larger role wins.
PeerRole role_of(const PeerCredentials& peer, std::uint32_t owner_uid, std::span<const std::uint32_t> write_gids,
                 std::span<const std::uint32_t> read_only_gids);

}  // namespace ndshare::internal
