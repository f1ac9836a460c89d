// Arithmetic against what the memory allows. The peer is a stream loop written by hand for this one case: its passes
// and the library's are timed in turn, so that both see the same machine, and the ratio is a counter of the same run.
#include <benchmark/benchmark.h>

#include <ndshare/create.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>
#include <ndshare/threads.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nd = ndshare;

namespace {

// out = a + b over [low, high), stores past the caches: what a programmer would write for this machine.
#if defined(__x86_64__)
__attribute__((target("avx2"))) void stream_add(const float* a, const float* b, float* out, std::size_t low,
                                                std::size_t high) {
  for (std::size_t i = low; i < high; i += 8)
    _mm256_stream_ps(out + i, _mm256_add_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
  _mm_sfence();
}
#else
void stream_add(const float* a, const float* b, float* out, std::size_t low, std::size_t high) {
  for (std::size_t i = low; i < high; ++i) out[i] = a[i] + b[i];
}
#endif

// Threads that wait for a pass, so that starting them is not timed.
class Team {
 public:
  explicit Team(std::size_t threads) : size_(threads) {
    for (std::size_t i = 1; i < threads; ++i) members_.emplace_back([this, i] { serve(i); });
  }
  ~Team() {
    start(nullptr);
    for (std::thread& member : members_) member.join();
  }
  void run(const std::function<void(std::size_t)>& pass) {
    start(&pass);
    pass(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return left_ == 0; });
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  void start(const std::function<void(std::size_t)>* pass) {
    {
      const std::lock_guard lock(mutex_);
      pass_ = pass;
      left_ = size_ - 1;
      ++round_;
    }
    go_.notify_all();
  }
  void serve(std::size_t index) {
    for (std::size_t seen = 0;;) {
      const std::function<void(std::size_t)>* pass = nullptr;
      {
        std::unique_lock lock(mutex_);
        go_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        pass = pass_;
      }
      if (pass == nullptr) return;
      (*pass)(index);
      const std::lock_guard lock(mutex_);
      if (--left_ == 0) done_.notify_one();
    }
  }
  const std::size_t size_;
  std::mutex mutex_;
  std::condition_variable go_, done_;
  const std::function<void(std::size_t)>* pass_ = nullptr;
  std::size_t left_ = 0, round_ = 0;
  std::vector<std::thread> members_;
};

double seconds(const std::function<void()>& pass) {
  const auto begin = std::chrono::steady_clock::now();
  pass();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// f4 add with out=, 2^24 elements; `ratio` is the stream loop's time ÷ ours (1: as fast, the target is 0.85 and up).
void BM_AddOut(benchmark::State& state) {
  const std::int64_t n = std::int64_t{1} << 24;
  const int asked = static_cast<int>(state.range(0));
  const int threads = asked == 0 ? nd::threads() : asked;
  const nd::Array a = nd::full({n}, 1.5, nd::float32), b = nd::full({n}, 2.5, nd::float32),
                  out = nd::zeros({n}, nd::float32);
  Team team(static_cast<std::size_t>(threads));
  const float* pa = a.as_span<const float>().data();
  const float* pb = b.as_span<const float>().data();
  float* po = out.as_span<float>().data();
  const auto hand_written = [&] {
    team.run([&](std::size_t i) {
      const std::size_t total = static_cast<std::size_t>(n), share = total / team.size() & ~std::size_t{63};
      stream_add(pa, pb, po, i * share, i + 1 == team.size() ? total : (i + 1) * share);
    });
  };
  std::vector<double> ours, theirs;
  hand_written();
  (void)nd::add(a, b, {.out = out, .threads = threads});
  for (auto _ : state) {
    theirs.push_back(seconds(hand_written));
    ours.push_back(seconds([&] { (void)nd::add(a, b, {.out = out, .threads = threads}); }));
    state.SetIterationTime(ours.back());
  }
  const double bytes = 12.0 * static_cast<double>(n);
  state.counters["GB/s"] = bytes / median(ours) / 1e9;
  state.counters["stream_GB/s"] = bytes / median(theirs) / 1e9;
  state.counters["ratio"] = median(theirs) / median(ours);
}
BENCHMARK(BM_AddOut)->ArgName("threads")->Arg(1)->Arg(0)->UseManualTime()->Unit(benchmark::kMillisecond)->MinTime(2.0);

// Without `out`: a fresh result each time, so the system hands out and zeroes its pages too.
void BM_AddNew(benchmark::State& state) {
  const nd::Array a = nd::ones({std::int64_t{1} << 24}, nd::float32);
  for (auto _ : state) benchmark::DoNotOptimize(nd::add(a, a));
  state.counters["GB/s"] =
      benchmark::Counter(12.0 * static_cast<double>(a.size()) / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_AddNew)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_AddMixedDtypes(benchmark::State& state) {
  const nd::Array a = nd::ones({std::int64_t{1} << 22}, nd::int32), b = nd::ones({std::int64_t{1} << 22}, nd::float32);
  const nd::Array out = nd::zeros(a.shape(), nd::float64);
  for (auto _ : state) benchmark::DoNotOptimize(nd::add(a, b, {.out = out}));
  state.counters["Melements/s"] =
      benchmark::Counter(static_cast<double>(a.size()) / 1e6, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_AddMixedDtypes)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_AddRow(benchmark::State& state) {
  const nd::Array a = nd::ones({1 << 20, 3}, nd::float32), row = nd::ones({3}, nd::float32),
                  out = nd::zeros(a.shape(), nd::float32);
  for (auto _ : state) benchmark::DoNotOptimize(nd::add(a, row, {.out = out}));
  state.counters["Melements/s"] =
      benchmark::Counter(static_cast<double>(a.size()) / 1e6, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_AddRow)->UseRealTime()->Unit(benchmark::kMillisecond);

// Sizes from a few elements to where threads help: what a call costs by itself.
void BM_AddSmall(benchmark::State& state) {
  const nd::Array a = nd::ones({state.range(0)}, nd::float32), out = nd::zeros({state.range(0)}, nd::float32);
  const nd::OpOptions options{.out = out, .threads = static_cast<int>(state.range(1))};
  for (auto _ : state) benchmark::DoNotOptimize(nd::add(a, a, options));
}
BENCHMARK(BM_AddSmall)
    ->ArgNames({"n", "threads"})
    ->ArgsProduct({{16, 1024, 65536, 131072, 262144, 1 << 20}, {1, 0}})
    ->UseRealTime();

void BM_AddSmallNew(benchmark::State& state) {
  const nd::Array a = nd::ones({16}, nd::float32);
  for (auto _ : state) benchmark::DoNotOptimize(a + a);
}
BENCHMARK(BM_AddSmallNew);

void sum_of(benchmark::State& state, const nd::Array& x, const nd::ReduceOptions& options) {
  for (auto _ : state) benchmark::DoNotOptimize(nd::sum(x, options));
  state.counters["GB/s"] =
      benchmark::Counter(static_cast<double>(x.nbytes()) / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}
void BM_SumAll(benchmark::State& state) {
  sum_of(state, nd::ones({std::int64_t{1} << 24}, nd::float32), {.threads = static_cast<int>(state.range(0))});
}
BENCHMARK(BM_SumAll)->ArgName("threads")->Arg(1)->Arg(0)->UseRealTime()->Unit(benchmark::kMillisecond);
void BM_SumInt32(benchmark::State& state) { sum_of(state, nd::ones({std::int64_t{1} << 24}, nd::int32), {}); }
BENCHMARK(BM_SumInt32)->UseRealTime()->Unit(benchmark::kMillisecond);
void BM_SumAxis0(benchmark::State& state) {
  sum_of(state, nd::ones({(1 << 24) / state.range(0), state.range(0)}, nd::float32), {.axis = 0});
}
BENCHMARK(BM_SumAxis0)->ArgName("columns")->Arg(2)->Arg(100)->Arg(4096)->UseRealTime()->Unit(benchmark::kMillisecond);
void BM_SumAxis1(benchmark::State& state) {
  sum_of(state, nd::ones({(1 << 24) / state.range(0), state.range(0)}, nd::float32), {.axis = 1});
}
BENCHMARK(BM_SumAxis1)->ArgName("columns")->Arg(4)->Arg(4096)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
