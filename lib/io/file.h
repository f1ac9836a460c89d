// What the folder's files share: errors with one shape, and regular files as sources.
#pragma once

#include <ndshare/error.h>
#include <ndshare/source.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace ndshare::internal {

/// Bytes moved in one go: large enough for full speed, small enough to stay in the second-level cache and report
/// progress.
inline constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

/// Throws ErrorCode::Format: "FILE: message".
[[noreturn]] void format_error(std::string_view file, const std::string& message, Error::Details details = {});

/// Throws ErrorCode::Io: "cannot ACTION FILE: reason of errno".
[[noreturn]] void io_error(std::string_view action, std::string_view file, int error_number);

/// An open descriptor that is closed with the object.
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();
  [[nodiscard]] int get() const noexcept { return fd_; }
  int release() noexcept;

 private:
  int fd_;
};

/// Opens a file to read, close-on-exec; directories are refused.   Errors: Io.
UniqueFd open_to_read(const std::string& path);

/// The length of a regular file; nothing for anything else.   Errors: Io.
std::optional<std::int64_t> regular_length(int fd, std::string_view name);

/// read(2) and write(2) that go on after signals.   Errors: Io.
std::size_t read_some(int fd, std::byte* into, std::size_t count, std::string_view name);
void write_all(int fd, std::span<const std::byte> bytes, std::string_view name);

}  // namespace ndshare::internal
