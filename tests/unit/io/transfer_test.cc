#include "lib/io/transfer.h"

#include <ndshare/create.h>

#include "tests/unit/io/io_support.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ndshare {
namespace {

/// A random view of a random array: transposed, sliced with any step, with axes of length 1 and 0, broadcast.
Array random_view() {
  Shape shape;
  const int axes = *rc::gen::inRange(0, 5);
  for (int i = 0; i < axes; ++i) shape.push_back(*rc::gen::inRange(0, 6));
  const DType dtype = *rc::gen::element(int8, int16, float32, complex64, complex128, DType::bytes(3));
  Array array = empty(shape, dtype);
  std::byte* memory = array.mutable_data();
  for (std::int64_t i = 0; i < array.nbytes(); ++i) memory[i] = static_cast<std::byte>(i * 7 + 1);
  if (*rc::gen::arbitrary<bool>()) array = array.T();
  for (int axis = 0; axis < array.ndim(); ++axis) {
    if (*rc::gen::arbitrary<bool>()) continue;
    std::vector<Index> index(static_cast<std::size_t>(axis), Index(all));
    index.emplace_back(slice(none, none, *rc::gen::element(-3, -1, 2)));
    array = array.view(index);
  }
  return array;
}

TEST(TransferTest, BlocksOfAnySizeMoveTheElementsInOrder) {
  EXPECT_TRUE(rc::check("gather and scatter in blocks agree with a copy", [] {
    const Array view = random_view();
    const std::string expected = test::element_bytes(view);
    const auto itemsize = static_cast<std::size_t>(view.itemsize());
    const auto count = static_cast<std::size_t>(view.size());
    std::string gathered(expected.size(), '\0');
    internal::Transfer out(view.layout(), view.itemsize());
    const Array target = zeros(view.shape(), view.dtype(), Order::F);
    internal::Transfer in(target.layout(), view.itemsize());
    for (std::size_t at = 0; at < count;) {
      const auto n = static_cast<std::size_t>(*rc::gen::inRange(1, 9));
      const std::size_t step = std::min(n, count - at);
      auto* block = reinterpret_cast<std::byte*>(gathered.data() + at * itemsize);
      out.gather(view.buffer()->data(), block, static_cast<std::int64_t>(step));
      in.scatter(target.buffer()->data(), block, static_cast<std::int64_t>(step));
      at += step;
    }
    RC_ASSERT(gathered == expected);
    RC_ASSERT(test::element_bytes(target) == expected);
  }));
}

}  // namespace
}  // namespace ndshare
