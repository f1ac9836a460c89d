// read() and view() on an idle array against Boost's shared mutex, and who gets what where three processes want one
// array.
#include "tools/bench/bench_sharing.h"

#include <cstring>
#include <new>

#include <boost/interprocess/sync/interprocess_sharable_mutex.hpp>
#include <sys/mman.h>

namespace {

using namespace sharing_bench;
using BoostMutex = boost::interprocess::interprocess_sharable_mutex;

/// Boost's mutex in a page that forked processes share.
class Peer {
 public:
  Peer() : page_(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (page_ == MAP_FAILED) std::abort();
    mutex_ = new (page_) BoostMutex;
  }
  ~Peer() { ::munmap(page_, 4096); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  BoostMutex& mutex() { return *mutex_; }

 private:
  void* page_;
  BoostMutex* mutex_;
};

/// Claims on one array that other processes and this one hold while something else is measured.
class Crowd {
 public:
  /// `claims` in all, spread over `clients` of which this process is one. Every tenth a read(), as far as 100 of them.
  Crowd(const PrivateStore& daemon, nd::SharedArray array, std::int64_t claims, std::int64_t clients) {
    const auto each = claims / clients;
    for (std::int64_t i = 1; i < clients; ++i) {
      others_.emplace_back([&](Line line) {
        nd::Store store = daemon.connect();
        Held mine(store.open(array.name()), each);
        line.say('k');
        line.wait_for<char>();
      });
    }
    for (const auto& other : others_) other.wait_for<char>();
    mine_.take(std::move(array), claims - each * (clients - 1));
  }

 private:
  struct Held {
    Held() = default;
    Held(nd::SharedArray array, std::int64_t count) { take(std::move(array), count); }
    void take(const nd::SharedArray& array, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) {
        if (i % 10 == 0 && reads.size() < 100) {
          reads.push_back(array.read());
        } else {
          views.push_back(array.view());
        }
      }
    }
    std::vector<nd::ReadGuard> reads;
    std::vector<nd::Array> views;
  };
  Held mine_;
  std::vector<Child> others_;
};

constexpr int kBatch = 500;

/// Batches of both, one after the other, every iteration; `target`: what the ratio is to stay below.
template <class Ours>
void against_boost(benchmark::State& state, double target, Ours&& ours) {
  Peer peer;
  std::vector<double> own_ns, peer_ns;
  for (auto _ : state) {
    const auto own = seconds_of([&] {
      for (int i = 0; i < kBatch; ++i) ours();
    });
    const auto theirs = seconds_of([&] {
      for (int i = 0; i < kBatch; ++i) peer.mutex().lock_sharable(), peer.mutex().unlock_sharable();
    });
    state.SetIterationTime(own);
    own_ns.push_back(own * 1e9 / kBatch);
    peer_ns.push_back(theirs * 1e9 / kBatch);
  }
  state.counters["ns"] = median(own_ns);
  state.counters["boost_ns"] = median(peer_ns);
  state.counters["ratio_to_boost"] = median(own_ns) / median(peer_ns);
  state.counters["target"] = target;
}

void idle_array(benchmark::State& state, double target, bool view) {
  const PrivateStore daemon(64 * kMiB);
  nd::Store store = daemon.connect({});
  auto array = store.create("idle", nd::float32, {1024, 16});
  array.write().release();
  const Crowd crowd(daemon, array, state.range(0), state.range(1));
  if (view) return against_boost(state, target, [&] { benchmark::DoNotOptimize(array.view().data()); });
  against_boost(state, target, [&] {
    auto guard = array.read();
    benchmark::DoNotOptimize(guard.data());
    guard.release();
  });
}

void BM_SharingRead(benchmark::State& state) { idle_array(state, 1.25, false); }
void BM_SharingView(benchmark::State& state) { idle_array(state, 2.5, true); }

void crowds(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"claims", "clients"})->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(4000);
  for (const std::int64_t clients : {1, 200}) {
    for (const std::int64_t claims : {0, 100, 5000}) bench->Args({claims, clients});
  }
}
BENCHMARK(BM_SharingRead)->Apply(crowds);
BENCHMARK(BM_SharingView)->Apply(crowds);

/// For tools/bench/no_syscalls, which looks at what strace saw between the two marks.
void BM_SharingNoSyscalls(benchmark::State& state) {
  const PrivateStore daemon(64 * kMiB);
  nd::Store store = daemon.connect({});
  auto array = store.create("idle", nd::float32, {1024, 16});
  array.write().release();
  array.read().release();
  constexpr int kTimes = 100'000;
  for (auto _ : state) {
    static_cast<void>(::access("/ndshare-bench/begin", F_OK));
    for (int i = 0; i < kTimes; ++i) array.read().release();
    for (int i = 0; i < kTimes; ++i) benchmark::DoNotOptimize(array.view().data());
    static_cast<void>(::access("/ndshare-bench/end", F_OK));
  }
}
BENCHMARK(BM_SharingNoSyscalls)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
