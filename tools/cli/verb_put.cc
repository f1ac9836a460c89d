// ndshare put: a file becomes an array.
#include <memory>
#include <ostream>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/append.h"
#include "tools/cli/describe.h"
#include "tools/cli/progress.h"
#include "tools/cli/transfer.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct PutFlags {
  std::string name, file, format;
  CsvChoice csv;
  bool seal = false, replace = false, append = false;
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

void report(const std::vector<Appended>& done, double seconds, Context& context) {
  std::int64_t nbytes = 0;
  Json arrays = Json::array();
  for (const auto& part : done) {
    nbytes += part.nbytes;
    auto json = to_json(part.array.info());
    json["appended_rows"] = part.rows;
    arrays.push_back(std::move(json));
    if (context.json) continue;
    context.out << part.array.name() << ": " << internal::format_count(static_cast<std::uint64_t>(part.rows))
                << (part.rows == 1 ? " row appended, " : " rows appended, ")
                << internal::format_count(static_cast<std::uint64_t>(part.array.shape()[0])) << " now\n";
  }
  if (context.json) return print_json(context.out, {{"arrays", arrays}, {"nbytes", nbytes}, {"seconds", seconds}});
  context.out << internal::format_seconds(seconds) << ", " << format_rate(nbytes, seconds) << '\n';
}

int append(const PutFlags& flags, const std::string& format, Context& context) {
  if (!flags.attrs.empty())
    throw Error(ErrorCode::Usage, "--attr is for a new array; --append leaves those of the present one as they are");
  Store store = context.connect();
  std::vector<Appended> done;
  double seconds = 0;
  {
    ProgressBar bar(context.err, context.progress);
    done = append_file(store, flags.name, flags.file, format, flags.csv, bar.callback());
    seconds = bar.seconds();
  }
  if (flags.seal) {
    for (auto& part : done) part.array.seal();
  }
  report(done, seconds, context);
  return 0;
}

int put(const PutFlags& flags, Context& context) {
  const auto format = file_format(flags.format, flags.file);
  if (!flags.csv.dtype.empty() && format != "csv")
    throw Error(ErrorCode::Usage, "--dtype is for CSV; a ." + format + " file says its dtypes itself");
  if (!flags.csv.missing.empty() && format != "csv")
    throw Error(ErrorCode::Usage, "--missing is for CSV; a ." + format + " file has a value everywhere");
  if (flags.append) return append(flags, format, context);
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
  flags.flag(chosen->append, "--append", "the file's rows go behind those of NAME");
  flags.exclude("--append", "--replace");
  flags.texts(chosen->attrs, "--attr", "key=value kept with the array (may be repeated)");
  return [chosen](Context& context) { return put(*chosen, context); };
}

}  // namespace ndshare::cli
