// The Python literal of a .npy header, read strictly: a dict of exactly 'descr', 'fortran_order' and 'shape'.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare::internal {

/// What the literal says, not yet judged.
struct HeaderLiteral {
  std::string descr;  ///< the spelling of the dtype: a string's content, or a list as it stands
  bool fortran_order = false;
  std::vector<std::int64_t> shape{};
};

/// Reads the literal. Spaces between tokens, either quote, any order of the keys, trailing commas and Python 2's `3L`
/// are fine, anything else is not: no other keys, none twice, none missing, no expressions, no escapes outside of
/// `descr`.
///   Errors: Format, naming `file`, the position and what stands there.
HeaderLiteral parse_header_literal(std::string_view text, std::string_view file);

}  // namespace ndshare::internal
