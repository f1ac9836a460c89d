/// The files of a store whose daemon is gone: judged and removed, always under the store's lock file, so that a daemon that
/// starts at the same moment waits or is left alone. A file that is not this user's own segment, socket or lock is never
/// removed: the error Squatted names it.
#pragma once

#include <string>
#include <vector>

#include <ndshare/admin.h>

#include "client/address.h"

namespace ndshare::internal {

/// What `stop` does where no daemon serves the store: with `force` removes everything that is left of it. False where nothing
/// is left.   REQUIRES: the store is this user's.
///   Errors: NoSuchStore without `force` (what is left, and the ways out), or with `keep` (nothing to do); Busy while a daemon
///   starts or ends; Squatted.
bool stop_without_daemon(const StoreAddress& address, bool force, bool keep);

/// Removes the files of one private store of this user if nobody lives behind them; false where it is left alone.
///   Errors: Damaged, LayoutVersion, Squatted (then nothing was removed).
bool remove_if_orphan(const std::string& name);

/// Who stands behind the files of this user's store, and what they are. Reads only, takes no lock.   Errors: none.
admin::StoreFiles judge_store(const std::string& name);

/// What admin::remove_leftovers() does.   Errors: Squatted.
std::vector<std::string> remove_unusable(const std::string& name);

}  // namespace ndshare::internal
