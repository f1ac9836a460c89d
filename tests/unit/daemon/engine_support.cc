#include "tests/unit/daemon/engine_support.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

namespace ndshare::internal {

std::optional<TestPin> TestClaims::take(std::string_view name, ClaimMode mode, std::int64_t lo, std::int64_t hi) {
  const auto copy = client_.view.read(client_.view.find(name).value().array);
  auto& entry = *table_.try_take(mode == ClaimMode::view);
  const Wish wish{copy->ref.array, 1, copy->ref.array_gen, {mode, false, lo, hi}, geometry_of(*copy)};
  ClaimPatience patience(client_.system, slot_.index, {}, nullptr);
  Claims::Grant grant;
  Blocker blocker;
  const auto verdict = claims_.acquire(entry, mode == ClaimMode::view ? nullptr : &entry, wish, patience, grant, blocker);
  if (verdict == Verdict::granted) return TestPin(table_, claims_, entry, grant.ref);
  table_.give_back(&entry);
  return std::nullopt;
}

std::vector<CreatedArray> create(Engine& engine, SlotRef slot, const std::vector<CreateSpec>& specs, std::uint64_t sequence) {
  auto ticket = engine.prepare_create(slot, specs);
  while (!engine.reserve_some(*ticket)) {
  }
  return engine.commit_create(slot, sequence, std::move(ticket));
}

CreatedArray create_one(Engine& engine, SlotRef slot, const CreateSpec& one, bool publish, bool seal) {
  const auto made = create(engine, slot, {one}).front();
  const ArrayId id = id_of(made);
  if (publish) engine.publish(slot, 0, {&id, 1}, seal);
  return made;
}

ArrayId TestUser::make(const CreateSpec& one, char tag) {
  const auto made = create_one(engine(), slot_, one, false);
  const auto id = id_of(made);
  fill(made.extents, tag);
  engine().publish(slot_, 0, {&id, 1}, false);
  return id;
}

ExtendReply TestUser::memory(ArrayId id, std::uint64_t bytes, std::uint64_t sequence) {
  if (auto before = engine().find_memory(slot_, sequence)) return *before;
  return engine().commit_memory(slot_, sequence, engine().prepare_memory(slot_, {id, bytes}));
}

ExtendReply TestUser::extend(ArrayId id, std::uint64_t bytes, std::uint64_t sequence) {
  if (auto before = engine().find_memory(slot_, sequence)) return *before;
  return engine().commit_memory(slot_, sequence, engine().prepare_extend(slot_, {id, bytes}));
}

void TestUser::fill(const std::vector<ExtentInfo>& extents, char tag) {
  for (const auto& extent : extents) {
    for (std::uint64_t at = 0; at < extent.bytes; at += kPage) {
      EXPECT_EQ(pwrite(engine().pool_fd(false), &tag, 1, static_cast<off_t>(extent.offset + at)), 1);
    }
  }
}

std::uint64_t TestUser::update(std::string_view name, std::int64_t lo, std::int64_t hi, std::uint64_t at, std::uint64_t bytes,
                               char tag) {
  auto pin = take(name, ClaimMode::update, lo, hi);
  if (!pin) throw Error(ErrorCode::Timeout, "no UPDATE claim");
  const ArrayId id{pin->ref().array, pin->ref().array_gen};
  const auto granted = memory(id, bytes);
  fill(granted.extents, tag);
  auto request = commit_of(id, granted.extents, at);
  request.lo = lo, request.hi = hi;
  return engine().commit_version(slot_, 0, request);
}

SnapshotReply TestUser::snapshot(std::string_view source, const std::string& name) {
  auto pin = take(source, ClaimMode::read);
  if (!pin) throw Error(ErrorCode::Timeout, "no READ claim");
  return engine().snapshot(slot_, 0, {{pin->ref().array, pin->ref().array_gen}, pin->ref().version, name, ""});
}

ArrayCopy TestUser::read(std::string_view name) const { return *client_.view.read(client_.view.find(name).value().array); }

std::string TestUser::tags(const ArrayCopy& copy) {
  std::string out;
  std::uint64_t done = 0;
  for (const auto& extent : copy.extents) {
    for (std::uint64_t at = 0; at < extent.bytes && done < copy.nbytes; at += kPage, done += kPage) {
      char tag = '?';
      EXPECT_EQ(pread(engine().pool_fd(true), &tag, 1, static_cast<off_t>(extent.offset + at)), 1);
      out += tag;
    }
  }
  return out;
}

CommitRequest commit_of(ArrayId id, const std::vector<ExtentInfo>& extents, std::uint64_t at, std::int64_t rows) {
  CommitRequest out{id, extents, {}, rows, true, 0, 0};
  std::uint64_t bytes = 0;
  for (const auto& extent : extents) bytes += extent.bytes;
  if (bytes != 0) out.changes.push_back({at, bytes});
  return out;
}

std::string torn_text(const ArrayCopy& copy) {
  std::string out;
  for (const auto& range : copy.torn) {
    out += (out.empty() ? "" : " ") + std::to_string(range.lo) + "-" + std::to_string(range.hi);
  }
  return out;
}

bool crash_in_child(const std::string& point, const std::function<void()>& body) {
  const auto pid = test::fork_child([&] {
    setenv("NDSHARE_CRASH_AT", point.c_str(), 1);
    body();
    return 0;
  });
  const auto status = test::wait_child(pid);
  EXPECT_TRUE(status == 0 || status == 128 + SIGKILL) << point << ": " << (status ? *status : -1);
  return status == 128 + SIGKILL;
}

namespace {

/// What the catalog says is held, page by page and piece by piece.
class Recount {
 public:
  explicit Recount(Engine& engine) : engine_(engine), client_(engine) {}

