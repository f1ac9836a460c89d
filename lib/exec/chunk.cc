// Rows of lazy expressions, and expressions computed a piece of their rows at a time.
#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/index.h>
#include <ndshare/lazy.h>

#include "lib/exec/lazy_node.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace ndshare {
namespace internal {
namespace {

using NodePtr = std::shared_ptr<const LazyNode>;

/// Copies an expression with its leaves cut to some rows of the result; a node that is used twice stays one.
class RowCutter {
 public:
  RowCutter(int ndim, std::int64_t first, std::int64_t count) : ndim_(ndim), first_(first), count_(count) {}

  NodePtr cut(const NodePtr& node) {
    if (const auto found = cut_.find(node.get()); found != cut_.end()) return found->second;
    LazyNode copy = *node;
    if (copy.array) copy.array = rows_of(*copy.array);
    for (NodePtr& in : copy.in) in = cut(in);
    return cut_.emplace(node.get(), std::make_shared<const LazyNode>(std::move(copy))).first->second;
  }

 private:
  /// A leaf has rows of the result where it has all its axes, and is not stretched along the first.
  [[nodiscard]] Array rows_of(const Array& leaf) const {
    return leaf.ndim() == ndim_ && leaf.shape()[0] != 1 ? leaf(slice(first_, first_ + count_)) : leaf;
  }

  int ndim_;
  std::int64_t first_, count_;
  std::map<const LazyNode*, NodePtr> cut_;
};

}  // namespace
}  // namespace internal

Lazy Lazy::rows(std::int64_t first, std::int64_t count) const {
  const Shape whole = shape();
  if (whole.ndim() == 0) throw Error(Error::Usage, "an expression without axes has no rows");
  if (first < 0 || count < 0 || first > whole[0] || count > whole[0] - first) {
    throw Error(Error::Usage, "rows " + std::to_string(first) + " to " + std::to_string(first) + " + " + std::to_string(count) +
                                  " of an expression with " + std::to_string(whole[0]));
  }
  // A stretched row is every row; where there is one row in all, none or that one is asked for.
  if (whole[0] == 1 && count == 1) return *this;
  const Lazy cut(internal::RowCutter(whole.ndim(), first, count).cut(node_));
  if (cut.shape()[0] == count) return cut;
  // No leaf has the rows itself: those of one length 1 along it are stretched by none.
  Shape wanted = whole;
  wanted[0] = count;
  return where(Lazy(ones({}, bool_).broadcast_to(wanted)), cut, cut);
}

void for_each_chunk(const Lazy& expression, std::int64_t bytes, const std::function<void(std::int64_t, const Array&)>& f) {
  const Shape whole = expression.shape();
  const DType dtype = expression.dtype();
  if (bytes < 1 || whole.ndim() == 0) {
    throw Error(Error::Usage, whole.ndim() == 0 ? std::string("an expression without axes has no rows: use eval()")
                                                : "chunks of " + std::to_string(bytes) + " bytes: give at least 1");
  }
  Shape row = whole;
  row[0] = 1;
  const std::int64_t row_bytes = std::max<std::int64_t>(1, row.nbytes(dtype.itemsize()));
  const std::int64_t step = std::clamp<std::int64_t>(bytes / row_bytes, 1, std::max<std::int64_t>(1, whole[0]));
  row[0] = step;
  if (whole[0] == 0) return;
  const Array room = empty(row, dtype);
  for (std::int64_t first = 0; first < whole[0]; first += step) {
    const std::int64_t count = std::min(step, whole[0] - first);
    const Array chunk = room(slice(count));
    static_cast<void>(expression.rows(first, count).eval({.out = chunk}));
    f(first, chunk);
  }
}

}  // namespace ndshare
