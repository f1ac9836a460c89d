#include "client/save_source.h"

#include <algorithm>

#include <ndshare/admin.h>
#include <ndshare/error.h>

#include "client/guard_access.h"

namespace ndshare::internal {
namespace {

/// Whether a store whose daemon gave this error may be saved from its segments.
bool daemon_is_away(ErrorCode code) {
  return code == ErrorCode::NoSuchStore || code == ErrorCode::Disconnected || code == ErrorCode::Timeout ||
         code == ErrorCode::TooManyClients;
}

SavedArray saved_array(const ArrayInfo& info, const Array& view) {
  SavedArray array;
  array.name = info.name;
  array.dtype = view.dtype();
  array.shape = view.shape();  // of the view's version: the array may have grown since
  array.order = info.order;
  array.nbytes = view.nbytes();
  array.sealed = info.sealed;
  array.snapshot = info.snapshot;
  array.version = info.version;
  array.source_version = info.source_version;
  array.created_unix_ns = info.created_unix_ns;
  array.attrs = info.attrs;
  array.torn = info.torn;
  return array;
}

bool same_rows(const std::vector<TornRows>& a, const std::vector<TornRows>& b) {
  return std::ranges::equal(a, b, {}, &TornRows::rows, &TornRows::rows);
}

}  // namespace

SaveSource::SaveSource(std::string_view store, std::chrono::nanoseconds timeout)
    : address_(resolve_address(store)), timeout_(timeout) {
  try {
    store_ = Store::connect(store, {.role = Role::read_only, .timeout = timeout});
  } catch (const Error& error) {
    if (!daemon_is_away(error.code())) throw;
    try {
      reader_.emplace(address_);
    } catch (const Error& second) {
      // The first error has the way out: how to start one. Segments of another user are as good as none.
      if (second.code() == ErrorCode::NoSuchStore || second.code() == ErrorCode::Permission) throw error;
      throw;
    }
  }
}

std::vector<ArrayInfo> SaveSource::list() const {
  auto infos = store_ ? store_->list() : admin::Inspector(address_text(address_)).list();
  std::erase_if(infos, [](const ArrayInfo& info) { return !info.visible || info.lifetime == Lifetime::session; });
  return infos;
}

std::optional<PinnedArray> SaveSource::pin(const std::string& name) {
  if (reader_) return reader_->pin(name, deadline_after(timeout_, timeout_));
  try {
    return pin_view(name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NoSuchArray) throw;
    return std::nullopt;
  }
}

/// A view that takes torn rows as they are.
std::optional<PinnedArray> SaveSource::pin_view(const std::string& name) {
  const auto handle = store_->open(name);
  const auto state = GuardAccess::state(handle);
  while (true) {
    const auto info = handle.info();
    GuardCore core;
    take_guard(state, {.mode = ClaimMode::view, .timeout = timeout_, .repair = true}, core);
    core.repairs = false;  // it mends nothing
    const auto view = std::make_shared<const Array>(array_of(core, ClaimMode::view));
    if (!same_rows(handle.info().torn, info.torn)) continue;  // whether the view's version had them is not known
    return PinnedArray{saved_array(info, *view), view->data(), view, {}};
  }
}

}  // namespace ndshare::internal
