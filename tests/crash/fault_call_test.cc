// Each system call of each operation of a client fails once: a typed error or none, and the same operation works right after,
// with nothing left over.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <ndshare/create.h>

#include "tests/crash/syscall_fault.h"
#include "tests/support/test_store.h"

namespace ndshare::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kKeptFiles = 3;   ///< the descriptors of the last resumed greeting are kept by a client
constexpr std::uint64_t kKeptMaps = 8;    ///< the allocator's, and the assembled maps that are kept for the next use

std::uint64_t lines_of(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::uint64_t count = 0;
  while (std::getline(file, line)) ++count;
  return count;
}
std::uint64_t files_open() {
  std::uint64_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

std::string files_text() {
  std::string out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    out += "\n  " + std::filesystem::read_symlink(entry.path(), ignored).string();
  }
  return out;
}

struct Call {
  const char* name;
  std::function<void(Store&)> run;
  bool with_view = false;  ///< somebody holds a view: writes copy
};

void PrintTo(const Call& call, std::ostream* out) { *out << call.name; }

void write_rows(Store& store) {
  auto guard = store.open("a").write({.rows = {3, 5}});
  guard.as_span<std::int64_t>()[0] = 7;
  guard.release();
}
void update_rows(Store& store) {
  auto guard = store.open("a").update({.rows = {3, 5}});
  guard.as_span<std::int64_t>()[0] = 7;
  guard.commit();
}
/// What an attempt whose answer was lost may have left; it may go by itself with the next request.
void clear(Store& store, const std::string& name) {
  try {
    store.remove(name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NoSuchArray) throw;
  }
}
void snapshot(Store& store) {
  clear(store, "s");
  store.snapshot("a", "s");
  store.remove("s");
}
void create(Store& store) {
  clear(store, "c");
  SharedArray made = store.create("c", int64, {100, 128});
  made.write().as_span<std::int64_t>()[0] = 1;
  store.remove("c");
}
void wait_in_vain(Store& store) {
  const SharedArray a = store.open("a");
  if (code_of([&] { a.wait_for_change(a.revision(), milliseconds(3)); }) != ErrorCode::Timeout) throw std::runtime_error("no timeout");
}

const std::vector<Call>& calls() {
  static const std::vector<Call> all = {
      {"read", [](Store& store) { static_cast<void>(store.open("a").read().array()); }},
      {"view", [](Store& store) { static_cast<void>(store.open("a").view()); }},
      {"write", write_rows},
      {"write_that_copies", write_rows, true},
      {"update", update_rows},
      {"append", [](Store& store) { store.open("a").append(zeros({1, 128}, int64)); }},
      {"resize", [](Store& store) { store.open("a").resize(100), store.open("a").resize(200); }},
      {"snapshot", snapshot},
      {"create", create},
      {"wait_for_change", wait_in_vain},
      {"connect", [](Store& store) { Store::connect(store.name(), {.timeout = seconds(20)}).close(); }},
  };
  return all;
}

class FaultCallTest : public ::testing::TestWithParam<Call> {
 protected:
  void SetUp() override {
    if (const auto why = SyscallFault::unavailable(); !why.empty()) GTEST_SKIP() << why;
    keeper_ = daemon_.connect();
    array_ = keeper_->create("a", int64, {200, 128});
    array_.write().release();
  }
  /// Exit status 0, or the line of what did not hold on standard error.
  int child() const {
    const auto& call = GetParam();
    Store store = Store::connect(daemon_.name(), {.timeout = seconds(20)});
    store.ping();
    const auto files = files_open();
    SyscallFault::begin();
    std::string error;
    try {
      call.run(store);
    } catch (const Error& failure) {
      if (failure.code() == ErrorCode::Internal) error = std::string("Internal: ") + failure.what();
    } catch (const std::exception& failure) {
      error = std::string("not an Error: ") + failure.what();
    }
    SyscallFault::end();
    if (!error.empty()) return complain(error);
    const auto maps = lines_of("/proc/self/maps");
    for (int again = 0; again < 3; ++again) call.run(store);
    if (files_open() > files + kKeptFiles) return complain("descriptors leaked:" + files_text());
    if (lines_of("/proc/self/maps") > maps + kKeptMaps) return complain("maps leaked");
    for (const auto& claim : admin::Inspector(daemon_.name()).claims()) {
      if (claim.pid == static_cast<std::uint64_t>(::getpid())) return complain("a claim is left");
    }
    return 0;
  }
  static int complain(const std::string& what) {
    std::fprintf(stderr, "child: %s\n", what.c_str());
    return 1;
  }
  TestStore daemon_;
  std::optional<Store> keeper_;
  SharedArray array_;
};

TEST_P(FaultCallTest, EachCallFailsOnce) {
  const auto body = [this] { return child(); };
  std::optional<Array> view;
  if (GetParam().with_view) view = array_.view();
  const auto made = SyscallFault::calls(body);
  int faults = 0;
  for (std::size_t n = 0; n < made.size(); ++n) {
    for (const int error : made[n].errors) {
      SCOPED_TRACE(std::string(GetParam().name) + ": call " + std::to_string(n) + ", " + SyscallFault::describe(made[n].number, error));
      if (view) view = array_.view();
      const auto result = SyscallFault::run(body, n, made[n].number, error);
      faults += result.reached ? 1 : 0;
      EXPECT_EQ(result.status, std::optional<int>(0));
    }
  }
  std::printf("%s: %zu system calls, %d faults\n", GetParam().name, made.size(), faults);
  view.reset();
  EXPECT_TRUE(eventually([&] { return daemon_.status().clients.size() == 1; })) << "a slot was not given back";
  for (const auto& info : keeper_->list()) keeper_->remove(info.name);
  EXPECT_TRUE(eventually([&] { return daemon_.used_bytes() == 0; })) << daemon_.used_bytes() << " bytes leaked";
}

INSTANTIATE_TEST_SUITE_P(Calls, FaultCallTest, ::testing::ValuesIn(calls()),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace ndshare::test
