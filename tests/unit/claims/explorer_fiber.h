/// The explorer's threads: stacks of their own on the one thread of the test, switched by _setjmp and _longjmp (no
/// system call).
///
/// A fiber that is abandoned (its client was killed, or the execution ended early) is simply started anew: nothing on
/// its stack is destroyed, so what runs on one owns no memory.
///   Threads: one.   Sanitizers do not know these switches: built without them only.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <memory>

#include <ucontext.h>

namespace ndshare::internal::model {

class Fiber {
 public:
  using Body = void (*)(int argument);
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// The next switch to this fiber calls body(argument) on an empty stack. `body` never returns.
  void start(Body body, int argument) noexcept;

  /// Leaves this fiber where it stands and goes on with another, or with whoever called run().
  static void resume(Fiber& from, Fiber& to) noexcept;
  static void leave(Fiber& from) noexcept;
  /// From outside all fibers: goes on with `to`, until one leaves.
  static void run(Fiber& to) noexcept;

 private:
  static constexpr std::size_t kStackBytes = 64 << 10;
  static void first() noexcept;

  std::unique_ptr<std::byte[]> stack_;
  ucontext_t begin_{}, maker_{};
  std::jmp_buf empty_, at_;  ///< before body, and where it stands
  bool fresh_ = true;
  Body body_ = nullptr;
  int argument_ = 0;
};

}  // namespace ndshare::internal::model
