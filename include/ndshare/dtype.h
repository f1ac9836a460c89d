// DType: what one element of an array is. NumPy's dtypes without objects, always in the machine's byte order.
#pragma once

#include <ndshare/export.h>
#include <ndshare/lane.h>
#include <ndshare/shape.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare {

struct Field;

/// A dtype: a small value, cheap to copy (structured ones share their field table).
///
/// Spellings are NumPy's: `float32`, `f4`, `<f8`, `S3`, `U10`, `datetime64[m]`, `m8[25s]`,
/// `[('ts', '<i8'), ('v', '<f4', (2, 3))]`, the dict form with offsets, and for people `ts:i8,v:(2,3)f4,status:U10`.
///   Threads: a plain value.   Errors: DType, with the position in the spelling.
class NDSHARE_API DType {
 public:
  static constexpr std::int64_t kMaxItemsize = 0x7fffffff;  ///< bytes; NumPy's limit
  static constexpr std::size_t kMaxSpelling = 4096;         ///< bytes of a spelling
  static constexpr int kMaxDepth = 16;                      ///< structured inside structured
  static constexpr std::int64_t kAutoOffset = -1;           ///< let `structured` place the field

  /// float64, the default dtype.
  constexpr DType() noexcept : DType(TypeId::float64) {}
  /// A numeric dtype (bool_ … complex128); the others have factories.
  constexpr explicit DType(TypeId numeric) noexcept : id_(numeric), itemsize_(numeric_itemsize(numeric)) {}

  static DType bytes(std::int64_t length);  ///< S<length>, length ≥ 1
  static DType str(std::int64_t length);    ///< U<length>, length ≥ 1: UCS-4, 4 bytes a character
  static DType datetime64(TimeUnit unit, std::int32_t multiple = 1);
  static DType timedelta64(TimeUnit unit, std::int32_t multiple = 1);
  /// Fields in order. Offsets are placed where `kAutoOffset` stands: packed, or at their alignment when `aligned`.
  /// `itemsize` 0 means just enough (rounded up to the alignment when `aligned`).
  ///   Errors: DType for no fields, an empty, repeated or over-long name, a field past the end, an item over the limit.
  static DType structured(std::vector<Field> fields, bool aligned = false, std::int64_t itemsize = 0);

  /// Reads any spelling of this machine's byte order.   Errors: DType; '>f8' is refused with the way out.
  static DType parse(std::string_view spelling);

  [[nodiscard]] constexpr TypeId id() const noexcept { return id_; }
  [[nodiscard]] char kind() const noexcept;  ///< NumPy's: b i u f c S U M m V
  [[nodiscard]] constexpr std::int64_t itemsize() const noexcept { return itemsize_; }  ///< bytes, ≥ 1
  [[nodiscard]] std::int64_t alignment() const noexcept;  ///< as NumPy: packed structures have 1
  [[nodiscard]] std::int64_t length() const noexcept;     ///< characters of S and U, else 0
  [[nodiscard]] constexpr TimeUnit unit() const noexcept { return unit_; }
  [[nodiscard]] constexpr std::int32_t unit_multiple() const noexcept { return multiple_; }  ///< 25 in [25s], else 1

  [[nodiscard]] constexpr bool is_bool() const noexcept { return id_ == TypeId::bool_; }
  [[nodiscard]] constexpr bool is_signed_integer() const noexcept { return between(TypeId::int8, TypeId::int64); }
  [[nodiscard]] constexpr bool is_unsigned_integer() const noexcept { return between(TypeId::uint8, TypeId::uint64); }
  [[nodiscard]] constexpr bool is_integer() const noexcept { return between(TypeId::int8, TypeId::uint64); }
  [[nodiscard]] constexpr bool is_floating() const noexcept { return between(TypeId::float16, TypeId::float64); }
  [[nodiscard]] constexpr bool is_complex() const noexcept { return between(TypeId::complex64, TypeId::complex128); }
  [[nodiscard]] constexpr bool is_numeric() const noexcept { return id_ <= TypeId::complex128; }  ///< bool included
  [[nodiscard]] constexpr bool is_text() const noexcept { return between(TypeId::bytes, TypeId::str); }
  [[nodiscard]] constexpr bool is_time() const noexcept { return between(TypeId::datetime64, TypeId::timedelta64); }
  [[nodiscard]] constexpr bool is_structured() const noexcept { return id_ == TypeId::structured; }
  [[nodiscard]] bool is_aligned_struct() const noexcept;

