// Snapshots, updates and appends: what they cost beside a bare round trip, a plain copy, and the same on a small array.
#include "tools/bench/bench_sharing.h"

#include <cstring>

#include <ndshare/create.h>
#include <ndshare/threads.h>

namespace {

using namespace sharing_bench;

constexpr std::int64_t kRowBytes = 4096;

nd::SharedArray made(nd::Store& store, const std::string& name, std::int64_t bytes) {
  auto array = store.create(name, nd::uint8, {bytes / kRowBytes, kRowBytes}, {.fill = nd::Fill::empty});
  auto guard = array.write();
  std::memset(guard.data(), 1, static_cast<std::size_t>(guard.nbytes()));
  guard.release();
  return array;
}

/// A snapshot of any size, against 1.5 bare round trips and 20 µs.
void BM_SharingSnapshot(benchmark::State& state) {
  const auto bytes = state.range(0) * kMiB;
  const PrivateStore daemon(bytes + 64 * kMiB);
  nd::Store store = daemon.connect();
  const auto array = made(store, "source", bytes);
  std::vector<double> took, trip;
  const auto used = daemon.used_bytes();
  double grown = 0;
  for (auto _ : state) {
    took.push_back(seconds_of([&] { static_cast<void>(store.snapshot("source", "shot")); }));
    trip.push_back(seconds_of([&] { store.ping(); }));
    state.SetIterationTime(took.back());
    if (took.size() % 500 == 1) grown = std::max(grown, daemon.used_bytes() - used);
    store.remove("shot");
  }
  state.counters["us"] = median(took) * 1e6;
  state.counters["round_trip_us"] = median(trip) * 1e6;
  state.counters["ratio_to_budget"] = median(took) / (1.5 * median(trip) + 20e-6);
  state.counters["copied_bytes"] = grown;
}
BENCHMARK(BM_SharingSnapshot)->ArgName("MiB")->Arg(1)->Arg(64)->Arg(1024)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(2000);

/// A process that takes and releases read() of "source" all the time and can tell how long the longest took.
class BusyReader {
 public:
  explicit BusyReader(const PrivateStore& daemon)
      : child_([&](Line line) {
          nd::Store store = daemon.connect();
          const auto array = store.open("source");
          while (true) {
            const auto seconds = line.wait_for<double>();
            line.say(longest_ms(array, seconds));
          }
        }) {}
  /// The longest read() while `body` runs, which is told to last about `seconds`.
  template <class F>
  double longest_during(double seconds, F&& body) const {
    child_.say(seconds);
    body();
    return child_.wait_for<double>();
  }

 private:
  static double longest_ms(const nd::SharedArray& array, double seconds) {
    double longest = 0;
    const auto start = Clock::now();
    for (auto now = start; std::chrono::duration<double>(now - start).count() < seconds;) {
      array.read().release();
      const auto then = Clock::now();
      longest = std::max(longest, std::chrono::duration<double>(then - now).count());
      now = then;
    }
    return longest * 1e3;
  }
  Child child_;
};

/// After a snapshot, update() of 1 % of the rows, the same rows again and again, against a copy of as many warm private bytes.
void BM_SharingUpdate1Percent(benchmark::State& state) {
  const PrivateStore daemon(kGiB + 256 * kMiB);
  nd::Store store = daemon.connect();
  auto array = made(store, "source", kGiB);
  static_cast<void>(store.snapshot("source", "shot"));
  const std::int64_t rows = kGiB / kRowBytes / 100, first = 12345;
  const auto bytes = rows * kRowBytes;
  const auto update = [&] {
    auto guard = array.update({.rows = {first, first + rows}});
    guard.data()[0] = std::byte{2};
    guard.commit();
  };
  const auto used = daemon.used_bytes();
  update();
  const auto extra = daemon.used_bytes() - used;
  const nd::Array from = nd::zeros({bytes}, nd::uint8), to = nd::zeros({bytes}, nd::uint8);
  std::vector<double> own, one, all;
  const auto plain = [&] { std::memcpy(to.mutable_data(), from.data(), static_cast<std::size_t>(bytes)); };
  for (int i = 0; i < 20; ++i) update(), plain();
  for (auto _ : state) {
    own.push_back(seconds_of(update));
    state.SetIterationTime(own.back());
    one.push_back(seconds_of(plain));
    all.push_back(seconds_of([&] { nd::copyto(to, from); }));
  }
  const auto speed = [&](const std::vector<double>& seconds) { return static_cast<double>(bytes) / median(seconds) / 1e9; };
  state.counters["GB_per_s"] = speed(own);
  state.counters["memcpy_GB_per_s"] = speed(one);
  state.counters["copyto_GB_per_s"] = speed(all);
  state.counters["ratio_to_memcpy"] = median(one) / median(own);
  state.counters["ratio_to_copyto"] = median(all) / median(own);
  state.counters["grains_over_1_percent"] = (extra - static_cast<double>(bytes)) / static_cast<double>(array.info().grain);

  const BusyReader reader(daemon);
  const auto for_a_second = [](auto&& body) {
    return [&body] {
      for (const auto start = Clock::now(); seconds_since(start) < 1;) body();
    };
  };
  state.counters["read_max_ms_update"] = reader.longest_during(1, for_a_second(update));
  state.counters["read_max_ms_memcpy"] = reader.longest_during(1, for_a_second(plain));
}
BENCHMARK(BM_SharingUpdate1Percent)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(300);

/// append() of 1 MiB to a large array against the same on a small one.
void BM_SharingAppend1MiB(benchmark::State& state) {
  const PrivateStore daemon(2 * kGiB);
  nd::Store store = daemon.connect();
  auto large = made(store, "large", kGiB), small = made(store, "small", 16 * kMiB);
  const nd::Array rows = nd::ones({kMiB / kRowBytes, kRowBytes}, nd::uint8);
  large.append(rows), small.append(rows);
  std::vector<double> own, peer;
  for (auto _ : state) {
    own.push_back(seconds_of([&] { large.append(rows); }));
    state.SetIterationTime(own.back());
    peer.push_back(seconds_of([&] { small.append(rows); }));
  }
  state.counters["to_1GiB_us"] = median(own) * 1e6;
  state.counters["to_16MiB_us"] = median(peer) * 1e6;
  state.counters["ratio_to_small"] = median(own) / median(peer);
}
BENCHMARK(BM_SharingAppend1MiB)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(200);

}  // namespace
