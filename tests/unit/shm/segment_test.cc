#include "lib/shm/segment.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::internal {
namespace {

using Access = Mapping::Access;
using test::code_of;
using test::message_of;

std::uint32_t me() { return static_cast<std::uint32_t>(::geteuid()); }

/// A folder on a tmpfs, so that reserving and punching behave as they do for real segments.
class SegmentTest : public ::testing::Test {
 protected:
  SegmentTest() : folder_("/dev/shm/" + test::unique_store_name("segment")) {
    std::filesystem::create_directory(folder_);
  }
  ~SegmentTest() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  Descriptor make(const std::string& name, std::uint64_t bytes) const { return NewSegment(file(name), bytes).finish(); }

  std::string folder_;
};

TEST_F(SegmentTest, AppearsCompleteOrNotAtAll) {
  {
    NewSegment segment(file("a"), 2 * kPage);
    const Mapping map(segment.fd(), 0, 2 * kPage, Access::read_write);
    std::memset(map.data(), 0x5A, 2 * kPage);
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
    const Descriptor fd = segment.finish();
    EXPECT_EQ(file_bytes(fd.get()), 2 * kPage);
  }
  { const NewSegment dropped(file("b"), kPage); }
  EXPECT_FALSE(std::filesystem::exists(file("b")));
  const Descriptor fd = open_segment(file("a"), me(), Access::read_only);
  ASSERT_TRUE(fd);
  const Mapping map(fd.get(), 0, 2 * kPage, Access::read_only);
  EXPECT_EQ(map.data()[2 * kPage - 1], std::byte{0x5A});
}

TEST_F(SegmentTest, IsForItsOwnerOnlyWhateverTheUmask) {
  const auto old = ::umask(0777);
  const Descriptor fd = make("a", kPage);
  ::umask(old);
  struct ::stat info {};
  ASSERT_EQ(::fstat(fd.get(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(SegmentTest, NeverReplacesAName) {
  const Descriptor first = make("a", kPage);
  NewSegment second(file("a"), kPage);
  EXPECT_EQ(code_of([&] { second.finish(); }), Error::Squatted);
  EXPECT_TRUE(open_segment(file("a"), me(), Access::read_write));
}

TEST_F(SegmentTest, AMissingNameIsNoError) { EXPECT_FALSE(open_segment(file("none"), me(), Access::read_only)); }

TEST_F(SegmentTest, SquattedNamesAreRefusedWithTheReason) {
  const Descriptor good = make("good", kPage);
  std::filesystem::create_symlink(file("good"), file("symlink"));
  std::filesystem::create_symlink(file("nothing"), file("dangling"));
  std::filesystem::create_directory(file("folder"));
  ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
  const Descriptor open_mode = make("mode", kPage);
  ASSERT_EQ(::fchmod(open_mode.get(), 0640), 0);
  const Descriptor linked = make("linked", kPage);
  std::filesystem::create_hard_link(file("linked"), file("second"));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"symlink", "symbolic link"},
      {"dangling", "symbolic link"},
      {"folder", "folder"},
      {"fifo", "regular file"},
      {"mode", "0600"},
      {"linked", "second name"},
      {"second", "second name"},
  };
  for (const auto& [name, reason] : cases) {
    for (const auto access : {Access::read_only, Access::read_write}) {
      const auto body = [&, &path = name] { open_segment(file(path), me(), access); };
      EXPECT_EQ(code_of(body), Error::Squatted) << name;
      EXPECT_NE(message_of(body).find(reason), std::string::npos) << message_of(body);
    }
  }
}

TEST_F(SegmentTest, ASocketInItsPlaceIsRefused) {
  const std::string path = file("s");
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(code_of([&] { open_segment(path, me(), Access::read_write); }), Error::Squatted);
}

TEST_F(SegmentTest, AnotherOwnerIsRefused) {
  const Descriptor fd = make("a", kPage);
  EXPECT_EQ(code_of([&] { open_segment(file("a"), me() + 1, Access::read_only); }), Error::Squatted);
}

TEST_F(SegmentTest, AReadOnlyDescriptorCannotBeMappedForWriting) {
  const Descriptor writable = make("a", kPage);
  const Descriptor fd = open_segment(file("a"), me(), Access::read_only);
  EXPECT_EQ(code_of([&] { Mapping(fd.get(), 0, kPage, Access::read_write); }), Error::Permission);
  const Mapping map(fd.get(), 0, kPage, Access::read_only);
  EXPECT_NE(::mprotect(map.data(), kPage, PROT_READ | PROT_WRITE), 0);
  const Descriptor again = reopen_segment(writable.get(), Access::read_only);
  EXPECT_EQ(code_of([&] { Mapping(again.get(), 0, kPage, Access::read_write); }), Error::Permission);
}

TEST_F(SegmentTest, BeyondTheEndOfTheFileIsAnErrorAndNoFault) {
  const Descriptor fd = make("a", kPage);
  EXPECT_EQ(code_of([&] { Mapping(fd.get(), 0, 2 * kPage, Access::read_only); }), Error::Damaged);
  EXPECT_EQ(code_of([&] { Mapping(fd.get(), kPage, kPage, Access::read_only); }), Error::Damaged);
  EXPECT_EQ(code_of([&] { Mapping(fd.get(), ~0ULL - 5, 100, Access::read_only); }), Error::Damaged);
  EXPECT_EQ(code_of([&] { reserve_range(fd.get(), kPage, 1); }), Error::Damaged);
  EXPECT_FALSE(Mapping(fd.get(), 0, 0, Access::read_only));
}

TEST_F(SegmentTest, MapsStartAtAnyByte) {
  const Descriptor fd = make("a", 3 * kPage);
  const Mapping whole(fd.get(), 0, 3 * kPage, Access::read_write);
  whole.data()[5000] = std::byte{77};
  Mapping part(fd.get(), 5000, 10, Access::read_only);
  EXPECT_EQ(*part.data(), std::byte{77});
  const Mapping moved = std::move(part);
  EXPECT_EQ(*moved.data(), std::byte{77});
  EXPECT_EQ(moved.bytes(), 10U);
}

TEST_F(SegmentTest, AForkedChildDoesNotInheritTheMap) {
  const Descriptor fd = make("a", kPage);
  const Mapping map(fd.get(), 0, kPage, Access::read_write);
  const auto pid = test::fork_child([&] {
    unsigned char resident = 0;
    return ::mincore(map.data(), kPage, &resident) != 0 && errno == ENOMEM ? 0 : 1;
  });
  EXPECT_EQ(test::wait_child(pid), 0);
}

TEST_F(SegmentTest, ReservedMemoryIsResidentAndPunchedMemoryIsZero) {
  constexpr std::uint64_t step = 64ULL << 10;  // whole pages even where a page has 64 KiB
  const Descriptor fd = make("a", 8 * step);
  EXPECT_EQ(resident_bytes(fd.get()), 0U);
  reserve_range(fd.get(), step, 2 * step);
  reserve_range(fd.get(), 5 * step, step);
  EXPECT_EQ(resident_bytes(fd.get()), 3 * step);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
  const auto list = [&] {
    found.clear();
    for_each_resident(fd.get(), ~0ULL,
                      [&](std::uint64_t offset, std::uint64_t bytes) { found.emplace_back(offset, bytes); });
  };
  list();
  EXPECT_TRUE(found.empty());  // reserved, but nobody wrote there: still zeros
  const Mapping map(fd.get(), 0, 8 * step, Access::read_write);
  std::memset(map.data() + step, 1, 2 * step);
  std::memset(map.data() + 5 * step, 1, step);
  list();
  EXPECT_EQ(found, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{step, 2 * step}, {5 * step, step}}));
  punch_range(fd.get(), step, step);
  list();
  EXPECT_EQ(found, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{2 * step, step}, {5 * step, step}}));
  reserve_range(fd.get(), step, step);
  EXPECT_EQ(map.data()[step], std::byte{0});
  EXPECT_EQ(map.data()[2 * step], std::byte{1});
  EXPECT_EQ(file_bytes(fd.get()), 8 * step);
}

