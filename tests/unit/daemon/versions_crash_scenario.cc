#include "tests/unit/daemon/versions_crash_scenario.h"

#include <algorithm>
#include <new>

#include <sys/mman.h>

namespace ndshare::internal {

void PrintTo(const Seen& seen, std::ostream* out) {
  *out << seen.rows << " rows of " << seen.tags << (seen.floor ? ", floor" : "") << (seen.torn.empty() ? "" : ", torn");
  for (const auto row : seen.torn) *out << " " << row;
}

std::string spelled(const std::string& grains) {
  std::string out;
  for (const char one : grains) out += std::string(kGrain / kPage, one);
  return out;
}

SharedBoard::SharedBoard()
    : board_(new (mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Board) {}
SharedBoard::~SharedBoard() { munmap(board_, sizeof(Board)); }

void Run::hold(TestUser& user, std::string_view name, ClaimMode mode, std::int64_t lo, std::int64_t hi) {
  pins.push_back(user.take(name, mode, lo, hi));
  if (!pins.back()) throw Error(ErrorCode::Internal, "a claim of the scenario is not to be had");
}

void Run::granted(TestUser& user, const ExtendReply& reply, char tag) {
  board.at = reply.at, board.count = reply.extents.size();
  std::copy(reply.extents.begin(), reply.extents.end(), board.extents);
  user.fill(reply.extents, tag);
}

namespace {

using M = ClaimMode;

constexpr std::int64_t kLogRow = 1000;

using Which = ArrayId Board::*;

/// Memory for an update of `bytes`, or for so many more bytes at the end; filled with `tag`.
Act takes(Which id, std::uint64_t bytes, char tag) {
  return [=](Run& run, std::uint64_t sequence) { run.granted(run.keeper, run.keeper.memory(run.board.*id, bytes, sequence), tag); };
}
Act extends(Which id, std::uint64_t bytes, char tag) {
  return [=](Run& run, std::uint64_t sequence) { run.granted(run.keeper, run.keeper.extend(run.board.*id, bytes, sequence), tag); };
}
/// What was granted last becomes part of the array: at `at`, or where the daemon said.
constexpr std::uint64_t kAsGranted = ~0ULL;
Act commits(Which id, std::uint64_t at, std::int64_t rows = -1, std::int64_t lo = 0, std::int64_t hi = 0) {
  return [=](Run& run, std::uint64_t sequence) {
    auto request = commit_of(run.board.*id, run.extents(), at == kAsGranted ? run.board.at : at, rows);
    request.lo = lo, request.hi = hi;
    run.store.engine->commit_version(run.keeper.slot(), sequence, request);
    run.board.count = 0;
  };
}
/// `of_view`: of the version that the keeper's view pins; else of the current one.
Act snapshots(const char* source, const char* name, bool of_view = false) {
  return [=](Run& run, std::uint64_t sequence) {
    const auto ref = run.keeper.read(source).ref;
    const auto version = of_view ? run.board.view.version : ref.version;
    run.store.engine->snapshot(run.keeper.slot(), sequence, {{ref.array, ref.array_gen}, version, name, ""});
  };
}
Act mends(std::int64_t lo, std::int64_t hi, bool torn) {
  return [=](Run& run, std::uint64_t sequence) {
    run.store.engine->mend(run.keeper.slot(), sequence, {run.board.grid, lo, hi, torn});
  };
}
Act removes(const char* name) {
  return [=](Run& run, std::uint64_t sequence) { run.store.engine->remove(run.keeper.slot(), sequence, name); };
}
Prepare holds(const char* name, M mode, std::int64_t lo = 0, std::int64_t hi = kAllRows) {
  return [=](Run& run) { run.hold(run.keeper, name, mode, lo, hi); };
}
void same(State&) {}

void make_arrays(Run& run, std::uint64_t sequence) {
  auto& engine = *run.store.engine;
  auto made = engine.find_created(run.keeper.slot(), sequence);
  if (!made) {
    made = create(engine, run.keeper.slot(), {spec("grid", {6, kGrain}), spec("log", {5, kLogRow}), spec("tiny", {100})}, sequence);
  }
  run.board.grid = id_of((*made)[0]), run.board.log = id_of((*made)[1]), run.board.tiny = id_of((*made)[2]);
  for (std::size_t i = 0; i < 3; ++i) run.keeper.fill((*made)[i].extents, "glt"[i]);
}

void publish_arrays(Run& run, std::uint64_t sequence) {
  const ArrayId ids[] = {run.board.grid, run.board.log, run.board.tiny};
  run.store.engine->publish(run.keeper.slot(), sequence, ids, false);
}

void gone_commits(Run& run, std::uint64_t sequence) {
  run.store.engine->commit_version(run.gone->slot(), sequence, commit_of(run.board.grid, run.extents(), 0));
}

void commit_steps(Steps& out) {
  const Prepare first_claims = [](Run& run) {
    run.hold(run.keeper, "grid", M::view);
    run.board.view = run.pins.front()->ref(), run.board.has_view = true;
    run.hold(*run.gone, "grid", M::update, 0, 1);
  };
  const Act gone_takes = [](Run& run, std::uint64_t sequence) {
    run.granted(*run.gone, run.gone->memory(run.board.grid, kGrain, sequence), 'A');
  };
  out.push_back({make_arrays});
  out.push_back({publish_arrays, [](State& state) {
                   state.arrays["grid"] = {6, spelled("gggggg"), {}, false};
                   state.arrays["log"] = {5, "ll", {}, false}, state.arrays["tiny"] = {100, "t", {}, false};
                 }});
  out.push_back({gone_takes, same, first_claims, false});
  out.push_back({gone_commits, [](State& state) { state.arrays["grid"].tags = spelled("Aggggg"); }, [](Run&) {}, false});
  out.push_back({takes(&Board::grid, 2 * kGrain, 'B'), same, holds("grid", M::update, 1, 3)});
  out.push_back({commits(&Board::grid, kGrain), [](State& state) { state.arrays["grid"].tags = spelled("ABBggg"); }});
  out.push_back({takes(&Board::grid, kGrain, 'x')});
  out.push_back({[](Run& run, std::uint64_t sequence) {
    run.store.engine->return_memory(run.keeper.slot(), sequence, run.extents());
  }});
}

void snapshot_steps(Steps& out) {
  out.push_back({snapshots("grid", "old", true), [](State& state) {
                   state.arrays["old"] = {6, spelled("gggggg"), {}, false};
                   state.arrays["grid"].floor = true;
                 }});
  out.push_back({snapshots("old", "older"), [](State& state) { state.arrays["older"] = state.arrays["old"]; }});
  out.push_back({snapshots("grid", "new"), [](State& state) { state.arrays["new"] = {6, spelled("ABBggg"), {}, false}; }});
}

void growth_steps(Steps& out) {
  out.push_back({extends(&Board::log, kLogRow, 'n'), same, holds("log", M::update)});  // there is room in place
  out.push_back({commits(&Board::log, kAsGranted, 6), [](State& state) { state.arrays["log"].rows = 6; }});
  out.push_back({snapshots("log", "kept"), [](State& state) {
                   state.arrays["kept"] = state.arrays["log"];
                   state.arrays["log"].floor = true;
                 }});
  out.push_back({extends(&Board::log, kLogRow, 'n')});  // a copy of the last grain
  out.push_back({commits(&Board::log, kAsGranted, 7), [](State& state) { state.arrays["log"] = {7, "nn", {}, true}; }});
  out.push_back({takes(&Board::tiny, 100, 'T'), same, holds("tiny", M::update)});
  out.push_back({commits(&Board::tiny, 0), [](State& state) { state.arrays["tiny"].tags = std::string(1, 'T'); }});
  out.push_back({extends(&Board::tiny, 100, 'U')});
  out.push_back({commits(&Board::tiny, kAsGranted, 200), [](State& state) { state.arrays["tiny"] = {200, "U", {}, false}; }});
  out.push_back({commits(&Board::tiny, 0, 50), [](State& state) { state.arrays["tiny"].rows = 50; }});
}

void torn_steps(Steps& out) {
  out.push_back({mends(4, 6, true), [](State& state) { state.arrays["grid"].torn = {4, 5}; }, holds("grid", M::write, 4, 6)});
  out.push_back({mends(4, 5, false), [](State& state) { state.arrays["grid"].torn = {5}; }});
  out.push_back({takes(&Board::grid, kGrain, 'C')});
  out.push_back({commits(&Board::grid, 5 * kGrain, -1, 5, 6), [](State& state) {
                   state.arrays["grid"] = {6, spelled("ABBggC"), {}, true};
                 }});
  out.push_back({mends(4, 5, true), [](State& state) { state.arrays["grid"].torn = {4}; }});
  out.push_back({[](Run& run, std::uint64_t sequence) {
                   run.store.engine->revert(run.keeper.slot(), sequence, {run.board.grid, "new"});
                 },
                 [](State& state) { state.arrays["grid"] = {6, spelled("ABBggg"), {}, true}; }});
}

void last_steps(Steps& out) {
  const Prepare gone_writes = [](Run& run) {
    run.hold(*run.gone, "grid", M::write, 3, 4);
    run.pins.back()->entry().word.store(  // what it shares is copied: from now on it stores data
        claim_word(ClaimState::granted, M::write, 0, static_cast<std::uint32_t>(run.board.grid.array)));
  };
  const Prepare ends_views = [](Run& run) {
    run.board.has_view = false, run.pins.front().reset();
    run.older.reset();
  };
  const Prepare views_older = [](Run& run) { run.older.emplace(*run.keeper.take("older", M::view)); };
  out.push_back({removes("new"), [](State& state) { state.arrays.erase("new"); }});
  out.push_back({removes("old"), [](State& state) { state.arrays.erase("old"); }});  // "older" keeps the floor
  // A view of it keeps the floor.
  out.push_back({removes("older"), [](State& state) { state.arrays.erase("older"); }, views_older});
  out.push_back({[](Run& run, std::uint64_t sequence) { run.gone->memory(run.board.grid, kGrain, sequence); },
                 [](State& state) { state.writing = {3}; }, gone_writes, false});
  out.push_back({[](Run& run, std::uint64_t) { run.store.engine->sweep(run.board.gone); },
                 [](State& state) { state.arrays["grid"].torn = {3}, state.writing.clear(); }, [](Run&) {}, false});
  out.push_back({removes("kept"), [](State& state) { state.arrays.erase("kept"), state.arrays["log"].floor = false; }});
  out.push_back({[](Run& run, std::uint64_t) { run.store.engine->reclaim(); },
                 [](State& state) { state.arrays["grid"].floor = false; }, ends_views, false});
  out.push_back({removes("grid"), [](State& state) { state.arrays.erase("grid"); }});
}

}  // namespace

const Steps& steps() {
  static const Steps all = [] {
    Steps out;
    commit_steps(out), snapshot_steps(out), growth_steps(out), torn_steps(out), last_steps(out);
    return out;
  }();
  return all;
}

State state_after(std::size_t done) {
  State out;
  for (std::size_t i = 0; i < std::min(done, steps().size()); ++i) steps()[i].change(out);
  return out;
}

std::uint64_t revision_of(Run& run, std::size_t which) {
  const ArrayId ids[] = {run.board.grid, run.board.log, run.board.tiny};
  return run.keeper.client().array_sync(ids[which].array).revision.load();
}

void scenario(TestStore& store, Board& board, const Peer& keeper) {
  auto& engine = store.open();
  board.keeper = engine.attach(keeper);
  board.gone = engine.attach(dead_peer());
  board.ready = true;
  Run run(store, board);
  run.gone.emplace(store, board.gone);
  for (; board.done < steps().size(); ++board.done) {
    steps()[board.done].prepare(run);
    for (std::size_t i = 0; i < 3; ++i) board.revisions[i] = revision_of(run, i);
    steps()[board.done].act(run, board.done + 1);
  }
}

}  // namespace ndshare::internal
