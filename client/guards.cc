#include <string>

#include <ndshare/shared_array.h>

#include "client/shared_state.h"

namespace ndshare {
namespace {

const internal::GuardState& live(const std::shared_ptr<internal::GuardState>& state) {
  if (state == nullptr) throw Error(ErrorCode::Usage, "this guard was released");
  return *state;
}

void check_unborrowed(const internal::GuardState& state) {
  const auto borrowed = state.borrowed();
  if (borrowed > 0) {
    throw Error(ErrorCode::Busy,
                std::to_string(borrowed) + " array(s) taken from this guard still live and keep its claim: let them go first",
                {{"arrays", std::to_string(borrowed)}});
  }
}

}  // namespace

ReadGuard::ReadGuard(std::shared_ptr<internal::GuardState> state) noexcept : state_(std::move(state)) {}
ReadGuard::ReadGuard(ReadGuard&&) noexcept = default;
ReadGuard& ReadGuard::operator=(ReadGuard&&) noexcept = default;
ReadGuard::~ReadGuard() = default;

Array ReadGuard::array() const { return live(state_).array; }
const std::byte* ReadGuard::data() const noexcept { return state_ == nullptr ? nullptr : state_->buffer->data(); }
std::uint64_t ReadGuard::version() const noexcept { return state_ == nullptr ? 0 : state_->buffer->version(); }

void ReadGuard::release() {
  if (state_ == nullptr) return;
  check_unborrowed(*state_);
  state_.reset();
}

WriteGuard::WriteGuard(std::shared_ptr<internal::GuardState> state) noexcept : state_(std::move(state)) {}
WriteGuard::WriteGuard(WriteGuard&&) noexcept = default;
WriteGuard& WriteGuard::operator=(WriteGuard&&) noexcept = default;
// The claim ends with the last array taken from the guard: SharedBuffer's destructor publishes.
WriteGuard::~WriteGuard() = default;

Array WriteGuard::array() const { return live(state_).array; }
std::byte* WriteGuard::data() const noexcept { return state_ == nullptr ? nullptr : state_->buffer->data(); }

void WriteGuard::release() {
  if (state_ == nullptr) return;
  check_unborrowed(*state_);
  const auto state = std::move(state_);
  state->buffer->finish();
}

void WriteGuard::abandon() noexcept {
  if (state_ == nullptr) return;
  state_->buffer->abandon();
  state_.reset();
}

}  // namespace ndshare
