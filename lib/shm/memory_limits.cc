#include "lib/shm/memory_limits.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

#include <sys/statvfs.h>

#include <ndshare/error.h>

#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

/// A group's limit and use, by the names that one version of control groups gives its files.
struct GroupFiles {
  const char* limit;
  const char* usage;
  const char* inactive;  ///< key of memory.stat: file cache that the kernel drops when the group needs memory
};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "inactive_file"};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr std::uint64_t kVersion1Unlimited = 1ULL << 62;  // it writes 2^63 rounded down to pages for "no limit"

/// The first number of a file; nothing where it does not start with one ("max").
std::optional<std::uint64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

/// The number after `key` in a file of "key value" lines.
std::optional<std::uint64_t> read_key(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    std::uint64_t value = 0;
    if (words >> word && word == key && words >> value) return value;
  }
  return std::nullopt;
}

std::uint64_t tmpfs_free(const std::string& folder) {
  struct ::statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0 || info.f_blocks == 0) return kUnlimited;  // size=0: a tmpfs without limit
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

std::uint64_t memory_available(const std::string& proc_root) {
  const auto kib = read_key(proc_root + "/meminfo", "MemAvailable:");
  return kib ? *kib * 1024 : kUnlimited;
}

/// What one group leaves free; kUnlimited where it has no limit.
std::uint64_t group_free(const std::string& folder, const GroupFiles& files) {
  const auto limit = read_number(folder + "/" + files.limit);
  const auto usage = read_number(folder + "/" + files.usage);
  if (!limit || !usage || *limit >= kVersion1Unlimited) return kUnlimited;
  const std::uint64_t cache = std::min(read_key(folder + "/memory.stat", files.inactive).value_or(0), *usage);
  const std::uint64_t used = *usage - cache;
  return *limit > used ? *limit - used : 0;
}

/// Looks at the group and at every group above it, up to `root`.
void walk_up(const std::string& root, std::string path, const GroupFiles& files, MemoryLimits& limits) {
  // A path that starts with "/.." is outside of this namespace's view of the tree: its root is all that can be seen.
  if (path.find("/..") != std::string::npos) path.clear();
  while (true) {
    while (!path.empty() && path.back() == '/') path.pop_back();
    if (const std::uint64_t free = group_free(root + path, files); free < limits.cgroup_free) {
      limits.cgroup_free = free;
      limits.cgroup = root + path;
    }
    if (path.empty()) return;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
}

/// Lines of /proc/self/cgroup are "0::/path" (version 2) and "7:memory,other:/path" (version 1); a machine may have
/// both.
void read_groups(const std::string& cgroup_root, const std::string& proc_root, MemoryLimits& limits) {
  std::ifstream file(proc_root + "/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':'), second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",",
                      path = line.substr(second + 1);
    if (controllers == ",,") {
      walk_up(cgroup_root, path, kVersion2, limits);
      walk_up(cgroup_root + "/unified", path, kVersion2, limits);
    } else if (controllers.find(",memory,") != std::string::npos) {
      walk_up(cgroup_root + "/memory", path, kVersion1, limits);
    }
  }
}

std::string limit_text(std::uint64_t bytes) { return bytes == kUnlimited ? "no limit" : format_bytes(bytes); }

}  // namespace

MemoryLimits read_memory_limits(const std::string& pool_folder, const std::string& cgroup_root,
                                const std::string& proc_root) {
  MemoryLimits limits;
  limits.tmpfs = pool_folder;
  limits.tmpfs_free = tmpfs_free(pool_folder);
  limits.memory_available = memory_available(proc_root);
  read_groups(cgroup_root, proc_root, limits);
  return limits;
}

std::uint64_t memory_room(const MemoryLimits& limits) noexcept {
  return std::min({limits.tmpfs_free, limits.memory_available, limits.cgroup_free});
}

void check_room(std::uint64_t bytes, const MemoryLimits& limits) {
  const std::uint64_t room = memory_room(limits);
  if (bytes <= room) return;
  std::string bites, way_out;
  if (room == limits.tmpfs_free) {
    bites = "the file system of " + limits.tmpfs;
    way_out = "enlarge it (mount -o remount,size=…) or use another one (--pool-dir)";
  } else if (room == limits.cgroup_free) {
    bites = "the control group " + limits.cgroup;
    way_out = "raise the group's memory limit";
  } else {
    bites = "the machine's memory";
    way_out = "end other programs";
  }
  throw Error(ErrorCode::SystemMemory,
              "no memory for " + format_bytes(bytes) + " (" + std::to_string(bytes) + " bytes): " + bites + " has " +
                  format_bytes(room) + " left. Free: tmpfs " + limit_text(limits.tmpfs_free) + ", machine " +
                  limit_text(limits.memory_available) + ", cgroup " + limit_text(limits.cgroup_free) +
                  ". Remove arrays, run 'ndshare trim', or " + way_out,
              {{"asked_bytes", std::to_string(bytes)},
               {"tmpfs_free_bytes", std::to_string(limits.tmpfs_free)},
               {"memory_available_bytes", std::to_string(limits.memory_available)},
               {"cgroup_free_bytes", std::to_string(limits.cgroup_free)},
               {"cgroup", limits.cgroup}});
}

}  // namespace ndshare::internal
