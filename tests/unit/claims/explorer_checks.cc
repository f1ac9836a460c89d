#include <algorithm>
#include <string>

#include "tests/unit/claims/explorer_world.h"

namespace ndshare::internal::model {
namespace {

/// Rows that a claim stands for when it is compared by whole grains.
void widen(std::int64_t& lo, std::int64_t& hi, int grain_rows) {
  lo = lo / grain_rows * grain_rows;
  if (hi < kMaxRows) hi = (hi + grain_rows - 1) / grain_rows * grain_rows;
}

constexpr std::int64_t kEnd = 1 << 20;  // stands for kAllRows

struct Place {
  int slot = 0, index = 0;
  bool view = false;
};

Place place_of(const void* word) {
  for (int s = 0; s < kSlots; ++s) {
    auto& slot = world.slots[s];
    for (int i = 0; i < kLocks; ++i) {
      if (&slot.lock[i].word == word) return {s, i, false};
    }
    for (int i = 0; i < kViews; ++i) {
      if (&slot.view[i].word == word) return {s, i, true};
    }
  }
  return {};
}

template <class F>
void each_entry(F&& body) {
  for (auto& slot : world.slots) {
    for (auto& entry : slot.lock) body(entry);
    for (auto& entry : slot.view) body(entry);
  }
}

bool own_read_covers(const Place& place, const Entry& self) {
  const auto& slot = world.slots[place.slot];
  return std::any_of(std::begin(slot.lock), std::end(slot.lock), [&](const Entry& other) {
    if (&other == &self) return false;
    const auto held = held_of(other), ours = held_of(self);
    return claim_state(other.word.peek()) == ClaimState::granted && held.mode == ClaimMode::read &&
           other.tid.peek() == self.tid.peek() && held.lo <= ours.lo && ours.hi <= held.hi;
  });
}

/// The place in the queue that a grant was taken from; the end of it where it did not queue.
std::uint64_t ticket_of(const Place& place, const Entry& self, std::uint64_t old) {
  if (claim_state(old) == ClaimState::waiting) return self.ticket.peek();
  for (const auto& other : world.slots[place.slot].lock) {  // a VIEW waits in another entry of the same thread
    const bool waits =
        claim_state(other.word.peek()) == ClaimState::waiting && claim_mode(other.word.peek()) == ClaimMode::view;
    if (place.view && waits && other.tid.peek() == self.tid.peek()) return other.ticket.peek();
  }
  return UINT64_MAX;
}

std::uint16_t bit_of(const Entry& lock) {
  const auto place = place_of(&lock.word);
  return static_cast<std::uint16_t>(1U << (place.slot * kLocks + place.index));
}

/// A VIEW without the mutex may have been seen by a writer that was granted after its word was stored: that shares with
/// it.
bool came_first(const Entry& view, const Entry& other) { return (tentative_of(view).granted & bit_of(other)) == 0; }

/// No two grants of the table conflict, and nobody who waited is overtaken.
void check_company(const Place& place, const Entry& self, std::uint64_t ticket, bool unlocked) {
  const auto ours = held_of(self);
  each_entry([&](const Entry& other) {
    const auto word = other.word.peek();
    const auto state = claim_state(word);
    if (&other == &self || claim_array(word) != claim_array(self.word.peek())) return;
    if (state != ClaimState::granted && state != ClaimState::waiting) return;
    if (tentative_of(other).active != 0 || !must_wait(ours, held_of(other), world.grain_rows)) return;
    if (state == ClaimState::granted && unlocked && place.view && came_first(self, other)) return;
    if (state == ClaimState::granted) search().fail("two grants conflict");
    if (other.ticket.peek() < ticket && !own_read_covers(place, self)) search().fail("a waiter is overtaken");
  });
}

/// The version that the entry names lives, is of this array, and (for writers) is what root says of these rows.
void check_version(const Entry& self) {
  const auto& version = world.versions[self.version.peek()];
  const auto& table = world.tables[version.table];
  if (version.gen != self.array_gen.peek()) search().fail("a grant on another array_gen");
  if (table.alive == 0) search().fail("a grant on a freed version");
  const auto held = held_of(self);
  if (held.mode != ClaimMode::write && held.mode != ClaimMode::update) return;
  const auto root = world.arrays[kArray].root.peek();
  if (root == 0 || world.versions[root].gen != version.gen) return;  // removed meanwhile: it keeps what it has
  const auto& now = world.tables[world.versions[root].table];
  const auto last = std::min<std::int64_t>(held.hi, std::min<int>(table.rows, now.rows));
  for (std::int64_t row = held.lo; row < last; ++row) {
    const int grain = world.grain_of(static_cast<int>(row));
    if (table.extent[grain] != now.extent[grain]) search().fail("a writer is granted a stale version");
  }
}

void begin_tentative(const Entry& self) {
  std::uint16_t granted = 0;
  each_entry([&](const Entry& other) {
    const bool lock = !place_of(&other.word).view && &other != &self;
    if (lock && claim_state(other.word.peek()) == ClaimState::granted)
      granted = static_cast<std::uint16_t>(granted | bit_of(other));
  });
  auto& out = tentative_of(self);
  out.queue = static_cast<std::uint32_t>(world.arrays[kArray].ticket.peek());
  out.granted = granted;
}

void granted_no_more(const Entry& lock) {
  each_entry([&](const Entry& other) {
    auto& one = tentative_of(other);
    if (one.active != 0) one.granted = static_cast<std::uint16_t>(one.granted & ~bit_of(lock));
  });
}

}  // namespace

Held held_of(const Entry& entry) {
  const auto word = entry.word.peek();
  const auto hi = static_cast<std::int64_t>(entry.hi.peek());
  return {claim_mode(word), (claim_flags(word) & kClaimCopying) != 0, claim_state(word) == ClaimState::waiting,
          static_cast<std::int64_t>(entry.lo.peek()), hi == kAllRows ? kEnd : hi};
}

int table_rows(std::int64_t hi) { return static_cast<int>(std::min<std::int64_t>(hi, kMaxRows)); }

bool must_wait(const Held& wanted, const Held& other, int grain_rows) {
  const auto is = [&](ClaimMode a, ClaimMode b) { return wanted.mode == a && other.mode == b; };
  using M = ClaimMode;
  const bool in_table = is(M::read, M::write) || is(M::view, M::write) || is(M::update, M::update) ||
                        is(M::update, M::write) || is(M::write, M::read) || is(M::write, M::update) ||
                        is(M::write, M::write);
  const bool waiting_view = is(M::write, M::view) && other.waits;
  if (!in_table && !waiting_view) return false;
  Held a = wanted, b = other;
  const bool view = a.mode == M::view || b.mode == M::view, update = a.mode == M::update || b.mode == M::update;
  if (view || update || (is(M::write, M::write) && (a.copying || b.copying))) {
    widen(a.lo, a.hi, grain_rows);
    widen(b.lo, b.hi, grain_rows);
  }
  for (std::int64_t row = 0; row < kMaxRows; ++row) {
    if (row >= a.lo && row < a.hi && row >= b.lo && row < b.hi) return true;
  }
  return a.hi == kEnd && b.hi == kEnd;
}

void claim_word_changed(const void* word, std::uint64_t old, std::uint64_t now) {
  const auto place = place_of(word);
  auto& slot = world.slots[place.slot];
  const auto& self = place.view ? slot.view[place.index] : slot.lock[place.index];
  if (!place.view && claim_state(old) == ClaimState::granted && claim_state(now) != ClaimState::granted)
    granted_no_more(self);
  if (claim_state(now) != ClaimState::granted || claim_state(old) == ClaimState::granted) return;
  if (tentative_of(self).active != 0) return begin_tentative(self);
  if (check_table) check_company(place, self, ticket_of(place, self, old), false);
  check_version(self);
}

Tentative& tentative_of(const Entry& entry) {
  const auto place = place_of(&entry.word);
  return world.slots[place.slot].tentative[place.view ? kLocks + place.index : place.index];
}

void check_unlocked_grant(const Entry& entry) {
  // Who joined the queue after its word was stored may have done so because of it.
  if (check_table) check_company(place_of(&entry.word), entry, tentative_of(entry).queue + 1, true);
  check_version(entry);
}

void trace_operation(const void* word, const char* what, std::uint64_t value) {
  const auto* at = static_cast<const char*>(word);
  const auto inside = [&](const auto& object) {
    const auto* begin = reinterpret_cast<const char*>(&object);
    return at >= begin && at < begin + sizeof object;
  };
  std::string name = "?";
  for (int s = 0; s < kSlots; ++s) {
    const auto& slot = world.slots[s];
    const auto entry = [&](const Entry& one, const char* table, int i) {
      if (!inside(one)) return;
      static constexpr const char* kFields[] = {"word",   "array_gen", "lo", "hi",   "version",
                                                "ticket", "tid",       "?",  "since"};
      const auto field = (at - reinterpret_cast<const char*>(&one)) / static_cast<std::ptrdiff_t>(sizeof one.word);
      name = "slot" + std::to_string(s) + "." + table + std::to_string(i) + "." +
             kFields[std::min<std::ptrdiff_t>(field, 8)];
    };
    for (int i = 0; i < kLocks; ++i) entry(slot.lock[i], "lock", i);
    for (int i = 0; i < kViews; ++i) entry(slot.view[i], "view", i);
  }
  const auto& array = world.arrays[kArray];
  const auto known = [&](const auto& field, const char* label) {
    if (inside(field)) name = label;
  };
  known(array.mutex, "mutex"), known(array.event, "event"), known(array.ticket, "ticket"),
      known(array.revision, "revision");
  known(array.writers, "writers"), known(array.claimants, "claimants"), known(array.holders, "holders"),
      known(array.root, "root");
  static constexpr char kHex[] = "0123456789abcdef";
  std::string digits;
  for (auto rest = value; rest != 0 || digits.empty(); rest >>= 4) digits.insert(digits.begin(), kHex[rest & 15]);
  search().trace(name + " " + what + " " + digits);
}

// ---- data that must not change, and must not be lost

bool World::was_current(Rows rows, int lo, int hi, std::uint32_t since) const {
  for (std::uint32_t at = since; at < ghost.history_count; ++at) {
    bool same = true;
    for (int row = lo; row < hi && same; ++row)
      same = row_in(ghost.history[at % kMaxHistory], row) == row_in(rows, row);
    if (same) return true;
  }
  return false;
}

int World::begin_hold(int slot, const ModelRef& ref, int lo, int hi, std::uint32_t since) {
  const Rows rows = rows_of(ref.table);
  if (tables[ref.table].alive == 0) search().fail("a reader holds a freed version");
  if (slot < kSlots && !was_current(rows, lo, hi, since))
    search().fail("a reader sees rows that were never current together");
  for (int i = 0; i < kHolds; ++i) {
    auto& hold = holds[i];
    if (hold.active != 0) continue;
    hold.active = 1, hold.slot = static_cast<std::uint8_t>(slot), hold.table = static_cast<std::uint8_t>(ref.table);
    hold.lo = static_cast<std::uint8_t>(lo), hold.hi = static_cast<std::uint8_t>(hi), hold.expected = rows;
    return i;
  }
  search().fail("the model is too small: holds");
}

void World::check_holds() const {
  for (const auto& hold : holds) {
    if (hold.active == 0) continue;
    if (tables[hold.table].alive == 0) search().fail("a version is freed under a reader");
    for (int row = hold.lo; row < hold.hi; ++row) {
      if (value(hold.table, row) != row_in(hold.expected, row)) search().fail("rows change under a reader");
    }
  }
}

void World::begin_storing(int slot, int lo, int hi) {
  ghost.storing[slot] = mask_of(lo, hi);
  ghost.unknown = static_cast<std::uint8_t>(ghost.unknown | mask_of(lo, hi));
}

void World::finish_storing(int slot, int table, int lo, int hi) {
  ghost.storing[slot] = 0;
  const auto root = arrays[kArray].root.peek();
  if (root == 0 || versions[root].gen != tables[table].gen) return;
  for (int row = lo; row < hi; ++row) {
    if (value(versions[root].table, row) != value(table, row))
      search().fail("a finished write is not in the current version");
  }
  committed(table, lo, hi);
}

void World::committed(int table, int lo, int hi) {
  for (int row = lo; row < hi; ++row) ghost.now = with_row(ghost.now, row, value(table, row));
  ghost.unknown = static_cast<std::uint8_t>(ghost.unknown & ~mask_of(lo, hi));
  ghost.half = static_cast<std::uint8_t>(ghost.half & ~mask_of(lo, hi));
  push_history();
  check_current();
}

void World::check_current() const {
  const ModelRef ref = current();
  if (ref.version == 0) return;
  for (int row = 0; row < ref.rows; ++row) {
    const bool known = (ghost.unknown >> row & 1) == 0;
    if (known && value(ref.table, row) != row_in(ghost.now, row))
      search().fail("the current version lost a finished write");
  }
}

/// Of a version that does not have the extent that the dead writer stored to, the rows are whole.
void World::check_torn(const ModelRef& ref, int lo, int hi) const {
  const ModelRef now = current();
  for (int row = lo; row < std::min(hi, now.rows); ++row) {
    const bool half = (ghost.half >> row & 1) != 0 && now.version != 0 && ref.array_gen == now.array_gen;
    if (!half || tables[ref.table].extent[grain_of(row)] != tables[now.table].extent[grain_of(row)]) continue;
    if ((ref.torn >> row & 1) == 0) search().fail("half-written rows are not marked torn");
  }
}

void World::client_died(int slot) {
  slots[slot].dead = 1;
  ghost.half = static_cast<std::uint8_t>(ghost.half | ghost.storing[slot]);
  ghost.storing[slot] = 0;
  for (const auto& entry : slots[slot].lock) {
    const auto word = entry.word.peek();
    if (claim_state(word) != ClaimState::granted || claim_mode(word) != ClaimMode::write || claim_flags(word) != 0)
      continue;
    const auto held = held_of(entry);
    ghost.may_tear =
        static_cast<std::uint8_t>(ghost.may_tear | mask_of(static_cast<int>(held.lo), table_rows(held.hi)));
  }
  for (auto& hold : holds) {
    if (hold.active != 0 && hold.slot == slot) hold.active = 0;
  }
}

void World::check_end() const {
  each_entry([](const Entry& entry) {
    if (claim_state(entry.word.peek()) != ClaimState::free) search().fail("an entry is left behind");
  });
  for (const auto& array : arrays) {
    if (array.mutex.peek() != 0) search().fail("a mutex is left locked");
  }
  if ((ghost.half & ~current().torn) != 0 && current().version != 0)
    search().fail("half-written rows are not marked torn");
  if ((current().torn & ~ghost.may_tear) != 0) search().fail("rows are marked torn that no ordinary WRITE died on");
  check_current();
}

}  // namespace ndshare::internal::model
