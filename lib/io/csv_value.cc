#include "lib/io/csv_value.h"

#include <ndshare/half.h>

#include "lib/array/datetime.h"
#include "lib/io/utf8.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <complex>
#include <cstdlib>
#include <cstring>
#include <string>

#include <locale.h>

namespace ndshare::internal {
namespace {

template <class T>
bool store(std::byte* element, T value) noexcept {
  std::memcpy(element, &value, sizeof value);
  return true;
}

constexpr std::array<double, 9> kPowersOfTen = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};

/// "-12.75": at most 7 digits, a point, at most 8 digits. Exact: both parts of the quotient are doubles as they are.
/// Source: W. D. Clinger, How to Read Floating Point Numbers Accurately (1990).
std::optional<double> short_real(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.size() < 3 || text.size() > 16) return std::nullopt;
  const std::uint64_t points = zero_bytes(load_word(text.data()) ^ in_every_byte('.'));
  const auto whole = static_cast<std::size_t>(std::countr_zero(points)) / 8, part = text.size() - whole - 1;
  std::uint64_t high = 0, low = 0;
  if (points == 0 || whole == 0 || whole + 2 > text.size() || part > 8 || !read_digits(text.data(), whole, high) ||
      !read_digits(text.data() + whole + 1, part, low)) {
    return std::nullopt;
  }
  const double scale = kPowersOfTen[part];
  const double value = (static_cast<double>(high) * scale + static_cast<double>(low)) / scale;
  return negative ? -value : value;
}

template <class T>
std::optional<T> real(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.front() == '+' || text.back() == ')') return std::nullopt;  // no "+-1", no "nan(tag)"
  T value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc{}) return value;
  // Out of range: from_chars does not say which way, strtod does; a number it is by now.
  static const locale_t plain = ::newlocale(LC_ALL_MASK, "C", nullptr);
  const std::string copy(text);
  if constexpr (std::is_same_v<T, float>) return ::strtof_l(copy.c_str(), nullptr, plain);
  return static_cast<T>(::strtod_l(copy.c_str(), nullptr, plain));
}

/// Two digits at `p`, or −1.
int two_digits(const char* p) noexcept {
  const auto a = static_cast<unsigned>(p[0]) - '0', b = static_cast<unsigned>(p[1]) - '0';
  return a > 9 || b > 9 ? -1 : static_cast<int>(10 * a + b);
}

/// Ticks of `unit` in a second, for units of a second and below down to ns; 0 for others.
std::int64_t ticks_per_second(TimeUnit unit) noexcept {
  switch (unit) {
    case TimeUnit::s:
      return 1;
    case TimeUnit::ms:
      return 1'000;
    case TimeUnit::us:
      return 1'000'000;
    case TimeUnit::ns:
      return 1'000'000'000;
    default:
      return 0;
  }
}

}  // namespace

