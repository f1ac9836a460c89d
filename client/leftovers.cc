#include "client/leftovers.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "lib/shm/catalog_view.h"
#include "lib/shm/process.h"

namespace ndshare::internal {
namespace {

[[noreturn]] void squatted(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::Squatted, "'" + printable(path) + "' " + what + ": it is not removed; look at it, then remove it by hand",
              {{"path", path}});
}

/// The folder of the pool as the catalog's header says, if there is one that looks like it: its layout may be another build's.
std::string pool_folder(const Descriptor& catalog) {
  if (file_bytes(catalog.get()) < kPage) return {};
  const Mapping page(catalog.get(), 0, kPage, Mapping::Access::read_only);
  const auto& header = *page.at<CatalogHeader>(0);
  const auto length = ::strnlen(header.pool_dir, sizeof(header.pool_dir));
  if (header.magic != kCatalogMagic || length == sizeof(header.pool_dir) || header.pool_dir[0] != '/') return {};
  return {header.pool_dir, length};
}

/// Whether `path` is there; refuses what is not this user's own of that type.
bool is_own(const std::string& path, mode_t type, const char* what) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return false;
  if ((info.st_mode & S_IFMT) != type) squatted(path, std::string("is not a ") + what);
  if (info.st_uid != own_uid()) squatted(path, "belongs to uid " + std::to_string(info.st_uid));
  return true;
}

/// What is left of a store, every file verified, in the order of removal: where there is no catalog nothing depends on the rest.
/// The lock file is not among them.
std::vector<std::string> left_files(const std::string& name) {
  const auto uid = own_uid();
  const auto paths = segment_paths(uid, name);
  std::vector<std::string> found, rest = {paths.sync, paths.pool};
  if (const auto catalog = open_segment(paths.catalog, uid, Mapping::Access::read_only)) {
    found.push_back(paths.catalog);
    if (const auto folder = pool_folder(catalog); !folder.empty()) {
      const auto pool = segment_paths(uid, name, folder).pool;
      if (pool != paths.pool) rest.push_back(pool);
    }
  }
  for (const auto& path : rest) {
    if (open_segment(path, uid, Mapping::Access::read_only)) found.push_back(path);
  }
  if (is_own(paths.socket, S_IFSOCK, "socket")) found.push_back(paths.socket);
  return found;
}

std::string holder_of(const Descriptor& lock) {
  std::array<char, 32> text{};
  const auto got = ::pread(lock.get(), text.data(), text.size(), 0);
  std::uint64_t pid = 0;
  if (got > 0) std::from_chars(text.data(), text.data() + got, pid);
  return pid == 0 ? "another process" : "process " + std::to_string(pid);
}

/// Takes the store's lock file, made where it is missing; nothing where somebody else holds it (`holder` says who).
std::optional<Descriptor> take_lock(const std::string& path, std::string& holder) {
  while (true) {
    is_own(path, S_IFREG, "file");
    Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!lock) squatted(path, std::string("cannot be opened (") + std::strerror(errno) + ")");  // NOLINT: glibc's is per thread
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      holder = holder_of(lock);
      return std::nullopt;
    }
    struct stat mine {
    }, named{};
    const bool same = ::fstat(lock.get(), &mine) == 0 && ::lstat(path.c_str(), &named) == 0 && mine.st_ino == named.st_ino &&
                      mine.st_dev == named.st_dev;
    if (same) return lock;  // else a daemon that ended took the name away between open and flock
  }
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// Whether any process still stands behind a store's catalog: its daemon, or a client.
bool has_living(const CatalogView& view) {
  const auto& header = view.header();
  if (const auto pid = header.daemon_pid.load(); pid != 0 && process_alive(pid, header.daemon_start.load())) return true;
  for (std::uint32_t index = 0; index < header.max_clients; ++index) {
    const auto& slot = view.slot(index);
    if (slot_state(slot.id.load()) != SlotState::live) continue;
    const bool comparable = slot.pid_namespace.load() == own_pid_namespace();
    if (!comparable || process_alive(slot.pid.load(), slot.start.load())) return true;
  }
  return false;
}

void remove_files(const std::vector<std::string>& files, const std::string& lock) {
  for (const auto& path : files) ::unlink(path.c_str());
  ::unlink(lock.c_str());
}

}  // namespace

