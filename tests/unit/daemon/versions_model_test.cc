// Random lives of an array, its snapshots and its views, against strings: a letter a row. The test is the client library:
// it writes in place where the floors allow it and copies where they do not, so a floor too low shows as a changed snapshot.
#include <algorithm>
#include <list>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "daemon/engine.h"
#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

using M = ClaimMode;

class Life {
 public:
  Life() {
    store_.open();
    user_.emplace(store_);
    make_array();
  }

  void step() {
    const auto kind = *rc::gen::inRange(0, 12);
    switch (kind) {
      case 0: case 1: return update();
      case 2: case 3: return write();
      case 4: return append();
      case 5: return shrink();
      case 6: return snapshot(any_array());
      case 7: return remove();
      case 8: return revert();
      case 9: return take_view();
      case 10: return drop_view();
      default: store_.restart();
    }
  }

  void check() {
    std::map<std::string, std::string> found;
    user_->client().view.for_each([&](const ArrayCopy& copy) { found[copy.name] = rows(copy); });
    RC_ASSERT(found == arrays_);
    for (const auto& view : views_) RC_ASSERT(rows(user_->client().view.read_version(view.pin->ref())) == view.rows);
    RC_ASSERT(audit(*store_.engine) == "");
  }

  void end() {
    views_.clear();
    store_.engine->reclaim();
    RC_ASSERT(store_.engine->pool_status().pending_bytes == 0U);
    RC_ASSERT(audit(*store_.engine) == "");
    for (const auto& [name, unused] : arrays_) store_.engine->remove(user_->slot(), 0, name);
    store_.engine->reclaim();
    RC_ASSERT(store_.engine->pool_status().used_bytes == 0U);
  }

 private:
  struct View {
    std::optional<TestPin> pin;
    std::string rows;
  };

  char letter() { return letter_ = letter_ == 'z' ? 'a' : static_cast<char>(letter_ + 1); }
  std::int64_t any_row() { return *rc::gen::inRange<std::int64_t>(0, static_cast<std::int64_t>(mine().size())); }
  std::string& mine() { return arrays_["a"]; }
  std::string any_array() {
    auto at = arrays_.begin();
    std::advance(at, *rc::gen::inRange<std::size_t>(0, arrays_.size()));
    return at->first;
  }
  std::string rows(const ArrayCopy& copy) {
    const auto tags = user_->tags(copy);
    std::string out;
    for (std::size_t at = 0; at < tags.size(); at += kGrain / kPage) out += tags[at];
    return out;
  }
  void make_array() {
    id_ = user_->make(spec("a", {3, kGrain}), 'a');
    mine() = "aaa";
  }

  void update() {
    if (mine().empty()) return;
    const auto lo = any_row(), hi = std::min<std::int64_t>(lo + *rc::gen::inRange(1, 3), static_cast<std::int64_t>(mine().size()));
    const char tag = letter();
    user_->update("a", lo, hi, static_cast<std::uint64_t>(lo) * kGrain, static_cast<std::uint64_t>(hi - lo) * kGrain, tag);
    std::fill(mine().begin() + lo, mine().begin() + hi, tag);
  }