std::optional<bool> truth_value(std::string_view text) noexcept {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

std::optional<double> real_value(std::string_view text) noexcept {
  const auto value = short_real(text);
  return value ? value : real<double>(text);
}
std::optional<float> real_value_float(std::string_view text) noexcept { return real<float>(text); }

bool DateReader::find_month(int year, int month) {
  if (month < 1 || month > 12) return false;
  if (year != year_ || month != month_) {
    month_start_ = days_from_civil({year, month, 1});
    const CivilDate following{month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1};
    month_days_ = static_cast<int>(days_from_civil(following) - month_start_);
    year_ = year;
    month_ = month;
  }
  return true;
}

[[gnu::always_inline]] inline bool DateReader::read(std::string_view text, Moment& moment) {
  const char* const p = text.data();
  if (text.size() != 10 && text.size() != 16 && text.size() != 19) return false;
  if (const std::uint64_t month_text = load_word(p); month_text != month_text_) {
    const int century = two_digits(p), year = two_digits(p + 2), month = two_digits(p + 5);
    if (p[4] != '-' || p[7] != '-' || century < 0 || year < 0 || !find_month(100 * century + year, month)) {
      return false;
    }
    month_text_ = month_text;
  }
  const int day = two_digits(p + 8);
  if (day < 1 || day > month_days_) return false;
  moment.days = month_start_ + day - 1;
  if (text.size() == 10) return true;
  const int hour = two_digits(p + 11), minute = two_digits(p + 14);
  if ((p[10] != 'T' && p[10] != ' ') || p[13] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59) {
    return false;
  }
  moment.seconds = 3600 * hour + 60 * minute;
  moment.precision = TimeUnit::m;
  if (text.size() == 16) return true;
  const int second = two_digits(p + 17);
  if (p[16] != ':' || second < 0 || second > 59) return false;
  moment.seconds += second;
  moment.precision = TimeUnit::s;
  return true;
}

std::optional<TimeUnit> DateReader::unit_of(std::string_view text) {
  Moment moment;
  if (read(text, moment)) return moment.precision;
  const bool digit = !text.empty() && text.back() >= '0' && text.back() <= '9';
  // Numbers, words and NaT are no dates: a date has a '-' behind its year, and ends with a digit or Z.
  if (text.find('-', 1) == std::string_view::npos || (!digit && text.back() != 'Z')) return std::nullopt;
  return infer_datetime_unit(text);
}

[[gnu::always_inline]] inline bool DateReader::usual_count(std::string_view text, TimeUnit unit, std::int64_t& count) {
  Moment moment;
  if (!read(text, moment) || moment.precision > unit) return false;
  count = moment.days;
  if (unit == TimeUnit::D) return true;
  if (unit == TimeUnit::m) {
    count = moment.days * 1440 + moment.seconds / 60;
    return true;
  }
  const std::int64_t ticks = ticks_per_second(unit);
  return ticks != 0 && !__builtin_mul_overflow(moment.days * 86400 + moment.seconds, ticks, &count);
}

std::optional<std::int64_t> DateReader::count_of(std::string_view text, TimeUnit unit, std::int32_t multiple) {
  std::int64_t count = 0;
  if (multiple == 1 && usual_count(text, unit, count)) return count;
  return parse_datetime(text, unit, multiple);
}

template <class T>
[[gnu::always_inline]] inline bool ValueParser::parse_integer(std::string_view text, std::byte* element) {
  if (const auto value = short_integer(text)) {
    const auto narrow = static_cast<T>(*value);
    const bool fits = static_cast<std::int64_t>(narrow) == *value && (std::is_signed_v<T> || *value >= 0);
    return fits && store(element, narrow);
  }
  return parse_any_integer<T>(trimmed(text), element);
}

template <class T>
[[gnu::noinline]] bool ValueParser::parse_any_integer(std::string_view text, std::byte* element) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  T value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc{} && stop == text.data() + text.size() && store(element, value);
}

template <class T>
bool ValueParser::parse_real(std::string_view text, std::byte* element) {
  if constexpr (std::is_same_v<T, double>) {
    const auto value = real_value(trimmed(text));
    return value && store(element, *value);
  } else if constexpr (std::is_same_v<T, Half>) {
    const auto value = real_value(trimmed(text));
    return value && store(element, Half::rounded(*value));
  } else {
    const auto value = real_value_float(trimmed(text));
    return value && store(element, *value);
  }
}

/// "1", "2j", "1+2j", "(1+2j)", with NaN and inf in either part.
template <class T>
bool ValueParser::parse_complex(std::string_view text, std::byte* element) {
  text = trimmed(text);
  if (text.size() > 2 && text.front() == '(' && text.back() == ')') text = trimmed(text.substr(1, text.size() - 2));
  if (text.empty() || (text.back() != 'j' && text.back() != 'J')) {
    const auto value = real_value(text);
    return value && store(element, std::complex<T>(static_cast<T>(*value), 0));
  }
  text.remove_suffix(1);
  // The sign between the parts: the last one that does not belong to an exponent.
  std::size_t split = text.size();
  while (split-- > 1) {
    const bool sign = text[split] == '+' || text[split] == '-';
    if (sign && text[split - 1] != 'e' && text[split - 1] != 'E') break;
  }
  if (text.size() < 2 || split == std::string_view::npos) split = 0;
  const auto re = split == 0 ? std::optional<double>(0.0) : real_value(text.substr(0, split));
  const auto im = real_value(text.substr(split));
  return re && im && store(element, std::complex<T>(static_cast<T>(*re), static_cast<T>(*im)));
}

bool ValueParser::parse_bool(std::string_view text, std::byte* element) {
  text = trimmed(text);
  auto value = truth_value(text);
  if (text == "1" || text == "0") value = text == "1";
  return value && store(element, static_cast<std::uint8_t>(*value ? 1 : 0));
}

bool ValueParser::parse_bytes(std::string_view text, std::byte* element) {
  const std::size_t room = itemsize_;
  if (text.size() > room) return false;
  if (!text.empty()) std::memcpy(element, text.data(), text.size());
  std::memset(element + text.size(), 0, room - text.size());
  return true;
}

