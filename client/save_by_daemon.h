/// A save of a store whose daemon is of another version: this client cannot read its memory, so the daemon has it done.
#pragma once

#include <chrono>
#include <string>

#include <ndshare/admin.h>

#include "client/address.h"

namespace ndshare::internal {

/// As admin::save(), by the `ndshare` that lay beside the daemon when it was started. Without a deadline as a whole, as a save has none.
///   Errors: Protocol (a daemon that knows no such request), NotSupported (it has no such program), Permission (not the store's
///   owner), Timeout, Io (with what that program said).
admin::SaveReport save_by_daemon(const StoreAddress& address, const std::string& directory, std::chrono::nanoseconds timeout);

}  // namespace ndshare::internal
