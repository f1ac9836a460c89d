// ElementFormat: how one element of a column is written, decided once from the elements that will be shown.
#pragma once

#include <ndshare/dtype.h>
#include <ndshare/print.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace ndshare::internal {

/// The items that are shown. They may be unaligned.
using Sample = std::vector<const std::byte*>;

class ElementFormat {
 public:
  virtual ~ElementFormat() = default;
  /// The item's text, padded to the column's width.
  [[nodiscard]] virtual std::string text(const std::byte* item) const = 0;
};

/// `alone`: a 0-d array, whose booleans are not padded.
std::unique_ptr<ElementFormat> make_format(const DType& dtype, const Sample& sample, bool alone,
                                           const PrintOptions& options);

/// NumPy's str() of a scalar that is not in an array: no padding, no quotes, all digits.
std::string scalar_text(const std::byte* item, const DType& dtype, const PrintOptions& options);

}  // namespace ndshare::internal
