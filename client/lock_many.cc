// Claims on several arrays in one call, and the snapshot, which holds one while it asks.
#include <algorithm>
#include <numeric>

#include <ndshare/store.h>

#include "client/guard_access.h"
#include "lib/base/text.h"
#include "lib/wire/attrs.h"

namespace ndshare {
namespace {

Guard take(const LockItem& item, const Timeout& timeout) {
  SharedArray array = item.array;
  switch (item.mode) {
    case LockMode::read: return array.read({.rows = item.rows, .timeout = timeout});
    case LockMode::write: return array.write({.rows = item.rows, .timeout = timeout, .overwrite = item.overwrite});
    default: return array.update({.rows = item.rows, .timeout = timeout, .overwrite = item.overwrite});
  }
}

}  // namespace

std::vector<Guard> Store::lock(std::span<const LockItem> items, Timeout timeout) {
  if (session_ == nullptr) throw Error(ErrorCode::Usage, "this Store was moved from");
  session_->check();
  for (const auto& item : items) {
    if (item.array.state().session != session_) {
      throw Error(ErrorCode::Usage, "array '" + internal::printable(item.array.name()) + "' belongs to another connection: lock it there");
    }
  }
  // Everybody takes arrays by record and rows, so that no two calls wait for each other in a circle.
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto place = [&](std::size_t i) { return std::pair(items[i].array.state().array, items[i].rows.first); };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
  const auto deadline = session_->guard_deadline(timeout);
  std::vector<Guard> out(items.size());
  for (const auto i : order) {
    out[i] = take(items[i], deadline == internal::kForever ? timeout : Timeout(internal::time_left(deadline)));
  }
  return out;
}

SharedArray Store::snapshot(std::string_view source, std::string_view name, const SnapshotOptions& options) {
  if (session_ == nullptr) throw Error(ErrorCode::Usage, "this Store was moved from");
  session_->check_writer();
  internal::check_array_name(name);
  const auto array = open(source);
  const auto& state = array.state();
  const auto deadline = session_->guard_deadline(options.timeout);
  internal::HeldClaim held(*session_, false);
  auto ref = internal::acquire(state, held, internal::ClaimMode::read, 0, internal::kAllRows, deadline).ref;
  internal::check_granted(state, ref, {.mode = internal::ClaimMode::read}, {0, internal::kAllRows});
  internal::SnapshotRequest request{state.id(), ref.version, std::string(name), internal::encode_attrs(options.attrs)};
  if (options.attrs.empty()) request.attrs.clear();
  session_->request(request, session_->deadline(options.timeout));
  return open(name);
}

}  // namespace ndshare
