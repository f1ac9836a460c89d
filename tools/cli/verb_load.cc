// ndshare load: the arrays of a save come back into a running store, all of them or none.
#include <memory>
#include <ostream>

#include <ndshare/admin.h>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/progress.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct LoadFlags {
  std::string folder;
  bool replace = false;
};

int load(const LoadFlags& flags, Context& context) {
  admin::SaveReport report;
  double seconds = 0;
  {
    ProgressBar bar(context.err, context.progress);
    const auto draw = bar.callback();
    admin::Progress progress;
    if (draw)
      progress = [&](std::uint64_t done, std::uint64_t all) {
        draw(static_cast<std::int64_t>(done), static_cast<std::int64_t>(all));
      };
    report = admin::load(context.store, flags.folder, flags.replace, progress, context.timeout());
    seconds = bar.seconds();
  }
  if (context.json) {
    print_json(context.out,
               {{"directory", flags.folder}, {"arrays", report.arrays}, {"bytes", report.bytes}, {"seconds", seconds}});
  } else {
    context.out << internal::format_count(report.arrays) << (report.arrays == 1 ? " array, " : " arrays, ")
                << internal::format_bytes(report.bytes) << " loaded, " << internal::format_seconds(seconds) << ", "
                << format_rate(static_cast<std::int64_t>(report.bytes), seconds) << '\n';
  }
  return 0;
}

}  // namespace

Logic setup_load(Flags& flags) {
  auto chosen = std::make_shared<LoadFlags>();
  flags.word(chosen->folder, "DIR", "what ndshare save left there");
  flags.flag(chosen->replace, "--replace", "take names over; readers keep the old arrays");
  return [chosen](Context& context) { return load(*chosen, context); };
}

}  // namespace ndshare::cli
