#include "lib/shm/process_state.h"

#include <fstream>
#include <iterator>
#include <string>

namespace ndshare::internal {

bool process_stopped(std::uint64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // The letter follows the command in parentheses, which may itself hold spaces and parentheses.
  const auto command_end = text.rfind(')');
  if (command_end == std::string::npos || command_end + 2 >= text.size()) return false;
  const char state = text[command_end + 2];
  return state == 'T' || state == 't';
}

}  // namespace ndshare::internal
