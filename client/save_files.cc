#include "client/save_files.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/save_format.h"
#include "lib/base/text.h"
#include "lib/exec/parallel.h"

namespace ndshare::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStagingMark = ".saving-";
constexpr std::size_t kSyncOneByOne =
    256;  // files: above, a sync of the whole file system costs less than each by itself

constexpr int kSwapAttempts = 10;
constexpr std::uintmax_t kMaxManifestBytes = 2ULL << 30;

/// What is at a path, as far as a save may take its place.
enum class Found : std::uint8_t { nothing, empty, save };

[[noreturn]] void not_a_save(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::Io,
              "'" + printable(path) + "' " + what + ": nothing was written; give another folder, or empty this one",
              {{"path", path}});
}

Found inspect_data(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!is_data_file_name(name))
      not_a_save(folder.parent_path().string(), "holds '" + printable(name) + "', which is no file of a save");
  }
  return Found::save;
}

/// Errors: Io where something is there that a save must not replace.
Found inspect(const std::string& path) {
  std::error_code error;
  const auto status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return Found::nothing;
  if (error) io_error("inspect", path, error.value());
  if (status.type() != fs::file_type::directory) not_a_save(path, "is not a folder");
  auto found = Found::empty;
  bool data = false;
  try {
    for (const auto& entry : fs::directory_iterator(path)) {
      const auto name = entry.path().filename().string();
      if (name == kManifestFile)
        found = Found::save;
      else if (name == kDataFolder && entry.is_directory() && !entry.is_symlink())
        data = inspect_data(entry.path()) == Found::save;
      else
        not_a_save(path, "holds '" + printable(name) + "', which is no part of a save");
    }
  } catch (const fs::filesystem_error& problem) {
    io_error("read", path, problem.code().value());
  }
  if (data && found == Found::empty)
    not_a_save(path, "has a folder '" + std::string(kDataFolder) + "' but no manifest of a save");
  return found;
}

/// Removes the files that a save consists of, and the folder when nothing else is in it.
void remove_save(const std::string& folder) noexcept {
  std::error_code ignored;
  const fs::path data = fs::path(folder) / kDataFolder;
  if (fs::is_directory(fs::symlink_status(data, ignored))) {
    for (fs::directory_iterator at(data, ignored), end; !ignored && at != end; at.increment(ignored)) {
      if (is_data_file_name(at->path().filename().string())) ::unlink(at->path().c_str());
    }
  }
  ::rmdir(data.c_str());
  ::unlink((fs::path(folder) / kManifestFile).c_str());
  ::rmdir(folder.c_str());
}

UniqueFd open_folder(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/// "4711-0" behind the mark: what a saver of this program makes.
bool is_staging_suffix(std::string_view suffix) {
  const auto dash = suffix.find('-');
  return dash != std::string_view::npos && parse_int(suffix.substr(0, dash)) && parse_int(suffix.substr(dash + 1));
}

/// Removes what killed savers of this target left: folders of the pattern that nobody has locked.
void remove_stale(const std::string& parent, const std::string& prefix) noexcept {
  std::error_code ignored;
  for (fs::directory_iterator at(parent, ignored), end; !ignored && at != end; at.increment(ignored)) {
    const auto name = at->path().filename().string();
    if (!name.starts_with(prefix) || !is_staging_suffix(std::string_view(name).substr(prefix.size()))) continue;
    const auto fd = open_folder(at->path().string());
    struct stat status {};
    if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0 || status.st_uid != ::geteuid()) continue;
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) remove_save(at->path().string());
  }
}

[[noreturn]] void cannot_exchange(const std::string& path) {
  throw Error(ErrorCode::NotSupported,
              "the file system of '" + printable(path) +
                  "' cannot exchange two folders, so the save in it stays: save into a new folder",
              {{"path", path}});
}

/// DIR without links, dots and a slash at its end.
fs::path resolve_target(const std::string& directory) {
  std::error_code error;
  auto path = fs::weakly_canonical(fs::absolute(fs::path(directory)), error);
  if (error) io_error("find", directory, error.value());
  if (!path.has_filename()) path = path.parent_path();
  return path;
}

}  // namespace

Manifest read_manifest(const std::string& directory) {
  const auto path = directory + "/" + std::string(kManifestFile);
  std::error_code ignored;
  if (fs::is_directory(directory, ignored) && !fs::exists(path, ignored)) {
    throw Error(ErrorCode::Io, "'" + printable(directory) + "' is no save: it has no " + std::string(kManifestFile),
                {{"path", directory}});
  }
  const auto fd = open_to_read(path);
  const auto length = regular_length(fd.get(), path);
  if (!length || static_cast<std::uintmax_t>(*length) > kMaxManifestBytes) format_error(path, "damaged save: not a manifest of a save");
  std::string text(static_cast<std::size_t>(*length), '\0');
  text.resize(read_at(fd.get(), std::as_writable_bytes(std::span(text)), 0, path));
  return decode_manifest(text, path);
}

