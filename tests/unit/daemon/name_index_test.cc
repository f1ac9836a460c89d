// The name index against std::map: random inserts, removals and renames at a hundred thousand names, and what readers
// find.
#include "daemon/name_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

class NameIndexTest : public ::testing::Test {
 protected:
  /// Creates and publishes `names` in batches.
  void add(const std::vector<std::string>& names) {
    for (std::size_t begin = 0; begin < names.size(); begin += 512) {
      std::vector<CreateSpec> specs;
      for (std::size_t i = begin; i < std::min(names.size(), begin + 512); ++i) specs.push_back(spec(names[i], {0}));
      std::vector<ArrayId> ids;
      for (const auto& made : create(*engine_, slot_, specs)) {
        ids.push_back(id_of(made));
        model_[specs[ids.size() - 1].name] = made.array_gen;
      }
      engine_->publish(slot_, 0, ids, false);
    }
  }
  void check_all(const CatalogView& view) {
    EXPECT_EQ(engine_->header().live_arrays.load(), model_.size());
    for (const auto& [name, gen] : model_) {
      const auto ref = view.find(name);
      ASSERT_TRUE(ref) << name;
      ASSERT_EQ(ref->array_gen, gen) << name;
    }
  }

  TestStore store_;
  Engine* engine_ = nullptr;
  SlotRef slot_;
  std::map<std::string, std::uint64_t> model_;
};

TEST_F(NameIndexTest, HundredThousandNamesAgainstAMap) {
  store_.options.max_arrays = 200000;
  engine_ = &store_.open();
  slot_ = engine_->attach(self());
  TestClient client(*engine_);
  std::vector<std::string> names;
  for (int i = 0; i < 100000; ++i) names.push_back("a/" + std::to_string(i));
  add(names);
  std::mt19937 random(42);
  std::vector<std::string> gone;
  for (int step = 0; step < 100000; ++step) {
    const auto& name = names[random() % names.size()];
    const auto to = names[random() % names.size()];
    const bool is_there = model_.contains(name), is_taken = model_.contains(to);
    switch (random() % 3) {
      case 0:
        if (is_there) engine_->remove(slot_, 0, name), model_.erase(name);
        break;
      case 1:
        if (!is_there) add({name});
        break;
      default:
        if (!is_there || name == to) break;
        engine_->rename(slot_, 0, name, to, is_taken);
        model_[to] = model_[name];
        model_.erase(name);
    }
    if (step % 1000 == 0) {
      EXPECT_EQ(client.view.find(name).has_value(), model_.contains(name));
    }
    if (step % 20000 == 0) engine_->reclaim();
  }
  check_all(client.view);
  for (const auto& name : names) ASSERT_EQ(client.view.find(name).has_value(), model_.contains(name)) << name;
  EXPECT_EQ(audit(*engine_), "");
  engine_ = &store_.restart();
  TestClient after(*engine_);
  check_all(after.view);
}

TEST_F(NameIndexTest, CreateAndRemoveForEverKeepsTheTableSmall) {
  engine_ = &store_.open();
  slot_ = engine_->attach(self());
  for (int i = 0; i < 20000; ++i) {
    add({"name" + std::to_string(i)});
    engine_->remove(slot_, 0, "name" + std::to_string(i));
  }
  const auto log2 = engine_->header().index_root.load() % kHeapUnit;
  EXPECT_LE(log2, 11U);
  EXPECT_LE(engine_->header().records_high.load(), 4096U);
}

}  // namespace
}  // namespace ndshare::internal
