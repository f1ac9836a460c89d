// Stage 1: a CSV file becomes a shared array of records.   stage1_parse FILE.csv
//
// The store is the one that NDSHARE_STORE names (`ndshare run` sets it). The file is read once to learn its length,
// then its values go straight into shared memory.
#include <cstdio>

#include <ndshare/ndshare.h>

#include "tools/examples/flight.h"

namespace nd = ndshare;

namespace {

void parse(const char* path) {
  const demo::Stage stage("1 parse");
  nd::Store store = nd::Store::connect();

  const nd::CsvScan scan = nd::scan_csv(path, {.dtype = nd::DType::parse(demo::kFlightDtype)});
  nd::SharedArray flights =
      store.create("flights", scan.dtype, scan.shape, {.fill = nd::Fill::empty, .attrs = {{"source", path}}});

  nd::WriteGuard guard = flights.write({.overwrite = true});
  nd::read_csv_into(scan, guard.array());
  guard.release();  // now others see it
  flights.seal();   // and nobody can change it any more

  stage.done(scan.rows, scan.text_bytes, "CSV -> flights");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: stage1_parse FILE.csv\n");
    return 2;
  }
  try {
    parse(argv[1]);
    return 0;
  } catch (const nd::Error& error) {
    std::fprintf(stderr, "stage1_parse: %s\n", error.what());
    return nd::error_exit_status(error.code());
  }
}
