// Elements of .npy files: from a source into an array, from an array into a sink.
#include <ndshare/io.h>

#include <ndshare/create.h>

#include "lib/base/text.h"
#include "lib/io/file.h"
#include "lib/io/fixup.h"
#include "lib/io/growing_buffer.h"
#include "lib/io/transfer.h"

#include <algorithm>
#include <vector>

namespace ndshare {
namespace {

using internal::kBlockBytes;

/// Above this, memory for data of unconfirmed length grows with the data instead of by the header's word.
constexpr std::int64_t kTrustedBytes = std::int64_t{64} << 20;

std::int64_t block_elements(std::int64_t itemsize) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(kBlockBytes) / itemsize);
}

[[noreturn]] void data_truncated(const Source& source, const NpyHeader& header, std::int64_t there) {
  internal::format_error(
      source.name(),
      "truncated .npy data: " + header.shape.str() + " " + header.dtype.to_string() + " takes " +
          std::to_string(header.data_bytes) + " bytes, only " + std::to_string(there) + " are there",
      {{"expected_bytes", std::to_string(header.data_bytes)}, {"actual_bytes", std::to_string(there)}});
}

/// The data as a stream: whole blocks or a Format error, with progress.
class DataReader {
 public:
  DataReader(Source& source, const NpyHeader& header, const Progress& progress)
      : source_(source), header_(header), progress_(progress) {}

  void read(std::byte* into, std::int64_t nbytes) {
    const auto got = static_cast<std::int64_t>(source_.read_fully(into, static_cast<std::size_t>(nbytes)));
    done_ += got;
    if (got < nbytes) data_truncated(source_, header_, done_);
    if (progress_) progress_(done_, header_.data_bytes);
  }

  /// The source must be at its end now. (For a .npz member this read is also what checks the checksum.)
  void expect_end() {
    std::byte extra{};
    if (source_.read(&extra, 1) == 0) return;
    internal::format_error(source_.name(), "too long: bytes follow the " + std::to_string(header_.data_bytes) +
                                               " of data that the .npy header announces");
  }

 private:
  Source& source_;
  const NpyHeader& header_;
  const Progress& progress_;
  std::int64_t done_ = 0;
};

/// Straight into contiguous memory; each block is mended while it is in the cache.
void read_contiguous(DataReader& reader, const NpyHeader& header, std::byte* into, std::int64_t count) {
  const internal::Fixup fixup(header.dtype, header.swaps);
  const std::int64_t itemsize = header.dtype.itemsize(), step = block_elements(itemsize);
  for (std::int64_t at = 0; at < count; at += step) {
    const std::int64_t n = std::min(step, count - at);
    reader.read(into + at * itemsize, n * itemsize);
    if (!fixup.idle()) fixup.apply(into + at * itemsize, n);
  }
}

void read_strided(DataReader& reader, const NpyHeader& header, const Array& target) {
  const internal::Fixup fixup(header.dtype, header.swaps);
  const std::int64_t itemsize = header.dtype.itemsize(), step = std::min(block_elements(itemsize), target.size());
  std::vector<std::byte> block(static_cast<std::size_t>(step * itemsize));
  internal::Transfer transfer(target.layout(), itemsize);
  for (std::int64_t at = 0; at < target.size(); at += step) {
    const std::int64_t n = std::min(step, target.size() - at);
    reader.read(block.data(), n * itemsize);
    if (!fixup.idle()) fixup.apply(block.data(), n);
    transfer.scatter(target.buffer()->data(), block.data(), n);
  }
}

void check_destination(const NpyHeader& header, const Array& destination, const std::string& file) {
  if (destination.dtype() != header.dtype) {
    throw Error(ErrorCode::DtypeMismatch, file + " holds " + header.dtype.to_string() + ", the array to fill is " +
                                              destination.dtype().to_string());
  }
  if (destination.shape() != header.shape) {
    throw Error(ErrorCode::ShapeMismatch,
                file + " holds shape " + header.shape.str() + ", the array to fill has " + destination.shape().str());
  }
  static_cast<void>(destination.mutable_data());  // throws ReadOnly
}

