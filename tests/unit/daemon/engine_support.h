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
#include "lib/shm/claims.h"
#include "lib/shm/process.h"
#include "lib/shm/segment.h"
#include "tests/support/support.h"

namespace ndshare::internal {

inline constexpr std::uint64_t kTestMiB = 1ULL << 20;

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
};

/// Creates arrays as a client would: prepare, reserve, commit.
inline std::vector<CreatedArray> create(Engine& engine, SlotRef slot, const std::vector<CreateSpec>& specs,
                                        std::uint64_t sequence = 0) {
  auto ticket = engine.prepare_create(slot, specs);
  while (!engine.reserve_some(*ticket)) {
  }
  return engine.commit_create(slot, sequence, std::move(ticket));
}

inline ArrayId id_of(const CreatedArray& made) { return {made.array, made.array_gen}; }

inline CreatedArray create_one(Engine& engine, SlotRef slot, const CreateSpec& one, bool publish = true,
                               bool seal = false) {
  const auto made = create(engine, slot, {one}).front();
  const ArrayId id = id_of(made);
  if (publish) engine.publish(slot, 0, {&id, 1}, seal);
  return made;
}

/// What must hold at any moment between calls, counted anew from the catalog alone: every array is readable under its
/// name, and with nothing pending the pool's numbers are the sum of the extents of all arrays. Returns what is wrong,
/// empty for nothing.
std::string audit(Engine& engine);

}  // namespace ndshare::internal
