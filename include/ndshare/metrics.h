// A store's numbers as Prometheus names them: plain values, see telemetry.h for where they come from.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ndshare::admin {

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

struct MetricSample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;                      ///< of a counter or gauge
  // Of a histogram: observations at or below each bound, the last one (no bound) being their number; and their sum.
  std::vector<double> bounds;
  std::vector<std::uint64_t> cumulative;
  double sum = 0;
};

struct MetricInfo {
  std::string name, help;                ///< include/ndshare/metric_list.inc
  MetricKind kind = MetricKind::gauge;
  std::vector<MetricSample> samples;     ///< may be empty: nothing of that kind happened yet
};

}  // namespace ndshare::admin