/// For lengths that nobody can confirm: memory follows the data.
Array read_growing(Source& source, const NpyHeader& header, const Progress& progress) {
  DataReader reader(source, header, progress);
  auto memory = std::make_shared<internal::GrowingBuffer>();
  for (std::int64_t at = 0; at < header.data_bytes;) {
    const std::int64_t room = std::min(header.data_bytes, std::max(kTrustedBytes, at < INT64_MAX / 2 ? 2 * at : at));
    memory->reserve(std::max(room, std::min(header.data_bytes, at + static_cast<std::int64_t>(kBlockBytes))));
    const std::int64_t end = std::min(memory->capacity(), header.data_bytes);
    for (; at < end;) {
      const std::int64_t n = std::min<std::int64_t>(static_cast<std::int64_t>(kBlockBytes), end - at);
      reader.read(memory->data() + at, n);
      at += n;
    }
  }
  reader.expect_end();
  const internal::Fixup fixup(header.dtype, header.swaps);
  if (!fixup.idle()) fixup.apply(memory->data(), header.data_bytes / header.dtype.itemsize());
  const Layout layout = Layout::contiguous(header.shape, header.dtype.itemsize(), header.order);
  return Array(header.dtype, layout, internal::GrowingBuffer::share(std::move(memory), header.data_bytes), true);
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

void read_npy_into(Source& source, const NpyHeader& header, const Array& destination, const Progress& progress) {
  check_destination(header, destination, source.name());
  DataReader reader(source, header, progress);
  // A file in Fortran order is its transpose in C order.
  const Array target = header.order == Order::F ? destination.transpose() : destination;
  if (target.size() > 0) {
    if (target.is_c_contiguous()) {
      read_contiguous(reader, header, target.mutable_data(), target.size());
    } else {
      read_strided(reader, header, target);
    }
  }
  reader.expect_end();
}

Array read_npy(Source& source, const NpyHeader& header, const LoadOptions& options) {
  if (header.data_bytes > options.max_bytes) {
    throw Error(
        ErrorCode::MemoryGuard,
        source.name() + ": " + header.shape.str() + " " + header.dtype.to_string() + " takes " +
            std::to_string(header.data_bytes) + " bytes, the limit is " + std::to_string(options.max_bytes) +
            "; raise max_bytes to read it",
        {{"asked_bytes", std::to_string(header.data_bytes)}, {"limit_bytes", std::to_string(options.max_bytes)}});
  }
  const bool confirmed = header.file_bytes.has_value() && !source.length_is_a_claim();
  if (!confirmed && header.data_bytes > kTrustedBytes) return read_growing(source, header, options.progress);
  Array result = empty(header.shape, header.dtype, header.order);
  read_npy_into(source, header, result, options.progress);
  return result;
}

void write_npy(Sink& sink, const Array& array, const Progress& progress) {
  const Order order = !array.is_c_contiguous() && array.is_f_contiguous() ? Order::F : Order::C;
  sink.write(bytes_of(npy_header_bytes(array.dtype(), array.shape(), order)));
  const Array source = order == Order::F ? array.transpose() : array;
  const std::int64_t itemsize = array.itemsize(), step = block_elements(itemsize), count = array.size();
  const bool direct = source.is_c_contiguous();
  std::vector<std::byte> block(direct ? 0 : static_cast<std::size_t>(std::min(step, count) * itemsize));
  internal::Transfer transfer(source.layout(), itemsize);
  for (std::int64_t at = 0; at < count; at += step) {
    const std::int64_t n = std::min(step, count - at);
    const std::byte* bytes = direct ? source.data() + at * itemsize : block.data();
    if (!direct) transfer.gather(source.buffer()->data(), block.data(), n);
    sink.write({bytes, static_cast<std::size_t>(n * itemsize)});
    if (progress) progress((at + n) * itemsize, count * itemsize);
  }
}

void save(const std::string& path, const Array& array, const SaveOptions& options) {
  const auto sink = open_sink(path);
  write_npy(*sink, array, options.progress);
  sink->finish();
}

Array load(const std::string& path, const LoadOptions& options) {
  const auto source = open_source(path);
  return read_npy(*source, read_npy_header(*source), options);
}

}  // namespace ndshare
