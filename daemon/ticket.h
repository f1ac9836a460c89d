/// What the engine's operations pass among themselves: a request for memory on its way, a record as it stands, a version that is
/// written and not yet visible.
///   Threads: the engine's.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/catalog_writer.h"
#include "daemon/engine.h"
#include "daemon/pool_allocator.h"

namespace ndshare::internal {

class EngineImpl;

/// One array of a ticket: its spec checked and measured, its place in the record table taken.
struct TicketItem {
  CreateSpec spec;
  std::uint64_t nbytes = 0, grain = 0, row_bytes = 0;
  std::uint32_t record = 0;
};

/// The blocks of one array that is being made.
struct Written {
  std::uint64_t block = 0, meta = 0;
};

struct TicketImpl final : CreateTicket {
  TicketImpl(EngineImpl& owner, SlotRef who) : engine(owner), slot(who) {}
  ~TicketImpl() override;
  EngineImpl& engine;
  SlotRef slot;
  std::vector<TicketItem> items;
  std::vector<std::string> names;  ///< taken in EngineImpl::coming_
  std::uint64_t at = 0;            ///< of a request for memory: where in the data it belongs
  PoolAllocation allocation;
  bool holds_memory = false;
};

/// A record's current reference, as the engine (its only writer) reads it.
struct CurrentArray {
  std::uint32_t index = 0;
  std::uint64_t root = 0, array_gen = 0, block = 0, meta = 0, flags = 0, floor = 0, torn = 0;
  RefValues values() const noexcept { return {array_gen, block, meta, flags, floor, torn}; }
  std::uint64_t version() const noexcept { return root >> 1; }
  bool building() const noexcept { return (flags & kArrayBuilding) != 0; }
};

/// Some of them, by record.
using CurrentArrays = std::map<std::uint32_t, CurrentArray>;

/// What a commit makes of an array: its block is written and its kept extents are counted, nothing is visible.
struct NextVersion {
  std::uint64_t version = 0, block = 0, torn = 0;
  std::uint64_t fresh_bytes = 0;  ///< of those that are born with it
  bool new_torn = false;         ///< `torn` was written for this version
};

/// The snapshots of one array, removed ones that a claim pins included: writers in place look at no claims of other arrays.
struct KnownSnapshots {
  std::uint32_t record = ~0U;             ///< the array's
  std::multiset<std::uint64_t> versions;  ///< that they name
};

}  // namespace ndshare::internal
