/// Error messages in log lines.
#pragma once

#include <string>
#include <string_view>

namespace ndshare::internal {

/// `message` with control bytes as spaces: one line of log, whatever is in it. Names in it were made printable already.
inline std::string one_line(std::string_view message) {
  std::string out(message);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return out;
}

}  // namespace ndshare::internal
