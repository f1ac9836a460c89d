// Limits on results, checked before anything is allocated: broadcasting cannot eat the machine.
#pragma once

#include <ndshare/export.h>

#include <cstdint>
#include <optional>

namespace ndshare {

/// Which operands may be stretched to a common shape.
enum class Ranks : std::uint8_t {
  any,        ///< as NumPy
  same_rank,  ///< as many axes each, or none
  exact,      ///< the same shape, or no axes: stretch with `broadcast_to` (ARRAYS' "explicit")
};

/// What results may take.   Default: half of the memory that is available (the cgroup's limit counted), nothing else.
struct LimitSettings {
  std::int64_t max_bytes = 0;     ///< bytes of a result; 0: half of what is available
  std::int64_t max_elements = 0;  ///< elements of a result; 0: no limit
  double max_expansion = 0;       ///< result bytes ÷ bytes of the largest operand; 0: no limit
  Ranks ranks = Ranks::any;
};
[[nodiscard]] NDSHARE_API LimitSettings limits() noexcept;           ///< this thread's
NDSHARE_API void set_process_limits(const LimitSettings& settings);  ///< Errors: Usage for negative numbers

class NDSHARE_API LimitScope {
 public:
  LimitScope(std::optional<std::int64_t> max_bytes, std::optional<std::int64_t> max_elements,
             std::optional<double> max_expansion, std::optional<Ranks> ranks);
  ~LimitScope();
  LimitScope(const LimitScope&) = delete;
  LimitScope& operator=(const LimitScope&) = delete;

 private:
  std::optional<LimitSettings> before_;
};

/// Limits for a scope, of the calling thread; what is not given stays: `nd::Limits cap{.max_bytes = 1 << 30};`
/// A call that is over one fails with Error::MemoryGuard (Error::ShapeMismatch for `ranks`); nothing was allocated.
struct Limits {
  std::optional<std::int64_t> max_bytes{}, max_elements{};
  std::optional<double> max_expansion{};
  std::optional<Ranks> ranks{};
  LimitScope scope{max_bytes, max_elements, max_expansion, ranks};  ///< not to be given
};

}  // namespace ndshare
