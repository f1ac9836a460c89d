// What a call keeps beside its result: where there is no memory for that, an Error says so, and out is as it was.
#include <ndshare/create.h>
#include <ndshare/random.h>
#include <ndshare/select.h>
#include <ndshare/sort.h>
#include <ndshare/statistics.h>
#include <ndshare/table.h>

#include "tests/support/support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace {
constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
std::atomic<std::size_t> g_most{kAny};  // bytes that one allocation may have
}  // namespace

// This program's own allocation, so that it can fail when a test says so. Arrays do not come from here. Not inlined: g++ would take
// the free() of a new block for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* block = size > g_most.load() ? nullptr : std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace ndshare::test {
namespace {

template <class Call>
void expect_no_scratch(const Call& call) {
  g_most = std::size_t{64} << 10;
  expect_error(Error::Memory, {"no memory for"}, call);
  g_most = kAny;
  call();  // and all is well when there is memory again
}

TEST(ScratchMemoryTest, SortingTellsOfNoMemory) {
  const Array x = Random(1).normal({300'000}), out = zeros({300'000}, float64);
  expect_no_scratch([&] { static_cast<void>(argsort(x)); });
  expect_no_scratch([&] { static_cast<void>(lexsort(std::vector<Array>{x, x})); });
  expect_no_scratch([&] { sort(x, {.out = out}); });
  expect_no_scratch([&] { static_cast<void>(median(x)); });
}

TEST(ScratchMemoryTest, TablesTellOfNoMemory) {
  const Array table = zeros({200'000}, DType::parse("[('key','i8'),('value','f8')]")), key = table["key"];
  assign(key, {all}, arange(200'000));
  const Array other = rename_fields(table, {{"value", "other"}});
  expect_no_scratch([&] { static_cast<void>(group_by(table, {"key"}, {parse_aggregation("sum:value")})); });
  expect_no_scratch([&] { static_cast<void>(join_by(table, other, {"key"})); });
}

}  // namespace
}  // namespace ndshare::test
