#include "tests/unit/claims/explorer_fiber.h"

namespace ndshare::internal::model {
namespace {

Fiber* going = nullptr;  // set before every switch: locals do not survive a _longjmp for certain
std::jmp_buf outside;

}  // namespace

Fiber::Fiber() : stack_(std::make_unique<std::byte[]>(kStackBytes)) {
  ::getcontext(&begin_);
  begin_.uc_stack.ss_sp = stack_.get();
  begin_.uc_stack.ss_size = kStackBytes;
  begin_.uc_link = nullptr;
  ::makecontext(&begin_, reinterpret_cast<void (*)()>(&Fiber::first), 0);
  going = this;
  ::swapcontext(&maker_, &begin_);  // once: from then on empty_ leads to the start of the stack
}

void Fiber::first() noexcept {
  if (_setjmp(going->empty_) == 0) ::swapcontext(&going->begin_, &going->maker_);
  going->body_(going->argument_);
}

void Fiber::start(Body body, int argument) noexcept {
  body_ = body, argument_ = argument;
  fresh_ = true;
}

void Fiber::resume(Fiber& from, Fiber& to) noexcept {
  if (_setjmp(from.at_) != 0) return;
  going = &to;
  const bool fresh = to.fresh_;
  to.fresh_ = false;
  _longjmp(fresh ? to.empty_ : to.at_, 1);
}

void Fiber::leave(Fiber& from) noexcept {
  if (_setjmp(from.at_) != 0) return;
  _longjmp(outside, 1);
}

void Fiber::run(Fiber& to) noexcept {
  if (_setjmp(outside) != 0) return;
  going = &to;
  const bool fresh = to.fresh_;
  to.fresh_ = false;
  _longjmp(fresh ? to.empty_ : to.at_, 1);
}

}  // namespace ndshare::internal::model
