/// Keeps the daemon alive when a client cuts the sync segment: a touched page that is gone is made again.
///
/// Clients need a writable descriptor of the sync segment, and POSIX shared memory cannot be sealed, so any of them may
/// truncate it. A touch beyond the file's end raises SIGBUS. While a guard lives, such a fault inside its map extends
/// the file to its size, reserves the page's step, and lets the instruction run again: it finds zeros, as of a client
/// that holds nothing. Every other SIGBUS, and one where the machine has no memory left, ends the process as ever.
///   Threads: any.   Errors: none.   Source: sigaction(2), shm_overview(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ndshare::internal {

class SyncGuard {
 public:
  SyncGuard() = default;  ///< guards nothing
  /// Guards [base, base + bytes), a map of the whole of `fd`. Both must outlive the guard.
  SyncGuard(int fd, std::byte* base, std::uint64_t bytes) noexcept;

  /// Pages that were made again since the last call, in all guarded maps.
  static std::uint64_t take_repairs() noexcept;

 private:
  struct Forget {
    void operator()(void* place) const noexcept;
  };
  std::unique_ptr<void, Forget> place_;
};

}  // namespace ndshare::internal
