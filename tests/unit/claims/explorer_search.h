/// A stateless search over schedules: an execution runs the model's threads one step at a time from the start,
/// following the choices of the trail and then taking the first option of every new choice; the next execution changes
/// the last choice that has options left.
///
/// Options at a step: go on; go on with another thread (a preemption, as many as the budget allows; free where the
/// running thread cannot go on); kill the client, or the daemon, that just made a step (later is the same: until its
/// sweep runs nobody sees the difference); let a sleeper's slice or its deadline pass. States are hashed (shared words,
/// and per thread the hash of all it has seen): a state that was entered before with as much budget is not searched
/// again.
///   Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/claims/explorer_fiber.h"

namespace ndshare::internal::model {

/// How much of what costs extra one execution may have.
struct Budget {
  int preemptions = 2, kills = 0, daemon_kills = 0, ticks = 0, timeouts = 0;
};

/// What the search asks of the model.
struct Actions {
  void (*reset)();           ///< everything as at the beginning; starts the threads
  void (*killed)(int slot);  ///< the client of this slot died; starts its sweep
  void (*daemon_killed)();   ///< the daemon died; starts it again
  bool (*stuck)();           ///< nobody can go on: true where something was changed so that they can
  void (*ended)();           ///< all is over: last checks
};

struct Outcome {
  std::string violation;  ///< empty: none found
  std::vector<std::string> trace;
  std::uint64_t executions = 0, steps = 0, states = 0;
  bool complete = true;  ///< within its budget; false where the limit of executions ended it
};

constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t h = (a * 0x9E37'79B9'7F4A'7C15ULL) ^ (b + 0x632B'E59B'D9B4'E019ULL);
  h = (h ^ (h >> 29)) * 0xBF58'476D'1CE4'E5B9ULL;
  h = (h ^ (h >> 32)) * 0x94D0'49BB'1331'11EBULL;
  return h ^ (h >> 31);
}

class Search {
 public:
  static constexpr int kThreads = 8;
  static constexpr int kDaemon = -1;

  Outcome run(const Actions& actions, const Budget& budget, std::uint64_t max_executions);

  // ---- for the model's threads

  /// Before every shared operation: others may go first.
  void point();
  /// The running thread learnt this, or did something: part of its local state.
  void observe(std::uint64_t value) noexcept { threads_[running_].seen = mix(threads_[running_].seen, value); }
  /// The running thread is at a place that `value` describes in full.
  void forget(std::uint64_t value) noexcept { threads_[running_].seen = value; }
  /// Futex: sleeps until a wake. False where its deadline passed.
  bool sleep(const void* word);
  void wake(const void* word, bool all);
  /// One of [0, count), every one in some execution.
  int choose(int count);
  /// Waits until `ready` says so. `idle`: the execution may end while it waits.
  void wait_until(bool (*ready)(), bool idle = false);
  [[noreturn]] void done();
  [[noreturn]] void fail(std::string_view what);
  bool timed_out() const noexcept { return threads_[running_].timed_out; }
  void clear_timed_out() noexcept { threads_[running_].timed_out = false; }
  int running() const noexcept { return running_; }

  // ---- for the model

  /// Starts (again) the thread `index` of this slot.
  void start(int index, int slot, Fiber::Body body);
  bool is_live(int index) const noexcept {
    return threads_[index].status != Status::none && threads_[index].status != Status::done;
  }
  bool sleeps_on(int index, const void* word) const noexcept {
    return threads_[index].status == Status::asleep && threads_[index].word == word;
  }
  void wake_everybody() noexcept;
  void kill_threads(int slot) noexcept;
  /// A shared word changed: keeps the state's hash.
  void changed(const void* cell, std::uint64_t old, std::uint64_t now) noexcept {
    const auto id = reinterpret_cast<std::uintptr_t>(cell);
    hash_ ^= mix(id, old) ^ mix(id, now);
  }
  bool tracing() const noexcept { return tracing_; }
  void trace(std::string line);
  std::uint64_t steps_now() const noexcept { return steps_now_; }

 private:
  enum class Status : std::uint8_t { none, ready, asleep, waiting, idle, done };
  enum Kind : std::uint8_t { go, kill, kill_daemon, tick, timeout, pick };
  struct Thread {
    Status status = Status::none;
    bool timed_out = false;
    int slot = 0;
    const void* word = nullptr;
    bool (*ready)() = nullptr;
    std::uint64_t seen = 0;
  };
  struct Option {
    Kind kind;
    std::uint8_t thread;
  };
  struct Node {
    std::uint8_t count = 0, at = 0;
    Option options[24]{};
  };

  void execute();
  bool advance();
  bool can_go(int index) const noexcept;
  void schedule(bool can_stay);
  void collect(bool can_stay, Node& node) const;
  Option decide(bool can_stay);
  Option follow(const Node& node);
  bool take(const Option& option, bool can_stay);
  void end_of_execution();
  [[noreturn]] void leave();
  bool seen_before(bool can_stay);
  bool insert(std::uint64_t key, std::uint64_t left);
  std::uint64_t state_hash(bool can_stay) const noexcept;

  Actions actions_{};
  Budget budget_{}, left_{};
  Fiber fibers_[kThreads + 1];  ///< the last one makes the first choice
  Thread threads_[kThreads];
  int running_ = 0;
  std::vector<Node> trail_;
  std::size_t depth_ = 0;
  std::uint64_t hash_ = 0, steps_now_ = 0;
  std::vector<std::uint64_t> visited_;  ///< hash, with the preemptions left in the low 3 bits
  std::uint64_t visited_count_ = 0;
  bool tracing_ = false, stop_ = false;
  Outcome outcome_;
};

/// The one search; the model's atomics speak to it.
Search& search() noexcept;

}  // namespace ndshare::internal::model