void save_crash_point(std::string_view name) noexcept {
  static std::atomic<long> passed{0};
  const char* text = std::getenv("NDSHARE_CRASH_AT");
  if (text == nullptr) [[likely]]
    return;
  const std::string_view wanted(text);
  const auto colon = wanted.find(':');
  if (name != wanted.substr(0, colon)) return;
  const long at = colon == std::string_view::npos ? 1 : std::strtol(text + colon + 1, nullptr, 10);
  if (++passed == at) std::raise(SIGKILL);
}

StagedFolder::StagedFolder(const std::string& directory) {
  if (directory.empty()) throw Error(ErrorCode::Usage, "a save needs the name of a folder");
  const auto target = resolve_target(directory);
  if (!target.has_filename())
    throw Error(ErrorCode::Usage,
                "a save cannot take the place of '" + printable(directory) + "': name a folder in it");
  target_ = target.string();
  parent_ = target.parent_path().string();
  static_cast<void>(inspect(target_));  // refused before anything is written
  remove_stale(parent_, target.filename().string() + std::string(kStagingMark));
  while (!make_and_lock()) {
  }
}

/// False where somebody took the new folder for a dead saver's before it was locked.
bool StagedFolder::make_and_lock() {
  static std::atomic<std::uint64_t> number{0};
  staging_ = target_ + std::string(kStagingMark) + std::to_string(::getpid()) + "-" + std::to_string(number++);
  if (::mkdir(staging_.c_str(), 0700) != 0) {
    if (errno == EEXIST) return false;  // of a process that had this pid and could not be cleaned away
    io_error("make", staging_, errno);
  }
  lock_ = open_folder(staging_);
  if (lock_.get() >= 0)
    static_cast<void>(::flock(lock_.get(), LOCK_EX));  // no locks there (some network disks): still safe alone
  struct stat made {
  }, there{};
  if (lock_.get() < 0 || ::fstat(lock_.get(), &made) != 0 || ::stat(staging_.c_str(), &there) != 0 ||
      made.st_ino != there.st_ino)
    return false;
  if (::mkdir(file(kDataFolder).c_str(), 0700) == 0) return true;
  const int problem = errno;
  ::rmdir(staging_.c_str());
  io_error("make", file(kDataFolder), problem);
}

StagedFolder::~StagedFolder() {
  if (!published_) remove_save(staging_);
}

void StagedFolder::swap_in() {
  for (int attempt = 1;; ++attempt) {
    replaces_ = inspect(target_) == Found::save;  // anew: another save may have come meanwhile
    // A save is exchanged, not renamed over: there is no moment without one. Else it takes the place of nothing or of
    // an empty folder, never of anything more.
    const int done = replaces_ ? ::renameat2(AT_FDCWD, staging_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE)
                               : ::rename(staging_.c_str(), target_.c_str());
    if (done == 0) return;
    if (replaces_ && (errno == EINVAL || errno == ENOSYS)) cannot_exchange(target_);
    const bool changed = errno == (replaces_ ? ENOENT : ENOTEMPTY) || errno == EEXIST;
    if (!changed || attempt == kSwapAttempts) io_error(replaces_ ? "replace" : "make", target_, errno);
  }
}

void StagedFolder::publish() {
  sync_path(file(kDataFolder));
  sync_path(staging_);
  save_crash_point("save.ready");
  swap_in();
  published_ = true;
  sync_path(parent_);
  save_crash_point("save.swapped");
  if (replaces_) remove_save(staging_);
  save_crash_point("save.done");
}

std::uint64_t free_disk_bytes(const std::string& path) noexcept {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0 || status.f_blocks == 0) return UINT64_MAX;
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

UniqueFd open_to_write(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) io_error("write", path, errno);
  return fd;
}

void write_at(int fd, std::span<const std::byte> bytes, std::int64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int problem = n == 0 ? ENOSPC : errno;
      if (problem != ENOSPC && problem != EDQUOT) io_error("write", path, problem);
      throw Error(ErrorCode::Io,
                  "cannot write " + printable(path) +
                      ": the disk is full (or the quota used up): " + format_bytes(free_disk_bytes(path)) + " are free",
                  {{"path", path}, {"errno", std::to_string(problem)}});
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
}

std::size_t read_at(int fd, std::span<std::byte> into, std::int64_t offset, const std::string& path) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto n = ::pread(fd, into.data() + done, into.size() - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno != EINTR) io_error("read", path, errno);
    if (n == 0) break;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return done;
}

void sync_path(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) io_error("write", path, errno);
}

void sync_files(const std::string& folder, std::span<const std::string> files) {
  if (files.size() <= kSyncOneByOne) {
    parallel_blocks(files.size(), 0, [&](std::size_t i) { sync_path(files[i]); });
    return;
  }
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::syncfs(fd.get()) != 0) io_error("write", folder, errno);
}

}  // namespace ndshare::internal
