// Scans, row by row and line by line.
//
// Both cut the scanned axis into blocks of kScanBlock, so that long sums of float32 do not stand still: within a block elements
// are added to each other in order, and that to what the blocks before came to. Results depend on shapes and the order of axes,
// never on threads.
#include "lib/exec/scan.h"

#include "lib/exec/parallel.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kScanTask = std::int64_t{64} << 10;
constexpr std::int64_t kMostColumns = 1024, kLeastColumns = 64;  // of a task

BinaryKernel joiner(bool product, TypeId type) noexcept {
  return kernels().find(product ? BinaryOp::multiply : BinaryOp::add, type).vv;
}

/// Each block's total first, all of them in parallel; then what stands before each block, in order; then the blocks again, written.
class LineScan {
 public:
  LineScan(const Evaluation& from, bool product, std::int64_t length, std::byte* out)
      : from_(from), length_(length), blocks_((length + kScanBlock - 1) / kScanBlock), itemsize_(DType(from.type()).itemsize()),
        out_(out), join_(joiner(product, from.type())) {
    const auto at = static_cast<std::size_t>(from.type());
    scan_ = product ? kernels().cumprod[at] : kernels().cumsum[at];
    total_ = product ? kernels().prod[at] : kernels().sum[at];
  }

  void run(int threads) const {
    const std::int64_t lines = from_.count() / length_, all = lines * blocks_;
    std::vector<std::byte> before(blocks_ > 1 ? static_cast<std::size_t>(all * itemsize_) : 0);
    const std::int64_t step = std::max<std::int64_t>(1, kScanTask / std::min(kScanBlock, length_));
    const auto for_blocks = [&](const auto& body) {
      parallel_blocks(static_cast<std::size_t>((all + step - 1) / step), threads, [&](std::size_t task) {
        const std::int64_t first = static_cast<std::int64_t>(task) * step;
        for (std::int64_t i = first; i < std::min(all, first + step); ++i) body(i / blocks_, i % blocks_, before.data() + i * itemsize_);
      });
    };
    if (blocks_ > 1) {
      for_blocks([&](std::int64_t line, std::int64_t block, std::byte* to) { total(line, block, to); });
      for (std::int64_t line = 0; line < lines; ++line) carry(before.data() + line * blocks_ * itemsize_);
    }
    for_blocks([&](std::int64_t line, std::int64_t block, const std::byte* start) { write(line, block, start); });
  }

 private:
  [[nodiscard]] std::int64_t first_of(std::int64_t line, std::int64_t block) const noexcept {
    return line * length_ + block * kScanBlock;
  }
  [[nodiscard]] std::size_t count_of(std::int64_t block) const noexcept {
    return static_cast<std::size_t>(std::min(kScanBlock, length_ - block * kScanBlock));
  }
  [[nodiscard]] std::size_t item() const noexcept { return static_cast<std::size_t>(itemsize_); }

  void total(std::int64_t line, std::int64_t block, std::byte* to) const {
    alignas(64) std::byte room[kScanBlock * 16];
    const std::size_t n = count_of(block);
    total_(from_.fetch(first_of(line, block), n, room), n, to);
  }
  /// A line's totals become what stands before each of its blocks but the first.
  void carry(std::byte* totals) const {
    std::byte running[16], next[16];
    std::memcpy(running, totals, item());
    for (std::int64_t i = 1; i < blocks_; ++i) {
      std::byte* here = totals + i * itemsize_;
      join_(running, here, next, 1);
      std::memcpy(here, running, item());
      std::memcpy(running, next, item());
    }
  }
  void write(std::int64_t line, std::int64_t block, const std::byte* before) const {
    alignas(64) std::byte room[kScanBlock * 16];
    const std::int64_t low = first_of(line, block);
    const std::size_t n = count_of(block);
    scan_(from_.fetch(low, n, room), n, block == 0 ? nullptr : before, out_ + low * itemsize_);
  }

  const Evaluation& from_;
  std::int64_t length_, blocks_, itemsize_;
  std::byte* out_;
  BinaryKernel join_;
  ScanKernel scan_ = nullptr;
  ReduceKernel total_ = nullptr;
};

class RowScan {
 public:
  RowScan(const Evaluation& from, bool product, std::int64_t length, std::int64_t columns, std::byte* out)
      : from_(from), length_(length), columns_(columns), outer_(from.count() / (length * columns)),
        itemsize_(DType(from.type()).itemsize()), out_(out), join_(joiner(product, from.type())) {}

  void run(int threads) const {
    const std::int64_t share = (columns_ * outer_ / 8 + kLeastColumns - 1) / kLeastColumns * kLeastColumns;
    const std::int64_t width = std::clamp(share, kLeastColumns, kMostColumns), chunks = (columns_ + width - 1) / width;
    parallel_blocks(static_cast<std::size_t>(outer_ * chunks), from_.count() < kScanTask ? 1 : threads, [&](std::size_t task) {
      const std::int64_t outer = static_cast<std::int64_t>(task) / chunks, low = static_cast<std::int64_t>(task) % chunks * width;
      scan(outer * length_ * columns_ + low, std::min(width, columns_ - low));
    });
  }

 private:
  /// n columns from flat element `low` on. `block`: what the rows of this block came to so far; `before`: what the blocks before did.
  void scan(std::int64_t low, std::int64_t n) const {
    alignas(64) std::byte room[kMostColumns * 16], block[kMostColumns * 16], before[kMostColumns * 16];
    const auto count = static_cast<std::size_t>(n), bytes = static_cast<std::size_t>(n * itemsize_);
    const std::byte* above = nullptr;
    for (std::int64_t row = 0; row < length_; ++row) {
      const std::int64_t at = low + row * columns_;
      const std::byte* x = from_.fetch(at, count, room);
      std::byte* to = out_ + at * itemsize_;
      std::byte* sum = row < kScanBlock ? to : block;  // in the first block that is the result itself
      if (row % kScanBlock == 0) {
        std::memmove(sum, x, bytes);
      } else {
        join_(above, x, sum, count);
      }
      above = sum;
      if (row >= kScanBlock) join_(before, block, to, count);
      if (row % kScanBlock == kScanBlock - 1) std::memcpy(before, to, bytes);
    }
  }

  const Evaluation& from_;
  std::int64_t length_, columns_, outer_, itemsize_;
  std::byte* out_;
  BinaryKernel join_;
};

}  // namespace

void scan_lines(const Evaluation& from, bool product, std::int64_t length, std::byte* out, int threads) {
  LineScan(from, product, length, out).run(threads);
}

void scan_rows(const Evaluation& from, bool product, std::int64_t length, std::int64_t columns, std::byte* out, int threads) {
  RowScan(from, product, length, columns, out).run(threads);
}

}  // namespace ndshare::internal
