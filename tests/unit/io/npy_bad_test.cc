// .npy files that are damaged or hostile: every one is a Format error, and none makes anybody allocate.
#include <ndshare/io.h>

#include "tests/support/support.h"
#include "tests/unit/io/io_support.h"

#include <random>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace ndshare {
namespace {

using test::code_of;
using test::load_bytes;
using test::message_of;
using test::npy_with;

constexpr const char* kGood = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }";

void expect_refused(const std::string& file, std::string_view part) {
  EXPECT_EQ(code_of([&] { static_cast<void>(load_bytes(file)); }), ErrorCode::Format) << file.substr(0, 200);
  const std::string message = message_of([&] { static_cast<void>(load_bytes(file)); });
  EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(message.find("<test>"), 0U) << "the message does not begin with the file: " << message;
}

TEST(NpyBadTest, TheGoodOneIsGood) { EXPECT_EQ(load_bytes(npy_with(kGood, "12345678")).at<int>(1), 0x38373635); }

TEST(NpyBadTest, OtherFiles) {
  expect_refused("", "not a complete .npy file");
  expect_refused("\x93NUMP", "not a complete .npy file");
  expect_refused("date,delay\n1,2\n", "it begins with 'date,d'");
  expect_refused(std::string("PK\x03\x04 and so on", 15), ".npz");
  std::string odd = npy_with(kGood, "12345678");
  odd[6] = 4;
  expect_refused(odd, "unknown .npy version 4.0");
  odd[6] = 1, odd[7] = 1;
  expect_refused(odd, "unknown .npy version 1.1");
}

TEST(NpyBadTest, EveryTruncationIsSeen) {
  const std::string file = npy_with(kGood, "12345678");
  for (std::size_t n = 0; n < file.size(); ++n) {
    EXPECT_EQ(code_of([&] { static_cast<void>(load_bytes(file.substr(0, n))); }), ErrorCode::Format) << n;
  }
  expect_refused(file.substr(0, file.size() - 3), "takes 8 bytes of data, the file has 5");
}

TEST(NpyBadTest, LongFiles) {
  expect_refused(npy_with(kGood, "123456789"), "too long .npy file: (2,) int32 takes 8 bytes of data, the file has 9");
}

