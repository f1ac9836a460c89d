#include "client/wait.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <thread>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ndshare::internal {
namespace {

constexpr std::chrono::nanoseconds kSlice = std::chrono::milliseconds(100);
constexpr std::chrono::nanoseconds kNap = std::chrono::milliseconds(5);

}  // namespace

std::uint32_t announce_waiter(a32& word) noexcept { return word.fetch_or(1, std::memory_order_seq_cst) | 1U; }

void sleep_on(a32& word, std::uint32_t value, Deadline deadline) noexcept {
  const auto slice = std::min(kSlice, time_left(deadline)).count();
  const timespec limit{static_cast<std::time_t>(slice / 1'000'000'000), static_cast<long>(slice % 1'000'000'000)};
  // Not FUTEX_PRIVATE: the waker is another process. Every outcome means "look again".
  static_cast<void>(::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT, value, &limit, nullptr, 0));
}

void sleep_on_any(std::span<const std::pair<a32*, std::uint32_t>> words, Deadline deadline) noexcept {
  struct WaitV {  // as in linux/futex.h of newer kernels' headers
    std::uint64_t value, address;
    std::uint32_t flags, reserved;
  };
  constexpr long kFutexWaitv = 449;         // __NR_futex_waitv, the same number on every architecture
  constexpr std::uint32_t kFutex32 = 2;     // FUTEX_32, shared between processes
  std::array<WaitV, 128> waiters{};
  if (words.size() > waiters.size()) return nap(deadline);
  for (std::size_t i = 0; i < words.size(); ++i) {
    waiters[i] = {words[i].second, reinterpret_cast<std::uintptr_t>(words[i].first), kFutex32, 0};
  }
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto end = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec) + std::min(kSlice, time_left(deadline));
  const timespec until{static_cast<std::time_t>(end.count() / 1'000'000'000), static_cast<long>(end.count() % 1'000'000'000)};
  const long result = ::syscall(kFutexWaitv, waiters.data(), words.size(), 0, &until, CLOCK_MONOTONIC);
  if (result < 0 && errno == ENOSYS) nap(deadline);
}

void nap(Deadline deadline) noexcept { std::this_thread::sleep_for(std::min(kNap, time_left(deadline))); }

}  // namespace ndshare::internal
