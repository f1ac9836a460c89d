/// A progress bar on a terminal for long transfers, and the line that says how fast one was.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

#include <ndshare/source.h>

namespace ndshare::cli {

/// Below this nobody waits long enough to read a bar.
inline constexpr std::int64_t kProgressFromBytes = 64LL << 20;

/// "[#####     ]  50 %  1.2 of 2.4 GiB  2.1 GB/s" for so many bytes after so many seconds.
[[nodiscard]] std::string progress_line(std::int64_t done_bytes, std::int64_t total_bytes, double seconds);
/// "2.15 GB/s" (10⁹ bytes), or MB/s, or kB/s; "-" for no time.
[[nodiscard]] std::string format_rate(std::int64_t bytes, double seconds);

/// Draws a bar on `out` at most ten times a second, and wipes it when it goes away.
class ProgressBar {
 public:
  /// Draws nothing unless `enabled` (the stream is a terminal).
  ProgressBar(std::ostream& out, bool enabled);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// What file readers and writers call. The bar must outlive it.
  [[nodiscard]] Progress callback();
  [[nodiscard]] double seconds() const;

 private:
  void update(std::int64_t done_bytes, std::int64_t total_bytes);
  using Clock = std::chrono::steady_clock;
  std::ostream& out_;
  bool enabled_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_;
};

}  // namespace ndshare::cli
