// The benchmark program: says what it runs on, then runs what the files bench_*.cc registered.
#include <benchmark/benchmark.h>

#include <ndshare/threads.h>

#include <string>

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("threads", std::to_string(ndshare::threads()));
  benchmark::AddCustomContext("simd_target", std::string(ndshare::simd_target()));
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
