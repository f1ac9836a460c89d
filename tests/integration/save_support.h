/// What the tests of save and load share: a store with every kind of array, and pictures of stores to compare.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ndshare/admin.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {

/// Everything of an array that a save keeps.
struct Picture {
  std::string dtype, shape, bytes;
  bool fortran = false, sealed = false;
  Attrs attrs;
  std::vector<std::pair<std::int64_t, std::int64_t>> torn;
  friend bool operator==(const Picture&, const Picture&) = default;
};
using Pictures = std::map<std::string, Picture>;

inline void PrintTo(const Picture& picture, std::ostream* out) {
  *out << picture.dtype << ' ' << picture.shape << (picture.fortran ? " F" : " C") << (picture.sealed ? " sealed" : "")
       << ", " << picture.bytes.size() << " bytes, " << picture.attrs.size() << " attributes, " << picture.torn.size()
       << " torn ranges";
}

/// All visible arrays of a store, read from its segments.
inline Pictures pictures_of(const std::string& store) {
  Pictures pictures;
  const admin::Inspector inspector(store);
  for (const auto& info : inspector.list()) {
    const auto array = inspector.copy(info.name);
    auto& picture = pictures[info.name];
    picture.dtype = info.dtype.str();
    picture.shape = info.shape.str();
    picture.bytes.assign(reinterpret_cast<const char*>(array.data()), static_cast<std::size_t>(info.nbytes));
    picture.fortran = info.order == Order::F;
    picture.sealed = info.sealed;
    picture.attrs = info.attrs;
    for (const auto& range : info.torn) picture.torn.emplace_back(range.rows.first, range.rows.last);
  }
  return pictures;
}

/// An open array with a pattern.
inline SharedArray put_pattern(Store& store, const std::string& name, const DType& dtype, const Shape& shape,
                               std::uint64_t seed, CreateOptions options = {}) {
  auto array = store.create(name, dtype, shape, options);
  auto guard = array.write();
  fill_pattern(guard.data(), guard.nbytes(), seed);
  if (dtype.is_bool()) {
    for (std::int64_t i = 0; i < guard.nbytes(); ++i) guard.data()[i] &= std::byte{1};
  }
  guard.release();
  return array;
}

/// Every kind of array that a save must keep, and two that it must not: of a session, and still being filled.
inline void put_every_kind(Store& store, std::vector<SharedArray>& keep) {
  std::uint64_t seed = 1;
  for (const auto* spelling : {"?", "i1", "u8", "f2", "f4", "f8", "c16", "S3", "U5", "M8[25s]", "m8[ns]"}) {
    put_pattern(store, "dtype/" + std::to_string(seed), DType::parse(spelling), {7, 3}, seed);
    ++seed;
  }
  put_pattern(store, "packed", DType::parse("[('ts', '<i8'), ('v', '<f4', (2, 3)), ('ü', 'S3')]"), {11}, 20);
  put_pattern(
      store, "padded",
      DType::parse(
          "{'names': ['a', 'b'], 'formats': ['u1', '<f8'], 'offsets': [0, 8], 'itemsize': 24, 'aligned': True}"),
      {4}, 21);
  put_pattern(store, "overlapping",
              DType::parse("{'names': ['a', 'b'], 'formats': ['<u4', '<u2'], 'offsets': [0, 2], 'itemsize': 4}"), {5},
              22);
  put_pattern(store, "fortran", float32, {5, 6, 7}, 23, {.order = Order::F});
  put_pattern(store, "zero-d", int64, {}, 24);
  put_pattern(store, "empty", float64, {3, 0, 2}, 25);
  put_pattern(store, "several blocks", uint8, {(35 << 20) + 17}, 26);
  put_pattern(store, "odd/ü µ ~<&>", int8, {9}, 27,
              {.attrs = {{"unit", "µs \"quoted\" \\ \n"}, {"", "no name"}, {"json", "{\"a\":[[1]]}"}}});
  put_pattern(store, "sealed", int16, {12}, 28).seal();
  auto source = put_pattern(store, "source", int32, {1000}, 29, {.attrs = {{"kept", "yes"}}});
  store.snapshot("source", "source@1");
  {
    auto guard = source.write();
    fill_pattern(guard.data(), guard.nbytes(), 30);
  }
  auto torn = put_pattern(store, "torn", float64, {100, 2}, 31);
  torn.write({.rows = {10, 20}}).abandon();
  torn.write({.rows = {50, 51}}).abandon();
  put_pattern(store, "torn fortran", float64, {4, 5}, 33, {.order = Order::F}).write().abandon();
  keep.push_back(put_pattern(store, "of a session", int8, {3}, 32, {.lifetime = Lifetime::session}));
  keep.push_back(store.create("unfinished", int8, {3}));
}

inline std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// Entries of a folder whose name has `part` in it.
inline std::vector<std::string> entries_with(const std::filesystem::path& folder, const std::string& part) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().find(part) != std::string::npos) found.push_back(entry.path().string());
  }
  return found;
}

inline void kill_daemon_of(const std::string& store) {
  ::kill(static_cast<pid_t>(admin::status(store).pid), SIGKILL);
  EXPECT_TRUE(eventually([&] { return code_of([&] { Store::connect(store); }) == ErrorCode::NoSuchStore; }));
}

inline constexpr std::chrono::seconds kPatience{30};

}  // namespace ndshare::test
