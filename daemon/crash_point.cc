#include "daemon/crash_point.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

#include <ndshare/error.h>

namespace ndshare::internal {
namespace {

struct Target {
  char name[64] = {};
  std::size_t length = 0;
  long left = 0;
};
Target target;

struct Failure {
  std::string name;
  std::atomic<long> left{0};
};
Failure failure;

/// The number after the colon of "name:n"; 1 where there is none.
long count_of(const char* text) noexcept {
  const auto colon = std::string_view(text).find(':');
  return colon == std::string_view::npos ? 1 : std::strtol(text + colon + 1, nullptr, 10);
}

void load_fail_point() {
  const char* text = std::getenv("NDSHARE_FAIL_AT");
  failure.left = 0;
  const std::string_view all(text == nullptr ? "" : text);
  failure.name = all.substr(0, all.find(':'));
  if (text != nullptr) failure.left = count_of(text);
}

}  // namespace

void load_crash_point() noexcept {
  load_fail_point();
  target = {};
  const char* text = std::getenv("NDSHARE_CRASH_AT");
  if (text == nullptr) return;
  const std::string_view all(text);
  const auto colon = all.find(':');
  const auto name = all.substr(0, colon);
  if (name.empty() || name.size() >= sizeof(target.name)) return;
  name.copy(target.name, name.size());
  target.length = name.size();
  target.left = count_of(text);
}

void crash_point(std::string_view name) noexcept {
  if (target.length == 0) [[likely]]
    return;
  if (name != std::string_view(target.name, target.length) || --target.left > 0) return;
  std::raise(SIGKILL);
}

void fail_point(std::string_view name) {
  if (failure.left.load(std::memory_order_relaxed) <= 0 || failure.name != name || failure.left-- <= 0) return;
  throw Error(ErrorCode::SystemMemory, "failed at " + failure.name + ", as NDSHARE_FAIL_AT asks");
}

}  // namespace ndshare::internal
