/// Pins: a granted claim keeps a version's extents from being used again.
///
/// The whole argument. A client pins version v of array a by filling an entry of its own slot, storing word = GRANTED
/// (seq_cst) and then reading a's root again (seq_cst). The daemon removes or replaces v by storing root (seq_cst) and
/// only then scanning the entries (seq_cst). In the single order of these four, either the client's second read sees
/// the daemon's store, and it takes the pin back and looks again, or the daemon's scan sees the entry, and the extents
/// stay. So a pin that validated is honoured, and no lock is taken. The entry is one store to take and one to give
/// back; a dead client's entries are cleared by the daemon's sweep. `array_gen` guards against a record that was freed
/// and used again in between.
///
/// Fields of an entry are stored before its word. A scan that reads them while the entry changes hands may see a mix of
/// two pins; that is harmless: a pin that validated before the root store did not change during the scan (or was given
/// back, and needs nothing), and one taken later names a version that is not the removed one. The high-water mark of a
/// table is raised (seq_cst) before the first word of a new entry, so the same argument covers entries that a scan
/// would otherwise not reach.
///
/// Entries are handed out within a process by ClaimTable; in shared memory nothing but the entry says who holds what.
///   Threads: safe.   Errors: TooManyClaims (says how many).   No system call, no allocation after the first use.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "lib/shm/catalog_view.h"
#include "lib/shm/format.h"

namespace ndshare::internal {

/// This process's hold on the entries of its slot. Lives as long as the mapped sync segment.
class ClaimTable {
 public:
  explicit ClaimTable(SlotClaims* shared) noexcept : shared_(shared) {}

  struct Entry {
    Claim* claim = nullptr;
    bool is_view = false;
  };
  /// A free entry of the view table (`view`) or the lock table. Errors: TooManyClaims.
  Entry take(bool view);
  void give_back(Entry entry) noexcept;

 private:
  struct FreeList {
    std::vector<Claim*> free;
    std::uint32_t used = 0;
  };
  SlotClaims* shared_;
  std::mutex mutex_;
  FreeList lock_, view_;
};

/// A granted claim; gives itself back when destroyed. Move-only.
class Pin {
 public:
  Pin() = default;
  Pin(Pin&& other) noexcept;
  Pin& operator=(Pin&& other) noexcept;
  ~Pin();
  explicit operator bool() const noexcept { return entry_.claim != nullptr; }
  const RefCopy& ref() const noexcept { return ref_; }
  void release() noexcept;

 private:
  friend std::optional<Pin> pin_version(ClaimTable&, const CatalogView&, RefCopy, ClaimMode, std::int64_t,
                                        std::int64_t);
  ClaimTable* table_ = nullptr;
  ClaimTable::Entry entry_;
  RefCopy ref_;
};

/// Pins the current version of `ref.array` for rows [lo, hi). Nothing where the array (array_gen) is gone by now; a
/// newer version of the same array is pinned instead of `ref`'s (see Pin::ref()), which may be just the identity, its
/// root 0.
std::optional<Pin> pin_version(ClaimTable& table, const CatalogView& catalog, RefCopy ref, ClaimMode mode,
                               std::int64_t lo, std::int64_t hi);

/// What the daemon reads of one entry: every field once, nothing trusted.
struct ClaimCopy {
  ClaimState state = ClaimState::free;
  ClaimMode mode = ClaimMode::read;
  std::uint32_t array = 0, tid = 0;
  std::uint64_t array_gen = 0, version = 0, since_ns = 0;
  std::int64_t lo = 0, hi = 0;
};
/// Copies the entries of a slot that are not free, up to its (range-checked) high-water marks, into `out` (appended).
/// Entries of no known state or mode are skipped: nobody who keeps to the rules wrote them.
void collect_claims(const SlotClaims& shared, std::vector<ClaimCopy>& out);

/// Clears every entry a slot ever used and its high-water marks: the last step of a sweep before the slot is freed.
void clear_claims(SlotClaims& shared) noexcept;

}  // namespace ndshare::internal
