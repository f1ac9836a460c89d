/// The one exception type of the project, and its codes.
///
/// Every failure that a caller can meet is an `ndshare::Error`. Its code is stable (the same number on the wire and in C, the
/// same name in the command-line tool); its message has the numbers and the way out; its details repeat the numbers for
/// programs. Bad input is always an Error, never an assert, a crash or a hang.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ndshare/export.h>

namespace ndshare {

/// What went wrong; the list with numbers and meanings is `error_list.inc`.
enum class ErrorCode : std::uint16_t {
  Ok = 0,
#define NDSHARE_ERROR(name, number, exit, meaning) name = number,
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR
};

/// The code's name as the list spells it, "Ok" for 0, "Unknown" for a number that is not in the list.
NDSHARE_API std::string_view error_name(ErrorCode code) noexcept;

/// One sentence on what the code means.
NDSHARE_API std::string_view error_meaning(ErrorCode code) noexcept;

/// The exit status of the command-line tool for this code: 0 to 4.
NDSHARE_API int error_exit_status(ErrorCode code) noexcept;

/// The code with this number; Internal for a number that is not in the list (a newer peer).
NDSHARE_API ErrorCode error_from_number(std::uint64_t number) noexcept;

/// An error with a code, a message for people and details for programs.
///   Memory: the text is shared between copies, so copying does not throw.   Threads: immutable after construction.
class NDSHARE_API Error : public std::exception {
 public:
  using Details = std::vector<std::pair<std::string, std::string>>;

  /// `message` says what happened with the numbers, and the way out. `details` repeat the numbers: {"asked_bytes", "4096"}.
  Error(ErrorCode code, std::string message, Details details = {});

  ErrorCode code() const noexcept { return code_; }
  const char* what() const noexcept override;
  const std::string& message() const noexcept;
  const Details& details() const noexcept;
  /// The detail of this key, or an empty view.
  std::string_view detail(std::string_view key) const noexcept;

  // `error.code() == nd::Error::NameTaken` reads as well as the enumerator's full name.
#define NDSHARE_ERROR(name, number, exit, meaning) static constexpr ErrorCode name = ErrorCode::name;
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR

 private:
  struct Text;
  ErrorCode code_;
  std::shared_ptr<const Text> text_;
};

}  // namespace ndshare
