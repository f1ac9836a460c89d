/// One POSIX shared memory object: made complete or not at all, verified before use, mapped read-only or read-write.
///
/// The only place that names Boost.Interprocess. A segment is created without any name (O_TMPFILE) with mode 0600,
/// sized, filled by the caller, and then takes its name in one link that never replaces: a half-made one is never seen,
/// and one whose maker is killed leaves nothing behind. Before an existing one is used its type, owner, mode and link
/// count are checked: /dev/shm is world-writable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/shm/format.h"

namespace ndshare::internal {

/// Paths of a store's files. `uid` is the owner's; `pool_dir` empty means /dev/shm.
struct SegmentPaths {
  std::string catalog, sync, pool, socket, lock;
};
SegmentPaths segment_paths(std::uint32_t uid, std::string_view store, std::string_view pool_dir = {});

/// Splits "store", "uid:store" or "user:store" into owner and name; the caller's own uid where none is given.
///   Errors: Name (also for an unknown user).
struct StoreAddress {
  std::uint32_t uid = 0;
  std::string name;
};
StoreAddress parse_store_address(std::string_view text);

/// An open descriptor that closes itself. Move-only.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;

 private:
  int fd_ = -1;
};

/// A map of a descriptor's bytes. Never inherited by fork (MADV_DONTFORK; a child's copy of the object lets go of
/// nothing), never in core dumps (MADV_DONTDUMP).
class Mapping {
 public:
  enum class Access : std::uint8_t { read_only, read_write };
  Mapping();
  /// Maps [offset, offset + bytes). Errors: MapLimit, Memory (RLIMIT_AS: says the limit), Permission (a read-only
  /// descriptor), Io.
  Mapping(int fd, std::uint64_t offset, std::uint64_t bytes, Access access);
  Mapping(Mapping&&) noexcept;
  Mapping& operator=(Mapping&&) noexcept;
  ~Mapping();
  std::byte* data() const noexcept;
  std::uint64_t bytes() const noexcept;
  explicit operator bool() const noexcept { return data() != nullptr; }
  template <class T>
  T* at(std::uint64_t offset) const noexcept {
    return reinterpret_cast<T*>(data() + offset);
  }  // NOLINT: shared bytes have no other type

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Creates a sparse nameless file of `bytes` in the folder of `path`, mode 0600. finish() gives it its name.
class NewSegment {
 public:
  /// Errors: SystemMemory, Io (with errno in words), TooManyDescriptors.
  NewSegment(std::string path, std::uint64_t bytes);
  NewSegment(const NewSegment&) = delete;
  NewSegment& operator=(const NewSegment&) = delete;
  int fd() const noexcept { return fd_.get(); }
  /// Publishes under the name. Errors: Squatted (the name exists; says whose it is), Io.
  Descriptor finish();

 private:
  std::string path_;
  Descriptor fd_;
};

/// Opens an existing segment and verifies it: a regular file of `uid`, mode without group or other bits, one link.
///   Returns an empty descriptor where the name does not exist. Errors: Squatted (what is wrong, and the way out), Io.
Descriptor open_segment(const std::string& path, std::uint32_t uid, Mapping::Access access);

/// Another descriptor of the same file, for clients of another role. Errors: TooManyDescriptors, Permission, Io.
Descriptor reopen_segment(int fd, Mapping::Access access);

/// Makes [offset, offset + bytes) of the file real memory, so that no later access raises SIGBUS. The file's inode lock
/// is held for 64 MiB at a time; ask for no more than that a call where others must not wait.
///   Errors: SystemMemory, Io.
void reserve_range(int fd, std::uint64_t offset, std::uint64_t bytes);

/// Gives the whole pages of the range back to the system; the range reads as zero afterwards. Locks as above. Errors:
/// Io.
void punch_range(int fd, std::uint64_t offset, std::uint64_t bytes);

/// Calls each(offset, bytes) for the parts of the file below `end` that somebody wrote or read (SEEK_DATA), in order.
/// Memory that was reserved and never touched counts as a hole: it is resident (resident_bytes() counts it), but
/// certainly zeros.
void for_each_resident(int fd, std::uint64_t end, const std::function<void(std::uint64_t, std::uint64_t)>& each);

/// Bytes of the file that are real memory.
std::uint64_t resident_bytes(int fd);

/// Current size of the file; truncation is the daemon's business alone.
std::uint64_t file_bytes(int fd);
void resize_file(int fd, std::uint64_t bytes);

}  // namespace ndshare::internal
