// doctor: the machine's limits, read from /proc, /sys and /etc, and what they mean for a store.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <pwd.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "tools/cli/doctor.h"

namespace ndshare::cli {
namespace {

namespace fs = std::filesystem;
using internal::format_bytes;
using internal::format_count;

constexpr std::uint64_t kUnlimited = UINT64_MAX;
constexpr std::uint64_t kContainerDefault = 64ULL
                                            << 20;  // docker and Kubernetes: --shm-size, emptyDir's medium: Memory
constexpr std::uint64_t kEnoughDescriptors =
    4096;  // three a client (socket, pidfd, one to spare) for 1024 clients, and more
constexpr std::uint64_t kDefaultMapCount = 65530;  // the kernel's default (admin-guide/sysctl/vm.rst)
constexpr std::uint64_t kHugePool = 256ULL << 30;  // above it page tables alone cost half a GiB a map and process
constexpr std::uint32_t kFirstUserId = 1000;       // below are system users, whom RemoveIPC spares (logind.conf(5))

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// The word in brackets: "always within_size advise [never] deny force".
std::string chosen_word(const std::string& line) {
  const auto open = line.find('['), close = line.find(']');
  return open == std::string::npos || close == std::string::npos || close < open
             ? ""
             : line.substr(open + 1, close - open - 1);
}

/// Files that set logind's options, weakest first: logind.conf, then drop-ins by their file name, wherever they are.
std::vector<fs::path> logind_files(const std::string& root) {
  std::vector<fs::path> drop_ins;
  for (const char* folder : {"/usr/lib/systemd", "/run/systemd", "/etc/systemd"}) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(root + folder + "/logind.conf.d", ignored))
      if (entry.path().extension() == ".conf") drop_ins.push_back(entry.path());
  }
  std::ranges::stable_sort(drop_ins, {}, [](const fs::path& path) { return path.filename().string(); });
  drop_ins.insert(drop_ins.begin(), root + "/etc/systemd/logind.conf");
  return drop_ins;
}

/// RemoveIPC as logind would read it; yes where nobody says.
bool reads_remove_ipc(const std::string& root) {
  bool value = true;
  for (const auto& path : logind_files(root)) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      line.erase(std::remove_if(line.begin(), line.end(), [](char c) { return c == ' ' || c == '\t'; }), line.end());
      if (!line.starts_with("RemoveIPC=")) continue;
      const auto word = line.substr(line.find('=') + 1);
      value = word == "yes" || word == "true" || word == "1" || word == "on";
    }
  }
  return value;
}

std::string user_name() {
  const auto* entry = ::getpwuid(::geteuid());  // NOLINT: one thread
  return entry != nullptr ? entry->pw_name : "";
}

/// What the store may still ask of the machine: its budget without the bytes that are resident already.
std::uint64_t still_needed(const StoreFacts& store) {
  const auto& pool = store.status.pool;
  const auto resident = pool.used_bytes + pool.warm_bytes;
  return store.exists && pool.capacity_bytes > resident ? pool.capacity_bytes - resident : 0;
}

Finding judge_shm(const MachineFacts& machine, const StoreFacts& store) {
  const auto& folder = machine.pool_folder;
  Finding out{"shm_size"};
  if (machine.shm_bytes == kUnlimited) {
    out.text = folder + " has no limit of its own";
    return out;
  }
  const auto free = machine.memory.tmpfs_free_bytes;
  out.text = folder + " has " + format_bytes(machine.shm_bytes) + ", " + format_bytes(free) + " free";
  if (const auto needed = still_needed(store); needed > free) {
    out.health = Health::wrong;
    out.text += "; the store's budget needs " + format_bytes(needed) + " more";
    out.advice = "mount -o remount,size=… " + folder + ", or start the store with a smaller --capacity";
  } else if (machine.shm_bytes <= kContainerDefault) {
    out.health = Health::wrong;
    out.text += ": a container's default";
    out.advice =
        "start the container with --shm-size=2g (Kubernetes: an emptyDir of medium Memory on /dev/shm), or use "
        "--pool-dir";
  }
  return out;
}

Finding judge_memory(const MachineFacts& machine, const StoreFacts& store) {
  const auto& memory = machine.memory;
  const auto shown = [](std::uint64_t bytes) {
    return bytes == kUnlimited ? std::string("no limit") : format_bytes(bytes);
  };
  Finding out{"memory"};
  out.text = "free: machine " + shown(memory.available_bytes) + ", control groups " + shown(memory.cgroup_free_bytes);
  const auto needed = still_needed(store);
  if (needed <= std::min(memory.available_bytes, memory.cgroup_free_bytes)) return out;
  out.health = Health::wrong;
  out.text +=
      "; the store's budget needs " + format_bytes(needed) + " more: creating arrays will fail before it is spent";
  const bool group = memory.cgroup_free_bytes < memory.available_bytes;
  out.advice = group ? "raise memory.max (v1: memory.limit_in_bytes) of " +
                           (memory.cgroup.empty() ? std::string("the daemon's group") : memory.cgroup) +
                           " (systemd: MemoryMax=), or start the store with a smaller --capacity"
                     : "end other programs, or start the store with a smaller --capacity";
  return out;
}

