#include "lib/table/row_keys.h"

#include <ndshare/error.h>

#include "lib/array/element.h"
#include "lib/base/text.h"
#include "lib/exec/parallel.h"
#include "lib/table/table.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstring>
#include <limits>

namespace ndshare::internal {
namespace {

static_assert(std::endian::native == std::endian::little, "keys are turned to big-endian");

template <std::unsigned_integral T>
T reversed(T value) noexcept {
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
  return value;
}

// Each codec turns the bits of an element into bits that order as unsigned numbers, and back.
template <class U>
constexpr U kSign = static_cast<U>(U{1} << (8 * sizeof(U) - 1));

struct Unsigned {
  template <class U>
  static U encode(U bits) noexcept {
    return bits;
  }
  template <class U>
  static U decode(U bits) noexcept {
    return bits;
  }
};
struct Truth {
  template <class U>
  static U encode(U bits) noexcept {
    return bits != 0 ? 1 : 0;
  }
  template <class U>
  static U decode(U bits) noexcept {
    return bits;
  }
};
struct Signed {
  template <class U>
  static U encode(U bits) noexcept {
    return bits ^ kSign<U>;
  }
  template <class U>
  static U decode(U bits) noexcept {
    return bits ^ kSign<U>;
  }
};
struct Time {
  template <class U>
  static U encode(U bits) noexcept {
    return (bits ^ kSign<U>)-1;
  }
  template <class U>
  static U decode(U bits) noexcept {
    return (bits + 1) ^ kSign<U>;
  }
};
struct Float {
  template <class U>
  static U encode(U bits) noexcept {
    if (bits == kSign<U>) bits = 0;  // −0 is +0
    return (bits & kSign<U>) != 0 ? static_cast<U>(~bits) : static_cast<U>(bits | kSign<U>);
  }
  template <class U>
  static U decode(U bits) noexcept {
    return (bits & kSign<U>) != 0 ? static_cast<U>(bits ^ kSign<U>) : static_cast<U>(~bits);
  }
};

/// n rows of a source, and where the field stands in their keys.
struct Column {
  const std::byte* from;
  std::int64_t from_step;
  std::byte* to;
  std::int64_t to_step;
  std::size_t n;
};

template <class Codec, class U>
void encode_column(const Column& c) noexcept {
  for (std::size_t i = 0; i < c.n; ++i) {
    const auto row = static_cast<std::int64_t>(i);
    store_lane(c.to + row * c.to_step, reversed(Codec::encode(load_lane<U>(c.from + row * c.from_step))));
  }
}

template <std::size_t kBytes>
void copy_column(const Column& c) noexcept {
  for (std::size_t i = 0; i < c.n; ++i) {
    const auto row = static_cast<std::int64_t>(i);
    std::memcpy(c.to + row * c.to_step, c.from + row * c.from_step, kBytes);
  }
}

void copy_column(const Column& c, std::size_t bytes) noexcept {
  switch (bytes) {
    case 1:
      return copy_column<1>(c);
    case 2:
      return copy_column<2>(c);
    case 3:
      return copy_column<3>(c);
    case 4:
      return copy_column<4>(c);
    case 5:
      return copy_column<5>(c);
    case 6:
      return copy_column<6>(c);
    case 7:
      return copy_column<7>(c);
    case 8:
      return copy_column<8>(c);
    default:
      for (std::size_t i = 0; i < c.n; ++i) {
        const auto row = static_cast<std::int64_t>(i);
        std::memcpy(c.to + row * c.to_step, c.from + row * c.from_step, bytes);
      }
  }
}

template <std::int64_t kLength>
void encode_text(const Column& c) noexcept {
  for (std::size_t i = 0; i < c.n; ++i) {
    const std::byte* from = c.from + static_cast<std::int64_t>(i) * c.from_step;
    std::byte* to = c.to + static_cast<std::int64_t>(i) * c.to_step;
    for (std::int64_t at = 0; at < 4 * kLength; at += 4)
      store_lane(to + at, reversed(load_lane<std::uint32_t>(from + at)));
  }
}

void encode_text(const Column& c, std::int64_t length) noexcept {
  switch (length) {
    case 1:
      return encode_text<1>(c);
    case 2:
      return encode_text<2>(c);
    case 3:
      return encode_text<3>(c);
    case 4:
      return encode_text<4>(c);
    default:
      for (std::size_t i = 0; i < c.n; ++i) {
        const std::byte* from = c.from + static_cast<std::int64_t>(i) * c.from_step;
        std::byte* to = c.to + static_cast<std::int64_t>(i) * c.to_step;
        for (std::int64_t at = 0; at < 4 * length; at += 4)
          store_lane(to + at, reversed(load_lane<std::uint32_t>(from + at)));
      }
  }
}

/// Calls function.operator()<Codec, U>() for the field's numbers; not for text.
template <class Function>
void visit_codec(const DType& dtype, const Function& function) {
  const auto sized = [&]<class Codec>() {
    switch (dtype.itemsize()) {
      case 1:
        return function.template operator()<Codec, std::uint8_t>();
      case 2:
        return function.template operator()<Codec, std::uint16_t>();
      case 4:
        return function.template operator()<Codec, std::uint32_t>();
      default:
        return function.template operator()<Codec, std::uint64_t>();
    }
  };
  if (dtype.is_bool()) return sized.template operator()<Truth>();
  if (dtype.is_time()) return sized.template operator()<Time>();
  if (dtype.is_floating()) return sized.template operator()<Float>();
  if (dtype.is_signed_integer()) return sized.template operator()<Signed>();
  sized.template operator()<Unsigned>();
}

void encode(const DType& dtype, const Column& column) noexcept {
  if (dtype.id() == TypeId::bytes) return copy_column(column, static_cast<std::size_t>(dtype.itemsize()));
  if (dtype.id() == TypeId::str) return encode_text(column, dtype.length());
  visit_codec(dtype, [&]<class Codec, class U>() { encode_column<Codec, U>(column); });
}

KeyField key_field(std::string_view what, const Field& field) {
  const DType& dtype = field.dtype;
  const bool fits = dtype.is_integer() || dtype.is_bool() || dtype.is_text() || dtype.is_time() || dtype.is_floating();
  if (fits && field.shape.empty()) return {.name = field.name, .dtype = dtype, .offset = field.offset};
  throw Error(Error::DtypeMismatch,
              std::string(what) + ": field '" + printable(field.name) + "' of dtype " + dtype.to_string() +
                  (field.shape.empty() ? "" : " and shape " + field.shape.str()) +
                  " cannot be a key: keys are single integers, bools, floats, texts and times",
              {{"field", field.name}, {"dtype", dtype.to_string()}});
}

/// The first row whose element is NaN, or the number of rows.
std::int64_t first_nan(const Array& column) {
  constexpr std::int64_t kRows = std::int64_t{64} << 10;
  const std::int64_t n = column.size(), step = column.strides()[0];
  std::atomic<std::int64_t> first{n};  // relaxed: the smallest wins, and the loop's end orders it
  parallel_blocks(static_cast<std::size_t>((n + kRows - 1) / kRows), 0, [&](std::size_t block) {
    const std::int64_t low = static_cast<std::int64_t>(block) * kRows, high = std::min(n, low + kRows);
    visit_numeric(column.dtype().id(), [&]<class T>() {
      for (std::int64_t row = low; row < high; ++row) {
        const T value = load_lane<T>(column.data() + row * step);
        if (value == value) continue;
        std::int64_t seen = first.load(std::memory_order_relaxed);
        while (row < seen && !first.compare_exchange_weak(seen, row, std::memory_order_relaxed)) {
        }
        return;
      }
    });
  });
  return first.load(std::memory_order_relaxed);
}

}  // namespace

RowKeys::RowKeys(std::string_view what, std::string_view side, const Array& table, std::span<const std::string> names)
    : table_(table) {
  if (names.empty()) throw Error(Error::Usage, std::string(what) + ": no keys: name at least one field");
  check_distinct(what, names);
  std::int64_t bytes = 0;
  for (const std::string& name : names) {
    fields_.push_back(key_field(what, table.dtype().field(name)));
    fields_.back().position = bytes;
    bytes += fields_.back().dtype.itemsize();
  }
  words_ = static_cast<std::size_t>((bytes + 7) / 8);
  check_nan(what, side);
}

void RowKeys::check_nan(std::string_view what, std::string_view side) const {
  for (const KeyField& field : fields_) {
    if (!field.dtype.is_floating()) continue;
    const std::int64_t row = first_nan(table_[field.name]);
    if (row == table_.size()) continue;
    throw Error(Error::Usage,
                std::string(what) + ": key '" + printable(field.name) + "' is NaN in row " + std::to_string(row) +
                    " of the " + std::string(side) +
                    ": NaN equals nothing; leave such rows out with a mask, or set them with nan_to_num",
                {{"field", field.name}, {"row", std::to_string(row)}, {"table", std::string(side)}});
  }
}

void RowKeys::read(std::int64_t first, std::size_t n, std::uint64_t* keys) const {
  std::fill_n(keys, n * words_, 0);
  const std::int64_t step = table_.strides()[0];
  auto* to = reinterpret_cast<std::byte*>(keys);
  for (const KeyField& field : fields_) {
    encode(field.dtype, {table_.data() + first * step + field.offset, step, to + field.position,
                         static_cast<std::int64_t>(words_ * 8), n});
  }
}

void decode_key(const KeyField& field, const std::byte* key, std::byte* item) noexcept {
  const std::byte* from = key + field.position;
  if (field.dtype.id() == TypeId::bytes) {
    std::memcpy(item, from, static_cast<std::size_t>(field.dtype.itemsize()));
  } else if (field.dtype.id() == TypeId::str) {
    for (std::int64_t at = 0; at < field.dtype.itemsize(); at += 4)
      store_lane(item + at, reversed(load_lane<std::uint32_t>(from + at)));
  } else {
    visit_codec(field.dtype,
                [&]<class Codec, class U>() { store_lane(item, Codec::decode(reversed(load_lane<U>(from)))); });
  }
}

}  // namespace ndshare::internal
