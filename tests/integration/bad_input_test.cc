// Bad input, a row a test: a typed error with numbers and the way out; nothing lost, nothing leaked.
#include <array>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <gtest/gtest.h>
#include <ndshare/create.h>
#include <ndshare/io.h>

#include "lib/shm/format.h"
#include "lib/shm/segment.h"
#include "tests/support/test_store.h"

namespace ndshare::test {
namespace {

using internal::segment_paths;

/// Every test ends with the store as it began: no bytes used, no arrays, and still serving.
class BadInputTest : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return store_.used_bytes() == 0 && store_.status().arrays == 0; }))
        << "left: " << store_.used_bytes() << " bytes, " << store_.status().arrays << " arrays";
    Store after = store_.connect();
    EXPECT_EQ(code_of([&] { after.create("after", float32, {1}).seal(), after.remove("after"); }), ErrorCode::Ok);
  }
  /// The error of a create in a fresh client.
  void expect_refused(const std::string& name, const DType& dtype, const Shape& shape, ErrorCode code, const std::string& says) {
    Store client = store_.connect();
    const auto body = [&] { client.create(name, dtype, shape); };
    EXPECT_EQ(code_of(body), code) << message_of(body);
    EXPECT_NE(message_of(body).find(says), std::string::npos) << message_of(body);
  }
  TestStore store_;
};

std::string write_file(const ScratchDir& dir, const std::string& name, const std::string& bytes) {
  std::ofstream(dir.file(name), std::ios::binary) << bytes;
  return dir.file(name);
}

TEST_F(BadInputTest, NameTaken) {
  Store client = store_.connect();
  SharedArray first = client.create("a", float32, {3});
  EXPECT_EQ(code_of([&] { client.create("a", int8, {1}); }), ErrorCode::NameTaken);
  first.seal();
  EXPECT_EQ(code_of([&] { store_.connect().create("a", int8, {1}); }), ErrorCode::NameTaken);
  EXPECT_EQ(client.open("a").dtype(), float32);
  client.remove("a");
}

TEST_F(BadInputTest, Names) {
  expect_refused("", float32, {1}, ErrorCode::Name, "empty");
  expect_refused(std::string(256, 'n'), float32, {1}, ErrorCode::Name, "256");
  expect_refused("a\x01" "b", float32, {1}, ErrorCode::Name, "control");
  expect_refused("../etc/passwd", float32, {1}, ErrorCode::Name, "..");
  EXPECT_EQ(code_of([&] { Store::connect("../x"); }), ErrorCode::Name);
  EXPECT_EQ(code_of([&] { Store::connect(std::string(65, 'x')); }), ErrorCode::Name);
}

TEST_F(BadInputTest, DtypesThroughTheCommandLine) {
  for (const char* dtype : {"float33", "O", "object", "i3", "U0x", "", "a:f4,a:f4", "M8[lightyear]"}) {
    const Finished done = cli(store_.name(), {"create", "x", "--dtype", dtype, "--shape", "3"});
    EXPECT_EQ(done.status, 2) << dtype << ": " << done.err;
    EXPECT_FALSE(done.err.empty());
  }
  std::string wide = "f0:i8";
  for (int i = 1; i < 2000; ++i) wide += ",f" + std::to_string(i) + ":i8";
  EXPECT_EQ(cli(store_.name(), {"create", "x", "--dtype", wide, "--shape", "3"}).status, 2);
}

TEST_F(BadInputTest, Shapes) {
  Store client = store_.connect();
  EXPECT_EQ(code_of([&] { client.create("x", float32, {-1, 3}); }), ErrorCode::Shape);
  EXPECT_EQ(code_of([&] { client.create("x", float64, {1LL << 61}); }), ErrorCode::Shape);  // 2^64 bytes
  EXPECT_EQ(code_of([&] { client.create("x", int8, {1LL << 32, 1LL << 32}); }), ErrorCode::Shape);
  for (const char* shape : {"-1", "-3,2", "x", "1,,2", "9223372036854775808", "4294967296,4294967296,4"}) {
    EXPECT_EQ(cli(store_.name(), {"create", "x", "--dtype", "f4", "--shape=" + std::string(shape)}).status, 2) << shape;
  }
  std::string axes33 = "1";
  for (int i = 0; i < 32; ++i) axes33 += ",1";
  EXPECT_EQ(cli(store_.name(), {"create", "x", "--dtype", "f4", "--shape", axes33}).status, 2);
}

