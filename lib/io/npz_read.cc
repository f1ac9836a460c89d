// .npz files read: zip archives of .npy members. What the directory of a zip says is a claim until the bytes agree.
#include <ndshare/io.h>

#include "lib/base/text.h"
#include "lib/io/file.h"
#include "lib/io/zip_handle.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <unordered_map>

#include <unistd.h>

namespace ndshare {
namespace {

using internal::format_error;

constexpr std::string_view kSuffix = ".npy";
constexpr std::uint64_t kMaxInflation = 1032;  ///< deflate cannot do better. Source: zlib's technical notes
constexpr std::uint64_t kInflationSlack = 1024;
constexpr std::uint64_t kMaxMembers = 1'000'000;

struct Member {
  zip_uint64_t index = 0;
  std::int64_t size = 0;  ///< claimed bytes, uncompressed
};

class ZipSource final : public Source {
 public:
  ZipSource(internal::ZipFileHandle file, std::int64_t size, std::string name)
      : Source(std::move(name)), file_(std::move(file)), size_(size) {}

  std::size_t read(std::byte* into, std::size_t count) override {
    if (count == 0) return 0;
    const zip_int64_t n = zip_fread(file_.get(), into, count);
    if (n >= 0) return static_cast<std::size_t>(n);
    format_error(name(),
                 "damaged member of the zip file: " + std::string(zip_error_strerror(zip_file_get_error(file_.get()))));
  }
  std::optional<std::int64_t> length() const override { return size_; }
  bool length_is_a_claim() const override { return true; }

 private:
  internal::ZipFileHandle file_;
  std::int64_t size_;
};

/// Standard input and pipes, kept in an unnamed temporary file: a zip's directory is at its end.
std::FILE* spool(Source& source) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  if (!file) internal::io_error("make a temporary file for", source.name(), errno);
  const auto block = std::make_unique<std::byte[]>(internal::kBlockBytes);
  while (const std::size_t n = source.read(block.get(), internal::kBlockBytes)) {
    internal::write_all(::fileno(file.get()), {block.get(), n}, "the temporary file for " + source.name());
  }
  const int copy = ::dup(::fileno(file.get()));
  std::FILE* result = copy >= 0 ? ::fdopen(copy, "rb") : nullptr;
  if (result == nullptr) internal::io_error("read the temporary file for", source.name(), errno);
  std::rewind(result);
  return result;
}

struct Opened {
  internal::ZipHandle archive;
  std::int64_t file_bytes = 0;
};

Opened open_archive(const std::string& path) {
  zip_error_t error;
  zip_error_init(&error);
  const std::unique_ptr<zip_error_t, void (*)(zip_error_t*)> cleanup(&error, &zip_error_fini);
  const auto source = open_source(path);
  const auto length = source->length();
  std::FILE* spooled = length ? nullptr : spool(*source);
  const auto real_length = length ? length : internal::regular_length(::fileno(spooled), source->name());
  zip_source_t* bytes =
      length ? zip_source_file_create(path.c_str(), 0, 0, &error) : zip_source_filep_create(spooled, 0, 0, &error);
  if (bytes == nullptr) {
    if (spooled != nullptr) std::fclose(spooled);
    internal::zip_failure("open", source->name(), &error);
  }
  Opened result{internal::ZipHandle(zip_open_from_source(bytes, ZIP_RDONLY, &error))};
  if (!result.archive) {
    zip_source_free(bytes);
    internal::zip_failure("read the zip file", source->name(), &error);
  }
  result.file_bytes = real_length.value_or(0);
  return result;
}

/// A size that this many compressed bytes can give.
void check_size(const zip_stat_t& stat, std::int64_t file_bytes, const std::string& name) {
  const bool stored = stat.comp_method == ZIP_CM_STORE;
  if (!stored && stat.comp_method != ZIP_CM_DEFLATE) {
    format_error(
        name, "compression method " + std::to_string(stat.comp_method) + "; stored (0) and deflated (8) can be read");
  }
  const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool fits = stat.comp_size <= static_cast<std::uint64_t>(file_bytes) && stat.size <= limit;
  const bool possible = stored ? stat.size == stat.comp_size
                               : stat.size / kMaxInflation <= stat.comp_size &&
                                     stat.size <= stat.comp_size * kMaxInflation + kInflationSlack;
  if (fits && possible) return;
  format_error(name, "the zip file says that " + std::to_string(stat.comp_size) + " compressed bytes give " +
                         std::to_string(stat.size) + ", which they cannot (file: " + std::to_string(file_bytes) +
                         " bytes)");
}

}  // namespace

