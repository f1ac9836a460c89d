// The end of building: arrays become visible, a few at once or all that a client has ready.
//
// A redo record holds the stores of some thousand arrays. More are published in several, between which a daemon may be killed: the
// first one says in the header whose arrays these are, the last one takes the mark away. While the mark stands nothing else is
// done for anybody, and a start that finds it goes on from there, before it sweeps: what is ready then is what is left.
#include <algorithm>
#include <unordered_set>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "daemon/engine_impl.h"
#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

[[noreturn]] void still_built(std::string_view name, std::uint64_t pid) {
  throw Error(ErrorCode::NameTaken, "'" + printable(name) + "' is being built by process " + std::to_string(pid) +
                                        " now: it cannot be replaced before it is published");
}

}  // namespace

void EngineImpl::publish_one(Transaction& change, const Current& array, bool seal, std::vector<Current>& gone) {
  constexpr auto kOfBuilding = kArrayBuilding | kArrayReplaces | kArrayReady | kArraySealLater;
  const auto flags = (array.flags & ~kOfBuilding) | (seal ? kArraySealed : 0);
  if (flags == array.flags) return;
  auto values = array.values();
  values.flags = flags;
  change.set_ref(array.index, values);
  if ((array.flags & kArrayReplaces) == 0) return;
  const auto name = name_of(heap_.meta(array.meta));
  const auto old = index_.find(name);
  if (!old) return index_.insert(change, name, array.index);
  const auto before = current(*old);
  if (before.building()) still_built(name, heap_.meta(before.meta).pid);
  index_.replace(change, name, *old, array.index);
  retire(change, before, false);
  gone.push_back(before);
}

/// The arrays that `ids` name, each once. Errors: as publish().
CurrentArrays EngineImpl::check_batch(SlotRef slot, std::span<const ArrayId> ids) const {
  CurrentArrays batch;
  std::unordered_set<std::string_view> names;
  for (const auto& id : ids) {
    const auto array = find_id(slot, id);
    if (!batch.emplace(array.index, array).second) continue;
    const std::string_view name = name_of(heap_.meta(array.meta));
    if ((array.flags & kArraySealed) != 0) {
      throw Error(ErrorCode::Sealed, "'" + std::string(name) + "' is sealed already", {{"name", std::string(name)}});
    }
    if (names.insert(name).second) continue;
    throw Error(ErrorCode::NameTaken,
                "two arrays of one publish are called '" + std::string(name) + "': publish one after the other",
                {{"name", std::string(name)}});
  }
  return batch;
}

void EngineImpl::publish(SlotRef slot, std::uint64_t sequence, std::span<const ArrayId> arrays, bool seal) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  const auto batch = check_batch(slot, arrays);
  index_.reserve(batch.size());
  std::vector<Current> gone;
  Transaction change(writer_);
  try {
    for (const auto& [index, array] : batch) publish_one(change, array, seal, gone);
    change.answers(slot.index, slot.gen, sequence);
  } catch (...) {
    index_.dropped();
    throw;
  }
  commit(change);
  for (const auto& array : gone) retired(array);
  published(slot, batch);
  if (seal && !batch.empty()) note(EventKind::seal, slot, {batch.size()}, name_of(heap_.meta(batch.begin()->second.meta)));
}

/// Counts and lists after the commit of `batch`.
void EngineImpl::published(SlotRef slot, const CurrentArrays& batch) {
  bool new_names = false;
  for (const auto& [index, array] : batch) {
    if (!array.building()) continue;
    new_names = true;
    ++visible_;
    const bool session = (array.flags & kArraySession) != 0;
    session_ += session;
    if (!session) owned_[slot.index].erase(index);
  }
  if (new_names) names_changed();
  update_statistics();
}

// ---- all that is ready

void EngineImpl::make_ready(SlotRef slot, std::uint64_t sequence, std::span<const ArrayId> arrays, bool seal) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  Transaction change(writer_);
  for (const auto& [index, array] : check_batch(slot, arrays)) {
    if (!array.building()) {
      throw Error(ErrorCode::Usage, "'" + printable(name_of(heap_.meta(array.meta))) + "' is visible already");
    }
    auto values = array.values();
    values.flags |= kArrayReady | (seal ? kArraySealLater : 0);
    change.set_ref(index, values);
  }
  change.answers(slot.index, slot.gen, sequence);
  commit(change);
}

std::vector<std::uint32_t> EngineImpl::ready_of(SlotRef slot) const {
  std::vector<std::uint32_t> out;
  for (const auto index : owned_[slot.index]) {
    if ((current(index).flags & kArrayReady) != 0) out.push_back(index);
  }
  return out;
}

/// Some at a time. The mark in the header goes with the last; nothing here fails for a reason that was not looked for before it.
void EngineImpl::publish_batches(SlotRef slot, std::span<const std::uint32_t> ready) {
  do {
    const auto some = ready.first(std::min(options_.publish_batch, ready.size()));
    ready = ready.subspan(some.size());
    CurrentArrays batch;
    std::vector<Current> gone;
    Transaction change(writer_);
    for (const auto index : some) {
      const auto& array = batch.emplace(index, current(index)).first->second;
      publish_one(change, array, (array.flags & kArraySealLater) != 0, gone);
    }
    if (ready.empty()) change.store(writer_.header().publishing, 0);
    commit(change);
    for (const auto& array : gone) retired(array);
    published(slot, batch);
    crash_point("publish.batch");
  } while (!ready.empty());
}

void EngineImpl::publish_ready(SlotRef slot, std::uint64_t sequence) {
  check_slot(slot, true);
  if (is_repeat(slot, sequence)) return;
  finish_publishing();
  const auto ready = ready_of(slot);
  std::unordered_set<std::string_view> names;
  for (const auto index : ready) {
    const auto array = current(index);
    const auto name = name_of(heap_.meta(array.meta));
    const auto old = (array.flags & kArrayReplaces) != 0 ? index_.find(name) : std::nullopt;
    if (old && current(*old).building()) still_built(name, heap_.meta(current(*old).meta).pid);
    if (names.insert(name).second) continue;
    throw Error(ErrorCode::NameTaken, "two arrays that are to be published together are called '" + printable(name) + "'");
  }
  index_.reserve(ready.size());
  Transaction change(writer_);
  change.store(writer_.header().publishing, (std::uint64_t{slot.index} + 1) << 32 | (slot.gen & UINT32_MAX));
  change.answers(slot.index, slot.gen, sequence);  // from here on it is done, whatever happens
  commit(change);
  crash_point("publish.marked");
  publish_batches(slot, ready);
}

/// What was begun and not finished: by a killed daemon, or by one that had no memory for it at that moment.
void EngineImpl::finish_publishing() {
  const auto mark = header().publishing.load();
  if (mark == 0) return;
  const auto index = static_cast<std::uint32_t>((mark >> 32) - 1);
  if (index >= header().max_clients) throw Error(ErrorCode::Damaged, "the catalog's header is damaged: whose arrays are published");
  const SlotRef slot{index, slot_gen(writer_.slot(index).id.load())};
  const auto ready = ready_of(slot);
  index_.reserve(ready.size());
  publish_batches(slot, ready);
}

}  // namespace ndshare::internal
