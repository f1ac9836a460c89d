// What each family file gives the registry: it writes its kernels for Highway's currently chosen target into a table.
#pragma once

#include "lib/kernels/registry.h"

namespace ndshare::internal {

void fill_arithmetic(KernelTable& table);
void fill_reduce_sum(KernelTable& table);
void fill_memory(KernelTable& table);

}  // namespace ndshare::internal
