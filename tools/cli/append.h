/// A file's rows behind those of arrays that are there, for `put --append`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ndshare/source.h>
#include <ndshare/store.h>

#include "tools/cli/transfer.h"

namespace ndshare::cli {

struct Appended {
  SharedArray array;
  std::int64_t rows = 0, nbytes = 0;
};

/// Reads a file and appends it to the array `name`; the members of a .npz to the arrays NAME/MEMBER, each by itself,
/// after all were found. A CSV is read with the array's dtype unless `csv` says otherwise.
///   Errors: NoSuchArray; as the readers of files, and SharedArray::append().
std::vector<Appended> append_file(Store& store, const std::string& name, const std::string& file,
                                  const std::string& format, const CsvChoice& csv, const Progress& progress);

}  // namespace ndshare::cli
