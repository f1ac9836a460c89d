#include "lib/wire/attrs.h"

#include <ndshare/error.h>

#include "lib/base/text.h"

#include <nlohmann/json.hpp>

namespace ndshare::internal {

using nlohmann::json;

std::string encode_attrs(const std::map<std::string, std::string>& attrs) {
  if (attrs.empty()) return {};
  json object = json::object();
  for (const auto& [name, value] : attrs) {
    try {
      static_cast<void>(json(name).dump() + json(value).dump());
    } catch (const json::exception&) {
      throw Error(ErrorCode::Usage, "attribute '" + printable(name) + "' is not UTF-8 text; encode its bytes first",
                  {{"attribute", printable(name)}});
    }
    object[name] = value;
  }
  return object.dump();
}

std::map<std::string, std::string> decode_attrs(std::string_view text) {
  std::map<std::string, std::string> attrs;
  if (text.empty()) return attrs;
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) {
    throw Error(ErrorCode::Damaged, "the attributes of an array are not a JSON object: '" + printable(text.substr(0, 80)) + "'");
  }
  for (const auto& [name, value] : object.items()) {
    attrs[name] = value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return attrs;
}

}  // namespace ndshare::internal
