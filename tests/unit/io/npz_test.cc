// .npz against NumPy, and archives that lie.
#include <ndshare/io.h>

#include "tests/support/support.h"
#include "tests/unit/io/io_support.h"

#include <random>

#include <gtest/gtest.h>

namespace ndshare {
namespace {

using test::code_of;
using test::data_file;
using test::message_of;

ErrorCode load_code(const std::string& path) {
  return code_of([&] { static_cast<void>(load_npz(path)); });
}

TEST(NpzTest, ReadsWhatNumPyStoredAndDeflated) {
  const NamedArrays stored = load_npz(data_file("npy/stored.npz"));
  ASSERT_EQ(stored.size(), 2U);
  EXPECT_EQ(stored[0].first, "a");
  EXPECT_TRUE(array_equal(stored[0].second, arange(0, 6, 1, float32).reshape({2, 3})));
  EXPECT_EQ(stored[1].second.item<std::string>(), "text");
  const NamedArrays deflated = load_npz(data_file("npy/deflated.npz"));
  EXPECT_TRUE(array_equal(deflated.at(0).second, zeros({100, 100})));
  EXPECT_EQ(test::element_bytes(deflated.at(1).second), test::element_bytes(load(data_file("npy/struct_packed.npy"))));
}

TEST(NpzTest, NumPyReadsOurs) {
  const test::ScratchDir dir;
  const Array a = arange(0, 300'000, 1, int32).reshape({300, 1000});
  const NamedArrays arrays = {{"plain", a},
                              {"turned", a.T()},
                              {"thin", a(all, slice(none, none, -7))},
                              {"market/größe", arange(3)},
                              {"none", zeros({0, 4}, bool_)}};
  save_npz(dir.file("s.npz"), arrays);
  save_npz(dir.file("d.npz"), arrays, {.compress = true});
  EXPECT_LT(std::filesystem::file_size(dir.file("d.npz")), std::filesystem::file_size(dir.file("s.npz")) / 2);
  const auto done = test::run_numpy(R"py(
import sys, zipfile, numpy as np
a = np.arange(300000, dtype='i4').reshape(300, 1000)
want = {'plain': a, 'turned': a.T, 'thin': a[:, ::-7], 'market/gr\u00f6\u00dfe': np.arange(3), 'none': np.zeros((0, 4), bool)}
for file in 's.npz', 'd.npz':
    assert zipfile.ZipFile(sys.argv[1] + '/' + file).testzip() is None
    got = np.load(sys.argv[1] + '/' + file)
    assert got.files == list(want), got.files
    for name, value in want.items():
        assert got[name].dtype == value.dtype and got[name].shape == value.shape and (got[name] == value).all(), name
print('same')
)py",
                                    {dir.path().string()});
  EXPECT_EQ(done.out, "same\n") << done.err;
  const NamedArrays back = load_npz(dir.file("d.npz"));
  ASSERT_EQ(back.size(), arrays.size());
  for (std::size_t i = 0; i < back.size(); ++i)
    EXPECT_TRUE(array_equal(back[i].second, arrays[i].second)) << back[i].first;
}

TEST(NpzTest, OneMemberStraightIntoAnArray) {
  NpzReader reader(data_file("npy/stored.npz"));
  EXPECT_EQ(reader.names(), (std::vector<std::string>{"a", "b"}));
  const auto source = reader.open("a");
  const NpyHeader header = read_npy_header(*source);
  const Array destination = empty({3, 2}, float32).T();
  read_npy_into(*source, header, destination);
  EXPECT_EQ(destination.at<float>(1, 2), 5);
  EXPECT_EQ(code_of([&] { static_cast<void>(reader.open("c")); }), ErrorCode::Usage);
}

TEST(NpzTest, NamesThatCannotBeWritten) {
  const test::ScratchDir dir;
  const auto with = [&](const NamedArrays& arrays) { return code_of([&] { save_npz(dir.file("x.npz"), arrays); }); };
  for (const char* name : {"", "/etc/x", "../x", "a//b", "a/.", "a\\b", "a\nb", "\xff"}) {
    EXPECT_EQ(with({{name, arange(3)}}), ErrorCode::Usage) << name;
  }
  EXPECT_EQ(with({{"a", arange(3)}, {"a", arange(3)}}), ErrorCode::Usage);
  EXPECT_EQ(with({}), ErrorCode::Usage);
  EXPECT_FALSE(std::filesystem::exists(dir.file("x.npz")));
}

TEST(NpzTest, AFailedSaveLeavesTheOldFile) {
  const test::ScratchDir dir;
  save_npz(dir.file("x.npz"), {{"a", arange(3)}});
  const std::string before = test::slurp(dir.file("x.npz"));
  struct Stop {};
  const SaveNpzOptions stopping{.progress = [](std::int64_t, std::int64_t) { throw Stop(); }};
  EXPECT_THROW(save_npz(dir.file("x.npz"), {{"a", arange(30)}}, stopping), Stop);
  EXPECT_EQ(test::slurp(dir.file("x.npz")), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1) << "a part was left behind";
}

TEST(NpzTest, HostileArchives) {
  const test::ScratchDir dir;
  const auto made = test::run_numpy(R"py(
import io, struct, sys, warnings, zipfile, numpy as np
warnings.simplefilter('ignore')
def npy(a):
    out = io.BytesIO(); np.save(out, a); return out.getvalue()
good = npy(np.arange(1000))
def write(name, members, **kw):
    with zipfile.ZipFile(sys.argv[1] + '/' + name, 'w', **kw) as z:
        for member, data in members: z.writestr(member, data)
write('twice', [('a.npy', good), ('a.npy', good)])
write('path', [('../a.npy', good)])
write('absolute', [('/a.npy', good)])
write('backslash', [('a\\b.npy', good)])
write('other', [('a.txt', b'hello')])
write('folder', [('a/', b'')])
write('bzip2', [('a.npy', good)], compression=zipfile.ZIP_BZIP2)
write('short', [('a.npy', good[:-1])])
write('long', [('a.npy', good + b'x')])
write('no_npy', [('a.npy', b'hello')])
def patched(name, old, new, **kw):
    write(name, [('a.npy', good)], **kw)
    data = open(sys.argv[1] + '/' + name, 'rb').read()
    assert old in data
    open(sys.argv[1] + '/' + name, 'wb').write(data.replace(old, new))
n = struct.pack('<I', len(good))
patched('size_lie_stored', n, struct.pack('<I', len(good) * 2))
patched('size_lie_deflated', n, struct.pack('<I', len(good) - 8), compression=zipfile.ZIP_DEFLATED)
patched('size_bomb', n, struct.pack('<I', 0xfffffff0), compression=zipfile.ZIP_DEFLATED)
patched('damaged', good[500:508], b'\xee' * 8)
header = npy(np.zeros(0, 'u1')).replace(b"(0,)", b"(1000000000,)", 1)[:128]
write('header_bomb', [('a.npy', header)], compression=zipfile.ZIP_DEFLATED)
whole = open(sys.argv[1] + '/long', 'rb').read()
open(sys.argv[1] + '/cut', 'wb').write(whole[:-30])
open(sys.argv[1] + '/empty', 'wb').write(b'')
open(sys.argv[1] + '/text', 'wb').write(b'date,delay\n')
# Two members over the same bytes: each entry of the directory names the first.
write('overlap', [('a.npy', good), ('b.npy', b'')])
data = bytearray(open(sys.argv[1] + '/overlap', 'rb').read())
first = data.index(b'PK\x01\x02'); second = data.index(b'PK\x01\x02', first + 4)
data[second + 16:second + 28] = data[first + 16:first + 28]  # checksum and sizes
data[second + 42:second + 46] = data[first + 42:first + 46]  # where it is
open(sys.argv[1] + '/overlap', 'wb').write(data)
print('made')
)py",
                                    {dir.path().string()});
  ASSERT_EQ(made.out, "made\n") << made.err;
  for (const char* name : {"twice", "path", "absolute", "backslash", "other", "folder", "bzip2", "short", "long",
                           "no_npy", "size_lie_stored", "size_lie_deflated", "size_bomb", "damaged", "header_bomb",
                           "overlap", "cut", "empty", "text"}) {
    ASSERT_TRUE(std::filesystem::exists(dir.file(name))) << name;
    EXPECT_EQ(load_code(dir.file(name)), ErrorCode::Format)
        << name << ": " << message_of([&] { static_cast<void>(load_npz(dir.file(name))); });
  }
  EXPECT_EQ(load_code(dir.file("missing")), ErrorCode::Io);
}

TEST(NpzTest, MutatedArchivesOnlyEverThrowError) {
  const test::ScratchDir dir;
  constexpr unsigned kSeed = 20260102;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  const std::vector<std::string> seeds = {test::slurp(data_file("npy/stored.npz")),
                                          test::slurp(data_file("npy/deflated.npz"))};
  int refused = 0;
  for (int round = 0; round < 800; ++round) {
    std::string file = seeds[random() % seeds.size()];
    for (unsigned i = 0; i <= random() % 4; ++i) {
      // Half of the edits go into the directory at the end.
      const std::size_t tail = std::min<std::size_t>(file.size(), 250);
      const std::size_t at = random() % 2 == 0 ? file.size() - 1 - random() % tail : random() % file.size();
      switch (random() % 3) {
        case 0:
          file[at] = static_cast<char>(random());
          break;
        case 1:
          file[at] = static_cast<char>(file[at] ^ (1 << random() % 8));
          break;
        default:
          file.erase(at, 1 + random() % 5);
          break;
      }
      if (file.size() < 300) break;
    }
    test::spit(dir.file("x.npz"), file);
    try {
      static_cast<void>(load_npz(dir.file("x.npz"), {.max_bytes = 1 << 20}));
    } catch (const Error& error) {
      ++refused;
      EXPECT_TRUE(error.code() == ErrorCode::Format || error.code() == ErrorCode::MemoryGuard ||
                  error.code() == ErrorCode::Io)
          << error.what();
    }
  }
  EXPECT_GT(refused, 400);
}

}  // namespace
}  // namespace ndshare
