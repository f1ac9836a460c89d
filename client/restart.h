/// A private store whose daemon was killed: its clients start it again.
#pragma once

#include <cstdint>

#include "client/address.h"

namespace ndshare::internal {

/// Starts a daemon for the store that this client knows by `store_id`, if it is private (it ends with its last client), this
/// user's, and still in memory under its name. True where it is worth greeting again: it serves, or somebody else is starting
/// it. False where there is nothing to start, or no time left.
///   Errors: what the daemon refuses with; NotSupported (no ndshared program), Timeout.
bool restart_private_store(const StoreAddress& address, std::uint64_t store_id, Deadline deadline);

}  // namespace ndshare::internal