/// Mounts a tmpfs of 1 MiB over `folder`, seen by this process only. False where the machine does not allow it.
bool mount_small_tmpfs(const std::string& folder) {
  const std::string uid = std::to_string(::geteuid()), gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";  // who makes files there must be known in the new name space
    std::ofstream("/proc/self/uid_map") << uid + " " + uid + " 1";
    std::ofstream("/proc/self/gid_map") << gid + " " + gid + " 1";
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=1m") == 0;
}

TEST_F(SegmentTest, ReservingMoreThanTheFileSystemHoldsIsSystemMemory) {
  constexpr int kNotAllowed = 77;
  const auto pid = test::fork_child([&] {
    if (!mount_small_tmpfs(folder_)) return kNotAllowed;
    const Descriptor fd = make("a", 4 << 20);
    const auto body = [&] { reserve_range(fd.get(), 0, 4 << 20); };
    const auto message = message_of(body);
    if (code_of(body) != Error::SystemMemory || message.find("4194304 bytes") == std::string::npos) return 1;
    reserve_range(fd.get(), 1 << 20, 64 << 10);  // less still fits
    return resident_bytes(fd.get()) == 64 << 10 ? 0 : 2;
  });
  const auto status = test::wait_child(pid);
  if (status == kNotAllowed) GTEST_SKIP() << "this machine does not allow mounting a tmpfs";
  EXPECT_EQ(status, 0);
}

