/// Logging for the daemon: console or rotating file, level by option. The library itself logs nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ndshare::internal {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };

/// The level with this name ("trace" … "off"); throws ErrorCode::Usage with the list of names.
LogLevel parse_log_level(std::string_view name);

struct LogOptions {
  LogLevel level = LogLevel::info;
  std::string file;                             ///< empty: standard error
  std::uint64_t max_file_bytes = 8ULL << 20;    ///< then the file is rotated
  std::uint32_t max_files = 3;                  ///< rotated files kept
};

/// Starts logging; called once, before other threads. Throws ErrorCode::Io where the file cannot be opened.
void log_start(const LogOptions& options);

/// Writes one line; never throws. Does nothing before log_start().   Threads: safe.
void log_line(LogLevel level, std::string_view message) noexcept;

inline void log_debug(std::string_view message) noexcept { log_line(LogLevel::debug, message); }
inline void log_info(std::string_view message) noexcept { log_line(LogLevel::info, message); }
inline void log_warn(std::string_view message) noexcept { log_line(LogLevel::warn, message); }
inline void log_error(std::string_view message) noexcept { log_line(LogLevel::error, message); }

}  // namespace ndshare::internal
