#include "lib/shm/segment.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/permissions.hpp>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "lib/shm/fork_count.h"
#include "lib/shm/map_error.h"

namespace ndshare::internal {
namespace bip = boost::interprocess;
namespace {

constexpr std::string_view kFolder = "/dev/shm";

/// A descriptor as Boost.Interprocess wants to see something that can be mapped (its MemoryMappable concept).
struct Mappable {
  int fd;
  bip::mode_t access;
  bip::mapping_handle_t get_mapping_handle() const { return bip::ipcdetail::mapping_handle_from_file_handle(fd); }
  bip::mode_t get_mode() const { return access; }
};

std::string user_name(::uid_t uid) {
  char buffer[4096];
  ::passwd entry{};
  ::passwd* found = nullptr;
  const bool known = ::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr;
  return known ? printable(entry.pw_name) + " (uid " + std::to_string(uid) + ")" : "uid " + std::to_string(uid);
}

[[noreturn]] void throw_squatted(const std::string& path, std::string_view what, ::uid_t owner) {
  throw Error(ErrorCode::Squatted,
              path + " " + std::string(what) + "; it belongs to " + user_name(owner) +
                  ". Remove it (or ask its owner to), or use another store name",
              {{"path", path}, {"owner_uid", std::to_string(owner)}});
}

/// What is wrong with a file that should be a segment of `uid`; nothing where it is one.
std::optional<std::string> fault_of(const struct ::stat& info, ::uid_t uid) {
  if (S_ISLNK(info.st_mode)) return "is a symbolic link, not a segment";
  if (S_ISDIR(info.st_mode)) return "is a folder, not a segment";
  if (!S_ISREG(info.st_mode)) return "is not a regular file";
  if (info.st_uid != uid) return "should belong to " + user_name(uid);
  if ((info.st_mode & 077U) != 0) return "is open to other users (its mode should be 0600)";
  if (info.st_nlink > 1) return "has a second name (hard link)";
  return std::nullopt;
}

/// ftruncate and fallocate kill the process (SIGXFSZ) beyond this limit, so it is asked first.
void check_file_limit(std::uint64_t bytes) {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur) return;
  throw Error(ErrorCode::Io, "a segment of " + format_bytes(bytes) + " is over this process's file size limit of " +
                                 format_bytes(limit.rlim_cur) + " (RLIMIT_FSIZE). Raise it with 'ulimit -f unlimited'");
}

int open_flags(Mapping::Access access) { return access == Mapping::Access::read_only ? O_RDONLY : O_RDWR; }

}  // namespace

SegmentPaths segment_paths(std::uint32_t uid, std::string_view store, std::string_view pool_dir) {
  const std::string name = "/ndshare-" + std::to_string(uid) + "-" + std::string(store);
  const std::string base = std::string(kFolder) + name;
  const std::string pool = std::string(pool_dir.empty() ? kFolder : pool_dir) + name;
  return {base + ".catalog", base + ".sync", pool + ".pool", base + ".sock", base + ".lock"};
}

StoreAddress parse_store_address(std::string_view text) {
  StoreAddress address{static_cast<std::uint32_t>(::geteuid()), std::string(text)};
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    const std::string user(text.substr(0, colon));
    address.name = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), address.uid);
    if (error != std::errc() || end != user.data() + user.size()) {
      char buffer[4096];
      ::passwd entry{};
      ::passwd* found = nullptr;
      if (::getpwnam_r(user.c_str(), &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) {
        throw Error(ErrorCode::Name, "no user '" + printable(user) + "' in the store address '" + printable(text) +
                                         "': write STORE, UID:STORE or USER:STORE");
      }
      address.uid = entry.pw_uid;
    }
  }
  check_store_name(address.name);
  return address;
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  Descriptor old(std::exchange(fd_, other.release()));
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int Descriptor::release() noexcept { return std::exchange(fd_, -1); }

