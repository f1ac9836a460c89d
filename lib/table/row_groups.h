// Rows grouped by their keys, by all threads, with a result that does not depend on how many there are.
//
// Blocks of rows are grouped apart, each in a table of its own. Their groups are then dealt out by the top bits of the
// hash into partitions; each partition takes its groups of all blocks in the order of the blocks. What is aggregated so
// is joined in an order that only the table's length decides, and no two threads write to one table.
#pragma once

#include "lib/table/key_table.h"
#include "lib/table/row_keys.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace ndshare::internal {

class RowGroups {
 public:
  static constexpr std::int64_t kBlock = 65'536;  ///< rows; sums are cut by it: changing it changes last bits
  static constexpr std::size_t kPiece = 1024;     ///< rows that are looked at together

  /// Some rows of a block, and the numbers of their groups within it.
  struct Piece {
    std::size_t block;
    std::int64_t first;
    std::size_t n;
    const std::uint32_t* ids;
    std::size_t groups;  ///< of the block so far
  };
  using See = std::function<void(const Piece&)>;
  /// A block's group joins one of a partition, which may be new.
  struct Joint {
    std::size_t partition;
    std::uint32_t id;  ///< in the partition
    std::size_t block;
    std::uint32_t place;     ///< in the block, as dealt
    std::uint32_t block_id;  ///< in the block, as seen
  };

  /// Groups all rows. `see` is called for the pieces of a block in order, blocks side by side.
  RowGroups(const RowKeys& keys, int threads, const See& see);
  /// Puts the groups of each block in the order of partitions, and tells that order: element i is the group that is now
  /// i-th. Partitions then read what they take in one go.
  void deal(const std::function<void(std::size_t block, std::span<const std::uint32_t> order)>& tell);
  /// Joins the blocks: partitions side by side.   REQUIRES: deal.
  void join(const std::function<void(const Joint&)>& joint);

  [[nodiscard]] std::size_t partition_count() const noexcept { return std::size_t{1} << bits_; }
  [[nodiscard]] std::size_t blocks() const noexcept { return blocks_.size(); }
  [[nodiscard]] const KeyTable& block(std::size_t index) const noexcept { return blocks_[index]; }
  [[nodiscard]] const std::vector<KeyTable>& partitions() const noexcept { return partitions_; }
  /// Groups in the partitions before this one; of the last: all.
  [[nodiscard]] const std::vector<std::size_t>& before() const noexcept { return before_; }
  /// The number of a key, counted over all partitions, or KeyTable::kNone.
  [[nodiscard]] std::uint32_t find(const std::uint64_t* key) const noexcept;
  /// Gives the blocks' memory back.
  void drop_blocks() noexcept { blocks_ = {}; }

 private:
  [[nodiscard]] std::size_t partition_of(std::uint64_t hash) const noexcept {
    return bits_ == 0 ? 0 : hash >> (64 - bits_);
  }

  std::size_t words_;
  int threads_;
  int bits_ = 0;
  std::vector<KeyTable> blocks_{}, partitions_{};
  std::vector<std::vector<std::uint32_t>> dealt_{};  // of each block: its groups by partition
  std::vector<std::vector<std::uint32_t>> starts_{};
  std::vector<std::size_t> before_{};
};

}  // namespace ndshare::internal
