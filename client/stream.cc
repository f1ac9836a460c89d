// Loan, Batch and Stream: the public face of a ring.
#include <ndshare/stream.h>

#include <ctime>
#include <utility>

#include <ndshare/store.h>

#include "client/guard_access.h"
#include "client/stream_state.h"
#include "lib/base/text.h"
#include "lib/shm/shared_bytes.h"
#include "lib/wire/attrs.h"

namespace ndshare {

using internal::BatchCore;
using internal::StreamBuffer;
using internal::StreamState;

namespace {

[[noreturn]] void finished(const char* what) {
  throw Error(ErrorCode::Usage, std::string(what) + ": it was given back already, or never held a batch");
}

StreamState& held(const BatchCore& core, const char* what) {
  if (core.state == nullptr) finished(what);
  core.state->check();
  return *core.state;
}

void check_type(const BatchCore& core, TypeId id, const char* what) {
  const auto& dtype = held(core, what).dtype();
  const bool fits = dtype.id() == id || (dtype.is_time() && id == TypeId::int64);
  if (!fits)
    throw Error(ErrorCode::DtypeMismatch,
                "the batch holds " + dtype.to_string() + ": as_span() of another type was asked for");
}

Array array_of(BatchCore& core, const char* what) {
  auto& state = held(core, what);
  if (core.buffer == nullptr) {
    core.buffer = std::make_shared<StreamBuffer>(core.state, core.number, core.loaned, core.data, core.nbytes,
                                                 state.origin(core.number));
  }
  const auto layout = Layout::contiguous(state.shape(core.rows), state.dtype().itemsize(), Order::C);
  return {state.dtype(), layout, core.buffer, core.loaned};
}

void check_unused(const BatchCore& core, const char* what) {
  const auto arrays = core.buffer == nullptr ? 0 : core.buffer.use_count() - 1;
  if (arrays > 0) {
    throw Error(ErrorCode::Busy, std::string(what) + ": " + std::to_string(arrays) +
                                     " arrays taken from the batch are still in use: let them go first");
  }
}

void close_pages(BatchCore& core) noexcept {
  if (core.loaned && !core.state->session().forked()) core.state->session().guard_pages().close(core.data, core.nbytes);
}

/// The batch was dealt with: nothing is given back any more.
void settle(BatchCore& core) noexcept {
  if (core.buffer != nullptr) core.buffer->settle();
  core = {};
}

/// What is still held goes back, or stays with the arrays that stand on it.
void drop(BatchCore& core) noexcept {
  if (core.state == nullptr) return;
  close_pages(core);
  if (core.buffer == nullptr) core.state->give_back(core.number, core.loaned);
  core = {};
}

std::uint64_t unix_ns() noexcept {
  ::timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

// ---- Loan

Loan::Loan() noexcept = default;
Loan::Loan(Loan&& other) noexcept : core_(std::exchange(other.core_, {})) {}
Loan& Loan::operator=(Loan&& other) noexcept {
  if (this != &other) {
    drop(core_);
    core_ = std::exchange(other.core_, {});
  }
  return *this;
}
Loan::~Loan() { drop(core_); }

Array Loan::array() const { return array_of(core_, "Loan::array()"); }
void Loan::check_span(TypeId id) const { check_type(core_, id, "Loan::as_span()"); }

std::uint64_t Loan::publish(std::int64_t rows, const Attrs& attrs) {
  auto& state = held(core_, "Loan::publish()");
  if (rows < 0 || rows > core_.rows) {
    throw Error(ErrorCode::ShapeMismatch,
                "a batch of stream '" + internal::printable(state.name()) + "' holds up to " +
                    std::to_string(core_.rows) + " rows, not " + std::to_string(rows),
                {{"rows", std::to_string(rows)}, {"capacity", std::to_string(core_.rows)}});
  }
  check_unused(core_, "Loan::publish()");
  auto& meta = state.meta(core_.number);
  std::string text;
  if (!attrs.empty()) text = internal::encode_attrs(attrs);
  if (text.size() > internal::kMaxBatchAttrs) {
    throw Error(ErrorCode::Usage, "the attributes of a batch have " + std::to_string(text.size()) +
                                      " bytes as JSON; the limit is " + std::to_string(internal::kMaxBatchAttrs));
  }
  internal::store_shared(meta.attrs, text.data(), text.size());
  meta.attrs_bytes.store(text.size(), std::memory_order_relaxed);
  meta.rows.store(static_cast<std::uint64_t>(rows), std::memory_order_relaxed);
  meta.published_unix_ns.store(unix_ns(), std::memory_order_relaxed);
  close_pages(core_);
  const auto sequence = state.ring().publish(core_.number);
  settle(core_);
  return sequence;
}

// ---- Batch

Batch::Batch() noexcept = default;
Batch::Batch(Batch&& other) noexcept : core_(std::exchange(other.core_, {})) {}
Batch& Batch::operator=(Batch&& other) noexcept {
  if (this != &other) {
    drop(core_);
    core_ = std::exchange(other.core_, {});
  }
  return *this;
}
Batch::~Batch() { drop(core_); }

Array Batch::array() const { return array_of(core_, "Batch::array()"); }
void Batch::check_span(TypeId id) const { check_type(core_, id, "Batch::as_span()"); }
std::uint64_t Batch::published_unix_ns() const {
  return held(core_, "Batch::published_unix_ns()").meta(core_.number).published_unix_ns.load();
}
Attrs Batch::attrs() const { return internal::attrs_of(held(core_, "Batch::attrs()").meta(core_.number)); }

void Batch::done() {
  auto& state = held(core_, "Batch::done()");
  check_unused(core_, "Batch::done()");
  state.ring().done(core_.number, state.cursor());
  settle(core_);
}

SharedArray Batch::keep(std::string_view name) {
  auto& state = held(core_, "Batch::keep()");
  check_unused(core_, "Batch::keep()");
  if (state.broadcast()) {
    throw Error(ErrorCode::NotSupported,
                "a batch of a broadcast is read by others too: copy what is to be kept (nd::copyto, Array::copy)");
  }
  internal::check_array_name(name);
  auto session = state.session_pointer();
  session->check_writer();
  Store store(session);
  const auto options = CreateOptions{.fill = Fill::empty, .replace = true};
  // Not visible: it goes with its handle where the request below fails.
  const CreateItem item{internal::batch_array_name(state.name(), core_.number), state.dtype(),
                        state.shape(state.options().rows)};
  const auto fresh = store.create_unchecked({&item, 1}, options);
  internal::KeepBatchRequest request{state.id(), internal::GuardAccess::state(fresh.front())->id(), core_.number,
                                     static_cast<std::uint64_t>(core_.rows), std::string(name)};
  session->request(request, session->deadline({}));
  settle(core_);  // the daemon freed the batch's word, with the change of its array
  return store.open(name);
}

// ---- Stream

Stream::Stream() = default;
Stream::Stream(std::shared_ptr<StreamState> state) noexcept : state_(std::move(state)) {}

namespace {

StreamState& live(const std::shared_ptr<StreamState>& state) {
  if (state == nullptr) throw Error(ErrorCode::Usage, "this Stream is a handle to nothing");
  return *state;
}

}  // namespace

const std::string& Stream::name() const { return live(state_).name(); }
const DType& Stream::dtype() const { return live(state_).dtype(); }
const StreamOptions& Stream::options() const { return live(state_).options(); }

namespace {

/// The core of a loan.   Errors: those of the map; then the batch goes back.
BatchCore loan_core(const std::shared_ptr<StreamState>& state, std::uint32_t number) {
  BatchCore core;
  core.state = state, core.number = number, core.loaned = true;
  core.rows = state->options().rows, core.nbytes = core.rows * state->row_bytes();
  try {
    core.data = state->data(number, true);
    state->session().guard_pages().open(core.data, core.nbytes);
  } catch (...) {
    state->give_back(number, true);
    throw;
  }
  return core;
}

BatchCore batch_core(const std::shared_ptr<StreamState>& state, std::uint32_t number) {
  BatchCore core;
  core.state = state, core.number = number;
  try {
    core.data = state->data(number, false);
    const auto rows = state->meta(number).rows.load(std::memory_order_relaxed);
    if (rows > static_cast<std::uint64_t>(state->options().rows)) {
      throw Error(ErrorCode::Damaged, "batch " + std::to_string(number) + " of stream '" +
                                          internal::printable(state->name()) + "' says that it has " +
                                          std::to_string(rows) + " rows, more than it holds");
    }
    core.rows = static_cast<std::int64_t>(rows), core.nbytes = core.rows * state->row_bytes();
  } catch (...) {
    state->give_back(number, false);
    throw;
  }
  core.sequence = state->meta(number).sequence.load(std::memory_order_relaxed);
  core.deliveries =
      state->broadcast() ? 1 : internal::batch_deliveries(state->sync().word[number].load(std::memory_order_relaxed));
  return core;
}

}  // namespace

Loan Stream::loan(const StreamWait& wait) {
  auto code = ErrorCode::Ok;
  const int number = live(state_).loan(wait, false, code);
  if (number < 0) state_->refuse(code, true);
  Loan out;
  out.core_ = loan_core(state_, static_cast<std::uint32_t>(number));
  return out;
}

Batch Stream::take(const StreamWait& wait) {
  auto code = ErrorCode::Ok;
  const int number = live(state_).take(wait, false, code);
  if (number < 0) state_->refuse(code, false);
  Batch out;
  out.core_ = batch_core(state_, static_cast<std::uint32_t>(number));
  return out;
}

ErrorCode Stream::try_loan(Loan& loan, const StreamWait& wait) {
  auto code = ErrorCode::Ok;
  const int number = live(state_).loan(wait, true, code);
  if (number < 0) return code;
  drop(loan.core_);
  loan.core_ = loan_core(state_, static_cast<std::uint32_t>(number));
  return ErrorCode::Ok;
}

ErrorCode Stream::try_take(Batch& batch, const StreamWait& wait) {
  auto code = ErrorCode::Ok;
  const int number = live(state_).take(wait, true, code);
  if (number < 0) return code;
  drop(batch.core_);
  batch.core_ = batch_core(state_, static_cast<std::uint32_t>(number));
  return ErrorCode::Ok;
}

void Stream::join() {
  live(state_).check();
  state_->join();
}
std::uint64_t Stream::missed() const {
  auto& state = live(state_);
  return state.joined() ? state.sync().cursor[state.cursor()].missed.load() : 0;
}
void Stream::close() {
  live(state_).session().check_writer();
  state_->ring().close();
}
bool Stream::closed() const {
  live(state_).check();
  return state_->sync().closed.load() != 0;
}
StreamInfo Stream::info() const {
  live(state_).check();
  return internal::stream_info(state_->session().catalog(), state_->found(), state_->sync());
}

Batch Stream::take_dead_letter() {
  live(state_).check();
  const int number = state_->ring().take_dead();
  Batch out;
  if (number >= 0) out.core_ = batch_core(state_, static_cast<std::uint32_t>(number));
  return out;
}

std::uint64_t Stream::retry_dead_letters() {
  live(state_).check();
  std::uint64_t count = 0;
  for (std::uint32_t i = 0; i < state_->options().depth; ++i) count += state_->ring().retry(i);
  return count;
}

}  // namespace ndshare
