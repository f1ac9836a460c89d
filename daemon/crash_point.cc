#include "daemon/crash_point.h"

#include <csignal>
#include <cstdlib>
#include <string>

namespace ndshare::internal {
namespace {

struct Target {
  char name[64] = {};
  std::size_t length = 0;
  long left = 0;
};
Target target;

}  // namespace

void load_crash_point() noexcept {
  target = {};
  const char* text = std::getenv("NDSHARE_CRASH_AT");
  if (text == nullptr) return;
  const std::string_view all(text);
  const auto colon = all.find(':');
  const auto name = all.substr(0, colon);
  if (name.empty() || name.size() >= sizeof(target.name)) return;
  name.copy(target.name, name.size());
  target.length = name.size();
  target.left = colon == std::string_view::npos ? 1 : std::strtol(text + colon + 1, nullptr, 10);
}

void crash_point(std::string_view name) noexcept {
  if (target.length == 0) [[likely]]
    return;
  if (name != std::string_view(target.name, target.length) || --target.left > 0) return;
  std::raise(SIGKILL);
}

}  // namespace ndshare::internal
