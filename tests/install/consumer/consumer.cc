// A program outside the tree: starts a private store, shares an array, reads it back.
#include <iostream>
#include <string>

#include <ndshare/ndshare.h>
#include <unistd.h>

namespace nd = ndshare;

int main() {
  try {
    nd::StartOptions options;
    options.capacity_bytes = 64ULL << 20;
    nd::Store store = nd::Store::open_or_start("install-" + std::to_string(::getpid()), options);
    nd::SharedArray prices = store.create("prices", nd::float32, {4, 3});
    {
      nd::WriteGuard guard = prices.write();
      nd::fill(guard.array(), 1.5F);
    }
    prices.seal();
    const double total = nd::sum(store.open("prices").view()).item<double>();
    std::cout << "sum " << total << "\n";
    return total == 18.0 ? 0 : 1;
  } catch (const nd::Error& error) {
    std::cerr << nd::error_name(error.code()) << ": " << error.what() << "\n";
    return 2;
  }
}
