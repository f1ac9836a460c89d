#include "lib/shm/map_error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "lib/shm/segment.h"

namespace ndshare::internal {
namespace {

std::string errno_text(int error) { return std::generic_category().message(error); }

/// Bytes of address space in use; 0 where it cannot be read.
std::uint64_t address_space() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

[[noreturn]] void throw_no_memory(std::uint64_t bytes) {
  ::rlimit limit{};
  const std::uint64_t used = address_space();
  const bool limited = ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  if (limited && (used > limit.rlim_cur || bytes > limit.rlim_cur - used)) {
    throw Error(ErrorCode::Memory,
                "cannot map " + format_bytes(bytes) + ": this process may use " + format_bytes(limit.rlim_cur) +
                    " of address space (RLIMIT_AS) and uses " + format_bytes(used) +
                    ". Raise it with 'ulimit -v unlimited'",
                {{"asked_bytes", std::to_string(bytes)}, {"limit_bytes", std::to_string(limit.rlim_cur)}});
  }
  const std::uint64_t count = map_count();
  if (count + 8 >= map_limit()) {
    throw Error(ErrorCode::MapLimit,
                "cannot map " + format_bytes(bytes) + ": this process has " + std::to_string(count) + " maps of " +
                    std::to_string(map_limit()) + " allowed. Drop arrays, or raise vm.max_map_count",
                {{"maps", std::to_string(count)}, {"limit", std::to_string(map_limit())}});
  }
  throw Error(ErrorCode::Memory,
              "cannot map " + format_bytes(bytes) + ": the system has no memory or address space for it",
              {{"asked_bytes", std::to_string(bytes)}});
}

}  // namespace

void throw_map_error(int error, std::uint64_t bytes) {
  if (error == ENOMEM) throw_no_memory(bytes);
  if (error == EACCES || error == EPERM) {
    throw Error(ErrorCode::Permission,
                "cannot map " + format_bytes(bytes) +
                    " for writing: the descriptor is read-only (this client has the read-only role)");
  }
  throw Error(ErrorCode::Io, "cannot map " + format_bytes(bytes) + ": " + errno_text(error));
}

void throw_file_error(const std::string& what, int error) {
  if (error == EMFILE || error == ENFILE) {
    ::rlimit limit{};
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
    throw Error(ErrorCode::TooManyDescriptors, what + ": " + errno_text(error) +
                                                   (known ? " (limit " + std::to_string(limit.rlim_cur) + ")" : "") +
                                                   ". Close files, or raise the limit with 'ulimit -n'");
  }
  const auto code = error == ENOSPC || error == ENOMEM || error == EDQUOT ? ErrorCode::SystemMemory
                    : error == EACCES || error == EPERM                   ? ErrorCode::Permission
                                                                          : ErrorCode::Io;
  throw Error(code, what + ": " + errno_text(error));
}

void check_file_holds(int fd, std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t size = file_bytes(fd);
  if (offset <= size && bytes <= size - offset) return;
  throw Error(ErrorCode::Damaged, "a segment is " + std::to_string(size) + " bytes long, but bytes " +
                                      std::to_string(offset) + " to " + std::to_string(offset) + " + " +
                                      std::to_string(bytes) + " of it are needed");
}

void keep_private(std::byte* data, std::uint64_t bytes) {
  // madvise wants a page-aligned start; a single run may start inside a page.
  const auto slack = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(data)) % kPage;
  if (::madvise(data - slack, bytes + slack, MADV_DONTFORK) != 0) throw_map_error(errno, bytes);
  (void)::madvise(data - slack, bytes + slack, MADV_DONTDUMP);  // a larger core dump is no reason to fail
}

std::uint64_t map_limit() {
  static const std::uint64_t limit = [] {
    std::uint64_t value = 65530;  // the kernel's default, where it cannot be read
    std::ifstream("/proc/sys/vm/max_map_count") >> value;
    return value;
  }();
  return limit;
}

std::uint64_t map_count() {
  std::ifstream maps("/proc/self/maps");
  return static_cast<std::uint64_t>(std::count(std::istreambuf_iterator<char>(maps), {}, '\n'));
}

}  // namespace ndshare::internal
