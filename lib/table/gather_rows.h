// Rows of a result put together from rows of tables, by their positions.
#pragma once

#include <ndshare/array.h>
#include <ndshare/dtype.h>

#include <cstdint>
#include <vector>

namespace ndshare::internal {

/// Bytes that go from a source's row to a result's row.
struct RowRun {
  std::int64_t from = 0, to = 0, nbytes = 0;
};

/// Fields of one table on their way into a result.
class RowSource {
 public:
  /// `missing`: a row of the result that holds what missing values are; it outlives this.
  RowSource(const Array& table, const std::byte* missing)
      : data_(table.data()), step_(table.strides()[0]), missing_(missing) {}

  /// A field of the table that is a field of the result; neighbours in both move as one.
  void add(const Field& from, const Field& to);
  /// Writes n rows of the result, `to_step` bytes apart: row i from the table's row positions[i], or what is missing
  /// where that is negative.
  void gather(const std::int64_t* positions, std::size_t n, std::byte* to, std::int64_t to_step) const noexcept;

 private:
  const std::byte* data_;
  std::int64_t step_;
  const std::byte* missing_;
  std::vector<RowRun> runs_{};
};

}  // namespace ndshare::internal