Finding judge_descriptors(const MachineFacts& machine) {
  Finding out{"descriptors"};
  out.text = "RLIMIT_NOFILE is " + format_count(machine.descriptors) + " (hard " +
             format_count(machine.descriptors_hard) + ")";
  if (machine.descriptors >= kEnoughDescriptors) return out;
  // The daemon raises its soft limit to the hard one.
  out.health = machine.descriptors_hard >= kEnoughDescriptors ? Health::note : Health::wrong;
  out.advice = "ulimit -n " + std::to_string(kEnoughDescriptors) +
               " (systemd: LimitNOFILE=) before programs with many descriptors";
  return out;
}

Finding judge_map_count(const MachineFacts& machine) {
  Finding out{"map_count"};
  if (machine.map_count == 0) return {"map_count", Health::skipped, "vm.max_map_count cannot be read", ""};
  out.text = "vm.max_map_count is " + format_count(machine.map_count);
  if (machine.map_count >= kDefaultMapCount) return out;
  out.health = Health::wrong;
  out.advice =
      "sysctl vm.max_map_count=262144: below the kernel's default clients run out of maps for arrays in many extents";
  return out;
}

Finding judge_huge_pages(const MachineFacts& machine, const StoreFacts& store) {
  Finding out{"huge_pages"};
  const auto& word = machine.shmem_huge_pages;
  if (word.empty())
    return {"huge_pages", Health::skipped, "the kernel has no transparent huge pages for shared memory", ""};
  out.text = "shmem_enabled is '" + word + "'";
  if (word != "never" && word != "deny") return out;
  const bool needs = store.exists && store.status.pool.capacity_bytes > kHugePool;
  out.health = needs ? Health::wrong : Health::note;
  out.text +=
      needs ? ", and the pool is above 256 GiB: page tables cost 0.2 % of it in every process" : ": small pages only";
  out.advice = "echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled";
  return out;
}

Finding judge_remove_ipc(const MachineFacts& machine) {
  Finding out{"remove_ipc"};
  if (!machine.logind_runs) {
    out.text = "logind does not run here";
  } else if (machine.uid < kFirstUserId) {
    out.text = "uid " + std::to_string(machine.uid) + " is a system user's: logind leaves its segments alone";
  } else if (machine.lingers) {
    out.text = "the user lingers: nothing is removed at logout";
  } else if (!machine.remove_ipc) {
    out.text = "RemoveIPC=no";
  } else {
    out.health = Health::wrong;
    out.text = "RemoveIPC is on: logind deletes this user's segments at the last logout, under running programs";
    out.advice =
        "loginctl enable-linger, or RemoveIPC=no in /etc/systemd/logind.conf, or run the store as a system user";
  }
  return out;
}

}  // namespace

MachineFacts read_machine(const std::string& pool_folder, const std::string& root) {
  MachineFacts out;
  if (!pool_folder.empty()) out.pool_folder = pool_folder;
  struct ::statvfs info {};
  if (::statvfs(out.pool_folder.c_str(), &info) == 0 && info.f_blocks != 0)  // size=0: a tmpfs without limit
    out.shm_bytes = std::uint64_t{info.f_blocks} * info.f_frsize;
  out.memory = admin::machine_memory(out.pool_folder);
  struct ::rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.descriptors = limit.rlim_cur, out.descriptors_hard = limit.rlim_max;
  std::istringstream(first_line(root + "/proc/sys/vm/max_map_count")) >> out.map_count;
  out.shmem_huge_pages = chosen_word(first_line(root + "/sys/kernel/mm/transparent_hugepage/shmem_enabled"));
  out.uid = ::geteuid();
  std::error_code ignored;
  out.logind_runs = fs::exists(root + "/run/systemd/seats", ignored);
  out.lingers = fs::exists(root + "/var/lib/systemd/linger/" + user_name(), ignored);
  out.remove_ipc = reads_remove_ipc(root);
  return out;
}

std::vector<Finding> judge_machine(const MachineFacts& machine, const StoreFacts& store) {
  return {judge_shm(machine, store), judge_memory(machine, store),     judge_descriptors(machine),
          judge_map_count(machine),  judge_huge_pages(machine, store), judge_remove_ipc(machine)};
}

}  // namespace ndshare::cli
