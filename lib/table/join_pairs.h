// Which rows of two tables belong together: counted first, then listed.
#pragma once

#include <ndshare/table.h>

#include "lib/table/row_index.h"
#include "lib/table/row_keys.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace ndshare::internal {

class JoinPairs {
 public:
  /// Looks every left row up and counts.   REQUIRES: the keys are of the same dtypes.
  JoinPairs(const RowKeys& left, const RowKeys& right, JoinHow how, int threads);

  /// Rows of the result; 2^63-1 where there are more.
  [[nodiscard]] std::int64_t size() const noexcept { return before_.back(); }

  /// Is given up to `kPiece` pairs: where the first stands in the result, left and right rows (−1: none).
  using Pairs =
      std::function<void(std::int64_t first, const std::int64_t* left, const std::int64_t* right, std::size_t n)>;
  /// Lists all pairs, in pieces, by all threads; `lone` takes right rows without a partner (left is −1 throughout).
  void each(const Pairs& pairs, const Pairs& lone) const;

 private:
  static constexpr std::int64_t kBlock = std::int64_t{16} << 10;  // rows of either table
  static constexpr std::size_t kPiece = 512;                      // pairs: their rows of the result stay in the cache

  void look_up(const RowKeys& left);
  void count_lone(std::int64_t rows);
  void list_block(std::size_t block, const Pairs& pairs) const;
  void list_lone(std::size_t block, const Pairs& lone) const;

  JoinHow how_;
  int threads_;
  std::int64_t left_rows_, right_rows_;
  RowIndex index_;
  std::unique_ptr<std::uint32_t[]> groups_;  // of each left row, or KeyTable::kNone
  // Of each group: whether a left row has it. Relaxed: all threads write the same, and the loop's end orders it.
  std::vector<std::atomic<bool>> met_;
  std::vector<std::int64_t> before_{
      0};  // rows of the result before each block of left rows, then of right rows; and all
};

}  // namespace ndshare::internal
