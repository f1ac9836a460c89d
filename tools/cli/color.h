/// Colours for people: on terminals only, and never with NO_COLOR (no-color.org) or TERM=dumb.
#pragma once

#include <string>
#include <string_view>

#include "tools/cli/verb.h"

namespace ndshare::cli {

enum class Color : std::uint8_t { plain, red, green, yellow, faint, bold };

/// `text` in a colour where the context has colours, else as it is.
[[nodiscard]] std::string paint(const Context& context, Color color, std::string_view text);

/// Whether standard output may have colours: what main() asks once.
[[nodiscard]] bool output_has_colors();

}  // namespace ndshare::cli
