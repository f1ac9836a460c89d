#include "lib/table/join_pairs.h"

#include "lib/exec/parallel.h"

#include <algorithm>
#include <array>
#include <limits>

namespace ndshare::internal {
namespace {

std::int64_t added(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

std::size_t blocks_of(std::int64_t rows, std::int64_t block) noexcept {
  return static_cast<std::size_t>((rows + block - 1) / block);
}

/// Collects pairs and hands them on in pieces.
template <std::size_t kPiece>
class Collector {
 public:
  Collector(std::int64_t first, const JoinPairs::Pairs& hand_on) : first_(first), hand_on_(hand_on) {}
  void add(std::int64_t left, std::int64_t right) {
    left_[n_] = left;
    right_[n_] = right;
    if (++n_ == kPiece) flush();
  }
  void flush() {
    if (n_ > 0) hand_on_(first_, left_.data(), right_.data(), n_);
    first_ += static_cast<std::int64_t>(n_);
    n_ = 0;
  }

 private:
  std::int64_t first_;
  const JoinPairs::Pairs& hand_on_;
  std::size_t n_ = 0;
  std::array<std::int64_t, kPiece> left_, right_;
};

}  // namespace

JoinPairs::JoinPairs(const RowKeys& left, const RowKeys& right, JoinHow how, int threads)
    : how_(how),
      threads_(threads),
      left_rows_(left.rows()),
      right_rows_(right.rows()),
      index_(right, threads),
      groups_(std::make_unique_for_overwrite<std::uint32_t[]>(static_cast<std::size_t>(left.rows()))),
      met_(how == JoinHow::outer ? index_.groups() : 0) {
  const std::size_t lefts = blocks_of(left_rows_, kBlock),
                    rights = how == JoinHow::outer ? blocks_of(right_rows_, kBlock) : 0;
  before_.assign(lefts + rights + 1, 0);
  look_up(left);
  if (how == JoinHow::outer) count_lone(right.rows());
  for (std::size_t block = 1; block < before_.size(); ++block)
    before_[block] = added(before_[block], before_[block - 1]);
}

void JoinPairs::look_up(const RowKeys& left) {
  constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
  const std::size_t most = std::clamp<std::size_t>(kPieceBytes / (left.words() * sizeof(std::uint64_t)), 1, 1024);
  parallel_blocks(blocks_of(left_rows_, kBlock), threads_, [&](std::size_t block) {
    const auto staged = std::make_unique_for_overwrite<std::uint64_t[]>(most * left.words());
    const std::int64_t low = static_cast<std::int64_t>(block) * kBlock, high = std::min(left_rows_, low + kBlock);
    std::int64_t count = 0;
    for (std::int64_t first = low; first < high; first += static_cast<std::int64_t>(most)) {
      const std::size_t n = std::min(most, static_cast<std::size_t>(high - first));
      left.read(first, n, staged.get());
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t group = index_.find(staged.get() + i * left.words());
        groups_[static_cast<std::size_t>(first) + i] = group;
        if (group == KeyTable::kNone) {
          count = added(count, how_ == JoinHow::inner ? 0 : 1);
          continue;
        }
        count = added(count, static_cast<std::int64_t>(index_.rows(group).size()));
        if (how_ == JoinHow::outer && !met_[group].load(std::memory_order_relaxed))
          met_[group].store(true, std::memory_order_relaxed);
      }
    }
    before_[block + 1] = count;
  });
}

void JoinPairs::count_lone(std::int64_t rows) {
  const std::size_t lefts = blocks_of(left_rows_, kBlock);
  parallel_blocks(blocks_of(rows, kBlock), threads_, [&](std::size_t block) {
    const std::int64_t low = static_cast<std::int64_t>(block) * kBlock, high = std::min(rows, low + kBlock);
    std::int64_t count = 0;
    for (std::int64_t row = low; row < high; ++row)
      count += met_[index_.group_of(row)].load(std::memory_order_relaxed) ? 0 : 1;
    before_[lefts + block + 1] = count;
  });
}

void JoinPairs::list_block(std::size_t block, const Pairs& pairs) const {
  const std::int64_t low = static_cast<std::int64_t>(block) * kBlock, high = std::min(left_rows_, low + kBlock);
  Collector<kPiece> out(before_[block], pairs);
  for (std::int64_t row = low; row < high; ++row) {
    const std::uint32_t group = groups_[static_cast<std::size_t>(row)];
    if (group != KeyTable::kNone) {
      for (const std::int64_t partner : index_.rows(group)) out.add(row, partner);
    } else if (how_ != JoinHow::inner) {
      out.add(row, -1);
    }
  }
  out.flush();
}

void JoinPairs::list_lone(std::size_t block, const Pairs& lone) const {
  const std::int64_t low = static_cast<std::int64_t>(block) * kBlock, high = std::min(right_rows_, low + kBlock);
  Collector<kPiece> out(before_[blocks_of(left_rows_, kBlock) + block], lone);
  for (std::int64_t row = low; row < high; ++row) {
    if (!met_[index_.group_of(row)].load(std::memory_order_relaxed)) out.add(-1, row);
  }
  out.flush();
}

void JoinPairs::each(const Pairs& pairs, const Pairs& lone) const {
  const std::size_t lefts = blocks_of(left_rows_, kBlock);
  parallel_blocks(before_.size() - 1, threads_, [&](std::size_t block) {
    if (block < lefts) {
      list_block(block, pairs);
    } else {
      list_lone(block - lefts, lone);
    }
  });
}

}  // namespace ndshare::internal
