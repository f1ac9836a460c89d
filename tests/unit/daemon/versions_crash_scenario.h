/// The scenario of versions_crash_test.cc: every request about versions, one step each, by two clients that hold claims
/// throughout. The keeper is the test's process, so it outlives every daemon; the other has a pid that no process has, so
/// every adoption sweeps it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {

/// The pages of an array of these grains, a letter each.
std::string spelled(const std::string& grains);

/// An array as anybody may see it.
struct Seen {
  std::int64_t rows = 0;
  std::string tags;  ///< the first byte of every page
  std::set<std::int64_t> torn;
  bool floor = false;
  bool operator==(const Seen&) const = default;
};

struct State {
  std::map<std::string, Seen> arrays;
  std::set<std::int64_t> writing;  ///< rows of "grid" that the dead client writes in place
  /// What an adoption makes of it.
  std::map<std::string, Seen> adopted() const {
    auto out = arrays;
    if (const auto grid = out.find("grid"); grid != out.end()) grid->second.torn.insert(writing.begin(), writing.end());
    return out;
  }
};

void PrintTo(const Seen& seen, std::ostream* out);

/// What the scenario's processes tell each other.
struct Board {
  std::size_t done = 0;
  bool ready = false, has_view = false;
  SlotRef keeper, gone;
  ArrayId grid, log, tiny;
  RefCopy view;
  std::uint64_t at = 0, count = 0;  ///< of the last grant
  ExtentInfo extents[8];
  std::uint64_t revisions[3] = {};  ///< of grid, log and tiny, before the step under way
};

class SharedBoard {
 public:
  SharedBoard();
  ~SharedBoard();
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  Board& operator*() { return *board_; }
  Board* operator->() { return board_; }

 private:
  Board* board_;
};

/// The scenario in one process: from the start in a child, or one step of it, sent again by the keeper.
struct Run {
  Run(TestStore& s, Board& b) : store(s), board(b), keeper(s, b.keeper) {}
  void hold(TestUser& user, std::string_view name, ClaimMode mode, std::int64_t lo = 0, std::int64_t hi = kAllRows);
  void granted(TestUser& user, const ExtendReply& reply, char tag);
  std::vector<ExtentInfo> extents() const { return {board.extents, board.extents + board.count}; }

  TestStore& store;
  Board& board;
  TestUser keeper;
  std::optional<TestUser> gone;  ///< not in a retry: it was swept
  std::vector<std::optional<TestPin>> pins;
  std::optional<TestPin> older;
};

using Prepare = std::function<void(Run&)>;
using Act = std::function<void(Run&, std::uint64_t sequence)>;
using Effect = void (*)(State&);

/// One request, or none. `prepare`: claims and the like, which no daemon is asked for. `retry`: it is the keeper's, who sends
/// it again where the answer did not come.
struct Step {
  Act act;
  Effect change = [](State&) {};
  Prepare prepare = [](Run&) {};
  bool retry = true;
};
using Steps = std::vector<Step>;

const Steps& steps();

/// What there should be once so many steps are done.
State state_after(std::size_t done);

/// How often the content of "grid", "log" or "tiny" was said to have changed.
std::uint64_t revision_of(Run& run, std::size_t which);

/// All steps, from a new store on; `board` says how far it came.
void scenario(TestStore& store, Board& board, const Peer& keeper);

}  // namespace ndshare::internal
