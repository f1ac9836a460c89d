#include "tools/cli/wait_text.h"

#include <algorithm>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

std::string claim_text(const admin::ClaimInfo& claim) {
  return claim.mode + " of '" + one_line(claim.array) + "' rows " + rows_text(claim.rows);
}

}  // namespace

WaitPicture::WaitPicture(const std::vector<admin::ClaimInfo>& claims) : claims_(claims) {
  for (const auto& claim : claims) processes_.try_emplace(claim.pid, &claim);
  for (const auto& claim : claims) {
    for (const auto blocker : claim.waits_for) {
      waiters_[blocker].push_back(&claim);
      if (blocker != claim.pid) waits_for_[claim.pid].insert(blocker);
    }
  }
}

std::string WaitPicture::process_text(std::uint64_t pid) const {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return std::to_string(pid);
  const auto& claim = *found->second;
  return std::to_string(pid) + " " + one_line(claim.command) +
         (claim.dead      ? " (dead)"
          : claim.stopped ? " (stopped)"
                          : "");
}

/// The claim that the first of those who wait is after, if it can be told.
std::string WaitPicture::held_text(std::uint64_t pid) const {
  const auto waiting = waiters_.find(pid);
  for (const auto& claim : claims_) {
    if (claim.pid != pid || claim.waiting || waiting == waiters_.end() || claim.mode == "view") continue;
    if (claim.array == waiting->second.front()->array)
      return "  holds " + claim_text(claim) + " for " + internal::format_seconds(claim.since_s);
  }
  return "";
}

void WaitPicture::add_waiters(std::uint64_t pid, const std::string& indent, std::set<std::uint64_t>& above,
                              std::string& out) const {
  const auto found = waiters_.find(pid);
  if (found == waiters_.end()) return;
  for (const auto* claim : found->second) {
    const bool last = claim == found->second.back();
    out += indent + (last ? "└─ " : "├─ ") + process_text(claim->pid) + "  waits " +
           internal::format_seconds(claim->since_s) + " for " + claim_text(*claim) + '\n';
    if (!above.insert(claim->pid).second) continue;  // a circle, or a thread of the same process: told below, or at all
    add_waiters(claim->pid, indent + (last ? "   " : "│  "), above, out);
    above.erase(claim->pid);
  }
}

void WaitPicture::walk(std::uint64_t pid, std::vector<std::uint64_t>& path, std::set<std::uint64_t>& done,
                       std::vector<std::vector<std::uint64_t>>& out) const {
  if (const auto at = std::find(path.begin(), path.end(), pid); at != path.end()) {
    out.emplace_back(at, path.end());
    return;
  }
  if (!done.insert(pid).second) return;
  path.push_back(pid);
  if (const auto next = waits_for_.find(pid); next != waits_for_.end())
    for (const auto blocker : next->second) walk(blocker, path, done, out);
  path.pop_back();
}

std::vector<std::vector<std::uint64_t>> WaitPicture::circles() const {
  std::vector<std::vector<std::uint64_t>> out;
  std::set<std::uint64_t> done;
  for (const auto& [pid, blockers] : waits_for_) {
    std::vector<std::uint64_t> path;
    walk(pid, path, done, out);
  }
  return out;
}

std::string WaitPicture::text() const {
  std::string out;
  for (const auto& [pid, waiting] : waiters_) {
    if (waits_for_.contains(pid)) continue;
    out += process_text(pid) + held_text(pid) + '\n';
    std::set<std::uint64_t> above = {pid};
    add_waiters(pid, "", above, out);
  }
  for (const auto& circle : circles()) {
    out += "circle: ";
    for (const auto pid : circle) out += process_text(pid) + " → ";
    out += std::to_string(circle.front()) + '\n';
  }
  return out;
}

Json WaitPicture::json() const {
  Json processes = Json::array(), waits = Json::array();
  for (const auto& [pid, claim] : processes_) {
    if (!waiters_.contains(pid) && !waits_for_.contains(pid)) continue;
    processes.push_back(
        {{"pid", pid}, {"command", claim->command}, {"stopped", claim->stopped}, {"dead", claim->dead}});
  }
  for (const auto& claim : claims_) {
    for (const auto blocker : claim.waits_for)
      waits.push_back({{"pid", claim.pid},
                       {"waits_for", blocker},
                       {"array", claim.array},
                       {"mode", claim.mode},
                       {"rows", rows_json(claim.rows)},
                       {"since_s", claim.since_s}});
  }
  return {{"processes", processes}, {"waits", waits}, {"circles", circles()}};
}

}  // namespace ndshare::cli
