/// Attributes of an array as the text that travels and is stored: one JSON object of strings.
///   Threads: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ndshare::internal {

/// {"unit": "USD"} → the text {"unit":"USD"}; no attributes give the empty text.
///   Errors: Usage for names or values that are not UTF-8 (the name is in the message).
std::string encode_attrs(const std::map<std::string, std::string>& attrs);

/// The reverse. Values that are not strings (other writers may put numbers there) come back as their JSON text.
///   Errors: Damaged where the text is not a JSON object.
std::map<std::string, std::string> decode_attrs(std::string_view text);

}  // namespace ndshare::internal
