#include "lib/shm/catalog_view.h"

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/support.h"
#include "tests/unit/shm/fake_catalog.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::FakeArray;
using test::FakeCatalog;

FakeArray sample(std::string name) {
  FakeArray array;
  array.name = std::move(name);
  array.shape = {3, 4};
  array.nbytes = 96;
  array.extents = {{4096, 128, 1}};
  return array;
}

TEST(CatalogViewTest, FindsAndReadsWhatTheDaemonWrote) {
  FakeCatalog catalog;
  FakeArray array = sample("trips/2024");
  array.attrs = R"({"unit":"km"})";
  array.order = 1;
  catalog.put(5, array);
  const CatalogView view = catalog.view();
  const auto ref = view.find("trips/2024");
  ASSERT_TRUE(ref);
  EXPECT_EQ(ref->array, 5U);
  EXPECT_TRUE(view.is_current(*ref));
  const auto copy = view.read(5);
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->name, array.name);
  EXPECT_EQ(copy->dtype, array.dtype);
  EXPECT_EQ(copy->attrs, array.attrs);
  EXPECT_EQ(copy->shape, array.shape);
  EXPECT_EQ(copy->nbytes, 96U);
  EXPECT_EQ(copy->order, 1U);
  EXPECT_EQ(copy->extents.size(), 1U);
  EXPECT_EQ(copy->extents[0].offset, 4096U);
  EXPECT_FALSE(view.find("trips/2025"));
  EXPECT_FALSE(view.find(""));
  EXPECT_FALSE(view.find(std::string(300, 'x')));
  EXPECT_FALSE(view.read(6));
  EXPECT_FALSE(view.read(0xFFFF'FFFF));
}

TEST(CatalogViewTest, FindsEveryOfManyNamesPastTombstones) {
  FakeCatalog catalog;
  for (std::uint32_t i = 0; i < 40; ++i) catalog.put(i, sample("a" + std::to_string(i)));
  for (std::uint32_t i = 0; i < 40; i += 2) catalog.remove(i, "a" + std::to_string(i));
  const CatalogView view = catalog.view();
  for (std::uint32_t i = 0; i < 40; ++i) {
    const auto ref = view.find("a" + std::to_string(i));
    ASSERT_EQ(ref.has_value(), i % 2 == 1) << i;
    EXPECT_EQ(ref ? ref->array : i, i);
    ArrayCopy copy;
    std::vector<std::byte> scratch;
    ASSERT_EQ(view.find_into("a" + std::to_string(i), copy, scratch), i % 2 == 1) << i;
    EXPECT_TRUE(!ref || copy.name == "a" + std::to_string(i));
  }
  int seen = 0;
  view.for_each([&](const ArrayCopy&) { ++seen; });
  EXPECT_EQ(seen, 20);
}

TEST(CatalogViewTest, AnOldReferenceIsNotCurrentButStillReadable) {
  FakeCatalog catalog;
  catalog.put(1, sample("x"));
  const CatalogView view = catalog.view();
  const auto old = view.read_ref(1);
  ASSERT_TRUE(old);
  FakeArray next = sample("x");
  next.shape = {9};
  catalog.put(1, next);
  EXPECT_FALSE(view.is_current(*old));
  EXPECT_EQ(view.read_version(*old).shape, (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(view.read(1)->shape, (std::vector<std::int64_t>{9}));
}

TEST(CatalogViewTest, ARenamedArrayKeepsItsHoldersReading) {
  FakeCatalog catalog;
  catalog.put(1, sample("before"));
  const CatalogView view = catalog.view();
  const auto pinned = view.read_ref(1);
  std::memset(catalog.heap(pinned->meta), 0, sizeof(MetaBlock));  // the daemon freed the old meta block
  catalog.put(1, sample("after"));
  catalog.set_gen(1, pinned->array_gen);
  EXPECT_EQ(view.read_version(*pinned).name, "after");
}

TEST(CatalogViewTest, DamagedBlocksAreDamagedAndHideOnlyThemselves) {
  FakeCatalog catalog;
  catalog.put(1, sample("good"));
  catalog.put(2, sample("bad"));
  const CatalogView view = catalog.view();
  const auto ref = view.read_ref(2);
  catalog.heap(ref->block)[sizeof(VersionBlock)] ^= std::byte{1};
  EXPECT_EQ(code_of([&] { (void)view.read(2); }), Error::Damaged);
  EXPECT_EQ(code_of([&] { (void)view.read_version(*ref); }), Error::Damaged);
  int seen = 0;
  view.for_each([&](const ArrayCopy& copy) { seen += copy.name == "good" ? 1 : 100; });
  EXPECT_EQ(seen, 1);
}

TEST(CatalogViewTest, ValidChecksumsDoNotMakeNonsenseValid) {
  const auto code = [](const std::function<void(FakeArray&)>& spoil) {
    FakeCatalog catalog;
    FakeArray array = sample("x");
    spoil(array);
    catalog.put(1, array);
    return code_of([&] { (void)catalog.view().read(1); });
  };
  EXPECT_EQ(code([](FakeArray&) {}), ErrorCode::Ok);
  EXPECT_EQ(code([](FakeArray& a) { a.shape = {-1}; }), Error::Damaged);
  EXPECT_EQ(code([](FakeArray& a) { a.nbytes = 129; }), Error::Damaged);  // more than its extents hold
  EXPECT_EQ(code([](FakeArray& a) { a.nbytes = ~0ULL; }), Error::Damaged);
  EXPECT_EQ(code([](FakeArray& a) { a.extents = {{~0ULL - 10, 128, 1}}; }), Error::Damaged);
  EXPECT_EQ(code([](FakeArray& a) { a.extents = {{0, ~0ULL >> 1, 1}, {0, ~0ULL >> 1, 1}}; }), Error::Damaged);
  EXPECT_EQ(code([](FakeArray& a) { a.shape.assign(33, 1); }), Error::Damaged);
  EXPECT_EQ(code([](FakeArray& a) { a.order = 2; }), Error::Damaged);
  EXPECT_EQ(code([](FakeArray& a) { a.ndim_lie = 4000; }), Error::Damaged);
}

TEST(CatalogViewTest, AnotherLayoutIsItsOwnError) {
  FakeCatalog catalog;
  catalog.header().layout_hash ^= 1;
  EXPECT_EQ(code_of([&] { (void)catalog.view(); }), Error::LayoutVersion);
}

TEST(CatalogViewTest, HeadersThatPointOutsideAreDamaged) {
  const auto code = [](const std::function<void(CatalogHeader&)>& spoil) {
    FakeCatalog catalog;
    spoil(catalog.header());
    return code_of([&] { (void)catalog.view(); });
  };
  EXPECT_EQ(code([](CatalogHeader& h) { h.magic = 0; }), Error::Damaged);
  EXPECT_EQ(code([](CatalogHeader& h) { h.catalog_bytes = ~0ULL; }), Error::Damaged);
  EXPECT_EQ(code([](CatalogHeader& h) { h.records_offset = h.catalog_bytes; }), Error::Damaged);
  EXPECT_EQ(code([](CatalogHeader& h) { h.records_offset += 8; }), Error::Damaged);
  EXPECT_EQ(code([](CatalogHeader& h) { h.heap_bytes = ~0ULL; }), Error::Damaged);
  EXPECT_EQ(code([](CatalogHeader& h) { h.max_arrays = 0xFFFF'FFFF; }), Error::Damaged);
  EXPECT_EQ(code([](CatalogHeader& h) { h.max_clients = 1U << 30; }), Error::Damaged);
  EXPECT_EQ(code_of([] { CatalogView(nullptr, 0); }), Error::Damaged);
  alignas(64) std::byte tiny[64] = {};
  EXPECT_EQ(code_of([&] { CatalogView(tiny, sizeof tiny); }), Error::Damaged);
}

/// Any call on a catalog of random words ends with an answer or Damaged; run under address sanitizer it proves the
/// ranges.
TEST(CatalogViewTest, RandomBytesNeverFault) {
  const bool ok = rc::check("random catalog", [] {
    FakeCatalog catalog;
    for (std::uint32_t i = 0; i < 8; ++i) catalog.put(i, sample("a" + std::to_string(i)));
    const CatalogView view = catalog.view();
    const auto ref = view.read_ref(3);
    const auto words = *rc::gen::inRange(1, 60);
    for (int i = 0; i < words; ++i) {
      const auto value =
          *rc::gen::oneOf(rc::gen::arbitrary<std::uint64_t>(), rc::gen::inRange<std::uint64_t>(0, 1 << 16),
                          rc::gen::map(rc::gen::inRange<std::uint64_t>(0, 64),
                                       [](std::uint64_t n) -> std::uint64_t { return ~0ULL << n; }));
      catalog.scribble(*rc::gen::arbitrary<std::uint64_t>(), value);
    }
    const auto allowed = [](ErrorCode code) { return code == ErrorCode::Ok || code == Error::Damaged; };
    for (std::uint32_t i = 0; i < 9; ++i) {
      RC_ASSERT(allowed(code_of([&] { (void)view.find("a" + std::to_string(i)); })));
      RC_ASSERT(allowed(code_of([&] {
        ArrayCopy copy;
        std::vector<std::byte> scratch;
        (void)view.find_into("a" + std::to_string(i), copy, scratch);
      })));
      RC_ASSERT(allowed(code_of([&] { (void)view.read(i); })));
    }
    RC_ASSERT(allowed(code_of([&] { (void)view.read_version(*ref); })));
    RC_ASSERT(allowed(code_of([&] { view.for_each([](const ArrayCopy&) {}); })));
  });
  EXPECT_TRUE(ok);
}

/// One thread publishes version after version, three read: what they get is always one version, whole.
TEST(CatalogViewTest, ReadersSeeOneVersionOrAnother) {
  FakeCatalog catalog;
  const auto version = [](std::int64_t n) {
    FakeArray array = sample("x");
    array.shape.assign(static_cast<std::size_t>(n % 7 + 1), n);
    array.attrs = std::string(static_cast<std::size_t>(n % 50), static_cast<char>('a' + n % 26));
    return array;
  };
  catalog.put(1, version(1));
  const CatalogView view = catalog.view();
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop.load()) {
        const auto found = view.find("x");
        if (!found) ++wrong;
        ArrayCopy whole;
        std::vector<std::byte> scratch;
        if (!view.find_into("x", whole, scratch) || whole.shape != version(whole.shape.at(0)).shape) ++wrong;
        const auto copy = view.read(1);
        const auto expected = version(copy->shape.at(0));
        if (copy->shape != expected.shape || copy->attrs != expected.attrs || copy->name != "x") ++wrong;
      }
    });
  }
  for (std::int64_t n = 2; n < 3000; ++n) catalog.put(1, version(n));
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace ndshare::internal
