/// The model's atomics and memory cells. Atomics have std::atomic's members; every operation is a step of the search.
/// The model is sequentially consistent, so memory orders are not looked at (claims_relacy_test does that).
///
/// `Weight::quiet`: operations on this word are no step of their own. For words that only one thread can change while
/// another may look at them, where the moment within the looker's step cannot matter; NDSHARE_LONG makes all of them
/// steps.
///   Threads: one.
#pragma once

#include <atomic>
#include <cstdint>

#include "tests/unit/claims/explorer_search.h"

namespace ndshare::internal::model {

enum class Weight : std::uint8_t { step, quiet, claim_word };

/// Set while the model itself looks or repairs (last checks), and for NDSHARE_LONG.
struct StepRules {
  bool none = false, all = false;
};
inline StepRules step_rules;

void claim_word_changed(const void* word, std::uint64_t old, std::uint64_t now);
void trace_operation(const void* word, const char* what, std::uint64_t value);

/// Memory whose changes are part of the state; no steps.
template <class T>
class Cell {
 public:
  Cell() = default;
  explicit Cell(T value) : value_(value) {}
  operator T() const noexcept { return value_; }  // NOLINT: a cell reads like its value
  Cell& operator=(T value) noexcept {
    if (value != value_) search().changed(this, static_cast<std::uint64_t>(value_), static_cast<std::uint64_t>(value));
    value_ = value;
    return *this;
  }
  Cell(const Cell&) = default;
  Cell& operator=(const Cell&) = delete;  // it would change the state behind the hash

 private:
  T value_{};
};

template <class T>
class ModelAtomic {
 public:
  T load(std::memory_order) const {
    step();
    return saw("reads", value_);
  }
  void store(T value, std::memory_order) {
    step();
    put("stores", value);
  }
  T exchange(T value, std::memory_order) {
    step();
    const T old = saw("exchanges", value_);
    put("stores", value);
    return old;
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order) {
    step();
    const T old = saw("compares", value_);
    if (old != expected) {
      expected = old;
      return false;
    }
    put("stores", value);
    return true;
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order order) {
    return compare_exchange_strong(expected, value, order);
  }
  T fetch_add(T by, std::memory_order) {
    return change([by](T old) { return static_cast<T>(old + by); });
  }
  T fetch_or(T bits, std::memory_order) {
    return change([bits](T old) { return static_cast<T>(old | bits); });
  }
  T fetch_and(T bits, std::memory_order) {
    return change([bits](T old) { return static_cast<T>(old & bits); });
  }

  /// The model's own looks and changes: no step.
  T peek() const noexcept { return value_; }
  void put_quietly(T value) { put("becomes", value); }
  void weigh(Weight weight) noexcept { weight_ = weight; }

 private:
  void step() const {
    if (step_rules.none || (weight_ == Weight::quiet && !step_rules.all)) return;
    search().point();
  }
  T saw(const char* what, T value) const {
    if (step_rules.none) return value;
    search().observe(value);
    if (search().tracing()) trace_operation(this, what, value);
    return value;
  }
  void put(const char* what, T value) {
    const T old = value_;
    if (search().tracing()) trace_operation(this, what, value);
    if (old != value) search().changed(this, old, value);
    value_ = value;
    if (weight_ == Weight::claim_word) claim_word_changed(this, old, value);
  }
  template <class F>
  T change(F&& by) {
    step();
    const T old = saw("finds", value_);
    put("stores", by(old));
    return old;
  }

  T value_{};
  Weight weight_ = Weight::step;
};

struct ModelAtomics {
  using U32 = ModelAtomic<std::uint32_t>;
  using U64 = ModelAtomic<std::uint64_t>;
};

}  // namespace ndshare::internal::model
