// Who holds and waits for what, read from the segments: a picture at about one moment, for people who ask.
#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <ndshare/error.h>

#include "client/inspector_impl.h"
#include "client/shared_state.h"
#include "lib/base/text.h"
#include "lib/shm/claim_system.h"
#include "lib/shm/process.h"
#include "lib/shm/process_state.h"
#include "lib/shm/sync_layout.h"
#include "lib/shm/wait_graph.h"

namespace ndshare::admin {
namespace {

using internal::ArrayCopy;
using internal::CatalogView;
using internal::ClaimCopy;
using internal::ClaimMode;
using internal::ClaimState;
using internal::Descriptor;
using internal::Mapping;

std::string mode_name(ClaimMode mode) {
  switch (mode) {
    case ClaimMode::read:
      return "read";
    case ClaimMode::view:
      return "view";
    case ClaimMode::update:
      return "update";
    case ClaimMode::write:
      return "write";
  }
  return "?";
}

struct ProcessState {
  bool stopped = false, dead = false;
};

/// Of the process behind a slot. In another pid namespace its pid says nothing here: neither is claimed.
ProcessState process_state(const internal::Slot& slot) {
  if (slot.pid_namespace.load() != internal::own_pid_namespace()) return {};
  const auto pid = slot.pid.load();
  if (!internal::process_alive(pid, slot.start.load())) return {.dead = true};
  return {.stopped = internal::process_stopped(pid)};
}

/// All claims, and whose and on what they are.
class Picture {
 public:
  Picture(const CatalogView& catalog, const Descriptor& sync)
      : catalog_(catalog),
        map_(map_sync(catalog, sync)),
        system_(catalog, map_.data()),
        graph_(system_),
        now_ns_(system_.coarse_now_ns()) {}

  const std::vector<ClaimCopy>& claims() const noexcept { return graph_.claims(); }
  ClaimInfo info(std::size_t index);
  /// The array that a claim names; null where it was removed.
  const ArrayCopy* array_of(const ClaimCopy& claim);
  const ProcessState& process_of(std::uint32_t slot);
  const internal::ClaimSystem& system() const noexcept { return system_; }
  /// Whether a claim keeps what nobody else can see any more.
  bool is_outdated(const ClaimCopy& claim);

