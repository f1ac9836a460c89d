// doctor: what a store's catalog, claims and files say.
#include <algorithm>
#include <map>
#include <set>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/doctor.h"

namespace ndshare::cli {
namespace {

using internal::format_bytes;
using internal::format_count;
using internal::format_seconds;

constexpr std::uint64_t kManyViews = 1000;         // of 8192 a client; each pins a version and its memory
constexpr std::uint64_t kSmallFree = 64ULL << 20;  // less free memory than this is full, not fragmented
constexpr std::size_t kNamed = 5;                  // so many examples; the verbs named in the advice have all

/// "a, b, c and 4 more".
std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < std::min(words.size(), kNamed); ++i) text += (i == 0 ? "" : ", ") + words[i];
  return words.size() > kNamed ? text + " and " + std::to_string(words.size() - kNamed) + " more" : text;
}

std::string process_text(std::uint64_t pid, const std::string& command) {
  return std::to_string(pid) + (command.empty() ? "" : " (" + one_line(command) + ")");
}

/// A finding that is wrong where `words` has any.
Finding of_list(std::string_view check, const std::string& good, const std::string& bad,
                const std::vector<std::string>& words, const std::string& advice) {
  if (words.empty()) return {check, Health::ok, good, ""};
  return {check, Health::wrong, bad + ": " + listed(words), advice};
}

Finding judge_daemon(const StoreFacts& store) {
  if (!store.silent.empty())
    return {"daemon", Health::wrong, "it does not answer: " + store.silent,
            "look whether it is stopped (ps -o stat,wchan); clients go on meanwhile; kill -9 and `ndshare start` lose "
            "nothing"};
  if (store.status.pid != 0) return {"daemon", Health::ok, "pid " + std::to_string(store.status.pid), ""};
  return {"daemon", Health::note,
          "none runs; the segments are kept, clients that are attached can read and write what is there",
          "ndshare start --store " + store.name + " adopts them"};
}

Finding judge_capacity(const StoreFacts& store) {
  const auto& status = store.status;
  const auto part = [](std::uint64_t used, std::uint64_t of) { return of == 0 ? 0 : used * 100 / of; };
  Finding out{"capacity"};
  const auto memory = part(status.pool.used_bytes, status.pool.capacity_bytes);
  const auto slots = part(store.clients.size(), status.max_clients), records = part(status.arrays, status.max_arrays);
  out.text = format_bytes(status.pool.used_bytes) + " of " + format_bytes(status.pool.capacity_bytes) + " (" +
             std::to_string(memory) + " %), " + format_count(store.clients.size()) + " of " +
             format_count(status.max_clients) + " clients, " + format_count(status.arrays) + " of " +
             format_count(status.max_arrays) + " arrays";
  if (std::max({memory, slots, records}) < 95) return out;
  out.health = Health::wrong;
  out.advice =
      memory >= 95
          ? "remove arrays (ndshare ls, ndshare clients --leaks), or restart with a larger --capacity: "
            "stop --keep, start --capacity"
          : "restart with larger --max-clients or --max-arrays after a save (ndshare save, stop --force, start, load)";
  return out;
}

Finding judge_pending(const StoreFacts& store) {
  const auto& pool = store.status.pool;
  std::vector<std::string> who;
  for (const auto& client : store.clients)
    if (client.outdated != 0) who.push_back(process_text(client.pid, client.command));
  Finding out{"pending"};
  out.text = format_bytes(pool.pending_bytes) + " of removed arrays and old versions" +
             (who.empty() ? "" : ", held by " + listed(who));
  if (pool.pending_bytes * 4 <= pool.capacity_bytes) return out;
  out.health = Health::wrong;
  out.advice = "let these processes drop their views (ndshare locks), or ndshare kick PID";
  return out;
}

Finding judge_fragmentation(const StoreFacts& store) {
  const auto& pool = store.status.pool;
  Finding out{"fragmentation"};
  out.text =
      "largest free range " + format_bytes(pool.largest_free_bytes) + " of " + format_bytes(pool.free_bytes) + " free";
  if (pool.free_bytes < kSmallFree || pool.largest_free_bytes * 2 >= pool.free_bytes) return out;
  out.health = pool.largest_free_bytes * 8 < pool.free_bytes ? Health::wrong : Health::note;
  out.advice =
      "large arrays will stand in several extents: they work, with more maps a process. Remove or re-create small "
      "long-lived "
      "arrays (ndshare cp, mv --replace), or save and load the store";
  return out;
}

Finding judge_torn(const StoreFacts& store) {
  std::vector<std::string> names;
  for (const auto& array : store.arrays)
    if (!array.torn.empty()) names.push_back("'" + one_line(array.name) + "'");
  return of_list("torn", "none", "rows whose writer died", names,
                 "ndshare repair NAME lists them; --accept or --revert mends them");
}

Finding judge_dead(const StoreFacts& store) {
  std::vector<std::string> who;
  for (const auto& client : store.clients)
    if (client.dead) who.push_back(process_text(client.pid, client.command));
  return of_list("dead", "none", "client slots of dead processes", who,
                 store.status.pid != 0 ? "the daemon sweeps them by itself; if they stay, look at its log"
                                       : "ndshare start --store " + store.name + " sweeps them");
}

