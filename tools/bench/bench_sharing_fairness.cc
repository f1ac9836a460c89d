// Two processes that read and one that also writes: what each gets, and how long the writer waits.
#include "tools/bench/bench_sharing.h"

#include <cstring>
#include <numeric>

namespace {

using namespace sharing_bench;

constexpr double kSeconds = 3;

struct Share {
  double grants = 0, writes = 0, longest_read_ms = 0, longest_write_ms = 0;
};

/// Takes guards as fast as it can for a while, every `write_every`-th of them a write; looks at 4 KiB under each.
Share take_turns(nd::SharedArray& array, int write_every) {
  Share out;
  const auto start = Clock::now();
  for (auto now = start; std::chrono::duration<double>(now - start).count() < kSeconds; now = Clock::now()) {
    const bool writes = write_every != 0 && static_cast<long>(out.grants) % write_every == 0;
    double waited = 0;
    if (writes) {
      auto guard = array.write();
      waited = seconds_since(now) * 1e3;
      std::memset(guard.data(), 1, 4096);
      guard.release();
    } else {
      auto guard = array.read();
      waited = seconds_since(now) * 1e3;
      benchmark::DoNotOptimize(std::accumulate(guard.data(), guard.data() + 4096, 0U, [](unsigned sum, std::byte b) {
        return sum + std::to_integer<unsigned>(b);
      }));
      guard.release();
    }
    out.grants += 1;
    out.writes += writes;
    auto& longest = writes ? out.longest_write_ms : out.longest_read_ms;
    longest = std::max(longest, waited);
  }
  return out;
}

void BM_SharingFairness(benchmark::State& state) {
  const PrivateStore daemon(64 * kMiB);
  nd::Store store = daemon.connect();
  store.create("wanted", nd::uint8, {4096}).write().release();
  std::vector<Child> children;
  for (const int write_every : {0, 0, 10}) {
    children.emplace_back([&daemon, write_every](Line line) {
      nd::Store mine = daemon.connect();
      auto array = mine.open("wanted");
      while (true) {
        line.wait_for<char>();
        line.say(take_turns(array, write_every));
      }
    });
  }
  for (auto _ : state) {
    for (const auto& child : children) child.say('g');
    std::vector<Share> shares;
    for (const auto& child : children) shares.push_back(child.wait_for<Share>());
    const auto [least, most] = std::minmax({shares[0].grants, shares[1].grants, shares[2].grants});
    state.SetIterationTime(kSeconds);
    state.counters["slowest_to_fastest"] = least / most;
    state.counters["writer_to_fastest"] = shares[2].grants / most;
    state.counters["writes"] = shares[2].writes;
    state.counters["reader_grants"] = (shares[0].grants + shares[1].grants) / 2;
    state.counters["writer_grants"] = shares[2].grants;
    state.counters["writer_longest_wait_ms"] = shares[2].longest_write_ms;
    state.counters["reader_longest_wait_ms"] = std::max(shares[0].longest_read_ms, shares[1].longest_read_ms);
  }
}
BENCHMARK(BM_SharingFairness)->UseManualTime()->Unit(benchmark::kSecond)->Iterations(1);

}  // namespace
