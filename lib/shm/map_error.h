/// What a failed map or file call means, in the project's errors. Folder-internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace ndshare::internal {

/// Translates the errno of an mmap of `bytes`: Memory (RLIMIT_AS, with the limit), MapLimit (vm.max_map_count),
/// Permission (a read-only descriptor mapped for writing), Io.
[[noreturn]] void throw_map_error(int error, std::uint64_t bytes);

/// Translates the errno of a call on a segment's file: TooManyDescriptors, SystemMemory, Permission, Io. `what` starts
/// the message.
[[noreturn]] void throw_file_error(const std::string& what, int error);

/// Throws Damaged unless [offset, offset + bytes) lies in the file: touching a map beyond its end raises SIGBUS.
void check_file_holds(int fd, std::uint64_t offset, std::uint64_t bytes);

/// Keeps mapped bytes out of forked children and core dumps. Throws Memory; the map stays.
void keep_private(std::byte* data, std::uint64_t bytes);

/// The number of maps a process may have (vm.max_map_count), and how many this one has.
std::uint64_t map_limit();
std::uint64_t map_count();

}  // namespace ndshare::internal
