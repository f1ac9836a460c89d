/// What the engine's tests share: a store of a unique name that is removed, specs, and a client's view of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <ndshare/error.h>

#include "daemon/engine.h"
#include "lib/shm/catalog_view.h"
#include "lib/shm/claim_system.h"
#include "lib/shm/claim_table.h"
#include "lib/shm/claims.h"
#include "lib/shm/process.h"
#include "lib/shm/segment.h"
#include "tests/support/support.h"

namespace ndshare::internal {

inline constexpr std::uint64_t kTestMiB = 1ULL << 20;
inline constexpr std::uint64_t kGrain = 64ULL << 10;  ///< of the stores here

inline CreateSpec spec(std::string name, std::vector<std::int64_t> shape, std::string dtype = "u1") {
  CreateSpec out;
  out.name = std::move(name);
  out.dtype = std::move(dtype);
  out.shape = std::move(shape);
  return out;
}

inline Peer self() {
  const auto pid = static_cast<std::uint64_t>(getpid());
  return {pid, process_start(pid).value_or(0), own_pid_namespace(), geteuid(), false, "test"};
}

/// A peer that is dead for certain: no process has this pid (the kernel's limit is 2^22).
inline Peer dead_peer() { return {(1U << 22) + 1, 1, own_pid_namespace(), geteuid(), false, "gone"}; }

/// A store of this test alone. Its names are gone afterwards, whatever happened.
class TestStore {
 public:
  TestStore() : name(test::unique_store_name("engine")) {
    options.store = name;
    options.capacity_bytes = 64 * kTestMiB;
    options.max_clients = 16;
    options.max_arrays = 4096;
    options.publish_batch = 2;
  }
  ~TestStore() {
    engine.reset();
    const auto paths = segment_paths(geteuid(), name, options.pool_dir);
    for (const auto& path : {paths.catalog, paths.sync, paths.pool, paths.socket, paths.lock}) unlink(path.c_str());
  }
  TestStore(const TestStore&) = delete;
  TestStore& operator=(const TestStore&) = delete;

  Engine& open() {
    engine.reset();
    engine = Engine::open(options);
    return *engine;
  }
  Engine& restart(std::uint64_t capacity = 0) {
    options.capacity_bytes = capacity;
    return open();
  }
  SegmentPaths paths() const { return segment_paths(geteuid(), name, options.pool_dir); }

  std::string name;
  EngineOptions options;
  std::unique_ptr<Engine> engine;
};

/// The segments as a client of `engine` maps them.
class TestClient {
 public:
  explicit TestClient(const Engine& engine)
      : catalog_(engine.catalog_fd(), 0, engine.header().catalog_bytes, Mapping::Access::read_only),
        sync_(engine.sync_fd(), 0, engine.header().sync_bytes, Mapping::Access::read_write),
        view(catalog_.data(), catalog_.bytes()) {}
  SlotClaims& claims(SlotRef slot) { return sync_.at<SlotClaims>(sync_.at<SyncHeader>(0)->claims_offset)[slot.index]; }
  SyncHeader& sync_header() { return *sync_.at<SyncHeader>(0); }
  ArraySync& array_sync(std::uint64_t index) {
    return *sync_.at<ArraySync>(sync_header().arrays_offset + index * sync_header().array_stride);
  }
  Mapping& sync() { return sync_; }

 private:
  Mapping catalog_, sync_;

 public:
  CatalogView view;
  ClaimSystem system{view, sync_.data()};
};

/// A claim taken as the client library takes it; given back when it goes. Move-only.
class TestPin {
 public:
  TestPin(ClaimTable& table, Claims claims, Claim& entry, RefCopy ref)
      : table_(&table), claims_(claims), entry_(&entry), ref_(ref) {}
  TestPin(TestPin&& other) noexcept
      : table_(other.table_), claims_(other.claims_), entry_(std::exchange(other.entry_, nullptr)), ref_(other.ref_) {}
  TestPin& operator=(TestPin&&) = delete;
  ~TestPin() { release(); }
  const RefCopy& ref() const { return ref_; }
  Claim& entry() const { return *entry_; }
  void release(bool changed = false) {
    if (entry_ == nullptr) return;
    claims_.release(*entry_, changed);
    table_->give_back(std::exchange(entry_, nullptr));
  }

