// CSV: what is inferred, what is read, and where errors point.
#include <ndshare/csv.h>

#include "tests/support/support.h"
#include "tests/unit/io/io_support.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace ndshare {
namespace {

using test::code_of;
using test::csv;
using test::message_of;
using test::scan_text;

DType inferred(std::string_view values, const CsvOptions& options = {}) {
  return scan_text("x\n" + std::string(values), options).columns.at(0).dtype;
}

TEST(CsvTest, TheFlightsFile) {
  const std::string path = test::data_file("flights-100k.csv");
  const CsvScan scan = scan_csv(path);
  EXPECT_TRUE(scan.header);
  EXPECT_EQ(scan.rows, 100'000);
  const std::vector<std::pair<std::string, DType>> expected = {{"date", DType::datetime64(TimeUnit::m)},
                                                               {"delay", int64},
                                                               {"distance", int64},
                                                               {"origin", DType::str(3)},
                                                               {"destination", DType::str(3)}};
  ASSERT_EQ(scan.columns.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(scan.columns[i].name, expected[i].first);
    EXPECT_EQ(scan.columns[i].dtype, expected[i].second) << scan.report();
  }
  const Array table = empty(scan.shape, scan.dtype);
  read_csv_into(scan, table);
  const Array delay = table["delay"].copy();
  const auto delays = delay.as_span<const std::int64_t>();
  EXPECT_EQ(std::accumulate(delays.begin(), delays.end(), std::int64_t{0}), 659'889);
  EXPECT_EQ(table["origin"].at<std::string>(0), "LAS");
  EXPECT_EQ(table["destination"].at<std::string>(0), "PHL");
  EXPECT_EQ(table["date"].at<std::int64_t>(0), 16'305'121) << "2001-01-01T00:01 in minutes since 1970";
}

TEST(CsvTest, ColumnsAreInferredWhateverTheOrder) {
  EXPECT_EQ(inferred("1\n-2\n+3\n"), int64);
  EXPECT_EQ(inferred("1\n2.5\n"), float64);
  EXPECT_EQ(inferred("2.5\n1\n"), float64);
  EXPECT_EQ(inferred("1\nnan\n"), float64);
  EXPECT_EQ(inferred("9223372036854775807\n-9223372036854775808\n"), int64);
  EXPECT_EQ(inferred("9223372036854775808\n1\n"), uint64);
  EXPECT_EQ(inferred("9223372036854775808\n-1\n"), DType::str(19));
  EXPECT_EQ(inferred("18446744073709551616\n"), DType::str(20));
  EXPECT_EQ(inferred("1e400\n"), float64);
  EXPECT_EQ(inferred("true\nFalse\n"), bool_);
  EXPECT_EQ(inferred("true\n1\n"), DType::str(4));
  EXPECT_EQ(inferred("2001-01-01\n2001-01-02T00:05\n"), DType::datetime64(TimeUnit::m));
  EXPECT_EQ(inferred("2001-01-02T00:05:01\n2001-01-01\n"), DType::datetime64(TimeUnit::s));
  EXPECT_EQ(inferred("2001-01-02T00:05:01.25\n"), DType::datetime64(TimeUnit::ms));
  EXPECT_EQ(inferred("2001-01\n2001-02\n"), DType::datetime64(TimeUnit::M));
  EXPECT_EQ(inferred("2001-01-01\n2001\n"), DType::str(10));
  EXPECT_EQ(inferred("2001\n2001-01-01\n"), DType::str(10));
  EXPECT_EQ(inferred("2001-02-30\n"), DType::str(10));
  EXPECT_EQ(inferred("abc\n\"größe\"\n1\n"), DType::str(5));
  EXPECT_EQ(inferred("NA\n\"\"\n"), float64);
  EXPECT_EQ(inferred("2001-01-01\nNaT\nNA\n"), DType::datetime64(TimeUnit::D));
  EXPECT_EQ(inferred("NaT\n2001-01-01\n"), DType::datetime64(TimeUnit::D));
  EXPECT_EQ(inferred("NaT\n1\n"), DType::str(3));
  EXPECT_EQ(inferred("1\nNaT\n"), DType::str(3));
  EXPECT_EQ(inferred("NaT\nNA\n"), DType::str(3));
}

TEST(CsvTest, TheReportSaysWhy) {
  const CsvScan scan = scan_text("a,b\n1,2\n2,x\n3,\n");
  EXPECT_EQ(scan.columns[0].why, "every value is an integer");
  EXPECT_NE(scan.columns[1].why.find("line 3: 'x' is no integer"), std::string::npos) << scan.report();
  EXPECT_EQ(scan.columns[1].missing, 1);
}

TEST(CsvTest, HeadersAndShapes) {
  EXPECT_EQ(csv("a\n1\n").dtype().to_string(), "[('a', '<i8')]");
  EXPECT_EQ(csv("1\n2\n").dtype(), int64);
  EXPECT_EQ(csv("1\n2\n").shape(), Shape({2}));
  EXPECT_EQ(csv("1,2,3\n4,5,6\n").shape(), Shape({2, 3}));
  EXPECT_EQ(csv("1,2.5\n4,5\n").dtype().to_string(), "[('f0', '<i8'), ('f1', '<f8')]");
  EXPECT_EQ(csv("a,b\n").shape(), Shape({0}));
  EXPECT_EQ(csv("a,b\nc,d\n", {.header = CsvHeader::absent}).shape(), Shape({2, 2}));
  EXPECT_EQ(csv("1,2\n3,4\n", {.header = CsvHeader::present})["1"].at<int>(0), 3);
  EXPECT_EQ(csv("1,2\n3,4\n", {.names = {"x", "y"}})["y"].at<int>(1), 4);
  EXPECT_EQ(csv("a,b\n3,4\n", {.names = {"x", "y"}})["y"].at<int>(0), 4);
  EXPECT_EQ(csv("a,b\n1,2\n3,4\n", {.dtype = float32}).shape(), Shape({2, 2}));
  EXPECT_EQ(csv("\xEF\xBB\xBF"
                "a\n1\n")
                .dtype()
                .fields()[0]
                .name,
            "a");
}

TEST(CsvTest, GivenFieldsAreFoundByNameOrPlace) {
  const Array named = csv("a,b,c\n1,2,3\n4,5,6\n", {.dtype = DType::parse("c:f4,a:i2")});
  EXPECT_EQ(named["c"].at<float>(1), 6);
  EXPECT_EQ(named["a"].at<int>(1), 4);
  const Array placed = csv("a,b\n1,2\n", {.dtype = DType::parse("x:i4,y:u1")});
  EXPECT_EQ(placed["y"].at<int>(0), 2);
  EXPECT_EQ(code_of([] { static_cast<void>(csv("a,b\n1,2\n", {.dtype = DType::parse("a:i4,z:i4")})); }),
            ErrorCode::Usage);
  EXPECT_EQ(code_of([] { static_cast<void>(csv("a,b\n1,2\n", {.dtype = DType::parse("x:i4,y:i4,z:i4")})); }),
            ErrorCode::Usage);
  EXPECT_EQ(code_of([] { static_cast<void>(csv("a,b\n1,2\n", {.dtype = DType::parse("x:(2)i4,y:i4")})); }),
            ErrorCode::NotSupported);
}

TEST(CsvTest, QuotesAndLineEnds) {
  const Array a = csv("k,v\r\n\"a,\"\"b\"\"\r\nc\",1\r\n\r\n\"\",2\r\n d ,3");
  EXPECT_EQ(a.size(), 3);
  EXPECT_EQ(a["k"].at<std::string>(0), "a,\"b\"\r\nc");
  EXPECT_EQ(a["k"].at<std::string>(1), "");
  EXPECT_EQ(a["k"].at<std::string>(2), " d ");
  EXPECT_EQ(a["v"].at<int>(2), 3);
  EXPECT_EQ(csv("a\r1\r2\r")["a"].at<int>(1), 2);
  EXPECT_EQ(csv("# one\na\n#two\n1\n# three\n", {.comment = '#'}).size(), 1);
  EXPECT_EQ(csv("a;b\n'1';2\n", {.delimiter = ';', .quote = '\''})["a"].at<int>(0), 1);
  EXPECT_EQ(csv("a,b\n5\" pipe,2\n")["a"].at<std::string>(0), "5\" pipe");
}

TEST(CsvTest, MissingValues) {
  const Array a = csv("f,t,s\n1.5,2001-01-01,x\n,NA,NA\n");
  EXPECT_TRUE(std::isnan(a["f"].at<double>(1)));
  EXPECT_EQ(a["t"].at<std::int64_t>(1), INT64_MIN);
  EXPECT_EQ(a["s"].at<std::string>(1), "NA");
  EXPECT_EQ(csv("a\n1\nNA\n", {.missing = "-1"})["a"].at<int>(1), -1);
  EXPECT_EQ(csv("a\n1\nNA\n", {.missing = "0.5"})["a"].dtype(), float64);
  EXPECT_EQ(csv("a\n1\n?\n", {.missing_texts = {"?"}, .missing = "7"})["a"].at<int>(1), 7);
  const auto bad = [] { static_cast<void>(csv("a,b\n1,1\n2,\n3,\n")); };
  EXPECT_EQ(code_of(bad), ErrorCode::Format);
  EXPECT_NE(message_of(bad).find("line 3, column 2 'b': no value, and int64 has none for that (2 of 3 rows)"),
            std::string::npos)
      << message_of(bad);
  EXPECT_EQ(code_of([] { static_cast<void>(csv("a,b\n1,\n", {.dtype = int32})); }), ErrorCode::Format);
}

TEST(CsvTest, EveryDtypeCanBeGiven) {
  const Array a =
      csv("1,True,2.5,1+2j,(3-1e-2j),xyz,größe,2001-02-03T04:05,90\n",
          {.dtype = DType::parse("i:u1,b:?,h:f2,c:c8,d:c16,s:S3,u:U5,t:M8[s],m:m8[s]"), .header = CsvHeader::absent});
  EXPECT_EQ(a["i"].at<int>(0), 1);
  EXPECT_TRUE(a["b"].at<bool>(0));
  EXPECT_EQ(a["h"].at<double>(0), 2.5);
  EXPECT_EQ(a["c"].at<std::complex<double>>(0), std::complex<double>(1, 2));
  EXPECT_EQ(a["d"].at<std::complex<double>>(0), std::complex<double>(3, -1e-2));
  EXPECT_EQ(a["u"].at<std::string>(0), "größe");
  EXPECT_EQ(a["t"].at<std::int64_t>(0), 981'173'100);
  EXPECT_EQ(a["m"].at<std::int64_t>(0), 90);
}

TEST(CsvTest, NothingIsCutOrWrapped) {
  const auto refused = [](std::string_view text, const char* dtype) {
    return code_of([&] { static_cast<void>(csv(text, {.dtype = DType::parse(dtype), .header = CsvHeader::absent})); });
  };
  EXPECT_EQ(refused("300\n", "u1"), ErrorCode::Format);
  EXPECT_EQ(refused("-1\n", "u8"), ErrorCode::Format);
  EXPECT_EQ(refused("-1\n", "u4"), ErrorCode::Format);
  EXPECT_EQ(refused("1.5\n", "i4"), ErrorCode::Format);
  EXPECT_EQ(refused("9223372036854775808\n", "i8"), ErrorCode::Format);
  EXPECT_EQ(refused("--1\n", "i8"), ErrorCode::Format);
  EXPECT_EQ(refused("+-1\n", "i8"), ErrorCode::Format);
  EXPECT_EQ(refused("0x10\n", "f8"), ErrorCode::Format);
  EXPECT_EQ(refused("nan(1)\n", "f8"), ErrorCode::Format);
  EXPECT_EQ(refused("abcd\n", "U3"), ErrorCode::Format);
  EXPECT_EQ(refused("ü\n", "S1"), ErrorCode::Format);
  EXPECT_EQ(refused("2001-01-01T05:00\n", "M8[D]"), ErrorCode::Format);
  EXPECT_EQ(refused("2\n", "?"), ErrorCode::Format);
  EXPECT_EQ(refused("18446744073709551615\n", "u8"), ErrorCode::Ok);
  EXPECT_EQ(refused("-128\n", "i1"), ErrorCode::Ok);
}

TEST(CsvTest, ErrorsSayWhere) {
  const auto message = [](std::string_view text, const CsvOptions& options = {}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(csv(text, options)); }), ErrorCode::Format) << text;
    return message_of([&] { static_cast<void>(csv(text, options)); });
  };
  EXPECT_NE(message("a,b\n1,2\n\n\"x\ny\",2\n1,2,3\n").find("t.csv: line 6 has 3 fields, 2 expected"),
            std::string::npos);
  EXPECT_NE(message("a,b\n1,2\n3\n").find("line 3 has 1 field, 2 expected"), std::string::npos);
  EXPECT_NE(message("a,b\n1,2\n3,word\n", {.dtype = int64}).find("line 3, column 2 'b': 'word' is no int64"),
            std::string::npos);
  EXPECT_NE(message("a,b\n1,\"2\n").find("line 2: column 2: a quote is opened"), std::string::npos);
  EXPECT_NE(message("a,b\n\"1\"2,3\n").find("line 2: column 1: text after the closing quote"), std::string::npos);
  EXPECT_NE(message("a\n\xff\n").find("line 2, column 1 'a': the text is not UTF-8"), std::string::npos);
  EXPECT_NE(message("a,b,a\n1,2,3\n").find("columns 1 and 3 are both named 'a'"), std::string::npos);
  EXPECT_NE(message("").find("empty"), std::string::npos);
  EXPECT_NE(message("\xff\xfe"
                    "a")
                .find("UTF-16"),
            std::string::npos);
  try {
    static_cast<void>(csv("a\n1\nx\n", {.dtype = int8}));
  } catch (const Error& error) {
    EXPECT_EQ(error.detail("line"), "3");
    EXPECT_EQ(error.detail("column"), "1");
    EXPECT_EQ(error.detail("name"), "a");
  }
}

