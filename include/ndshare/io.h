// Arrays in files: NumPy's .npy and .npz, byte for byte, and CSV (csv.h). No pickles: object arrays are refused by name.
#pragma once

#include <ndshare/array.h>
#include <ndshare/csv.h>
#include <ndshare/export.h>
#include <ndshare/source.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ndshare {

// One call each ------------------------------------------------------------------------------------------------------

struct SaveOptions {
  Progress progress{};
};
struct LoadOptions {
  std::int64_t max_bytes = std::numeric_limits<std::int64_t>::max();  ///< of one array; larger ones are refused
  Progress progress{};
};

/// Writes `array` to a .npy file ("-": standard output), byte for byte as NumPy's `np.save`.
///   Dtypes: all.   Memory: any strides, no copy of the array; blocks of about 1 MiB.
///   Errors: Io; the file that was there stays when anything fails.
NDSHARE_API void save(const std::string& path, const Array& array, const SaveOptions& options = {});

/// Reads a .npy file ("-": standard input) into a new array on the heap; fortran_order gives an F-contiguous array.
///   Dtypes: all; the other byte order is swapped; bools become 0 or 1.   Memory: nothing larger than the file is allocated:
///   a header's word is compared with the file's length first, and a pipe is read in growing blocks.
///   Errors: Format (what, where, numbers), Io, MemoryGuard over `max_bytes`, Memory.
[[nodiscard]] NDSHARE_API Array load(const std::string& path, const LoadOptions& options = {});

using NamedArrays = std::vector<std::pair<std::string, Array>>;

struct SaveNpzOptions {
  bool compress = false;  ///< deflate, as np.savez_compressed
  Progress progress{};    ///< bytes of array data read; once for the checksum and the writing together
};

/// Writes arrays to a .npz file ("-": standard output) that np.load reads.
///   Errors: Usage for a name that is empty, repeated or path-like (see NpzReader); Io. The old file stays on failure.
NDSHARE_API void save_npz(const std::string& path, const NamedArrays& arrays, const SaveNpzOptions& options = {});

/// Reads every array of a .npz file ("-": standard input), in the file's order.   Errors: as `load`; Format for a bad zip.
[[nodiscard]] NDSHARE_API NamedArrays load_npz(const std::string& path, const LoadOptions& options = {});

// In parts, for data that go straight into shared memory -------------------------------------------------------------

/// What the header of a .npy file says.
struct NpyHeader {
  static constexpr std::int64_t kMaxBytes = 10'000;  ///< of the header's text, as NumPy ≥ 1.24

  DType dtype{};
  Shape shape{};
  Order order = Order::C;           ///< F for fortran_order
  std::vector<SwapRun> swaps{};     ///< what must be swapped to be native
  std::int64_t data_offset = 0;     ///< bytes from the start of the file to the first element
  std::int64_t data_bytes = 0;      ///< of all elements: shape × itemsize, checked
  std::optional<std::int64_t> file_bytes{};  ///< data_offset + data_bytes where the length was known and agreed
};

/// Reads and checks a header, and leaves `source` at the first element. Where the source knows its length (a file) that has
/// been compared already: short and long files are refused before anybody allocates.
///   Errors: Format: bad magic, unknown version, truncated, hostile or unknown header, object dtype, short or long file.
[[nodiscard]] NDSHARE_API NpyHeader read_npy_header(Source& source);

/// Reads the elements that follow `header` straight into `destination`, whatever its strides; nothing is copied in between
/// when its order is the header's. A following byte is an error, too: `source` must be at its end after the data.
///   Shapes: destination has the header's shape and dtype.   Errors: DtypeMismatch, ShapeMismatch, ReadOnly, Format, Io;
///   after an error the destination's content is unspecified.
NDSHARE_API void read_npy_into(Source& source, const NpyHeader& header, const Array& destination,
                               const Progress& progress = {});

/// Reads what follows `header` into a new heap array.   Errors: as `load`.
[[nodiscard]] NDSHARE_API Array read_npy(Source& source, const NpyHeader& header, const LoadOptions& options = {});

/// The header NumPy 1.24 writes for such an array: magic, version (1.0 where possible), literal, padding to 64 bytes.
[[nodiscard]] NDSHARE_API std::string npy_header_bytes(const DType& dtype, const Shape& shape, Order order = Order::C);

/// Writes header and elements: F-contiguous arrays as fortran_order, any other strides in C order, block by block.
///   Errors: Io. `sink.finish()` stays the caller's to call.
NDSHARE_API void write_npy(Sink& sink, const Array& array, const Progress& progress = {});

/// A .npz file opened for reading.
///
/// Opening reads the list of members only. Refused: members that are not .npy, that repeat, are encrypted, or have a
/// path-like name (absolute, a '.' or '..' or empty part, a backslash, control bytes); 'a/b' is a name as any other.
///   Threads: one at a time; sources must not outlive the reader.   Errors: Format, Io.
class NDSHARE_API NpzReader {
 public:
  explicit NpzReader(const std::string& path);
  ~NpzReader();
  NpzReader(const NpzReader&) = delete;
  NpzReader& operator=(const NpzReader&) = delete;

  /// Names without ".npy", in the file's order.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept;
  /// A member's bytes, for `read_npy_header` and `read_npy_into`. A size that the compressed bytes cannot give is refused
  /// here, one that they do not give while reading.   Errors: Usage for an unknown name (with the names there are), Format.
  [[nodiscard]] std::unique_ptr<Source> open(std::string_view name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ndshare
