// Error flags of a call: what its kernels saw, turned into what errstate asks for. Flags come from the values, never from the
// processor's sticky bits: they are the same on every target and for any number of threads.
#pragma once

#include <ndshare/errstate.h>
#include <ndshare/lane.h>

#include "lib/kernels/registry.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ndshare::internal {

struct Step;

/// One for each call, made in the calling thread.   Threads: `look` from any of the call's threads.
class ErrorFlags {
 public:
  explicit ErrorFlags(const ErrSettings& settings = err_settings()) noexcept : settings_(settings) {}

  /// Whether anything is asked for at all that a step could show.
  [[nodiscard]] bool wants(const Step& step) const noexcept;
  /// Whether something raises: then a call first looks at everything, and writes only if nothing was found.
  [[nodiscard]] bool may_raise(const Step& step) const noexcept;
  /// What to do when integer + − × overflow.
  [[nodiscard]] OnOverflow overflow() const noexcept { return settings_.overflow; }

  /// Takes a kernel's word, and looks at the block where it is not exact. Operands and result are still there; a scalar has one
  /// element.
  void look(const Step& step, std::uint32_t seen, const std::byte* a, bool a_scalar, const std::byte* b, bool b_scalar,
            const std::byte* out, std::size_t n) noexcept;
  /// A conversion of floats to integers.
  void look_at_cast(TypeId from, TypeId to, const std::byte* in, std::size_t n) noexcept;
  void add_overflows(std::size_t elements) noexcept { overflow_.fetch_add(elements, std::memory_order_relaxed); }

  /// Throws for what raises.   Errors: Arithmetic, Overflow, with the counts and `what`.
  void check(std::string_view what) const;
  /// Warns and counts, in the calling thread.
  void report(std::string_view what) const;

 private:
  enum Kind : std::uint8_t { kDivide, kOver, kUnder, kInvalid, kKinds };
  [[nodiscard]] Err setting(Kind kind) const noexcept;

  ErrSettings settings_;
  // Relaxed: the end of the parallel loop orders them before check() and report().
  std::array<std::atomic<std::uint64_t>, kKinds> found_{};
  std::atomic<std::uint64_t> overflow_{0}, negative_power_{0};
};

}  // namespace ndshare::internal
