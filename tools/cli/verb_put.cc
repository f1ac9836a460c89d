// ndshare put: a file becomes an array.
#include <memory>
#include <ostream>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/progress.h"
#include "tools/cli/transfer.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct PutFlags {
  std::string name, file, format;
  CsvChoice csv;
  bool seal = false, replace = false;
  std::vector<std::string> attrs;
};

void report(const Upload& upload, double seconds, Context& context) {
  if (context.json) {
    Json arrays = Json::array();
    for (const auto& array : upload.arrays()) arrays.push_back(to_json(array.info()));
    print_json(context.out, {{"arrays", arrays}, {"nbytes", upload.nbytes()}, {"seconds", seconds}});
    return;
  }
  for (const auto& array : upload.arrays()) {
    const auto rows = array.ndim() == 0 ? 1 : array.shape()[0];
    context.out << array.name() << ": " << internal::format_count(static_cast<std::uint64_t>(rows))
                << (rows == 1 ? " row of " : " rows of ") << one_line(compact_dtype(array.dtype())) << ", "
                << internal::format_bytes(static_cast<std::uint64_t>(array.nbytes())) << '\n';
  }
  context.out << internal::format_seconds(seconds) << ", " << format_rate(upload.nbytes(), seconds) << '\n';
}

int put(const PutFlags& flags, Context& context) {
  const auto format = file_format(flags.format, flags.file);
  if (!flags.csv.dtype.empty() && format != "csv")
    throw Error(ErrorCode::Usage, "--dtype is for CSV; a ." + format + " file says its dtypes itself");
  if (!flags.csv.missing.empty() && format != "csv")
    throw Error(ErrorCode::Usage, "--missing is for CSV; a ." + format + " file has a value everywhere");
  CreateOptions options{.fill = Fill::empty, .attrs = parse_attrs(flags.attrs), .replace = flags.replace};
  Store store = context.connect();
  Upload upload(store, std::move(options));
  std::string inferred;
  double seconds = 0;
  {
    ProgressBar bar(context.err, context.progress);
    if (format == "npy") {
      read_npy_file(flags.file, flags.name, upload, bar.callback());
    } else if (format == "npz") {
      read_npz_file(flags.file, flags.name, upload, bar.callback());
    } else {
      inferred = read_csv_file(flags.file, flags.name, flags.csv, upload, bar.callback());
    }
    upload.commit(flags.seal);
    seconds = bar.seconds();
  }
  if (!inferred.empty()) context.err << inferred << (inferred.ends_with('\n') ? "" : "\n");
  report(upload, seconds, context);
  return 0;
}

}  // namespace

Logic setup_put(Flags& flags) {
  auto chosen = std::make_shared<PutFlags>();
  flags.word(chosen->name, "NAME", "of the array; those of a .npz become NAME/MEMBER");
  flags.word(chosen->file, "FILE", ".npy, .npz or .csv; - for standard input");
  flags.choice(chosen->format, "--format", {"npy", "npz", "csv"}, "where the suffix does not tell (- is npy)");
  flags.text(chosen->csv.dtype, "--dtype", "of a CSV: ts:M8[m],v:f4,id:U3 (default: inferred)");
  flags.text(chosen->csv.missing, "--missing", "of a CSV: the value of empty fields (else NaN, NaT)");
  flags.flag(chosen->seal, "--seal", "make it immutable at once");
  flags.flag(chosen->replace, "--replace", "take the name over; readers keep the old array");
  flags.texts(chosen->attrs, "--attr", "key=value kept with the array (may be repeated)");
  return [chosen](Context& context) { return put(*chosen, context); };
}

}  // namespace ndshare::cli
