#include <ndshare/shared_array.h>

#include "client/shared_state.h"
#include "lib/base/text.h"

namespace ndshare {

using internal::ClaimMode;

SharedArray::SharedArray() = default;
SharedArray::SharedArray(std::shared_ptr<internal::SharedState> state) noexcept : state_(std::move(state)) {}

const internal::SharedState& SharedArray::state() const {
  if (state_ == nullptr) throw Error(ErrorCode::Usage, "this handle names no array: it comes from create() or open()");
  return *state_;
}

const std::string& SharedArray::name() const { return state().name; }
const DType& SharedArray::dtype() const { return state().opened.dtype; }
const Shape& SharedArray::shape() const { return state().opened.shape; }
std::int64_t SharedArray::nbytes() const { return state().opened.nbytes; }

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

ReadGuard SharedArray::read(const ReadOptions& options) const {
  auto guard = internal::pin_rows(state(), {ClaimMode::read, options.rows, options.timeout});
  return ReadGuard(std::make_shared<internal::GuardState>(std::move(guard)));
}

Array SharedArray::view(const ReadOptions& options) const {
  return internal::pin_rows(state(), {ClaimMode::view, options.rows, options.timeout}).array;
}

WriteGuard SharedArray::write(const WriteOptions& options) {
  auto guard = internal::pin_rows(state(), {ClaimMode::write, options.rows, options.timeout});
  return WriteGuard(std::make_shared<internal::GuardState>(std::move(guard)));
}

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
  request.arrays.push_back({state.array, state.array_gen});
  request.seal = true;
  lease->request(request, lease->deadline({}));
}

}  // namespace ndshare
