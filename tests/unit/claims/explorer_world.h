/// The shared memory of the model: claims and per-array words as the product has them, a catalog cut down to what
/// claims depend on (versions, extent tables with births, roots), the pool's data, and what the checks remember
/// ("ghost").
///
/// A row is one byte and one value. A version's table never changes; its extents are data. A freed extent is filled
/// with garbage, so that whoever still looks through it is caught by the values.
///   Threads: one. Functions here are single steps of the model: whoever calls them made a scheduling point before.
#pragma once

#include <cstdint>

#include "lib/shm/claim_protocol.h"
#include "tests/unit/claims/explorer_atomic.h"

namespace ndshare::internal::model {

inline constexpr int kSlots = 3, kArrays = 2, kLocks = 4, kViews = 3, kMaxGrains = 4, kMaxRows = 8, kMaxVersions = 32,
                     kMaxTables = 20, kMaxExtents = 24, kMaxHistory = 32, kHolds = 12;
inline constexpr std::uint32_t kArray = 1;  ///< what scenarios use: 0 would hide a lost array number

using Entry = BasicClaim<ModelAtomics>;
using Rows = std::uint64_t;  ///< eight rows, a byte each
using RowMask = std::uint8_t;

/// A grant without the mutex that may still be taken back: what there was when its word was stored.
struct Tentative {
  Cell<std::uint8_t> active;
  Cell<std::uint32_t> queue;    ///< the last ticket
  Cell<std::uint16_t> granted;  ///< lock entries, a bit each, that are granted since before
};

struct ModelSlot {
  Entry lock[kLocks], view[kViews];
  ModelAtomic<std::uint32_t> lock_high, view_high;
  Cell<std::uint8_t> lock_used, view_used;  ///< the process's private list of free entries
  Cell<std::uint8_t> dead, generation;      ///< generation: of the slot, counted from 0
  Tentative tentative[kLocks + kViews];
};

struct ModelArray {
  ModelAtomic<std::uint32_t> mutex, event;
  ModelAtomic<std::uint64_t> ticket, revision, writers, claimants, holders;
  ModelAtomic<std::uint64_t> root;  ///< version number; 0: no array
};

struct ModelExtent {
  Cell<std::uint8_t> used, granted_to;  ///< slot + 1
  Cell<std::uint64_t> birth;
  Cell<Rows> rows;
};

/// A version block: immutable but for its end. `to` is the daemon's memory, lost with it.
struct ModelTable {
  Cell<std::uint8_t> alive, array, rows, grains, kept;  ///< kept: a snapshot names it
  Cell<std::uint64_t> gen, version, to;                 ///< to: the last version it was current under; 0: it is
  Cell<std::uint8_t> extent[kMaxGrains];
};

/// What root leads to, by version number.
struct ModelVersion {
  Cell<std::uint8_t> table, torn;
  Cell<std::uint64_t> gen, floor;
};

/// Rows that somebody reads, and what must not change.
struct Hold {
  Cell<std::uint8_t> active, slot, table, lo, hi;
  Cell<Rows> expected;
};

struct Ghost {
  Cell<Rows> now;                      ///< what finished writes and commits left
  Cell<std::uint8_t> unknown, half;    ///< rows being stored to; rows whose writer died there
  Cell<std::uint8_t> may_tear;         ///< rows under the ordinary WRITE of a client that died
  Cell<std::uint8_t> storing[kSlots];  ///< rows that a living client stores to now
  Cell<Rows> history[kMaxHistory];
  Cell<std::uint32_t> history_count;
};

struct Setup {
  int rows = 4, grain_rows = 2;
  std::uint64_t floor = 0;     ///< a snapshot names version 1
  bool stale_holders = false;  ///< bits of slots that hold no view any more
  bool stale_claimants = false;
  bool dead = false;  ///< a client of slot 0 died before, in the middle of a claim: its sweep begins
};

/// The reference that a claim is granted under.
struct ModelRef {
  std::uint32_t array = 0;
  std::uint64_t version = 0, array_gen = 0, floor = 0;
  RowMask torn = 0;
  int table = 0, rows = 0;
};

/// A change of the table that the daemon publishes.
struct Publish {
  int extent[kMaxGrains]{-1, -1, -1, -1};  ///< by grain; -1: as it is
  int rows = -1;                           ///< new length; -1: as it is
  std::uint64_t floor = 0;                 ///< raised to
  RowMask torn_set = 0, torn_clear = 0;
};

struct World {
  ModelSlot slots[kSlots];
  ModelArray arrays[kArrays];
  ModelExtent extents[kMaxExtents];
  ModelTable tables[kMaxTables];
  ModelVersion versions[kMaxVersions];
  Cell<std::uint32_t> next_version, next_table;
  Cell<std::uint8_t> daemon_busy, daemon_down, index_pending, passes;
  Hold holds[kHolds];
  Ghost ghost;
  int grain_rows;

  void set_up(const Setup& setup);
  RowGeometry geometry() const { return {1, static_cast<std::uint64_t>(grain_rows)}; }
  int grain_of(int row) const { return row / grain_rows; }

  // ---- catalog
  ModelRef ref_of(std::uint32_t array, std::uint64_t version) const;
  ModelRef current() const { return ref_of(kArray, arrays[kArray].root.peek()); }
  std::uint64_t publish(const Publish& change);
  void remove();
  void create(int rows);
  bool retires(int table) const { return tables[table].alive != 0 && tables[table].to != 0; }
  bool any_retired() const;
  void free_table(int table);
  void sweep_extents();
  void rebuild();

  // ---- data
  std::uint8_t value(int table, int row) const;
  Rows rows_of(int table) const;
  int take_extent(int slot);
  void fill_extent(int extent, int row_in_grain, std::uint8_t value);

  // ---- checks
  int begin_hold(int slot, const ModelRef& ref, int lo, int hi, std::uint32_t since);
  void end_hold(int hold) { holds[hold].active = 0; }
  void begin_storing(int slot, int lo, int hi);
  void finish_storing(int slot, int table, int lo, int hi);
  void committed(int table, int lo, int hi);
  void check_current() const;
  void check_holds() const;
  void check_torn(const ModelRef& ref, int lo, int hi) const;
  void client_died(int slot);
  void check_end() const;

 private:
  void push_history() {
    ghost.history[ghost.history_count % kMaxHistory] = static_cast<Rows>(ghost.now),
                                        ghost.history_count = ghost.history_count + 1;
  }
  bool was_current(Rows rows, int lo, int hi, std::uint32_t since) const;
};

inline World world;
inline bool check_table = true;  ///< whether grants are compared with the table of modes

constexpr RowMask mask_of(int lo, int hi) noexcept { return static_cast<RowMask>((1U << hi) - (1U << lo)); }
constexpr std::uint8_t row_in(Rows rows, int row) noexcept { return static_cast<std::uint8_t>(rows >> (8 * row)); }
constexpr Rows with_row(Rows rows, int row, std::uint8_t value) noexcept {
  return (rows & ~(Rows{0xFF} << (8 * row))) | Rows{value} << (8 * row);
}

/// The table of CLAIMS.md, written down a second time: whether `wanted` has to wait for `other`.
struct Held {
  ClaimMode mode;
  bool copying, waits;
  std::int64_t lo, hi;
};
bool must_wait(const Held& wanted, const Held& other, int grain_rows);
Held held_of(const Entry& entry);
int table_rows(std::int64_t hi);

Tentative& tentative_of(const Entry& entry);
/// It holds: compared with everybody, as other grants are when their word is stored.
void check_unlocked_grant(const Entry& entry);

}  // namespace ndshare::internal::model
