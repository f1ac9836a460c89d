/// The store in which operations are killed, and what must hold afterwards.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ndshare/admin.h>
#include <ndshare/create.h>
#include <ndshare/store.h>

#include "tests/crash/store_words.h"
#include "tests/integration/daemon_process.h"
#include "tests/support/test_store.h"

namespace ndshare::test {

inline constexpr std::int64_t kRows = 134, kRowWords = 128;  ///< two grains of 64 rows, and 6 rows of a third
inline constexpr Rows kVictimRows{129, 132};                 ///< what operations in place change: a part of the last grain
inline constexpr std::int64_t kNew = 1000;                   ///< row i holds i everywhere, or kNew + i once it was changed
inline constexpr auto kPatience = std::chrono::seconds(30);

/// What a killed operation may have done to array "a".
enum class Effect : std::uint8_t {
  none,
  in_place,  ///< old, new, or torn
  overwritten,  ///< the same; where torn, the rows may hold anything
  at_once,   ///< old or new
  torn,      ///< old, or torn: it gives up itself
  mended,    ///< torn, or new
};

struct World {
  World();
  /// A visible array of kRows rows as they are at first.
  SharedArray make(const std::string& name);

  DaemonProcess daemon{{.words = {"--max-clients", "8", "--max-arrays", "64"}}};
  Store keeper;                        ///< of this process: it lives through all of it
  SharedArray a;
  StoreWords words;
  admin::Inspector inspector;
  std::vector<Array> views;            ///< held while operations are killed
  std::optional<WriteGuard> guard;     ///< in their way
  std::optional<ReadGuard> reading;
};

/// What every operation is: what the test does before, what the child runs, what is true afterwards.
struct Operation {
  const char* name;
  Effect effect = Effect::none;
  std::function<void(World&)> before{};
  std::function<std::function<void()>(Store&)> in_child;  ///< prepares, and returns what is stepped through
  std::function<void(World&)> after{};                    ///< checks what is its own, and puts it back
  bool without_daemon = true;  ///< others can go on in other grains while no daemon runs and sweeps
};
const std::vector<Operation>& operations();

/// Writes `base` + i into each row i of `guard`, whose first row is `first`.
void fill_rows(const WriteGuard& guard, std::int64_t first, std::int64_t base);
void fill_rows(const UpdateGuard& guard, std::int64_t first, std::int64_t base);

/// Every slot but the keeper's is free again.
bool swept(const World& world);
/// What is left of "a" fits the effect; then all of it is as at first again. A message for each thing that is wrong.
void check_and_mend(World& world, Effect effect, std::uint64_t victim);
/// Somebody else reads, views, writes and updates, at once. `rows`: which are nobody's.
void others_go_on(World& world, const Rows& rows, bool with_daemon);
/// An array of its own: as made, or not there.
void check_made(World& world, const std::string& name, bool may_be_missing);

}  // namespace ndshare::test
