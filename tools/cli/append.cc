#include "tools/cli/append.h"

#include <memory>

#include <ndshare/error.h>
#include <ndshare/io.h>

namespace ndshare::cli {
namespace {

Appended append(SharedArray array, const Array& rows) {
  array.append(rows);
  const bool one_row = rows.ndim() < array.ndim();
  return {array, one_row ? 1 : rows.shape(0), rows.nbytes()};
}

Array read_npy_rows(Source& source, const Progress& progress) {
  return read_npy(source, read_npy_header(source), {.progress = progress});
}

std::vector<Appended> append_npz(Store& store, const std::string& name, const std::string& file,
                                 const Progress& progress) {
  if (file == "-")
    throw Error(ErrorCode::Io, "the directory of a .npz is at its end: name the file instead of reading '-'");
  NpzReader reader(file);
  std::vector<SharedArray> arrays;
  for (const auto& member : reader.names()) arrays.push_back(store.open(name + "/" + member));
  std::vector<Appended> done;
  for (std::size_t i = 0; i < arrays.size(); ++i)
    done.push_back(append(arrays[i], read_npy_rows(*reader.open(reader.names()[i]), progress)));
  return done;
}

}  // namespace

std::vector<Appended> append_file(Store& store, const std::string& name, const std::string& file,
                                  const std::string& format, const CsvChoice& csv, const Progress& progress) {
  if (format == "npz") return append_npz(store, name, file, progress);
  const SharedArray array = store.open(name);
  if (format == "npy") return {append(array, read_npy_rows(*open_source(file), progress))};
  CsvOptions options;
  options.dtype = csv.dtype.empty() ? array.dtype() : DType::parse(csv.dtype);
  if (!csv.missing.empty()) options.missing = csv.missing;
  options.progress = progress;
  return {append(array, read_csv(file, options))};
}

}  // namespace ndshare::cli