[[gnu::always_inline]] inline bool ValueParser::parse_str(std::string_view text, std::byte* element) {
  const std::size_t room = itemsize_ / 4;
  std::size_t count = 0, at = 0;
  while (at < text.size()) {
    // Eight characters at once where all are ASCII, nearly always; those behind the end are zeros, as the rest must be.
    std::uint64_t word = load_word(text.data() + at);
    const std::size_t left = text.size() - at;
    if (left < 8) word &= (std::uint64_t{1} << (8 * left)) - 1;
    if ((word & (kOnes << 7)) == 0) {
      if (std::min<std::size_t>(left, 8) > room - count) return false;
      const std::size_t end = std::min(count + 8, room);
      for (std::size_t i = count; i < end; ++i, word >>= 8) store(element + 4 * i, static_cast<char32_t>(word & 0xFF));
      count = end;
      at += 8;
      continue;
    }
    const auto code_point = count == room ? std::nullopt : utf8_next(text, at);
    if (!code_point) return false;
    store(element + 4 * count++, *code_point);
  }
  if (count < room) std::memset(element + 4 * count, 0, 4 * (room - count));
  return true;
}

[[gnu::always_inline]] inline bool ValueParser::parse_datetime64(std::string_view text, std::byte* element) {
  std::int64_t usual = 0;
  if (multiple_ == 1 && dates_.usual_count(text, unit_, usual)) return store(element, usual);
  const auto count = dates_.count_of(trimmed(text), unit_, multiple_);
  return count && store(element, *count);
}

bool ValueParser::parse_timedelta64(std::string_view text, std::byte* element) {
  text = trimmed(text);
  if (text == "NaT") return store(element, kNat);
  return parse_integer<std::int64_t>(text, element);
}

template <auto kParse>
std::size_t ValueParser::parse_while(const CsvColumnFields& column, std::size_t from, const MissingTexts& missing,
                                     std::byte* element, std::int64_t stride) {
  const bool text = dtype_.is_text();
  std::size_t row = from;
  for (; row < column.rows; ++row, element += stride) {
    const CsvField& field = column[row];
    const std::string_view value = field.raw();
    if (field.escaped) break;
    if (!text && (value.empty() || (missing.may_begin(value.front()) && missing.contains(trimmed(value))))) break;
    if (!(this->*kParse)(value, element)) break;
  }
  return row - from;
}

ValueParser::ValueParser(const DType& dtype) : dtype_(dtype) {
  const Methods methods = methods_of(dtype);
  parse_ = methods.one;
  parse_usual_ = methods.many;
  itemsize_ = static_cast<std::size_t>(dtype.itemsize());
  if (!dtype.is_time()) return;
  unit_ = dtype.unit();
  multiple_ = dtype.unit_multiple();
}

ValueParser::Methods ValueParser::methods_of(const DType& dtype) {
  switch (dtype.id()) {
    case TypeId::bool_:
      return methods<&ValueParser::parse_bool>();
    case TypeId::int8:
      return methods<&ValueParser::parse_integer<std::int8_t>>();
    case TypeId::int16:
      return methods<&ValueParser::parse_integer<std::int16_t>>();
    case TypeId::int32:
      return methods<&ValueParser::parse_integer<std::int32_t>>();
    case TypeId::int64:
      return methods<&ValueParser::parse_integer<std::int64_t>>();
    case TypeId::uint8:
      return methods<&ValueParser::parse_integer<std::uint8_t>>();
    case TypeId::uint16:
      return methods<&ValueParser::parse_integer<std::uint16_t>>();
    case TypeId::uint32:
      return methods<&ValueParser::parse_integer<std::uint32_t>>();
    case TypeId::uint64:
      return methods<&ValueParser::parse_integer<std::uint64_t>>();
    case TypeId::float16:
      return methods<&ValueParser::parse_real<Half>>();
    case TypeId::float32:
      return methods<&ValueParser::parse_real<float>>();
    case TypeId::float64:
      return methods<&ValueParser::parse_real<double>>();
    case TypeId::complex64:
      return methods<&ValueParser::parse_complex<float>>();
    case TypeId::complex128:
      return methods<&ValueParser::parse_complex<double>>();
    case TypeId::bytes:
      return methods<&ValueParser::parse_bytes>();
    case TypeId::str:
      return methods<&ValueParser::parse_str>();
    case TypeId::datetime64:
      return methods<&ValueParser::parse_datetime64>();
    default:
      return methods<&ValueParser::parse_timedelta64>();
  }
}

}  // namespace ndshare::internal
