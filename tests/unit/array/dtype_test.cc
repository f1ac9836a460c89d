// Dtypes by themselves: constants, limits, fields, and text that is wrong or hostile.
#include <complex>
#include <unordered_set>

#include <gtest/gtest.h>
#include <ndshare/dtype.h>
#include <ndshare/index.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/support/support.h"

namespace ndshare {
namespace {

constinit const DType kConstant{TypeId::float32};  // scalar dtypes are compile-time constants

ErrorCode parse_code(const std::string& spelling) {
  return test::code_of([&] { static_cast<void>(DType::parse(spelling)); });
}

TEST(DtypeTest, ConstantsSayWhatTheyAre) {
  EXPECT_EQ(kConstant, float32);
  EXPECT_EQ(DType(), float64);
  EXPECT_EQ(dtype_of<const float>(), float32);
  EXPECT_EQ(dtype_of<long long>(), int64);
  EXPECT_EQ(dtype_of<Half>(), float16);
  EXPECT_EQ(dtype_of<std::complex<double>>(), complex128);
  EXPECT_TRUE(uint16.is_integer() && uint16.is_unsigned_integer() && !uint16.is_signed_integer() &&
              uint16.is_numeric());
  EXPECT_TRUE(bool_.is_bool() && bool_.is_numeric() && !bool_.is_integer());
  EXPECT_TRUE(float16.is_floating() && complex64.is_complex() && !complex64.is_floating());
  EXPECT_EQ(complex128.alignment(), 8);
}

TEST(DtypeTest, PeoplesFormOfFields) {
  const DType dtype = DType::parse("ts:i8, v:f4,status:U10,grid:(2,3)f4,pair:2f8,at:M8[25s],in:[('a','u1')]");
  EXPECT_EQ(dtype.str(),
            "[('ts', '<i8'), ('v', '<f4'), ('status', '<U10'), ('grid', '<f4', (2, 3)), ('pair', '<f8', (2,)), "
            "('at', '<M8[25s]'), ('in', [('a', 'u1')])]");
  EXPECT_EQ(dtype.field("status").offset, 12);
  EXPECT_EQ(dtype.field("grid").nbytes(), 24);
  EXPECT_EQ(DType::parse("i4,f8").str(), "[('f0', '<i4'), ('f1', '<f8')]");
  EXPECT_EQ(DType::parse("x:i4").fields().size(), 1U);
  EXPECT_EQ(DType::parse(" f4 "), float32);
}

TEST(DtypeTest, UnknownFieldNamesTheFields) {
  const DType dtype = DType::parse("ts:i8,v:f4");
  EXPECT_EQ(test::code_of([&] { static_cast<void>(dtype.field("w")); }), ErrorCode::DType);
  EXPECT_NE(test::message_of([&] { static_cast<void>(dtype.field("w")); }).find("'ts', 'v'"), std::string::npos);
  EXPECT_EQ(dtype.find_field("w"), nullptr);
}

TEST(DtypeTest, RefusalsSayTheWayOut) {
  const std::pair<const char*, const char*> cases[] = {
      {"O", "object"},
      {"object", "object"},
      {">f8", "little-endian"},
      {"f16", "float64"},
      {"float128", "float64"},
      {"U", "length"},
      {"str", "U10"},
      {"S0", "length"},
      {"V8", "S8"},
      {"2f4", "(2,)"},
      {"(2,3)f4", "(2, 3)"},
      {"x:i4,x:f4", "'x' is used twice"},
      {"M8[parsec]", "M8[25s]"},
      {"x:i4,y:>f8", "big-endian"},
  };
  for (const auto& [spelling, hint] : cases) {
    EXPECT_EQ(parse_code(spelling), ErrorCode::DType) << spelling;
    const std::string message = test::message_of([&, text = spelling] { static_cast<void>(DType::parse(text)); });
    EXPECT_NE(message.find(hint), std::string::npos) << spelling << ": " << message;
  }
}

TEST(DtypeTest, WrongTextIsAnErrorWithItsPosition) {
  const char* wrong[] = {"",
                         " ",
                         "f3",
                         "floaty",
                         "<",
                         "[",
                         "[]",
                         "{}",
                         "[(",
                         "[('a'",
                         "[('a',)]",
                         "[('a','f4'",
                         "[('a','f4']",
                         "('a','f4')",
                         "'f4",
                         "'f4'x",
                         "i4,",
                         ":f4",
                         "a:",
                         "a:f4,,b:f4",
                         "M8[",
                         "M8[s",
                         "M8[0s]",
                         "M8[-1s]",
                         "M8[99999999999s]",
                         "U-1",
                         "U99999999999",
                         "S2147483648",
                         "U536870912",
                         "(0)f4,i4",
                         "(-1)f4,i4",
                         "[('a','f4',(2,0))]",
                         "[('a','f4',9223372036854775807)]",
                         "[(('t','a'),'f4')]",
                         "{'names':['a'],'formats':['f4'],'offsets':[-1]}",
                         "[('','V4')]",
                         "[('x','V4')]",
                         "{'names':['a','b'],'formats':['f4']}",
                         "{'names':['a'],'formats':['f4'],'itemsize':2}",
                         "[('\\x00','f4')]",
                         "{'names':['a'],'formats':['i4'],'offsets':[2],'aligned':True}",
                         "{'names':['a'],'formats':['i4'],'offsets':[9223372036854775807]}",
                         "{'wrong':1}",
                         "[('a\\q','f4')]",
                         "[('\\ud800','f4')]"};
  for (const char* text : wrong) EXPECT_EQ(parse_code(text), ErrorCode::DType) << text;
  const std::string message = test::message_of([] { static_cast<void>(DType::parse("ts:i8,v:f3")); });
  EXPECT_NE(message.find("at position 8"), std::string::npos) << message;
  EXPECT_EQ(parse_code(std::string("f4\0", 3)), ErrorCode::DType);
}

TEST(DtypeTest, HostileTextIsBoundedInTimeAndDepth) {
  EXPECT_EQ(parse_code(std::string(5000, '[')), ErrorCode::DType);
  EXPECT_EQ(parse_code(std::string(4000, '[')), ErrorCode::DType);
  EXPECT_EQ(parse_code(std::string(4000, '(')), ErrorCode::DType);
  std::string nested = "'f4'";
  std::string dicts = "'f4'";
  for (int depth = 0; depth < 60; ++depth) {
    nested = "[('a', " + nested + ")]";
    dicts = "{'names':['a'],'formats':[" + dicts + "],'aligned':True}";
    const ErrorCode wanted = depth < DType::kMaxDepth ? ErrorCode::Ok : ErrorCode::DType;
    EXPECT_EQ(parse_code(nested), wanted) << depth;
    EXPECT_EQ(parse_code(dicts), wanted) << depth;
  }
  std::string escaped = "f4";
  for (int i = 0; i < 6; ++i) {
    std::string next = "'";
    for (const char c : escaped) next += (c == '\'' || c == '\\') ? std::string("\\") + c : std::string(1, c);
    escaped = next + "'";
  }
  EXPECT_EQ(parse_code(escaped), ErrorCode::Ok);  // strings in strings: bounded like brackets
  // A sub-array of structures with mixed byte orders may not blow up into runs without end.
  EXPECT_EQ(
      test::code_of([] { static_cast<void>(parse_foreign_dtype("[('a',[('x','>f4'),('y','u1')],(1000000,))]")); }),
      ErrorCode::DType);
  EXPECT_EQ(parse_foreign_dtype("[('a','>f4',(1000000,))]").swaps.size(), 1U);
}

// Valid text with random bytes changed, dropped or doubled: an error of the right code or a dtype that reads back.
RC_GTEST_PROP(DtypeTest, DamagedTextIsReadOrRefused, ()) {
  std::string text = *rc::gen::element<std::string>(
      "[('a', '<f4'), ('b', '<i8', (2, 3)), ('', '|V4'), ('in', [('q', '>u2')])]", "ts:i8,v:(2,3)f4,s:U10,at:M8[25s]",
      "{'names': ['a', 'b'], 'formats': ['i1', ('<i4', (2,))], 'offsets': [0, 4], 'itemsize': 12, 'aligned': True}",
      "datetime64[25us]", "[0:10, ::2, ..., 3, None]", "(3, 4)");
  const int changes = *rc::gen::inRange(1, 4);
  for (int i = 0; i < changes && !text.empty(); ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    const char byte = *rc::gen::oneOf(rc::gen::element('\'', '[', ']', '(', ')', ',', ':', '{', '0', '9', '-', '\\'),
                                      rc::gen::arbitrary<char>());
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.erase(at, *rc::gen::inRange<std::size_t>(1, 9));
        break;
      default:
        text.insert(at, 1, byte);
    }
  }
  try {
    const ForeignDType foreign = parse_foreign_dtype(text);
    RC_ASSERT(DType::parse(foreign.dtype.str()) == foreign.dtype);
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::DType);
  }
  const ErrorCode index = test::code_of([&] { static_cast<void>(parse_index(text)); });
  RC_ASSERT(index == ErrorCode::Ok || index == ErrorCode::IndexSyntax);
  const ErrorCode shape = test::code_of([&] { static_cast<void>(Shape::parse(text)); });
  RC_ASSERT(shape == ErrorCode::Ok || shape == ErrorCode::Shape);
}

