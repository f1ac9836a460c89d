#include "lib/table/row_groups.h"

#include <ndshare/error.h>

#include "lib/exec/parallel.h"

#include <algorithm>
#include <bit>
#include <memory>

namespace ndshare::internal {
namespace {

constexpr std::size_t kPartitionGroups = 8192;  // a partition's table then stays in the second-level cache
constexpr int kMostBits = 10;
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

}  // namespace

RowGroups::RowGroups(const RowKeys& keys, int threads, const See& see) : words_(keys.words()), threads_(threads) {
  const std::int64_t rows = keys.rows();
  blocks_.assign(static_cast<std::size_t>((rows + kBlock - 1) / kBlock), KeyTable(words_));
  parallel_blocks(blocks_.size(), threads, [&](std::size_t block) {
    const std::int64_t low = static_cast<std::int64_t>(block) * kBlock, high = std::min(rows, low + kBlock);
    const std::size_t fitting =
        std::max<std::size_t>(1, kPieceBytes / (words_ * sizeof(std::uint64_t)));  // of very long keys
    const std::size_t most = std::min({kPiece, fitting, static_cast<std::size_t>(high - low)});
    const auto staged = std::make_unique_for_overwrite<std::uint64_t[]>(most * words_);
    const auto ids = std::make_unique_for_overwrite<std::uint32_t[]>(most);
    for (std::int64_t first = low; first < high; first += static_cast<std::int64_t>(most)) {
      const std::size_t n = std::min(most, static_cast<std::size_t>(high - first));
      keys.read(first, n, staged.get());
      blocks_[block].find_or_add(staged.get(), n, ids.get());
      see({block, first, n, ids.get(), blocks_[block].size()});
    }
  });
}

void RowGroups::deal(const std::function<void(std::size_t, std::span<const std::uint32_t>)>& tell) {
  std::size_t total = 0;
  for (const KeyTable& block : blocks_) total += block.size();
  bits_ = std::min(kMostBits, static_cast<int>(std::bit_width(total / kPartitionGroups)));
  dealt_.resize(blocks_.size());
  starts_.resize(blocks_.size());
  parallel_blocks(blocks_.size(), threads_, [&](std::size_t block) {
    KeyTable& table = blocks_[block];
    std::vector<std::uint32_t>& starts = starts_[block];
    starts.assign(partition_count() + 1, 0);
    for (std::size_t id = 0; id < table.size(); ++id) ++starts[partition_of(table.hash(id)) + 1];
    for (std::size_t part = 0; part < partition_count(); ++part) starts[part + 1] += starts[part];
    std::vector<std::uint32_t> next(starts.begin(), starts.end() - 1);
    dealt_[block].resize(table.size());
    for (std::size_t id = 0; id < table.size(); ++id) {
      dealt_[block][next[partition_of(table.hash(id))]++] = static_cast<std::uint32_t>(id);
    }
    table.freeze(dealt_[block]);
    tell(block, dealt_[block]);
  });
}

void RowGroups::join(const std::function<void(const Joint&)>& joint) {
  partitions_.assign(partition_count(), KeyTable(words_));
  parallel_blocks(partitions_.size(), threads_, [&](std::size_t part) {
    KeyTable& table = partitions_[part];
    for (std::size_t block = 0; block < blocks_.size(); ++block) {
      const KeyTable& own = blocks_[block];
      for (std::uint32_t at = starts_[block][part]; at < starts_[block][part + 1]; ++at) {
        joint({part, table.find_or_add(own.key(at), own.hash(at)), block, at, dealt_[block][at]});
      }
    }
  });
  dealt_ = {};
  starts_ = {};
  before_.assign(1, 0);
  for (const KeyTable& table : partitions_) before_.push_back(before_.back() + table.size());
  if (before_.back() >= KeyTable::kNone)
    throw Error(Error::NotSupported, "over 2^32 different keys: take parts of the table");
}

std::uint32_t RowGroups::find(const std::uint64_t* key) const noexcept {
  const std::uint64_t hash = hash_key(key, words_);
  const std::size_t part = partition_of(hash);
  const std::uint32_t id = partitions_[part].find(key, hash);
  return id == KeyTable::kNone ? id : static_cast<std::uint32_t>(before_[part] + id);
}

}  // namespace ndshare::internal
