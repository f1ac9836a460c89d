// Calendar arithmetic and ISO text against NumPy.
#include <gtest/gtest.h>

#include "lib/array/datetime.h"
#include "tests/unit/array/numpy_cases.h"

namespace ndshare::internal {
namespace {

TEST(DatetimeTest, TextBothWaysAsNumpy) {
  const test::ScratchDir scratch;
  const test::Finished done = test::run_numpy(
      "import numpy as np, random, struct, sys\n"
      "rng = random.Random(int(sys.argv[2]))\n"
      "out = open(sys.argv[1], 'wb')\n"
      "units = 'Y M W D h m s ms us ns ps fs as'.split()\n"
      "for i in range(4000):\n"
      "    u = units[i % 13]\n"
      "    bits = rng.choice([6, 12, 20, 31, 44, 55])\n"
      "    n = rng.randint(-(1 << bits), 1 << bits)\n"
      "    for f in (u, str(n), str(np.datetime64(n, u))):\n"
      "        b = f.encode(); out.write(struct.pack('<I', len(b)) + b)\n",
      {scratch.file("dates"), std::to_string(test::test_seed())});
  ASSERT_EQ(done.status, 0) << done.err;
  const auto records = test::read_records(scratch.file("dates"), 3);
  ASSERT_EQ(records.size(), 4000U);
  for (const test::Record& record : records) {
    const TimeUnit unit = DType::parse("M8[" + record[0] + "]").unit();
    const std::int64_t count = std::stoll(record[1]);
    ASSERT_EQ(datetime_to_string(count, unit, 1), record[2]) << record[0] << " " << count;
    ASSERT_EQ(parse_datetime(record[2], unit, 1), count) << record[2];
  }
}

TEST(DatetimeTest, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_datetime("1970-01-02", TimeUnit::D, 1), 1);
  EXPECT_EQ(parse_datetime("1969-12-31", TimeUnit::D, 1), -1);
  EXPECT_EQ(parse_datetime("2000-02-29", TimeUnit::D, 1), 11016);
  EXPECT_EQ(parse_datetime("2001-01-01T00:01", TimeUnit::m, 1), parse_datetime("2001-01-01 00:01:00", TimeUnit::m, 1));
  EXPECT_EQ(parse_datetime("2001-01-01T00:01:02.5", TimeUnit::ms, 1), 978307262500);
  EXPECT_EQ(parse_datetime("1970-01-01T00:00:00Z", TimeUnit::s, 1), 0);
  EXPECT_EQ(parse_datetime("1970-01-01T02:00+02:00", TimeUnit::s, 1), 0);
  EXPECT_EQ(parse_datetime("1969-12-31T18:30-0530", TimeUnit::s, 1), 0);
  EXPECT_EQ(parse_datetime("-0001-01-01", TimeUnit::Y, 1), -1971);
  EXPECT_EQ(parse_datetime("-001-01-01", TimeUnit::Y, 1), -1971) << "as NumPy and we write it";
  EXPECT_EQ(parse_datetime("NaT", TimeUnit::s, 1), kNat);
  EXPECT_EQ(parse_datetime("", TimeUnit::s, 1), kNat);
}

TEST(DatetimeTest, RefusesWhatIsNoDateOrTooFine) {
  for (const char* text :
       {"2001-13-01", "2001-02-29", "2001-00-01", "2001-1-1", "2001-01-32", "2001-01-01T24:00", "2001-01-01T00:60",
        "2001-01-01T00:00:60", "2001-01-01x", "2001-01-01T", "today", "201", "99999999999999999999",
        "2001-01-01T00:00:00.", "2001-01-01T00:00:00.1234567890123456789", " 2001"}) {
    EXPECT_FALSE(parse_datetime(text, TimeUnit::as, 1).has_value()) << text;
  }
  EXPECT_FALSE(parse_datetime("2001-01-01T00:01", TimeUnit::h, 1).has_value());
  EXPECT_EQ(parse_datetime("2001-01-01T00:01", TimeUnit::h, 1, true), parse_datetime("2001-01-01T00", TimeUnit::h, 1));
  EXPECT_FALSE(parse_datetime("1970-01-01T00:00:26", TimeUnit::s, 25).has_value());
  EXPECT_EQ(parse_datetime("1970-01-01T00:00:26", TimeUnit::s, 25, true), 1);
  EXPECT_EQ(parse_datetime("1969-12-31T23:59:59", TimeUnit::s, 25, true), -1);
  EXPECT_FALSE(parse_datetime("2262-04-12", TimeUnit::ns, 1).has_value()) << "past 2^63 nanoseconds";
  EXPECT_TRUE(parse_datetime("2262-04-11", TimeUnit::ns, 1).has_value());
  EXPECT_FALSE(parse_datetime("99999999999999999", TimeUnit::as, 1).has_value());
}

TEST(DatetimeTest, InfersTheUnitThatWasWritten) {
  EXPECT_EQ(infer_datetime_unit("2001"), TimeUnit::Y);
  EXPECT_EQ(infer_datetime_unit("2001-01"), TimeUnit::M);
  EXPECT_EQ(infer_datetime_unit("2001-01-01T00:01"), TimeUnit::m);
  EXPECT_EQ(infer_datetime_unit("2001-01-01T00:01:00.1234"), TimeUnit::us);
  EXPECT_EQ(infer_datetime_unit("12"), std::nullopt);
}

TEST(DatetimeTest, ExtremesPrintWithoutOverflow) {
  EXPECT_EQ(datetime_to_string(INT64_MAX, TimeUnit::Y, 1), "9223372036854777777");
  EXPECT_EQ(datetime_to_string(INT64_MAX, TimeUnit::as, 1), "1970-01-01T00:00:09.223372036854775807");
  EXPECT_EQ(datetime_to_string(INT64_MIN + 1, TimeUnit::as, 1), "1969-12-31T23:59:50.776627963145224193");
  EXPECT_FALSE(datetime_to_string(INT64_MAX, TimeUnit::W, 2147483647).empty());
  for (std::int64_t day = -800000; day < 800000; day += 97) EXPECT_EQ(days_from_civil(civil_from_days(day)), day);
}

}  // namespace
}  // namespace ndshare::internal
