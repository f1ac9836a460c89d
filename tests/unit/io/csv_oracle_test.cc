// CSV against Python's csv module and NumPy's genfromtxt, on generated files; and ours written, read by Python.
#include <ndshare/csv.h>

#include "tests/support/support.h"
#include "tests/unit/io/io_support.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace ndshare {
namespace {

constexpr unsigned kOracleSeed = 20260103;

/// Text fields with everything that has to be quoted, written by Python and read by us.
TEST(CsvOracleTest, TextThatPythonQuoted) {
  const test::ScratchDir dir;
  const auto made = test::run_numpy(R"py(
import csv, random, sys, numpy as np
random.seed(int(sys.argv[2]))
letters = ['a', 'b', ' ', ',', ';', '"', '\n', '\r\n', "'", '#', '\u00e4', '\u6570', '\U0001f600', '1', '-']
rows = [[''.join(random.choices(letters, k=random.randrange(12))) for _ in range(4)] for _ in range(3000)]
for i, (delimiter, end) in enumerate([(',', '\r\n'), (';', '\n')]):
    with open('%s/%d.csv' % (sys.argv[1], i), 'w', newline='') as file:
        w = csv.writer(file, delimiter=delimiter, lineterminator=end)
        w.writerow(['one', 'two', 'three', 'four'])
        w.writerows(rows)
longest = max(len(x) for row in rows for x in row)
np.save(sys.argv[1] + '/rows.npy', np.array(rows, 'U%d' % longest))
)py",
                                    {dir.path().string(), std::to_string(kOracleSeed)});
  ASSERT_EQ(made.status, 0) << made.err;
  const Array rows = load(dir.file("rows.npy"));
  for (int i = 0; i < 2; ++i) {
    const Array got =
        read_csv(dir.file(std::to_string(i) + ".csv"), {.dtype = rows.dtype(), .delimiter = i == 0 ? ',' : ';'});
    EXPECT_EQ(got.shape(), rows.shape()) << "seed " << kOracleSeed;
    EXPECT_TRUE(array_equal(got, rows)) << "seed " << kOracleSeed;
  }
}

TEST(CsvOracleTest, NumbersAsGenfromtxtReadsThem) {
  const test::ScratchDir dir;
  std::mt19937_64 random(kOracleSeed);
  std::string text = "i,f,d,s\n";
  for (int row = 0; row < 3000; ++row) {
    double wild = 0;
    const std::uint64_t bits = random();
    std::memcpy(&wild, &bits, sizeof wild);
    char real[64];
    std::snprintf(real, sizeof real, row % 2 == 0 ? "%.17g" : "%.6e", std::isfinite(wild) ? wild : 1.5);
    char date[32];
    std::snprintf(date, sizeof date, "%04u-%02u-%02uT%02u:%02u:%02u", static_cast<unsigned>(1 + random() % 9998),
                  static_cast<unsigned>(1 + random() % 12), static_cast<unsigned>(1 + random() % 28),
                  static_cast<unsigned>(random() % 24), static_cast<unsigned>(random() % 60),
                  static_cast<unsigned>(random() % 60));
    text += std::to_string(static_cast<std::int64_t>(random()) >> (random() % 60)) + "," + real + "," + date + ",w" +
            std::to_string(random() % 100'000) + "\n";
  }
  test::spit(dir.file("n.csv"), text);
  save(dir.file("n.npy"), read_csv(dir.file("n.csv")));
  const auto done = test::run_numpy(R"py(
import sys, numpy as np
got = np.load(sys.argv[1] + '/n.npy')
want = np.genfromtxt(sys.argv[1] + '/n.csv', delimiter=',', names=True, dtype=[('i', 'i8'), ('f', 'f8'), ('d', 'U19'), ('s', 'U6')], encoding='utf-8')
assert got.dtype == np.dtype([('i', '<i8'), ('f', '<f8'), ('d', '<M8[s]'), ('s', '<U6')]), got.dtype
assert (got['i'] == want['i']).all()
assert (got['f'].view('i8') == want['f'].view('i8')).all()
assert (got['d'] == want['d'].astype('M8[s]')).all()
assert (got['s'] == want['s']).all()
print('same')
)py",
                                    {dir.path().string()});
  EXPECT_EQ(done.out, "same\n") << done.err << "seed " << kOracleSeed;
}

