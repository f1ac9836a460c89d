#include "lib/kernels/families.h"

namespace ndshare::internal {
void fill_bitwise(KernelTable& table) { (void)table; }
}  // namespace ndshare::internal
