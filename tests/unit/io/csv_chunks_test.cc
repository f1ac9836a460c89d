// A CSV text in chunks of any size, by any number of threads, is the text in one: values, dtypes, reasons and errors.
#include "lib/io/csv_chunks.h"

#include <ndshare/csv.h>
#include <ndshare/threads.h>

#include "tests/support/support.h"
#include "tests/unit/io/io_support.h"

#include <random>

#include <gtest/gtest.h>

namespace ndshare {
namespace {

constexpr unsigned kChunksSeed = 20261126;

class ChunkBytes {
 public:
  explicit ChunkBytes(std::int64_t bytes) { internal::set_csv_chunk_bytes(bytes); }
  ~ChunkBytes() { internal::set_csv_chunk_bytes(0); }
  ChunkBytes(const ChunkBytes&) = delete;
  ChunkBytes& operator=(const ChunkBytes&) = delete;
};

/// Everything that a caller sees of a text, as one string.
std::string outcome(const CsvScan& scan) {
  std::string out = scan.report() + scan.dtype.to_string() + scan.shape.str() + std::to_string(scan.rows);
  const Array array = empty(scan.shape, scan.dtype);
  read_csv_into(scan, array);
  return out + test::element_bytes(array);
}

template <class Scan>
std::string outcome_of(std::int64_t chunk_bytes, Scan&& scan) {
  const ChunkBytes size(chunk_bytes);
  try {
    return outcome(scan());
  } catch (const Error& error) {
    std::string out = "error: " + error.message();
    for (const char* key : {"line", "column", "name", "missing", "expected_fields", "actual_fields"})
      out += "|" + std::string(error.detail(key));
    return out;
  }
}

/// Random tables: quotes with line ends and delimiters in them, three line ends, comments, blank lines, and now and
/// then something wrong.
class Texts {
 public:
  explicit Texts(unsigned seed) : random_(seed) {}

  std::string next() {
    end_ = pick<std::string>({"\n", "\n", "\r\n", "\r"});
    const std::size_t columns = 1 + below(4), rows = below(60);
    const bool wrong = below(3) == 0;
    std::string text = below(8) == 0 ? "\xEF\xBB\xBF" : "";
    if (below(2) == 0) text += std::string("name,b,c,d").substr(0, 2 + 2 * columns) + end_;
    kinds_.assign(columns, 0);
    for (std::size_t& kind : kinds_) kind = below(6);
    for (std::size_t row = 0; row < rows; ++row) {
      if (below(12) == 0) text += end_;
      if (below(12) == 0) text += "# \"a comment, " + end_;
      for (std::size_t i = 0; i < columns; ++i)
        text += (i == 0 ? "" : ",") + (wrong && below(60) == 0 ? oddity() : value(kinds_[i]));
      text += below(20) == 0 ? "\n" : end_;
    }
    if (below(3) == 0 && !text.empty()) text.pop_back();
    return text;
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }

 private:
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

  std::string oddity() {
    return pick<std::string>({"\"open", "\"a\"b", "x,y", "\xff", "NaT", "NA", "word", "\"\xC3\"", "\"\n\"", "5\" pipe",
                              "#", "18446744073709551616", "1e400"});
  }

  std::string value(std::size_t kind) {
    const std::string number = std::to_string(static_cast<int>(below(2000)) - 1000);
    if (below(25) == 0) return pick<std::string>({"", "NA", "\"\"", " "});
    if (kind == 0) return number;
    if (kind == 1) return number + (below(3) == 0 ? "." + std::to_string(below(1000)) : "");
    if (kind == 2)
      return "2001-0" + std::to_string(1 + below(9)) + "-1" + std::to_string(below(10)) +
             (below(3) == 0 ? "T10:20" : "");
    if (kind == 3) return pick<std::string>({"true", "False"});
    std::string text(below(kind == 4 ? 6 : 40), 'x');
    for (char& c : text) c = pick({'a', 'b', ',', '\n', '"', '\r', '#', ' ', '1'});
    std::string quoted = "\"";
    for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + "\"";
  }

