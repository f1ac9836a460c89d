#include "lib/order/key_plan.h"

#include <ndshare/error.h>

#include "lib/order/order_map.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kLow32 = 0xffffffffU;

/// Keys of one part, joined to what stands in `to` already. `at(i)` is item i.
template <class At, class Key>
void join(const At& at, std::size_t n, int bits, bool is_first, std::uint64_t* to, const Key& key) noexcept {
  if (is_first) {
    for (std::size_t i = 0; i < n; ++i) to[i] = key(at(i));
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = (to[i] << bits) | key(at(i));
  }
}

/// Complex numbers: [R + Rj, R + nanj, nan + Rj, nan + nanj]. The high part says the class where something is NaN, and
/// the low part then is the part that is not.
template <class Map, class At>
void join_complex(const Map& map, const KeyPart& part, const At& at, std::size_t n, bool is_first,
                  std::uint64_t* to) noexcept {
  using Key = typename Map::Key;
  constexpr Key kMost = std::numeric_limits<Key>::max();
  const bool high = part.kind == KeyPart::Kind::complex_high;
  join(at, n, part.bits, is_first, to, [&](const std::byte* item) -> std::uint64_t {
    const Key re = map.equal(load_lane<Key>(item)), im = map.equal(load_lane<Key>(item + sizeof(Key)));
    const Key nan = static_cast<Key>((re == kMost ? 2 : 0) + (im == kMost ? 1 : 0));
    if (nan == 0) return high ? re : im;
    if (high) return static_cast<Key>(kMost - 3 + nan);
    return nan == 1 ? re : nan == 2 ? im : Key{0};
  });
}

template <class At>
void join_text(const KeyPart& part, const At& at, std::size_t n, bool is_first, std::uint64_t* to) noexcept {
  const auto length = static_cast<std::size_t>(part.length);
  const std::uint64_t flip = !part.descending ? 0 : ~std::uint64_t{0} >> (64 - part.bits);
  if (part.kind == KeyPart::Kind::bytes) {
    join(at, n, part.bits, is_first, to, [&](const std::byte* item) {
      std::uint64_t word = 0;
      std::memcpy(&word, item, length);
      return (__builtin_bswap64(word) >> (64 - part.bits)) ^ flip;
    });
  } else {
    join(at, n, part.bits, is_first, to, [&](const std::byte* item) {
      std::uint64_t word = load_lane<std::uint32_t>(item);
      if (length == 2) word = (word << 32) | load_lane<std::uint32_t>(item + 4);
      return word ^ flip;
    });
  }
}

template <class At>
void join_part(const KeyPart& part, const At& at, std::size_t n, bool is_first, std::uint64_t* to) noexcept {
  switch (part.kind) {
    case KeyPart::Kind::number:
      return visit_map(part.dtype, part.descending, [&](const auto& map) {
        using Key = typename std::remove_cvref_t<decltype(map)>::Key;
        join(at, n, part.bits, is_first, to,
             [&](const std::byte* item) -> std::uint64_t { return map.equal(load_lane<Key>(item)); });
      });
    case KeyPart::Kind::complex_high:
    case KeyPart::Kind::complex_low:
      return visit_map(part.dtype, part.descending, [&](const auto& map) {
        if constexpr (std::remove_cvref_t<decltype(map)>::kNan) join_complex(map, part, at, n, is_first, to);
      });
    case KeyPart::Kind::bytes:
    case KeyPart::Kind::str:
      return join_text(part, at, n, is_first, to);
  }
}

std::string names_of(const DType& dtype) {
  std::string out;
  for (const Field& field : dtype.fields()) out += (out.empty() ? "" : ", ") + field.name;
  return out;
}

}  // namespace

void check_order(std::string_view what, const DType& dtype, std::span<const std::string> order) {
  if (order.empty()) return;
  if (!dtype.is_structured()) {
    throw Error(Error::Usage,
                std::string(what) + ": order names fields, but the elements are " + dtype.name() + ": leave it out");
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (dtype.find_field(order[i]) == nullptr) {
      throw Error(
          Error::DType,
          std::string(what) + ": there is no field '" + order[i] + "' to order by; there are: " + names_of(dtype),
          {{"field", order[i]}});
    }
    if (std::find(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(i), order[i]) !=
        order.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw Error(Error::Usage, std::string(what) + ": order names field '" + order[i] + "' twice",
                  {{"field", order[i]}});
    }
  }
}

