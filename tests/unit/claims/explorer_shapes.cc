// Lengths, snapshots, names: what a client of the model does with an array as a whole.
#include <algorithm>

#include "tests/unit/claims/explorer_client.h"

namespace ndshare::internal::model {

/// Where the rows behind the last one go: into its own grain where that is partial and nobody else's (-1), else new
/// memory.
int Client::end_for(const ModelRef& ref, int row) {
  const int grain = world.grain_of(row);
  ask_daemon();
  if (row % world.grain_rows == 0) return world.take_extent(slot_);
  const auto at = static_cast<std::uint64_t>(grain);
  const Wish wish{kArray, tid_, wish_gen_, {}, world.geometry()};
  const bool shared = keeps(ModelRule::append_asks) ? end_is_shared(ref.table, grain)
                                                    : system_.oldest_birth(ref, at, wish.geometry) <=
                                                          protocol_.view_floor(wish, {at, at + 1}, false);
  return shared ? copy_grain(ref.table, grain, row) : -1;
}

/// Longer by `more` rows.
void Client::append(int more) {
  while (true) {
    const int length = world.current().rows;
    search().observe(static_cast<std::uint64_t>(length));
    const int first = (length - 1) / world.grain_rows * world.grain_rows;
    Claimed claim;
    if (take(ClaimMode::update, first, kMaxRows, claim) != Verdict::granted) return;
    const auto& ref = claim.grant.ref;
    if (ref.rows != length) {  // somebody else was first: which grain is the last one is asked anew
      give(*claim.entry, false);
      continue;
    }
    if (is_torn(claim, first, length)) return give(*claim.entry, false);
    Publish change;
    change.rows = std::min(length + more, kMaxRows);
    const auto value = next_value();
    for (int row = length; row < change.rows; ++row) {
      int& extent = change.extent[world.grain_of(row)];
      if (row == length || row % world.grain_rows == 0) extent = end_for(ref, row);
      search().point();
      const int target = extent >= 0 ? extent : static_cast<int>(world.tables[ref.table].extent[world.grain_of(row)]);
      world.fill_extent(target, row % world.grain_rows, value);
    }
    ask_daemon();
    const auto version = world.publish(change);
    world.committed(world.versions[version].table, length, change.rows);
    return give(*claim.entry, true);
  }
}

/// To `rows` rows, in the same memory: a READ of the longer version still sees what lies behind them.
void Client::shrink(int rows) {
  Claimed claim;
  const int first = rows / world.grain_rows * world.grain_rows;
  if (take(ClaimMode::update, first, kMaxRows, claim) != Verdict::granted) return;
  if (claim.grant.ref.rows <= rows) return give(*claim.entry, false);
  ask_daemon();
  world.publish({.rows = rows});
  world.check_current();
  give(*claim.entry, true);
}

void Client::snapshot() {
  Claimed claim;
  if (take(ClaimMode::read, 0, kMaxRows, claim) != Verdict::granted) return;
  const auto& ref = claim.grant.ref;
  if (is_torn(claim, 0, ref.rows)) return give(*claim.entry, false);
  ask_daemon();
  const auto named = keeps(ModelRule::snapshot_names_claim) ? ref : world.current();
  if (named.version == 0) return give(*claim.entry, false);
  world.tables[named.table].kept = 1;
  world.begin_hold(kSlots, named, 0, named.rows, claim.since);  // for ever
  if (world.current().array_gen == wish_gen_) world.publish({.floor = named.version});
  give(*claim.entry, false);
}

void Client::remove() {
  ask_daemon();
  if (world.current().version != 0) world.remove();
}

}  // namespace ndshare::internal::model
