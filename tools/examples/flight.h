/// What the stages of the demo share: the record, and the line that each process prints at its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>

#include <unistd.h>

namespace demo {

/// One flight, as it lies in shared memory. kFlightDtype says the same to ndshare, field by field.
struct Flight {
  std::int64_t date;  ///< minutes since 1970-01-01
  std::int32_t delay, distance;  ///< minutes (negative: early), miles
  char32_t origin[3], destination[3];  ///< IATA codes
};
inline constexpr const char* kFlightDtype = "date:datetime64[m],delay:i4,distance:i4,origin:U3,destination:U3";
static_assert(sizeof(Flight) == 40, "packed: the same bytes as the dtype");

/// Prints "2 derive  pid 4711  50000 rows ..." with the time since it was made.
class Stage {
 public:
  explicit Stage(const char* label) : label_(label) {}
  void done(std::int64_t rows, std::int64_t bytes, const char* what) const {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
    std::printf("%-9s pid %-7d %7lld rows %7.4f s %6.2f GB/s  %s\n", label_, static_cast<int>(::getpid()),
                static_cast<long long>(rows), took.count(), static_cast<double>(bytes) / took.count() / 1e9, what);
  }

 private:
  const char* label_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace demo
