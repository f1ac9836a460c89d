#include "tests/crash/syscall_fault.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <stdexcept>

#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/support.h"

namespace ndshare::test {
namespace {

/// What may happen to a call that a client makes.
const std::map<long, std::pair<const char*, std::vector<int>>>& faults() {
  static const std::map<long, std::pair<const char*, std::vector<int>>> all = {
      {SYS_mmap, {"mmap", {ENOMEM}}},
      {SYS_madvise, {"madvise", {EINVAL, ENOMEM}}},
      {SYS_mprotect, {"mprotect", {ENOMEM}}},
      {SYS_socket, {"socket", {EMFILE, ENOMEM}}},
      {SYS_connect, {"connect", {EINTR, EAGAIN, ENOMEM}}},
      {SYS_sendmsg, {"sendmsg", {EINTR, ENOBUFS, ENOMEM}}},  // not EPIPE: a live peer's answer would be waited for
      {SYS_recvmsg, {"recvmsg", {EINTR, EAGAIN, ECONNRESET, ENOMEM}}},
      {SYS_ppoll, {"ppoll", {EINTR, ENOMEM}}},
      {SYS_futex, {"futex", {EINTR, EAGAIN}}},
      {SYS_openat, {"openat", {EMFILE, EACCES}}},
      {SYS_read, {"read", {EINTR, EIO}}},
      {SYS_readlink, {"readlink", {ENOMEM}}},
      {SYS_fcntl, {"fcntl", {EMFILE}}},
      {SYS_dup, {"dup", {EMFILE}}},
      {SYS_clock_nanosleep, {"clock_nanosleep", {EINTR}}},
  };
  return all;
}

constexpr long kOtherCall = 1'000'000;
constexpr unsigned kWatchdogSeconds = 60;

long trace_call(int what, pid_t pid, std::uint64_t address, std::uint64_t data) {
  return ::syscall(SYS_ptrace, what, pid, address, data);
}

#if defined(__x86_64__)
user_regs_struct registers_of(pid_t pid) {
  user_regs_struct out{};
  trace_call(PTRACE_GETREGS, pid, 0, reinterpret_cast<std::uintptr_t>(&out));
  return out;
}
void set_registers(pid_t pid, user_regs_struct registers) {
  trace_call(PTRACE_SETREGS, pid, 0, reinterpret_cast<std::uintptr_t>(&registers));
}
/// Of a futex only a wait between processes counts: a wake does not fail so, and the C library's own do not forgive it.
long call_number(pid_t pid) {
  const auto registers = registers_of(pid);
  const bool other_futex = registers.orig_rax == SYS_futex && registers.rsi != FUTEX_WAIT;
  return other_futex ? kOtherCall : static_cast<long>(registers.orig_rax);
}
/// At the entry: there is no such call. At its exit: this is why.
void skip_call(pid_t pid) {
  auto registers = registers_of(pid);
  registers.orig_rax = ~0ULL;
  set_registers(pid, registers);
}
void set_result(pid_t pid, long value) {
  auto registers = registers_of(pid);
  registers.rax = static_cast<unsigned long long>(value);
  set_registers(pid, registers);
}
#else
long call_number(pid_t) { return -1; }
void skip_call(pid_t) {}
void set_result(pid_t, long) {}
#endif

/// A traced child between begin() and end().
class Traced {
 public:
  explicit Traced(const std::function<int()>& body)
      : pid_(fork_child([&] {
          ::alarm(kWatchdogSeconds);  // a child that hangs ends by this signal, traced or not
          return body();
        })) {
    if (wait() != SIGSTOP) throw std::runtime_error("the child did not come to its operation");
    trace_call(PTRACE_SETOPTIONS, pid_, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
  }
  pid_t pid() const { return pid_; }
  /// To the entry of the next call (whose number is given), or 0 at the operation's end, −1 where the child is gone.
  long next_call() {
    const int signal = resume();
    if (signal == kCallStop) return call_number(pid_) + 1;
    return signal == SIGSTOP ? 0 : -1;
  }
  /// From the entry to the exit.
  void leave_call() { resume(); }
  /// Untraced to its end.
  std::optional<int> finish() {
    if (ended_) return ended_;
    trace_call(PTRACE_DETACH, pid_, 0, 0);
    return wait_child(pid_, std::chrono::seconds(60));
  }

 private:
  static constexpr int kCallStop = SIGTRAP | 0x80;
  int resume() {
    while (true) {
      trace_call(PTRACE_SYSCALL, pid_, 0, static_cast<std::uint64_t>(pass_));
      pass_ = 0;
      const int signal = wait();
      if (signal == kCallStop || signal == SIGSTOP || signal < 0) return signal;
      pass_ = signal;  // its own: given on
    }
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
    }
    if (WIFSTOPPED(status)) return WSTOPSIG(status);
    ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return -1;
  }
  pid_t pid_;
  std::optional<int> ended_;  ///< and reaped
  int pass_ = 0;
};

}  // namespace

std::string SyscallFault::unavailable() {
#if !defined(__x86_64__)
  return "failing system calls are made through x86-64 registers";
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "under sanitizers a call that fails may be the sanitizer's own, which ends the process";
#else
  const pid_t child = fork_child([] { return trace_call(PTRACE_TRACEME, 0, 0, 0) == 0 ? 0 : 1; });
  return wait_child(child) == 0 ? "" : "ptrace is not allowed here";
#endif
}

void SyscallFault::begin() {
  if (trace_call(PTRACE_TRACEME, 0, 0, 0) != 0) throw std::runtime_error("ptrace is not allowed");
  ::raise(SIGSTOP);
}
void SyscallFault::end() { ::raise(SIGSTOP); }

std::vector<TracedCall> SyscallFault::calls(const std::function<int()>& body) {
  Traced child(body);
  std::vector<TracedCall> out;
  std::map<long, std::size_t> seen;
  for (auto call = child.next_call(); call > 0; call = child.next_call()) {
    const auto found = faults().find(call - 1);
    out.push_back({call - 1, seen[call - 1]++, found == faults().end() ? std::vector<int>() : found->second.second});
    child.leave_call();
  }
  child.finish();
  return out;
}

FaultResult SyscallFault::run(const std::function<int()>& body, const TracedCall& which, int error, bool lasting) {
  Traced child(body);
  FaultResult out;
  std::size_t seen = 0;
  for (auto call = child.next_call(); call > 0; call = child.next_call()) {
    const bool this_one = call - 1 == which.number && seen++ >= which.before && (lasting || !out.reached);
    if (this_one) skip_call(child.pid());
    child.leave_call();
    if (this_one) set_result(child.pid(), -error);
    out.reached = out.reached || this_one;
  }
  out.status = child.finish();
  return out;
}

bool SyscallFault::may_last(int error) { return error == ENOMEM || error == ENOBUFS || error == EMFILE; }

std::string SyscallFault::describe(long number, int error) {
  const auto found = faults().find(number);
  const std::string name = found == faults().end() ? std::to_string(number) : found->second.first;
  return name + " fails with " + ::strerrorname_np(error);
}

}  // namespace ndshare::test