struct Mapping::Impl {
  explicit Impl(bip::mapped_region&& mapped) : region(std::make_unique<bip::mapped_region>(std::move(mapped))) {}
  ~Impl() {
    // A forked child has no map there, but perhaps memory of its own that took the place.
    if (forks != fork_count()) static_cast<void>(region.release());
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  std::unique_ptr<bip::mapped_region> region;
  std::uint64_t forks = fork_count();
};

Mapping::Mapping() = default;
Mapping::Mapping(Mapping&&) noexcept = default;
Mapping& Mapping::operator=(Mapping&&) noexcept = default;
Mapping::~Mapping() = default;

Mapping::Mapping(int fd, std::uint64_t offset, std::uint64_t bytes, Access access) {
  if (bytes == 0) return;
  check_file_holds(fd, offset, bytes);
  const auto mode = access == Access::read_only ? bip::read_only : bip::read_write;
  std::unique_ptr<Impl> impl;
  try {
    impl = std::make_unique<Impl>(
        bip::mapped_region(Mappable{fd, mode}, mode, static_cast<bip::offset_t>(offset), bytes));
  } catch (const bip::interprocess_exception& failure) {
    throw_map_error(failure.get_native_error(), bytes);
  }
  keep_private(static_cast<std::byte*>(impl->region->get_address()), bytes);
  impl_ = std::move(impl);
}

std::byte* Mapping::data() const noexcept {
  return impl_ == nullptr ? nullptr : static_cast<std::byte*>(impl_->region->get_address());
}

std::uint64_t Mapping::bytes() const noexcept { return impl_ == nullptr ? 0 : impl_->region->get_size(); }

NewSegment::NewSegment(std::string path, std::uint64_t bytes) : path_(std::move(path)) {
  check_file_limit(bytes);
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  const auto mode = static_cast<::mode_t>(bip::permissions(0600).get_permissions());
  fd_ = Descriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  if (!fd_) throw_file_error("cannot make a segment in " + folder, errno);
  if (::fchmod(fd_.get(), mode) != 0) throw_file_error("cannot set the mode of " + path_, errno);
  resize_file(fd_.get(), bytes);
}

Descriptor NewSegment::finish() {
  // The file has no name so far, so one that is not finished goes away with its descriptor; linkat never replaces a
  // name.
  const std::string self = "/proc/self/fd/" + std::to_string(fd_.get());
  if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    const int error = errno;
    struct ::stat info {};
    if (error == EEXIST && ::lstat(path_.c_str(), &info) == 0) throw_squatted(path_, "exists already", info.st_uid);
    throw_file_error("cannot name the segment " + path_, error);
  }
  return std::move(fd_);
}

Descriptor open_segment(const std::string& path, std::uint32_t uid, Mapping::Access access) {
  // O_NONBLOCK: a squatted fifo must not block; it means nothing for the file that this should be.
  Descriptor fd(::open(path.c_str(), open_flags(access) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  const int error = errno;
  struct ::stat info {};
  if ((fd ? ::fstat(fd.get(), &info) : ::lstat(path.c_str(), &info)) != 0) {
    if (!fd && (error == ENOENT || errno == ENOENT)) return {};
    throw_file_error("cannot open the segment " + path, fd ? errno : error);
  }
  if (!fd && (error == EMFILE || error == ENFILE)) throw_file_error("cannot open the segment " + path, error);
  if (const auto fault = fault_of(info, uid)) throw_squatted(path, *fault, info.st_uid);
  if (!fd) throw_file_error("cannot open the segment " + path, error);
  if (info.st_nlink == 0) return {};  // removed since it was opened
  return fd;
}

Descriptor reopen_segment(int fd, Mapping::Access access) {
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  Descriptor again(::open(self.c_str(), open_flags(access) | O_CLOEXEC));
  if (!again) throw_file_error("cannot open a segment again", errno);
  return again;
}

void resize_file(int fd, std::uint64_t bytes) {
  check_file_limit(bytes);
  int result = 0;
  do {
    result = ::ftruncate(fd, static_cast<::off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result != 0) throw_file_error("cannot make a segment " + format_bytes(bytes) + " long", errno);
}

}  // namespace ndshare::internal