TEST_F(BadInputTest, ShapesWithAZeroAreValidEverywhere) {
  Store client = store_.connect();
  for (const Shape& shape : {Shape{0}, Shape{3, 0, 2}, Shape{0, 1LL << 40}}) {
    client.create("zero", float32, shape).seal();
    const Array view = store_.connect().open("zero").view();
    EXPECT_EQ(view.shape(), shape);
    EXPECT_EQ(view.nbytes(), 0);
    client.remove("zero");
  }
  EXPECT_EQ(cli(store_.name(), {"create", "zero", "--dtype", "f4", "--shape", "0,3", "--seal"}).status, 0);
  const Finished shown = cli(store_.name(), {"show", "zero"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_NE(shown.out.find("[]"), std::string::npos);
  ScratchDir dir;
  EXPECT_EQ(cli(store_.name(), {"get", "zero", dir.file("z.npy")}).status, 0);
  EXPECT_EQ(load(dir.file("z.npy")).shape(), (Shape{0, 3}));
  EXPECT_EQ(cli(store_.name(), {"rm", "zero"}).status, 0);
}

TEST_F(BadInputTest, LargerThanTheBudget) {
  expect_refused("big", float32, {1LL << 30}, ErrorCode::Capacity, "GiB");
  Store client = store_.connect();
  SharedArray most = client.create("most", uint8, {48LL << 20}, {.fill = Fill::empty});
  EXPECT_EQ(code_of([&] { client.create("rest", uint8, {32LL << 20}); }), ErrorCode::Capacity);
  most.seal();
  client.remove("most");
}

TEST(BadInputMachineTest, LargerThanTmpfs) {
  // A tmpfs of 16 MiB as the pool's folder, in a mount namespace of its own, with a budget that promises more.
  if (::geteuid() != 0) GTEST_SKIP() << "mounting a small tmpfs needs root";
  ScratchDir dir;
  const std::string name = unique_store_name("tmpfs");
  const std::string script =
      "mount -t tmpfs -o size=16m none " + dir.path().string() + " || exit 77; S=" + name + "; " + program("ndshare") +
      " --store $S start --capacity 64M --pool-dir " + dir.path().string() + " || exit 70; " + program("ndshare") +
      " --store $S create big --dtype u1 --shape 33554432; echo status=$?; " + program("ndshare") +
      " --store $S create small --dtype u1 --shape 1048576 --seal && " + program("ndshare") + " --store $S stop --force";
  const Finished done = run({"unshare", "-m", "bash", "-c", script});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_NE(done.out.find("status=1"), std::string::npos) << done.out << done.err;
  EXPECT_NE(done.err.find("tmpfs"), std::string::npos) << done.err;
}

TEST(BadInputMachineTest, LargerThanTheCgroup) {
  // The daemon in a real memory cgroup of 512 MiB (v1 or v2, whichever this machine lets us make).
  namespace fs = std::filesystem;
  const std::string leaf = "ndshare-test-" + std::to_string(::getpid());
  const bool v1 = fs::exists("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  const fs::path group = fs::path(v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup") / leaf;
  std::error_code error;
  if (!fs::create_directory(group, error)) GTEST_SKIP() << "cannot make a cgroup here: " << error.message();
  std::ofstream(group / (v1 ? "memory.limit_in_bytes" : "memory.max")) << (512ULL << 20) << std::flush;
  const std::string name = unique_store_name("cgroup");
  const std::string script = "echo $$ > " + (group / "cgroup.procs").string() + " || exit 77; " + program("ndshare") + " --store " +
                             name + " start --capacity 2G || exit 70; " + program("ndshare") + " --store " + name +
                             " create big --dtype u1 --shape 1073741824; echo status=$?; " + program("ndshare") + " --store " +
                             name + " stop --force";
  const Finished done = run({"bash", "-c", script});
  EXPECT_TRUE(eventually([&] { return fs::remove(group, error); })) << "cgroup not empty";
  if (done.status == 77) GTEST_SKIP() << "this machine does not let a process be moved into a cgroup";
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_NE(done.out.find("status=1"), std::string::npos) << done.out << done.err;
  EXPECT_NE(done.err.find("cgroup"), std::string::npos) << done.err;
}

TEST_F(BadInputTest, NpyFiles) {
  ScratchDir dir;
  const std::string good = npy_header_bytes(float32, {4}) + std::string(16, '\0');
  const auto put = [&](const std::string& file, const std::string& bytes) {
    const Finished done = cli(store_.name(), {"put", "bad", write_file(dir, file, bytes)});
    EXPECT_EQ(done.status, 1) << file << ": " << done.out << done.err;
    EXPECT_NE(done.err.find(file), std::string::npos) << "the message names the file: " << done.err;
    return done.err;
  };
  put("truncated.npy", good.substr(0, good.size() - 3));
  put("short_header.npy", good.substr(0, 20));
  put("long.npy", good + "x");
  put("not.npy", "hello");
  put("empty.npy", "");
  const auto with_literal = [](std::string text) {
    text += std::string((64 - (11 + text.size()) % 64) % 64, ' ') + "\n";
    const auto n = static_cast<unsigned>(text.size());
    return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(n & 255) + static_cast<char>(n >> 8) + text;
  };
  put("object.npy", with_literal("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }") + std::string(24, '\0'));
  put("negative.npy", with_literal("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }"));
  put("huge.npy", with_literal("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 8), }"));
  put("lies.npy", with_literal("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }") + std::string(8, '\0'));
  put("call.npy", with_literal("{'descr': __import__('os').system('false'), 'fortran_order': False, 'shape': (1,), }"));
  put("nested.npy", with_literal("{'descr': " + std::string(3000, '[') + ", 'fortran_order': False, 'shape': (1,), }"));
}

TEST_F(BadInputTest, CsvFiles) {
  ScratchDir dir;
  const Finished ragged = cli(store_.name(), {"put", "bad", write_file(dir, "ragged.csv", "a,b\n1,2\n3\n4,5\n")});
  EXPECT_EQ(ragged.status, 1);
  EXPECT_NE(ragged.err.find("line 3"), std::string::npos) << ragged.err;
  const Finished word = cli(store_.name(), {"put", "bad", write_file(dir, "word.csv", "a,b\n1,2\n3,x\n"), "--dtype", "a:i8,b:i8"});
  EXPECT_EQ(word.status, 1);
  EXPECT_NE(word.err.find("line 3"), std::string::npos) << word.err;
  EXPECT_NE(word.err.find("column"), std::string::npos) << word.err;
  EXPECT_NE(word.err.find("'x'"), std::string::npos) << word.err;
}

TEST(BadInputNoStoreTest, NoDaemon) {
  const std::string name = unique_store_name("none");
  EXPECT_EQ(code_of([&] { Store::connect(name); }), ErrorCode::NoSuchStore);
  const Finished done = cli(name, {"create", "x", "--dtype", "f4", "--shape", "3"});
  EXPECT_EQ(done.status, 3);
  EXPECT_NE(done.err.find("ndshare"), std::string::npos) << "the way out names the command: " << done.err;
  EXPECT_EQ(cli(name, {"stop"}).status, 3);
}

TEST(BadInputNoStoreTest, StaleSocket) {
  const std::string name = unique_store_name("stale");
  const auto paths = segment_paths(::geteuid(), name);
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, paths.socket.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd);  // bound, nobody listens, the name stays
  EXPECT_EQ(code_of([&] { Store::connect(name); }), ErrorCode::NoSuchStore);
  EXPECT_EQ(cli(name, {"start", "--capacity", "64M"}).status, 0) << "a daemon takes the place of a stale socket";
  EXPECT_EQ(cli(name, {"stop"}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(paths.socket));
}

TEST(BadInputNoStoreTest, SegmentsOfADeadDaemonAreAdopted) {
  TestStore store;
  {
    Store client = store.connect();
    SharedArray made = client.create("kept", int64, {1000});
    fill(made.write().array(), 7);
    made.seal();
  }
  ASSERT_EQ(::kill(static_cast<pid_t>(store.status().pid), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return code_of([&] { store.connect(); }) == ErrorCode::NoSuchStore; }));
  const Finished without = cli(store.name(), {"ls"});
  EXPECT_EQ(without.status, 0) << without.err;
  EXPECT_NE(without.out.find("kept"), std::string::npos) << "read from the segments: " << without.out;
  EXPECT_EQ(cli(store.name(), {"start"}).status, 0);
  EXPECT_EQ(store.connect().open("kept").view().at<std::int64_t>(999), 7);
  EXPECT_EQ(store.status().pool.capacity_bytes, 64ULL << 20) << "with their capacity";
}

TEST(BadInputNoStoreTest, SegmentsOfAnotherLayoutAreRefusedWithTheWayOut) {
  TestStore store;
  ASSERT_EQ(cli(store.name(), {"stop", "--keep"}).status, 0);
  const auto paths = segment_paths(::geteuid(), store.name());
  const int fd = ::open(paths.catalog.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const std::uint64_t other = internal::kLayoutHash + 1;
  ASSERT_EQ(::pwrite(fd, &other, 8, offsetof(internal::CatalogHeader, layout_hash)), 8);
  const Finished refused = cli(store.name(), {"start"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("layout"), std::string::npos) << refused.err;
  ASSERT_EQ(::pwrite(fd, &internal::kLayoutHash, 8, offsetof(internal::CatalogHeader, layout_hash)), 8);
  ::close(fd);
  EXPECT_EQ(cli(store.name(), {"start"}).status, 0) << "refusing changed nothing";
}

TEST(BadInputNoStoreTest, SquattedSegmentName) {
  const std::string name = unique_store_name("squat");
  const auto paths = segment_paths(::geteuid(), name);
  const int fd = ::open(paths.pool.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
  ASSERT_GE(fd, 0);
  ::fchmod(fd, 0666);
  ::close(fd);
  const Finished refused = cli(name, {"start", "--capacity", "64M"});
  EXPECT_EQ(refused.status, 1) << refused.out;
  EXPECT_NE(refused.err.find(paths.pool), std::string::npos) << refused.err;
  EXPECT_TRUE(std::filesystem::exists(paths.pool)) << "what is not ours is not removed";
  std::filesystem::remove(paths.pool);
  for (const auto& path : {paths.catalog, paths.sync, paths.socket}) EXPECT_FALSE(std::filesystem::exists(path)) << path;
  std::filesystem::remove(paths.lock);
}

TEST(BadInputNoStoreTest, DaemonHoldsNothingOpenOfItsStarter) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);  // without O_CLOEXEC: whoever is started inherits it
  const TestStore store;
  ::close(ends[1]);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "end of file: nobody else has the pipe";
  ::close(ends[0]);
}

TEST(BadInputNoStoreTest, DaemonStartedWithoutStandardStreams) {
  const std::string name = unique_store_name("closed");
  const pid_t daemon = fork_child([&] {
    for (const int fd : {0, 1, 2}) ::close(fd);
    const std::string path = program("ndshared");
    ::execl(path.c_str(), path.c_str(), "--store", name.c_str(), "--capacity", "64M", "--log-level", "debug", nullptr);
    return 1;
  });
  const auto connects = [&] { return code_of([&] { Store::connect(name); }); };
  ASSERT_TRUE(eventually([&] { return connects() == ErrorCode::Ok; }));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(connects(), ErrorCode::Ok) << "no log line stands in a segment";
  admin::stop(name, true, false, std::chrono::seconds(30));
  EXPECT_EQ(wait_child(daemon), 0);
}

TEST(BadInputLimitsTest, TooManyClients) {
  admin::DaemonOptions options;
  options.max_clients = 2;
  TestStore store(options);
  const Store one = store.connect();
  {
    const Store two = store.connect();
    EXPECT_EQ(code_of([&] { store.connect(); }), ErrorCode::TooManyClients);
    EXPECT_NE(message_of([&] { store.connect(); }).find("max-clients"), std::string::npos);
  }
  EXPECT_TRUE(eventually([&] { return code_of([&] { store.connect(); }) == ErrorCode::Ok; }));
}

TEST(BadInputLimitsTest, TooManyArrays) {
  admin::DaemonOptions options;
  options.max_arrays = 3;
  TestStore store(options);
  Store client = store.connect();
  for (int i = 0; i < 3; ++i) client.create("a" + std::to_string(i), int8, {1}).seal();
  EXPECT_EQ(code_of([&] { client.create("a3", int8, {1}); }), ErrorCode::TooManyArrays);
  client.remove("a1");
  EXPECT_EQ(code_of([&] { client.create("a3", int8, {1}).seal(); }), ErrorCode::Ok);
}

TEST_F(BadInputTest, TooManyDescriptors) {
  const pid_t child = fork_child([&] {
    std::vector<int> held;
    for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) held.push_back(fd);
    const ErrorCode code = code_of([&] { store_.connect(); });
    for (const int fd : held) ::close(fd);
    return code == ErrorCode::TooManyDescriptors && code_of([&] { store_.connect(); }) == ErrorCode::Ok ? 0 : 1;
  });
  EXPECT_EQ(wait_child(child), 0);
}

TEST_F(BadInputTest, ReadOnlyClientThatCreates) {
  store_.connect().create("x", int32, {4}).seal();
  Store reader = store_.connect(Role::read_only);
  EXPECT_EQ(code_of([&] { reader.create("y", int32, {4}); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { reader.remove("x"); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { reader.rename("x", "z"); }), ErrorCode::Permission);
  EXPECT_FALSE(reader.open("x").view().is_writable());
  store_.connect().remove("x");
}

TEST_F(BadInputTest, RemoveWhileOthersHoldIt) {
  Store client = store_.connect();
  SharedArray made = client.create("held", uint8, {8LL << 20});
  fill(made.write().array(), 42);
  made.seal();
  Array view = store_.connect().open("held").view();
  client.remove("held");
  EXPECT_EQ(code_of([&] { (void)client.open("held"); }), ErrorCode::NoSuchArray);
  for (int i = 0; i < 6; ++i) {  // new arrays take other memory
    SharedArray other = client.create("o" + std::to_string(i), uint8, {8LL << 20});
    fill(other.write().array(), 1);
    other.seal();
  }
  const auto bytes = view.as_span<const std::uint8_t>();
  EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 42; }));
  for (int i = 0; i < 6; ++i) client.remove("o" + std::to_string(i));
  view = Array();
}

TEST_F(BadInputTest, ClientKilledBetweenCreateAndSeal) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = fork_child([&] {
    Store client = store_.connect();
    SharedArray made = client.create("half", uint8, {4LL << 20});
    WriteGuard guard = made.write();
    guard.data()[0] = std::byte{1};
    (void)!::write(ready[1], "x", 1);
    ::pause();
    return 0;
  });
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(code_of([&] { (void)store_.connect().open("half"); }), ErrorCode::NoSuchArray) << "not visible before seal";
  EXPECT_EQ(code_of([&] { store_.connect().create("half", int8, {1}); }), ErrorCode::NameTaken);
  ::kill(child, SIGKILL);
  EXPECT_EQ(wait_child(child), 128 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return store_.used_bytes() == 0; })) << "its memory came back";
  ::close(ready[0]), ::close(ready[1]);
}

}  // namespace
}  // namespace ndshare::test
