// Arrays alone, without a store.
#include <iostream>

#include <ndshare/create.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>
#include <ndshare/print.h>

int main() {
  const ndshare::Array a = ndshare::arange(12).reshape({3, 4});
  std::cout << a << "\n";
  return ndshare::sum(a).item<std::int64_t>() == 66 ? 0 : 1;
}
