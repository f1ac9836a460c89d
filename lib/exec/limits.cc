#include <ndshare/error.h>
#include <ndshare/limits.h>

#include "lib/exec/guard.h"

#include <atomic>
#include <mutex>
#include <string>

namespace ndshare {
namespace {

std::mutex g_mutex;
LimitSettings g_process;  // under the mutex
// Whether g_process was ever set. Relaxed: a hint that spares small calls the mutex, which orders everything else.
std::atomic<bool> g_process_is_set{false};
thread_local std::optional<LimitSettings> t_scope;

LimitSettings process_limits() noexcept {
  const std::lock_guard lock(g_mutex);
  return g_process;
}

void check(const LimitSettings& settings) {
  if (settings.max_bytes >= 0 && settings.max_elements >= 0 && settings.max_expansion >= 0) return;
  throw Error(Error::Usage, "a limit below 0: give 0 for none (max_bytes " + std::to_string(settings.max_bytes) +
                                ", max_elements " + std::to_string(settings.max_elements) + ")");
}

}  // namespace

LimitSettings limits() noexcept { return t_scope ? *t_scope : process_limits(); }

void set_process_limits(const LimitSettings& settings) {
  check(settings);
  const std::lock_guard lock(g_mutex);
  g_process = settings;
  g_process_is_set.store(true, std::memory_order_relaxed);
}

bool internal::limits_allow_small(std::int64_t elements, std::int64_t bytes) noexcept {
  if (!t_scope && !g_process_is_set.load(std::memory_order_relaxed)) return true;
  const LimitSettings set = limits();
  return (set.max_bytes == 0 || bytes <= set.max_bytes) && (set.max_elements == 0 || elements <= set.max_elements) &&
         (set.max_expansion == 0 || set.max_expansion >= 1);
}

LimitScope::LimitScope(std::optional<std::int64_t> max_bytes, std::optional<std::int64_t> max_elements,
                       std::optional<double> max_expansion, std::optional<Ranks> ranks)
    : before_(t_scope) {
  LimitSettings next = limits();
  next.max_bytes = max_bytes.value_or(next.max_bytes), next.max_elements = max_elements.value_or(next.max_elements);
  next.max_expansion = max_expansion.value_or(next.max_expansion), next.ranks = ranks.value_or(next.ranks);
  check(next);
  t_scope = next;
}

LimitScope::~LimitScope() { t_scope = before_; }

}  // namespace ndshare
