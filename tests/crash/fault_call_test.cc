// Each system call of each operation of a client fails once: a typed error or none, and the same operation works right after,
// with nothing left over.
#include <cerrno>
#include <new>
#include <set>
#include <utility>

#include <sys/mman.h>

#include <gtest/gtest.h>
#include <ndshare/create.h>

#include "tests/crash/fault_support.h"
#include "tests/crash/kill_plan.h"
#include "tests/crash/syscall_fault.h"

namespace ndshare::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kLastingPatience = seconds(3);
constexpr std::uint64_t kGreeting = 3;  ///< a client keeps the descriptors of its last resumed greeting

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
      {"connect", [](Store& store) { Store::connect(store.name(), {.timeout = kLastingPatience}).close(); }},
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
  /// Exit status 0, or the line of what did not hold on standard error. `lasting`: with no memory not even an Error can be made.
  int child(bool lasting) const {
    Store store = Store::connect(daemon_.name(), {.timeout = patience_});
    store.ping();
    SyscallFault::begin();
    const auto error = attempt(store, lasting);
    SyscallFault::end();
    if (!error.empty()) return complain(error);
    for (int again = 0; again < 3; ++again) GetParam().run(store);
    for (const auto& claim : admin::Inspector(daemon_.name()).claims()) {
      if (claim.pid == static_cast<std::uint64_t>(::getpid())) return complain("a claim is left");
    }
    return compare(files_open(), store_maps());
  }
  std::string attempt(Store& store, bool lasting) const {
    try {
      GetParam().run(store);
    } catch (const Error& failure) {
      if (failure.code() == ErrorCode::Internal) return std::string("Internal: ") + failure.what();
    } catch (const std::bad_alloc&) {
      if (!lasting) return "not an Error: bad_alloc";
    } catch (const std::exception& failure) {
      return std::string("not an Error: ") + failure.what();
    }
    return {};
  }
  /// The first child, which nothing failed in, says what one ends with.
  int compare(std::uint64_t files, std::uint64_t maps) const {
    auto& normal = *normal_;
    if (normal.files == 0) normal.files = files, normal.maps = maps;
    if (files != normal.files && files != normal.files + kGreeting) return complain("descriptors leaked:" + files_text());
    if (maps > normal.maps) return complain(std::to_string(maps - normal.maps) + " maps leaked");
    return 0;
  }
  static int complain(const std::string& what) {
    std::fprintf(stderr, "child: %s\n", what.c_str());
    return 1;
  }
  struct Counts {
    std::uint64_t files = 0, maps = 0;
  };
  /// Lasting lacks end with the deadline at the latest: a short one, for where a call is tried again until then.
  void fail_each(const std::vector<TracedCall>& made, bool lasting) {
    patience_ = lasting ? kLastingPatience : seconds(20);
    std::set<std::pair<long, int>> waited;
    for (std::size_t n = 0; n < made.size(); ++n) {
      for (const int error : made[n].errors) {
        if (lasting && !SyscallFault::may_last(error)) continue;
        // What is tried again until the deadline takes that long: at one place, or (NDSHARE_LONG) at all.
        if (lasting && error == ENOBUFS && !waited.emplace(made[n].number, error).second && !long_run()) continue;
        SCOPED_TRACE(std::string(GetParam().name) + ": call " + std::to_string(n) + ", " +
                     SyscallFault::describe(made[n].number, error) + (lasting ? " from here on" : ""));
        if (view_) view_ = array_.view();
        const auto result = SyscallFault::run([&] { return child(lasting); }, made[n], error, lasting);
        faults_ += result.reached ? 1 : 0, missed_ += result.reached ? 0 : 1;
        EXPECT_EQ(result.status, std::optional<int>(0));
      }
    }
  }
  TestStore daemon_;
  std::optional<Store> keeper_;
  SharedArray array_;
  std::optional<Array> view_;
  seconds patience_{20};
  int faults_ = 0;
  int missed_ = 0;  ///< calls that were not made again: an answer that is there at once is not waited for
  Counts* normal_ = static_cast<Counts*>(
      ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));  ///< of the children
};

TEST_P(FaultCallTest, EachCallFails) {
  if (GetParam().with_view) view_ = array_.view();
  const auto made = SyscallFault::calls([this] { return child(false); });
  ASSERT_GT(normal_->files, 0U) << "the child that nothing fails in did not come to its end";
  fail_each(made, false);
  fail_each(made, true);
  std::printf("%s: %zu system calls, %d faults, %d not come by\n", GetParam().name, made.size(), faults_, missed_);
  view_.reset();
  expect_back_to_start(daemon_.name(), *keeper_);
}

INSTANTIATE_TEST_SUITE_P(Calls, FaultCallTest, ::testing::ValuesIn(calls()),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace ndshare::test
