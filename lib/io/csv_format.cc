#include "lib/io/csv_format.h"

#include <ndshare/half.h>

#include "lib/array/datetime.h"
#include "lib/array/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <complex>
#include <cstring>

namespace ndshare::internal {
namespace {

constexpr std::size_t kNumberRoom = 48;  ///< bytes of the longest number, and more

template <class T>
T load_element(const std::byte* element) noexcept {
  T value{};
  std::memcpy(&value, element, sizeof value);
  return value;
}

template <class T>
void append_integer(std::string& out, T value) {
  std::array<char, 24> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

/// The shortest digits that read back the same; always to be seen as a float ("1.0", "1e+20") where `point`.
template <class T>
char* put_real(char* to, T value, bool point = true) {
  if (std::isnan(value)) return std::copy_n("nan", 3, to);
  char* const end = std::to_chars(to, to + kNumberRoom, value).ptr;
  const bool seen = std::any_of(to, end, [](char c) { return c == '.' || c == 'e' || c == 'n'; });
  return point && !seen ? std::copy_n(".0", 2, end) : end;
}

template <class T>
void append_real(std::string& out, T value, bool point = true) {
  std::array<char, kNumberRoom> digits{};
  out.append(digits.data(), put_real(digits.data(), value, point));
}

template <class T>
void append_complex(std::string& out, std::complex<T> value) {
  append_real(out, value.real(), false);
  if (!std::signbit(value.imag()) || std::isnan(value.imag())) out += '+';
  append_real(out, value.imag(), false);
  out += 'j';
}

char* put_two_digits(char* to, std::int64_t value) noexcept {
  to[0] = static_cast<char>('0' + value / 10);
  to[1] = static_cast<char>('0' + value % 10);
  return to + 2;
}

}  // namespace

CsvFormatter::CsvFormatter(const std::vector<CsvOutColumn>& columns, char delimiter, char quote)
    : columns_(columns), delimiter_(delimiter), quote_(quote) {
  for (std::size_t c = 1; c < plain_.size(); ++c) {
    const char character = static_cast<char>(c);
    plain_[c] = character != delimiter && character != quote && character != '\n' && character != '\r';
  }
  for (const CsvOutColumn& column : columns) {
    const std::int64_t itemsize = column.dtype.itemsize();
    const auto room = column.dtype.is_text() ? static_cast<std::size_t>(itemsize) : kNumberRoom;
    plans_.push_back({column.offset, itemsize, room, put_of(column.dtype)});
    row_room_ += room + 1;
  }
}

CsvFormatter::Put CsvFormatter::put_of(const DType& dtype) const {
  const std::string_view in_dates = "0123456789-:T";
  const bool plain_dates =
      std::all_of(in_dates.begin(), in_dates.end(), [&](char c) { return plain_[static_cast<std::size_t>(c)]; });
  if (dtype.id() == TypeId::str) return &CsvFormatter::put_text<char32_t>;
  if (dtype.id() == TypeId::bytes) return &CsvFormatter::put_text<unsigned char>;
  if (dtype.id() == TypeId::datetime64 && dtype.unit_multiple() == 1 && plain_dates) {
    if (dtype.unit() == TimeUnit::D) return &CsvFormatter::put_date<TimeUnit::D>;
    if (dtype.unit() == TimeUnit::m) return &CsvFormatter::put_date<TimeUnit::m>;
    if (dtype.unit() == TimeUnit::s) return &CsvFormatter::put_date<TimeUnit::s>;
  }
  Put put = &CsvFormatter::put_other;
  if (dtype.is_bool() || dtype.is_text() || dtype.is_time()) return put;
  visit_numeric(dtype.id(), [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>) {
    } else if constexpr (std::is_integral_v<T> || std::is_floating_point_v<T>) {
      put = &CsvFormatter::put_number<T>;
    }
  });
  return put;
}

template <class T>
char* CsvFormatter::put_number(const std::byte* element, std::int64_t, char* to) {
  const T value = load_element<T>(element);
  if constexpr (std::is_floating_point_v<T>)
    return put_real(to, value);
  else
    return std::to_chars(to, to + kNumberRoom, value).ptr;
}

template <TimeUnit kUnit>
char* CsvFormatter::put_date(const std::byte* element, std::int64_t, char* to) {
  constexpr std::int64_t kPerDay = kUnit == TimeUnit::D ? 1 : kUnit == TimeUnit::m ? 1440 : 86400;
  const auto count = load_element<std::int64_t>(element);
  if (count == kNat) return nullptr;
  const std::int64_t day = count / kPerDay - (count % kPerDay < 0 ? 1 : 0);
  if (day != day_) {
    constexpr std::int64_t kYearZero = -719'528, kYear10000 = 2'932'897;  // days since 1970: four digits of the year
    if (day < kYearZero || day >= kYear10000) return nullptr;
    const std::string text = datetime_to_string(day, TimeUnit::D, 1);
    std::copy_n(text.data(), day_text_.size(), day_text_.data());
    day_ = day;
  }
  to = std::copy(day_text_.begin(), day_text_.end(), to);
  if constexpr (kUnit == TimeUnit::D) return to;
  const std::int64_t minutes = (count - day * kPerDay) / (kPerDay / 1440);
  *to++ = 'T';
  to = put_two_digits(to, minutes / 60);
  *to++ = ':';
  to = put_two_digits(to, minutes % 60);
  if constexpr (kUnit == TimeUnit::m) return to;
  *to++ = ':';
  return put_two_digits(to, count - day * kPerDay - minutes * 60);
}

/// ASCII that needs no quotes.
template <class Character>
char* CsvFormatter::put_text(const std::byte* element, std::int64_t itemsize, char* to) {
  const auto length = static_cast<std::size_t>(itemsize) / sizeof(Character);
  std::size_t count = 0;
  bool plain = true;
  Character c = 0;
  for (; count < length; ++count) {
    c = load_element<Character>(element + count * sizeof(Character));
    if (c == 0) break;
    plain = plain && c < plain_.size() && plain_[c];
    to[count] = static_cast<char>(c);
  }
  if (count == 0 || !plain || to[0] == ' ' || to[count - 1] == ' ') return nullptr;
  for (std::size_t i = count; i < length; ++i) {  // a NUL within a text is part of it
    if (load_element<Character>(element + i * sizeof(Character)) != 0) return nullptr;
  }
  return to + count;
}

void CsvFormatter::append_rows(std::string& out, const std::byte* row, std::int64_t stride, std::int64_t rows) {
  std::size_t used = out.size();
  for (; rows > 0; --rows, row += stride) {
    if (out.size() - used < row_room_) out.resize(std::max(2 * out.size(), used + 64 * row_room_));
    char* to = out.data() + used;
    std::size_t left = row_room_;
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      const Plan& plan = plans_[i];
      char* end = (this->*plan.put)(row + plan.offset, plan.itemsize, to);
      left -= plan.room + 1;
      if (end == nullptr) {
        out.resize(static_cast<std::size_t>(to - out.data()));
        append(out, columns_[i].dtype, row + plan.offset);
        used = out.size();
        out.resize(used + 1 + left);
        end = out.data() + used;
      }
      *end++ = i + 1 == plans_.size() ? '\n' : delimiter_;
      to = end;
    }
    used = static_cast<std::size_t>(to - out.data());
  }
  out.resize(used);
}

