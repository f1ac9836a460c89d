// The pipeline's supervisor.   flights_pipeline FILE.csv [WORKERS [KILL_EVERY_MS]]
//
// Makes the streams, starts WORKERS processes of each stage, hands the file out in chunks, and kills one process every
// KILL_EVERY_MS milliseconds (0: none), starting another in its place. A stage whose processes all ended by themselves
// is through: then the next stream is closed. The report is exact whatever was killed.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/examples/flight.h"

extern char** environ;  // NOLINT: POSIX has no header for it

namespace nd = ndshare;

namespace {

using Clock = std::chrono::steady_clock;

struct Worker {
  int stage = 0;
  pid_t pid = -1;
};

class Pipeline {
 public:
  Pipeline(std::string bin, std::string file, int workers, int kill_every_ms)
      : bin_(std::move(bin)),
        file_(std::move(file)),
        workers_(workers),
        kill_every_(std::chrono::milliseconds(kill_every_ms)),
        store_(nd::Store::connect()) {
    const auto make = [&](const char* name, const char* dtype, std::int64_t rows, std::int64_t depth) {
      return store_.create_stream(name, nd::DType::parse(dtype), {.rows = rows, .depth = depth, .max_deliveries = 0});
    };
    chunks_ = make("chunks", demo::kChunkDtype, 1, 32);
    flights_ = make("flights", demo::kFlightDtype, demo::kChunkRows, 8);
    derived_ = make("derived", demo::kDerivedDtype, demo::kChunkRows, 8);
    auto state = store_.create("state", nd::uint8, {static_cast<std::int64_t>(sizeof(demo::State))});
    state.write().release();
  }

  void run() {
    start_ = Clock::now();
    for (int stage = 0; stage < 3; ++stage) {
      for (int i = 0; i < workers_; ++i) all_.push_back({stage, start(stage)});
    }
    std::jthread feeder([this] { feed(); });
    auto next_kill = Clock::now() + kill_every_;
    for (int stage = 0; stage < 3;) {
      reap();
      if (std::ranges::none_of(all_, [&](const Worker& worker) { return worker.stage == stage && worker.pid > 0; })) {
        if (stage == 0) flights_.close();
        if (stage == 1) derived_.close();
        ++stage;
      }
      if (kill_every_.count() != 0 && Clock::now() >= next_kill) {
        kill_one();
        kill_every_ = kill_every_ * 21 / 20;  // ever more seldom: a slow machine comes to an end, too
        next_kill = Clock::now() + kill_every_;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    took_s_ = std::chrono::duration<double>(Clock::now() - start_).count();
  }

  void report();

 private:
  [[nodiscard]] pid_t start(int stage) const {
    static constexpr std::array<const char*, 3> kNames = {"stage1_parse", "stage2_derive", "stage3_total"};
    std::string program = bin_ + "/" + kNames[static_cast<std::size_t>(stage)], file = file_;
    std::array<char*, 3> words = {program.data(), stage == 0 ? file.data() : nullptr, nullptr};
    pid_t pid = -1;
    if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, words.data(), environ) != 0) {
      throw nd::Error(nd::ErrorCode::Io, program + " does not start");
    }
    return pid;
  }

