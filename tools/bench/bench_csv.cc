// CSV into structured arrays and back. The peer is a count of the text's line ends with memchr, in memory, by one
// thread and by as many as the library uses: passes take turns, so that all see the same machine, and the ratios are
// counters of the run.
#include <benchmark/benchmark.h>

#include <ndshare/csv.h>
#include <ndshare/threads.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace nd = ndshare;

namespace {

constexpr std::size_t kTextBytes = 100'000'000;
constexpr const char* kFlights = "date:M8[m],delay:i8,distance:i8,origin:U3,destination:U3";

/// The committed flights, again and again, with a price of two decimals behind them: dates, integers, text and floats.
std::string tiled_flights(bool with_floats) {
  std::ifstream file(NDSHARE_BENCH_DATA "/flights-100k.csv", std::ios::binary);
  const std::string once{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (once.empty()) throw std::runtime_error("no " NDSHARE_BENCH_DATA "/flights-100k.csv");
  std::string text;
  text.reserve(kTextBytes + 100);
  std::size_t at = 0, row = 0;
  while (text.size() < kTextBytes) {
    const std::size_t end = once.find('\n', at);
    text.append(once, at, end - at);
    if (with_floats)
      text += row == 0 ? ",price" : "," + std::to_string(row * 7919 % 100'000) + "." + std::to_string(row % 90 + 10);
    text += '\n';
    ++row;
    at = end + 1 == once.size() ? once.find('\n') + 1 : end + 1;
  }
  return text;
}

/// A text in memory and in a file that goes away with it.
struct Text {
  std::string memory;
  std::string path;
  explicit Text(bool with_floats) : memory(tiled_flights(with_floats)) {
    path = (std::filesystem::temp_directory_path() / ("ndshare_bench_" + std::to_string(::getpid()) + ".csv")).string();
    std::ofstream(path, std::ios::binary).write(memory.data(), static_cast<std::streamsize>(memory.size()));
  }
  ~Text() { std::filesystem::remove(path); }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
};

std::size_t count_lines(const char* at, const char* end) {
  std::size_t count = 0;
  while ((at = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) != nullptr) {
    ++count;
    ++at;
  }
  return count;
}

void count_lines_in_parts(const std::string& text, std::size_t parts) {
  std::vector<std::jthread> members;
  for (std::size_t i = 0; i < parts; ++i) {
    members.emplace_back([&, i] {
      benchmark::DoNotOptimize(
          count_lines(text.data() + text.size() / parts * i, text.data() + text.size() / parts * (i + 1)));
    });
  }
}

double seconds(const std::function<void()>& pass) {
  const auto start = std::chrono::steady_clock::now();
  pass();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

/// Times `pass` and both counts in turn; the figures are medians.
void run(benchmark::State& state, const std::string& text, const std::function<void()>& pass) {
  const auto threads = static_cast<std::size_t>(nd::threads());
  std::vector<double> ours, one, all;
  for ([[maybe_unused]] auto _ : state) {
    ours.push_back(seconds(pass));
    one.push_back(seconds([&] { benchmark::DoNotOptimize(count_lines(text.data(), text.data() + text.size())); }));
    all.push_back(seconds([&] { count_lines_in_parts(text, threads); }));
    state.SetIterationTime(ours.back());
  }
  const auto bytes = static_cast<double>(text.size());
  state.counters["GB_per_s"] = bytes / median(ours) / 1e9;
  state.counters["count_GB_per_s"] = bytes / median(one) / 1e9;
  state.counters["ratio_to_count"] = median(one) / median(ours);
  state.counters["ratio_to_count_by_all"] = median(all) / median(ours);
}

/// Arguments: whether there is a column of floats; whether the dtype is inferred.
void BM_CsvRead(benchmark::State& state) {
  const Text text(state.range(0) != 0);
  nd::CsvOptions options;
  if (state.range(1) == 0)
    options.dtype = nd::DType::parse(std::string(kFlights) + (state.range(0) != 0 ? ",price:f8" : ""));
  run(state, text.memory, [&] { benchmark::DoNotOptimize(nd::read_csv(text.path, options).data()); });
}

/// The same from memory, which is how a pipe's text is read: it is copied first.
void BM_CsvReadMemory(benchmark::State& state) {
  const Text text(state.range(0) != 0);
  run(state, text.memory, [&] {
    const auto source = nd::memory_source(std::as_bytes(std::span(text.memory)));
    benchmark::DoNotOptimize(nd::read_csv(*source, {}).data());
  });
}

class Nowhere final : public nd::Sink {
 public:
  Nowhere() : Sink("nowhere") {}
  void write(std::span<const std::byte> bytes) override { benchmark::DoNotOptimize(bytes.data()); }
};

void BM_CsvWrite(benchmark::State& state) {
  const Text text(state.range(0) != 0);
  const nd::Array array = nd::read_csv(text.path);
  run(state, text.memory, [&] {
    Nowhere sink;
    nd::write_csv(sink, array);
  });
}

BENCHMARK(BM_CsvRead)
    ->ArgNames({"floats", "inferred"})
    ->ArgsProduct({{0, 1}, {0, 1}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CsvReadMemory)->ArgName("floats")->Arg(0)->Arg(1)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CsvWrite)->ArgName("floats")->Arg(0)->Arg(1)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