  std::mt19937 random_;
  std::string end_{};
  std::vector<std::size_t> kinds_{};
};

TEST(CsvChunksTest, AnySizeOfChunksGivesTheSame) {
  const test::ScratchDir dir;
  Texts texts(kChunksSeed);
  int errors = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = texts.next();
    CsvOptions options{.comment = texts.below(2) == 0 ? '#' : '\0'};
    if (texts.below(3) == 0) options.dtype = DType::parse(texts.below(2) == 0 ? "f8" : "U9");
    if (texts.below(3) == 0) options.missing = "7";
    const auto in_memory = [&] { return test::scan_text(text, options); };
    const std::string whole = outcome_of(1 << 30, in_memory);
    errors += whole.starts_with("error") ? 1 : 0;
    for (int k = 0; k < 3; ++k) {
      const auto bytes = static_cast<std::int64_t>(1 + texts.below(200));
      ASSERT_EQ(whole, outcome_of(bytes, in_memory))
          << "seed " << kChunksSeed << ", text " << i << ", chunks of " << bytes << "\n"
          << text;
    }
    if (i % 5 != 0) continue;
    test::spit(dir.file("t.csv"), text);
    std::string from_file = outcome_of(17, [&] { return scan_csv(dir.file("t.csv"), options); });
    if (const auto at = from_file.find(dir.file("t.csv")); at != std::string::npos)
      from_file.replace(at, dir.file("t.csv").size(), "t.csv");
    ASSERT_EQ(whole, from_file) << "seed " << kChunksSeed << ", text " << i << "\n" << text;
  }
  EXPECT_GT(errors, 300);
  EXPECT_LT(errors, 2700);
}

TEST(CsvChunksTest, TheFirstErrorOfTheTextIsToldWhateverTheThreads) {
  std::string text = "a,b\n";
  for (int i = 0; i < 5000; ++i) text += "1,\"x\ny\"\n";
  const std::string right = text;
  text.replace(right.size() / 2 / 8 * 8 + 4, 1, "z");  // a value in the middle that is no integer ...
  text += "1\n";                                       // ... and a ragged line at the end
  const CsvOptions options{.dtype = DType::parse("a:i4,b:U3")};
  for (const int threads : {1, 2, 7}) {
    set_threads(threads);
    const auto in_order = [&](const std::string& some) {
      return outcome_of(64, [&] { return test::scan_text(some, options); });
    };
    EXPECT_NE(in_order(text).find("line 10002 has 1 field"), std::string::npos)
        << "the scan comes first: " << in_order(text);
    EXPECT_NE(in_order(text.substr(0, text.size() - 2)).find("'z' is no int32"), std::string::npos);
    EXPECT_NE(in_order(text.substr(0, text.size() - 2)).find("line 5002, column 1 'a'"), std::string::npos);
    EXPECT_EQ(in_order(right), outcome_of(1 << 30, [&] { return test::scan_text(right, options); }));
  }
  set_threads(0);
}

TEST(CsvChunksTest, BlocksOfRowsAreWrittenInOrder) {
  const Array table = empty({5000}, DType::parse("i:i4,t:U3,d:M8[m],f:f8"));
  for (std::int64_t i = 0; i < 5000; ++i) {
    fill(table["i"](i), i - 2500);
    fill(table["t"](i), i % 7 == 0 ? "a,b" : i % 5 == 0 ? "" : "\xC3\xA4z");
    fill(table["d"](i), i % 11 == 0 ? INT64_MIN : (i - 2000) * 777'777'777);
    fill(table["f"](i), static_cast<double>(i) / 8);
  }
  const auto written = [&](std::int64_t bytes) {
    const ChunkBytes size(bytes);
    std::string out;
    write_csv(*memory_sink(out), table);
    return out;
  };
  EXPECT_EQ(written(1 << 30), written(100));
  EXPECT_EQ(test::element_bytes(test::csv(written(100), {.dtype = table.dtype()})), test::element_bytes(table));
}

TEST(CsvChunksTest, ADateThatIsNoneComesFirst) {
  std::string out;
  write_csv(*memory_sink(out), test::csv("d\nNaT\n2001-01-02\n0001-01-01\n"), {.header = false});
  EXPECT_EQ(out, "NaT\n2001-01-02\n0001-01-01\n");
}

TEST(CsvChunksTest, DatesAreQuotedWhereTheirCharactersDelimit) {
  const auto written = [](char delimiter) {
    std::string out;
    write_csv(*memory_sink(out), test::csv("d\n2001-01-02T03:04\n"), {.delimiter = delimiter, .header = false});
    return out;
  };
  EXPECT_EQ(written(','), "2001-01-02T03:04\n");
  EXPECT_EQ(written(':'), "\"2001-01-02T03:04\"\n");
}

}  // namespace
}  // namespace ndshare
