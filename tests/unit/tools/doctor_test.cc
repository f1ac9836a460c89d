#include "tools/cli/doctor.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::cli {
namespace {

constexpr std::uint64_t kMiB = 1 << 20, kGiB = 1 << 30;

MachineFacts good_machine() {
  MachineFacts out;
  out.shm_bytes = 16 * kGiB;
  out.memory = {15 * kGiB, 12 * kGiB, UINT64_MAX, ""};
  out.descriptors = 1024, out.descriptors_hard = 1'048'576;
  out.map_count = 65530;
  out.shmem_huge_pages = "advise";
  out.uid = 1000;
  return out;
}

StoreFacts good_store() {
  StoreFacts out;
  out.name = "s", out.exists = true;
  out.status.pid = 7, out.status.max_clients = 512, out.status.max_arrays = 1000;
  out.status.pool.capacity_bytes = 4 * kGiB, out.status.pool.used_bytes = kGiB;
  out.status.pool.free_bytes = out.status.pool.largest_free_bytes = 3 * kGiB;
  return out;
}

Finding of(const std::vector<Finding>& findings, std::string_view check) {
  for (const auto& finding : findings)
    if (finding.check == check) return finding;
  return {"missing", Health::skipped, "no such check", ""};
}
Finding machine(const MachineFacts& facts, std::string_view check, const StoreFacts& store = good_store()) {
  return of(judge_machine(facts, store), check);
}
Finding store(const StoreFacts& facts, std::string_view check) { return of(judge_store(facts, 60), check); }

void expect_wrong(const Finding& finding, const std::string& part) {
  EXPECT_EQ(health_name(finding.health), "wrong") << finding.text;
  EXPECT_NE((finding.text + finding.advice).find(part), std::string::npos) << finding.text << finding.advice;
  EXPECT_FALSE(finding.advice.empty());
}

TEST(DoctorTest, EveryCheckOfTheListIsMadeAndDocumented) {
  std::ifstream file(NDSHARE_TOOLS_README);
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  auto findings = judge_machine(good_machine(), good_store());
  findings.push_back(judge_leftovers({}, ""));
  for (const auto& finding : judge_store(good_store(), 60)) findings.push_back(finding);
  std::size_t listed = 0;
#define NDSHARE_CHECK(id, meaning)         \
  ++listed;                                \
  EXPECT_EQ(of(findings, #id).check, #id); \
  EXPECT_NE(readme.find("| `" #id "` | " meaning " |"), std::string::npos) << #id;
#include "tools/cli/doctor_list.inc"
#undef NDSHARE_CHECK
  EXPECT_EQ(findings.size(), listed);
  for (const auto& finding : findings) EXPECT_NE(health_name(finding.health), "wrong") << finding.check << finding.text;
}

TEST(DoctorTest, SharedMemoryThatIsTooSmall) {
  auto facts = good_machine();
  facts.shm_bytes = 64 * kMiB;
  facts.memory.tmpfs_free_bytes = 64 * kMiB;
  expect_wrong(machine(facts, "shm_size", {}), "--shm-size");
  expect_wrong(machine(facts, "shm_size"), "3 GiB more");
  facts.shm_bytes = UINT64_MAX, facts.memory.tmpfs_free_bytes = UINT64_MAX;
  EXPECT_EQ(machine(facts, "shm_size").health, Health::ok);
}

TEST(DoctorTest, MemoryThatCannotBeGiven) {
  auto facts = good_machine();
  facts.memory.cgroup_free_bytes = kGiB, facts.memory.cgroup = "/sys/fs/cgroup/app";
  expect_wrong(machine(facts, "memory"), "/sys/fs/cgroup/app");
  facts.memory.cgroup_free_bytes = UINT64_MAX, facts.memory.available_bytes = kGiB;
  expect_wrong(machine(facts, "memory"), "3 GiB more");
  EXPECT_EQ(machine(facts, "memory", {}).health, Health::ok) << "without a store nothing is promised";
}

TEST(DoctorTest, LimitsOfProcesses) {
  auto facts = good_machine();
  EXPECT_EQ(machine(facts, "descriptors").health, Health::note) << "the daemon takes the hard limit";
  facts.descriptors_hard = 1024;
  expect_wrong(machine(facts, "descriptors"), "ulimit -n");
  facts.map_count = 1000;
  expect_wrong(machine(facts, "map_count"), "sysctl");
  facts.map_count = 0;
  EXPECT_EQ(machine(facts, "map_count").health, Health::skipped);
}

TEST(DoctorTest, HugePagesMatterForHugePools) {
  auto facts = good_machine();
  facts.shmem_huge_pages = "never";
  EXPECT_EQ(machine(facts, "huge_pages").health, Health::note);
  auto large = good_store();
  large.status.pool.capacity_bytes = 300 * kGiB;
  expect_wrong(machine(facts, "huge_pages", large), "shmem_enabled");
}

TEST(DoctorTest, RemoveIpcHitsUsersThatDoNotLinger) {
  auto facts = good_machine();
  EXPECT_EQ(machine(facts, "remove_ipc").health, Health::ok) << "no logind";
  facts.logind_runs = true;
  expect_wrong(machine(facts, "remove_ipc"), "enable-linger");
  auto other = facts;
  other.lingers = true;
  EXPECT_EQ(machine(other, "remove_ipc").health, Health::ok);
  other = facts, other.remove_ipc = false;
  EXPECT_EQ(machine(other, "remove_ipc").health, Health::ok);
  other = facts, other.uid = 999;
  EXPECT_EQ(machine(other, "remove_ipc").health, Health::ok);
}

TEST(DoctorTest, MachineFilesAreRead) {
  const test::ScratchDir root;
  const auto write = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root.path() / path).parent_path());
    std::ofstream(root.path() / path) << text;
  };
  write("proc/sys/vm/max_map_count", "1234\n");
  write("sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size [advise] never deny force\n");
  std::filesystem::create_directories(root.path() / "run/systemd/seats");
  write("etc/systemd/logind.conf", "[Login]\n#RemoveIPC=no\n");
  auto facts = read_machine("", root.path().string());
  EXPECT_EQ(facts.map_count, 1234U);
  EXPECT_EQ(facts.shmem_huge_pages, "advise");
  EXPECT_TRUE(facts.logind_runs && facts.remove_ipc) << "a comment sets nothing";
  write("usr/lib/systemd/logind.conf.d/10-a.conf", "[Login]\nRemoveIPC = no\n");
  EXPECT_FALSE(read_machine("", root.path().string()).remove_ipc);
  write("etc/systemd/logind.conf.d/20-b.conf", "[Login]\nRemoveIPC=yes\n");
  EXPECT_TRUE(read_machine("", root.path().string()).remove_ipc) << "the later drop-in";
  facts = read_machine("/dev/shm");
  EXPECT_GT(facts.shm_bytes, 0U);
  EXPECT_GT(facts.descriptors, 0U);
}

TEST(DoctorTest, StoresThatAreFull) {
  auto facts = good_store();
  facts.status.pool.used_bytes = facts.status.pool.capacity_bytes - kMiB;
  expect_wrong(store(facts, "capacity"), "--capacity");
  facts = good_store(), facts.status.arrays = 999;
  expect_wrong(store(facts, "capacity"), "--max-arrays");
  facts = good_store();
  facts.status.pool.pending_bytes = 2 * kGiB;
  facts.clients.push_back({.pid = 42, .command = "etl"});
  facts.clients.back().outdated = 3;
  expect_wrong(store(facts, "pending"), "42 (etl)");
}

TEST(DoctorTest, FragmentsOfFreeMemory) {
  auto facts = good_store();
  facts.status.pool.largest_free_bytes = kGiB;
  EXPECT_EQ(store(facts, "fragmentation").health, Health::note);
  facts.status.pool.largest_free_bytes = 8 * kMiB;
  expect_wrong(store(facts, "fragmentation"), "8 MiB of 3 GiB");
  facts.status.pool.free_bytes = 16 * kMiB, facts.status.pool.largest_free_bytes = kMiB;
  EXPECT_EQ(store(facts, "fragmentation").health, Health::ok) << "full, not fragmented";
}

TEST(DoctorTest, LongHeldLocksAndOldViews) {
  auto facts = good_store();
  admin::ClaimInfo claim;
  claim.array = "a", claim.mode = "view", claim.since_s = 3600, claim.pid = 5, claim.version = claim.array_version = 3;
  facts.claims = {claim};
  EXPECT_EQ(store(facts, "held").health, Health::ok) << "a view of the current version costs nothing";
  facts.claims[0].array_version = 4;
  expect_wrong(store(facts, "held"), "pins an old version of 'a'");
  facts.claims[0] = claim, facts.claims[0].mode = "read";
  expect_wrong(store(facts, "held"), "(read) for");
  facts.claims[0].waiting = true;
  EXPECT_EQ(store(facts, "held").health, Health::ok) << "who waits holds nothing";
  facts.claims.assign(9, claim);
  for (std::size_t i = 0; i < 9; ++i) facts.claims[i].pid = i, facts.claims[i].mode = "write";
  EXPECT_NE(store(facts, "held").text.find("and 4 more"), std::string::npos) << store(facts, "held").text;
}

TEST(DoctorTest, BrokenAndSilentStores) {
  auto facts = good_store();
  facts.silent = "no answer within 5 s";
  expect_wrong(store(facts, "daemon"), "no answer");
  facts.broken = "another memory layout", facts.other_layout = true;
  expect_wrong(store(facts, "layout"), "ndshare save");
  EXPECT_EQ(store(facts, "torn").health, Health::skipped);
}

TEST(DoctorTest, LeftoversOfStores) {
  using admin::StoreState;
  const auto files = [](const std::string& name, StoreState state) {
    admin::StoreFiles out;
    out.store = name, out.state = state, out.bytes = kMiB, out.files = {"/dev/shm/x"};
    return out;
  };
  EXPECT_EQ(judge_leftovers({files("a", StoreState::serving), files("b", StoreState::in_use)}, "").health, Health::ok);
  EXPECT_EQ(judge_leftovers({files("a", StoreState::kept)}, "").health, Health::note);
  expect_wrong(judge_leftovers({files("a", StoreState::orphan)}, ""), "private store 'a'");
  expect_wrong(judge_leftovers({files("a", StoreState::remains)}, ""), "--fix");
  EXPECT_EQ(judge_leftovers({files("a", StoreState::orphan)}, "b").health, Health::ok)
      << "another store than the one asked for";
}

}  // namespace
}  // namespace ndshare::cli
