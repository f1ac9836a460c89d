#include <ndshare/store.h>

#include <algorithm>
#include <utility>

#include "client/session.h"
#include "client/shared_state.h"
#include "client/start.h"
#include "client/wait.h"
#include "lib/base/text.h"
#include "lib/wire/attrs.h"

namespace ndshare {

using internal::ArrayCopy;
using internal::ClientSession;

namespace {

ClientSession& live(const std::shared_ptr<ClientSession>& session) {
  if (session == nullptr) throw Error(ErrorCode::Usage, "this Store was moved from");
  session->check();
  return *session;
}

[[noreturn]] void no_such_array(const ClientSession& session, std::string_view name) {
  throw Error(ErrorCode::NoSuchArray,
              "store '" + session.name() + "' has no array '" + internal::printable(name) + "'; list() shows what is there",
              {{"array", std::string(name)}, {"store", session.name()}});
}

bool shape_fits(const Shape& wanted, const Shape& shape) {
  if (wanted.ndim() != shape.ndim()) return false;
  for (int axis = 0; axis < wanted.ndim(); ++axis) {
    if (wanted[axis] != -1 && wanted[axis] != shape[axis]) return false;
  }
  return true;
}

void check_contract(const OpenOptions& contract, const internal::SharedState& state) {
  const auto& is = state.opened;
  const bool dtype_fits = !contract.dtype || *contract.dtype == is.dtype;
  if (dtype_fits && (!contract.shape || shape_fits(*contract.shape, is.shape))) return;
  const auto wanted_dtype = contract.dtype ? contract.dtype->to_string() : "any dtype";
  const auto wanted_shape = contract.shape ? contract.shape->str() : "any shape";
  throw Error(ErrorCode::Contract,
              "array '" + internal::printable(state.name) + "' is " + is.dtype.to_string() + " " + is.shape.str() +
                  ", not " + wanted_dtype + " " + wanted_shape + " as asked",
              {{"array", state.name},
               {"dtype", is.dtype.to_string()},
               {"shape", is.shape.str()},
               {"wanted_dtype", wanted_dtype},
               {"wanted_shape", wanted_shape}});
}

enum class Sight : std::uint8_t { visible, hidden, nothing };

/// Copies the array of this name into `copy`: `hidden` where somebody else still fills it.
Sight look_up(const ClientSession& session, std::string_view name, ArrayCopy& copy) {
  thread_local std::vector<std::byte> scratch;
  if (!session.catalog().find_into(name, copy, scratch)) return Sight::nothing;
  const bool building = (copy.ref.flags & internal::kArrayBuilding) != 0;
  return !building || session.made_by_us(copy) ? Sight::visible : Sight::hidden;
}

/// This thread's copy, whose memory is used again and again: open() should cost no more allocations than its handle needs.
ArrayCopy& thread_copy() {
  thread_local ArrayCopy copy;
  return copy;
}

std::shared_ptr<internal::SharedState> open_copy(const std::shared_ptr<ClientSession>& session,
                                                 const ArrayCopy& copy) {
  auto state = std::make_shared<internal::SharedState>();
  state->session = session;
  state->array = copy.ref.array;
  state->array_gen = copy.ref.array_gen;
  state->ours = session->made_by_us(copy);
  state->opened = internal::version_info(copy);
  state->geometry = internal::geometry_of(copy);
  state->opened_changed();
  state->name = copy.name;
  return state;
}

/// Puts `infos` in the order of their names. Rows are large: names are sorted beside them, then each row moves once.
void sort_by_name(std::vector<ArrayInfo>& infos) {
  if (std::ranges::is_sorted(infos, {}, &ArrayInfo::name)) return;
  std::vector<std::pair<std::string, std::size_t>> order;  // name, and the row that belongs at this place
  order.reserve(infos.size());
  for (auto& info : infos) order.emplace_back(std::move(info.name), order.size());
  std::ranges::sort(order);
  for (std::size_t start = 0; start < order.size(); ++start) {
    if (order[start].second == start) continue;
    auto first = std::move(infos[start]);  // one cycle of the permutation, in place
    auto at = start;
    while (order[at].second != start) {
      const auto from = std::exchange(order[at].second, at);
      infos[at] = std::move(infos[from]);
      at = from;
    }
    order[at].second = at;
    infos[at] = std::move(first);
  }
  for (std::size_t row = 0; row < order.size(); ++row) infos[row].name = std::move(order[row].first);
}

}  // namespace

Store::Store(std::shared_ptr<ClientSession> session) noexcept : session_(std::move(session)) {}

Store Store::connect(std::string_view name, const ConnectOptions& options) {
  return Store(ClientSession::connect(internal::resolve_address(name), options));
}

Store Store::open_or_start(std::string_view name, const StartOptions& options) {
  const auto address = internal::resolve_address(name);
  const auto deadline = internal::deadline_after(options.connect.timeout, internal::kRoundTripTimeout);
  while (true) {
    try {
      return Store(ClientSession::connect(address, options.connect));
    } catch (const Error& error) {
      const bool gone = error.code() == ErrorCode::NoSuchStore || error.code() == ErrorCode::Disconnected;
      if (!gone || address.uid != internal::own_uid() || internal::time_left(deadline).count() == 0) throw;
    }
    admin::DaemonOptions daemon;
    daemon.store = address.name;
    daemon.capacity_bytes = options.capacity_bytes;
    daemon.ephemeral = true;
    daemon.timeout = internal::time_left(deadline);
    try {
      internal::start_daemon(daemon);
    } catch (const Error& error) {
      // Another process of the same mind was faster: connect to what it started.
      if (error.code() != ErrorCode::StoreExists || internal::time_left(deadline).count() == 0) throw;
      internal::nap(deadline);
    }
  }
}

SharedArray Store::open(std::string_view name, const OpenOptions& contract) const {
  const auto& session = live(session_);
  auto& copy = thread_copy();
  const auto sight = internal::is_stream_name(name) ? Sight::nothing : look_up(session, name, copy);
  if (sight == Sight::hidden) internal::still_building(copy);
  if (sight == Sight::nothing) no_such_array(session, name);
  auto state = open_copy(session_, copy);
  if (contract.dtype || contract.shape) check_contract(contract, *state);
  return SharedArray(std::move(state));
}

bool Store::contains(std::string_view name) const {
  const auto& session = live(session_);
  const auto ref = session.catalog().find(name);
  if (!ref) return false;
  return (ref->flags & internal::kArrayBuilding) == 0 || look_up(session, name, thread_copy()) == Sight::visible;
}

std::vector<ArrayInfo> Store::list(std::string_view pattern) const {
  const auto& session = live(session_);
  std::vector<ArrayInfo> infos;
  const bool whole = pattern == "*";
  if (whole) infos.reserve(std::min<std::size_t>(session.catalog().header().live_arrays.load(), 16U << 20));
  session.catalog().for_each([&](const ArrayCopy& copy) {
    if ((copy.ref.flags & internal::kArrayBuilding) != 0 && !session.made_by_us(copy)) return;
    if (internal::is_stream_name(copy.name)) return;  // list_streams() has them
    if (whole || internal::glob_match(pattern, copy.name)) infos.push_back(internal::array_info(copy));
  });
  sort_by_name(infos);
  return infos;
}

SharedArray Store::wait_for(std::string_view name, Timeout timeout) const {
  internal::check_array_name(name);
  auto& session = live(session_);
  const auto deadline = session.deadline(timeout);
  while (true) {
    const auto seen = internal::announce_waiter(session.sync().names_event);
    auto& copy = thread_copy();
    if (look_up(session, name, copy) == Sight::visible) return SharedArray(open_copy(session_, copy));
    if (internal::time_left(deadline).count() == 0) {
      throw Error(ErrorCode::Timeout, "array '" + internal::printable(name) + "' did not appear in store '" + session.name() +
                                          "' before the deadline", {{"array", std::string(name)}});
    }
    internal::sleep_on(session.sync().names_event, seen, deadline);
    session.check();
  }
}

void Store::remove(std::string_view name) {
  live(session_).check_writer();
  session_->request(internal::RemoveRequest{std::string(name)}, session_->deadline({}));
}

void Store::rename(std::string_view from, std::string_view to, bool replace) {
  live(session_).check_writer();
  session_->request(internal::RenameRequest{std::string(from), std::string(to), replace}, session_->deadline({}));
}

void Store::close() noexcept {
  if (session_ != nullptr) session_->close();
}

const std::string& Store::name() const { return live(session_).name(); }
Role Store::role() const { return live(session_).role(); }
std::uint64_t Store::daemon_pid() const {
  return live(session_).catalog().header().daemon_pid.load(std::memory_order_acquire);
}
void Store::ping() const { live(session_).request(internal::PingRequest{}, session_->deadline({})); }

}  // namespace ndshare
