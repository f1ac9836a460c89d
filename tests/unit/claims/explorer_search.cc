#include "tests/unit/claims/explorer_search.h"

#include <algorithm>
#include <utility>

namespace ndshare::internal::model {
namespace {

constexpr std::uint64_t kMaxSteps = 20'000;  // in one execution: more is a loop without an end
constexpr std::uint64_t kLeftMask = 7;

}  // namespace

Search& search() noexcept {
  static Search one;
  return one;
}

Outcome Search::run(const Actions& actions, const Budget& budget, std::uint64_t max_executions) {
  actions_ = actions, budget_ = budget;
  outcome_ = {};
  trail_.clear();
  visited_.assign(1U << 16, 0);
  visited_count_ = 0;
  stop_ = false;
  do {
    execute();
    ++outcome_.executions;
    if (stop_) {
      tracing_ = true;
      execute();  // the same again, for people
      tracing_ = false;
      break;
    }
    if (outcome_.executions >= max_executions) {
      outcome_.complete = false;
      break;
    }
  } while (advance());
  outcome_.states = visited_count_;
  return std::exchange(outcome_, {});
}

void Search::execute() {
  for (auto& thread : threads_) thread = {};
  hash_ = steps_now_ = 0;
  depth_ = 0;
  left_ = budget_;
  actions_.reset();
  // The first choice is made by nobody: as if a thread had just ended.
  for (running_ = 0; !is_live(running_); ++running_) {
  }
  fibers_[kThreads].start([](int) { search().schedule(false); }, 0);
  Fiber::run(fibers_[kThreads]);
}

/// The next execution's trail; false where there is none.
bool Search::advance() {
  while (!trail_.empty()) {
    auto& last = trail_.back();
    if (++last.at < last.count) return true;
    trail_.pop_back();
  }
  return false;
}

void Search::start(int index, int slot, Fiber::Body body) {
  threads_[index] = {};
  threads_[index].status = Status::ready;
  threads_[index].slot = slot;
  fibers_[index].start(body, index);
}

void Search::point() {
  observe(1);
  ++outcome_.steps;
  if (++steps_now_ > kMaxSteps) fail("an execution without an end");
  schedule(true);
}

int Search::choose(int count) {
  Node node;
  for (int i = 0; i < count; ++i) node.options[node.count++] = {pick, static_cast<std::uint8_t>(i)};
  return count == 1 ? 0 : follow(node).thread;
}

bool Search::sleep(const void* word) {
  auto& self = threads_[running_];
  self.status = Status::asleep, self.word = word;
  schedule(false);
  return !timed_out();
}

void Search::wake(const void* word, bool all) {
  int asleep[kThreads] = {};
  int count = 0;
  for (int i = 0; i < kThreads; ++i) {
    if (sleeps_on(i, word)) asleep[count++] = i;
  }
  if (count == 0) return;
  const int one = all ? -1 : asleep[choose(count)];
  for (int i = 0; i < count; ++i) {
    if (all || asleep[i] == one) threads_[asleep[i]].status = Status::ready;
  }
}

void Search::wake_everybody() noexcept {
  for (auto& thread : threads_) {
    if (thread.status == Status::asleep) thread.status = Status::ready;
  }
}

void Search::wait_until(bool (*ready)(), bool idle) {
  point();
  if (ready()) return;
  auto& self = threads_[running_];
  self.status = idle ? Status::idle : Status::waiting, self.ready = ready;
  schedule(false);
}

void Search::done() {
  threads_[running_].status = Status::done;
  schedule(false);
  leave();
}

void Search::fail(std::string_view what) {
  if (!stop_) outcome_.violation = what;
  stop_ = true;
  leave();
}

void Search::kill_threads(int slot) noexcept {
  for (auto& thread : threads_) {
    if (thread.status != Status::none && thread.slot == slot) thread.status = Status::done;
  }
}

void Search::trace(std::string line) {
  if (tracing_) outcome_.trace.push_back("t" + std::to_string(running_) + " " + std::move(line));
}

void Search::leave() {
  Fiber::leave(fibers_[kThreads]);  // whoever runs is never resumed: its state may be written over
  __builtin_unreachable();
}

bool Search::can_go(int index) const noexcept {
  const auto& thread = threads_[index];
  if (thread.status == Status::ready) return true;
  return (thread.status == Status::waiting || thread.status == Status::idle) && thread.ready();
}

/// Lets others go on until the running thread is to. Where it cannot stay, it comes back only when it can go on again.
void Search::schedule(bool can_stay) {
  while (true) {
    const auto option = decide(can_stay);
    if (take(option, can_stay)) return;
    can_stay =
        can_stay && threads_[running_].status == Status::ready && option.kind != kill && option.kind != kill_daemon;
  }
}

void Search::collect(bool can_stay, Node& node) const {
  const auto add = [&](Kind kind, int thread) {
    node.options[node.count++] = {kind, static_cast<std::uint8_t>(thread)};
  };
  if (can_stay) add(go, running_);
  if (!can_stay || left_.preemptions > 0) {
    for (int i = 0; i < kThreads; ++i) {
      if (!(can_stay && i == running_) && can_go(i)) add(go, i);
    }
  }
  if (!can_stay && node.count == 0) return;  // the end: no slice and no deadline may be needed to go on
  const int slot = threads_[running_].slot;
  if (can_stay && slot == kDaemon && left_.daemon_kills > 0) add(kill_daemon, running_);
  if (can_stay && slot != kDaemon && left_.kills > 0) add(kill, running_);
  for (int i = 0; i < kThreads; ++i) {
    if (threads_[i].status != Status::asleep) continue;
    if (left_.ticks > 0) add(tick, i);
    if (left_.timeouts > 0) add(timeout, i);
  }
}

Search::Option Search::decide(bool can_stay) {
  while (true) {
    Node node;
    collect(can_stay, node);
    if (node.count == 0) {
      if (!actions_.stuck()) end_of_execution();
      continue;
    }
    const bool fresh = depth_ == trail_.size() && !tracing_;
    if (fresh && (node.count > 1 || steps_now_ % 4 == 0) && seen_before(can_stay)) leave();
    return node.count == 1 ? node.options[0] : follow(node);
  }
}

Search::Option Search::follow(const Node& node) {
  if (depth_ == trail_.size()) trail_.push_back(node);
  const auto& chosen = trail_[depth_++];
  if (chosen.count != node.count) fail("the model is not deterministic");
  return chosen.options[chosen.at];
}

/// True: the running thread goes on.
bool Search::take(const Option& option, bool can_stay) {
  auto& thread = threads_[option.thread];
  switch (option.kind) {
    case go: {
      if (can_stay && option.thread == running_) return true;
      if (can_stay) --left_.preemptions;
      thread.status = Status::ready;
      const int from = std::exchange(running_, option.thread);
      Fiber::resume(fibers_[from], fibers_[option.thread]);
      return true;
    }
    case kill:
      --left_.kills;
      trace("is killed");
      kill_threads(thread.slot);
      actions_.killed(thread.slot);
      return false;
    case kill_daemon:
      --left_.daemon_kills;
      trace("the daemon is killed");
      actions_.daemon_killed();
      return false;
    case timeout:
      --left_.timeouts;
      thread.timed_out = true;
      thread.status = Status::ready;
      return false;
    case tick:
      --left_.ticks;
      thread.status = Status::ready;
      return false;
    case pick:
      break;
  }
  return false;
}

void Search::end_of_execution() {
  for (int i = 0; i < kThreads; ++i) {
    const auto status = threads_[i].status;
    if (status == Status::asleep || status == Status::waiting) fail("thread " + std::to_string(i) + " sleeps for ever");
  }
  actions_.ended();
  leave();
}

// ---- states

std::uint64_t Search::state_hash(bool can_stay) const noexcept {
  std::uint64_t out = hash_;
  for (std::uint64_t i = 0; i < kThreads; ++i) {
    const auto& thread = threads_[i];
    if (thread.status == Status::none) continue;
    const std::uint64_t seen = thread.status == Status::done ? 0 : thread.seen;
    out += mix(mix(seen, i << 8 | static_cast<std::uint64_t>(thread.status) << 1 | (thread.timed_out ? 1U : 0U)),
               thread.status == Status::asleep ? reinterpret_cast<std::uintptr_t>(thread.word) : 0);
  }
  const auto left =
      static_cast<std::uint64_t>(left_.kills | left_.daemon_kills << 2 | left_.ticks << 4 | left_.timeouts << 8);
  return mix(out, left << 8 | static_cast<std::uint64_t>(running_) << 1 | (can_stay ? 1U : 0U));
}

bool Search::seen_before(bool can_stay) {
  if (visited_count_ * 2 > visited_.size()) {
    auto old = std::exchange(visited_, std::vector<std::uint64_t>(visited_.size() * 2, 0));
    visited_count_ = 0;
    for (const auto entry : old) {
      if (entry != 0) insert(entry & ~kLeftMask, entry & kLeftMask);
    }
  }
  const auto left = std::min<std::uint64_t>(static_cast<std::uint64_t>(left_.preemptions), kLeftMask);
  return insert((state_hash(can_stay) & ~kLeftMask) | 8, left);
}

/// True where the state was entered with at least as much budget.
bool Search::insert(std::uint64_t key, std::uint64_t left) {
  const std::uint64_t mask = visited_.size() - 1;
  for (std::uint64_t at = (key >> 20) & mask;; at = (at + 1) & mask) {
    auto& entry = visited_[at];
    if (entry == 0) {
      entry = key | left;
      ++visited_count_;
      return false;
    }
    if ((entry & ~kLeftMask) != key) continue;
    if ((entry & kLeftMask) >= left) return true;
    entry = key | left;
    return false;
  }
}

}  // namespace ndshare::internal::model