Finding judge_stopped(const StoreFacts& store) {
  std::vector<std::string> who;
  std::set<std::uint64_t> seen;
  for (const auto& claim : store.claims)
    if (claim.stopped && !claim.waiting && claim.mode != "view" && seen.insert(claim.pid).second)
      who.push_back(process_text(claim.pid, claim.command) + " " + claim.mode + "s '" + one_line(claim.array) + "'");
  return of_list("stopped", "none", "stopped processes that hold locks", who,
                 "kill -CONT PID, or ndshare kick PID --kill");
}

/// A view pins memory only once it is outdated, a lock keeps others from going on at once.
bool is_leak(const admin::ClaimInfo& claim, double held_s) {
  if (claim.waiting || claim.since_s < held_s) return false;
  return claim.mode != "view" || claim.version != claim.array_version;
}

Finding judge_held(const StoreFacts& store, double held_s) {
  std::map<std::string, std::string> words;  // one an array, mode and process
  for (const auto& claim : store.claims) {
    if (!is_leak(claim, held_s)) continue;
    const auto key = claim.array + '\0' + claim.mode + std::to_string(claim.pid);
    const bool old_view = claim.mode == "view";
    words.try_emplace(key, process_text(claim.pid, claim.command) +
                               (old_view ? " pins an old version of '" : " holds '") + one_line(claim.array) + "'" +
                               (old_view ? "" : " (" + claim.mode + ")") + " for " + format_seconds(claim.since_s));
  }
  std::vector<std::string> list;
  for (auto& [key, word] : words) list.push_back(std::move(word));
  return of_list("held", "no lock, and no view of an old version, for " + format_seconds(held_s) + " or longer",
                 "for " + format_seconds(held_s) + " or longer", list,
                 "ndshare locks has them all, ndshare locks --graph who waits; ndshare kick PID ends one; --held S "
                 "sets the limit");
}

Finding judge_views(const StoreFacts& store) {
  std::vector<std::string> who;
  for (const auto& client : store.clients)
    if (client.views >= kManyViews)
      who.push_back(process_text(client.pid, client.command) + " has " + format_count(client.views));
  return of_list("views", "no client has " + format_count(kManyViews), "clients with many views", who,
                 "a client has room for 8192: views that are kept in a list or a closure are the usual leak (ndshare "
                 "clients --leaks)");
}

Finding judge_layout(const StoreFacts& store) {
  if (store.broken.empty()) return {"layout", Health::ok, "as this build's", ""};
  return {"layout", Health::wrong, store.broken,
          store.other_layout ? "save it with the ndshare of its own build (ndshare save), stop --force, start, load"
                             : "ndshare start mends it, or refuses and says why"};
}

std::string leftover_text(const admin::StoreFiles& store) {
  const auto bytes = " (" + format_bytes(store.bytes) + ")";
  switch (store.state) {
    case admin::StoreState::orphan:
      return "private store '" + store.store + "' without a living process" + bytes;
    case admin::StoreState::remains:
      return "files of '" + store.store + "' without a catalog" + bytes;
    case admin::StoreState::unusable:
    case admin::StoreState::other_layout:
      return "'" + store.store + "' cannot be used: " + store.problem;
    default:
      return "a socket of '" + store.store + "' that nobody listens on";
  }
}

}  // namespace

std::string_view health_name(Health health) {
  switch (health) {
    case Health::ok:
      return "ok";
    case Health::note:
      return "note";
    case Health::wrong:
      return "wrong";
    case Health::skipped:
      return "skipped";
  }
  return "?";
}

Finding judge_leftovers(const std::vector<admin::StoreFiles>& stores, const std::string& store) {
  std::vector<std::string> words, kept;
  for (const auto& files : stores) {
    if (!store.empty() && files.store != store) continue;
    const bool good = files.state == admin::StoreState::serving || files.state == admin::StoreState::in_use ||
                      files.state == admin::StoreState::kept;
    if (!good || files.stale_socket) words.push_back(leftover_text(files));
    if (files.state == admin::StoreState::kept)
      kept.push_back("'" + files.store + "' (" + format_bytes(files.bytes) + ")");
  }
  if (!words.empty())
    return {"leftovers", Health::wrong, listed(words), "ndshare doctor --fix removes what nobody can use any more"};
  if (kept.empty()) return {"leftovers", Health::ok, "none", ""};
  return {"leftovers", Health::note, "kept without a daemon: " + listed(kept),
          "ndshare start --store NAME adopts one with its arrays, ndshare stop --force --store NAME removes it"};
}

std::vector<Finding> judge_store(const StoreFacts& store, double held_s) {
  std::vector<Finding> out = {judge_daemon(store), judge_layout(store)};
  if (!store.broken.empty()) {
    for (const char* check : {"capacity", "pending", "fragmentation", "torn", "dead", "stopped", "held", "views"})
      out.push_back({check, Health::skipped, "the segments cannot be read", ""});
    return out;
  }
  for (auto&& finding : {judge_capacity(store), judge_pending(store), judge_fragmentation(store), judge_torn(store),
                         judge_dead(store), judge_stopped(store), judge_held(store, held_s), judge_views(store)})
    out.push_back(finding);
  return out;
}

}  // namespace ndshare::cli
