// What a store costs, each figure beside what it is measured against, in the same run. A private store of its own is started
// and ended by every benchmark.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ndshare/admin.h>
#include <ndshare/create.h>
#include <ndshare/store.h>

namespace {

namespace nd = ndshare;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMiB = 1 << 20;
constexpr auto kPatience = std::chrono::seconds(60);

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double quantile(std::vector<double>& values, double q) {
  const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

/// A store that ends with the benchmark.
class BenchStore {
 public:
  explicit BenchStore(std::uint64_t capacity_bytes)
      : name_("bench-" + std::to_string(::getpid()) + "-" + std::to_string(counter_++)) {
    nd::admin::start({.store = name_, .capacity_bytes = capacity_bytes, .log_level = "error", .timeout = kPatience});
  }
  ~BenchStore() {
    try {
      nd::admin::stop(name_, true, false, kPatience);
    } catch (const nd::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
  }
  BenchStore(const BenchStore&) = delete;
  BenchStore& operator=(const BenchStore&) = delete;
  nd::Store connect() const { return nd::Store::connect(name_, {.timeout = kPatience}); }
  nd::admin::StatusInfo status() const { return nd::admin::status(name_, kPatience); }
  const std::string& name() const { return name_; }

 private:
  static inline int counter_ = 0;
  std::string name_;
};

std::uint64_t sum_words(const std::byte* data, std::int64_t bytes) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(data);
  return std::accumulate(words, words + bytes / 8, std::uint64_t{0});
}

/// Another process that reads the array "cycle" whenever it is told to.
class Reader {
 public:
  explicit Reader(const std::string& store) {
    if (::pipe2(ask_.data(), O_CLOEXEC) != 0 || ::pipe2(answer_.data(), O_CLOEXEC) != 0) std::abort();
    child_ = ::fork();
    if (child_ != 0) return;
    ::close(ask_[1]);
    nd::Store mine = nd::Store::connect(store, {.timeout = kPatience});
    char byte = 0;
    while (::read(ask_[0], &byte, 1) == 1) {
      const auto array = mine.open("cycle");
      auto guard = array.read();
      const auto sum = sum_words(guard.data(), array.nbytes());
      guard.release();  // before the answer: the next array is to reuse this memory
      if (::write(answer_[1], &sum, sizeof sum) != sizeof sum) break;
    }
    mine.close();
    ::_exit(0);
  }
  ~Reader() {
    ::close(ask_[1]);
    ::waitpid(child_, nullptr, 0);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  std::uint64_t read_all() {
    std::uint64_t sum = 0;
    if (::write(ask_[1], "r", 1) != 1 || ::read(answer_[0], &sum, sizeof sum) != sizeof sum) std::abort();
    return sum;
  }

 private:
  std::array<int, 2> ask_{}, answer_{};
  pid_t child_ = 0;
};

/// Steady state: create, write all, read all from a second process, remove; against the same bytes through warm private memory.
void BM_StoreCycle256MiB(benchmark::State& state) {
  constexpr std::int64_t kBytes = 256 * kMiB;
  const BenchStore daemon(1280 * static_cast<std::uint64_t>(kMiB));  // a quarter of it may stay warm
  Reader reader(daemon.name());
  nd::Store store = daemon.connect();
  const nd::Array heap = nd::zeros({kBytes}, nd::uint8);
  double shared = 0, own = 0;
  const auto cycle = [&](int value) {
    auto array = store.create("cycle", nd::uint8, {kBytes}, {.fill = nd::Fill::empty});
    auto guard = array.write();
    std::memset(guard.data(), value, kBytes);
    guard.release();
    benchmark::DoNotOptimize(reader.read_all());
    store.remove("cycle");
  };
  const auto alone = [&](int value) {
    std::memset(heap.mutable_data(), value, kBytes);
    benchmark::DoNotOptimize(sum_words(heap.data(), kBytes));
  };
  cycle(1), cycle(2), alone(1);
  int value = 3;
  for (auto _ : state) {
    auto start = Clock::now();
    cycle(value);
    const auto took = seconds_since(start);
    shared += took;
    state.SetIterationTime(took);
    start = Clock::now();
    alone(value++);
    own += seconds_since(start);
  }
  const auto bytes = 2.0 * kBytes * static_cast<double>(state.iterations());
  state.counters["GB_per_s"] = bytes / shared / 1e9;
  state.counters["private_GB_per_s"] = bytes / own / 1e9;
  state.counters["ratio_to_private"] = own / shared;
}
BENCHMARK(BM_StoreCycle256MiB)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(8);

/// Opens an array of ten thousand by name and takes a view of it (the map is there): each time by itself.
void BM_StoreOpenByName(benchmark::State& state) {
  const BenchStore daemon(64 * static_cast<std::uint64_t>(kMiB));
  nd::Store store = daemon.connect();
  std::vector<nd::CreateItem> items;
  for (int i = 0; i < 10000; ++i) items.push_back({"market/prices/" + std::to_string(i), nd::float32, {16, 3}});
  auto arrays = store.create_many(items);
  store.seal_many(arrays);
  arrays.clear();
  std::vector<double> open_ns, view_ns;
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& name = items[at = (at + 7919) % items.size()].name;
    const auto start = Clock::now();
    const auto array = store.open(name);
    const auto opened = Clock::now();
    const nd::Array view = array.view();
    benchmark::DoNotOptimize(*view.data());
    const auto took = seconds_since(start);
    state.SetIterationTime(took);
    open_ns.push_back(std::chrono::duration<double>(opened - start).count() * 1e9);
    view_ns.push_back(took * 1e9);
  }
  state.counters["open_median_ns"] = quantile(open_ns, 0.5);
  state.counters["open_view_median_ns"] = quantile(view_ns, 0.5);
  state.counters["open_view_p99_9_ns"] = quantile(view_ns, 0.999);
}
BENCHMARK(BM_StoreOpenByName)->UseManualTime()->Unit(benchmark::kNanosecond)->Iterations(200000);

/// Opens arrays of 20 MiB that lie in several extents: the contiguous map is made each time.
void BM_StoreOpenAssembled(benchmark::State& state) {
  const BenchStore daemon(512 * static_cast<std::uint64_t>(kMiB));
  nd::Store store = daemon.connect();
  int count = 0;
  try {
    for (;; ++count) store.create(std::to_string(count), nd::uint8, {kMiB}, {.fill = nd::Fill::empty}).seal();
  } catch (const nd::Error& error) {
    if (error.code() != nd::ErrorCode::Capacity) throw;
  }
  for (int i = 0; i < count; i += 2) store.remove(std::to_string(i));
  constexpr int kArrays = 12;  // more than are kept assembled
  double extents = 0;
  for (int i = 0; i < kArrays; ++i) {
    auto big = store.create("big" + std::to_string(i), nd::uint8, {20 * kMiB}, {.fill = nd::Fill::empty});
    big.seal();
    extents += big.info().extents;
  }
  std::vector<double> us;
  int at = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    const nd::Array view = store.open("big" + std::to_string(at++ % kArrays)).view();
    benchmark::DoNotOptimize(*view.data());
    const auto took = seconds_since(start);
    state.SetIterationTime(took);
    us.push_back(took * 1e6);
  }
  state.counters["median_us"] = quantile(us, 0.5);
  state.counters["p99_9_us"] = quantile(us, 0.999);
  state.counters["extents"] = extents / kArrays;
}
BENCHMARK(BM_StoreOpenAssembled)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(200);

/// Create and remove of 1 KiB, against two bare round trips of the same socket.
void BM_StoreCreateRemove1KiB(benchmark::State& state) {
  const BenchStore daemon(64 * static_cast<std::uint64_t>(kMiB));
  nd::Store store = daemon.connect();
  const auto pair = [&] {
    store.create("small", nd::uint8, {1024});
    store.remove("small");
  };
  const auto bare = [&] { store.ping(), store.ping(); };
  for (int i = 0; i < 200; ++i) pair(), bare();
  std::vector<double> pairs, trips;
  for (auto _ : state) {
    auto start = Clock::now();
    pair();
    pairs.push_back(seconds_since(start));
    state.SetIterationTime(pairs.back());
    start = Clock::now();
    bare();
    trips.push_back(seconds_since(start));
  }
  state.counters["create_remove_us"] = quantile(pairs, 0.5) * 1e6;
  state.counters["two_round_trips_us"] = quantile(trips, 0.5) * 1e6;
  state.counters["ratio_to_round_trips"] = quantile(pairs, 0.5) / quantile(trips, 0.5);
}
BENCHMARK(BM_StoreCreateRemove1KiB)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(5000);

/// A connection made and ended, by one process.
void BM_StoreConnect(benchmark::State& state) {
  const BenchStore daemon(64 * static_cast<std::uint64_t>(kMiB));
  std::vector<double> ms;
  for (auto _ : state) {
    const auto start = Clock::now();
    nd::Store store = daemon.connect();
    const auto took = seconds_since(start);
    state.SetIterationTime(took);
    ms.push_back(took * 1e3);
  }
  state.counters["median_ms"] = quantile(ms, 0.5);
  state.counters["p99_ms"] = quantile(ms, 0.99);
}
BENCHMARK(BM_StoreConnect)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(300);

/// Many arrays of 64 bytes: the rate of create_many, the time of list(), and what they cost beyond their data.
void BM_StoreManyArrays(benchmark::State& state) {
  const auto count = state.range(0);
  constexpr std::int64_t kChunk = 50000;
  for (auto _ : state) {
    const BenchStore daemon(512 * static_cast<std::uint64_t>(kMiB));
    nd::Store store = daemon.connect();
    const auto before = daemon.status().pool;
    double create = 0, seal = 0;
    for (std::int64_t first = 0; first < count; first += kChunk) {
      std::vector<nd::CreateItem> items;
      for (auto i = first; i < std::min(first + kChunk, count); ++i) items.push_back({"a/" + std::to_string(i), nd::uint8, {64}});
      auto start = Clock::now();
      auto arrays = store.create_many(items);
      create += seconds_since(start);
      start = Clock::now();
      store.seal_many(arrays);
      seal += seconds_since(start);
    }
    const auto start = Clock::now();
    const auto listed = store.list().size();
    const auto list = seconds_since(start);
    if (listed != static_cast<std::size_t>(count)) state.SkipWithError("list() does not show every array");
    const auto after = daemon.status().pool;
    const auto arrays = static_cast<double>(count);
    const auto grown = static_cast<double>(after.catalog_bytes + after.used_bytes) -
                       static_cast<double>(before.catalog_bytes + before.used_bytes);
    state.SetIterationTime(create + seal + list);
    state.counters["create_many_per_s"] = arrays / create;
    state.counters["seal_many_per_s"] = arrays / seal;
    state.counters["list_s"] = list;
    state.counters["bytes_beyond_data"] = grown / arrays - 64;
  }
}
BENCHMARK(BM_StoreManyArrays)->Arg(100000)->Arg(1000000)->UseManualTime()->Unit(benchmark::kSecond)->Iterations(1);

}  // namespace
