// Streams against what they are made of: a hop against a bare futex, large batches against warm memory, small ones
// against a bare ring of one producer and one consumer. Peers are timed in turn within one run.
#include "tools/bench/bench_sharing.h"

#include <atomic>
#include <climits>
#include <cstring>
#include <numeric>

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

namespace {

using namespace sharing_bench;
using std::chrono::microseconds;

/// Words that a process and its child share.
template <class T>
class SharedWords {
 public:
  SharedWords()
      : at_(static_cast<T*>(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (static_cast<void*>(at_) == MAP_FAILED) std::abort();
  }
  ~SharedWords() { ::munmap(at_, sizeof(T)); }
  SharedWords(const SharedWords&) = delete;
  SharedWords& operator=(const SharedWords&) = delete;
  T* operator->() const { return at_; }
  T& operator*() const { return *at_; }

 private:
  T* at_;
};

struct alignas(64) FutexWord {
  std::atomic<std::uint32_t> value;
};
struct PingPong {
  FutexWord go, back;
};

void post(FutexWord& word, std::uint32_t value) {
  word.value.store(value);
  ::syscall(SYS_futex, &word.value, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}
void await(FutexWord& word, std::uint32_t value) {
  for (auto now = word.value.load(); now != value; now = word.value.load())
    ::syscall(SYS_futex, &word.value, FUTEX_WAIT, now, nullptr, nullptr, 0);
}

nd::StreamWait wait_of(bool spins) {
  return {.timeout = kPatience,
          .spin = spins ? std::chrono::nanoseconds(std::chrono::seconds(10)) : std::chrono::nanoseconds(0)};
}

void hand_over(nd::Stream& stream, std::int64_t value, const nd::StreamWait& wait) {
  auto loan = stream.loan(wait);
  *reinterpret_cast<std::int64_t*>(loan.data()) = value;
  loan.publish(1);
}
std::int64_t receive(nd::Stream& stream, const nd::StreamWait& wait) {
  auto batch = stream.take(wait);
  const auto value = *reinterpret_cast<const std::int64_t*>(batch.data());
  batch.done();
  return value;
}

void add_quantiles(benchmark::State& state, const char* name, const std::vector<double>& hops_s) {
  for (const auto& [label, q] : {std::pair{"_median_us", 0.5}, {"_p99_us", 0.99}, {"_p999_us", 0.999}}) {
    state.counters[std::string(name) + label] = quantile(hops_s, q) * 1e6;
  }
}

/// There and back through two streams; half of it is a hop.   Arguments: 1 spins, 0 sleeps; rows of 8 bytes a batch.
void BM_StreamHop(benchmark::State& state) {
  const bool spins = state.range(0) != 0;
  const PrivateStore daemon(256 * kMiB);
  nd::Store store = daemon.connect();
  const nd::StreamOptions options{.rows = state.range(1), .depth = 4};
  auto go = store.create_stream("go", nd::int64, options), back = store.create_stream("back", nd::int64, options);
  const SharedWords<PingPong> words;
  const Child echo([&](Line line) {
    auto mine = daemon.connect();
    auto in = mine.open_stream("go"), out = mine.open_stream("back");
    for (std::uint32_t turn = 1;; ++turn) {
      const auto value = receive(in, wait_of(spins));
      if (value < 0) break;
      hand_over(out, value, wait_of(spins));
      if (spins) continue;
      await(words->go, turn);
      post(words->back, turn);
    }
    static_cast<void>(line);
  });
  std::vector<double> hops, futexes;
  std::uint32_t turn = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    hand_over(go, ++turn, wait_of(spins));
    receive(back, wait_of(spins));
    hops.push_back(seconds_since(start) / 2);
    if (spins) continue;
    const auto futex = Clock::now();
    post(words->go, turn);
    await(words->back, turn);
    futexes.push_back(seconds_since(futex) / 2);
  }
  hand_over(go, -1, wait_of(false));
  add_quantiles(state, "hop", hops);
  if (spins) return;
  add_quantiles(state, "futex", futexes);
  for (const auto& [label, q] : {std::pair{"ratio_median", 0.5}, {"ratio_p99", 0.99}, {"ratio_p999", 0.999}}) {
    state.counters[label] = quantile(hops, q) / quantile(futexes, q);
  }
}
BENCHMARK(BM_StreamHop)
    ->ArgNames({"spin", "rows"})
    ->Args({1, 1})
    ->Args({1, 131072})
    ->Iterations(200'000)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK(BM_StreamHop)
    ->ArgNames({"spin", "rows"})
    ->Args({0, 1})
    ->Args({0, 131072})
    ->Iterations(20'000)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

// ---- 1 MiB batches

constexpr std::int64_t kWords = kMiB / 8, kBatches = 1024;

void write_words(std::int64_t* to, std::int64_t value) { std::fill_n(to, kWords, value); }
std::int64_t sum_words(const std::int64_t* from) { return std::accumulate(from, from + kWords, std::int64_t{0}); }

/// The same work without a hand-over: a process writes its own batches again and again while another sums its own; or, `same`, those
/// that the other writes at the same time: what it costs that the bytes are in the other core's cache.
double bare_seconds(bool same) {
  const auto buffer = [] {
    void* memory = ::mmap(nullptr, 8 * kMiB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    return static_cast<std::int64_t*>(memory);
  };
  auto* mine = buffer();
  Child writer([&](Line line) {
    auto* own = same ? mine : buffer();
    for (int i = 0; i < 8; ++i) write_words(own + i * kWords, i);
    line.say('r');
    line.wait_for<char>();
    for (std::int64_t n = 0; n < kBatches; ++n) write_words(own + n % 8 * kWords, n);
    line.say('d');
  });
  for (int i = 0; i < 8; ++i) write_words(mine + i * kWords, i);
  writer.wait_for<char>();
  const auto start = Clock::now();
  writer.say('g');
  std::int64_t sum = 0;
  for (std::int64_t n = 0; n < kBatches; ++n) benchmark::DoNotOptimize(sum += sum_words(mine + n % 8 * kWords));
  writer.wait_for<char>();
  const auto took = seconds_since(start);
  ::munmap(mine, 8 * kMiB);
  return took;
}

double stream_seconds(const PrivateStore& daemon, nd::Stream& stream) {
  Child writer([&](Line line) {
    auto mine = daemon.connect();
    auto out = mine.open_stream("s");
    const auto send = [&](std::int64_t value) {
      auto loan = out.loan({.timeout = kPatience, .spin = microseconds(50)});
      write_words(reinterpret_cast<std::int64_t*>(loan.data()), value);
      loan.publish();
    };
    send(0);
    line.say('p');  // a producer now: before, the one of the last round would be missed
    for (int i = 1; i < 16; ++i) send(i);
    line.say('r');
    line.wait_for<char>();
    for (std::int64_t n = 0; n < kBatches; ++n) send(n);
    line.wait_for<char>();
  });
  std::int64_t sum = 0;
  const auto receive_one = [&] {
    auto batch = stream.take({.timeout = kPatience, .spin = microseconds(50)});
    sum += sum_words(reinterpret_cast<const std::int64_t*>(batch.data()));
    batch.done();
  };
  writer.wait_for<char>();
  for (int i = 0; i < 16; ++i) receive_one();
  writer.wait_for<char>();
  const auto start = Clock::now();
  writer.say('g');
  for (std::int64_t n = 0; n < kBatches; ++n) receive_one();
  benchmark::DoNotOptimize(sum);
  const auto took = seconds_since(start);
  writer.say('e');
  return took;
}

void BM_Stream1MiB(benchmark::State& state) {
  const PrivateStore daemon(64 * kMiB);
  nd::Store store = daemon.connect();
  auto stream = store.create_stream("s", nd::int64, {.rows = kWords, .depth = 8});
  std::vector<double> ours, bare, same;
  for (auto _ : state) {
    ours.push_back(stream_seconds(daemon, stream));
    bare.push_back(bare_seconds(false));
    same.push_back(bare_seconds(true));
  }
  const auto bytes = static_cast<double>(kBatches * kMiB);
  state.counters["GB_s"] = bytes / median(ours) / 1e9;
  state.counters["bare_GB_s"] = bytes / median(bare) / 1e9;
  state.counters["same_memory_GB_s"] = bytes / median(same) / 1e9;
  state.counters["ratio"] = median(bare) / median(ours);
  state.counters["ratio_same_memory"] = median(same) / median(ours);
}
BENCHMARK(BM_Stream1MiB)->Iterations(9)->Unit(benchmark::kMillisecond)->UseRealTime();

// ---- 64-byte batches

constexpr std::int64_t kSmall = 1'000'000;

/// One producer, one consumer, nothing else: what a crash would lose is nobody's business here.
struct BareRing {
  static constexpr std::uint64_t kSlots = 64;
  alignas(64) std::atomic<std::uint64_t> head;
  alignas(64) std::atomic<std::uint64_t> tail;
  alignas(64) std::int64_t slots[kSlots][8];
};

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

double bare_ring_seconds() {
  const SharedWords<BareRing> ring;
  const Child producer([&](Line) {
    for (std::uint64_t n = 0; n < kSmall; ++n) {
      while (n - ring->tail.load(std::memory_order_acquire) == BareRing::kSlots) pause();
      std::fill_n(ring->slots[n % BareRing::kSlots], 8, static_cast<std::int64_t>(n));
      ring->head.store(n + 1, std::memory_order_release);
    }
  });
  while (ring->head.load(std::memory_order_acquire) == 0) pause();
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::uint64_t n = 0; n < kSmall; ++n) {
    while (ring->head.load(std::memory_order_acquire) == n) pause();
    sum += ring->slots[n % BareRing::kSlots][7];
    ring->tail.store(n + 1, std::memory_order_release);
  }
  benchmark::DoNotOptimize(sum);
  return seconds_since(start);
}

double small_batches_seconds(const PrivateStore& daemon, nd::Stream& stream) {
  Child producer([&](Line line) {
    auto mine = daemon.connect();
    auto out = mine.open_stream("s");
    const nd::StreamWait wait{.timeout = kPatience, .spin = std::chrono::seconds(1)};
    const auto send = [&](std::int64_t n) {
      auto loan = out.loan(wait);
      std::fill_n(reinterpret_cast<std::int64_t*>(loan.data()), 8, n);
      loan.publish();
    };
    send(0);  // a producer now: before, the one of the last round would be missed
    line.say('r');
    line.wait_for<char>();
    for (std::int64_t n = 0; n < kSmall; ++n) send(n);
    line.wait_for<char>();
  });
  const nd::StreamWait wait{.timeout = kPatience, .spin = std::chrono::seconds(1)};
  producer.wait_for<char>();
  stream.take(wait).done();
  producer.say('g');
  std::int64_t sum = 0;
  auto start = Clock::now();
  for (std::int64_t n = 0; n < kSmall; ++n) {
    auto batch = stream.take(wait);
    if (n == 0) start = Clock::now();
    sum += reinterpret_cast<const std::int64_t*>(batch.data())[7];
    batch.done();
  }
  benchmark::DoNotOptimize(sum);
  const auto took = seconds_since(start);
  producer.say('e');
  return took;
}

/// Argument: the depth.
void BM_Stream64Bytes(benchmark::State& state) {
  const PrivateStore daemon(64 * kMiB);
  nd::Store store = daemon.connect();
  auto stream = store.create_stream("s", nd::int64, {.rows = 8, .depth = state.range(0)});
  std::vector<double> ours, bare;
  for (auto _ : state) {
    ours.push_back(small_batches_seconds(daemon, stream));
    bare.push_back(bare_ring_seconds());
  }
  state.counters["M_per_s"] = static_cast<double>(kSmall) / median(ours) / 1e6;
  state.counters["bare_M_per_s"] = static_cast<double>(kSmall) / median(bare) / 1e6;
  state.counters["ratio"] = median(bare) / median(ours);
}
BENCHMARK(BM_Stream64Bytes)
    ->ArgName("depth")
    ->Arg(8)
    ->Arg(32)
    ->Arg(128)
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