struct NpzReader::State {
  std::string file;
  std::int64_t file_bytes = 0;
  std::int64_t member_bytes = 0;  ///< of the members so far, compressed
  internal::ZipHandle archive{};
  std::vector<std::string> names{};
  std::unordered_map<std::string, Member> members{};

  void add(zip_uint64_t index) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(archive.get(), index, ZIP_FL_ENC_RAW, &stat) != 0) {
      internal::zip_failure("read the directory of", file, zip_get_error(archive.get()));
    }
    constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((stat.valid & kNeeded) != kNeeded)
      format_error(file, "member " + std::to_string(index) + " has no name or size");
    std::string_view name = stat.name;
    const std::string shown = "member '" + internal::printable(name.substr(0, 80)) + "' ";
    if (!name.ends_with(kSuffix)) format_error(file, shown + "is no .npy file");
    name.remove_suffix(kSuffix.size());
    if (const auto fault = internal::npz_name_fault(name); !fault.empty()) {
      format_error(file, shown + "cannot be an array: its name " + std::string(fault));
    }
    if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE) {
      format_error(file, shown + "is encrypted, which is not supported");
    }
    check_size(stat, file_bytes, file + ":" + internal::printable(name));
    // Members that lie over one another would let a small file grow without end.
    if (stat.comp_size > static_cast<std::uint64_t>(file_bytes - member_bytes)) {
      format_error(file, shown + "and those before it take more than the file's " + std::to_string(file_bytes) +
                             " bytes: its members overlap");
    }
    member_bytes += static_cast<std::int64_t>(stat.comp_size);
    const Member member{index, static_cast<std::int64_t>(stat.size)};
    if (!members.emplace(std::string(name), member).second) format_error(file, shown + "is there twice");
    names.emplace_back(name);
  }
};

NpzReader::NpzReader(const std::string& path) : state_(std::make_unique<State>()) {
  state_->file = path == "-" ? "<stdin>" : path;
  auto [archive, file_bytes] = open_archive(path);
  state_->archive = std::move(archive);
  state_->file_bytes = file_bytes;
  const zip_int64_t count = zip_get_num_entries(state_->archive.get(), 0);
  if (count < 0 || static_cast<zip_uint64_t>(count) > kMaxMembers) {
    format_error(state_->file,
                 "the zip file has " + std::to_string(count) + " members; the limit is " + std::to_string(kMaxMembers));
  }
  for (zip_uint64_t index = 0; index < static_cast<zip_uint64_t>(count); ++index) state_->add(index);
}

NpzReader::~NpzReader() = default;

const std::vector<std::string>& NpzReader::names() const noexcept { return state_->names; }

std::unique_ptr<Source> NpzReader::open(std::string_view name) {
  const auto found = state_->members.find(std::string(name));
  if (found == state_->members.end()) {
    std::string there;
    for (std::size_t i = 0; i < std::min<std::size_t>(state_->names.size(), 20); ++i) {
      there += (i == 0 ? "" : ", ") + state_->names[i];
    }
    throw Error(ErrorCode::Usage, state_->file + " has no array '" + internal::printable(name) + "'; it has " +
                                      std::to_string(state_->names.size()) + ": " + there);
  }
  internal::ZipFileHandle file(zip_fopen_index(state_->archive.get(), found->second.index, 0));
  const std::string full = state_->file + ":" + found->first;
  if (!file) internal::zip_failure("read", full, zip_get_error(state_->archive.get()));
  return std::make_unique<ZipSource>(std::move(file), found->second.size, full);
}

NamedArrays load_npz(const std::string& path, const LoadOptions& options) {
  NpzReader reader(path);
  NamedArrays arrays;
  for (const std::string& name : reader.names()) {
    const auto source = reader.open(name);
    arrays.emplace_back(name, read_npy(*source, read_npy_header(*source), options));
  }
  return arrays;
}

}  // namespace ndshare
