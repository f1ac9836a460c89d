#include "tools/cli/progress.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <utility>

#include "lib/base/text.h"

namespace ndshare::cli {

std::string format_rate(std::int64_t bytes, double seconds) {
  if (seconds <= 0) return "-";
  const double rate = static_cast<double>(bytes) / seconds;
  const auto [unit, size] = rate >= 1e8   ? std::pair("GB/s", 1e9)
                            : rate >= 1e5 ? std::pair("MB/s", 1e6)
                                          : std::pair("kB/s", 1e3);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f %s", rate / size, unit);
  return text.data();
}

std::string progress_line(std::int64_t done_bytes, std::int64_t total_bytes, double seconds) {
  constexpr std::int64_t kCells = 30;
  const auto done = std::clamp<std::int64_t>(done_bytes, 0, std::max<std::int64_t>(total_bytes, 1));
  const double share = static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(total_bytes, 1));
  const auto filled = static_cast<std::size_t>(share * kCells);
  std::array<char, 16> percent{};
  std::snprintf(percent.data(), percent.size(), "%3d %%", static_cast<int>(share * 100));
  return "[" + std::string(filled, '#') + std::string(static_cast<std::size_t>(kCells) - filled, ' ') + "] " +
         percent.data() + "  " + internal::format_bytes(static_cast<std::uint64_t>(done)) + " of " +
         internal::format_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(total_bytes, 0))) + "  " +
         format_rate(done, seconds);
}

ProgressBar::ProgressBar(std::ostream& out, bool enabled) : out_(out), enabled_(enabled) {}

ProgressBar::~ProgressBar() {
  if (drawn_) out_ << "\r\x1b[K" << std::flush;
}

Progress ProgressBar::callback() {
  if (!enabled_) return {};
  return [this](std::int64_t done, std::int64_t total) { update(done, total); };
}

double ProgressBar::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

void ProgressBar::update(std::int64_t done_bytes, std::int64_t total_bytes) {
  const auto now = Clock::now();
  if (total_bytes < kProgressFromBytes || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  drawn_ = true;
  out_ << '\r' << progress_line(done_bytes, total_bytes, seconds()) << "\x1b[K" << std::flush;
}

}  // namespace ndshare::cli
