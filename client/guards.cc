#include <string>
#include <utility>

#include <ndshare/guards.h>

#include "client/fast_claims.h"
#include "client/guard_access.h"

namespace ndshare {

using internal::ClaimMode;
using internal::GuardCore;

namespace {

void check_live(const GuardCore& core) {
  if (core.claim == nullptr && core.buffer == nullptr) throw Error(ErrorCode::Usage, "this guard was released");
  // The claim is the parent's, and so is the memory.
  if (core.session->forked()) core.session->check();
}

/// Arrays that live keep the buffer, and so the claim.
void check_unborrowed(const GuardCore& core) {
  const auto borrowed = core.buffer.use_count() - 1;
  if (borrowed > 0) {
    throw Error(ErrorCode::Busy,
                std::to_string(borrowed) + " array(s) taken from this guard still live and keep its claim: let them go first",
                {{"arrays", std::to_string(borrowed)}});
  }
}

void check_type(const GuardCore& core, TypeId id) {
  check_live(core);
  const bool time_as_count = core.is_time && id == TypeId::int64;
  if (core.type == id || time_as_count) return;
  const auto dtype = internal::state_of(core)->opened.dtype;
  throw Error(ErrorCode::DtypeMismatch, "a span of " + DType(id).name() + " over an array of " + dtype.to_string() +
                                            ": ask for that type, or take array() and convert it");
}

/// Takes the claim back from the buffer, whose last user is the guard.
void reclaim_core(GuardCore& core) {
  check_live(core);
  if (core.buffer == nullptr) return;
  check_unborrowed(core);
  core = std::exchange(core.buffer->core(), {});
}

}  // namespace

ReadGuard::ReadGuard() noexcept = default;
ReadGuard::ReadGuard(ReadGuard&& other) noexcept : core_(std::exchange(other.core_, {})) {}
ReadGuard& ReadGuard::operator=(ReadGuard&& other) noexcept {
  if (this != &other) {
    internal::drop_guard(core_, ClaimMode::read);
    core_ = std::exchange(other.core_, {});
  }
  return *this;
}
ReadGuard::~ReadGuard() {
  if (core_.claim == nullptr) return;
  core_.parked ? internal::fast_end(core_) : internal::drop_guard(core_, ClaimMode::read);
}

Array ReadGuard::array() const {
  check_live(core_);
  return internal::array_of(core_, ClaimMode::read);
}

void ReadGuard::check_span(TypeId id) const { check_type(core_, id); }

void ReadGuard::release() {
  if (core_.parked && core_.claim != nullptr && !core_.session->forked()) return internal::fast_end(core_);
  if (!*this) return;
  reclaim_core(core_);
  internal::end_guard(core_, ClaimMode::read);
}

WriteGuard::WriteGuard() noexcept = default;
WriteGuard::WriteGuard(WriteGuard&& other) noexcept : core_(std::exchange(other.core_, {})) {}
WriteGuard& WriteGuard::operator=(WriteGuard&& other) noexcept {
  if (this != &other) {
    internal::drop_guard(core_, ClaimMode::write);
    core_ = std::exchange(other.core_, {});
  }
  return *this;
}
// The claim ends with the last array taken from the guard: SharedBuffer's destructor publishes.
WriteGuard::~WriteGuard() { internal::drop_guard(core_, ClaimMode::write); }

Array WriteGuard::array() const {
  check_live(core_);
  return internal::array_of(core_, ClaimMode::write);
}

void WriteGuard::check_span(TypeId id) const { check_type(core_, id); }

void WriteGuard::release() {
  if (!*this) return;
  reclaim_core(core_);
  internal::end_guard(core_, ClaimMode::write);
}

void WriteGuard::abandon() noexcept {
  if (!*this) return;
  auto& core = core_.buffer != nullptr ? core_.buffer->core() : core_;
  internal::abandon_guard(core);
  core_ = {};
}

UpdateGuard::UpdateGuard() noexcept = default;
UpdateGuard::UpdateGuard(UpdateGuard&& other) noexcept
    : core_(std::exchange(other.core_, {})), update_(std::exchange(other.update_, nullptr)) {}
UpdateGuard& UpdateGuard::operator=(UpdateGuard&& other) noexcept {
  if (this != &other) {
    internal::drop_guard(core_, ClaimMode::update);
    core_ = std::exchange(other.core_, {});
    update_ = std::exchange(other.update_, nullptr);
  }
  return *this;
}
UpdateGuard::~UpdateGuard() { internal::drop_guard(core_, ClaimMode::update); }

Array UpdateGuard::array() const {
  check_live(core_);
  return internal::array_of(core_, ClaimMode::update, update_);
}

void UpdateGuard::check_span(TypeId id) const { check_type(core_, id); }

std::uint64_t UpdateGuard::commit() {
  if (!*this) throw Error(ErrorCode::Usage, "this guard was committed or released: an update is committed once");
  reclaim_core(core_);
  const auto version = internal::commit_update(core_, *update_);
  update_.reset();
  return version;
}

void UpdateGuard::release() {
  if (!*this) return;
  reclaim_core(core_);
  internal::end_guard(core_, ClaimMode::update);
  update_.reset();
}

}  // namespace ndshare
