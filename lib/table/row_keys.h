// Keys of rows: the bytes of some fields, rewritten so that equal keys are equal bytes and memcmp orders them.
#pragma once

#include <ndshare/array.h>
#include <ndshare/dtype.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare::internal {

/// How one field is rewritten. Each keeps its width:
///   integers big-endian, signed ones with the sign bit turned over; floats likewise, negative ones inverted, −0 as +0;
///   bool 0 or 1; times as integers, less one, so that NaT, the smallest, wraps to the largest; U big-endian code
///   points; S as it is.
struct KeyField {
  std::string name;
  DType dtype;
  std::int64_t offset = 0;    ///< in the row
  std::int64_t position = 0;  ///< in the key
};

/// The keys of a table's rows: `words()` 64-bit words each, the rest after the last field zero.
class RowKeys {
 public:
  /// `side`: what the table is called in messages, "left table".   REQUIRES: `table` is structured, of one axis.
  ///   Errors: Usage (no keys; a NaN: the first row is named), DType (unknown or repeated), DtypeMismatch (no dtype of
  ///   keys).
  RowKeys(std::string_view what, std::string_view side, const Array& table, std::span<const std::string> names);

  [[nodiscard]] std::size_t words() const noexcept { return words_; }
  [[nodiscard]] std::int64_t rows() const noexcept { return table_.size(); }
  [[nodiscard]] std::span<const KeyField> fields() const noexcept { return fields_; }

  /// Writes the keys of n rows; their words hold the bytes in memory order.
  void read(std::int64_t first, std::size_t n, std::uint64_t* keys) const;

 private:
  void check_nan(std::string_view what, std::string_view side) const;

  Array table_;
  std::vector<KeyField> fields_{};
  std::size_t words_ = 0;
};

/// Writes a key's field back as an element.
void decode_key(const KeyField& field, const std::byte* key, std::byte* item) noexcept;

}  // namespace ndshare::internal
