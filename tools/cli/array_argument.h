/// An array on the command line, with fields and indices: `a.b[0:10]`, `a["delay"][-1]`, `a[1:-1, ::2].x`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <ndshare/array.h>
#include <ndshare/index.h>

namespace ndshare::cli {

/// One step into an array: a field, several fields (`[["a", "b"]]`), or a basic index.
using Step = std::variant<std::string, std::vector<std::string>, std::vector<Index>>;

struct ArrayArgument {
  std::string name;
  std::vector<Step> steps{};
};

/// Splits `text` into name and steps. Names may hold dots and slashes: the longest prefix for which `exists` says yes
/// is the name, what follows it after dots are fields.
///   Errors: NoSuchArray when no prefix exists; IndexSyntax, with the position, for what follows the name.
[[nodiscard]] ArrayArgument parse_array_argument(std::string_view text,
                                                 const std::function<bool(const std::string&)>& exists);

/// The part of `array` that the steps name.   Errors: DType for a field, IndexBounds, IndexSyntax.
[[nodiscard]] Array apply_steps(const Array& array, const std::vector<Step>& steps);

}  // namespace ndshare::cli
