#include "client/holder_text.h"

#include <cstring>
#include <ctime>

#include "client/guard_access.h"
#include "lib/base/text.h"
#include "lib/shm/process.h"
#include "lib/shm/process_state.h"

namespace ndshare::internal {
namespace {

struct Holder {
  std::uint64_t pid = 0;
  std::string text;
  bool dead = false;
};

Holder holder_of(const SharedState& state, const Blocker& blocker) {
  auto& session = *state.session;
  Holder out;
  if (blocker.slot >= session.system().slots()) return out;
  const auto& slot = session.catalog().slot(blocker.slot);
  out.pid = slot.pid.load(std::memory_order_acquire);
  const std::string command(slot.command, ::strnlen(slot.command, sizeof(slot.command)));
  out.text = "process " + std::to_string(out.pid) + (command.empty() ? "" : " (" + printable(command) + ")");
  if (blocker.slot == session.slot()) out.text = "thread " + std::to_string(blocker.tid) + " of this process";
  const bool visible = slot.pid_namespace.load() == own_pid_namespace();
  out.dead = visible && !process_alive(out.pid, slot.start.load());
  if (out.dead) {
    out.text += ", which is dead: its claims go when a daemon runs (ndshare start)";
  } else if (visible && process_stopped(out.pid)) {
    out.text += ", which is stopped";
  }
  return out;
}

std::string rows_text(const ClaimRange& range) {
  if (range.lo == 0 && range.hi == kAllRows) return "all rows";
  return "rows " + std::to_string(range.lo) + " to " + (range.hi == kAllRows ? "the end" : std::to_string(range.hi));
}

const char* mode_text(const Blocker& blocker) {
  if (blocker.state == ClaimState::waiting) return "waited for";
  switch (blocker.range.mode) {
    case ClaimMode::read: return "held for reading";
    case ClaimMode::view: return "held for a view";
    case ClaimMode::update: return "held for an update";
    default: return "held for writing";
  }
}

double seconds_since(std::uint64_t since_ns) {
  ::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const auto now_ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL + static_cast<std::uint64_t>(now.tv_nsec);
  return now_ns > since_ns ? static_cast<double>(now_ns - since_ns) / 1e9 : 0;
}

}  // namespace

std::string blocker_text(const SharedState& state, const Blocker& blocker) {
  const auto name = "'" + printable(state.name) + "'";
  if (!blocker.found) return "somebody was in the way of " + name;
  const auto holder = holder_of(state, blocker);
  if (blocker.is_mutex) return "the short mutex of " + name + " is held by " + holder.text;
  return rows_text(blocker.range) + " of " + name + " are " + mode_text(blocker) + " by " + holder.text + " for " +
         format_seconds(seconds_since(blocker.since_ns));
}

void throw_verdict(const SharedState& state, const Wish& wish, Verdict verdict, const Blocker& blocker) {
  if (verdict == Verdict::gone) state.removed();
  const auto who = blocker_text(state, blocker);
  Error::Details details = {{"array", state.name}};
  if (blocker.found) {
    const auto holder = holder_of(state, blocker);
    details.emplace_back("pid", std::to_string(holder.pid));
    details.emplace_back("tid", std::to_string(blocker.tid));
    details.emplace_back("since_s", std::to_string(seconds_since(blocker.since_ns)));
    if (holder.dead) details.emplace_back("dead", "true");
  }
  const char* wanted = wish.range.mode == ClaimMode::write    ? "write"
                       : wish.range.mode == ClaimMode::update ? "update"
                       : wish.range.mode == ClaimMode::view   ? "view"
                                                              : "read";
  if (verdict == Verdict::would_deadlock) {
    throw Error(ErrorCode::WouldDeadlock, "to " + std::string(wanted) + " " + rows_text(wish.range) + " would wait for ever: " + who +
                                              ", which is the one that asks. Release that guard (and the arrays taken from it) first",
                std::move(details));
  }
  if (verdict == Verdict::deadlock) {
    throw Error(ErrorCode::Deadlock, "threads wait for each other in a circle, and this one is the youngest: " + who +
                                         ". Release what this thread holds and try again, or take all arrays in one Store::lock()",
                std::move(details));
  }
  throw Error(ErrorCode::Timeout, "no " + std::string(wanted) + " claim before the deadline: " + who, std::move(details));
}

void throw_torn(const SharedState& state, const TornRange& range) {
  const auto name = printable(state.name);
  throw Error(ErrorCode::Torn,
              "rows " + std::to_string(range.lo) + " to " + std::to_string(range.hi) + " of '" + name + "' are torn: process " +
                  std::to_string(range.pid) + " ended while it wrote them. `ndshare repair " + name +
                  "` accepts them or reverts to a snapshot; repair() overwrites them",
              {{"array", state.name},
               {"first", std::to_string(range.lo)},
               {"last", std::to_string(range.hi)},
               {"pid", std::to_string(range.pid)}});
}

}  // namespace ndshare::internal
