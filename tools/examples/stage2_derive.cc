// Stage 2: one of several workers; each derives columns from its own rows.   stage2_derive WORKER WORKERS
//
// The workers read the same shared records without copying them, and write one shared array each and column:
// delay_per_100mi/<w> (float32), hour/<w> (uint8) and late/<w> (bool: more than 15 minutes).
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include <ndshare/ndshare.h>

#include "tools/examples/flight.h"

namespace nd = ndshare;

namespace {

constexpr std::int32_t kLateMinutes = 15;

/// Makes a shared array, lets `write` fill it, and seals it. Until then nobody else sees it.
template <class Write>
void derive(nd::Store& store, const std::string& name, const nd::DType& dtype, std::int64_t rows, const Write& write) {
  nd::SharedArray column = store.create(name, dtype, {rows}, {.fill = nd::Fill::empty});
  nd::WriteGuard guard = column.write({.overwrite = true});
  write(guard.array());
  guard.release();
  column.seal();
}

void work(std::int64_t worker, std::int64_t workers) {
  const demo::Stage stage("2 derive");
  nd::Store store = nd::Store::connect();
  const nd::SharedArray flights = store.open("flights", {.dtype = nd::DType::parse(demo::kFlightDtype)});
  const std::int64_t n = flights.size();
  const std::int64_t first = n * worker / workers;
  const std::int64_t last = n * (worker + 1) / workers;

  const nd::Array rows = flights.view({.rows = {first, last}});  // no copy: these are the shared bytes
  const std::span records(reinterpret_cast<const demo::Flight*>(rows.data()), static_cast<std::size_t>(rows.size()));
  const std::string suffix = "/" + std::to_string(worker);

  derive(store, "delay_per_100mi" + suffix, nd::float32, rows.size(), [&](const nd::Array& out) {
    // Whole columns at once; the fields are strided views of the records.
    const nd::Array per_mile = nd::divide(rows["delay"], rows["distance"], {.out = out});
    const nd::Array per_100_miles = nd::multiply(per_mile, 100, {.out = out});
  });
  derive(store, "hour" + suffix, nd::uint8, rows.size(), [&](const nd::Array& out) {
    const auto hour = out.as_span<std::uint8_t>();
    for (std::size_t i = 0; i < records.size(); ++i)
      hour[i] = static_cast<std::uint8_t>(records[i].date % (24 * 60) / 60);
  });
  derive(store, "late" + suffix, nd::bool_, rows.size(), [&](const nd::Array& out) {
    const auto late = out.as_span<bool>();
    for (std::size_t i = 0; i < records.size(); ++i) late[i] = records[i].delay > kLateMinutes;
  });

  stage.done(rows.size(), rows.nbytes(), ("flights -> delay_per_100mi, hour, late " + suffix.substr(1)).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t worker = argc == 3 ? std::atoll(argv[1]) : -1;
  const std::int64_t workers = argc == 3 ? std::atoll(argv[2]) : 0;
  if (worker < 0 || worker >= workers) {
    std::fprintf(stderr, "usage: stage2_derive WORKER WORKERS   (0 <= WORKER < WORKERS)\n");
    return 2;
  }
  try {
    work(worker, workers);
    return 0;
  } catch (const nd::Error& error) {
    std::fprintf(stderr, "stage2_derive: %s\n", error.what());
    return nd::error_exit_status(error.code());
  }
}
