// Waiting for changes of arrays: the revision is looked at, the event slept on.
#include <algorithm>
#include <utility>
#include <vector>

#include <ndshare/store.h>

#include "client/guard_access.h"
#include "client/wait.h"
#include "lib/base/text.h"

namespace ndshare {
namespace {

using internal::ClaimState;
using internal::SharedState;

/// A thread that holds the array would wait for what its own claim keeps others from doing.
void check_not_held(const SharedState& state) {
  auto& session = *state.session;
  const auto entries = session.system().slot(session.slot());
  const auto tid = internal::thread_id();
  for (std::uint32_t i = 0; i < entries.lock_high; ++i) {
    const auto word = entries.lock[i].word.load();
    if (internal::claim_state(word) != ClaimState::granted || internal::claim_array(word) != state.array) continue;
    if (entries.lock[i].tid.load() != tid) continue;
    throw Error(ErrorCode::WouldDeadlock, "this thread holds a guard on '" + internal::printable(state.name) +
                                              "' and would wait for a change of it: release the guard first");
  }
}

/// Index of the first array whose revision is another than the one known; the size for none.
std::size_t first_changed(std::span<const std::pair<const SharedState*, std::uint64_t>> watched) {
  for (std::size_t i = 0; i < watched.size(); ++i) {
    const auto& state = *watched[i].first;
    auto& session = *state.session;
    session.check();
    if (session.array_sync(state.array).revision.load(std::memory_order_seq_cst) != watched[i].second) return i;
    const auto ref = session.catalog().read_ref(state.array);
    if (!ref || ref->array_gen != state.array_gen) state.removed();
  }
  return watched.size();
}

std::size_t wait_for_any(std::span<const std::pair<const SharedState*, std::uint64_t>> watched, const Timeout& timeout) {
  auto& session = *watched.front().first->session;
  const auto deadline = session.guard_deadline(timeout);
  for (const auto& [state, revision] : watched) check_not_held(*state);
  std::vector<std::pair<internal::a32*, std::uint32_t>> words(watched.size());
  while (true) {
    if (const auto changed = first_changed(watched); changed < watched.size()) return changed;
    // Announced before the last look: a change after it changes the word that is slept on (pairs with a release's wake).
    for (std::size_t i = 0; i < watched.size(); ++i) {
      auto& event = session.array_sync(watched[i].first->array).event;
      words[i] = {&event, internal::announce_waiter(event)};
    }
    if (const auto changed = first_changed(watched); changed < watched.size()) return changed;
    if (internal::time_left(deadline).count() == 0) {
      throw Error(ErrorCode::Timeout, "no change of '" + internal::printable(watched.front().first->name) + "'" +
                                          (watched.size() > 1 ? " and " + std::to_string(watched.size() - 1) + " more" : "") +
                                          " before the deadline");
    }
    if (words.size() == 1) {
      internal::sleep_on(*words[0].first, words[0].second, deadline);
    } else {
      internal::sleep_on_any(words, deadline);
    }
  }
}

}  // namespace

std::uint64_t SharedArray::wait_for_change(std::uint64_t revision, Timeout timeout) const {
  const auto& state = this->state();
  const std::pair<const SharedState*, std::uint64_t> watched{&state, revision};
  wait_for_any({&watched, 1}, timeout);
  return this->revision();
}

std::size_t Store::wait_for_change(std::span<const Watch> watches, Timeout timeout) const {
  if (session_ == nullptr) throw Error(ErrorCode::Usage, "this Store was moved from");
  session_->check();
  if (watches.empty()) throw Error(ErrorCode::Usage, "wait_for_change: no arrays to watch");
  std::vector<std::pair<const SharedState*, std::uint64_t>> watched;
  for (const auto& watch : watches) {
    const auto& state = watch.array.state();
    if (state.session != session_) {
      throw Error(ErrorCode::Usage, "array '" + internal::printable(state.name) + "' belongs to another connection: watch it there");
    }
    watched.emplace_back(&state, watch.revision);
  }
  return wait_for_any(watched, timeout);
}

}  // namespace ndshare
