// Stage 1 of the pipeline, one of several processes: parts of a CSV file become batches of records.   stage1_parse
// FILE.csv
//
// A batch of "chunks" says which bytes; the values go straight into a batch of "flights". Killed anywhere, nothing is
// lost: the chunk was not done, so another process gets it, and stage 3 knows chunks that it has counted.
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "tools/examples/flight.h"

namespace nd = ndshare;

namespace {

void parse(const char* path) {
  nd::Store store = nd::Store::connect();
  nd::Stream chunks = store.open_stream("chunks");
  nd::Stream flights = store.open_stream("flights", {.dtype = nd::DType::parse(demo::kFlightDtype)});
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw nd::Error(nd::ErrorCode::Io, std::string(path) + ": cannot be opened");
  std::vector<std::byte> text;
  while (nd::Batch batch = demo::next(chunks)) {
    const auto& chunk = *reinterpret_cast<const demo::Chunk*>(batch.data());
    text.resize(static_cast<std::size_t>(chunk.last - chunk.first));
    if (::pread(fd, text.data(), text.size(), chunk.first) != static_cast<::ssize_t>(text.size())) {
      throw nd::Error(nd::ErrorCode::Io, std::string(path) + ": changed while it was read");
    }
    const auto source = nd::memory_source(text, path);
    const nd::CsvScan scan = nd::scan_csv(*source, {.dtype = flights.dtype(), .header = nd::CsvHeader::absent});
    nd::Loan loan = flights.loan();
    nd::read_csv_into(scan, loan.array()(nd::slice(0, scan.rows)));
    loan.publish(scan.rows, {{"chunk", std::to_string(chunk.number)}});
    batch.done();
  }
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: stage1_parse FILE.csv\n");
    return 2;
  }
  return demo::run_stage("stage1_parse", [&] { parse(argv[1]); });
}
