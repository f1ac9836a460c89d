// ndshare get: an array, or a part of it, becomes a file.
#include <memory>
#include <ostream>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/progress.h"
#include "tools/cli/reader.h"
#include "tools/cli/transfer.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct GetFlags {
  std::string argument, file, format;
};

int get(const GetFlags& flags, Context& context) {
  const auto format = file_format(flags.format, flags.file);
  const Reader reader(context);
  const auto name = reader.parse(flags.argument).name;
  const auto array = reader.array(flags.argument);
  double seconds = 0;
  {
    ProgressBar bar(context.err, context.progress);
    write_file(flags.file, format, name, array, bar.callback());
    seconds = bar.seconds();
  }
  if (flags.file == "-") return 0;  // standard output has the array
  if (context.json) {
    print_json(context.out,
               {{"file", flags.file}, {"format", format}, {"nbytes", array.nbytes()}, {"seconds", seconds}});
  } else {
    context.out << flags.file << ": " << array.shape().str() << " of " << one_line(compact_dtype(array.dtype())) << ", "
                << internal::format_bytes(static_cast<std::uint64_t>(array.nbytes())) << ", "
                << internal::format_seconds(seconds) << ", " << format_rate(array.nbytes(), seconds) << '\n';
  }
  return 0;
}

}  // namespace

Logic setup_get(Flags& flags) {
  auto chosen = std::make_shared<GetFlags>();
  flags.word(chosen->argument, "NAME[INDEX]", "'a', 'a[0:10, ::2]', 'a.field[-1]'");
  flags.word(chosen->file, "FILE", ".npy, .npz or .csv; - for standard output");
  flags.choice(chosen->format, "--format", {"npy", "npz", "csv"}, "where the suffix does not tell (- is npy)");
  return [chosen](Context& context) { return get(*chosen, context); };
}

}  // namespace ndshare::cli
