// .npz files written: libzip pulls each member's bytes out of its array, so that nothing is held twice.
#include <ndshare/io.h>

#include "lib/base/text.h"
#include "lib/io/file.h"
#include "lib/io/transfer.h"
#include "lib/io/zip_handle.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <unordered_set>

#include <sys/stat.h>
#include <unistd.h>

namespace ndshare {
namespace {

/// What the members of one archive share.
struct Shared {
  const Progress& progress;
  std::int64_t done_bytes = 0, total_bytes = 0;
  std::exception_ptr failure{};  ///< libzip is C: what `progress` throws waits here
};

/// The bytes of a .npy file for one array, in order, as often as asked.
class NpyStream {
 public:
  NpyStream(const Array& array, Shared& shared)
      : order_(!array.is_c_contiguous() && array.is_f_contiguous() ? Order::F : Order::C),
        array_(order_ == Order::F ? array.transpose() : array),
        header_(npy_header_bytes(array.dtype(), array.shape(), order_)),
        shared_(shared) {}

  [[nodiscard]] std::int64_t total_bytes() const { return static_cast<std::int64_t>(header_.size()) + array_.nbytes(); }

  void rewind() {
    transfer_.emplace(array_.layout(), array_.itemsize());
    elements_ = 0;
    pending_ = std::as_bytes(std::span(header_.data(), header_.size()));
  }

  std::size_t read(std::byte* into, std::size_t count) {
    std::size_t done = 0;
    while (done < count && (!pending_.empty() || refill())) {
      const std::size_t n = std::min(count - done, pending_.size());
      std::memcpy(into + done, pending_.data(), n);
      pending_ = pending_.subspan(n);
      done += n;
    }
    return done;
  }

  Shared& shared() noexcept { return shared_; }
  zip_error_t error{};

 private:
  bool refill() {
    const std::int64_t itemsize = array_.itemsize(), left = array_.size() - elements_;
    if (left <= 0) return false;
    const std::int64_t n =
        std::min(left, std::max<std::int64_t>(1, static_cast<std::int64_t>(internal::kBlockBytes) / itemsize));
    block_.resize(static_cast<std::size_t>(n * itemsize));
    transfer_->gather(array_.buffer()->data(), block_.data(), n);
    elements_ += n;
    pending_ = block_;
    shared_.done_bytes += n * itemsize;
    if (shared_.progress) shared_.progress(shared_.done_bytes, shared_.total_bytes);
    return true;
  }

