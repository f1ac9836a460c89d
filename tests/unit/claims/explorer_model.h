/// Scenarios: what the clients of a model do, and what may go wrong meanwhile. The clients do what CLAIMS.md asks of
/// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/claims/explorer_system.h"

namespace ndshare::internal::model {

enum class Do : std::uint8_t {
  read,        ///< READ, looks, gives back
  view,        ///< VIEW, looks, gives back
  keep_view,   ///< VIEW, kept until the thread ends
  read_again,  ///< READ without the mutex, where that can be
  view_again,  ///< VIEW likewise
  reread,      ///< a READ, and another one under it
  upgrade,     ///< a READ, and a WRITE under it: WouldDeadlock
  write,       ///< WRITE: unshares what is shared, stores
  update,      ///< UPDATE: copies, stores, commits
  abandon,     ///< UPDATE that is dropped
  repair,      ///< WRITE whatever is torn, clears the mark
  append,      ///< `hi` rows more
  shrink,      ///< to `hi` rows
  snapshot,    ///< READ of all rows; the daemon names the claim's version
  remove,      ///< the array's name goes
};

struct Op {
  Do what;
  int lo = 0, hi = kMaxRows;
};

struct Script {
  int slot;
  std::vector<Op> ops;
  bool heir = false;   ///< the slot's next client, once the first one died and was swept
  bool knows = false;  ///< it has read the array before: read_again and view_again need no mutex at first
};

struct Scenario {
  std::string name;
  std::vector<Script> clients;
  Budget budget, long_budget;
  Setup setup{};
  int reclaims = 0;        ///< passes of the daemon over what is retired
  bool recreate = false;   ///< a removed array's index serves a new array
  bool no_daemon = false;  ///< dead clients are swept only when nobody else can go on; mutexes may be taken over
};

/// Rules of CLAIMS.md that clients and daemon keep, not the protocol: the model's own, and droppable too.
enum class ModelRule : std::uint8_t {
  trying_pins,           ///< reclaim counts TRYING entries
  writers_keep_later,    ///< reclaim: WRITE and UPDATE keep every later version
  index_waits,           ///< a removed array's index is used again only when no entry names it
  snapshot_names_claim,  ///< a snapshot names the claim's version, not root
  append_asks,     ///< the last grain is filled in place only where no other living version has it (a floor would not
                   ///< tell: a READ raises none)
  clean_is_whole,  ///< a sweep marks no rows of a flagged WRITE
  edges_by_grant,  ///< grains that a WRITE covers in part are copied only where its grant says COPYING
};

/// What is left out of the protocol, or of the model.
struct Dropped {
  std::optional<ClaimRule> claim;
  std::optional<ModelRule> model;
  bool table_check = false;  ///< grants are not compared with the table: what comes of it must be seen in the data
};

/// Explores it, with more of everything where `thorough`.
Outcome explore(const Scenario& scenario, const Dropped& dropped, bool thorough);

// ---- between the model's files

inline const Scenario* scenario = nullptr;
inline std::optional<ModelRule> dropped_model_rule;
inline bool keeps(ModelRule rule) noexcept { return dropped_model_rule != rule; }
inline constexpr int kReclaimer = 5, kSweeper = 6;  ///< threads of the daemon; clients are the threads below

void client_thread(int index);
void reclaimer_thread(int index);
void sweeper_thread(int index);
/// Waits for the daemon as a client does, then is the daemon for one step.
void ask_daemon();
/// The daemon's answer to an append, after it freed what nothing keeps: whether another version has this grain's
/// extent.
bool end_is_shared(int table, int grain);

}  // namespace ndshare::internal::model