  /// The highest version that a snapshot of the array or a view names. What is born later is nobody else's.
  std::uint64_t floor() {
    auto out = user_->read("a").ref.floor;
    for (const auto& view : views_) {
      if (view.pin->ref().array_gen == id_.array_gen) out = std::max(out, view.pin->ref().version);
    }
    return out;
  }
  /// What holds `bytes` of the data from `at` on. REQUIRES: one extent does.
  Extent extent_at(std::uint64_t at, std::uint64_t bytes) {
    for (const auto& one : user_->read("a").extents) {
      if (at < one.bytes) return {one.offset + at, bytes, one.birth};
      at -= one.bytes;
    }
    throw Error(ErrorCode::Internal, "the array has no such bytes");
  }
  void fill(std::uint64_t from, std::uint64_t to, char tag) {
    for (; from < to; from += kPage) user_->fill({{extent_at(from, kPage).offset, kPage, false}}, tag);
  }
  std::uint64_t oldest_birth(std::uint64_t at) {
    std::uint64_t out = ~0ULL;
    for (std::uint64_t page = 0; page < kGrain; page += kPage) out = std::min(out, extent_at(at + page, kPage).birth);
    return out;
  }
  void write() {
    if (mine().empty()) return;
    const auto row = any_row();
    auto pin = user_->take("a", M::write, row, row + 1);
    RC_ASSERT(pin.has_value());
    const char tag = letter();
    const auto at = static_cast<std::uint64_t>(row) * kGrain;
    if (oldest_birth(at) <= floor()) {
      const auto granted = user_->memory(id_, kGrain);
      auto request = commit_of(id_, granted.extents, at);
      request.counts = false;
      store_.engine->commit_version(user_->slot(), 0, request);
    }
    fill(at, at + kGrain, tag);
    mine()[static_cast<std::size_t>(row)] = tag;
  }

  void append() {
    if (mine().size() > 8) return;
    auto pin = user_->take("a", M::update);
    const auto count = *rc::gen::inRange<std::size_t>(1, 3);
    const auto granted = user_->extend(id_, count * kGrain);
    const char tag = letter();
    user_->fill(granted.extents, tag);
    const auto old = mine().size();
    store_.engine->commit_version(user_->slot(), 0, commit_of(id_, granted.extents, granted.at, static_cast<std::int64_t>(old + count)));
    // Room that the array has already is filled there: the daemon says that nobody else sees it.
    fill(old * kGrain, std::min(granted.at, (old + count) * kGrain), tag);
    mine().append(count, tag);
  }
  void shrink() {
    const auto keep = *rc::gen::inRange<std::size_t>(0, mine().size() + 1);
    auto pin = user_->take("a", M::update);
    store_.engine->commit_version(user_->slot(), 0, {id_, {}, {}, static_cast<std::int64_t>(keep), true, 0, 0});
    mine().resize(keep);
  }

  void snapshot(const std::string& source) {
    if (arrays_.size() > 6) return;
    const std::string name = "s" + std::to_string(++names_);
    user_->snapshot(source, name);
    arrays_[name] = arrays_[source];
    base_[name] = source == "a" ? id_.array_gen : base_[source];
  }
  void remove() {
    const auto name = any_array();
    store_.engine->remove(user_->slot(), 0, name);
    arrays_.erase(name);
    if (name == "a") make_array();
  }
  void revert() {
    const auto name = any_array();
    auto pin = user_->take("a", M::update);
    const bool fits = name != "a" && base_[name] == id_.array_gen;
    const auto code = test::code_of([&] { store_.engine->revert(user_->slot(), 0, {id_, name}); });
    RC_ASSERT(code == (fits ? ErrorCode::Ok : ErrorCode::Contract));
    if (fits) mine() = arrays_[name];
  }
  void take_view() {
    if (views_.size() > 5) return;
    const auto name = any_array();
    views_.push_back({user_->take(name, M::view), arrays_[name]});
  }
  void drop_view() {
    if (!views_.empty()) views_.pop_front();
  }

  TestStore store_;
  std::optional<TestUser> user_;
  ArrayId id_;
  std::map<std::string, std::string> arrays_;
  std::map<std::string, std::uint64_t> base_;  ///< of snapshots: the array_gen that they are of
  std::list<View> views_;
  char letter_ = 'a';
  int names_ = 0;
};

TEST(VersionsModelTest, NothingThatIsHeldEverChanges) {
  EXPECT_TRUE(rc::check("a letter a row", [] {
    Life life;
    const auto steps = *rc::gen::inRange(20, 120);
    for (int i = 0; i < steps; ++i) {
      life.step();
      life.check();
    }
    life.end();
  }));
}

}  // namespace
}  // namespace ndshare::internal
