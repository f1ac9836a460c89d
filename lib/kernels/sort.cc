#include "lib/kernels/sort.h"

#include "lib/kernels/registry.h"

#include <hwy/contrib/sort/vqsort.h>

namespace ndshare::internal {
namespace {

// Only integers, and never pairs: Highway 1.0.3 loses float keys beside infinities, and pairs whose key is the maximum.
template <class Key>
void sort_any(Key* keys, std::size_t n) {
  // The registry chooses Highway's target: until then each call would go through the chooser.
  [[maybe_unused]] static const KernelTable& chosen = kernels();
  thread_local const hwy::Sorter sorter;
  sorter(keys, n, hwy::SortAscending());
}

}  // namespace

void sort_keys(std::uint16_t* keys, std::size_t n) { sort_any(keys, n); }
void sort_keys(std::uint32_t* keys, std::size_t n) { sort_any(keys, n); }
void sort_keys(std::uint64_t* keys, std::size_t n) { sort_any(keys, n); }

}  // namespace ndshare::internal
