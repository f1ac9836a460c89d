// Sorting against the sort that it stands on: all cores against VQSort's time on one, and rows against a plain column.
#include <benchmark/benchmark.h>

#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/ops.h>
#include <ndshare/random.h>
#include <ndshare/sort.h>
#include <ndshare/threads.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include <hwy/contrib/sort/vqsort.h>

namespace nd = ndshare;

namespace {

template <class F>
double seconds(const F& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
double median(std::vector<double> all) {
  std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
  return all[all.size() / 2];
}

/// Argument: threads. ratio_per_core: what VQSort takes for the same keys on one core, by what all of ours take together.
template <class Key>
void BM_SortPerCore(benchmark::State& state) {
  constexpr std::int64_t kKeys = 1 << 24;
  const auto threads = static_cast<int>(state.range(0));
  const nd::DType dtype = sizeof(Key) == 4 ? nd::uint32 : nd::uint64;
  const nd::Array x = nd::Random(1).integers({kKeys}, 0, sizeof(Key) == 4 ? std::int64_t{1} << 32 : INT64_MAX);
  const nd::Array keys = nd::astype(x, dtype, {.casting = nd::Casting::unsafe});
  std::vector<Key> room(kKeys + 64);  // its stores reach past the end
  const hwy::Sorter sorter;
  std::vector<double> ours, alone;
  for (auto _ : state) {
    std::memcpy(room.data(), keys.data(), kKeys * sizeof(Key));
    alone.push_back(seconds([&] { sorter(room.data(), kKeys, hwy::SortAscending()); }));
    ours.push_back(seconds([&] { benchmark::DoNotOptimize(nd::sort(keys, {.threads = threads})); }));
  }
  state.counters["ms"] = median(ours) * 1e3;
  state.counters["vqsort_ms"] = median(alone) * 1e3;
  state.counters["ratio_per_core"] = median(alone) / median(ours) / threads;
  state.counters["target"] = 0.9;
}
void both(benchmark::internal::Benchmark* b) { b->ArgName("threads")->Arg(1)->Arg(2)->Iterations(9)->Unit(benchmark::kMillisecond); }
BENCHMARK(BM_SortPerCore<std::uint32_t>)->Name("BM_SortPerCore/u4")->Apply(both);
BENCHMARK(BM_SortPerCore<std::uint64_t>)->Name("BM_SortPerCore/u8")->Apply(both);

/// Rows of 17 bytes by one uint64 of them, against that column alone.
void BM_SortRows(benchmark::State& state) {
  constexpr std::int64_t kRows = 5'000'000;
  const nd::Array rows = nd::zeros({kRows}, nd::DType::structured({{"key", nd::uint64}, {"value", nd::float64}, {"flag", nd::uint8}}));
  const nd::Array keys = nd::astype(nd::Random(1).integers({kRows}, 0, INT64_MAX), nd::uint64, {.casting = nd::Casting::unsafe});
  static_cast<void>(nd::positive(keys, {.out = rows["key"]}));
  std::vector<double> ours, column;
  for (auto _ : state) {
    column.push_back(seconds([&] { benchmark::DoNotOptimize(nd::sort(keys)); }));
    ours.push_back(seconds([&] { benchmark::DoNotOptimize(nd::sort(rows, {.order = {"key"}})); }));
  }
  state.counters["ms"] = median(ours) * 1e3;
  state.counters["column_ms"] = median(column) * 1e3;
  state.counters["ratio_to_column"] = median(ours) / median(column);
  state.counters["target"] = 3;
}
BENCHMARK(BM_SortRows)->Iterations(9)->Unit(benchmark::kMillisecond);

}  // namespace