  Order order_;
  Array array_;
  std::string header_;
  Shared& shared_;
  std::optional<internal::Transfer> transfer_{};
  std::int64_t elements_ = 0;  ///< gathered so far
  std::vector<std::byte> block_{};
  std::span<const std::byte> pending_{};
};

zip_int64_t read_stream(NpyStream& stream, void* data, zip_uint64_t length) noexcept {
  try {
    return static_cast<zip_int64_t>(stream.read(static_cast<std::byte*>(data), length));
  } catch (...) {
    stream.shared().failure = std::current_exception();
    zip_error_set(&stream.error, ZIP_ER_CANCELLED, 0);
    return -1;
  }
}

/// libzip's callback: see zip_source_function(3).
zip_int64_t pull(void* user, void* data, zip_uint64_t length, zip_source_cmd_t command) noexcept {
  auto& stream = *static_cast<NpyStream*>(user);
  switch (command) {
    case ZIP_SOURCE_OPEN:
      stream.rewind();
      return 0;
    case ZIP_SOURCE_READ:
      return read_stream(stream, data, length);
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
      return 0;
    case ZIP_SOURCE_STAT: {
      auto* stat = ZIP_SOURCE_GET_ARGS(zip_stat_t, data, length, &stream.error);
      if (stat == nullptr) return -1;
      zip_stat_init(stat);
      stat->size = static_cast<zip_uint64_t>(stream.total_bytes());
      stat->valid |= ZIP_STAT_SIZE;
      return static_cast<zip_int64_t>(sizeof(*stat));
    }
    case ZIP_SOURCE_ERROR:
      return zip_error_to_data(&stream.error, data, length);
    case ZIP_SOURCE_SUPPORTS:
      return ZIP_SOURCE_SUPPORTS_READABLE;
    default:
      zip_error_set(&stream.error, ZIP_ER_OPNOTSUPP, 0);
      return -1;
  }
}

void check_names(const NamedArrays& arrays) {
  std::unordered_set<std::string> seen;
  if (arrays.empty()) throw Error(ErrorCode::Usage, "no arrays to write; a .npz file has at least one");
  for (const auto& [name, array] : arrays) {
    const std::string shown = "'" + internal::printable(name.substr(0, 80)) + "'";
    if (const auto fault = internal::npz_name_fault(name); !fault.empty()) {
      throw Error(ErrorCode::Usage, "the name " + shown + " of an array " + std::string(fault));
    }
    if (!seen.insert(name).second) throw Error(ErrorCode::Usage, "two arrays are named " + shown);
  }
}

/// Adds one member; `stream` must live until the archive is closed.
void add_member(zip_t* archive, const std::string& file, const std::string& name, NpyStream& stream, bool compress) {
  zip_source_t* source = zip_source_function(archive, &pull, &stream);
  if (source == nullptr) internal::zip_failure("write", file, zip_get_error(archive));
  const zip_int64_t index = zip_file_add(archive, (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    internal::zip_failure("write", file, zip_get_error(archive));
  }
  const auto at = static_cast<zip_uint64_t>(index);
  // The first day a zip can name, as Python's zipfile: equal arrays give equal files.
  constexpr zip_uint16_t kDosTime = 0, kDosDate = (1 << 5) | 1;
  if (zip_set_file_compression(archive, at, compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, at, kDosTime, kDosDate, 0) != 0) {
    internal::zip_failure("write", file, zip_get_error(archive));
  }
}

/// Writes the archive to a path that is a regular file or nothing; libzip writes beside it and renames.
void write_archive(const std::string& path, const NamedArrays& arrays, const SaveNpzOptions& options) {
  int code = 0;
  internal::ZipHandle archive(zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::unique_ptr<zip_error_t, void (*)(zip_error_t*)> cleanup(&error, &zip_error_fini);
    internal::zip_failure("write", path, &error);
  }
  Shared shared{options.progress};
  std::vector<std::unique_ptr<NpyStream>> streams;
  for (const auto& [name, array] : arrays) {
    shared.total_bytes += array.nbytes();
    streams.push_back(std::make_unique<NpyStream>(array, shared));
    add_member(archive.get(), path, name, *streams.back(), options.compress);
  }
  if (zip_close(archive.get()) != 0) {
    if (shared.failure) {
      archive.reset();  // before the streams that it still points to
      std::rethrow_exception(shared.failure);
    }
    const std::string reason = zip_strerror(archive.get());
    archive.reset();
    throw Error(ErrorCode::Io, "cannot write " + path + ": " + reason, {{"file", path}});
  }
  static_cast<void>(archive.release());  // zip_close freed it
}

/// A folder for one temporary file.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "ndshare-npz-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) internal::io_error("make a temporary folder", path_, errno);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string file() const { return path_ + "/arrays.npz"; }

 private:
  std::string path_;
};

bool is_replaceable(const std::string& path) {
  struct stat status {};
  return path != "-" && (::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode));
}

}  // namespace

void save_npz(const std::string& path, const NamedArrays& arrays, const SaveNpzOptions& options) {
  check_names(arrays);
  if (is_replaceable(path)) return write_archive(path, arrays, options);
  // A zip is not written in order: pipes get a finished copy.
  const TemporaryFolder folder;
  write_archive(folder.file(), arrays, options);
  const auto source = open_source(folder.file());
  const auto sink = open_sink(path);
  const auto block = std::make_unique<std::byte[]>(internal::kBlockBytes);
  while (const std::size_t n = source->read(block.get(), internal::kBlockBytes)) sink->write({block.get(), n});
  sink->finish();
}

}  // namespace ndshare
