#include "lib/io/zip_handle.h"

#include "lib/io/file.h"
#include "lib/io/utf8.h"

#include <algorithm>

namespace ndshare::internal {

void zip_failure(std::string_view action, std::string_view file, zip_error_t* error) {
  const std::string reason = zip_error_strerror(error);
  const int code = zip_error_code_zip(error);
  const bool system = zip_error_system_type(error) == ZIP_ET_SYS || code == ZIP_ER_NOENT || code == ZIP_ER_OPEN;
  const std::string message = "cannot " + std::string(action) + " " + std::string(file) + ": " + reason;
  throw Error(system                  ? ErrorCode::Io
              : code == ZIP_ER_MEMORY ? ErrorCode::Memory
                                      : ErrorCode::Format,
              message, {{"file", std::string(file)}, {"zip_error", std::to_string(code)}});
}

std::string_view npz_name_fault(std::string_view name) noexcept {
  if (name.empty()) return "is empty";
  if (name.size() > 1024) return "is longer than 1024 bytes";
  if (!utf8_count(name)) return "is not UTF-8";
  const auto odd = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\'; };
  if (std::any_of(name.begin(), name.end(), odd)) return "has a backslash or control bytes";
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t slash = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, slash - at);
    if (part.empty() || part == "." || part == "..") return "is a path with an empty, '.' or '..' part";
    at = slash + 1;
  }
  return {};
}

}  // namespace ndshare::internal
