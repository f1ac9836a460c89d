#include "lib/exec/parallel.h"

#include <ndshare/error.h>
#include <ndshare/threads.h>

#include "lib/base/text.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <utility>

#include <pthread.h>

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ndshare {
namespace internal {
namespace {

std::atomic<int> g_limit{0};  // of set_threads; 0: not set

// oneTBB's workers do not exist in a child that is forked once they run: everything there is done by the calling thread.
std::atomic<bool> g_started{false}, g_forked{false};

int threads_from_environment() noexcept {
  const char* text = std::getenv("NDSHARE_THREADS");
  if (text == nullptr) return 0;
  const auto value = parse_int(text);
  return value.has_value() && *value > 0 ? static_cast<int>(std::min<std::int64_t>(*value, 4096)) : 0;
}

bool watch_forks() noexcept {
  const auto in_child = [] { g_forked.store(g_started.load(std::memory_order_relaxed), std::memory_order_relaxed); };
  return ::pthread_atfork(nullptr, nullptr, in_child) == 0;
}

/// Also on the way out of a block that throws.
template <class F>
class AtExit {
 public:
  explicit AtExit(F action) : action_(std::move(action)) {}
  ~AtExit() { action_(); }
  AtExit(const AtExit&) = delete;
  AtExit& operator=(const AtExit&) = delete;

 private:
  F action_;
};

}  // namespace

int thread_limit(int asked) noexcept {
  static const int environment = threads_from_environment();
  static const bool watching = watch_forks();
  if (!watching || g_forked.load(std::memory_order_relaxed)) return 1;
  if (asked == 1) return 1;
  const int set = g_limit.load(std::memory_order_relaxed);
  const int wanted = asked > 0 ? asked : set > 0 ? set : environment;
  const int arena = tbb::this_task_arena::max_concurrency();
  return std::max(1, wanted > 0 ? std::min(wanted, arena) : arena);
}

void parallel_blocks(std::size_t blocks, int asked, const std::function<void(std::size_t)>& body,
                     const std::function<void()>& worker_done) {
  // oneTBB orders what came before the loop, the loop, and what comes after. The three orders below say the same in our own
  // code, where a checker that cannot see into the library finds them; they cost nothing beside a block.
  std::atomic<std::size_t> next{0}, ended{0};
  next.store(0, std::memory_order_release);  // pairs with the first fetch_add of each thread
  const auto work = [&](std::size_t) {
    const AtExit end([&] { ended.fetch_add(1, std::memory_order_release); });  // pairs with the load behind the loop
    for (std::size_t i = next.fetch_add(1, std::memory_order_acquire); i < blocks;
         i = next.fetch_add(1, std::memory_order_acquire)) {
      body(i);
    }
    if (worker_done) worker_done();
  };
  const std::size_t threads = blocks < 2 ? 1 : std::min(blocks, static_cast<std::size_t>(thread_limit(asked)));
  if (threads == 1) return work(0);
  g_started.store(true, std::memory_order_relaxed);
  const AtExit all_ended([&] { static_cast<void>(ended.load(std::memory_order_acquire)); });
  // One task a thread, each taking blocks until none is left: the limit holds without an arena of our own.
  // Isolated: a thread that waits for the others' last blocks takes no foreign task meanwhile. One that took a guard would wait
  // for what this thread holds.
  tbb::this_task_arena::isolate([&] { tbb::parallel_for(std::size_t{0}, threads, work, tbb::simple_partitioner()); });
}

}  // namespace internal

void set_threads(int count) {
  if (count < 0) {
    throw Error(Error::Usage, "set_threads(" + std::to_string(count) + "): give 1 or more, or 0 for the default",
                {{"threads", std::to_string(count)}});
  }
  internal::g_limit.store(count, std::memory_order_relaxed);
}

int threads() noexcept { return internal::thread_limit(0); }

}  // namespace ndshare