  [[nodiscard]] std::span<const Field> fields() const noexcept;  ///< empty unless structured
  [[nodiscard]] const Field* find_field(std::string_view name) const noexcept;
  /// The field `name`.   Errors: DType, with the names there are.
  [[nodiscard]] const Field& field(std::string_view name) const;

  [[nodiscard]] std::string str()
      const;  ///< '<f4', '|S3', '<M8[25s]'; structured: as `to_string`. Parses back to itself
  [[nodiscard]] std::string name() const;  ///< 'float32', 'str320', 'datetime64[m]', 'void96'
  [[nodiscard]] std::string descr()
      const;  ///< the Python literal of a .npy header: "'<f4'", "[('a', '|u1'), ('', '|V3')]"
  [[nodiscard]] std::string to_string() const;  ///< NumPy's str(dtype): 'float32', '<U10', "[('ts', '<i8')]"
  [[nodiscard]] std::string repr() const;       ///< NumPy's repr(dtype): "dtype('float32')"

  /// Same elements: names, dtypes, offsets, sub-array shapes and itemsize; the aligned flag alone does not differ.
  NDSHARE_API friend bool operator==(const DType& a, const DType& b) noexcept;
  [[nodiscard]] std::size_t hash() const noexcept;

 private:
  struct Record;
  constexpr bool between(TypeId low, TypeId high) const noexcept { return id_ >= low && id_ <= high; }
  static constexpr std::int32_t numeric_itemsize(TypeId id) noexcept {
#define NDSHARE_DTYPE(row, lane, name, kind, code, size) \
  if (id == TypeId::row) return size;
#include <ndshare/dtype_list.inc>
    return 0;
  }

  TypeId id_;
  TimeUnit unit_ = TimeUnit::generic;
  std::int32_t multiple_ = 1;
  std::int32_t itemsize_;
  std::shared_ptr<const Record> record_{};
};

/// One field of a structured dtype. A sub-array field has a non-empty `shape` and takes dtype.itemsize × count bytes.
struct NDSHARE_API Field {
  std::string name;
  DType dtype;
  Shape shape{};
  std::int64_t offset = DType::kAutoOffset;  ///< bytes from the start of the item

  [[nodiscard]] std::int64_t nbytes() const { return shape.nbytes(dtype.itemsize()); }
};

/// A run of `count` words of `width` bytes, at `offset` in an item, that are stored in the other byte order.
struct SwapRun {
  std::int64_t offset = 0;
  std::int64_t width = 0;
  std::int64_t count = 0;
};

/// A dtype as spelled in a file, and what must be byte-swapped to make it native (empty: nothing).
struct ForeignDType {
  DType dtype;
  std::vector<SwapRun> swaps{};
};

/// Reads a spelling of either byte order ('>f8' too): for readers of files.   Errors: DType.
[[nodiscard]] NDSHARE_API ForeignDType parse_foreign_dtype(std::string_view spelling);

#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) inline const DType id{TypeId::id};
#include <ndshare/dtype_list.inc>

/// The dtype of a C++ type: `dtype_of<float>() == float32`.
template <class T>
DType dtype_of() noexcept {
  return DType(type_id_of<T>());
}

}  // namespace ndshare

template <>
struct std::hash<ndshare::DType> {
  std::size_t operator()(const ndshare::DType& dtype) const noexcept { return dtype.hash(); }
};
