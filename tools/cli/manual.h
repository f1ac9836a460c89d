/// Manual pages and exit statuses, from the tables of verbs, examples and errors.
#pragma once

#include <string>
#include <string_view>

#include "tools/cli/verb.h"
#include "tools/cli/verb_doc.h"

namespace ndshare::cli {

/// "0 done, 1 failed, …", with what is special of this verb.
[[nodiscard]] std::string exit_status_text(std::string_view verb);

/// ndshare(1) in man(7)'s macros.
[[nodiscard]] std::string manual_page(const CliDoc& doc);

/// Writes ndshare.1 and, as the daemon's program prints it, ndshared.8 into `folder`, which is made.
///   Errors: Io, NotSupported (no ndshared is found).
void write_manual_pages(const std::string& folder, Context& context);

}  // namespace ndshare::cli
