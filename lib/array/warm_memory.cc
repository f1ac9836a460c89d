#include "lib/array/warm_memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <new>
#include <utility>

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace ndshare::internal {
namespace {

constexpr std::size_t kMost = 16;  // blocks: an expression has a few temporaries, and a search of more would cost
constexpr std::size_t kLargestDefault = std::size_t{1} << 30;

void unmap(Pages pages) noexcept {
  if (pages.data != nullptr) static_cast<void>(::munmap(pages.data, pages.size));
}

bool is_limited(int resource) noexcept {
  rlimit limit{};
  return ::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

/// A sixteenth of the machine's memory, 1 GiB at most; none where addresses are counted: kept ones would be missing elsewhere.
std::size_t default_limit() noexcept {
  if (is_limited(RLIMIT_AS) || is_limited(RLIMIT_DATA)) return 0;
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0) return 0;
  return std::min(kLargestDefault, static_cast<std::size_t>(pages) / 16 * static_cast<std::size_t>(page));
}

class Kept {
 public:
  Pages take(std::size_t bytes) noexcept {
    const Turn turn(busy_);
    if (!turn) return {};
    std::size_t best = count_;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::size_t size = blocks_[i].size;
      if (size >= bytes && size - bytes <= bytes / 4 && (best == count_ || size < blocks_[best].size)) best = i;
    }
    if (best == count_) return {};
    Pages out = remove(best);
    out.reused = true;
    reused_.fetch_add(static_cast<std::int64_t>(out.size), std::memory_order_relaxed);
    return out;
  }

  void give(Pages pages) noexcept {
    if (pages.reused) reused_.fetch_sub(static_cast<std::int64_t>(pages.size), std::memory_order_relaxed);
    pages.reused = false;
    // Pages that may not be taken back (locked ones, an older kernel) would be hidden from whoever needs them.
    const bool keeps = pages.size <= limit_.load(std::memory_order_relaxed) && ::madvise(pages.data, pages.size, MADV_FREE) == 0;
    Gone gone;
    const Turn turn(busy_);
    if (!turn || !keeps) gone.add(pages);
    if (!turn) return;
    if (keeps) {
      if (count_ == kMost) gone.add(remove(0));
      blocks_[count_++] = pages;
      total_ += pages.size;
    }
    shrink(gone, limit_.load(std::memory_order_relaxed));
  }

  std::size_t set_limit(std::size_t bytes) noexcept {
    const std::size_t before = limit_.exchange(bytes, std::memory_order_relaxed);
    drop_to(bytes);
    return before;
  }
  void drop_to(std::size_t bytes) noexcept {
    constexpr int kTries = 1000;  // turns are short; one that a fork cut off never ends
    for (int i = 0; i < kTries; ++i) {
      Gone gone;
      const Turn turn(busy_);
      if (turn) return shrink(gone, bytes);
      static_cast<void>(::sched_yield());
    }
  }
  [[nodiscard]] std::int64_t reused() const noexcept { return reused_.load(std::memory_order_relaxed); }

 private:
  /// The right to touch the blocks, if nobody has it. Never waited for: a child that was forked while another thread had it keeps
  /// nothing, and all works.
  class Turn {
   public:
    // acquire: pairs with the release of whoever had it.
    explicit Turn(std::atomic_flag& busy) noexcept : busy_(busy), mine_(!busy.test_and_set(std::memory_order_acquire)) {}
    ~Turn() {
      if (mine_) busy_.clear(std::memory_order_release);  // pairs with the next one's acquire
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    explicit operator bool() const noexcept { return mine_; }

   private:
    std::atomic_flag& busy_;
    bool mine_;
  };
  /// Unmaps at its end: outside of turns, which are short.
  class Gone {
   public:
    Gone() = default;
    ~Gone() { std::for_each(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(count_), unmap); }
    Gone(const Gone&) = delete;
    Gone& operator=(const Gone&) = delete;
    void add(Pages pages) noexcept { blocks_[count_++] = pages; }

   private:
    std::array<Pages, kMost + 1> blocks_{};
    std::size_t count_ = 0;
  };

  Pages remove(std::size_t i) noexcept {
    const Pages out = blocks_[i];
    std::move(blocks_.begin() + static_cast<std::ptrdiff_t>(i) + 1, blocks_.begin() + static_cast<std::ptrdiff_t>(count_),
              blocks_.begin() + static_cast<std::ptrdiff_t>(i));
    --count_;
    total_ -= out.size;
    return out;
  }
  void shrink(Gone& gone, std::size_t limit) noexcept {
    while (total_ > limit) gone.add(remove(0));
  }

  std::array<Pages, kMost> blocks_{};  // the oldest first
  std::size_t count_ = 0, total_ = 0;
  std::atomic<std::size_t> limit_{default_limit()};  // relaxed: a number of its own
  std::atomic<std::int64_t> reused_{0};              // likewise
  std::atomic_flag busy_;
};

/// Never destroyed: static arrays may be given back after everything else.
Kept& kept() noexcept {
  alignas(Kept) static std::byte room[sizeof(Kept)];
  static Kept* const one = new (room) Kept;
  return *one;
}

}  // namespace

Pages take_warm(std::size_t bytes) noexcept { return kept().take(bytes); }
void give_warm(Pages pages) noexcept { kept().give(pages); }
void drop_warm() noexcept { kept().drop_to(0); }
std::int64_t reused_bytes() noexcept { return kept().reused(); }
std::int64_t set_warm_limit(std::int64_t bytes) noexcept {
  return static_cast<std::int64_t>(kept().set_limit(static_cast<std::size_t>(std::max<std::int64_t>(bytes, 0))));
}

}  // namespace ndshare::internal
