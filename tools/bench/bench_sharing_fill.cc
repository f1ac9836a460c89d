// Two processes fill one array at once, against one process, and against what plain memory gives one and two of them.
#include "tools/bench/bench_sharing.h"

#include <cstring>
#include <thread>

#include <sys/mman.h>

namespace {

using namespace sharing_bench;

constexpr std::int64_t kRowBytes = 4096, kRows = kGiB / kRowBytes;

/// Where the bytes lie.
enum class Memory : char { array, anonymous, shared };

struct Order {
  Memory memory;
  std::int64_t first, last;  // rows
};

/// A process that fills rows of the store's array, or of warm memory without a store, as it is told.
Child filler(const PrivateStore& daemon, std::byte* shared) {
  return Child([&daemon, shared](Line line) {
    nd::Store store = daemon.connect();
    auto array = store.open("filled");
    void* page = ::mmap(nullptr, static_cast<std::size_t>(kGiB), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    auto* anonymous = static_cast<std::byte*>(page);
    int value = 1;
    for (Order order{}; line.hear(order);) {
      const auto bytes = static_cast<std::size_t>((order.last - order.first) * kRowBytes);
      const auto at = order.first * kRowBytes;
      if (order.memory == Memory::array) {
        auto guard = array.write({.rows = {order.first, order.last}});
        std::memset(guard.data(), value++, bytes);
        guard.release();
      } else {
        std::memset((order.memory == Memory::shared ? shared : anonymous) + at, value++, bytes);
      }
      line.say('k');
    }
  });
}

/// Seconds until all rows are filled by so many of the two.
double fill(const Child& one, const Child& two, Memory memory, int processes) {
  return seconds_of([&] {
    const auto half = processes == 1 ? kRows : kRows / 2;
    one.say(Order{memory, 0, half});
    if (processes == 2) two.say(Order{memory, half, kRows});
    one.wait_for<char>();
    if (processes == 2) two.wait_for<char>();
  });
}

void BM_SharingParallelFill(benchmark::State& state) {
  const PrivateStore daemon(kGiB + 64 * kMiB);
  nd::Store store = daemon.connect();
  store.create("filled", nd::uint8, {kRows, kRowBytes}).write().release();
  void* page = ::mmap(nullptr, static_cast<std::size_t>(kGiB), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return state.SkipWithError("no memory");
  const auto one = filler(daemon, static_cast<std::byte*>(page)), two = filler(daemon, static_cast<std::byte*>(page));
  constexpr Memory kKinds[] = {Memory::array, Memory::anonymous, Memory::shared};
  std::vector<double> seconds[3][2];
  for (const auto memory : kKinds) fill(one, two, memory, 1), fill(two, one, memory, 1);  // warm in both
  for (auto _ : state) {
    for (std::size_t kind = 0; kind < 3; ++kind) {
      for (const int processes : {1, 2}) {
        seconds[kind][processes - 1].push_back(fill(one, two, kKinds[kind], processes));
      }
    }
    state.SetIterationTime(seconds[0][1].back());
  }
  ::munmap(page, static_cast<std::size_t>(kGiB));
  constexpr const char* kNames[] = {"array", "private", "shared"};
  for (std::size_t kind = 0; kind < 3; ++kind) {
    const std::string name = kNames[kind];
    state.counters[name + "_GB_per_s_1"] = static_cast<double>(kGiB) / median(seconds[kind][0]) / 1e9;
    state.counters[name + "_GB_per_s_2"] = static_cast<double>(kGiB) / median(seconds[kind][1]) / 1e9;
    state.counters[name + "_ratio"] = median(seconds[kind][0]) / median(seconds[kind][1]);
  }
}
BENCHMARK(BM_SharingParallelFill)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(8);

}  // namespace
