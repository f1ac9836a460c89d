#include "tools/cli/transfer.h"

#include <memory>

#include <unistd.h>

#include <ndshare/error.h>
#include <ndshare/io.h>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

void read_npy_member(Source& source, const std::string& name, Upload& upload, const Progress& progress) {
  const auto header = read_npy_header(source);
  read_npy_into(source, header, upload.add(name, header.dtype, header.shape, header.order), progress);
}

}  // namespace

std::string file_format(const std::string& asked, const std::string& file) {
  if (!asked.empty()) return asked;
  if (file == "-") return "npy";
  for (const char* format : {"npy", "npz", "csv"}) {
    if (file.ends_with(std::string(".") + format)) return format;
  }
  throw Error(
      ErrorCode::Format,
      "'" + internal::printable(file) + "': the suffix is none of .npy, .npz and .csv; say --format npy, npz or csv",
      {{"file", file}});
}

Upload::~Upload() {
  if (done_) return;
  guard_.abandon();              // unseen arrays end with their creator
  if (options_.replace) return;  // what was there before is gone for good: the new one is worth more than nothing
  for (std::size_t i = 0; i < visible_; ++i) {
    try {
      store_.remove(arrays_[i].name());
    } catch (const Error&) {
      // The store that could not finish the upload cannot undo it either.
    }
  }
}

Array Upload::add(const std::string& name, const DType& dtype, const Shape& shape, Order order) {
  auto options = options_;
  options.order = order;
  guard_.abandon();  // the one before stays unseen, as it is: a process has fewer claims than a file may have members
  arrays_.push_back(store_.create(name, dtype, shape, options));
  guard_ = arrays_.back().write({.overwrite = true});
  return guard_.array();
}

void Upload::commit(bool seal) {
  guard_.abandon();
  for (auto& array : arrays_) {
    if (seal) {
      array.seal();
    } else {
      array.write().release();
    }
    ++visible_;
  }
  done_ = true;
}

std::int64_t Upload::nbytes() const {
  std::int64_t total = 0;
  for (const auto& array : arrays_) total += array.nbytes();
  return total;
}

void read_npy_file(const std::string& file, const std::string& name, Upload& upload, const Progress& progress) {
  read_npy_member(*open_source(file), name, upload, progress);
}

void read_npz_file(const std::string& file, const std::string& name, Upload& upload, const Progress& progress) {
  // The directory of a zip file stands at its end.
  if (file == "-" && ::lseek(STDIN_FILENO, 0, SEEK_CUR) < 0)
    throw Error(ErrorCode::Io,
                "a .npz cannot be read from a pipe, its directory is at the end: save it as a file first, or redirect "
                "standard input from one");
  NpzReader reader(file);
  for (const auto& member : reader.names())
    read_npy_member(*reader.open(member), name + "/" + member, upload, progress);
}

std::string read_csv_file(const std::string& file, const std::string& name, const CsvChoice& choice, Upload& upload,
                          const Progress& progress) {
  CsvOptions options;
  if (!choice.dtype.empty()) options.dtype = DType::parse(choice.dtype);
  if (!choice.missing.empty()) options.missing = choice.missing;
  options.progress = progress;
  const auto scan = scan_csv(file, options);
  read_csv_into(scan, upload.add(name, scan.dtype, scan.shape), progress);
  return choice.dtype.empty() ? scan.report() : std::string();
}

void write_file(const std::string& file, const std::string& format, const std::string& name, const Array& array,
                const Progress& progress) {
  if (format == "csv") {
    write_csv(file, array, {.progress = progress});
  } else if (format == "npz") {
    save_npz(file, {{name.substr(name.rfind('/') + 1), array}}, {.progress = progress});
  } else {
    save(file, array, {.progress = progress});
  }
}

}  // namespace ndshare::cli
