// save and load: what comes back, what NumPy reads, what is refused, and that refusals leave nothing.
#include <csignal>

#include <sys/mount.h>

#include <gtest/gtest.h>
#include <ndshare/version.h>

#include "lib/base/crc32c.h"
#include "tests/integration/save_support.h"

namespace ndshare::test {
namespace {

admin::SaveReport save(const TestStore& store, const std::string& folder) {
  return admin::save(store.name(), folder, {}, kPatience);
}
admin::SaveReport load(const TestStore& store, const std::string& folder, bool replace = false) {
  return admin::load(store.name(), folder, replace, {}, kPatience);
}

/// What a load of the store's save should give: no session's array, and snapshots as sealed arrays of their own.
Pictures expected_of(const TestStore& store) {
  auto pictures = pictures_of(store.name());
  pictures.erase("of a session");
  return pictures;
}

TEST(SaveTest, EverythingComesBack) {
  const TestStore from, to;
  const ScratchDir scratch;
  std::vector<SharedArray> keep;
  Store store = from.connect();
  put_every_kind(store, keep);
  const auto expected = expected_of(from);
  ASSERT_EQ(expected.size(), 24U);
  EXPECT_EQ(expected.at("torn").torn.size(), 2U);
  EXPECT_TRUE(expected.at("source@1").sealed);
  const auto saved = save(from, scratch.file("s"));
  EXPECT_EQ(saved.arrays, expected.size());
  const auto loaded = load(to, scratch.file("s"));
  EXPECT_EQ(loaded.arrays, saved.arrays);
  EXPECT_EQ(loaded.bytes, saved.bytes);
  EXPECT_EQ(pictures_of(to.name()), expected);
  EXPECT_EQ(code_of([&] { static_cast<void>(to.connect().open("torn").read()); }), ErrorCode::Torn);
  EXPECT_EQ(code_of([&] { static_cast<void>(to.connect().open("torn").read({.rows = {20, 50}})); }), ErrorCode::Ok);
  EXPECT_EQ(code_of([&] { static_cast<void>(to.connect().open("sealed").write()); }), ErrorCode::Sealed);
}

TEST(SaveTest, AnEmptyStoreAndAnotherSaveOnTop) {
  const TestStore from, to;
  const ScratchDir scratch;
  EXPECT_EQ(save(from, scratch.file("s")).arrays, 0U);
  EXPECT_EQ(load(to, scratch.file("s")).arrays, 0U);
  Store store = from.connect();
  put_pattern(store, "a", int32, {1000}, 1);
  EXPECT_EQ(save(from, scratch.file("s") + "/").arrays, 1U);
  put_pattern(store, "a", int32, {10}, 2, {.replace = true});
  EXPECT_EQ(save(from, scratch.file("s/../s/.")).arrays, 1U);
  EXPECT_EQ(load(to, scratch.file("s")).bytes, 40U);
  EXPECT_EQ(pictures_of(to.name()), pictures_of(from.name()));
  EXPECT_EQ(entries_with(scratch.path(), "").size(), 1U) << "nothing is left beside it";
  std::filesystem::create_directory(scratch.file("empty"));
  std::filesystem::create_symlink(scratch.file("s"), scratch.file("link"));
  EXPECT_EQ(save(from, scratch.file("empty")).arrays, 1U);
  EXPECT_EQ(save(from, scratch.file("link")).arrays, 1U);
  EXPECT_TRUE(std::filesystem::is_symlink(scratch.file("link")));
}

TEST(SaveTest, NumPyReadsTheFiles) {
  const TestStore from;
  const ScratchDir scratch;
  std::vector<SharedArray> keep;
  Store store = from.connect();
  put_every_kind(store, keep);
  save(from, scratch.file("s"));
  std::filesystem::create_directory(scratch.file("raw"));
  std::size_t number = 0;
  std::string names;
  for (const auto& [name, picture] : expected_of(from)) {
    spill(scratch.file("raw/" + std::to_string(number++)), picture.bytes);
  }
  // The manifest is in the order of the names, as the pictures are.
  const auto ran = run_numpy(R"(
import json, sys, numpy as np
lines = [json.loads(line) for line in open(sys.argv[1] + "/s/manifest.jsonl", encoding="utf-8")]
assert lines[0]["ndshare_save"] == 1 and lines[-1]["arrays"] == len(lines) - 2 == 24, lines[-1]
for number, entry in enumerate(lines[1:-1]):
    a = np.load(sys.argv[1] + "/s/" + entry["file"], allow_pickle=False)
    assert list(a.shape) == entry["shape"], entry
    assert a.flags.f_contiguous if entry["order"] == "F" else a.flags.c_contiguous, entry
    raw = open(sys.argv[1] + "/raw/%d" % number, "rb").read()
    assert a.tobytes(order="A") == raw, entry
    spelled = entry["dtype"]
    dtype = np.dtype(eval(spelled) if spelled[0] in "[{" else spelled)
    if entry.get("opaque"):
        assert a.dtype == np.dtype("V%d" % dtype.itemsize), entry
        assert a.view(dtype).tobytes() == raw, entry
    elif dtype.names:
        assert a.dtype.itemsize == dtype.itemsize and all(a.dtype.fields[n] == dtype.fields[n] for n in dtype.names), entry
    else:
        assert a.dtype == dtype, entry
print("good")
)",
                             {scratch.path().string()});
  EXPECT_EQ(ran.out, "good\n") << ran.err;
}

/// Changes that damage a save, by what they are.
struct Damage {
  std::string what;
  std::function<void(const std::string& folder)> change;
  std::string expected;  ///< in the message
};

void flip(const std::string& path, double where) {
  auto bytes = slurp(path);
  const auto at = std::min(bytes.size() - 1, static_cast<std::size_t>(where * static_cast<double>(bytes.size())));
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  spill(path, bytes);
}

std::vector<Damage> every_damage() {
  const std::string data = "/data/000001.npy", manifest = "/manifest.jsonl";
  std::vector<Damage> all;
  for (const double at : {0.0, 0.01, 0.3, 0.5, 0.99, 1.0}) {
    all.push_back(
        {"flipped data " + std::to_string(at), [=](const auto& folder) { flip(folder + data, at); }, "000001.npy"});
    all.push_back({"flipped manifest " + std::to_string(at), [=](const auto& folder) { flip(folder + manifest, at); },
                   "manifest"});
  }
  all.push_back({"short", [=](const auto& folder) { std::filesystem::resize_file(folder + data, 200); }, "200 bytes"});
  all.push_back({"long", [=](const auto& folder) { spill(folder + data, slurp(folder + data) + "x"); }, "000001.npy"});
  all.push_back({"missing", [=](const auto& folder) { std::filesystem::remove(folder + data); }, "missing"});
  all.push_back({"folder",
                 [=](const auto& folder) {
                   std::filesystem::remove(folder + data);
                   std::filesystem::create_directory(folder + data);
                 },
                 "000001.npy"});
  all.push_back({"swapped",
                 [=](const auto& folder) {
                   std::filesystem::rename(folder + data, folder + "/x");
                   std::filesystem::copy(folder + "/data/000000.npy", folder + data);
                 },
                 "CRC-32C"});
  all.push_back(
      {"no manifest", [=](const auto& folder) { std::filesystem::remove(folder + manifest); }, "no manifest.jsonl"});
  all.push_back(
      {"cut manifest", [=](const auto& folder) { std::filesystem::resize_file(folder + manifest, 100); }, "manifest"});
  all.push_back({"empty manifest", [=](const auto& folder) { spill(folder + manifest, ""); }, "manifest"});
  all.push_back({"longer manifest",
                 [=](const auto& folder) { spill(folder + manifest, slurp(folder + manifest) + "\n"); }, "manifest"});
  all.push_back(
      {"nested manifest",
       [=](const auto& folder) { spill(folder + manifest, "{\"a\":" + std::string(1 << 20, '[') + "\n{}\n"); },
       "manifest"});
  return all;
}

TEST(SaveTest, DamageIsNamedAndLeavesNothing) {
  const TestStore from, to;
  const ScratchDir scratch;
  Store store = from.connect();
  put_pattern(store, "a", int32, {1000}, 1);
  put_pattern(store, "b", int32, {1000}, 2);
  save(from, scratch.file("good"));
  const auto used = to.used_bytes();
  for (const auto& damage : every_damage()) {
    std::filesystem::remove_all(scratch.file("bad"));
    std::filesystem::copy(scratch.file("good"), scratch.file("bad"), std::filesystem::copy_options::recursive);
    damage.change(scratch.file("bad"));
    const auto attempt = [&] { load(to, scratch.file("bad")); };
    const auto code = code_of(attempt);
    EXPECT_TRUE(code == ErrorCode::Format || code == ErrorCode::Io) << damage.what << ": " << error_name(code);
    EXPECT_NE(message_of(attempt).find(damage.expected), std::string::npos)
        << damage.what << ": " << message_of(attempt);
    EXPECT_TRUE(to.connect().list().empty()) << damage.what;
  }
  EXPECT_TRUE(eventually([&] { return to.used_bytes() == used; }));
  EXPECT_EQ(load(to, scratch.file("good")).arrays, 2U);
}

/// A manifest whose checksum is right whatever it says: for what a checksum cannot find.
void write_manifest(const std::string& folder, const std::string& head, std::size_t arrays) {
  const auto crc = internal::crc32c(head.data(), head.size());
  spill(folder + "/manifest.jsonl",
        head + "{\"arrays\":" + std::to_string(arrays) + ",\"crc32c\":" + std::to_string(crc) + "}\n");
}

TEST(SaveTest, ANewerFormatSaysWhatReadsIt) {
  const TestStore to;
  const ScratchDir scratch;
  write_manifest(scratch.path(),
                 "{\"ndshare_save\":2,\"needs\":\"9.8.7\",\"written_by\":\"9.9.9\",\"what\":{}}\n{\"anything\":true}\n",
                 1);
  const auto attempt = [&] { load(to, scratch.path()); };
  EXPECT_EQ(code_of(attempt), ErrorCode::Format);
  for (const auto& part : {std::string("format 2"), std::string("9.8.7"), std::string("9.9.9"), version()}) {
    EXPECT_NE(message_of(attempt).find(part), std::string::npos) << message_of(attempt);
  }
}

/// What a manifest says of an int32 array of shape (100, 2), and what it might say instead.
const std::vector<std::pair<std::string, std::string>> kLies = {
    {"\"<i4\"", "\"<f4\""},
    {"\"<i4\"", "\"<i9\""},
    {"[100,2]", "[2,100]"},
    {"[100,2]", "[-100,-2]"},
    {"[100,2]", "[100,2"},
    {"[100,2]", "[9223372036854775807,9]"},
    {"\"bytes\":800", "\"bytes\":801"},
    {"\"C\"", "\"F\""},
    {"\"C\"", "\"X\""},
    {"data/000000.npy", "data/../data/0.npy"},
    {"data/000000.npy", "/etc/passwd"},
    {"\"name\":\"a\"", "\"name\":\"../a\""},
    {"\"name\":\"a\"", "\"nome\":\"a\""},
    {"\"crc32c\":[", "\"crc32c\":[1,"},
    {"\"order\"", "\"torn\":[0,101,0,0],\"order\""},
    {"\"order\"", "\"attrs\":{\"a\":[[1]]},\"order\""},
    {"\"block_bytes\":16777216", "\"block_bytes\":0"},
    {"\"header_bytes\":128", "\"header_bytes\":-1"},
    {"\"header_bytes\":128", "\"header_bytes\":99999999999"}};

TEST(SaveTest, AManifestThatLiesIsRefused) {
  const TestStore from, to;
  const ScratchDir scratch;
  Store store = from.connect();
  put_pattern(store, "a", int32, {100, 2}, 1);
  save(from, scratch.path() / "s");
  const auto text = slurp(scratch.file("s/manifest.jsonl"));
  const auto head = text.substr(0, text.rfind('\n', text.size() - 2) + 1);
  for (const auto& [before, after] : kLies) {
    auto lie = head;
    ASSERT_NE(lie.find(before), std::string::npos) << before << head;
    lie.replace(lie.find(before), before.size(), after);
    write_manifest(scratch.file("s"), lie, 1);
    EXPECT_EQ(code_of([&] { load(to, scratch.file("s")); }), ErrorCode::Format) << after;
  }
  write_manifest(scratch.file("s"), head + head.substr(head.find('\n') + 1), 2);
  EXPECT_NE(message_of([&] { load(to, scratch.file("s")); }).find("twice"), std::string::npos);
  write_manifest(scratch.file("s"), head, 2);
  EXPECT_EQ(code_of([&] { load(to, scratch.file("s")); }), ErrorCode::Format);
  EXPECT_TRUE(to.connect().list().empty());
  write_manifest(scratch.file("s"), head, 1);
  EXPECT_EQ(load(to, scratch.file("s")).arrays, 1U);
}

TEST(SaveTest, PlacesThatAreNoSaveAreLeftAlone) {
  const TestStore from;
  const ScratchDir scratch;
  spill(scratch.file("file"), "x");
  for (const std::string name : {"other/notes", "mixed/manifest.jsonl", "mixed/notes", "data only/data/000000.npy",
                                 "inside/manifest.jsonl", "inside/data/notes"}) {
    std::filesystem::create_directories((scratch.path() / name).parent_path());
    spill(scratch.file(name), "x");
  }
  for (const std::string name : {"file", "other", "mixed", "data only", "inside", "file/below", "not/there"}) {
    const auto attempt = [&] { save(from, scratch.file(name)); };
    EXPECT_EQ(code_of(attempt), ErrorCode::Io) << name;
    EXPECT_NE(message_of(attempt).find(name), std::string::npos) << message_of(attempt);
  }
  EXPECT_EQ(code_of([&] { save(from, ""); }), ErrorCode::Usage);
  EXPECT_EQ(code_of([&] { save(from, "/"); }), ErrorCode::Usage);
  EXPECT_EQ(code_of([&] { load(from, scratch.file("file")); }), ErrorCode::Io);
  EXPECT_EQ(slurp(scratch.file("inside/data/notes")), "x");
  EXPECT_TRUE(entries_with(scratch.path(), ".saving-").empty());
  const auto none = unique_store_name("none");
  EXPECT_EQ(code_of([&] { admin::save(none, scratch.file("x")); }), ErrorCode::NoSuchStore);
  EXPECT_EQ(code_of([&] { admin::load(none, scratch.file("x")); }), ErrorCode::NoSuchStore);
  EXPECT_FALSE(std::filesystem::exists(scratch.file("x")));
}

TEST(SaveTest, AFullDiskSaysHowMuchIsNeededAndKeepsTheOldSave) {
  const TestStore from, to;
  const ScratchDir scratch;
  if (::mount("tmpfs", scratch.path().c_str(), "tmpfs", 0, "size=3m") != 0)
    GTEST_SKIP() << "mounting a small tmpfs takes root: " << std::strerror(errno);
  Store store = from.connect();
  put_pattern(store, "a", uint8, {1 << 20}, 1);
  save(from, scratch.file("s"));
  const auto before = pictures_of(from.name());
  put_pattern(store, "a", uint8, {1 << 20}, 2, {.replace = true});
  put_pattern(store, "b", uint8, {8 << 20}, 2);
  const auto attempt = [&] { save(from, scratch.file("s")); };
  EXPECT_EQ(code_of(attempt), ErrorCode::Io);
  EXPECT_NE(message_of(attempt).find("takes 9 MiB"), std::string::npos) << message_of(attempt);
  // One that fits by the count of its bytes and still runs out: blocks of files and the folder take room, too.
  store.remove("b");
  put_pattern(store, "b", uint8, {(1 << 20) - 2048}, 2);
  EXPECT_EQ(code_of(attempt), ErrorCode::Io) << message_of(attempt);
  EXPECT_EQ(entries_with(scratch.path(), "").size(), 1U);
  ASSERT_EQ(::mount(nullptr, scratch.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_EQ(code_of(attempt), ErrorCode::Io);
  EXPECT_NE(message_of(attempt).find("Read-only"), std::string::npos) << message_of(attempt);
  load(to, scratch.file("s"));
  EXPECT_EQ(pictures_of(to.name()), before);
  EXPECT_EQ(::umount2(scratch.path().c_str(), MNT_DETACH), 0);
}

TEST(SaveTest, LoadIsAllOrNone) {
  const TestStore from, to, small({.capacity_bytes = 1 << 20});
  const ScratchDir scratch;
  Store store = from.connect();
  for (int i = 0; i < 600; ++i)
    put_pattern(store, "a" + std::to_string(i), uint8, {4000}, static_cast<std::uint64_t>(i));
  save(from, scratch.file("s"));
  EXPECT_EQ(code_of([&] { load(small, scratch.file("s")); }), ErrorCode::Capacity);
  EXPECT_TRUE(pictures_of(small.name()).empty());
  Store other = to.connect();
  put_pattern(other, "a599", int16, {3}, 1);
  const Array old = other.open("a599").view();
  EXPECT_EQ(code_of([&] { load(to, scratch.file("s")); }), ErrorCode::NameTaken);
  EXPECT_EQ(pictures_of(to.name()).size(), 1U);
  EXPECT_EQ(load(to, scratch.file("s"), true).arrays, 600U);
  EXPECT_EQ(pictures_of(to.name()), pictures_of(from.name()));
  EXPECT_TRUE(has_pattern(old.data(), 6, 1)) << "readers keep what they have";
}

TEST(SaveTest, ProgressIsToldAndMayStop) {
  const TestStore from, to;
  const ScratchDir scratch;
  Store store = from.connect();
  put_pattern(store, "a", uint8, {20 << 20}, 1);
  std::uint64_t last = 0, calls = 0;
  const auto count = [&](std::uint64_t done, std::uint64_t all) {
    EXPECT_GE(done, last);
    EXPECT_EQ(all, 20U << 20);
    last = done, ++calls;
  };
  admin::save(from.name(), scratch.file("s"), count, kPatience);
  EXPECT_EQ(last, 20U << 20);
  EXPECT_GE(calls, 20U);
  last = 0;
  admin::load(to.name(), scratch.file("s"), false, count, kPatience);
  EXPECT_EQ(last, 20U << 20);
  const auto stop = [](std::uint64_t, std::uint64_t) { throw Error(ErrorCode::Timeout, "enough"); };
  EXPECT_EQ(code_of([&] { admin::save(from.name(), scratch.file("t"), stop, kPatience); }), ErrorCode::Timeout);
  EXPECT_EQ(code_of([&] { admin::load(to.name(), scratch.file("s"), true, stop, kPatience); }), ErrorCode::Timeout);
  EXPECT_EQ(entries_with(scratch.path(), "").size(), 1U);
  EXPECT_EQ(pictures_of(to.name()), pictures_of(from.name()));
}

}  // namespace
}  // namespace ndshare::test
