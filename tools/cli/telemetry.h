/// What `log`, `metrics` and completion share.
#pragma once

#include <ndshare/admin.h>
#include <ndshare/error.h>

#include "tools/cli/verb.h"

namespace ndshare::cli {

/// Reads from the segments. Where there is no store at all the error is that of the one who would connect: it knows how to
/// start one.
template <class F>
auto with_way_to_start(Context& context, F&& read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::NoSuchStore) static_cast<void>(admin::status(context.store, context.timeout()));
    throw;
  }
}

}  // namespace ndshare::cli
