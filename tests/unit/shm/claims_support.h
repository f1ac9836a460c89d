/// Claims over real memory: a hand-made catalog, a sync segment without a file, and clients that take claims as the
/// product does.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "lib/shm/claim_system.h"
#include "lib/shm/claim_table.h"
#include "lib/shm/claims.h"
#include "lib/shm/process.h"
#include "tests/unit/shm/fake_catalog.h"

namespace ndshare::test {

using Clock = internal::ClaimPatience::Clock;
inline constexpr std::uint32_t kFakeSlots = 4;

/// 64 rows of 8 bytes in grains of 8 rows.
inline FakeArray fake_rows(std::string name = "x", std::uint64_t birth = 1) {
  FakeArray array;
  array.name = std::move(name);
  array.shape = {64};
  array.nbytes = 512, array.row_bytes = 8, array.grain = 64;
  array.extents = {{0, 512, birth}};
  return array;
}

/// Four slots of living clients (all of them this process), and the words that they share.
class FakeStore {
 public:
  FakeStore() : view_(catalog_.view()), sync_(map()), sys_(view_, sync_) {
    for (std::uint32_t i = 0; i < kFakeSlots; ++i)
      set_owner(i, static_cast<std::uint64_t>(::getpid()),
                *internal::process_start(static_cast<std::uint64_t>(::getpid())));
  }
  ~FakeStore() { ::munmap(sync_, layout().bytes); }
  FakeStore(const FakeStore&) = delete;
  FakeStore& operator=(const FakeStore&) = delete;

  void set_owner(std::uint32_t i, std::uint64_t pid, std::uint64_t start) {
    auto& slot = catalog_.slot(i);
    slot.pid.store(pid), slot.start.store(start), slot.pid_namespace.store(internal::own_pid_namespace());
    slot.id.store(internal::slot_id(1, internal::SlotState::live));
  }
  FakeCatalog& catalog() { return catalog_; }
  const internal::CatalogView& view() const { return view_; }
  internal::ClaimSystem& sys() { return sys_; }
  std::byte* sync() { return sync_; }
  static internal::SyncLayout layout() { return internal::SyncLayout(kFakeSlots, FakeCatalog::kArrays); }
  std::uint64_t gen(std::uint32_t array) const { return view_.read_ref(array)->array_gen; }

  std::vector<internal::ClaimCopy> claims(std::uint32_t slot) {
    std::vector<internal::ClaimCopy> out;
    internal::collect_claims(sys_.claims(slot), out);
    return out;
  }
  /// Polls until an entry of the slot waits.
  void await_waiting(std::uint32_t slot) {
    const auto waits = [&] {
      for (const auto& claim : claims(slot)) {
        if (claim.state == internal::ClaimState::waiting) return true;
      }
      return false;
    };
    while (!waits()) std::this_thread::yield();
  }
  void sweep(std::uint32_t slot) {
    internal::Claims protocol(sys_, 0, 1);
    protocol.sweep(slot, 1, FakeCatalog::kArrays, [] {});
  }

 private:
  static std::byte* map() {
    return static_cast<std::byte*>(
        ::mmap(nullptr, layout().bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
  FakeCatalog catalog_;
  internal::CatalogView view_;
  std::byte* sync_;
  internal::ClaimSystem sys_;
};

/// What one acquire gave.
struct Taken {
  internal::Verdict verdict = internal::Verdict::blocked;
  internal::Claim* entry = nullptr;
  internal::Claims::Grant grant;
  internal::Blocker blocker;
  bool granted() const { return verdict == internal::Verdict::granted; }
};

/// One client process: a slot, its table of entries.   Threads: safe.
class FakeClient {
 public:
  static constexpr auto kNow = Clock::time_point{};  ///< long over: do not wait
  static constexpr auto kForever = internal::ClaimPatience::kForever;

  FakeClient(FakeStore& store, std::uint32_t slot)
      : store_(store), slot_(slot), table_(&store.sys().claims(slot)), claims_(store.sys(), slot, 1) {}

  /// As the thread `tid` of this client.
  Taken take(std::uint32_t array, internal::ClaimMode mode, std::int64_t lo, std::int64_t hi,
             Clock::time_point deadline = kNow, std::uint32_t tid = internal::thread_id()) {
    Taken out;
    const bool view = mode == internal::ClaimMode::view;
    out.entry = table_.try_take(view);
    const internal::Wish wish{array, tid, gens_ != 0 ? gens_ : store_.gen(array), {mode, false, lo, hi}, {8, 64}};
    internal::ClaimPatience patience(store_.sys(), slot_, deadline, nullptr);
    out.verdict = claims_.acquire(*out.entry, view ? nullptr : out.entry, wish, patience, out.grant, out.blocker);
    if (out.verdict == internal::Verdict::queue) {
      auto* queue = table_.try_take(false);
      out.verdict = claims_.acquire(*out.entry, queue, wish, patience, out.grant, out.blocker);
      table_.give_back(queue);
    }
    if (!out.granted()) table_.give_back(out.entry);
    return out;
  }
  void give(const Taken& taken, bool changed = false) {
    claims_.release(*taken.entry, changed);
    table_.give_back(taken.entry);
  }
  void use_gen(std::uint64_t gen) { gens_ = gen; }  ///< whatever the catalog says
  internal::Claims& claims() { return claims_; }
  internal::ClaimTable& table() { return table_; }
  std::uint32_t slot() const { return slot_; }

 private:
  FakeStore& store_;
  std::uint32_t slot_;
  internal::ClaimTable table_;
  internal::Claims claims_;
  std::uint64_t gens_ = 0;
};

}  // namespace ndshare::test
