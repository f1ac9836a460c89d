// ndshare save: a store becomes files in a folder, for an upgrade or a reboot.
#include <memory>
#include <ostream>

#include <ndshare/admin.h>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/progress.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

/// Says so where no daemon serves: then only the owner may, and writers are not waited for in a queue.
void note_missing_daemon(Context& context) {
  try {
    if (admin::status(context.store, context.timeout()).pid == 0)
      context.err << "ndshare: no daemon runs; read from the segments\n";
  } catch (const Error&) {
    // The save says better what is wrong.
  }
}

int save(const std::string& folder, Context& context) {
  note_missing_daemon(context);
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
    report = admin::save(context.store, folder, progress, context.timeout());
    seconds = bar.seconds();
  }
  if (context.json) {
    print_json(context.out,
               {{"directory", folder}, {"arrays", report.arrays}, {"bytes", report.bytes}, {"seconds", seconds}});
  } else {
    context.out << internal::printable(folder) << ": " << internal::format_count(report.arrays)
                << (report.arrays == 1 ? " array, " : " arrays, ") << internal::format_bytes(report.bytes) << ", "
                << internal::format_seconds(seconds) << ", "
                << format_rate(static_cast<std::int64_t>(report.bytes), seconds) << '\n';
  }
  return 0;
}

}  // namespace

Logic setup_save(Flags& flags) {
  auto folder = std::make_shared<std::string>();
  flags.word(*folder, "DIR", "made; a save that is there is replaced as a whole");
  return [folder](Context& context) { return save(*folder, context); };
}

}  // namespace ndshare::cli
