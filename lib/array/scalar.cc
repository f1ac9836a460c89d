#include <ndshare/scalar.h>

#include <ndshare/error.h>

namespace ndshare {

namespace {

[[noreturn]] void throw_kind(const Scalar& value, const char* wanted) {
  static constexpr const char* kNames[] = {"a boolean",     "an integer",       "an integer",
                                           "a real number", "a complex number", "text"};
  throw Error(ErrorCode::DtypeMismatch, std::string(kNames[value.value().index()]) + " given where " + wanted +
                                            " is needed: convert it first, nothing is dropped silently");
}

[[noreturn]] void throw_range(const std::string& value, const std::string& low, const std::string& high) {
  throw Error(ErrorCode::Overflow, "the integer " + value + " does not fit: this dtype holds " + low + " to " + high,
              {{"value", value}, {"low", low}, {"high", high}});
}

}  // namespace

std::int64_t Scalar::as_integer(std::int64_t low, std::int64_t high) const {
  if (const bool* flag = std::get_if<bool>(&value_)) return *flag ? 1 : 0;
  if (const std::int64_t* number = std::get_if<std::int64_t>(&value_)) {
    if (*number < low || *number > high)
      throw_range(std::to_string(*number), std::to_string(low), std::to_string(high));
    return *number;
  }
  if (const std::uint64_t* number = std::get_if<std::uint64_t>(&value_)) {
    if (*number > static_cast<std::uint64_t>(high))
      throw_range(std::to_string(*number), std::to_string(low), std::to_string(high));
    return static_cast<std::int64_t>(*number);
  }
  throw_kind(*this, "an integer");
}

std::uint64_t Scalar::as_unsigned(std::uint64_t high) const {
  if (const std::uint64_t* number = std::get_if<std::uint64_t>(&value_)) {
    if (*number > high) throw_range(std::to_string(*number), "0", std::to_string(high));
    return *number;
  }
  const std::int64_t number = as_integer(INT64_MIN, INT64_MAX);
  if (number < 0 || static_cast<std::uint64_t>(number) > high)
    throw_range(std::to_string(number), "0", std::to_string(high));
  return static_cast<std::uint64_t>(number);
}

bool Scalar::as_bool() const {
  if (const bool* flag = std::get_if<bool>(&value_)) return *flag;
  throw_kind(*this, "a boolean");
}

double Scalar::as_real() const {
  if (const double* number = std::get_if<double>(&value_)) return *number;
  if (const std::uint64_t* number = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*number);
  if (kind() == 'b' || kind() == 'i') return static_cast<double>(as_integer(INT64_MIN, INT64_MAX));
  throw_kind(*this, "a real number");
}

std::complex<double> Scalar::as_complex() const {
  if (const auto* number = std::get_if<std::complex<double>>(&value_)) return *number;
  if (kind() == 'U') throw_kind(*this, "a number");
  return as_real();
}

std::string Scalar::as_text() const {
  if (const std::string* text = std::get_if<std::string>(&value_)) return *text;
  throw_kind(*this, "text");
}

}  // namespace ndshare