TEST(CsvOracleTest, WhatWeWriteComesBack) {
  const test::ScratchDir dir;
  const DType dtype = DType::parse("b:?,i:i8,u:u8,h:f2,f:f4,d:f8,c:c16,s:S4,t:U5,w:M8[ms],e:m8[s]");
  const Array table = empty({2000}, dtype);
  std::mt19937_64 random(kOracleSeed);
  for (std::int64_t i = 0; i < table.nbytes(); ++i) table.mutable_data()[i] = static_cast<std::byte>(random());
  for (const char* name : {"s", "t"}) fill(table[name], "");
  const std::vector<std::string> texts = {"a", "b\"c", "d,e", "\r\n", " x ", "ä", "", "NA"};
  for (std::int64_t i = 0; i < 2000; ++i) {
    fill(table["b"](i), random() % 2 == 0);
    fill(table["s"](i), texts[random() % texts.size()]);
    fill(table["t"](i), texts[random() % texts.size()]);
    fill(table["w"](i), i == 7 ? INT64_MIN : static_cast<std::int64_t>(random() % (std::uint64_t{1} << 47)));
  }
  write_csv(dir.file("t.csv"), table);
  const Array back = read_csv(dir.file("t.csv"), {.dtype = dtype});
  EXPECT_EQ(back.shape(), table.shape());
  for (const Field& field : dtype.fields())
    EXPECT_TRUE(array_equal(back[field.name], table[field.name], true)) << field.name << ", seed " << kOracleSeed;
  const auto done = test::run_numpy(R"py(
import csv, sys
rows = list(csv.reader(open(sys.argv[1] + '/t.csv', newline='', encoding='utf-8')))
assert len(rows) == 2001 and all(len(row) == 11 for row in rows)
assert rows[0] == list('biuhfdcstwe') and rows[8][9] == 'NaT', rows[8]
print('read')
)py",
                                    {dir.path().string()});
  EXPECT_EQ(done.out, "read\n") << done.err;
}

TEST(CsvOracleTest, WrittenTables) {
  const auto written = [](const Array& array, const WriteCsvOptions& options = {}) {
    std::string out;
    write_csv(*memory_sink(out), array, options);
    return out;
  };
  EXPECT_EQ(written(arange(6).reshape({2, 3}).T()), "0,3\n1,4\n2,5\n");
  EXPECT_EQ(written(array({1.0, 0.1, 1e300})), "1.0\n0.1\n1e+300\n");
  EXPECT_EQ(written(arange(2), {.names = {"x"}}), "x\n0\n1\n");
  EXPECT_EQ(test::code_of([&] { static_cast<void>(written(zeros({2, 2, 2}))); }), ErrorCode::NotSupported);
  EXPECT_EQ(test::code_of([&] { static_cast<void>(written(zeros({}))); }), ErrorCode::NotSupported);
  EXPECT_EQ(test::code_of([&] { static_cast<void>(written(arange(2), {.names = {"x", "y"}})); }), ErrorCode::Usage);
}

TEST(CsvOracleTest, MutatedTextOnlyEverThrowsError) {
  std::mt19937 random(kOracleSeed);
  SCOPED_TRACE("seed " + std::to_string(kOracleSeed));
  const std::string good =
      "date,delay,name\n2001-01-01T00:01,33,\"a,\"\"b\"\"\"\n2001-01-01T00:12,-112,ü\n2001-01-02,1e5,\"x\ny\"\n";
  constexpr std::string_view kAlphabet = ",\"\n\r0123456789-+eE.:T \t#\xc3\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (unsigned i = 0; i <= random() % 5; ++i) {
      const std::size_t at = random() % text.size();
      random() % 3 == 0 ? static_cast<void>(text.erase(at, 1 + random() % 4))
                        : static_cast<void>(text[at] = kAlphabet[random() % kAlphabet.size()]);
      if (text.size() < 10) break;
    }
    const CsvOptions options{.comment = round % 2 == 0 ? '#' : '\0',
                             .missing = round % 3 == 0 ? std::optional<std::string>("0") : std::nullopt};
    try {
      static_cast<void>(test::csv(text, options));
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::Format || error.code() == ErrorCode::Usage) << error.what();
    }
  }
}

}  // namespace
}  // namespace ndshare
