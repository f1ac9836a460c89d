#include "lib/array/datetime.h"

#include "lib/array/wide.h"

#include <array>
#include <charconv>
#include <limits>

namespace ndshare::internal {

namespace {

// Counts are taken to 128 bits: 2^63 · a multiple of 2^31 must not overflow on the way.
struct WideDate {
  Int128 year = 1970;
  int month = 1, day = 1;
};

Int128 floor_div(Int128 a, Int128 b) { return a / b - (a % b < 0 ? 1 : 0); }  // b > 0

// Source: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms: 400-year eras of 146097 days from 0000-03-01.
Int128 wide_days(const WideDate& date) {
  const Int128 year = date.month <= 2 ? date.year - 1 : date.year;
  const Int128 era = floor_div(year, 400);
  const auto year_of_era = static_cast<int>(year - era * 400);
  const int day_of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

WideDate wide_date(Int128 days) {
  days += 719468;
  const Int128 era = floor_div(days, 146097);
  const auto day_of_era = static_cast<int>(days - era * 146097);
  const int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int shifted_month = (5 * day_of_year + 2) / 153;
  const int month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month, day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

constexpr std::array<int, 12> kMonthDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

int days_in_month(std::int64_t year, int month) {
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kMonthDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

std::string wide_to_string(Int128 value) {
  const bool negative = value < 0;
  std::string digits;
  do {
    const int digit = static_cast<int>(value % 10);
    digits.insert(digits.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    value /= 10;
  } while (value != 0);
  return negative ? "-" + digits : digits;
}

std::string padded(Int128 value, std::size_t width) {  // as printf's %0*d: the sign counts
  std::string text = wide_to_string(value);
  const std::size_t sign = value < 0 ? 1 : 0;
  if (text.size() < width) text.insert(sign, width - text.size(), '0');
  return text;
}

// How many units of seconds and below make a second: 1, 10^3, … 10^18.
std::int64_t per_second(TimeUnit unit) {
  std::int64_t ratio = 1;
  for (auto at = static_cast<int>(TimeUnit::s); at < static_cast<int>(unit); ++at) ratio *= 1000;
  return ratio;
}

std::int64_t seconds_per(TimeUnit unit) {  // W to s
  switch (unit) {
    case TimeUnit::W:
      return 604800;
    case TimeUnit::D:
      return 86400;
    case TimeUnit::h:
      return 3600;
    case TimeUnit::m:
      return 60;
    default:
      return 1;
  }
}

std::string date_text(const WideDate& date, TimeUnit unit) {
  std::string text = padded(date.year, 4);
  if (unit == TimeUnit::Y) return text;
  text += "-" + padded(date.month, 2);
  return unit == TimeUnit::M ? text : text + "-" + padded(date.day, 2);
}

}  // namespace

std::string datetime_to_string(std::int64_t count, TimeUnit unit, std::int32_t multiple) {
  if (count == kNat) return "NaT";
  if (unit == TimeUnit::generic) return std::to_string(count);
  const Int128 units = static_cast<Int128>(count) * multiple;
  if (unit == TimeUnit::Y) return date_text({1970 + units, 1, 1}, unit);
  if (unit == TimeUnit::M) {
    const Int128 years = floor_div(units, 12);
    return date_text({1970 + years, static_cast<int>(units - years * 12) + 1, 1}, unit);
  }
  const Int128 ratio = per_second(unit);
  const Int128 seconds = unit > TimeUnit::s ? floor_div(units, ratio) : units * seconds_per(unit);
  const Int128 days = floor_div(seconds, 86400);
  std::string text = date_text(wide_date(days), TimeUnit::D);
  if (unit <= TimeUnit::D) return text;
  const auto second_of_day = static_cast<int>(seconds - days * 86400);
  text += "T" + padded(second_of_day / 3600, 2);
  if (unit >= TimeUnit::m) text += ":" + padded(second_of_day / 60 % 60, 2);
  if (unit >= TimeUnit::s) text += ":" + padded(second_of_day % 60, 2);
  if (unit > TimeUnit::s) {
    const auto digits = static_cast<std::size_t>(3 * (static_cast<int>(unit) - static_cast<int>(TimeUnit::s)));
    text += "." + padded(units - seconds * ratio, digits);
  }
  return text;
}

namespace {

/// An ISO 8601 text taken apart; `unit` is the finest part that was written.
struct Parsed {
  std::int64_t year = 1970;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0;
  std::int64_t attoseconds = 0;
  int offset_minutes = 0;  // east of Greenwich
  TimeUnit unit = TimeUnit::Y;
  bool nat = false;
};

class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  std::optional<Parsed> read() {
    if (text_.empty() || text_ == "NaT" || text_ == "nat" || text_ == "NAT") {
      parsed_.nat = true;
      parsed_.unit = TimeUnit::generic;
      return parsed_;
    }
    if (!year() || !date() || !time() || !zone() || at_ != text_.size()) return std::nullopt;
    return parsed_;
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] bool digit() const { return peek() >= '0' && peek() <= '9'; }
  bool take(char c) {
    if (at_ >= text_.size() || peek() != c) return false;
    ++at_;
    return true;
  }

  bool two_digits(int& value, int low, int high, TimeUnit unit) {
    value = 0;
    for (int i = 0; i < 2; ++i) {
      if (!digit()) return false;
      value = value * 10 + (text_[at_++] - '0');
    }
    parsed_.unit = unit;
    return value >= low && value <= high;
  }

  bool year() {
    const bool negative = peek() == '-';
    if (negative || peek() == '+') ++at_;
    const std::size_t start = at_;
    constexpr std::int64_t kMost = 100'000'000'000'000'000;  // 10^17 years: beyond any unit but Y, M
    for (parsed_.year = 0; digit(); ++at_) {
      parsed_.year = parsed_.year * 10 + (peek() - '0');
      if (parsed_.year > kMost) return false;
    }
    if (at_ - start < (negative ? 3U : 4U)) return false;  // a sign is one of the four places
    if (negative) parsed_.year = -parsed_.year;
    return true;
  }

  bool date() {
    if (!take('-')) return true;
    if (!two_digits(parsed_.month, 1, 12, TimeUnit::M)) return false;
    if (!take('-')) return true;
    return two_digits(parsed_.day, 1, days_in_month(parsed_.year, parsed_.month), TimeUnit::D);
  }

  bool time() {
    if (parsed_.unit != TimeUnit::D || (!take('T') && !take(' '))) return true;
    if (!two_digits(parsed_.hour, 0, 23, TimeUnit::h)) return false;
    if (!take(':')) return true;
    if (!two_digits(parsed_.minute, 0, 59, TimeUnit::m)) return false;
    if (!take(':')) return true;
    if (!two_digits(parsed_.second, 0, 59, TimeUnit::s)) return false;
    return !take('.') || fraction();
  }

  bool fraction() {
    int digits = 0;
    for (; digit() && digits < 18; ++digits) parsed_.attoseconds = parsed_.attoseconds * 10 + (text_[at_++] - '0');
    if (digits == 0 || digit()) return false;
    parsed_.unit = static_cast<TimeUnit>(static_cast<int>(TimeUnit::s) + (digits + 2) / 3);
    for (; digits < 18; ++digits) parsed_.attoseconds *= 10;
    return true;
  }

  // "Z", "+02", "+0200", "-05:30": the moment is turned into UTC.
  bool zone() {
    if (parsed_.unit < TimeUnit::h || take('Z')) return true;
    const bool west = peek() == '-';
    if (!west && peek() != '+') return true;
    ++at_;
    const TimeUnit unit = parsed_.unit;
    int hours = 0;
    int minutes = 0;
    if (!two_digits(hours, 0, 23, unit)) return false;
    if (take(':') || digit()) {
      if (!two_digits(minutes, 0, 59, unit)) return false;
    }
    parsed_.offset_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Parsed parsed_;
};

/// A moment counted in a unit, and whether anything finer was left over.
struct Counted {
  Int128 units = 0;
  bool exact = true;
};

std::optional<Counted> count_in(const Parsed& date, TimeUnit unit) {
  const Int128 days = wide_days({date.year, date.month, date.day});
  const Int128 seconds = days * 86400 + date.hour * 3600 + date.minute * 60 + date.second - date.offset_minutes * 60;
  const bool fraction = date.attoseconds != 0;
  if (unit == TimeUnit::Y || unit == TimeUnit::M) {
    const Int128 day = floor_div(seconds, 86400);
    const WideDate utc = wide_date(day);
    const bool rest = fraction || seconds != day * 86400 || utc.day != 1;
    if (unit == TimeUnit::Y) return Counted{utc.year - 1970, !rest && utc.month == 1};
    return Counted{(utc.year - 1970) * 12 + utc.month - 1, !rest};
  }
  if (unit <= TimeUnit::s) {
    const Int128 ratio = seconds_per(unit);
    const Int128 units = floor_div(seconds, ratio);
    return Counted{units, !fraction && units * ratio == seconds};
  }
  const std::int64_t ratio = per_second(unit);
  const std::int64_t finer = 1'000'000'000'000'000'000 / ratio;
  Int128 units = 0;
  if (__builtin_mul_overflow(seconds, static_cast<Int128>(ratio), &units)) return std::nullopt;
  return Counted{units + date.attoseconds / finer, date.attoseconds % finer == 0};
}

}  // namespace

std::optional<std::int64_t> parse_datetime(std::string_view text, TimeUnit unit, std::int32_t multiple, bool truncate) {
  const auto parsed = DateReader(text).read();
  if (!parsed) return std::nullopt;
  if (parsed->nat) return kNat;
  if (unit == TimeUnit::generic) return std::nullopt;
  const auto counted = count_in(*parsed, unit);
  if (!counted) return std::nullopt;
  const Int128 count = floor_div(counted->units, multiple);
  const bool exact = counted->exact && count * multiple == counted->units;
  if (!exact && !truncate) return std::nullopt;
  if (count <= kNat || count > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return static_cast<std::int64_t>(count);
}

std::optional<TimeUnit> infer_datetime_unit(std::string_view text) {
  const auto parsed = DateReader(text).read();
  return parsed ? std::optional<TimeUnit>(parsed->unit) : std::nullopt;
}

std::int64_t days_from_civil(CivilDate date) {
  return static_cast<std::int64_t>(wide_days({date.year, date.month, date.day}));
}

CivilDate civil_from_days(std::int64_t days) {
  const WideDate date = wide_date(days);
  return {static_cast<std::int64_t>(date.year), date.month, date.day};
}

std::string_view unit_name(TimeUnit unit) noexcept {
  switch (unit) {
#define NDSHARE_TIME_UNIT(row, spelling, ratio) \
  case TimeUnit::row:                           \
    return spelling;
#include <ndshare/dtype_list.inc>
  }
  return "?";
}

std::string unit_suffix(TimeUnit unit, std::int32_t multiple) {
  if (unit == TimeUnit::generic) return {};
  return "[" + (multiple == 1 ? "" : std::to_string(multiple)) + std::string(unit_name(unit)) + "]";
}

}  // namespace ndshare::internal
