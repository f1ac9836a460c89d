#include "client/wait.h"

#include <algorithm>
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

void nap(Deadline deadline) noexcept { std::this_thread::sleep_for(std::min(kNap, time_left(deadline))); }

}  // namespace ndshare::internal
