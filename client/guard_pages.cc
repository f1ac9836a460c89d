#include "client/guard_pages.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/mman.h>

#include <ndshare/error.h>

#include "lib/shm/format_base.h"

namespace ndshare::internal {
namespace {

std::uintptr_t first_page(const std::byte* data) noexcept { return reinterpret_cast<std::uintptr_t>(data) & ~(kPage - 1); }

bool protect(std::uintptr_t from, std::uintptr_t to, int protection) noexcept {
  return from >= to || ::mprotect(reinterpret_cast<void*>(from), to - from, protection) == 0;  // NOLINT: an address of a map
}

}  // namespace

GuardPages::GuardPages() {
  const char* text = std::getenv("NDSHARE_GUARD_PAGES");
  enabled_ = text != nullptr && *text != '\0' && std::strcmp(text, "0") != 0;
}

void GuardPages::open(const std::byte* data, std::int64_t bytes) {
  if (!enabled_ || bytes == 0) return;
  const auto from = first_page(data), to = first_page(data + bytes - 1) + kPage;
  const std::lock_guard lock(mutex_);
  if (!protect(from, to, PROT_READ | PROT_WRITE)) {
    throw Error(ErrorCode::MapLimit, "NDSHARE_GUARD_PAGES: the kernel cannot make the guarded pages writable (vm.max_map_count?)");
  }
  for (auto page = from; page < to; page += kPage) ++open_[page];
}

void GuardPages::close(const std::byte* data, std::int64_t bytes) noexcept {
  if (!enabled_ || bytes == 0) return;
  const auto from = first_page(data), to = first_page(data + bytes - 1) + kPage;
  const std::lock_guard lock(mutex_);
  auto start = from;  // of a stretch that nobody has open any more
  for (auto page = from; page < to; page += kPage) {
    const auto found = open_.find(page);
    if (found != open_.end() && --found->second > 0) {
      protect(start, page, PROT_NONE);
      start = page + kPage;
    } else if (found != open_.end()) {
      open_.erase(found);
    }
  }
  protect(start, to, PROT_NONE);
}

void GuardPages::cover(const std::byte* data, std::uint64_t bytes) noexcept {
  if (!enabled_ || bytes == 0) return;
  const auto from = first_page(data), to = first_page(data + bytes - 1) + kPage;
  const std::lock_guard lock(mutex_);
  auto start = from;
  for (auto open = open_.lower_bound(from); open != open_.end() && open->first < to; ++open) {
    protect(start, open->first, PROT_NONE);
    start = open->first + kPage;
  }
  protect(start, to, PROT_NONE);
}

}  // namespace ndshare::internal
