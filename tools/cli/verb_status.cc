// ndshare status: the daemon, its memory and clients.
#include <ostream>

#include <ndshare/admin.h>

#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

int status(Context& context) {
  const auto info = admin::status(context.store, context.timeout());
  if (info.pid == 0) context.err << "ndshare: no daemon runs; read from the segments\n";
  describe(info).print(context);
  return 0;
}

}  // namespace

Logic setup_status(Flags& /*flags*/) { return status; }

}  // namespace ndshare::cli