TEST(CsvTest, BadOptionsAreUsage) {
  for (const CsvOptions& options :
       {CsvOptions{.delimiter = '"'}, CsvOptions{.delimiter = '\n'}, CsvOptions{.delimiter = '\0'},
        CsvOptions{.comment = ','}, CsvOptions{.names = {"a"}}, CsvOptions{.dtype = int64, .missing = "x"}}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(csv("1,2\n3,4\n", options)); }), ErrorCode::Usage);
  }
}

TEST(CsvTest, IntoAnArrayOfAnyStrides) {
  const CsvScan scan = scan_text("1,2,3\n4,5,6\n");
  const Array wide = zeros({3, 4}, int64);
  read_csv_into(scan, wide.T()(slice(1, 3), all));
  EXPECT_EQ(wide.at<int>(2, 1), 3);
  EXPECT_EQ(wide.at<int>(0, 2), 4);
  EXPECT_EQ(wide.at<int>(0, 0), 0);
  EXPECT_EQ(code_of([&] { read_csv_into(scan, wide); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code_of([&] { read_csv_into(scan, zeros({2, 3}, int32)); }), ErrorCode::DtypeMismatch);
}

TEST(CsvTest, FilesReadInBlocksEqualTextInMemory) {
  // Records of odd lengths around the ends of the blocks, one of them longer than a block.
  std::string text = "k,v\n";
  for (int i = 0; i < 120'000; ++i) {
    text += "\"" + std::string(static_cast<std::size_t>(i % 37), 'x') + (i % 5 == 0 ? "\"\"\r\n" : "") + "\"," +
            std::to_string(i) + (i % 3 == 0 ? "\r\n" : "\n");
  }
  const test::ScratchDir dir;
  test::spit(dir.file("a.csv"), text);
  std::int64_t last = 0;
  const Array from_file = read_csv(dir.file("a.csv"), {.progress = [&](std::int64_t done, std::int64_t total) {
                                     EXPECT_GE(done, last);
                                     EXPECT_EQ(total, 2 * static_cast<std::int64_t>(text.size()));
                                     last = done;
                                   }});
  EXPECT_EQ(last, 2 * static_cast<std::int64_t>(text.size()));
  EXPECT_EQ(test::element_bytes(from_file), test::element_bytes(csv(text)));
  EXPECT_EQ(from_file["v"].at<int>(119'999), 119'999);
  test::spit(dir.file("b.csv"), "k,v\n\"" + std::string(3'000'000, '\n') + "\",1\nx,2\n");
  EXPECT_EQ(read_csv(dir.file("b.csv"))["k"].at<std::string>(0).size(), 3'000'000U);
}

TEST(CsvTest, AFileThatShrinksBetweenThePasses) {
  const test::ScratchDir dir;
  test::spit(dir.file("a.csv"), "a\n1\n2\n3\n");
  const CsvScan scan = scan_csv(dir.file("a.csv"));
  std::filesystem::resize_file(dir.file("a.csv"), 4);
  EXPECT_EQ(code_of([&] { read_csv_into(scan, empty(scan.shape, scan.dtype)); }), ErrorCode::Format);
}

}  // namespace
}  // namespace ndshare
