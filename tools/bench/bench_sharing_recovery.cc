// After a kill: how soon whoever waits for a dead writer has an answer, and how soon a killed daemon's store serves
// again.
#include "tools/bench/bench_sharing.h"

#include <cstring>
#include <optional>

namespace {

using namespace sharing_bench;

/// A process that holds write() of "held" until it is killed.
Child holder(const PrivateStore& daemon) {
  Child child([&daemon](Line line) {
    nd::Store store = daemon.connect();
    auto array = store.open("held");
    auto guard = array.repair();
    std::memset(guard.data(), 1, 8);
    line.say('h');
    line.wait_for<char>();
  });
  child.wait_for<char>();
  return child;
}

/// A process that answers each word with what read() of "held" came to, when, after a wait that began `told` ago.
struct Answer {
  Clock::time_point at;
  nd::ErrorCode code;
  bool names_dead;
};
Child waiter(const PrivateStore& daemon) {
  return Child([&daemon](Line line) {
    nd::Store store = daemon.connect();
    const auto array = store.open("held");
    for (std::chrono::milliseconds limit{}; line.hear(limit);) {
      Answer answer{{}, nd::ErrorCode::Ok, false};
      try {
        static_cast<void>(array.read({.timeout = limit}));
      } catch (const nd::Error& error) {
        answer.code = error.code();
        answer.names_dead = std::string(error.what()).find("dead") != std::string::npos;
      }
      answer.at = Clock::now();
      line.say(answer);
    }
  });
}

constexpr std::chrono::milliseconds kUntilItWaits{20};

void kill_daemon(const PrivateStore& daemon) {
  const auto pid = static_cast<pid_t>(daemon.status().pid);
  ::kill(pid, SIGKILL);
  while (::kill(pid, 0) == 0) ::usleep(100);
}

/// The holder of a write is killed under somebody who waits; and once more while no daemon runs.
void BM_SharingHolderKilled(benchmark::State& state) {
  const PrivateStore daemon(64 * kMiB);
  nd::Store store = daemon.connect();
  store.create("held", nd::uint8, {4096}).write().release();
  const auto waiting = waiter(daemon);
  std::vector<double> ms;
  for (auto _ : state) {
    auto victim = holder(daemon);
    waiting.say(std::chrono::milliseconds(10'000));
    ::usleep(static_cast<useconds_t>(std::chrono::microseconds(kUntilItWaits).count()));
    const auto killed = Clock::now();
    victim.kill();
    const auto answer = waiting.wait_for<Answer>();
    if (answer.code != nd::ErrorCode::Torn) return state.SkipWithError("the answer is not Torn");
    ms.push_back(std::chrono::duration<double>(answer.at - killed).count() * 1e3);
    state.SetIterationTime(ms.back() / 1e3);
  }
  state.counters["median_ms"] = median(ms);
  state.counters["longest_ms"] = quantile(ms, 1);
  auto victim = holder(daemon);
  kill_daemon(daemon);
  victim.kill();
  waiting.say(std::chrono::milliseconds(100));
  const auto answer = waiting.wait_for<Answer>();
  state.counters["no_daemon_names_dead"] = answer.code == nd::ErrorCode::Timeout && answer.names_dead;
  daemon.start();
}
BENCHMARK(BM_SharingHolderKilled)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(50);

constexpr int kArrays = 10'000, kClients = 8;
constexpr std::int64_t kWords = kGiB / kArrays / 8;

std::string array_name(int i) { return "many/" + std::to_string(i); }

/// FNV-1a over the words of every array.
std::uint64_t checksum(const nd::Store& store) {
  std::uint64_t sum = 0xcbf2'9ce4'8422'2325ULL;
  for (int i = 0; i < kArrays; ++i) {
    const auto guard = store.open(array_name(i)).read();
    for (const auto word : guard.as_span<std::uint64_t>()) sum = (sum ^ word) * 0x0000'0100'0000'01b3ULL;
  }
  return sum;
}

void fill_many(nd::Store& store) {
  std::vector<nd::CreateItem> items;
  for (int i = 0; i < kArrays; ++i) items.push_back({array_name(i), nd::uint64, {kWords}});
  std::uint64_t next = 1;
  for (auto& array : store.create_many(items, {.fill = nd::Fill::empty})) {
    auto guard = array.write();
    for (auto& word : guard.as_span<std::uint64_t>())
      word = next = next * 6364136223846793005ULL + 1442695040888963407ULL;
    guard.release();
  }
}

/// A client that opens an array when it is told to, asks for a round trip, and says its checksum of everything.
Child client(const PrivateStore& daemon) {
  return Child([&daemon](Line line) {
    nd::Store store = daemon.connect();
    line.say(checksum(store));
    line.wait_for<char>();
    store.ping();
    line.say(Clock::now());
    line.say(checksum(store));
    line.wait_for<char>();
  });
}

void BM_SharingDaemonKilled(benchmark::State& state) {
  const PrivateStore daemon(kGiB + 256 * kMiB);
  nd::Store store = daemon.connect();
  fill_many(store);
  const auto before = checksum(store);
  std::vector<double> ready, served;
  double differing = 0;
  for (auto _ : state) {
    std::vector<Child> clients;
    for (int i = 0; i < kClients; ++i) clients.push_back(client(daemon));
    for (const auto& child : clients) differing += child.wait_for<std::uint64_t>() != before;
    kill_daemon(daemon);
    const auto start = Clock::now();
    daemon.start();
    ready.push_back(seconds_since(start));
    for (const auto& child : clients) child.say('g');
    auto last = start;
    for (const auto& child : clients) last = std::max(last, child.wait_for<Clock::time_point>());
    served.push_back(std::chrono::duration<double>(last - start).count());
    state.SetIterationTime(served.back());
    for (const auto& child : clients) differing += child.wait_for<std::uint64_t>() != before;
    differing += checksum(store) != before;
    for (const auto& child : clients) child.say('e');
  }
  state.counters["start_s"] = median(ready);
  state.counters["all_clients_served_s"] = median(served);
  state.counters["longest_s"] = quantile(served, 1);
  state.counters["checksums_that_differ"] = differing;
}
BENCHMARK(BM_SharingDaemonKilled)->UseManualTime()->Unit(benchmark::kSecond)->Iterations(3);

}  // namespace
