// Index: one entry of a basic index, a(1, nd::slice(0, 10, 2), nd::ellipsis, nd::newaxis). Basic indexing gives views.
#pragma once

#include <ndshare/export.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ndshare {

class Array;
class Lazy;
struct ReduceOptions;

/// Python's start:stop:step; an absent number is its default (which depends on the step's sign).
struct Slice {
  std::optional<std::int64_t> start{}, stop{}, step{};
  friend bool operator==(const Slice&, const Slice&) = default;
};

/// "No number here": `slice(nd::none, nd::none, -1)` is Python's `::-1`.
inline constexpr std::nullopt_t none = std::nullopt;

/// Python's `:stop`.
[[nodiscard]] constexpr Slice slice(std::optional<std::int64_t> stop) { return {std::nullopt, stop, std::nullopt}; }
/// Python's `start:stop:step`, ends clipped to the axis.   Errors: IndexSyntax, when used, for a step of 0.
[[nodiscard]] constexpr Slice slice(std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
                                    std::optional<std::int64_t> step = std::nullopt) {
  return {start, stop, step};
}

/// The type of `nd::all`: a whole axis (`:`) in an index, and the reduction of that name: `a(nd::all, 0)`, `nd::all(mask)`.
struct NDSHARE_API AllIndex {
  /// Whether every element differs from 0 (ndshare/reduce.h has the contract, and what Lazy and ReduceOptions are).
  Array operator()(const Lazy& x) const;
  Array operator()(const Lazy& x, const ReduceOptions& options) const;
  friend bool operator==(const AllIndex&, const AllIndex&) = default;
};
struct EllipsisIndex {
  friend bool operator==(const EllipsisIndex&, const EllipsisIndex&) = default;
};
struct NewAxisIndex {
  friend bool operator==(const NewAxisIndex&, const NewAxisIndex&) = default;
};

inline constexpr AllIndex all{};            ///< `:`
inline constexpr EllipsisIndex ellipsis{};  ///< `...`: as many whole axes as are left; at most one
inline constexpr NewAxisIndex newaxis{};    ///< a new axis of length 1

/// One entry of a basic index. Integers may be negative (from the end); bool is no integer here (it would be a mask).
class Index {
 public:
  using Value = std::variant<std::int64_t, Slice, EllipsisIndex, NewAxisIndex>;

  template <std::integral T>
  requires(!std::same_as<T, bool>) Index(T position) : value_(static_cast<std::int64_t>(position)) {}
  Index(Slice range) : value_(range) {}
  Index(AllIndex) : value_(Slice{}) {}
  Index(EllipsisIndex rest) : value_(rest) {}
  Index(NewAxisIndex axis) : value_(axis) {}

  [[nodiscard]] const Value& value() const noexcept { return value_; }
  friend bool operator==(const Index&, const Index&) = default;

 private:
  Value value_;
};

/// Reads Python's text of a basic index, with or without brackets: "[0:10, ::2, ..., 3]", "-1", "None, :".
/// Field names are not read here: split them off first. Empty text gives no entries.
///   Errors: IndexSyntax, with the position.
[[nodiscard]] NDSHARE_API std::vector<Index> parse_index(std::string_view text);

/// Python's text: "0:10, ::2, ..., 3".
[[nodiscard]] NDSHARE_API std::string to_string(std::span<const Index> index);

/// A slice resolved against an axis: `count` elements from `start` (inside the axis when count > 0), `step` apart.
struct SliceRange {
  std::int64_t start = 0, step = 1, count = 0;
};
/// Python's slice.indices(length).   Errors: IndexSyntax for a step of 0.
[[nodiscard]] NDSHARE_API SliceRange resolve_slice(const Slice& range, std::int64_t length);

}  // namespace ndshare