TEST(DtypeTest, BuildingChecksEveryLimit) {
  const auto code = [](std::vector<Field> fields, bool aligned = false, std::int64_t itemsize = 0) {
    return test::code_of([&] { static_cast<void>(DType::structured(fields, aligned, itemsize)); });
  };
  EXPECT_EQ(code({}), ErrorCode::DType);
  EXPECT_EQ(code({{"", int8}}), ErrorCode::DType);
  EXPECT_EQ(code({{std::string(256, 'x'), int8}}), ErrorCode::DType);
  EXPECT_EQ(code({{std::string(255, 'x'), int8}}), ErrorCode::Ok);
  EXPECT_EQ(code({{"a", int8, {-1}}}), ErrorCode::DType);
  EXPECT_EQ(code({{"a", int8, {INT64_MAX, 3}}}), ErrorCode::DType);
  EXPECT_EQ(code({{"a", int8, {DType::kMaxItemsize}}}), ErrorCode::Ok);
  EXPECT_EQ(code({{"a", int8, {DType::kMaxItemsize}}, {"b", int8}}), ErrorCode::DType);
  EXPECT_EQ(code({{"a", int8, {}, INT64_MAX}}), ErrorCode::DType);
  EXPECT_EQ(code({{"a", int8}}, false, DType::kMaxItemsize + 1), ErrorCode::DType);
  EXPECT_EQ(code({{"a", int32}}, true, 6), ErrorCode::DType);
  EXPECT_EQ(test::code_of([] { static_cast<void>(DType::datetime64(TimeUnit::s, 0)); }), ErrorCode::DType);
}

TEST(DtypeTest, OverlappingFieldsHaveNoDescr) {
  const DType dtype = DType::structured({{"a", int32, {}, 0}, {"b", int16, {}, 2}});
  EXPECT_EQ(dtype.itemsize(), 4);
  EXPECT_EQ(DType::parse(dtype.str()), dtype);
  EXPECT_EQ(test::code_of([&] { static_cast<void>(dtype.descr()); }), ErrorCode::DType);
}

TEST(DtypeTest, EqualityAndHash) {
  EXPECT_NE(DType::parse("M8[s]"), DType::parse("M8[ms]"));
  EXPECT_NE(DType::parse("M8[s]"), DType::parse("m8[s]"));
  EXPECT_NE(DType::parse("S4"), DType::parse("U1"));
  EXPECT_NE(DType::parse("a:i4"), DType::parse("b:i4"));
  EXPECT_EQ(DType::parse("a:i4,b:i4"), DType::structured({{"a", int32}, {"b", int32}}, true));
  const std::unordered_set<DType> set = {int8, uint8, DType::parse("a:i4"), DType::parse("[('a','<i4')]")};
  EXPECT_EQ(set.size(), 3U);
}

}  // namespace
}  // namespace ndshare
