#include "lib/table/row_index.h"

#include "lib/exec/parallel.h"

#include <algorithm>

namespace ndshare::internal {

RowIndex::RowIndex(const RowKeys& keys, int threads)
    : row_groups_(static_cast<std::size_t>(keys.rows())), groups_(keys, threads, [this](const RowGroups::Piece& piece) {
        std::copy_n(piece.ids, piece.n, row_groups_.begin() + piece.first);
      }) {
  number_rows(threads);
  starts_.assign(groups_.before().back() + 1, 0);
  for (const std::uint32_t group : row_groups_) ++starts_[group + 1];
  for (std::size_t group = 1; group < starts_.size(); ++group) starts_[group] += starts_[group - 1];
  rows_.resize(row_groups_.size());
  std::vector<std::size_t> next(starts_.begin(), starts_.end() - 1);
  for (std::size_t row = 0; row < row_groups_.size(); ++row)
    rows_[next[row_groups_[row]]++] = static_cast<std::int64_t>(row);
}

void RowIndex::number_rows(int threads) {
  struct Place {
    std::uint32_t partition, id;
  };
  std::vector<std::vector<Place>> places(groups_.blocks());
  for (std::size_t block = 0; block < places.size(); ++block) places[block].resize(groups_.block(block).size());
  groups_.deal([](std::size_t, std::span<const std::uint32_t>) {});
  groups_.join([&](const RowGroups::Joint& joint) {
    places[joint.block][joint.block_id] = {static_cast<std::uint32_t>(joint.partition), joint.id};
  });
  groups_.drop_blocks();
  parallel_blocks(places.size(), threads, [&](std::size_t block) {
    const std::size_t low = block * static_cast<std::size_t>(RowGroups::kBlock);
    const std::size_t high = std::min(row_groups_.size(), low + static_cast<std::size_t>(RowGroups::kBlock));
    for (std::size_t row = low; row < high; ++row) {
      const Place place = places[block][row_groups_[row]];
      row_groups_[row] = static_cast<std::uint32_t>(groups_.before()[place.partition] + place.id);
    }
  });
}

}  // namespace ndshare::internal