TEST_F(SegmentTest, OverTheFileSizeLimitIsAnErrorAndNoSignal) {
  const auto pid = test::fork_child([&] {
    const ::rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return code_of([&] { NewSegment(file("a"), 2 << 20); }) == Error::Io ? 0 : 1;
  });
  EXPECT_EQ(test::wait_child(pid), 0);
}

TEST_F(SegmentTest, RunningOutOfDescriptorsIsItsOwnError) {
  const Descriptor fd = make("a", kPage);
  const auto pid = test::fork_child([&] {
    const ::rlimit limit{static_cast<::rlim_t>(fd.get()) + 1, static_cast<::rlim_t>(fd.get()) + 1};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (code_of([&] { open_segment(file("a"), me(), Access::read_only); }) != Error::TooManyDescriptors) return 1;
    return code_of([&] { NewSegment(file("b"), kPage); }) == Error::TooManyDescriptors ? 0 : 2;
  });
  EXPECT_EQ(test::wait_child(pid), 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadow memory is over any address limit
TEST_F(SegmentTest, OverTheAddressSpaceLimitSaysTheLimit) {
  const Descriptor fd = make("a", 1ULL << 34);
  const auto pid = test::fork_child([&] {
    const ::rlimit limit{1ULL << 33, 1ULL << 33};
    ::setrlimit(RLIMIT_AS, &limit);
    const auto body = [&] { Mapping(fd.get(), 0, 1ULL << 34, Access::read_only); };
    if (code_of(body) != Error::Memory) return 1;
    return message_of(body).find("RLIMIT_AS") != std::string::npos ? 0 : 2;
  });
  EXPECT_EQ(test::wait_child(pid), 0);
}
#endif

TEST(SegmentPathsTest, NamesCarryOwnerAndStore) {
  const auto paths = segment_paths(1000, "main");
  EXPECT_EQ(paths.catalog, "/dev/shm/ndshare-1000-main.catalog");
  EXPECT_EQ(paths.sync, "/dev/shm/ndshare-1000-main.sync");
  EXPECT_EQ(paths.pool, "/dev/shm/ndshare-1000-main.pool");
  EXPECT_EQ(paths.socket, "/dev/shm/ndshare-1000-main.sock");
  EXPECT_EQ(paths.lock, "/dev/shm/ndshare-1000-main.lock");
  EXPECT_EQ(segment_paths(7, "s", "/mnt/huge").pool, "/mnt/huge/ndshare-7-s.pool");
}

TEST(StoreAddressTest, TakesUserUidOrNeither) {
  EXPECT_EQ(parse_store_address("main").uid, me());
  EXPECT_EQ(parse_store_address("1234:main").uid, 1234U);
  EXPECT_EQ(parse_store_address("root:main").uid, 0U);
  EXPECT_EQ(parse_store_address("root:main").name, "main");
  for (const char* bad :
       {"", ":", "1:", "x y:main", "no-such-user-here:main", "1:a/b", "99999999999:a", "-1:a", "a:b:c"}) {
    EXPECT_EQ(code_of([&] { parse_store_address(bad); }), Error::Name) << bad;
  }
}

}  // namespace
}  // namespace ndshare::internal