 private:
  std::vector<std::uint64_t> waits_for(std::size_t index) const;
  const CatalogView& catalog_;
  Mapping map_;
  internal::ClaimSystem system_;
  internal::WaitGraph graph_;
  std::uint64_t now_ns_;
  std::map<std::uint32_t, std::optional<ArrayCopy>> arrays_;
  std::map<std::uint32_t, ProcessState> processes_;
};

const ArrayCopy* Picture::array_of(const ClaimCopy& claim) {
  auto [at, is_new] = arrays_.try_emplace(claim.array);
  if (is_new) {
    try {
      at->second = catalog_.read(claim.array);
    } catch (const Error&) {
      // Damaged, or changing all the time: its claims can be told all the same.
    }
  }
  const auto& copy = at->second;
  return copy && copy->ref.array_gen == claim.array_gen ? &*copy : nullptr;
}

const ProcessState& Picture::process_of(std::uint32_t slot) {
  auto [at, is_new] = processes_.try_emplace(slot);
  if (is_new) at->second = process_state(catalog_.slot(slot));
  return at->second;
}

bool Picture::is_outdated(const ClaimCopy& claim) {
  if (claim.state != ClaimState::granted) return false;
  const auto* array = array_of(claim);
  return array == nullptr || (claim.mode == ClaimMode::view && claim.version != array->ref.version);
}

std::vector<std::uint64_t> Picture::waits_for(std::size_t index) const {
  std::set<std::uint64_t> pids;
  for (const auto blocker : graph_.blockers(index)) pids.insert(catalog_.slot(claims()[blocker].slot).pid.load());
  return {pids.begin(), pids.end()};
}

ClaimInfo Picture::info(std::size_t index) {
  const auto& claim = claims()[index];
  const auto& slot = catalog_.slot(claim.slot);
  const auto& process = process_of(claim.slot);
  const auto* array = array_of(claim);
  ClaimInfo out;
  out.array = array != nullptr ? array->name : "(removed)";
  out.array_version = array != nullptr ? array->ref.version : 0;
  out.mode = mode_name(claim.mode);
  out.rows = {claim.lo, claim.hi == internal::kAllRows ? -1 : claim.hi};
  out.slot = claim.slot;
  out.pid = slot.pid.load();
  out.tid = claim.tid;
  out.version = claim.version;
  if (now_ns_ > claim.since_ns) out.since_s = static_cast<double>(now_ns_ - claim.since_ns) / 1e9;
  out.waiting = claim.state != ClaimState::granted;
  out.stopped = process.stopped;
  out.dead = process.dead;
  if (claim.state == ClaimState::waiting) out.waits_for = waits_for(index);
  out.command.assign(slot.command, ::strnlen(slot.command, sizeof(slot.command)));
  return out;
}

/// What a client says of itself: its segment, its numbers.
void fill_counters(const internal::SlotClaims& slot, ClientInfo& client) {
  const auto count = [&](internal::SlotCounter which) { return slot.counters[static_cast<std::size_t>(which)].load(); };
  using enum internal::SlotCounter;
  client.reads_made = count(reads);
  client.views_made = count(views);
  client.writes_made = count(writes);
  client.updates_made = count(updates);
  client.waits_made = count(waits);
  client.unshared_bytes = count(unshared_bytes);
  client.updated_bytes = count(updated_bytes);
  client.moved_bytes = count(moved_bytes);
  client.appended_bytes = count(appended_bytes);
}

/// Held ones first, oldest first.
bool comes_before(const ClaimInfo& a, const ClaimInfo& b) {
  if (a.waiting != b.waiting) return b.waiting;
  return a.since_s > b.since_s;
}

}  // namespace

std::vector<ClaimInfo> Inspector::claims(std::string_view array) const {
  std::optional<ArrayCopy> wanted;
  if (!array.empty()) {
    wanted = impl_->find(array);  // one that is still being filled, too: who fills it is worth knowing
    if (!wanted) impl_->no_such_array(array);
  }
  Picture picture(impl_->view, impl_->sync);
  std::vector<ClaimInfo> out;
  for (std::size_t i = 0; i < picture.claims().size(); ++i) {
    const auto& claim = picture.claims()[i];
    const bool is_it = !wanted || (claim.array == wanted->ref.array && claim.array_gen == wanted->ref.array_gen);
    if (is_it) out.push_back(picture.info(i));
  }
  std::stable_sort(out.begin(), out.end(), comes_before);
  return out;
}

std::vector<ClientInfo> Inspector::clients() const {
  Picture picture(impl_->view, impl_->sync);
  auto out = impl_->clients();
  for (auto& client : out) {
    const auto& process = picture.process_of(static_cast<std::uint32_t>(client.slot));
    client.stopped = process.stopped;
    client.dead = process.dead;
    fill_counters(picture.system().claims(static_cast<std::uint32_t>(client.slot)), client);
    std::set<std::uint32_t> counted;
    for (const auto& claim : picture.claims()) {
      if (claim.slot != client.slot) continue;
      ++client.claims;
      if (claim.mode == ClaimMode::view) ++client.views;
      if (picture.is_outdated(claim)) ++client.outdated;
      const auto* array = picture.array_of(claim);
      if (array != nullptr && counted.insert(claim.array).second) client.bytes += array->nbytes;
    }
  }
  return out;
}

std::vector<ArrayActivity> Inspector::activity(std::string_view pattern) const {
  Picture picture(impl_->view, impl_->sync);
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::pair<std::uint64_t, std::uint64_t>> counts;  // by index and generation
  for (const auto& claim : picture.claims()) {
    auto& [claims, waiting] = counts[{claim.array, claim.array_gen}];
    ++claims;
    if (claim.state != ClaimState::granted) ++waiting;
  }
  std::vector<ArrayActivity> out;
  impl_->view.for_each([&](const ArrayCopy& copy) {
    if ((copy.ref.flags & internal::kArrayBuilding) != 0 || !internal::glob_match(pattern, copy.name)) return;
    const auto words = picture.system().array(copy.ref.array);
    const auto& [claims, waiting] = counts[{copy.ref.array, copy.ref.array_gen}];
    out.push_back({internal::array_info(copy), words.revision->load(), words.ticket->load(), claims, waiting});
  });
  std::ranges::sort(out, {}, [](const ArrayActivity& row) -> const std::string& { return row.info.name; });
  return out;
}

}  // namespace ndshare::admin
