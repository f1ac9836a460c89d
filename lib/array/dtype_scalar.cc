// Spellings of dtypes without fields: names, codes with sizes, time units.
#include "lib/array/datetime.h"
#include "lib/array/dtype_record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace ndshare::internal {

namespace {

struct Spelled {
  std::string_view text;
  TypeId id;
};

// NumPy's names for the C types of 64-bit Linux, besides the names and codes of dtype_list.inc.
constexpr auto kAliases = std::to_array<Spelled>({
    {"bool_", TypeId::bool_},        {"bool8", TypeId::bool_},
    {"byte", TypeId::int8},          {"ubyte", TypeId::uint8},
    {"short", TypeId::int16},        {"ushort", TypeId::uint16},
    {"intc", TypeId::int32},         {"uintc", TypeId::uint32},
    {"int", TypeId::int64},          {"int_", TypeId::int64},
    {"uint", TypeId::uint64},        {"long", TypeId::int64},
    {"longlong", TypeId::int64},     {"ulonglong", TypeId::uint64},
    {"ulong", TypeId::uint64},       {"intp", TypeId::int64},
    {"uintp", TypeId::uint64},       {"q", TypeId::int64},
    {"int0", TypeId::int64},         {"uint0", TypeId::uint64},
    {"Q", TypeId::uint64},           {"p", TypeId::int64},
    {"P", TypeId::uint64},           {"half", TypeId::float16},
    {"single", TypeId::float32},     {"double", TypeId::float64},
    {"float", TypeId::float64},      {"float_", TypeId::float64},
    {"complex", TypeId::complex128}, {"complex_", TypeId::complex128},
    {"csingle", TypeId::complex64},  {"singlecomplex", TypeId::complex64},
    {"cdouble", TypeId::complex128}, {"cfloat", TypeId::complex128},
});

std::optional<TypeId> find_numeric(std::string_view text) {
#define NDSHARE_DTYPE(row, lane, name, kind, code, itemsize)                         \
  if (text == (name) || (text.size() == 1 && text[0] == (code))) return TypeId::row; \
  if (text.size() >= 2 && text[0] == (kind) && text.substr(1) == std::string_view(#itemsize)) return TypeId::row;
#include <ndshare/dtype_list.inc>
  const auto* alias =
      std::find_if(kAliases.begin(), kAliases.end(), [&](const Spelled& row) { return row.text == text; });
  if (alias != kAliases.end()) return alias->id;
  return std::nullopt;
}

template <class T>
bool read_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// "[25s]", "[m]" or nothing after datetime64, M8, M.
std::string read_unit(std::string_view text, TimeUnit& unit, std::int32_t& multiple) {
  if (text.empty()) return {};
  if (text.size() < 3 || text.front() != '[' || text.back() != ']') return "a time unit is written as in M8[ms]";
  text = text.substr(1, text.size() - 2);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits > 0 && (!read_number(text.substr(0, digits), multiple) || multiple < 1)) {
    return "the multiple of a time unit is 1 to 2147483647";
  }
  const auto found = find_unit(text.substr(digits));
  if (!found || (digits > 0 && *found == TimeUnit::generic)) {
    return "time units are Y M W D h m s ms us ns ps fs as, with a multiple as in M8[25s]";
  }
  unit = *found;
  return {};
}

bool read_time(std::string_view text, ScalarSpelling& result) {
  constexpr auto kPrefixes = std::to_array<std::pair<std::string_view, bool>>(
      {{"datetime64", true}, {"timedelta64", false}, {"M8", true}, {"m8", false}, {"M", true}, {"m", false}});
  for (const auto& [prefix, is_date] : kPrefixes) {
    if (!text.starts_with(prefix)) continue;
    const std::string_view rest = text.substr(prefix.size());
    if (!rest.empty() && rest.front() != '[') continue;
    TimeUnit unit = TimeUnit::generic;
    std::int32_t multiple = 1;
    result.problem = read_unit(rest, unit, multiple);
    if (result.problem.empty())
      result.dtype = is_date ? DType::datetime64(unit, multiple) : DType::timedelta64(unit, multiple);
    return true;
  }
  return false;
}

bool read_sized(std::string_view text, ScalarSpelling& result) {
  const char letter = text.front();
  if (letter != 'S' && letter != 'a' && letter != 'U' && letter != 'V') return false;
  std::int64_t length = 0;
  if (text.size() > 1 && !read_number(text.substr(1), length)) return false;
  if (length < 1) {
    result.problem = std::string("the length is missing or 0: write it as in ") + letter + "10";
  } else if (length > DType::kMaxItemsize / (letter == 'U' ? 4 : 1)) {
    result.problem = "an item over the limit of " + std::to_string(DType::kMaxItemsize) + " bytes";
  } else if (letter == 'V') {
    result.padding = length;
  } else {
    result.dtype = letter == 'U' ? DType::str(length) : DType::bytes(length);
  }
  return true;
}

// Well-known dtypes that are refused, and the way out.
std::string_view refusal(std::string_view text) {
  if (text == "O" || text == "object" || text == "object_" || text.starts_with("O8") || text.starts_with("|O")) {
    return "object dtypes hold pointers of one process: convert to a number, S<n> or U<n> first";
  }
  if (text == "longdouble" || text == "float128" || text == "f16" || text == "g" || text == "clongdouble" ||
      text == "complex256" || text == "c32" || text == "G") {
    return "extended precision differs between machines: use float64 or complex128";
  }
  if (text == "str" || text == "bytes" || text == "str_" || text == "bytes_" || text == "unicode") {
    return "the length is missing: write U10 for text of up to 10 characters, S10 for bytes";
  }
  return "not a dtype; examples: float32, <f8, i4, U10, S3, datetime64[ms], [('x', '<f4'), ('y', '<f4')]";
}

}  // namespace

std::optional<TimeUnit> find_unit(std::string_view spelling) noexcept {
#define NDSHARE_TIME_UNIT(row, text, ratio) \
  if (spelling == (text)) return TimeUnit::row;
#include <ndshare/dtype_list.inc>
  return std::nullopt;
}

ScalarSpelling parse_scalar_spelling(std::string_view text) {
  ScalarSpelling result;
  bool big = false;
  if (!text.empty() && (text[0] == '<' || text[0] == '>' || text[0] == '=' || text[0] == '|' || text[0] == '!')) {
    big = text[0] == '>' || text[0] == '!';
    text.remove_prefix(1);
  }
  if (text.empty()) {
    result.problem = "an empty dtype";
    return result;
  }
  if (const auto numeric = find_numeric(text)) {
    result.dtype = DType(*numeric);
  } else if (!read_time(text, result) && !read_sized(text, result)) {
    result.problem = refusal(text);
  }
  const bool one_byte = result.padding > 0 || result.dtype.id() == TypeId::bytes || result.dtype.itemsize() == 1;
  result.swapped = big && !one_byte;
  return result;
}

}  // namespace ndshare::internal
