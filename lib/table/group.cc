// group_by: one row for each distinct key.
#include <ndshare/error.h>
#include <ndshare/table.h>

#include "lib/array/copies.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"
#include "lib/table/aggregate.h"
#include "lib/table/key_order.h"
#include "lib/table/row_groups.h"
#include "lib/table/row_keys.h"
#include "lib/table/table.h"

#include <algorithm>
#include <cstring>

namespace ndshare {
namespace internal {
namespace {

constexpr std::int64_t kResultRows = 4096;  // of the result, written together

DType result_dtype(const RowKeys& keys, const Aggregates& aggregates, std::span<const Aggregation> asked) {
  std::vector<Field> fields;
  for (const KeyField& key : keys.fields()) fields.push_back({.name = key.name, .dtype = key.dtype});
  for (std::size_t i = 0; i < asked.size(); ++i)
    fields.push_back({.name = aggregation_name(asked[i]), .dtype = aggregates[i].result()});
  return DType::structured(std::move(fields));
}

/// The groups' records, of blocks and then of partitions.
class Records {
 public:
  Records(const RowKeys& keys, const Aggregates& aggregates, int threads)
      : aggregates_(aggregates),
        blocks_(static_cast<std::size_t>((keys.rows() + RowGroups::kBlock - 1) / RowGroups::kBlock)),
        groups_(keys, threads, [this](const RowGroups::Piece& piece) { add(piece); }) {
    groups_.deal([this](std::size_t block, std::span<const std::uint32_t> order) { reorder(blocks_[block], order); });
    joined_.resize(groups_.partition_count());
    groups_.join([this](const RowGroups::Joint& joint) {
      const std::size_t step = aggregates_.step();
      aggregates_.grow(joined_[joint.partition], std::size_t{joint.id} + 1);
      aggregates_.join(joined_[joint.partition].data() + joint.id * step,
                       blocks_[joint.block].data() + joint.place * step);
    });
    groups_.drop_blocks();
    blocks_ = {};
  }
  [[nodiscard]] const RowGroups& groups() const noexcept { return groups_; }

  /// Writes one row of the result.
  void write(std::byte* row, const OrderedGroup& group, const DType& dtype, const RowKeys& keys) const {
    const auto* key = reinterpret_cast<const std::byte*>(groups_.partitions()[group.partition].key(group.id));
    const auto fields = dtype.fields();
    std::size_t i = 0;
    for (const KeyField& field : keys.fields()) decode_key(field, key, row + fields[i++].offset);
    const std::byte* state = joined_[group.partition].data() + group.id * aggregates_.step();
    for (std::size_t part = 0; part < aggregates_.size(); ++part) {
      aggregates_[part].finish(state + aggregates_.slot(part), row + fields[i++].offset);
    }
  }

 private:
  /// Records in the order in which partitions take them.
  void reorder(std::vector<std::byte>& records, std::span<const std::uint32_t> order) const {
    const std::size_t step = aggregates_.step();
    std::vector<std::byte> other(records.size());
    for (std::size_t i = 0; i < order.size() && step > 0; ++i) {
      std::memcpy(other.data() + i * step, records.data() + order[i] * step, step);
    }
    records = std::move(other);
  }
  void add(const RowGroups::Piece& piece) {
    std::vector<std::byte>& states = blocks_[piece.block];
    aggregates_.grow(states, piece.groups);
    aggregates_.add(states.data(), piece.first, piece.n, piece.ids);
  }

  const Aggregates& aggregates_;
  std::vector<std::vector<std::byte>> blocks_, joined_{};
  RowGroups groups_;  // the last: its constructor calls add
};

Array grouped(const Array& table, const std::vector<std::string>& keys, const std::vector<Aggregation>& aggregates,
              const GroupOptions& options) {
  check_table("group_by", table);
  check_threads(options.threads);
  const Aggregates parts(table, aggregates);
  const RowKeys row_keys("group_by", "table", table, keys);
  const DType dtype = result_dtype(row_keys, parts, aggregates);
  const Records records(row_keys, parts, options.threads);
  const auto rows = static_cast<std::int64_t>(records.groups().before().back());
  check_result_memory("group_by", {rows}, dtype.itemsize(), {&table, 1});
  const std::vector<OrderedGroup> order = groups_in_order(records.groups(), row_keys.words(), options.threads);
  std::int64_t key_bytes = 0;
  for (const KeyField& field : row_keys.fields()) key_bytes += field.dtype.itemsize();
  note_copy(CopyReason::selected, rows * key_bytes);
  const Array out = make_table({rows}, dtype);
  std::byte* to = out.mutable_data();
  parallel_blocks(static_cast<std::size_t>((rows + kResultRows - 1) / kResultRows), options.threads, [&](std::size_t block) {
    const std::int64_t first = static_cast<std::int64_t>(block) * kResultRows;
    for (std::int64_t row = first; row < std::min(rows, first + kResultRows); ++row) {
      records.write(to + row * dtype.itemsize(), order[static_cast<std::size_t>(row)], dtype, row_keys);
    }
  });
  return out;
}

}  // namespace
}  // namespace internal

Aggregation parse_aggregation(std::string_view text) {
  constexpr std::pair<std::string_view, Aggregate> kNames[] = {{"count", Aggregate::count}, {"sum", Aggregate::sum},
                                                               {"mean", Aggregate::mean}, {"min", Aggregate::min},
                                                               {"max", Aggregate::max}};
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string field(colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1));
  for (const auto& [known, op] : kNames) {
    if (name != known) continue;
    if (!field.empty() || op == Aggregate::count) return {op, field, {}};
    throw Error(Error::Usage, "the aggregate " + std::string(name) + " needs a field: " + std::string(name) + ":delay");
  }
  throw Error(Error::Usage, "'" + std::string(name) + "' is none of count sum mean min max: mean:delay, count");
}

Array group_by(const Array& table, const std::vector<std::string>& keys, const std::vector<Aggregation>& aggregates,
               const GroupOptions& options) {
  return internal::with_scratch("group_by", [&] { return internal::grouped(table, keys, aggregates, options); });
}

}  // namespace ndshare