  std::string run() {
    client_.view.for_each([&](const ArrayCopy& array) { add_array(array); });
    for (std::uint32_t i = 0; i < engine_.header().records_high.load(); ++i) {
      if (client_.view.read_ref(i) && !client_.view.read(i)) wrong_ += "record " + std::to_string(i) + " is unreadable; ";
    }
    add_grants();
    check_pieces();
    compare();
    return wrong_;
  }

 private:
  void add_array(const ArrayCopy& array) {
    const bool in_index = (array.ref.flags & kArrayReplaces) == 0;
    const auto found = client_.view.find(array.name);
    if (in_index && (!found || found->array != array.ref.array)) wrong_ += array.name + " is not found; ";
    if (in_index && !names_.insert(array.name).second) wrong_ += array.name + " exists twice; ";
    std::uint64_t room = 0;
    std::set<std::uint64_t> own;
    for (const auto& extent : array.extents) {
      room += extent.bytes;
      add(extent);
      for (auto at = extent.offset; extent.bytes % kPage == 0 && at < extent.offset + extent.bytes; at += kPage) {
        if (!own.insert(at).second) wrong_ += array.name + " has a page twice; ";
      }
      if (extent.birth == 0 || extent.birth > array.block_version) wrong_ += array.name + " has a wrong birth; ";
    }
    if (room < array.nbytes) wrong_ += array.name + " has too little room; ";
  }

  /// Memory in clients' hands is nobody else's.
  void add_grants() {
    const auto& header = engine_.header();
    const auto* grants = reinterpret_cast<const Grant*>(  // NOLINT: shared bytes have no other type
        reinterpret_cast<const std::byte*>(&header) + header.grants_offset);  // NOLINT: as above
    for (std::uint32_t i = 0; i < 256; ++i) {  // tests hold few of them; a look at more would fill holes of the file
      if (grants[i].owner.load() == 0) continue;
      const Extent extent{grants[i].offset.load(), grants[i].bytes.load(), 0};
      if (pages_.contains(extent.offset) || pieces_.contains({extent.offset, extent.bytes})) wrong_ += "a grant is not alone; ";
      add(extent);
    }
  }

  void add(const Extent& extent) {
    if (extent.bytes % kPage != 0) {
      slabs_.insert(extent.offset / kSlabBytes);
      pieces_.insert({extent.offset, extent.bytes});
      return;
    }
    for (auto at = extent.offset; at < extent.offset + extent.bytes; at += kPage) pages_.insert(at);
  }

  void check_pieces() {
    std::uint64_t end = 0;
    for (const auto& [offset, bytes] : pieces_) {
      if (offset < end) wrong_ += "slab pieces overlap at " + std::to_string(offset) + "; ";
      end = offset + bytes;
      live_ += bytes;
      if (pages_.contains(offset / kPage * kPage)) wrong_ += "a slab piece lies in a page extent; ";
    }
    live_ += pages_.size() * kPage;
    if (!pages_.empty() && *pages_.rbegin() >= engine_.header().pool_bytes) wrong_ += "an extent lies beyond the pool; ";
  }

  void compare() {
    engine_.reclaim();
    const auto status = engine_.pool_status();
    const auto used = pages_.size() * kPage + slabs_.size() * kSlabBytes;
    const bool pinned = has_claims();  // what only claims hold is in no record
    const auto check = [&](const char* what, std::uint64_t is, std::uint64_t counted) {
      if (is == counted || (pinned && is > counted)) return;
      wrong_ += std::string(what) + " " + std::to_string(is) + " instead of " + std::to_string(counted) + "; ";
    };
    check("live", status.live_bytes, live_);
    check("used", status.used_bytes, used);
    if (!pinned && status.pending_bytes != 0) wrong_ += "something is pending that nobody holds; ";
    if (status.free_bytes != status.capacity_bytes - status.used_bytes) wrong_ += "free bytes do not add up; ";
  }

  bool has_claims() {
    std::vector<ClaimCopy> claims;
    for (const auto& one : engine_.live_slots()) collect_claims(client_.claims(one.slot), claims);
    return !claims.empty();
  }

  Engine& engine_;
  TestClient client_;
  std::string wrong_;
  std::set<std::uint64_t> pages_, slabs_;  ///< held by anybody: versions share them
  std::set<std::pair<std::uint64_t, std::uint64_t>> pieces_;
  std::set<std::string> names_;
  std::uint64_t live_ = 0;
};

}  // namespace

std::string audit(Engine& engine) { return Recount(engine).run(); }

}  // namespace ndshare::internal
