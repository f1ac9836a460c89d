// The operations that are killed at every instruction: one row each.
#include <memory>

#include <gtest/gtest.h>

#include "tests/crash/step_world.h"

namespace ndshare::test {
namespace {

using std::chrono::milliseconds;
using Body = std::function<void()>;

constexpr auto kShort = milliseconds(2);  ///< of waits that are to time out

SharedArray open(Store& store) { return store.open("a"); }

void take_view(World& world) { world.views.push_back(world.a.view()); }
void hold_write(World& world) { world.guard = world.a.write({.rows = kVictimRows}); }
void let_go(World& world) {
  world.guard.reset();
  world.reading.reset();
}
void tear(World& world) {
  auto guard = world.a.write({.rows = kVictimRows});
  guard.abandon();
}
void make_other(World& world) { world.make("r"); }

Body read_rows(Store& store) {
  return [a = open(store)] { a.read({.rows = kVictimRows}).release(); };
}
Body view_rows(Store& store) {
  return [a = open(store)] { static_cast<void>(a.view({.rows = kVictimRows})); };
}
Body write_rows(Store& store) {
  return [a = open(store)]() mutable {
    auto guard = a.write({.rows = kVictimRows});
    fill_rows(guard, kVictimRows.first, kNew);
    guard.release();
  };
}
Body release_read(Store& store) {
  auto guard = std::make_shared<ReadGuard>(open(store).read({.rows = kVictimRows}));
  return [guard] { guard->release(); };
}
Body release_write(Store& store) {
  auto guard = std::make_shared<WriteGuard>(open(store).write({.rows = kVictimRows}));
  fill_rows(*guard, kVictimRows.first, kNew);
  return [guard] { guard->release(); };
}
Body overwrite_rows(Store& store) {
  return [a = open(store)]() mutable {
    auto guard = a.write({.rows = kVictimRows, .overwrite = true});
    fill_rows(guard, kVictimRows.first, kNew);
  };
}
Body abandon_rows(Store& store) {
  return [a = open(store)]() mutable {
    auto guard = a.write({.rows = kVictimRows});
    fill_rows(guard, kVictimRows.first, kNew);
    guard.abandon();
  };
}
Body repair_rows(Store& store) {
  return [a = open(store)]() mutable {
    auto guard = a.repair({.rows = kVictimRows});
    fill_rows(guard, kVictimRows.first, kNew);
    guard.release();
  };
}
Body update_rows(Store& store) {
  return [a = open(store)]() mutable {
    auto guard = a.update({.rows = kVictimRows});
    fill_rows(guard, kVictimRows.first, kNew);
    guard.commit();
  };
}
Body drop_update(Store& store) {
  return [a = open(store)]() mutable {
    auto guard = a.update({.rows = kVictimRows});
    fill_rows(guard, kVictimRows.first, kNew);
  };
}
Body append_rows(Store& store) {
  Array more = empty({3, kRowWords}, int64);
  auto words = more.as_span<std::int64_t>();
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = kRows + static_cast<std::int64_t>(i) / kRowWords;
  return [a = open(store), more]() mutable { a.append(more); };
}
Body cut_rows(Store& store) {
  return [a = open(store)]() mutable { a.resize(kRows - 2); };
}
Body snapshot(Store& store) {
  return [store]() mutable { store.snapshot("a", "s"); };
}
constexpr std::int64_t kMadeRows = 4;
Body create_and_fill(Store& store) {
  return [store]() mutable {
    SharedArray made = store.create("r", int64, {kMadeRows, kRowWords});
    auto guard = made.write();
    fill_rows(guard, 0, 0);
    guard.release();
  };
}
/// Filled, or not there.
void check_filled(World& world) {
  if (!world.keeper.contains("r")) return;
  SharedArray made = world.keeper.open("r");
  EXPECT_TRUE(made.info().torn.empty());
  auto guard = made.read({.timeout = kPatience});
  std::int64_t at = 0;
  for (const auto word : guard.as_span<std::int64_t>()) EXPECT_EQ(word, at++ / kRowWords);
  guard.release();
  world.keeper.remove("r");
}
Body remove_other(Store& store) {
  return [store]() mutable { store.remove("r"); };
}
Body rename_other(Store& store) {
  return [store]() mutable { store.rename("r", "s"); };
}
Body seal_other(Store& store) {
  return [r = store.open("r")]() mutable { r.seal(); };
}
Body lock_both(Store& store) {
  return [store, a = open(store), r = store.open("r")]() mutable {
    const std::vector<LockItem> items = {{r, LockMode::read, {}, false}, {a, LockMode::write, kVictimRows, false}};
    auto guards = store.lock(items);
    fill_rows(std::get<WriteGuard>(guards[1]), kVictimRows.first, kNew);
  };
}
/// A wait that times out.
template <class Take>
auto in_vain(Take take) {
  return [take](Store& store) -> Body {
    return [a = open(store), take]() mutable { EXPECT_EQ(code_of([&] { take(a); }), ErrorCode::Timeout); };
  };
}
Body try_read(Store& store) {
  return [a = open(store)] {
    ReadGuard guard;
    EXPECT_EQ(a.try_read(guard, {.rows = kVictimRows, .timeout = kShort}), ErrorCode::Timeout);
  };
}
Body try_write(Store& store) {
  return [a = open(store)]() mutable {
    WriteGuard guard;
    EXPECT_EQ(a.try_write(guard, {.rows = kVictimRows, .timeout = kShort}), ErrorCode::Timeout);
  };
}
Body wait_for_change(Store& store) {
  return [a = open(store)] { EXPECT_EQ(code_of([&] { a.wait_for_change(a.revision(), kShort); }), ErrorCode::Timeout); };
}

/// Longer and right, or as it was; cut back.
void check_longer(World& world) {
  const auto rows = world.a.shape()[0];
  EXPECT_TRUE(rows == kRows || rows == kRows + 3) << rows;
  auto guard = world.a.read({.rows = {kRows, rows}, .timeout = kPatience});
  std::int64_t row = kRows * kRowWords;
  for (const auto word : guard.as_span<std::int64_t>()) EXPECT_EQ(word, row++ / kRowWords);
  guard.release();
  if (rows != kRows) world.a.resize(kRows);
}
void check_shorter(World& world) {
  const auto rows = world.a.shape()[0];
  EXPECT_TRUE(rows == kRows || rows == kRows - 2) << rows;
  if (rows == kRows) return;
  Array more = empty({2, kRowWords}, int64);
  auto words = more.as_span<std::int64_t>();
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = rows + static_cast<std::int64_t>(i) / kRowWords;
  world.a.append(more);
}
void check_either_name(World& world) {
  EXPECT_NE(world.keeper.contains("r"), world.keeper.contains("s")) << "an array lost its name, or has two";
  check_made(world, "r", true), check_made(world, "s", true);
}

std::vector<Operation> make_operations() {
  const auto made = [](const char* name, bool missing) {
    return [=](World& world) { check_made(world, name, missing); };
  };
  const auto made_and_free = [](World& world) { let_go(world), check_made(world, "r", false); };
  const auto view_vain = in_vain([](SharedArray& a) { static_cast<void>(a.view({.rows = kVictimRows, .timeout = kShort})); });
  const auto update_vain = in_vain([](SharedArray& a) { static_cast<void>(a.update({.rows = kVictimRows, .timeout = kShort})); });
  const auto hold_read = [](World& world) { world.reading = world.a.read({.rows = kVictimRows}); };
  return {
      {"read", Effect::none, {}, read_rows, {}},
      {"view", Effect::none, {}, view_rows, {}},
      {"write", Effect::in_place, {}, write_rows, {}},
      {"release_read", Effect::none, {}, release_read, {}},
      {"release_write", Effect::in_place, {}, release_write, {}},
      {"write_that_copies", Effect::in_place, take_view, write_rows, {}},
      {"overwrite_that_copies", Effect::overwritten, take_view, overwrite_rows, {}},
      {"abandon", Effect::torn, {}, abandon_rows, {}},
      {"repair", Effect::mended, tear, repair_rows, {}},
      {"update", Effect::at_once, {}, update_rows, {}},
      {"update_dropped", Effect::none, {}, drop_update, {}},
      {"append", Effect::none, {}, append_rows, check_longer},
      {"append_to_a_viewed_array", Effect::none, take_view, append_rows, check_longer},
      {"resize", Effect::none, {}, cut_rows, check_shorter},
      {"snapshot", Effect::none, {}, snapshot, made("s", true), false},
      {"create", Effect::none, {}, create_and_fill, check_filled},
      {"remove", Effect::none, make_other, remove_other, made("r", true)},
      {"rename", Effect::none, make_other, rename_other, check_either_name},
      {"seal", Effect::none, make_other, seal_other, made("r", false)},
      {"lock", Effect::in_place, make_other, lock_both, made_and_free},
      {"read_in_vain", Effect::none, hold_write, try_read, let_go},
      {"view_in_vain", Effect::none, hold_write, view_vain, let_go},
      {"write_in_vain", Effect::none, hold_read, try_write, let_go},
      {"update_in_vain", Effect::none, hold_write, update_vain, let_go},
      {"wait_for_change", Effect::none, {}, wait_for_change, {}},
  };
}

}  // namespace

const std::vector<Operation>& operations() {
  static const auto all = make_operations();
  return all;
}

}  // namespace ndshare::test
