// .npy against NumPy: its files read, its bytes written, ours read back by it.
#include <ndshare/io.h>

#include "tests/support/support.h"
#include "tests/unit/io/io_support.h"

#include <algorithm>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ndshare {
namespace {

using test::code_of;
using test::data_file;
using test::element_bytes;
using test::slurp;

std::vector<std::string> numpy_files(std::string_view without) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(data_file("npy"))) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".npy") && !name.starts_with("refused_") && (without.empty() || !name.starts_with(without)))
      names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(NpyTest, WritesTheBytesThatNumPyWrites) {
  const auto names = numpy_files("big_");
  ASSERT_GT(names.size(), 50U);
  for (const std::string& name : names) {
    if (name.starts_with("version_")) continue;  // np.save never writes these on its own
    const std::string path = data_file("npy/" + name);
    EXPECT_EQ(test::npy_bytes(load(path)), slurp(path)) << name;
  }
}

TEST(NpyTest, SwapsTheOtherByteOrder) {
  for (const char* name : {"int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "float32", "float64",
                           "complex64", "complex128"}) {
    const Array big = load(data_file("npy/big_" + std::string(name) + ".npy"));
    const Array native = load(data_file("npy/basic_" + std::string(name) + ".npy"));
    EXPECT_EQ(big.dtype(), native.dtype()) << name;
    EXPECT_EQ(element_bytes(big), element_bytes(native)) << name;
  }
  EXPECT_EQ(element_bytes(load(data_file("npy/big_U4.npy"))), element_bytes(load(data_file("npy/text_U4.npy"))));
  EXPECT_EQ(element_bytes(load(data_file("npy/big_M8_s.npy"))), element_bytes(load(data_file("npy/time_M8_s.npy"))));
  const Array table = load(data_file("npy/big_struct.npy"));
  EXPECT_EQ(table["a"].at<int>(1), -2);
  EXPECT_EQ(table["b"].at<double>(1), 1.5);
  EXPECT_EQ(table["c"].at<std::complex<double>>(0), std::complex<double>(1, 2));
  EXPECT_EQ(table["d"].at<std::string>(0, 1), "bc");
  EXPECT_EQ(table["d"].at<std::string>(1, 0), "ä");
  EXPECT_EQ(table["e"]["x"].at<int>(0), 258);
  EXPECT_EQ(table["e"]["y"].at<int>(1), 8);
}

TEST(NpyTest, ReadsTheLaterVersions) {
  for (const char* name : {"npy/version_2.npy", "npy/version_3.npy"}) {
    EXPECT_TRUE(array_equal(load(data_file(name)), arange(0, 6, 1, int16))) << name;
  }
  EXPECT_EQ(load(data_file("npy/names_latin1.npy")).dtype().fields()[0].name, "größe");
  EXPECT_EQ(load(data_file("npy/names_unicode.npy")).dtype().fields()[0].name, "数");
}

TEST(NpyTest, ManyFieldsAreReadUpToTheHeadersLimit) {
  std::vector<Field> fields;
  for (int i = 0; i < 250; ++i) fields.push_back({"column_number_" + std::to_string(i), float32});
  const Array table = zeros({2}, DType::structured(fields));
  ASSERT_GT(table.dtype().descr().size(), DType::kMaxSpelling);
  const test::ScratchDir dir;
  save(dir.file("wide.npy"), table);
  EXPECT_EQ(load(dir.file("wide.npy")).dtype(), table.dtype());
}

TEST(NpyTest, FortranOrderIsKept) {
  const Array f = load(data_file("npy/order_f.npy"));
  EXPECT_TRUE(f.is_f_contiguous());
  EXPECT_FALSE(f.is_c_contiguous());
  EXPECT_TRUE(array_equal(f, arange(0, 60, 1, int32).reshape({3, 4, 5})));
}

TEST(NpyTest, AnyStridesAreReadBackByNumPy) {
  const test::ScratchDir dir;
  const Array a = arange(0, 3000, 1, int32).reshape({10, 20, 15});
  save(dir.file("t.npy"), a.transpose({1, 0, 2}));
  save(dir.file("s.npy"), a(slice(1, none, 3), slice(none, none, -2), ellipsis, newaxis));
  save(dir.file("b.npy"), a(0).broadcast_to({3, 20, 15}));
  save(dir.file("f.npy"), a.T());
  save(dir.file("z.npy"), a(3, 4, 5));
  const auto done = test::run_numpy(R"py(
import sys, numpy as np
a = np.arange(3000, dtype='i4').reshape(10, 20, 15)
want = {'t': a.transpose(1, 0, 2), 's': a[1::3, ::-2, ..., None], 'b': np.broadcast_to(a[0], (3, 20, 15)), 'f': a.T, 'z': a[3, 4, 5]}
for name, value in want.items():
    got = np.load(sys.argv[1] + '/' + name + '.npy')
    assert got.dtype == value.dtype and got.shape == value.shape and (got == value).all(), name
assert np.load(sys.argv[1] + '/f.npy').flags.f_contiguous
print('same')
)py",
                                    {dir.path().string()});
  EXPECT_EQ(done.out, "same\n") << done.err;
}

