#include "lib/table/gather_rows.h"

#include "lib/array/dtype_record.h"

#include <cstring>

namespace ndshare::internal {
namespace {

/// Calls put(to, from) for each row.
template <class Put>
void each_row(const RowRun& run, const std::byte* data, std::int64_t step, const std::byte* missing,
              const std::int64_t* positions, std::size_t n, std::byte* to, std::int64_t to_step,
              const Put& put) noexcept {
  to += run.to;
  data += run.from;
  missing += run.to;
  for (std::size_t i = 0; i < n; ++i, to += to_step) put(to, positions[i] < 0 ? missing : data + positions[i] * step);
}

template <std::size_t kBytes>
void put_exactly(std::byte* to, const std::byte* from) noexcept {
  std::memcpy(to, from, kBytes);
}

/// kHalf to 2·kHalf bytes: both ends, which meet or overlap. Reading before writing: no byte is written twice with
/// other contents.
template <std::size_t kHalf>
void put_ends(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  std::byte head[kHalf], tail[kHalf];
  std::memcpy(head, from, kHalf);
  std::memcpy(tail, from + bytes - kHalf, kHalf);
  std::memcpy(to, head, kHalf);
  std::memcpy(to + bytes - kHalf, tail, kHalf);
}

}  // namespace

void RowSource::add(const Field& from, const Field& to) {
  const DType alone = DType::structured({{.name = "f", .dtype = from.dtype, .shape = from.shape}});
  for (const ByteRun& run : data_runs(alone)) {
    const RowRun next{from.offset + run.offset, to.offset + run.offset, run.nbytes};
    if (!runs_.empty() && runs_.back().from + runs_.back().nbytes == next.from &&
        runs_.back().to + runs_.back().nbytes == next.to) {
      runs_.back().nbytes += next.nbytes;
    } else {
      runs_.push_back(next);
    }
  }
}

void RowSource::gather(const std::int64_t* positions, std::size_t n, std::byte* to,
                       std::int64_t to_step) const noexcept {
  for (const RowRun& run : runs_) {
    const auto all = [&](const auto& put) { each_row(run, data_, step_, missing_, positions, n, to, to_step, put); };
    const auto bytes = static_cast<std::size_t>(run.nbytes);
    switch (bytes) {
      case 1:
        all(put_exactly<1>);
        break;
      case 2:
        all(put_exactly<2>);
        break;
      case 3:
        all(put_exactly<3>);
        break;
      case 4:
        all(put_exactly<4>);
        break;
      case 8:
        all(put_exactly<8>);
        break;
      case 16:
        all(put_exactly<16>);
        break;
      default:
        if (bytes < 8) {
          all([bytes](std::byte* at, const std::byte* from) { put_ends<4>(at, from, bytes); });
        } else if (bytes < 16) {
          all([bytes](std::byte* at, const std::byte* from) { put_ends<8>(at, from, bytes); });
        } else if (bytes <= 32) {
          all([bytes](std::byte* at, const std::byte* from) { put_ends<16>(at, from, bytes); });
        } else if (bytes <= 64) {
          all([bytes](std::byte* at, const std::byte* from) { put_ends<32>(at, from, bytes); });
        } else {
          all([bytes](std::byte* at, const std::byte* from) { std::memcpy(at, from, bytes); });
        }
    }
  }
}

}  // namespace ndshare::internal
