#include "tests/crash/stepper.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <unordered_map>

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/support.h"

namespace ndshare::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t kBreakpoint = 0xCC;
constexpr std::uint64_t kSyscallBytes = 0x050F;

long trace_call(int what, pid_t pid, std::uint64_t address, std::uint64_t data) {
  return ::syscall(SYS_ptrace, what, pid, address, data);
}

std::uint64_t peek(pid_t pid, std::uint64_t address) {
  std::uint64_t word = 0;
  trace_call(PTRACE_PEEKTEXT, pid, address, reinterpret_cast<std::uintptr_t>(&word));
  return word;
}

std::vector<Anchor> anchors_of(const std::vector<Step>& steps) {
  std::unordered_map<std::uint64_t, std::size_t> seen;
  std::vector<Anchor> out;
  Anchor best;
  for (std::size_t n = 0; n < steps.size(); ++n, ++best.cost) {
    // A repeated string instruction traps at every round, a breakpoint on it once.
    if (n > 0 && steps[n].pc != steps[n - 1].pc) {
      const auto hits = ++seen[steps[n].pc];
      if (hits * 2 + 2 < best.cost) best = {n, hits, hits * 2 + 2};
    }
    out.push_back(best);
  }
  return out;
}

}  // namespace

OneCpu::OneCpu(bool wanted) {
  const int here = ::sched_getcpu();
  if (!wanted || here < 0 || here >= CPU_SETSIZE || ::sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(here), &one);
  pinned_ = ::sched_setaffinity(0, sizeof(one), &one) == 0;
}
OneCpu::~OneCpu() {
  if (pinned_) ::sched_setaffinity(0, sizeof(before_), &before_);
}

std::string Stepper::unavailable() {
#if !defined(__x86_64__)
  return "single-stepping reads x86-64 registers";
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "single-stepping is not done under sanitizers: it would step through their instrumentation";
#else
  const pid_t child = fork_child([] { return trace_call(PTRACE_TRACEME, 0, 0, 0) == 0 ? 0 : 1; });
  return wait_child(child) == 0 ? "" : "ptrace is not allowed here";
#endif
}

void Stepper::begin() {
  if (trace_call(PTRACE_TRACEME, 0, 0, 0) != 0) throw std::runtime_error("ptrace is not allowed");
  ::raise(SIGSTOP);
}

void Stepper::end() { ::raise(SIGSTOP); }

Stepper::Stepper(const std::function<int()>& body) : one_cpu_(true), pid_(fork_child(body)), ours_(true) {
  ready_ = wait(kNoLimit) == Stop::marked;
  if (ready_) trace_call(PTRACE_SETOPTIONS, pid_, 0, PTRACE_O_EXITKILL);
}

Stepper::Stepper(pid_t process) : one_cpu_(false), pid_(process), ours_(false) {
  if (trace_call(PTRACE_SEIZE, pid_, 0, PTRACE_O_EXITKILL) != 0) return;
  trace_call(PTRACE_INTERRUPT, pid_, 0, 0);
  ready_ = wait(kNoLimit) == Stop::stepped;
}

/// The signal it stopped by; 0 where it did not, −1 where it ended (which is left to be reaped).
int Stepper::take_stop(bool block) {
  siginfo_t info{};
  const int options = WEXITED | WSTOPPED | WNOWAIT | __WALL | (block ? 0 : WNOHANG);
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, options) != 0) {
    return errno == EINTR ? 0 : -1;
  }
  if (info.si_pid == 0) return 0;
  if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) return -1;
  int status = 0;
  ::waitpid(pid_, &status, __WALL);
  return WSTOPSIG(status);
}

