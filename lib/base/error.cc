#include <ndshare/error.h>

namespace ndshare {

std::string_view error_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::Ok: return "Ok";
#define NDSHARE_ERROR(name, number, exit, meaning) \
  case ErrorCode::name: return #name;
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR
  }
  return "Unknown";
}

std::string_view error_meaning(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::Ok: return "no error";
#define NDSHARE_ERROR(name, number, exit, meaning) \
  case ErrorCode::name: return meaning;
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR
  }
  return "an error that this build does not know";
}

int error_exit_status(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::Ok: return 0;
#define NDSHARE_ERROR(name, number, exit, meaning) \
  case ErrorCode::name: return exit;
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR
  }
  return 1;
}

ErrorCode error_from_number(std::uint64_t number) noexcept {
  if (number > UINT16_MAX) return ErrorCode::Internal;
  const auto code = static_cast<ErrorCode>(number);
  return error_name(code) == "Unknown" ? ErrorCode::Internal : code;
}

struct Error::Text {
  std::string message;
  Details details;
};

Error::Error(ErrorCode code, std::string message, Details details)
    : code_(code), text_(std::make_shared<const Text>(Text{std::move(message), std::move(details)})) {}

const char* Error::what() const noexcept { return text_->message.c_str(); }
const std::string& Error::message() const noexcept { return text_->message; }
const Error::Details& Error::details() const noexcept { return text_->details; }

std::string_view Error::detail(std::string_view key) const noexcept {
  for (const auto& [name, value] : text_->details) {
    if (name == key) return value;
  }
  return {};
}

}  // namespace ndshare