TEST(NpyBadTest, HeadersThatSayTooMuch) {
  const auto shape = [](const std::string& text) {
    return "{'descr': '<f8', 'fortran_order': False, 'shape': " + text + ", }";
  };
  expect_refused(npy_with(shape("(1099511627776,)")), "truncated");
  expect_refused(npy_with(shape("(9223372036854775807,)")), "shape of the .npy header");
  expect_refused(npy_with(shape("(9223372036854775808,)")), "a length below 2^63");
  expect_refused(npy_with(shape("(4294967296, 4294967296, 4294967296)")), "shape of the .npy header");
  expect_refused(npy_with(shape("(-1,)")), "a length (0 or more)");
  expect_refused(npy_with(shape("(3.5,)")), "','");
  expect_refused(npy_with(shape("(1+1,)")), "','");
  expect_refused(npy_with(shape("(3)")), "a tuple of one");
  expect_refused(npy_with(shape("[3]")), "'('");
  expect_refused(npy_with(shape("(3,,)")), "a length (0 or more)");
  expect_refused(npy_with(shape("(True,)")), "a length (0 or more)");
  std::string axes;
  for (int i = 0; i < 33; ++i) axes += "1,";
  expect_refused(npy_with(shape("(" + axes + ")")), "at most 32 axes");
  std::string huge = npy_with(kGood, "12345678", 2);
  huge[8] = huge[9] = huge[10] = huge[11] = '\xff';
  expect_refused(huge, "claims 4294967295 bytes; the limit is 10000");
  expect_refused(npy_with(std::string(10'001, ' ')), "the limit is 10000");
}

TEST(NpyBadTest, LiteralsThatAreNone) {
  const std::string order = "'fortran_order': False, ", shape = "'shape': (2,), ", descr = "'descr': '<i4', ";
  expect_refused(npy_with("{" + order + shape + "}"), "the key 'descr'");
  expect_refused(npy_with("{" + descr + shape + "}"), "the key 'fortran_order'");
  expect_refused(npy_with("{" + descr + order + "}"), "the key 'shape'");
  expect_refused(npy_with("{" + descr + order + shape + descr + "}"), "each key once");
  expect_refused(npy_with("{" + descr + order + shape + "'more': 1}"), "one of the keys");
  expect_refused(npy_with("{" + descr + order + shape + "} + 1"), "nothing more after the dict");
  expect_refused(npy_with("{" + descr + order + shape), "expected a string, found the end");
  expect_refused(npy_with("{" + descr + "'fortran_order': 0, " + shape + "}"), "True or False");
  expect_refused(npy_with("{'descr': '<i4' + '', " + order + shape + "}"), "'}'");
  expect_refused(npy_with("{'d\\x65scr': '<i4', " + order + shape + "}"), "without escapes");
  expect_refused(npy_with("{'descr': __import__('os'), " + order + shape + "}"), "a string");
  expect_refused(npy_with("{'descr': '<i4"), "a string that ends");
  expect_refused(npy_with("dict(descr='<i4')"), "'{'");
  expect_refused(npy_with(std::string(9'000, '{')), "a string");
  expect_refused(npy_with("{'descr': " + std::string(9'000, '[') + ", " + order + shape + "}"), "nested brackets");
  expect_refused(npy_with("{'descr': [('a', " + std::string(50, '['), {}), "']'");
  expect_refused(npy_with("\xff\xfe\x80garbage"), "'{'");
  expect_refused(npy_with("{'descr': '<i4\xff', " + order + shape + "}", {}, 3), "not valid UTF-8");
  EXPECT_EQ(load_bytes(npy_with("{\"shape\":(2L,),'descr':\"<i4\",\n 'fortran_order' : False}", "12345678")).size(), 2);
}

TEST(NpyBadTest, DtypesThatAreNone) {
  const auto descr = [](const std::string& text) {
    return npy_with("{'descr': " + text + ", 'fortran_order': False, 'shape': (1,), }", "12345678");
  };
  for (const char* text : {"'<f3'", "'<q9'", "''", "'S-1'", "'<U99999999999'", "'<M8[fortnight]'", "[]", "[('a',)]",
                           "[('a', '<i4'), ('a', '<i4')]", "[('a', '<i4', (2, -2))]",
                           "[('a', '<i4', (9223372036854775807,))]", "'|S2147483648'", "'i4,f4'", "'a:i4'"}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(load_bytes(descr(text))); }), ErrorCode::Format) << text;
  }
  expect_refused(test::slurp(test::data_file("npy/refused_object.npy")), "Python objects");
  expect_refused(test::slurp(test::data_file("npy/refused_object_field.npy")), "Python objects");
}

TEST(NpyBadTest, AHeaderAloneAllocatesNothing) {
  // A file whose header asks for a terabyte; the process may have 4 GiB of address space more than now.
  const std::string file = npy_with("{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }", "1234");
  const pid_t child = test::fork_child([&] {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0 || ::write(ends[1], file.data(), file.size()) != static_cast<ssize_t>(file.size()))
      return 3;
    ::close(ends[1]);
    const rlimit limit{std::size_t{4} << 30, std::size_t{4} << 30};
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (::setrlimit(RLIMIT_AS, &limit) != 0) return 4;
#else
    static_cast<void>(limit);
#endif
    const auto source = descriptor_source(ends[0], "pipe");
    return code_of([&] { static_cast<void>(read_npy(*source, read_npy_header(*source))); }) == ErrorCode::Format ? 0
                                                                                                                 : 5;
  });
  EXPECT_EQ(test::wait_child(child), 0);
}

TEST(NpyBadTest, MutatedFilesOnlyEverThrowError) {
  std::vector<std::string> seeds;
  for (const char* name : {"basic_int32.npy", "struct_packed.npy", "struct_nested.npy", "big_struct.npy",
                           "names_unicode.npy", "time_M8_25s.npy"}) {
    seeds.push_back(test::slurp(test::data_file("npy/" + std::string(name))));
  }
  constexpr unsigned kSeed = 20260101;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  constexpr std::string_view kAlphabet = "0123456789'\"()[]{},:<>|=-+ TFLtruefalsdescrshapbiufcSUMmVO\\\n";
  int refused = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string file = seeds[random() % seeds.size()];
    const unsigned edits = 1 + random() % 4;
    for (unsigned i = 0; i < edits; ++i) {
      const std::size_t at = random() % std::min<std::size_t>(file.size(), 200);
      switch (random() % 4) {
        case 0:
          file[at] = kAlphabet[random() % kAlphabet.size()];
          break;
        case 1:
          file[at] = static_cast<char>(random());
          break;
        case 2:
          file.erase(at, 1 + random() % 8);
          break;
        default:
          file.insert(at, 1 + random() % 3, kAlphabet[random() % kAlphabet.size()]);
          break;
      }
    }
    try {
      static_cast<void>(load_bytes(file));
    } catch (const Error& error) {
      ++refused;
      EXPECT_EQ(error.code(), ErrorCode::Format) << error.what();
    }
  }
  EXPECT_GT(refused, 3000);
}

}  // namespace
}  // namespace ndshare