TEST(NpyTest, ReadsStraightIntoAnArrayOfAnyStrides) {
  const Array a = arange(0, 600'000, 1, int32).reshape({600, 1000});
  for (const Array& written : {a, a.T().copy().T()}) {  // C and F order in the file
    const std::string file = test::npy_bytes(written);
    const Array wide = zeros({600, 2000}, int32);
    for (const Array& destination : {empty({600, 1000}, int32), empty({600, 1000}, int32, Order::F),
                                     wide(all, slice(1, none, 2)), empty({1000, 600}, int32).T()}) {
      const auto source = memory_source(test::bytes_of(file));
      const NpyHeader header = read_npy_header(*source);
      read_npy_into(*source, header, destination);
      EXPECT_TRUE(array_equal(destination, a));
    }
    EXPECT_EQ(wide.at<int>(5, 0), 0) << "bytes between the elements are left alone";
  }
}

TEST(NpyTest, DestinationMustMatch) {
  const std::string file = test::npy_bytes(arange(6));
  const auto into = [&](const Array& destination) {
    return code_of([&] {
      const auto source = memory_source(test::bytes_of(file));
      const NpyHeader header = read_npy_header(*source);
      read_npy_into(*source, header, destination);
    });
  };
  EXPECT_EQ(into(empty({6}, int32)), ErrorCode::DtypeMismatch);
  EXPECT_EQ(into(empty({2, 3}, int64)), ErrorCode::ShapeMismatch);
  EXPECT_EQ(into(empty({6}, int64).as_readonly()), ErrorCode::ReadOnly);
  EXPECT_EQ(into(empty({6}, int64)), ErrorCode::Ok);
}

TEST(NpyTest, BoolsBecomeZeroOrOne) {
  std::string file = test::npy_bytes(zeros({3}, bool_));
  file[file.size() - 2] = 7;
  EXPECT_EQ(element_bytes(test::load_bytes(file)), std::string("\0\1\0", 3));
  const Array table = load(data_file("npy/struct_packed.npy"));
  std::string packed = test::npy_bytes(table);
  packed.back() = '\x40';
  EXPECT_EQ(element_bytes(test::load_bytes(packed)["g"])[2], '\1');
}

TEST(NpyTest, PipesAreReadInPiecesAndWithoutALength) {
  const Array a = arange(0, 9'000'000, 1, int64).reshape({3000, 3000});  // 72 MB: over what a header is trusted with
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  std::thread writer([&] {
    const auto sink = descriptor_sink(ends[1], "pipe");
    write_npy(*sink, a);
    ::close(ends[1]);
  });
  std::int64_t calls = 0, last = 0;
  const auto source = descriptor_source(ends[0], "pipe");
  EXPECT_FALSE(source->length().has_value());
  const NpyHeader header = read_npy_header(*source);
  const Array back = read_npy(*source, header, {.progress = [&](std::int64_t done, std::int64_t total) {
    ++calls;
    EXPECT_GE(done, last);
    EXPECT_EQ(total, a.nbytes());
    last = done;
  }});
  writer.join();
  ::close(ends[0]);
  EXPECT_TRUE(array_equal(back, a));
  EXPECT_GT(calls, 10);
  EXPECT_EQ(last, a.nbytes());
}

TEST(NpyTest, AFailedSaveLeavesTheOldFile) {
  const test::ScratchDir dir;
  const std::string path = dir.file("x.npy");
  save(path, arange(3));
  const std::string before = slurp(path);
  struct Stop {};
  EXPECT_THROW(save(path, zeros({1 << 20}), {.progress = [](std::int64_t, std::int64_t) { throw Stop(); }}), Stop);
  EXPECT_EQ(slurp(path), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1) << "a part was left behind";
  EXPECT_EQ(code_of([&] { save(dir.file("no/x.npy"), arange(3)); }), ErrorCode::Io);
  EXPECT_EQ(code_of([&] { save(dir.path().string(), arange(3)); }), ErrorCode::Io);
}

TEST(NpyTest, ReplacingKeepsModeAndLink) {
  const test::ScratchDir dir;
  save(dir.file("x.npy"), arange(3));
  ASSERT_EQ(::chmod(dir.file("x.npy").c_str(), 0600), 0);
  std::filesystem::create_symlink("x.npy", dir.path() / "link.npy");
  save(dir.file("link.npy"), arange(4));
  EXPECT_TRUE(std::filesystem::is_symlink(dir.path() / "link.npy"));
  EXPECT_EQ(load(dir.file("x.npy")).size(), 4);
  struct stat status {};
  ASSERT_EQ(::stat(dir.file("x.npy").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST(NpyTest, MissingFilesAndFoldersAreIo) {
  EXPECT_EQ(code_of([] { static_cast<void>(load("/nowhere/x.npy")); }), ErrorCode::Io);
  EXPECT_EQ(code_of([] { static_cast<void>(load("/")); }), ErrorCode::Io);
}

TEST(NpyTest, LoadHasALimit) {
  const std::string file = test::npy_bytes(arange(6));
  EXPECT_EQ(code_of([&] { static_cast<void>(test::load_bytes(file, {.max_bytes = 47})); }), ErrorCode::MemoryGuard);
  EXPECT_EQ(test::load_bytes(file, {.max_bytes = 48}).size(), 6);
}

}  // namespace
}  // namespace ndshare
