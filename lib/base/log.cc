#include "lib/base/log.h"

#include <array>
#include <memory>

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <ndshare/error.h>

namespace ndshare::internal {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"trace", "debug", "info", "warn", "error", "off"};
constexpr std::array<spdlog::level::level_enum, 6> kLevels = {spdlog::level::trace, spdlog::level::debug,
                                                              spdlog::level::info,  spdlog::level::warn,
                                                              spdlog::level::err,   spdlog::level::off};

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance;
  return instance;
}

}  // namespace

LogLevel parse_log_level(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<LogLevel>(i);
  }
  throw Error(ErrorCode::Usage,
              "log level '" + std::string(name) + "' is not one of trace, debug, info, warn, error, off");
}

void log_start(const LogOptions& options) {
  try {
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file, options.max_file_bytes,
                                                                    options.max_files);
    }
    auto made = std::make_shared<spdlog::logger>("ndshared", std::move(sink));
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    made->set_level(kLevels[static_cast<std::size_t>(options.level)]);
    made->flush_on(spdlog::level::info);
    logger() = std::move(made);
  } catch (const spdlog::spdlog_ex& failure) {
    throw Error(ErrorCode::Io, "cannot log to '" + options.file + "': " + failure.what());
  }
}

void log_line(LogLevel level, std::string_view message) noexcept {
  try {
    if (logger()) logger()->log(kLevels[static_cast<std::size_t>(level)], "{}", message);
  } catch (...) {
    // A full disk must not stop the daemon; the line is lost.
  }
}

}  // namespace ndshare::internal
