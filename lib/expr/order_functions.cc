#include "lib/expr/interpret.h"

namespace ndshare::internal {
std::span<const Entry> order_functions() { return {}; }
}  // namespace ndshare::internal
