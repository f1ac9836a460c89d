/// Finding and starting an ndshared.
#pragma once

#include <string>

#include <ndshare/admin.h>

namespace ndshare::internal {

/// Starts an ndshared in the background, a child of init and in a session of its own, and waits until it serves.
///   Errors: what the daemon refuses with (StoreExists among them), NotSupported (no program), Timeout.
void start_daemon(const admin::DaemonOptions& options);

}  // namespace ndshare::internal
