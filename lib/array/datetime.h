// Dates and spans as int64 counts of a unit: the arithmetic of NumPy's datetime64 on the proleptic Gregorian calendar,
// no leap seconds, and its ISO 8601 text. Used by printing and by the CSV reader.
#pragma once

#include <ndshare/dtype.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ndshare::internal {

/// Not-a-time.
inline constexpr std::int64_t kNat = INT64_MIN;

/// NumPy's text of a datetime64 count: "2001-01-01T00:01", "2001-03", "NaT".
std::string datetime_to_string(std::int64_t count, TimeUnit unit, std::int32_t multiple);

/// Reads NumPy's ISO text ("2001", "2001-01-01", "2001-01-01T00:01", "2001-01-01 00:01:02.5Z", "NaT", ""; also
/// "-0044-03-15"). Nothing when the text is no date, is more precise than `unit` (unless `truncate`), or does not fit.
std::optional<std::int64_t> parse_datetime(std::string_view text, TimeUnit unit, std::int32_t multiple,
                                           bool truncate = false);

/// The coarsest unit that holds `text` exactly, as np.datetime64(text) infers it; nothing when it is no date.
std::optional<TimeUnit> infer_datetime_unit(std::string_view text);

/// Days since 1970-01-01 of a proleptic Gregorian date, and back. Years are astronomical (0 is 1 BC).
struct CivilDate {
  std::int64_t year = 1970;
  int month = 1, day = 1;
};
std::int64_t days_from_civil(CivilDate date);
CivilDate civil_from_days(std::int64_t days);

/// The spelling of a unit: "ms".
std::string_view unit_name(TimeUnit unit) noexcept;
/// "[ms]", "[25s]", "" for generic.
std::string unit_suffix(TimeUnit unit, std::int32_t multiple);

}  // namespace ndshare::internal
