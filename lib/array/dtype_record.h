// The field table of a structured dtype, shared by the copies of that dtype.
#pragma once

#include <ndshare/dtype.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare {

struct DType::Record {
  std::vector<Field> fields;
  std::int64_t alignment = 1;  ///< what an aligned structure around this one must give it
  bool aligned = false;        ///< made with align=True
  int depth = 1;               ///< 1 + the deepest structured field
};

namespace internal {

/// A run of bytes of an item that hold data: padding lies between runs.
struct ByteRun {
  std::int64_t offset = 0;
  std::int64_t nbytes = 0;
};
/// The data of one item of `dtype`, merged where runs touch; a single run when there is no padding.
std::vector<ByteRun> data_runs(const DType& dtype);

/// Whether `str()` and `to_string()` may use the list form: fields in order without gaps.
bool is_simple_struct(const DType& dtype);

/// The unit a spelling like "ms" names; nothing for another word.
std::optional<TimeUnit> find_unit(std::string_view spelling) noexcept;

/// Reads the part of a dtype spelling without fields: "f4", ">M8[25s]", "float32". `swapped` tells of the other byte
/// order. Returns what is wrong in `problem`, or leaves it empty.
struct ScalarSpelling {
  DType dtype{};
  bool swapped = false;
  std::int64_t padding = 0;  ///< V<n>: n, no dtype of ours but padding in a descr
  std::string problem{};
};
ScalarSpelling parse_scalar_spelling(std::string_view text);

}  // namespace internal
}  // namespace ndshare
