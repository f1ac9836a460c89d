#include <ndshare/shared_array.h>

#include <algorithm>

#include "client/fast_claims.h"
#include "client/guard_access.h"
#include "client/wait.h"
#include "lib/base/text.h"

namespace ndshare {

using internal::Access;
using internal::ClaimMode;
using internal::GuardAccess;

SharedArray::SharedArray() = default;
SharedArray::SharedArray(std::shared_ptr<internal::SharedState> state) noexcept : state_(std::move(state)) {}

const internal::SharedState& SharedArray::state() const {
  if (state_ == nullptr) throw Error(ErrorCode::Usage, "this handle names no array: it comes from create() or open()");
  return *state_;
}

const std::string& SharedArray::name() const { return state().name; }
const DType& SharedArray::dtype() const { return state().opened.dtype; }
Shape SharedArray::shape() const { return state().shape(); }
std::int64_t SharedArray::nbytes() const { return shape().nbytes(dtype().itemsize()); }

std::uint64_t SharedArray::version() const {
  const auto& state = this->state();
  state.session->check();
  const auto ref = state.session->catalog().read_ref(state.array);
  return ref && ref->array_gen == state.array_gen ? ref->version : 0;
}

std::uint64_t SharedArray::revision() const {
  const auto& state = this->state();
  state.session->check();
  return state.session->array_sync(state.array).revision.load(std::memory_order_acquire);
}

bool SharedArray::sealed() const { return (state().current().flags & internal::kArraySealed) != 0; }

ArrayInfo SharedArray::info() const {
  const auto& state = this->state();
  state.session->check();
  const auto copy = state.session->catalog().read(state.array);
  if (!copy || copy->ref.array_gen != state.array_gen) state.removed();
  return internal::array_info(*copy);
}

// ---- claims

ReadGuard SharedArray::read(const ReadOptions& options) const {
  ReadGuard guard;
  if (options.rows == Rows{} && internal::fast_take(state(), ClaimMode::read, GuardAccess::core(guard))) return guard;
  internal::take_guard(GuardAccess::state(*this), {ClaimMode::read, options.rows, options.timeout}, GuardAccess::core(guard));
  return guard;
}

Array SharedArray::view(const ReadOptions& options) const {
  internal::GuardCore core;
  if (options.rows == Rows{} && internal::fast_take(state(), ClaimMode::view, core)) return internal::view_of(state_, core);
  internal::take_guard(GuardAccess::state(*this), {ClaimMode::view, options.rows, options.timeout}, core);
  return internal::array_of(core, ClaimMode::view);
}

WriteGuard SharedArray::write(const WriteOptions& options) {
  WriteGuard guard;
  Access access{ClaimMode::write, options.rows, options.timeout, options.overwrite};
  access.lock_only = options.lock_only;
  internal::take_guard(GuardAccess::state(*this), access, GuardAccess::core(guard));
  return guard;
}

UpdateGuard SharedArray::update(const WriteOptions& options) {
  UpdateGuard guard;
  const Access access{ClaimMode::update, options.rows, options.timeout, options.overwrite};
  internal::take_guard(GuardAccess::state(*this), access, GuardAccess::core(guard), &GuardAccess::update(guard));
  return guard;
}

ErrorCode SharedArray::try_read(ReadGuard& guard, const ReadOptions& options) const {
  guard = ReadGuard();
  try {
    const Access access{.mode = ClaimMode::read, .rows = options.rows, .timeout = options.timeout, .now = true};
    return internal::take_guard(GuardAccess::state(*this), access, GuardAccess::core(guard));
  } catch (const Error& error) {
    return error.code();
  }
}

ErrorCode SharedArray::try_write(WriteGuard& guard, const WriteOptions& options) {
  guard = WriteGuard();
  try {
    const Access access{ClaimMode::write, options.rows, options.timeout, options.overwrite, false, options.lock_only, true};
    return internal::take_guard(GuardAccess::state(*this), access, GuardAccess::core(guard));
  } catch (const Error& error) {
    return error.code();
  }
}

WriteGuard SharedArray::repair(const WriteOptions& options) {
  WriteGuard guard;
  const Access access{ClaimMode::write, options.rows, options.timeout, options.overwrite, true};
  internal::take_guard(GuardAccess::state(*this), access, GuardAccess::core(guard));
  return guard;
}

std::size_t SharedArray::accept_torn(const Rows& rows, Timeout timeout) {
  auto guard = repair({.rows = rows, .timeout = timeout});
  const auto& core = GuardAccess::core(guard);
  std::size_t count = 0;
  for (const auto& torn : info().torn) count += torn.rows.first < core.first + core.rows && core.first < torn.rows.last;
  guard.release();
  return count;
}

// ---- versions

void SharedArray::append(const Array& rows, Timeout timeout) { internal::append_rows(state(), rows, timeout); }
void SharedArray::resize(std::int64_t rows, Timeout timeout) { internal::resize_rows(state(), rows, timeout); }
void SharedArray::revert(std::string_view snapshot, Timeout timeout) { internal::revert_to(state(), snapshot, timeout); }

void SharedArray::seal() {
  const auto& state = this->state();
  const internal::Lease lease(state.session);
  lease->check_writer();
  internal::Sealing sealing(lease->builds());  // a write() that starts now waits, and then finds the array sealed
  if (!sealing.add(state.array_gen)) {
    throw Error(ErrorCode::Busy, "array '" + internal::printable(state.name) +
                                     "' is held by a write guard (or an array taken from one): release it before seal()");
  }
  internal::PublishRequest request;
  request.arrays.push_back(state.id());
  request.seal = true;
  internal::HeldClaim held(*lease, false);
  internal::acquire(state, held, ClaimMode::read, 0, internal::kAllRows, lease->guard_deadline({}));  // waits for writers in place
  lease->request(request, lease->deadline({}));
}

}  // namespace ndshare
