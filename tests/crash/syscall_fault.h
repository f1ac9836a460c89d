/// A child whose n-th system call of an operation fails, as the kernel might have it: without a preload, by the tracer.
///   x86-64 only, and not under sanitizers, as Stepper.   Threads: as Stepper.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ndshare::test {

/// A call of the operation, by its number; what it may fail with.
struct TracedCall {
  long number = 0;
  std::size_t before = 0;   ///< calls of the same number ahead of it
  std::vector<int> errors;  ///< empty where it cannot fail, or where the library does not call it
};

/// How the child ended.
struct FaultResult {
  bool reached = false;       ///< the call came, and failed
  std::optional<int> status;  ///< exit status, 128 + signal; nothing where it hung
};

class SyscallFault {
 public:
  static std::string unavailable();
  /// For the child, around the operation.
  static void begin();
  static void end();
  /// The calls between begin() and end().
  static std::vector<TracedCall> calls(const std::function<int()>& body);
  /// Runs it with that call failing with `error`; `lasting`: and all of its number that come after it. (Two runs need not make
  /// the same calls: allocators, clocks, answers that are there at once. So a call is known by how many of its number went ahead.)
  static FaultResult run(const std::function<int()>& body, const TracedCall& which, int error, bool lasting = false);
  /// Whether a system may lack that for long: memory, descriptors.
  static bool may_last(int error);
  /// "recvmsg fails with ECONNRESET"
  static std::string describe(long number, int error);
};

}  // namespace ndshare::test
