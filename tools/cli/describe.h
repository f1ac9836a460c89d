/// What the store says, as JSON for programs and as text for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <ndshare/admin.h>
#include <ndshare/array.h>
#include <ndshare/shared_array.h>

#include "tools/cli/verb.h"

namespace ndshare::cli {

using Json = nlohmann::ordered_json;

/// Named values that print as a JSON object or as lines "label  text".
class Record {
 public:
  /// `key` is the name in JSON; the label is the key with spaces, without its unit. An empty `text` leaves the line out
  /// for people.
  void add(std::string key, Json value, std::string text);
  void add_bytes(std::string key, std::uint64_t bytes);     ///< text "1.5 GiB"
  void add_count(std::string key, std::uint64_t count);     ///< text "12 345"
  void add_text(std::string key, const std::string& text);  ///< the same for both
  void print(Context& context) const;

 private:
  struct Line {
    std::string label, text;
  };
  Json json_ = Json::object();
  std::vector<Line> lines_;
};

/// As printable(), but with quotes as they are: dtypes and attributes have them, and nobody quotes the whole.
[[nodiscard]] std::string one_line(std::string_view text);

/// Prints one line of JSON. Text that is no UTF-8 is mended, never an error.
void print_json(std::ostream& out, const Json& value);

/// A dtype in few characters: structured ones as "date:M8[m],delay:i4,at:(x:f4,y:f4),m:(2, 3)i2", the others as NumPy
/// prints them.
[[nodiscard]] std::string compact_dtype(const DType& dtype);

/// "all", "10:20", "10:" (to the end).
[[nodiscard]] std::string rows_text(const Rows& rows);
/// As in C++: [first, last], −1 for the end.
[[nodiscard]] Json rows_json(const Rows& rows);

[[nodiscard]] Json to_json(const ArrayInfo& info);
/// [{rows pid unix_ns}]
[[nodiscard]] Json to_json(const std::vector<TornRows>& torn);
[[nodiscard]] Json to_json(const admin::ClientInfo& client);
/// The values of an array as nested lists (structured elements as objects, times as text, NaN as null).
[[nodiscard]] Json to_json_values(const Array& array);

/// What `start` and `status` print.
[[nodiscard]] Record describe(const admin::StatusInfo& status);

/// "filling", "torn", "snapshot", "sealed", "open": the first that it is.
[[nodiscard]] std::string_view state_name(const ArrayInfo& info);
/// "2026-11-23 02:15:00" in UTC.
[[nodiscard]] std::string format_time(std::uint64_t unix_ns);

}  // namespace ndshare::cli