  /// Cuts the file after lines, kChunkRows of them a chunk; the first line has the names.
  void feed() {
    std::ifstream in(file_, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    std::size_t first = text.find('\n') + 1;
    for (std::int64_t number = 0; first != 0 && first < text.size(); ++number) {
      if (number == demo::kMaxChunks)
        throw nd::Error(nd::ErrorCode::Usage, file_ + ": more rows than the demo has room for");
      std::size_t last = first;
      for (std::int64_t line = 0; line < demo::kChunkRows && last < text.size(); ++line) {
        const auto end = text.find('\n', last);
        last = end == std::string::npos ? text.size() : end + 1;
      }
      nd::Loan loan = chunks_.loan();
      *reinterpret_cast<demo::Chunk*>(loan.data()) = {number, static_cast<std::int64_t>(first),
                                                      static_cast<std::int64_t>(last)};
      loan.publish();
      first = last;
    }
    chunks_.close();
  }

  /// Those that were killed are started again; an error ends everything.
  void reap() {
    for (auto& worker : all_) {
      int status = 0;
      if (worker.pid <= 0 || ::waitpid(worker.pid, &status, WNOHANG) != worker.pid) continue;
      worker.pid = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? start(worker.stage) : -1;
      if (worker.pid < 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        for (const auto& other : all_) {
          if (other.pid > 0) ::kill(other.pid, SIGTERM);
        }
        std::exit(1);  // the worker has said why
      }
    }
  }

  void kill_one() {
    std::vector<pid_t> living;
    for (const auto& worker : all_) {
      if (worker.pid > 0) living.push_back(worker.pid);
    }
    if (living.empty()) return;
    ::kill(living[random_() % living.size()], SIGKILL);
    ++kills_;
  }

  std::string bin_, file_;
  int workers_;
  std::chrono::microseconds kill_every_;
  nd::Store store_;
  nd::Stream chunks_, flights_, derived_;
  std::vector<Worker> all_;
  std::mt19937 random_{std::random_device{}()};
  std::int64_t kills_ = 0;
  double took_s_ = 0;
  Clock::time_point start_;
};

void Pipeline::report() {
  const nd::Array bytes = store_.open("state").view();
  const auto& state = *reinterpret_cast<const demo::State*>(bytes.data());
  std::vector<demo::Airport> airports(state.airports, state.airports + state.airport_count);
  std::ranges::sort(airports, [](const demo::Airport& a, const demo::Airport& b) {
    const auto key = [](const demo::Airport& airport) {
      return __builtin_bswap32(static_cast<std::uint32_t>(airport.code));
    };
    return a.flights != b.flights ? a.flights > b.flights : key(a) < key(b);
  });
  airports.resize(std::min<std::size_t>(airports.size(), 10));
  const auto moved = static_cast<double>(state.rows) * (sizeof(demo::Flight) + sizeof(demo::Derived));
  std::printf(
      "PIPELINE 3 stages, %d processes each, %lld chunks, %lld processes killed: %.3f s, %.0f rows/s, %.3f GB/s "
      "through streams\n",
      workers_, static_cast<long long>(state.chunks), static_cast<long long>(kills_), took_s_,
      static_cast<double>(state.rows) / took_s_, moved / took_s_ / 1e9);
  std::printf("ORIGIN  FLIGHTS  MEAN DELAY   LATE  DELAY/100MI  BUSIEST HOUR\n");
  for (const auto& airport : airports) {
    const std::array<char, 4> code = {static_cast<char>(airport.code), static_cast<char>(airport.code >> 8),
                                      static_cast<char>(airport.code >> 16), 0};
    const auto count = static_cast<double>(airport.flights);
    const auto busiest = std::max_element(airport.by_hour, airport.by_hour + 24) - airport.by_hour;
    std::printf("%-6s %8lld %7.2f min %5.1f%% %12.2f %9d h\n", code.data(), static_cast<long long>(airport.flights),
                static_cast<double>(airport.delay) / count, 100.0 * static_cast<double>(airport.late) / count,
                airport.per_100mi / count, static_cast<int>(busiest));
  }
  std::printf("TOTAL  %8lld flights, sum of delays %lld min\n", static_cast<long long>(state.rows),
              static_cast<long long>(state.delays));
  nd::SharedArray totals = store_.create("totals", nd::int64, {2});
  nd::WriteGuard guard = totals.write();
  nd::copyto(guard.array(), nd::array({state.rows, state.delays}));
  guard.release();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: flights_pipeline FILE.csv [WORKERS [KILL_EVERY_MS]]\n");
    return 2;
  }
  const std::string self = argv[0];
  return demo::run_stage("flights_pipeline", [&] {
    Pipeline pipeline(self.substr(0, self.rfind('/')), argv[1], argc > 2 ? std::atoi(argv[2]) : 2,
                      argc > 3 ? std::atoi(argv[3]) : 0);
    pipeline.run();
    pipeline.report();
  });
}
