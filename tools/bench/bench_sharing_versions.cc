// Snapshots, updates and appends: what they cost beside a bare round trip, a plain copy, and the same on a small array.
#include "tools/bench/bench_sharing.h"

#include <barrier>
#include <cstring>
#include <thread>

#include <sys/resource.h>

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
BENCHMARK(BM_SharingSnapshot)
    ->ArgName("MiB")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond)
    ->Iterations(2000);

/// memcpy by as many threads as the library uses, which wait for the next copy in between.
class CopyTeam {
 public:
  CopyTeam(std::byte* to, const std::byte* from, std::int64_t bytes)
      : to_(to),
        from_(from),
        bytes_(static_cast<std::size_t>(bytes)),
        parts_(static_cast<std::size_t>(nd::threads())),
        meet_(static_cast<std::ptrdiff_t>(parts_)) {
    for (std::size_t part = 1; part < parts_; ++part) {
      helpers_.emplace_back([this, part] {
        while (true) {
          meet_.arrive_and_wait();
          if (ends_) return;
          copy(part);
          meet_.arrive_and_wait();
        }
      });
    }
  }
  ~CopyTeam() {
    ends_ = true;
    meet_.arrive_and_wait();
  }
  CopyTeam(const CopyTeam&) = delete;
  CopyTeam& operator=(const CopyTeam&) = delete;
  void run() {
    meet_.arrive_and_wait();
    copy(0);
    meet_.arrive_and_wait();
  }

 private:
  void copy(std::size_t part) const {
    const auto from = bytes_ * part / parts_, to = bytes_ * (part + 1) / parts_;
    std::memcpy(to_ + from, from_ + from, to - from);
  }
  std::byte* to_;
  const std::byte* from_;
  std::size_t bytes_, parts_;
  bool ends_ = false;
  std::barrier<> meet_;
  std::vector<std::jthread> helpers_;
};

/// What a second of read() and release came to.
struct Reads {
  double longest_ms = 0;
  double slept = 0;  ///< times that the kernel was asked to wait: what is left of `longest` is others' turn on the core
};

/// A process that takes and releases read() of "source" all the time and can tell how long the longest took.
class BusyReader {
 public:
  explicit BusyReader(const PrivateStore& daemon)
      : child_([&](Line line) {
          nd::Store store = daemon.connect();
          const auto array = store.open("source");
          // The first one maps 1 GiB of several pieces: that is BM_StoreOpenAssembled's business.
          line.say(seconds_of([&] { array.read().release(); }));
          while (true) {
            const auto seconds = line.wait_for<double>();
            line.say(watch(array, seconds));
          }
        }) {
    first_ms_ = child_.wait_for<double>() * 1e3;
  }
  double first_ms() const { return first_ms_; }
  /// What reads took while `body` runs, which is told to last about `seconds`.
  template <class F>
  Reads during(double seconds, F&& body) const {
    child_.say(seconds);
    body();
    return child_.wait_for<Reads>();
  }

 private:
  static double sleeps() {
    ::rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_nvcsw);
  }
  static Reads watch(const nd::SharedArray& array, double seconds) {
    double longest = 0;
    const auto before = sleeps();
    const auto start = Clock::now();
    for (auto now = start; std::chrono::duration<double>(now - start).count() < seconds;) {
      array.read().release();
      const auto then = Clock::now();
      longest = std::max(longest, std::chrono::duration<double>(then - now).count());
      now = then;
    }
    return {longest * 1e3, sleeps() - before};
  }
  Child child_;
  double first_ms_ = 0;
};

/// update() of some rows of "source", the same ones again and again.
class Updates {
 public:
  explicit Updates(nd::Store& store) : array_(made(store, "source", kGiB)) {}
  void run() {
    auto guard = array_.update({.rows = {kFirst, kFirst + kUpdated}});
    guard.data()[0] = std::byte{2};
    guard.commit();
  }
  double grain() const { return static_cast<double>(array_.info().grain); }
  static constexpr std::int64_t kUpdated = kGiB / kRowBytes / 100, kFirst = 12345, kBytes = kUpdated * kRowBytes;

 private:
  nd::SharedArray array_;
};

template <class F>
auto for_a_second(F&& body) {
  return [&body] {
    for (const auto start = Clock::now(); seconds_since(start) < 1;) body();
  };
}

void report_readers(benchmark::State& state, const PrivateStore& daemon, Updates& updates, CopyTeam& team) {
  const BusyReader reader(daemon);
  const auto reads = reader.during(1, for_a_second([&] { updates.run(); }));
  const auto beside_memcpy = reader.during(1, for_a_second([&] { team.run(); }));
  state.counters["read_longest_ms"] = reads.longest_ms;
  state.counters["read_slept"] = reads.slept;
  state.counters["read_first_ms"] = reader.first_ms();
  state.counters["read_longest_ms_beside_memcpy"] = beside_memcpy.longest_ms;
}

/// After a snapshot, update() of 1 % of the rows against a copy of as many warm private bytes; and what readers see of
/// it.
void BM_SharingUpdate1Percent(benchmark::State& state) {
  const PrivateStore daemon(kGiB + 256 * kMiB);
  nd::Store store = daemon.connect();
  Updates updates(store);
  static_cast<void>(store.snapshot("source", "shot"));
  constexpr auto kBytes = Updates::kBytes;
  const auto used = daemon.used_bytes();
  updates.run();
  const auto extra = daemon.used_bytes() - used;
  const nd::Array from = nd::zeros({kBytes}, nd::uint8), to = nd::zeros({kBytes}, nd::uint8);
  CopyTeam team(to.mutable_data(), from.data(), kBytes);
  // The same copy between shared arrays, whose memory has pages of 4 KiB where private memory has larger ones.
  auto shared_from = made(store, "from", kBytes), shared_to = made(store, "to", kBytes);
  const auto reading = shared_from.read();
  const auto writing = shared_to.write();
  std::vector<double> own, one, all, shared;
  const auto plain = [&] { std::memcpy(to.mutable_data(), from.data(), kBytes); };
  for (int i = 0; i < 20; ++i) updates.run(), plain(), team.run();
  for (auto _ : state) {
    own.push_back(seconds_of([&] { updates.run(); }));
    state.SetIterationTime(own.back());
    one.push_back(seconds_of(plain));
    all.push_back(seconds_of([&] { team.run(); }));
    shared.push_back(seconds_of([&] { std::memcpy(writing.data(), reading.data(), kBytes); }));
  }
  const auto speed = [&](const std::vector<double>& seconds) { return kBytes / median(seconds) / 1e9; };
  state.counters["GB_per_s"] = speed(own);
  state.counters["memcpy_GB_per_s"] = speed(one);
  state.counters["memcpy_shared_GB_per_s"] = speed(shared);
  state.counters["ratio_to_memcpy_shared"] = median(shared) / median(own);
  state.counters["memcpy_by_all_GB_per_s"] = speed(all);
  state.counters["ratio_to_memcpy"] = median(one) / median(own);
  state.counters["ratio_to_memcpy_by_all"] = median(all) / median(own);
  state.counters["grains_over_1_percent"] = (extra - kBytes) / updates.grain();
  report_readers(state, daemon, updates, team);
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
