// Stage 3: aggregates the workers' columns per airport of origin, and prints the ten busiest.   stage3_report
//
// The totals also go into a small shared array, "totals", for whoever wants to check them.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <ndshare/ndshare.h>

#include "tools/examples/flight.h"

namespace nd = ndshare;

namespace {

struct Airport {
  std::string code;
  std::int64_t flights = 0, late = 0, delay = 0;
  double per_100mi = 0;
  std::array<std::int64_t, 24> by_hour{};
};

/// One worker's rows: its columns beside the records that they were derived from.
void add_rows(std::map<std::string, Airport>& airports, const demo::Flight* records, const nd::Store& store,
              int worker) {
  const std::string suffix = "/" + std::to_string(worker);
  const nd::Array late_array = store.open("late" + suffix).view();
  const nd::Array hour_array = store.open("hour" + suffix).view();
  const nd::Array per_100mi_array = store.open("delay_per_100mi" + suffix).view();
  const auto late = late_array.as_span<const bool>();
  const auto hour = hour_array.as_span<const std::uint8_t>();
  const auto per_100mi = per_100mi_array.as_span<const float>();
  for (std::size_t i = 0; i < late.size(); ++i) {
    const auto& origin = records[i].origin;
    auto& airport =
        airports[{static_cast<char>(origin[0]), static_cast<char>(origin[1]), static_cast<char>(origin[2])}];
    ++airport.flights;
    airport.late += late[i] ? 1 : 0;
    airport.delay += records[i].delay;
    airport.per_100mi += static_cast<double>(per_100mi[i]);
    ++airport.by_hour[hour[i]];
  }
}

void print_busiest(const std::map<std::string, Airport>& airports) {
  std::vector<Airport> list;
  for (const auto& [code, airport] : airports) (list.emplace_back(airport)).code = code;
  std::stable_sort(list.begin(), list.end(), [](const Airport& a, const Airport& b) { return a.flights > b.flights; });
  list.resize(std::min<std::size_t>(list.size(), 10));
  std::printf("ORIGIN  FLIGHTS  MEAN DELAY   LATE  DELAY/100MI  BUSIEST HOUR\n");
  for (const auto& airport : list) {
    const auto count = static_cast<double>(airport.flights);
    const auto busiest = std::max_element(airport.by_hour.begin(), airport.by_hour.end()) - airport.by_hour.begin();
    std::printf("%-6s %8lld %7.2f min %5.1f%% %12.2f %9d h\n", airport.code.c_str(),
                static_cast<long long>(airport.flights), static_cast<double>(airport.delay) / count,
                100.0 * static_cast<double>(airport.late) / count, airport.per_100mi / count,
                static_cast<int>(busiest));
  }
}

void report() {
  const demo::Stage stage("3 report");
  nd::Store store = nd::Store::connect();
  const nd::Array flights = store.open("flights").view();
  const auto* records = reinterpret_cast<const demo::Flight*>(flights.data());

  std::map<std::string, Airport> airports;
  std::int64_t rows = 0;
  for (int worker = 0; store.contains("late/" + std::to_string(worker)); ++worker) {
    add_rows(airports, records + rows, store, worker);
    rows += store.open("late/" + std::to_string(worker)).size();
  }
  const auto delays = nd::sum(flights["delay"]).item<std::int64_t>();

  nd::SharedArray totals = store.create("totals", nd::int64, {2});
  nd::WriteGuard guard = totals.write();
  nd::copyto(guard.array(), nd::array({rows, delays}));
  guard.release();

  stage.done(rows, flights.nbytes(), "columns -> report");
  print_busiest(airports);
  std::printf("TOTAL  %8lld flights, sum of delays %lld min\n", static_cast<long long>(rows),
              static_cast<long long>(delays));
}

}  // namespace

int main() {
  try {
    report();
    return 0;
  } catch (const nd::Error& error) {
    std::fprintf(stderr, "stage3_report: %s\n", error.what());
    return nd::error_exit_status(error.code());
  }
}
