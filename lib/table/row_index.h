// An index of a table's rows by key: the rows of each key, in their order.
#pragma once

#include "lib/table/row_groups.h"
#include "lib/table/row_keys.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace ndshare::internal {

class RowIndex {
 public:
  RowIndex(const RowKeys& keys, int threads);

  [[nodiscard]] std::size_t groups() const noexcept { return starts_.size() - 1; }
  /// The group of a key, or KeyTable::kNone.
  [[nodiscard]] std::uint32_t find(const std::uint64_t* key) const noexcept { return groups_.find(key); }
  [[nodiscard]] std::uint32_t group_of(std::int64_t row) const noexcept {
    return row_groups_[static_cast<std::size_t>(row)];
  }
  /// Of one group, ascending.
  [[nodiscard]] std::span<const std::int64_t> rows(std::uint32_t group) const noexcept {
    return std::span(rows_).subspan(starts_[group], starts_[group + 1] - starts_[group]);
  }

 private:
  void number_rows(int threads);

  std::vector<std::uint32_t> row_groups_;  // of each row: within its block while grouping, then over all
  RowGroups groups_;
  std::vector<std::size_t> starts_{};
  std::vector<std::int64_t> rows_{};
};

}  // namespace ndshare::internal