 private:
  ClaimTable* table_;
  Claims claims_;
  Claim* entry_;
  RefCopy ref_;
};

/// The claims of one slot's client.
class TestClaims {
 public:
  TestClaims(TestClient& client, SlotRef slot)
      : client_(client), slot_(slot), table_(&client.claims(slot)), claims_(client.system, slot.index, slot.gen) {}
  /// Nothing where it cannot be had at once.
  std::optional<TestPin> take(std::string_view name, ClaimMode mode, std::int64_t lo = 0, std::int64_t hi = kAllRows);

 private:
  TestClient& client_;
  SlotRef slot_;
  ClaimTable table_;
  Claims claims_;
};

/// Creates arrays as a client would: prepare, reserve, commit.
std::vector<CreatedArray> create(Engine& engine, SlotRef slot, const std::vector<CreateSpec>& specs,
                                 std::uint64_t sequence = 0);

inline ArrayId id_of(const CreatedArray& made) { return {made.array, made.array_gen}; }

CreatedArray create_one(Engine& engine, SlotRef slot, const CreateSpec& one, bool publish = true, bool seal = false);

/// A client of the store with the requests that its guards make. Restarts of the engine do not matter to it.
class TestUser {
 public:
  explicit TestUser(TestStore& store, const Peer& peer = self()) : TestUser(store, store.engine->attach(peer)) {}
  TestUser(TestStore& store, SlotRef slot) : store_(store), slot_(slot), client_(*store.engine), claims_(client_, slot) {}
  Engine& engine() { return *store_.engine; }
  SlotRef slot() const { return slot_; }
  TestClient& client() { return client_; }
  std::optional<TestPin> take(std::string_view name, ClaimMode mode, std::int64_t lo = 0, std::int64_t hi = kAllRows) {
    return claims_.take(name, mode, lo, hi);
  }
  /// A visible array whose every page starts with `tag`.
  ArrayId make(const CreateSpec& one, char tag = 'a');
  ExtendReply memory(ArrayId id, std::uint64_t bytes, std::uint64_t sequence = 0);
  ExtendReply extend(ArrayId id, std::uint64_t bytes, std::uint64_t sequence = 0);
  /// `tag` at the start of every page of the extents, or of the slab piece.
  void fill(const std::vector<ExtentInfo>& extents, char tag);
  /// All that UpdateGuard does: claim of rows [lo, hi), a copy of bytes [at, at + bytes) filled with `tag`, commit.
  std::uint64_t update(std::string_view name, std::int64_t lo, std::int64_t hi, std::uint64_t at, std::uint64_t bytes, char tag);
  SnapshotReply snapshot(std::string_view source, const std::string& name);
  ArrayCopy read(std::string_view name) const;
  /// The first byte of every page of the data.
  std::string tags(const ArrayCopy& copy);
  std::string tags(std::string_view name) { return tags(read(name)); }

 private:
  TestStore& store_;
  SlotRef slot_;
  TestClient client_;
  TestClaims claims_;
};

/// A commit of memory that was granted in one go: it takes the place of all its bytes from `at` on.
CommitRequest commit_of(ArrayId id, const std::vector<ExtentInfo>& extents, std::uint64_t at, std::int64_t rows = -1);

/// "lo-hi lo-hi": the torn rows of an array.
std::string torn_text(const ArrayCopy& copy);

/// What must hold at any moment between calls, counted anew from the catalog alone: every array is readable under its
/// name, and with nothing pending the pool's numbers are the sum of the extents of all arrays and grants. Returns what
/// is wrong, empty for nothing.
std::string audit(Engine& engine);

/// A child that runs `body` with a crash point set. True where it was killed there, false where it came to its end.
bool crash_in_child(const std::string& point, const std::function<void()>& body);

/// Points at which recovery_test.cc kills a daemon that serves (each at every occurrence), and one that adopts.
inline constexpr const char* kCrashPointsServing[] = {
    "commit.filled", "commit.committed", "commit.apply", "commit.empty",  "create.begin",  "create.blocks",
    "attach.filled", "attach.live",      "reclaim.block", "reclaim.meta", "sweep.dying",   "sweep.batch",
    "sweep.owned",   "sweep.grants",     "sweep.mutex",   "sweep.cleared", "sweep.woken",  "sweep.entries",
    "sweep.free",    "publish.marked",   "publish.batch", "index.built", "make.filled",   "make.pool",    "make.sync",     "make.catalog"};
/// And those at which streams_test.cc does, beside some of the above.
inline constexpr const char* kCrashPointsStreams[] = {"stream.started", "stream.made", "stream.removing", "stream.kept", "sweep.streams"};

}  // namespace ndshare::internal
