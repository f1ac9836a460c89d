/// The format of a save: what `ndshare save DIR` leaves in DIR. Stable across versions; `ndshare load DIR` reads it.
///
///   DIR/manifest.jsonl    JSON Lines: what the save is; a line an array; a last line with the checksum of it all
///   DIR/data/000000.npy   the elements of an array, as NumPy's np.load reads them
///
/// Array names belong in the manifest only: files are numbered. Lines of the manifest (numbers are decimal):
///   {"ndshare_save":1,"needs":"0.1.0","written_by":"0.1.0","store":"etl","unix_ns":…,"block_bytes":16777216}
///   {"name":"market/prices","file":"data/000000.npy","dtype":"<f4","shape":[1000,3],"order":"C","bytes":12000,
///    "header_bytes":128,"crc32c":[…],"version":17,"created_unix_ns":…}        and where it applies: "sealed":1,
///    "attrs":{…}, "snapshot_of_version":16, "opaque":1, "torn":[lo,hi,pid,unix_ns, lo,hi,…]
///   {"arrays":1,"crc32c":…}
/// "crc32c" of an array: of the file's header, then of each `block_bytes` of its data. "opaque": a .npy header cannot
/// say this dtype (fields overlap or are out of order), so the file's own header calls the elements '|V12', bytes.
///
/// Every later format keeps the first line's "ndshare_save" (the format), "written_by" and "needs" (the first ndshare
/// that reads it), and the last line as it is: an older ndshare can tell a newer save from a damaged one and say what
/// reads it. Readers pass over fields that they do not know; one that must not be passed over makes a new format.
///
/// What does not come back: version and revision numbers, who made an array and when, and what a snapshot was of: it
/// becomes a sealed array of its own (with bytes of its own). The manifest tells all of these to people.
///   Threads: pure functions of values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ndshare/shared_array.h>

namespace ndshare::internal {

inline constexpr std::int64_t kSaveFormat = 1;
inline constexpr std::string_view kSaveNeeds = "0.1.0";      ///< the first version that reads kSaveFormat
inline constexpr std::int64_t kSaveBlockBytes = 16LL << 20;  ///< of data under one checksum
inline constexpr std::string_view kManifestFile = "manifest.jsonl", kDataFolder = "data";

/// One array of a save.
struct SavedArray {
  std::string name, file;
  DType dtype;
  Shape shape;
  Order order = Order::C;
  std::int64_t nbytes = 0, header_bytes = 0;
  std::vector<std::uint32_t> crcs;  ///< of the header, then of each block
  bool sealed = false, snapshot = false, opaque = false;
  std::uint64_t version = 0, source_version = 0, created_unix_ns = 0;
  Attrs attrs;
  std::vector<TornRows> torn;
};

struct Manifest {
  std::string written_by, store;
  std::uint64_t unix_ns = 0;
  std::int64_t block_bytes = kSaveBlockBytes;
  std::vector<SavedArray> arrays;
};

/// Blocks of data that have a checksum each.
constexpr std::int64_t block_count(std::int64_t nbytes, std::int64_t block_bytes) {
  return nbytes / block_bytes + (nbytes % block_bytes != 0 ? 1 : 0);
}

/// "data/000012.npy": where the array of this number goes.
std::string data_file_name(std::size_t number);
/// Whether `name` (without a folder) is one that data_file_name() gives.
bool is_data_file_name(std::string_view name);

/// The header of an array's .npy file; sets `opaque` and `header_bytes`.
std::string make_header(SavedArray& array);
/// Whether a file's header is of an array like this.
bool header_says(std::string_view header, const SavedArray& array);

std::string encode_manifest(const Manifest& manifest);
/// Reads and checks everything that a manifest says. `file`: for messages.
///   Errors: Format (damaged: what and where; newer: which ndshare reads it).
Manifest decode_manifest(std::string_view text, const std::string& file);

}  // namespace ndshare::internal
