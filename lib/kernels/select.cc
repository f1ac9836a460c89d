#include "lib/kernels/families.h"

namespace ndshare::internal {
void fill_select(KernelTable& table) { (void)table; }
}  // namespace ndshare::internal
