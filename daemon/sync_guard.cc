#include "daemon/sync_guard.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kStep = 1ULL << 20;  ///< reserved at once, as StepReserver does

/// What the handler knows of a map. A daemon has one; tests open several stores in one process.
struct Guarded {
  std::atomic<bool> taken{false};
  std::atomic<std::uintptr_t> base{0};  ///< stored last, cleared first: 0 is no map
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<int> fd{-1};
};
std::array<Guarded, 8> guarded;
std::atomic<std::uint64_t> repairs{0};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uintptr_t>::is_always_lock_free);

/// System calls only: this runs inside the signal handler.
bool mend(int fd, std::uint64_t bytes, std::uint64_t at) noexcept {
  int result = 0;
  do {
    result = ::ftruncate(fd, static_cast<::off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return false;
  const std::uint64_t from = at / kStep * kStep;
  const auto length = static_cast<::off_t>(std::min(kStep, bytes - from));
  do {
    result = ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<::off_t>(from), length);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

void on_sigbus(int, siginfo_t* info, void*) {
  const int saved = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (auto& one : guarded) {
    const auto base = one.base.load(std::memory_order_acquire);
    if (info->si_code != BUS_ADRERR || base == 0 || address < base || address - base >= one.bytes.load()) continue;
    if (!mend(one.fd.load(), one.bytes.load(), address - base)) break;
    repairs.fetch_add(1, std::memory_order_relaxed);
    errno = saved;
    return;  // the instruction runs again
  }
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGBUS, &standard, nullptr);
  ::raise(SIGBUS);  // delivered when this handler returns
}

bool install_handler() noexcept {
  struct sigaction action {};
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  return ::sigaction(SIGBUS, &action, nullptr) == 0;
}

}  // namespace

SyncGuard::SyncGuard(int fd, std::byte* base, std::uint64_t bytes) noexcept {
  [[maybe_unused]] static const bool installed = install_handler();
  for (auto& one : guarded) {
    if (one.taken.exchange(true)) continue;
    one.fd.store(fd), one.bytes.store(bytes);
    one.base.store(reinterpret_cast<std::uintptr_t>(base), std::memory_order_release);
    place_.reset(&one);
    return;
  }
}

void SyncGuard::Forget::operator()(void* place) const noexcept {
  auto& one = *static_cast<Guarded*>(place);
  one.base.store(0);
  one.taken.store(false);
}

std::uint64_t SyncGuard::take_repairs() noexcept { return repairs.exchange(0, std::memory_order_relaxed); }

}  // namespace ndshare::internal
