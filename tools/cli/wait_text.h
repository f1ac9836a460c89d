/// Who waits for whom, from claims: `locks --graph`.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <ndshare/admin.h>

#include "tools/cli/describe.h"

namespace ndshare::cli {

/// Processes as nodes; an edge for each claim that waits and each process that it waits for.
class WaitPicture {
 public:
  explicit WaitPicture(const std::vector<admin::ClaimInfo>& claims);

  /// A tree a process that others wait for and that waits for nobody, then circles. Empty where nobody waits.
  [[nodiscard]] std::string text() const;
  /// {processes: [{pid command stopped dead}], waits: [{pid waits_for array mode rows since_s}], circles: [[pid]]}
  [[nodiscard]] Json json() const;
  /// Processes that wait for each other in a circle, each circle once. (Threads of one process that wait for each other
  /// are none.)
  [[nodiscard]] std::vector<std::vector<std::uint64_t>> circles() const;

 private:
  void add_waiters(std::uint64_t pid, const std::string& indent, std::set<std::uint64_t>& above,
                   std::string& out) const;
  [[nodiscard]] std::string process_text(std::uint64_t pid) const;
  [[nodiscard]] std::string held_text(std::uint64_t pid) const;
  void walk(std::uint64_t pid, std::vector<std::uint64_t>& path, std::set<std::uint64_t>& done,
            std::vector<std::vector<std::uint64_t>>& out) const;

  const std::vector<admin::ClaimInfo>& claims_;
  std::map<std::uint64_t, const admin::ClaimInfo*> processes_;  ///< one claim of each, for its command and state
  std::map<std::uint64_t, std::vector<const admin::ClaimInfo*>> waiters_;  ///< claims that wait for a process
  std::map<std::uint64_t, std::set<std::uint64_t>> waits_for_;
};

}  // namespace ndshare::cli