/// Until it stops. Signals of others are its own to handle: they are delivered with the next step.
Stop Stepper::wait(milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  for (int round = 0;; ++round) {
    const int signal = take_stop(patience == kNoLimit);
    if (signal == SIGTRAP) return Stop::stepped;
    if (signal == SIGSTOP) return Stop::marked;
    if (signal < 0) {
      ended_ = true;
      return Stop::ended;
    }
    if (signal > 0) {
      trace_call(PTRACE_CONT, pid_, 0, static_cast<std::uint64_t>(signal));  // a fault ends it
      continue;
    }
    if (patience != kNoLimit && Clock::now() > deadline) return Stop::blocked;
    round < 50 ? static_cast<void>(::sched_yield()) : static_cast<void>(::usleep(50));
  }
}

Stop Stepper::step(milliseconds patience) {
  if (ended_) return Stop::ended;
  trace_call(PTRACE_SINGLESTEP, pid_, 0, 0);
  return wait(patience);
}

Trace Stepper::record(const std::function<bool()>& changed, std::size_t limit, milliseconds patience,
                      const std::function<bool()>& expected) {
  std::vector<Step> steps;
  static_cast<void>(changed());
  while (steps.size() < limit) {
    const auto at = pc();
    const auto text = peek(pid_, at);
    steps.push_back({at, false, (text & 0xFFFF) == kSyscallBytes, text});
    auto stop = step(patience);
    while (stop == Stop::blocked && expected()) stop = wait(patience);
    steps.back().changed = changed();
    if (stop != Stop::stepped) break;
  }
  auto anchors = anchors_of(steps);
  return {std::move(steps), std::move(anchors)};
}

bool Stepper::advance(const Trace& trace, std::size_t n, milliseconds patience) {
  const auto& anchor = trace.anchors[n];
  if (anchor.hits > 0 && !run_to(trace.steps[anchor.at], anchor.hits, patience)) return false;
  for (std::size_t i = anchor.at; i < n; ++i) {
    if (step(patience) != Stop::stepped) return false;
  }
  return true;
}

bool Stepper::run_to(const Step& place, std::size_t hits, milliseconds patience) {
  const auto address = place.pc, word = place.text;
  if (peek(pid_, address) != word) throw std::runtime_error("the stepped program is not the one that was recorded");
  const auto trap = (word & ~std::uint64_t{0xFF}) | kBreakpoint;
  for (std::size_t hit = 1;; ++hit) {
    if (trace_call(PTRACE_POKETEXT, pid_, address, trap) != 0) return false;
    trace_call(PTRACE_CONT, pid_, 0, 0);
    if (wait(patience) != Stop::stepped || pc() != address + 1) return false;
    trace_call(PTRACE_POKETEXT, pid_, address, word);
    set_pc(address);
    if (hit == hits) return true;
    if (step(patience) != Stop::stepped) return false;
  }
}

Stop Stepper::finish(milliseconds patience) {
  if (ended_) return Stop::ended;
  trace_call(PTRACE_CONT, pid_, 0, 0);
  return wait(patience);
}

void Stepper::run_for(std::chrono::nanoseconds time) {
  const auto until = Clock::now() + time;
  trace_call(PTRACE_CONT, pid_, 0, 0);
  while (Clock::now() < until) ::sched_yield();
}

void Stepper::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  siginfo_t info{};
  do {
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | __WALL) != 0 && errno != EINTR) break;
  } while (info.si_pid == 0);
  if (ours_) ::waitpid(pid_, nullptr, __WALL);
  pid_ = -1;
}

#if defined(__x86_64__)
std::uint64_t Stepper::pc() const {
  user_regs_struct registers{};
  trace_call(PTRACE_GETREGS, pid_, 0, reinterpret_cast<std::uintptr_t>(&registers));
  return registers.rip;
}

void Stepper::set_pc(std::uint64_t value) const {
  user_regs_struct registers{};
  trace_call(PTRACE_GETREGS, pid_, 0, reinterpret_cast<std::uintptr_t>(&registers));
  registers.rip = value;
  trace_call(PTRACE_SETREGS, pid_, 0, reinterpret_cast<std::uintptr_t>(&registers));
}
#else
std::uint64_t Stepper::pc() const { return 0; }
void Stepper::set_pc(std::uint64_t) const {}
#endif

}  // namespace ndshare::test
