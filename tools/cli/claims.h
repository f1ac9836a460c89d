/// Claims for people and for programs: what `clients`, `locks`, `holders` and `repair` share.
#pragma once

#include <string>
#include <vector>

#include <ndshare/admin.h>

#include "tools/cli/describe.h"
#include "tools/cli/table.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {

/// The store's segments: claims are read there, whether a daemon runs or not (where none does, that is said).
///   Errors: NoSuchStore, with the way to start one; as admin::Inspector.
[[nodiscard]] admin::Inspector inspect(Context& context);

[[nodiscard]] Json to_json(const admin::ClaimInfo& claim);

/// "held", "waits for 12, 34", after "stopped, " or "dead, " where the process is that.
[[nodiscard]] std::string claim_state(const admin::ClaimInfo& claim);

/// Prints claims as JSON or as a table, with the array's name only where there may be several.
void print_claims(const std::vector<admin::ClaimInfo>& claims, bool with_array, bool wide, Context& context);

/// Prints a table at the terminal's width, or at 80 columns in a pipe; `wide`: nothing is cut.
void print_fitted(const Table& table, bool wide, Context& context);

}  // namespace ndshare::cli