bool stop_without_daemon(const StoreAddress& address, bool force, bool keep) {
  const auto shown = address_text(address);
  const auto left = left_files(address.name);
  if (left.empty()) return false;
  if (!force || keep) {
    const auto way_out = keep ? "'; what it left is kept already, there is nothing to stop: " + joined(left)
                              : "'; it left behind " + joined(left) + ". `ndshare start --store " + shown +
                                    "` adopts it with everything in it, `ndshare stop --force --store " + shown + "` removes it";
    throw Error(ErrorCode::NoSuchStore, "no daemon runs for store '" + shown + way_out,
                {{"store", shown}, {"left_behind", "true"}});
  }
  const auto lock_path = segment_paths(address.uid, address.name).lock;
  std::string holder;
  const auto lock = take_lock(lock_path, holder);
  if (!lock) {
    throw Error(ErrorCode::Busy, "a daemon of store '" + shown + "' is starting or ending (" + holder +
                                     " holds its lock): try again",
                {{"store", shown}});
  }
  remove_files(left_files(address.name), lock_path);  // looked at again: what was seen before the lock may be gone
  return true;
}

bool remove_if_orphan(const std::string& name) {
  const auto paths = segment_paths(own_uid(), name);
  std::string holder;
  const auto lock = take_lock(paths.lock, holder);
  if (!lock) return false;
  const auto fd = open_segment(paths.catalog, own_uid(), Mapping::Access::read_only);
  if (!fd) {
    ::unlink(paths.lock.c_str());  // the store ended meanwhile, and the lock file may be ours
    return false;
  }
  const Mapping map(fd.get(), 0, file_bytes(fd.get()), Mapping::Access::read_only);
  const CatalogView view(map.data(), map.bytes());
  if (view.header().ephemeral.load() == 0 || has_living(view)) return false;
  remove_files(left_files(name), paths.lock);
  return true;
}

namespace {

using admin::StoreFiles;
using admin::StoreState;

/// Memory behind a path; 0 where it cannot be seen.
std::uint64_t memory_of(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_blocks) * 512 : 0;
}

/// Those of a store with a catalog.   Errors: LayoutVersion, Damaged, Squatted.
void judge_catalog(const std::string& path, StoreFiles& out) {
  const auto fd = open_segment(path, own_uid(), Mapping::Access::read_only);
  if (!fd) {
    out.state = StoreState::remains;
    return;
  }
  const Mapping map(fd.get(), 0, file_bytes(fd.get()), Mapping::Access::read_only);
  const CatalogView view(map.data(), map.bytes());
  const auto& header = view.header();
  const auto pid = header.daemon_pid.load();
  if (pid != 0 && process_alive(pid, header.daemon_start.load())) {
    out.state = StoreState::serving;
  } else if (has_living(view)) {
    out.state = StoreState::in_use;
  } else {
    out.state = header.ephemeral.load() != 0 ? StoreState::orphan : StoreState::kept;
  }
}

}  // namespace

StoreFiles judge_store(const std::string& name) {
  StoreFiles out;
  out.store = name;
  const auto paths = segment_paths(own_uid(), name);
  try {
    out.files = left_files(name);
    judge_catalog(paths.catalog, out);
  } catch (const Error& error) {
    out.state = error.code() == ErrorCode::LayoutVersion ? StoreState::other_layout : StoreState::unusable;
    out.problem = error.message();
  }
  struct stat info {};
  if (::lstat(paths.lock.c_str(), &info) == 0) out.files.push_back(paths.lock);
  for (const auto& path : out.files) out.bytes += memory_of(path);
  const bool has_socket = std::find(out.files.begin(), out.files.end(), paths.socket) != out.files.end();
  out.stale_socket = has_socket && out.state != StoreState::serving && out.state != StoreState::unusable &&
                     out.state != StoreState::other_layout;
  return out;
}

std::vector<std::string> remove_unusable(const std::string& name) {
  const auto paths = segment_paths(own_uid(), name);
  std::string holder;
  const auto lock = take_lock(paths.lock, holder);
  if (!lock) return {};  // a daemon starts, serves or ends: it sees to its files
  auto seen = judge_store(name);
  if (seen.state == StoreState::orphan || seen.state == StoreState::remains) {
    remove_files(seen.files, paths.lock);
    return seen.files;
  }
  if (!seen.stale_socket || ::unlink(paths.socket.c_str()) != 0) return {};
  return {paths.socket};
}

}  // namespace ndshare::internal
