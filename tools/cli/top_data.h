/// `top`: what a store does, from two looks at its segments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ndshare/admin.h>

#include "tools/cli/describe.h"

namespace ndshare::cli {

/// One look.
struct TopLook {
  double at_s = 0;  ///< monotonic
  admin::StatusInfo status;
  std::string note;  ///< "no daemon runs", "the daemon does not answer"; empty where all is well
  std::vector<admin::ClientInfo> clients;
  std::vector<admin::ArrayActivity> arrays;
  std::vector<admin::ClaimInfo> claims;
  std::vector<StreamInfo> streams;
};

/// Per second, between two looks.
struct TopRates {
  double reads = 0, views = 0, writes = 0, updates = 0, waits = 0, copied_bytes = 0;
  [[nodiscard]] double claims() const noexcept { return reads + views + writes + updates; }
};

struct TopClient {
  admin::ClientInfo info;
  TopRates rates;
  std::uint64_t waiting = 0;  ///< claims that it waits for
};

struct TopArray {
  admin::ArrayActivity activity;
  double changes_per_s = 0, tickets_per_s = 0;
  /// What `heat` sorts by.
  [[nodiscard]] double heat() const noexcept {
    return changes_per_s + tickets_per_s + static_cast<double>(activity.claims);
  }
};

struct TopStream {
  StreamInfo info;
  double published_per_s = 0;
};

/// Two looks, compared.
struct TopData {
  admin::StatusInfo status;
  std::string note;
  TopRates rates;  ///< of all clients
  std::vector<TopClient> clients;
  std::vector<TopArray> arrays;
  std::vector<admin::ClaimInfo> claims;
  std::vector<TopStream> streams;
  std::vector<std::uint64_t> pinned_by;  ///< pids whose claims keep old versions and removed arrays
};

/// Errors: as admin::Inspector; a daemon that does not answer within a second is a note, not an error.
[[nodiscard]] TopLook look(const std::string& store);
/// Clients, arrays and streams that only `now` has count from nothing; those that only `before` has are gone.
[[nodiscard]] TopData compare(const TopLook& before, const TopLook& now);
/// As tools/README.md has it.
[[nodiscard]] Json to_json(const TopData& data);

}  // namespace ndshare::cli
