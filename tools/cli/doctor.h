/// `doctor`: facts of the machine and of a store, and what they mean. Facts are read in one place and judged in
/// another, so that a judgement can be tested without the machine that earns it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ndshare/admin.h>

namespace ndshare::cli {

enum class Health : std::uint8_t {
  ok,
  note,     ///< worth knowing; nothing to do now
  wrong,    ///< something to do: the exit status is 1
  skipped,  ///< could not be looked at, and why
};
[[nodiscard]] std::string_view health_name(Health health);

struct Finding {
  std::string_view check;  ///< of doctor_list.inc
  Health health = Health::ok;
  std::string text{};    ///< what was found, with its numbers
  std::string advice{};  ///< what to do; empty where nothing is
};

struct MachineFacts {
  std::string pool_folder = "/dev/shm";
  std::uint64_t shm_bytes = UINT64_MAX;  ///< size of its file system; UINT64_MAX: no limit, or unknown
  admin::MachineMemory memory;           ///< of this process; of the daemon where one answered
  std::uint64_t descriptors = 0, descriptors_hard = 0;
  std::uint64_t map_count = 0;   ///< 0: cannot be read
  std::string shmem_huge_pages;  ///< the chosen word of shmem_enabled: "never", "advise", …; empty: cannot be read
  std::uint32_t uid = 0;
  bool logind_runs = false, lingers = false;
  bool remove_ipc = true;  ///< logind's default
};

struct StoreFacts {
  std::string name;
  bool exists = false;        ///< has a catalog
  std::string broken;         ///< why its segments cannot be read; empty where they can
  bool other_layout = false;  ///< that is why
  std::string silent;         ///< why a daemon that lives does not answer; empty where it does, or none lives
  admin::StatusInfo status;
  std::vector<admin::ClientInfo> clients;
  std::vector<admin::ClaimInfo> claims;
  std::vector<ArrayInfo> arrays;
};

/// Reads the machine's files below `root` (empty: the real ones) for a pool in `pool_folder`.   Errors: none.
[[nodiscard]] MachineFacts read_machine(const std::string& pool_folder, const std::string& root = {});

/// Each judges what the list says.   Threads: safe.   Errors: none.
[[nodiscard]] std::vector<Finding> judge_machine(const MachineFacts& machine, const StoreFacts& store);
[[nodiscard]] std::vector<Finding> judge_store(const StoreFacts& store, double held_s);
[[nodiscard]] Finding judge_leftovers(const std::vector<admin::StoreFiles>& stores, const std::string& store);

}  // namespace ndshare::cli
