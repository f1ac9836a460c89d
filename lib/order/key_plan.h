// Keys of anything that has an order, as words of up to 64 bits, the most significant first.
#pragma once

#include <ndshare/dtype.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ndshare::internal {

/// A piece of an element that is part of a word.
struct KeyPart {
  enum class Kind : std::uint8_t { number, complex_high, complex_low, bytes, str };
  Kind kind{};
  const std::byte* base = nullptr;  ///< of item 0
  std::int64_t stride = 0;          ///< bytes from item to item
  DType dtype{};
  std::int64_t length = 0;  ///< characters, of text
  bool descending = false;
  int bits = 0;
};

/// How items compare: numbers by value (−0 is 0, NaN and NaT last), complex numbers lexicographically with those whose
/// parts are NaN last, text by code point, structured items field by field, several columns one after the other.
///   Threads: constant use is safe.
class KeyPlan {
 public:
  /// Adds a less significant column: item i lies at base + i·stride. `order`: fields of a structured dtype to compare
  /// first.
  ///   Errors: DType for an unknown field, Usage for one named twice or `order` without fields.
  void add(const std::byte* base, std::int64_t stride, const DType& dtype, bool descending = false,
           std::span<const std::string> order = {});

  [[nodiscard]] std::size_t words() const noexcept { return words_.size(); }
  /// Words of items [first, first + n); and of items first + index[i].
  void load(std::size_t word, std::int64_t first, std::size_t n, std::uint64_t* to) const noexcept;
  void gather(std::size_t word, std::int64_t first, const std::int64_t* index, std::size_t n,
              std::uint64_t* to) const noexcept;
  /// Below 0, 0 or above: items a and b from `word` on.
  [[nodiscard]] int compare(std::int64_t a, std::int64_t b, std::size_t word = 0) const noexcept {
    return compare(a, *this, b, word);
  }
  /// The same of item b of a plan of the same dtypes.
  [[nodiscard]] int compare(std::int64_t a, const KeyPlan& other, std::int64_t b, std::size_t word = 0) const noexcept;
  /// Whether an item is NaN or NaT (of structured items and text: never).
  [[nodiscard]] bool is_nan(std::int64_t item) const noexcept;

 private:
  void add_parts(const std::byte* base, std::int64_t stride, const DType& dtype, bool descending);
  void add_field(const std::byte* base, std::int64_t stride, const Field& field, bool descending);
  void append(const KeyPart& part);

  std::vector<std::vector<KeyPart>> words_{};
  std::vector<int> bits_{};                  // in use, of each word
  std::optional<std::uint64_t> nan_from_{};  // word 0 of NaNs
};

/// Checks `order` alone: before anything is allocated.   Errors: as KeyPlan::add.
void check_order(std::string_view what, const DType& dtype, std::span<const std::string> order);

}  // namespace ndshare::internal
