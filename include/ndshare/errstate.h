// What happens when an operation's exact answer does not exist or does not fit: NumPy's errstate, and integers too.
#pragma once

#include <ndshare/export.h>

#include <cstdint>
#include <optional>

namespace ndshare {

/// What to do about one kind of error.
enum class Err : std::uint8_t {
  ignore,
  warn,   ///< a line in the log, once for each function and kind in a process
  raise,  ///< Error::Arithmetic with the number of elements; nothing was written
  count,  ///< see `error_counts()`
};

/// What `+ − ×`, sums and products of integers do (sum, prod, cumsum, cumprod: `initial` included) when a result does not fit the
/// dtype. Only the end counts: a sum that leaves the dtype and comes back is right. All but wrap take a second pass there.
enum class OnOverflow : std::uint8_t {
  wrap,      ///< two's complement, silently: NumPy's way
  saturate,  ///< the nearest number that the dtype has
  raise,     ///< Error::Overflow with the number of elements; nothing was written
  count,     ///< wraps; see `error_counts()`
};

/// The settings of a thread; work that is spread over threads follows those of the caller.
struct ErrSettings {
  Err divide = Err::warn;   ///< x/0 with x finite, log(0), an integer divided by 0
  Err over = Err::warn;     ///< an infinite result of finite operands; INT_MIN // −1
  Err under = Err::ignore;  ///< a result that lost digits below the smallest normal number
  Err invalid = Err::warn;  ///< NaN from operands that are not; NaN or too large a number to an integer
  OnOverflow overflow = OnOverflow::wrap;
};
[[nodiscard]] NDSHARE_API ErrSettings err_settings() noexcept;

/// Elements that `count` has seen in this thread's calls.
struct ErrorCounts {
  std::uint64_t divide = 0, over = 0, under = 0, invalid = 0, overflow = 0;
  friend bool operator==(const ErrorCounts&, const ErrorCounts&) = default;
};
[[nodiscard]] NDSHARE_API ErrorCounts error_counts() noexcept;
NDSHARE_API void reset_error_counts() noexcept;

/// Changes the thread's settings until its end.
class NDSHARE_API ErrScope {
 public:
  ErrScope(std::optional<Err> divide, std::optional<Err> over, std::optional<Err> under, std::optional<Err> invalid,
           std::optional<OnOverflow> overflow) noexcept;
  ~ErrScope();
  ErrScope(const ErrScope&) = delete;
  ErrScope& operator=(const ErrScope&) = delete;

 private:
  ErrSettings before_;
};

/// Settings for a scope; what is not given stays: `nd::ErrState quiet{.divide = nd::Err::ignore};`
///   Threads: of the thread that made it; scopes nest.
struct ErrState {
  std::optional<Err> divide{}, over{}, under{}, invalid{};
  std::optional<OnOverflow> overflow{};
  ErrScope scope{divide, over, under, invalid, overflow};  ///< not to be given
};

}  // namespace ndshare
