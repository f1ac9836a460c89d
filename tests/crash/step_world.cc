#include "tests/crash/step_world.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace ndshare::test {
namespace {

Store connect(const DaemonProcess& daemon) { return Store::connect(daemon.store(), {.timeout = kPatience}); }

/// How many words of a row are old, and how many new.
struct RowState {
  int old = 0, changed = 0, wrong = 0;
};
RowState state_of(std::span<const std::int64_t> row, std::int64_t index) {
  RowState out;
  for (const auto word : row) ++(word == index ? out.old : word == kNew + index ? out.changed : out.wrong);
  return out;
}

/// Words of the victim's rows that are old, new, or what nobody wrote; every other word is checked.
RowState look(std::span<const std::int64_t> words) {
  RowState total;
  for (std::int64_t i = 0; i < kRows; ++i) {
    const auto row = state_of(words.subspan(static_cast<std::size_t>(i * kRowWords), kRowWords), i);
    if (i >= kVictimRows.first && i < kVictimRows.last) {
      total.old += row.old, total.changed += row.changed, total.wrong += row.wrong;
    } else {
      EXPECT_EQ(row.old, kRowWords) << "row " << i << " was not the victim's to change";
    }
  }
  return total;
}

void fill(std::span<std::int64_t> words, std::int64_t first, std::int64_t base) {
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = base + first + static_cast<std::int64_t>(i) / kRowWords;
}

void put_back(World& world) {
  auto guard = world.a.write({.rows = kVictimRows, .timeout = kPatience});
  fill_rows(guard, kVictimRows.first, 0);
  guard.release();
}

/// The marks name the victim's rows and the victim; repair makes them whole.
void check_torn(World& world, std::uint64_t victim) {
  const auto torn = world.a.info().torn;
  ASSERT_EQ(torn.size(), 1U);
  EXPECT_EQ(torn[0].rows, kVictimRows);
  if (victim != 0) {
    EXPECT_TRUE(torn[0].pid == victim || torn[0].pid == static_cast<std::uint64_t>(::getpid())) << torn[0].pid;
  }
  EXPECT_EQ(code_of([&] { static_cast<void>(world.a.view({.timeout = kPatience})); }), ErrorCode::Torn);
  EXPECT_EQ(world.a.accept_torn(kVictimRows, kPatience), 1U);
  EXPECT_TRUE(world.a.info().torn.empty());
}

}  // namespace

World::World()
    : keeper(connect(daemon)), a(make("a")), words(daemon.store()), inspector(daemon.store()) {}

SharedArray World::make(const std::string& name) {
  SharedArray array = keeper.create(name, int64, {kRows, kRowWords}, {.fill = Fill::empty, .timeout = kPatience});
  auto filled = array.write();
  fill_rows(filled, 0, 0);
  filled.release();
  return array;
}

void fill_rows(const WriteGuard& guard, std::int64_t first, std::int64_t base) { fill(guard.as_span<std::int64_t>(), first, base); }
void fill_rows(const UpdateGuard& guard, std::int64_t first, std::int64_t base) { fill(guard.as_span<std::int64_t>(), first, base); }

bool swept(const World& world) {
  return eventually([&] { return world.words.slots_in_use() == 1; });
}

void check_and_mend(World& world, Effect effect, std::uint64_t victim) {
  EXPECT_EQ(world.a.shape(), (Shape{kRows, kRowWords}));
  const bool torn = !world.a.info().torn.empty();
  const bool may_tear = effect == Effect::in_place || effect == Effect::overwritten || effect == Effect::torn ||
                        effect == Effect::mended;
  EXPECT_TRUE(!torn || may_tear) << "rows are torn";
  if (torn) check_torn(world, victim);
  auto guard = world.a.read({.timeout = kPatience});
  const auto found = look(guard.as_span<std::int64_t>());
  EXPECT_TRUE(found.wrong == 0 || (torn && effect == Effect::overwritten)) << found.wrong << " words that nobody wrote";
  if (!torn) {
    EXPECT_TRUE(found.old == 0 || found.changed == 0) << found.old << " old and " << found.changed << " new words, not marked torn";
    if (effect == Effect::none || effect == Effect::torn) {
      EXPECT_EQ(found.changed, 0);
    }
    if (effect == Effect::mended) {
      EXPECT_EQ(found.old, 0) << "mended, and yet old";
    }
  }
  for (const auto& view : world.views) {
    const auto kept = look(view.as_span<const std::int64_t>());
    EXPECT_EQ(kept.changed + kept.wrong, 0) << "a view changed";
  }
  guard.release();
  world.views.clear();
  if (found.changed + found.wrong != 0) put_back(world);
}

void others_go_on(World& world, const Rows& rows, bool with_daemon) {
  const auto base = rows.first;
  {
    const auto guard = world.a.read({.rows = rows, .timeout = kPatience});
    EXPECT_EQ(guard.as_span<std::int64_t>()[0], base);
    EXPECT_EQ(world.a.view({.rows = rows, .timeout = kPatience}).at<std::int64_t>(0, 0), base);
  }
  if (!with_daemon && !world.views.empty()) return;  // a write would have to copy
  auto written = world.a.write({.rows = rows, .timeout = kPatience});
  fill_rows(written, rows.first, 0);
  written.release();
  if (!with_daemon) return;
  auto update = world.a.update({.rows = rows, .timeout = kPatience});
  fill_rows(update, rows.first, 0);
  update.release();
}

void check_made(World& world, const std::string& name, bool may_be_missing) {
  const bool there = world.keeper.contains(name);
  EXPECT_TRUE(there || may_be_missing) << name;
  if (!there) return;
  SharedArray array = world.keeper.open(name);
  EXPECT_TRUE(array.info().torn.empty()) << name;
  auto guard = array.read({.timeout = kPatience});
  const auto found = look(guard.as_span<std::int64_t>());
  EXPECT_EQ(found.changed + found.wrong, 0);
  guard.release();
  world.keeper.remove(name);
}

}  // namespace ndshare::test