void KeyPlan::add(const std::byte* base, std::int64_t stride, const DType& dtype, bool descending,
                  std::span<const std::string> order) {
  check_order("order", dtype, order);
  const bool is_only = words_.empty();
  for (const std::string& name : order) add_field(base, stride, dtype.field(name), descending);
  if (dtype.is_structured()) {
    for (const Field& field : dtype.fields()) {
      if (std::find(order.begin(), order.end(), field.name) == order.end()) add_field(base, stride, field, descending);
    }
    return;
  }
  add_parts(base, stride, dtype, descending);
  if (!is_only) return;
  const std::uint64_t most = bits_[0] == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits_[0]) - 1;
  if (dtype.is_floating() || dtype.is_time()) nan_from_ = most;
  if (dtype == complex64) nan_from_ = (kLow32 - 2) << 32;
  if (dtype == complex128) nan_from_ = ~std::uint64_t{0} - 2;
}

void KeyPlan::add_field(const std::byte* base, std::int64_t stride, const Field& field, bool descending) {
  const std::int64_t count = field.shape.count();
  for (std::int64_t i = 0; i < count; ++i)
    add_parts(base + field.offset + i * field.dtype.itemsize(), stride, field.dtype, descending);
}

void KeyPlan::add_parts(const std::byte* base, std::int64_t stride, const DType& dtype, bool descending) {
  KeyPart part{.base = base, .stride = stride, .dtype = dtype, .descending = descending};
  if (dtype.is_structured()) {
    for (const Field& field : dtype.fields()) add_field(base, stride, field, descending);
    return;
  }
  if (has_map(dtype)) {
    part.bits = static_cast<int>(dtype.itemsize()) * 8;
    return append(part);
  }
  if (dtype.is_complex()) {
    part.dtype = dtype == complex64 ? float32 : float64;
    part.bits = static_cast<int>(dtype.itemsize()) * 4;
    part.kind = KeyPart::Kind::complex_high;
    append(part);
    part.kind = KeyPart::Kind::complex_low;
    return append(part);
  }
  const bool wide = dtype.id() == TypeId::str;
  const std::int64_t step = wide ? 2 : 8;  // characters a word
  part.kind = wide ? KeyPart::Kind::str : KeyPart::Kind::bytes;
  for (std::int64_t at = 0; at < dtype.length(); at += step) {
    part.base = base + at * (wide ? 4 : 1);
    part.length = std::min(step, dtype.length() - at);
    part.bits = static_cast<int>(part.length) * (wide ? 32 : 8);
    append(part);
  }
}

void KeyPlan::append(const KeyPart& part) {
  if (words_.empty() || bits_.back() + part.bits > 64) {
    words_.emplace_back();
    bits_.push_back(0);
  }
  words_.back().push_back(part);
  bits_.back() += part.bits;
}

void KeyPlan::load(std::size_t word, std::int64_t first, std::size_t n, std::uint64_t* to) const noexcept {
  bool is_first = true;
  for (const KeyPart& part : words_[word]) {
    const std::byte* base = part.base + first * part.stride;
    const auto at = [base, stride = part.stride](std::size_t i) {
      return base + static_cast<std::int64_t>(i) * stride;
    };
    join_part(part, at, n, std::exchange(is_first, false), to);
  }
}

void KeyPlan::gather(std::size_t word, std::int64_t first, const std::int64_t* index, std::size_t n,
                     std::uint64_t* to) const noexcept {
  bool is_first = true;
  for (const KeyPart& part : words_[word]) {
    const std::byte* base = part.base + first * part.stride;
    const auto at = [base, index, stride = part.stride](std::size_t i) { return base + index[i] * stride; };
    join_part(part, at, n, std::exchange(is_first, false), to);
  }
}

int KeyPlan::compare(std::int64_t a, const KeyPlan& other, std::int64_t b, std::size_t word) const noexcept {
  for (; word < words_.size(); ++word) {
    std::uint64_t left = 0, right = 0;
    load(word, a, 1, &left);
    other.load(word, b, 1, &right);
    if (left != right) return left < right ? -1 : 1;
  }
  return 0;
}

bool KeyPlan::is_nan(std::int64_t item) const noexcept {
  if (!nan_from_) return false;
  std::uint64_t key = 0;
  load(0, item, 1, &key);
  return key >= *nan_from_;
}

}  // namespace ndshare::internal
