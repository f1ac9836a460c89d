// Two processes fill one array at once, against one process, and against what plain memory gives one and two of them.
#include "tools/bench/bench_sharing.h"

#include <cstring>
#include <ctime>

#include <sys/mman.h>

namespace {

using namespace sharing_bench;

constexpr std::int64_t kRowBytes = 4096, kRows = kGiB / kRowBytes;

/// Where the bytes lie. `computed`: in the array too, but with values that cost more to make than to store.
enum class Memory : char { array, anonymous, shared, computed };

struct Order {
  Memory memory;
  std::int64_t first, last;  // rows
};

/// By the clock, and of a core: what is left of the difference when others use the machine is waiting.
struct Seconds {
  double wall = 0, core = 0;
};

double core_seconds() {
  ::timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void compute(std::byte* data, std::size_t bytes, std::uint64_t next) {
  for (std::size_t at = 0; at < bytes; at += sizeof next) {
    for (int round = 0; round < 4; ++round) next = next * 6364136223846793005ULL + 1442695040888963407ULL;
    std::memcpy(data + at, &next, sizeof next);
  }
}

/// A process that fills rows of the store's array, or of warm memory without a store, as it is told.
Child filler(const PrivateStore& daemon, std::byte* shared) {
  return Child([&daemon, shared](Line line) {
    nd::Store store = daemon.connect();
    auto array = store.open("filled");
    void* page =
        ::mmap(nullptr, static_cast<std::size_t>(kGiB), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    auto* anonymous = static_cast<std::byte*>(page);
    int value = 1;
    for (Order order{}; line.hear(order);) {
      const auto bytes = static_cast<std::size_t>((order.last - order.first) * kRowBytes);
      const auto at = order.first * kRowBytes;
      const auto before = core_seconds();
      if (order.memory == Memory::array || order.memory == Memory::computed) {
        auto guard = array.write({.rows = {order.first, order.last}});
        if (order.memory == Memory::array) {
          std::memset(guard.data(), value++, bytes);
        } else {
          compute(guard.data(), bytes, static_cast<std::uint64_t>(at));
        }
        guard.release();
      } else {
        std::memset((order.memory == Memory::shared ? shared : anonymous) + at, value++, bytes);
      }
      line.say(core_seconds() - before);
    }
  });
}

/// Seconds until all rows are filled by so many of the two.
Seconds fill(const Child& one, const Child& two, Memory memory, int processes) {
  Seconds out;
  out.wall = seconds_of([&] {
    const auto half = processes == 1 ? kRows : kRows / 2;
    one.say(Order{memory, 0, half});
    if (processes == 2) two.say(Order{memory, half, kRows});
    out.core = one.wait_for<double>();
    if (processes == 2) out.core = std::max(out.core, two.wait_for<double>());
  });
  return out;
}

/// All measurements of one kind of memory.
struct Kind {
  const char* name;
  Memory memory;
  std::vector<double> wall[2]{}, core[2]{};
  double run(const Child& one, const Child& two, int processes) {
    const auto took = fill(one, two, memory, processes);
    wall[processes - 1].push_back(took.wall);
    core[processes - 1].push_back(took.core);
    return took.wall;
  }
  void report(benchmark::State& state) const {
    const std::string text = name;
    state.counters[text + "_GB_per_s_1"] = static_cast<double>(kGiB) / median(wall[0]) / 1e9;
    state.counters[text + "_GB_per_s_2"] = static_cast<double>(kGiB) / median(wall[1]) / 1e9;
    state.counters[text + "_ratio"] = median(wall[0]) / median(wall[1]);
    state.counters[text + "_core_ratio"] = median(core[0]) / median(core[1]);
  }
};

void BM_SharingParallelFill(benchmark::State& state) {
  const PrivateStore daemon(kGiB + 64 * kMiB);
  nd::Store store = daemon.connect();
  store.create("filled", nd::uint8, {kRows, kRowBytes}).write().release();
  void* page =
      ::mmap(nullptr, static_cast<std::size_t>(kGiB), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return state.SkipWithError("no memory");
  const auto one = filler(daemon, static_cast<std::byte*>(page)), two = filler(daemon, static_cast<std::byte*>(page));
  std::vector<Kind> kinds = {{"array", Memory::array},
                             {"private", Memory::anonymous},
                             {"shared", Memory::shared},
                             {"computed", Memory::computed}};
  for (const auto& kind : kinds) fill(one, two, kind.memory, 1), fill(two, one, kind.memory, 1);  // warm in both
  for (auto _ : state) {
    for (auto& kind : kinds) {
      kind.run(one, two, 1);
      const auto together = kind.run(one, two, 2);
      if (kind.memory == Memory::array) state.SetIterationTime(together);
    }
  }
  ::munmap(page, static_cast<std::size_t>(kGiB));
  for (const auto& kind : kinds) kind.report(state);
}
BENCHMARK(BM_SharingParallelFill)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(8);

}  // namespace
