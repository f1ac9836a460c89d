/// How much memory the machine can still give to the pool, and which limit bites.
///
/// Three limits, each of which turns a store into a killed process or a SIGBUS when it is found too late: the tmpfs
/// that holds the pool, the memory of the machine, and the control groups of this process up to the root (version 2, or
/// version 1).
///   Threads: safe.   Errors: none while reading (a limit that cannot be read does not limit), SystemMemory from
///   check_room(). Source: kernel documentation, admin-guide/cgroup-v2.rst (memory.max, memory.current, memory.stat),
///   proc(5) (MemAvailable).
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace ndshare::internal {

inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

struct MemoryLimits {
  std::uint64_t tmpfs_free = kUnlimited;        ///< of the file system that holds the pool
  std::uint64_t memory_available = kUnlimited;  ///< MemAvailable
  std::uint64_t cgroup_free = kUnlimited;  ///< least of limit - usage + inactive file cache, from the group to the root
  std::string tmpfs;                       ///< what was asked: a folder
  std::string cgroup;                      ///< folder of the group whose limit is the tightest; empty where none limits
};

/// Reads the three. `pool_folder`: where the pool is. `cgroup_root`, `proc_root`: where the kernel's files are (tests
/// give folders of their own).
MemoryLimits read_memory_limits(const std::string& pool_folder, const std::string& cgroup_root = "/sys/fs/cgroup",
                                const std::string& proc_root = "/proc");

/// The tightest of the three.
std::uint64_t memory_room(const MemoryLimits& limits) noexcept;

/// Throws SystemMemory unless `bytes` more fit: with all the numbers, the limit that bites and the way out.
void check_room(std::uint64_t bytes, const MemoryLimits& limits);

}  // namespace ndshare::internal
