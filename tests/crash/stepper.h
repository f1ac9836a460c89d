/// A process that is run one instruction at a time, and killed between two of them.
///
/// The child marks where its operation begins and ends (Stepper::begin(), Stepper::end()). One run is recorded step by step;
/// a later run is brought to instruction n by a breakpoint at a place that the record shows shortly before it, and by single
/// steps from there, so that n may be large. Runs need not be the same to the instruction (clocks, other processes): a run
/// that ends before n was reached says so.
///   x86-64 only; not under sanitizers, whose instrumentation is what would be stepped through: see unavailable().
///   Threads: every call from the thread that made the object (ptrace's rule).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/types.h>

namespace ndshare::test {

/// One instruction of a record.
struct Step {
  std::uint64_t pc = 0;
  bool changed = false;  ///< it, or who ran meanwhile, changed the words that were looked at
  bool system_call = false;
  std::uint64_t text = 0;  ///< the eight bytes at `pc`
};

/// From where an instruction is reached soonest: a few hits of a breakpoint at the record's place `at`, then single steps.
struct Anchor {
  std::size_t at = 0, hits = 0;
  std::size_t cost = 0;  ///< in stops
};

/// A run, instruction by instruction.
struct Trace {
  std::vector<Step> steps;
  std::vector<Anchor> anchors;  ///< one a step
};

/// No limit to how long a system call may block.
inline constexpr std::chrono::milliseconds kNoLimit{-1};

enum class Stop : std::uint8_t {
  stepped,  ///< before the next instruction
  marked,   ///< at end()
  ended,    ///< the process is gone
  blocked,  ///< in a system call that did not come back in time
};

/// This thread, and what it forks, run on the processor where it is: a step then is two switches, and wakes no other one.
class OneCpu {
 public:
  explicit OneCpu(bool wanted);
  ~OneCpu();
  OneCpu(const OneCpu&) = delete;
  OneCpu& operator=(const OneCpu&) = delete;

 private:
  cpu_set_t before_{};
  bool pinned_ = false;
};

class Stepper {
 public:
  /// Why stepping cannot be done here, in words; empty where it can.
  static std::string unavailable();

  /// For the child: from here on it is traced, and stands still.
  static void begin();
  /// For the child: the operation is over.
  static void end();

  /// A forked child that runs `body` up to its begin().
  explicit Stepper(const std::function<int()>& body);
  /// A running child of the caller's, which stays the caller's to reap; it is stopped wherever it is.
  explicit Stepper(pid_t process);
  ~Stepper() { kill(); }
  Stepper(const Stepper&) = delete;
  Stepper& operator=(const Stepper&) = delete;

  pid_t pid() const { return pid_; }
  /// Stands still, ready to be stepped.
  bool ready() const { return ready_; }

  /// One instruction. `patience`: how long a system call may block, then Stop::blocked (and the process still runs).
  Stop step(std::chrono::milliseconds patience = kNoLimit);
  /// Steps to the end (or `limit` instructions, or the first call that blocks when nothing is `expected` any more). `changed` is asked
  /// after every instruction.
  Trace record(const std::function<bool()>& changed, std::size_t limit, std::chrono::milliseconds patience = kNoLimit,
               const std::function<bool()>& expected = [] { return false; });
  /// Brings a fresh process to just before instruction n of `trace`. False where it ended, or blocked, before that.
  /// Throws where the process runs another program than the one recorded (built anew meanwhile): a breakpoint in the middle of
  /// its instructions would make it do anything.
  bool advance(const Trace& trace, std::size_t n, std::chrono::milliseconds patience = kNoLimit);
  /// Lets it run to its end() or its end.
  Stop finish(std::chrono::milliseconds patience = kNoLimit);
  /// Lets it run, at its own speed, for so long.
  void run_for(std::chrono::nanoseconds time);
  /// SIGKILL, and waits for the end.
  void kill();

 private:
  Stop wait(std::chrono::milliseconds patience);
  int take_stop(bool block);
  std::uint64_t pc() const;
  void set_pc(std::uint64_t value) const;
  bool run_to(const Step& place, std::size_t hits, std::chrono::milliseconds patience);

  OneCpu one_cpu_;
  pid_t pid_ = -1;
  bool ours_, ready_ = false, ended_ = false;
};

}  // namespace ndshare::test
