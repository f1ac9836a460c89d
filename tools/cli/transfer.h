/// Arrays from files and into files, for `put` and `get`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ndshare/array.h>
#include <ndshare/source.h>
#include <ndshare/store.h>

namespace ndshare::cli {

/// "npy", "npz" or "csv": the one asked for, else by the file's suffix, else npy for "-".
///   Errors: Format for another suffix.
[[nodiscard]] std::string file_format(const std::string& asked, const std::string& file);

/// Arrays of one `put`: none of them can be seen before commit(), and none is left without it.
class Upload {
 public:
  Upload(Store& store, CreateOptions options) : store_(store), options_(std::move(options)) {}
  /// Leaves nothing behind unless commit() returned.
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// A new array, and its bytes to fill until the next add().   Errors: as Store::create().
  Array add(const std::string& name, const DType& dtype, const Shape& shape, Order order = Order::C);
  /// Makes everything visible, sealed where wanted.   REQUIRES: the arrays of add() are gone.
  void commit(bool seal);

  [[nodiscard]] const std::vector<SharedArray>& arrays() const { return arrays_; }
  [[nodiscard]] std::int64_t nbytes() const;

 private:
  Store& store_;
  CreateOptions options_;
  std::vector<SharedArray> arrays_;
  WriteGuard guard_;  ///< of the last one
  std::size_t visible_ = 0;
  bool done_ = false;
};

/// What the user says of a CSV; empty: inferred, and no value for missing integers.
struct CsvChoice {
  std::string dtype, missing;
};

/// Reads a file straight into new shared arrays: the elements are written once, where they stay.
void read_npy_file(const std::string& file, const std::string& name, Upload& upload, const Progress& progress);
/// An array a member, named NAME/MEMBER.
void read_npz_file(const std::string& file, const std::string& name, Upload& upload, const Progress& progress);
/// Returns the report of what was inferred, or nothing.
std::string read_csv_file(const std::string& file, const std::string& name, const CsvChoice& choice, Upload& upload,
                          const Progress& progress);

/// Writes an array; a .npz gets one member, named by the last part of `name`.
void write_file(const std::string& file, const std::string& format, const std::string& name, const Array& array,
                const Progress& progress);

}  // namespace ndshare::cli
