// Making the pages of a segment real, giving them back, and finding the real ones. Declared in segment.h.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "lib/shm/map_error.h"
#include "lib/shm/segment.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kStep = 64ULL << 20;  // the file's inode lock is held for one step at a time

/// fallocate in steps. Linux undoes a step that a signal interrupts, so a step is simply asked for again.
int allocate_in_steps(int fd, int mode, std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t end = offset + bytes;
  while (offset < end) {
    const std::uint64_t step = std::min(kStep, end - offset);
    if (::fallocate(fd, mode, static_cast<::off_t>(offset), static_cast<::off_t>(step)) == 0) {
      offset += step;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void reserve_range(int fd, std::uint64_t offset, std::uint64_t bytes) {
  check_file_holds(fd, offset, bytes);
  const int error = allocate_in_steps(fd, FALLOC_FL_KEEP_SIZE, offset, bytes);
  if (error == 0) return;
  struct ::statvfs info {};
  const bool known = ::fstatvfs(fd, &info) == 0;
  const std::uint64_t left = known ? std::uint64_t{info.f_bavail} * info.f_frsize : 0;
  if (error != ENOSPC && error != ENOMEM)
    throw_file_error("cannot reserve " + format_bytes(bytes) + " of a segment", error);
  throw Error(ErrorCode::SystemMemory,
              "cannot reserve " + format_bytes(bytes) + " (" + std::to_string(bytes) +
                  " bytes) of shared memory: " + format_bytes(left) +
                  " are free in its file system. Remove arrays, run 'ndshare trim', or enlarge the tmpfs "
                  "(mount -o remount,size=…) or the cgroup's limit",
              {{"asked_bytes", std::to_string(bytes)}, {"tmpfs_free_bytes", std::to_string(left)}});
}

void punch_range(int fd, std::uint64_t offset, std::uint64_t bytes) {
  const int error = allocate_in_steps(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
  if (error != 0) throw_file_error("cannot give " + format_bytes(bytes) + " of a segment back to the system", error);
}

std::uint64_t file_bytes(int fd) {
  struct ::stat info {};
  if (::fstat(fd, &info) != 0) throw_file_error("cannot ask for the size of a segment", errno);
  return static_cast<std::uint64_t>(info.st_size);
}

std::uint64_t resident_bytes(int fd) {
  struct ::stat info {};
  if (::fstat(fd, &info) != 0) throw_file_error("cannot ask for the size of a segment", errno);
  return static_cast<std::uint64_t>(info.st_blocks) * 512;
}

void for_each_resident(int fd, std::uint64_t end, const std::function<void(std::uint64_t, std::uint64_t)>& each) {
  const auto limit = static_cast<::off_t>(std::min(end, file_bytes(fd)));
  ::off_t at = 0;
  while (at < limit) {
    const ::off_t data = ::lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return;  // only a hole is left
    if (data < 0) throw_file_error("cannot find the resident parts of a segment", errno);
    if (data >= limit) return;
    const ::off_t hole = std::min(::lseek(fd, data, SEEK_HOLE), limit);
    if (hole <= data) return;
    each(static_cast<std::uint64_t>(data), static_cast<std::uint64_t>(hole - data));
    at = hole;
  }
}

}  // namespace ndshare::internal
