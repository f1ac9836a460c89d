// Stores without a daemon: what `stop --force` removes, what it never touches, and which private stores are orphans.
#include <csignal>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "lib/shm/format.h"
#include "lib/shm/segment.h"
#include "tests/integration/store_support.h"

namespace ndshare::test {
namespace {

using internal::Mapping;

void kill_daemon(const std::string& store) {
  ::kill(static_cast<pid_t>(admin::status(store).pid), SIGKILL);
  EXPECT_TRUE(eventually([&] { return code_of([&] { Store::connect(store); }) == ErrorCode::NoSuchStore; }));
}

/// Changes the catalog of a store.
void scribble(const std::string& store, const std::function<void(internal::CatalogHeader&)>& change) {
  const auto fd = internal::open_segment(internal::segment_paths(::geteuid(), store).catalog, ::geteuid(), Mapping::Access::read_write);
  ASSERT_TRUE(fd);
  const Mapping page(fd.get(), 0, internal::kPage, Mapping::Access::read_write);
  change(*page.at<internal::CatalogHeader>(0));
}

ErrorCode stop_code(const TestStore& store, bool force, bool keep) {
  return code_of([&] { admin::stop(store.name(), force, keep, std::chrono::seconds(30)); });
}

TEST(StoreLeftoverTest, StopSaysWhatIsLeftAndForceRemovesIt) {
  const TestStore daemon;
  make_patterned(*std::make_unique<Store>(daemon.connect()), "a", 1000, 1);
  kill_daemon(daemon.name());
  const auto plain = [&] { admin::stop(daemon.name(), false, false); };
  EXPECT_EQ(code_of(plain), ErrorCode::NoSuchStore);
  for (const auto* part : {".catalog", ".sync", ".pool", "ndshare start", "ndshare stop --force"}) {
    EXPECT_NE(message_of(plain).find(part), std::string::npos) << message_of(plain);
  }
  EXPECT_NE(message_of([&] { admin::stop(daemon.name(), false, true); }).find("nothing to stop"), std::string::npos);
  EXPECT_EQ(daemon.files().size(), 5U);
  EXPECT_EQ(stop_code(daemon, true, false), ErrorCode::Ok);
  EXPECT_TRUE(daemon.files().empty());
  EXPECT_EQ(stop_code(daemon, true, false), ErrorCode::NoSuchStore);
}

TEST(StoreLeftoverTest, ForceRemovesStoresThatNobodyCanReadAnyMore) {
  const std::vector<std::function<void(internal::CatalogHeader&)>> changes = {
      [](auto& header) { header.magic = 0; },
      [](auto& header) { ++header.layout_hash; },
      [](auto& header) { header.heap_offset = ~0ULL; },
      [](auto& header) { std::memset(header.pool_dir, 'x', sizeof(header.pool_dir)); },
  };
  for (const auto& change : changes) {
    const TestStore daemon;
    kill_daemon(daemon.name());
    scribble(daemon.name(), change);
    const auto done = cli(daemon.name(), {"stop", "--force"});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_TRUE(daemon.files().empty());
  }
  const TestStore cut;
  kill_daemon(cut.name());
  std::filesystem::resize_file(internal::segment_paths(::geteuid(), cut.name()).catalog, 10);
  EXPECT_EQ(stop_code(cut, true, false), ErrorCode::Ok);
  EXPECT_TRUE(cut.files().empty());
}

TEST(StoreLeftoverTest, AForeignFileIsNamedAndNothingIsRemoved) {
  const TestStore daemon;
  kill_daemon(daemon.name());
  const auto paths = internal::segment_paths(::geteuid(), daemon.name());
  ASSERT_EQ(::chmod(paths.sync.c_str(), 0644), 0);
  EXPECT_EQ(stop_code(daemon, true, false), ErrorCode::Squatted);
  EXPECT_EQ(daemon.files().size(), 5U);
  ASSERT_EQ(::chmod(paths.sync.c_str(), 0600), 0);
  std::filesystem::remove(paths.socket);
  std::filesystem::create_directory(paths.socket);
  const auto stop = [&] { admin::stop(daemon.name(), true, false); };
  EXPECT_EQ(code_of(stop), ErrorCode::Squatted);
  EXPECT_NE(message_of(stop).find(paths.socket), std::string::npos);
  std::filesystem::remove(paths.socket);
  std::filesystem::remove(paths.lock);
  std::filesystem::create_symlink("/dev/null", paths.lock);
  EXPECT_EQ(code_of(stop), ErrorCode::Squatted);
  EXPECT_EQ(daemon.files().size(), 4U);
  std::filesystem::remove(paths.lock);
  EXPECT_EQ(code_of(stop), ErrorCode::Ok);
  EXPECT_TRUE(daemon.files().empty());
}

TEST(StoreLeftoverTest, APoolInAnotherFolderIsRemovedToo) {
  const std::filesystem::path folder = "/dev/shm/" + unique_store_name("pools");  // memory, as a pool's folder should be
  std::filesystem::create_directory(folder);
  {
    const TestStore daemon({.pool_dir = folder.string()});
    kill_daemon(daemon.name());
    EXPECT_FALSE(std::filesystem::is_empty(folder));
    EXPECT_EQ(stop_code(daemon, true, false), ErrorCode::Ok);
    EXPECT_TRUE(std::filesystem::is_empty(folder));
  }
  std::filesystem::remove_all(folder);
}

TEST(StoreLeftoverTest, AStoreThatIsNotPrivateIsNoOrphanWhateverItsName) {
  ::setenv("NDSHARE_DAEMON", program("ndshared").c_str(), 1);
  const auto name = "run-" + unique_store_name("named");
  admin::start({.store = name, .capacity_bytes = 16 << 20, .timeout = std::chrono::seconds(30)});
  kill_daemon(name);
  admin::remove_orphans();
  EXPECT_TRUE(std::filesystem::exists(internal::segment_paths(::geteuid(), name).catalog));
  admin::stop(name, true, false);
}

}  // namespace
}  // namespace ndshare::test
