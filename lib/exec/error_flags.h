// Error flags of a call: what its kernels saw, turned into what errstate asks for. Flags come from the values, never from the
// processor's sticky bits: they are the same on every target and for any number of threads.
#pragma once

#include <ndshare/errstate.h>
#include <ndshare/lane.h>

#include "lib/kernels/registry.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ndshare::internal {

struct Step;

/// A block of an operand; a scalar has one element.
struct Looked {
  const std::byte* data = nullptr;
  bool scalar = false;
};

/// One for each call, made in the calling thread.   Threads: `look…` and `add_overflows` from any of the call's threads.
class ErrorFlags {
 public:
  explicit ErrorFlags(const ErrSettings& settings = err_settings()) noexcept : settings_(settings) {}

  /// Whether anything is asked for that this step could show; at every block, not just where its kernel says so.
  [[nodiscard]] bool wants(const Step& step, TypeId result) const noexcept;
  [[nodiscard]] bool wants_all(const Step& step) const noexcept;
  /// Whether the step could end the call: then all of it is computed once without writing.
  [[nodiscard]] bool may_raise(const Step& step, TypeId result) const noexcept;
  /// What to do when integer + − × overflow.
  [[nodiscard]] OnOverflow overflow() const noexcept { return settings_.overflow; }

  /// Only elements where this value of the program (a bool leaf) is true count: the others are not kept.
  void set_mask(std::uint16_t value) noexcept { mask_ = value; }
  [[nodiscard]] std::optional<std::uint16_t> mask() const noexcept { return mask_; }

  /// Takes a kernel's word, and looks at its n elements where that is not exact. Each element stands for elements/n.
  void look(const Step& step, std::uint32_t seen, Looked a, Looked b, const std::byte* out, std::size_t n,
            std::size_t elements, Looked mask = {}) noexcept;
  /// A conversion, ahead of it.
  void look_at_cast(TypeId from, TypeId to, const std::byte* in, std::size_t n, std::size_t elements, Looked mask = {}) noexcept;
  void add_overflows(std::size_t elements) noexcept { overflow_.fetch_add(elements, std::memory_order_relaxed); }

  /// Throws for what raises.   Errors: Arithmetic, Overflow, Usage (a negative power of integers), with the counts and `what`.
  void check(std::string_view what) const;
  /// Warns and counts, in the calling thread.
  void report(std::string_view what) const;

 private:
  enum Kind : std::uint8_t { kDivide, kOver, kUnder, kInvalid, kKinds };
  static Kind kind_of(char letter) noexcept;
  [[nodiscard]] Err setting(Kind kind) const noexcept;
  [[nodiscard]] bool any_of(std::string_view letters, Err level) const noexcept;
  void add(Kind kind, std::uint64_t elements) noexcept { found_[kind].fetch_add(elements, std::memory_order_relaxed); }
  template <class T>
  void look_at(const Step& step, Looked a, Looked b, const std::byte* out, std::size_t n, std::uint64_t weight,
               Looked mask) noexcept;

  template <class T>
  void count_divisions(Looked a, Looked b, std::size_t n, std::uint64_t weight, Looked mask) noexcept;

  ErrSettings settings_;
  std::optional<std::uint16_t> mask_{};
  // Relaxed: the end of the parallel loop orders them before check() and report().
  std::array<std::atomic<std::uint64_t>, kKinds> found_{};
  std::atomic<std::uint64_t> overflow_{0}, negative_power_{0};
};

}  // namespace ndshare::internal