void CsvFormatter::append(std::string& out, const DType& dtype, const std::byte* element) {
  if (dtype.is_bool()) {
    out += *element == std::byte{0} ? "False" : "True";
  } else if (dtype.is_text()) {
    append_text(out, text_of(dtype, element));
  } else if (dtype.id() == TypeId::datetime64) {
    append_text(out, datetime_to_string(load_element<std::int64_t>(element), dtype.unit(), dtype.unit_multiple()));
  } else if (dtype.id() == TypeId::timedelta64) {
    const auto count = load_element<std::int64_t>(element);
    count == kNat ? static_cast<void>(out += "NaT") : append_integer(out, count);
  } else {
    append_number(out, dtype.id(), element);
  }
}

void CsvFormatter::append_text(std::string& out, std::string_view text) const {
  const std::array<char, 4> odd = {delimiter_, quote_, '\n', '\r'};
  const bool spaces = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (!text.empty() && !spaces &&
      text.find_first_of(std::string_view(odd.data(), odd.size())) == std::string_view::npos) {
    out += text;
    return;
  }
  out += quote_;
  for (const char c : text) out.append(c == quote_ ? 2 : 1, c);
  out += quote_;
}

void CsvFormatter::append_number(std::string& out, TypeId id, const std::byte* element) {
  visit_numeric(id, [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>) {
    } else if constexpr (std::is_integral_v<T>) {
      append_integer(out, load_element<T>(element));
    } else if constexpr (std::is_same_v<T, Half>) {
      append_real(out, static_cast<float>(load_element<Half>(element)));
    } else if constexpr (std::is_floating_point_v<T>) {
      append_real(out, load_element<T>(element));
    } else {
      append_complex(out, load_element<T>(element));
    }
  });
}

std::string_view CsvFormatter::text_of(const DType& dtype, const std::byte* element) {
  if (dtype.id() == TypeId::bytes) return read_bytes(element, dtype.itemsize());
  scratch_.clear();
  for (const char32_t c : read_str(element, dtype.length())) append_utf8(scratch_, c);
  return scratch_;
}

}  // namespace ndshare::internal
