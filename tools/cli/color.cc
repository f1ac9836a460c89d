#include "tools/cli/color.h"

#include <array>
#include <cstdlib>

#include <unistd.h>

namespace ndshare::cli {

std::string paint(const Context& context, Color color, std::string_view text) {
  // ECMA-48 select graphic rendition, by the enumerators of Color.
  constexpr std::array<const char*, 6> codes = {"", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[1m"};
  if (!context.color || color == Color::plain) return std::string(text);
  return codes[static_cast<std::size_t>(color)] + std::string(text) + "\x1b[0m";
}

bool output_has_colors() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (refused != nullptr && *refused != '\0') return false;
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return false;
  return ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace ndshare::cli
