// Aggregates: a group's state, how rows and other states are added to it, and the value that it ends as.
#pragma once

#include <ndshare/array.h>
#include <ndshare/dtype.h>
#include <ndshare/table.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ndshare::internal {

/// One aggregate over one column. Its state is `words()` 64-bit words in a group's record; records are `step` words
/// apart.
///   Threads: immutable.
class Aggregator {
 public:
  Aggregator(DType result, std::size_t nbytes) : result_(std::move(result)), nbytes_(nbytes) {}
  virtual ~Aggregator() = default;
  Aggregator(const Aggregator&) = delete;
  Aggregator& operator=(const Aggregator&) = delete;

  [[nodiscard]] const DType& result() const noexcept { return result_; }
  [[nodiscard]] std::size_t nbytes() const noexcept { return nbytes_; }

  /// The state of no rows.
  virtual void start(std::byte* state) const noexcept = 0;
  /// Adds rows first … first + n − 1 to the states of groups `ids`.
  virtual void add(std::byte* states, std::size_t step, std::int64_t first, std::size_t n,
                   const std::uint32_t* ids) const noexcept = 0;
  /// Adds what later rows came to.
  virtual void join(std::byte* state, const std::byte* later) const noexcept = 0;
  /// Writes the value of a group of `rows` rows.
  virtual void finish(const std::byte* state, std::byte* item) const noexcept = 0;

 private:
  DType result_;
  std::size_t nbytes_;
};

/// Errors: DType (no such field), DtypeMismatch (a dtype that has no such aggregate), Usage (no field given).
[[nodiscard]] std::unique_ptr<Aggregator> make_aggregator(const Array& table, const Aggregation& aggregation);
/// The name of its field in the result.
[[nodiscard]] std::string aggregation_name(const Aggregation& aggregation);

/// The aggregates of a call: the records of groups, and where each aggregate stands in them.
class Aggregates {
 public:
  Aggregates(const Array& table, std::span<const Aggregation> asked);

  [[nodiscard]] std::size_t step() const noexcept { return step_; }
  [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
  [[nodiscard]] const Aggregator& operator[](std::size_t i) const noexcept { return *parts_[i]; }
  [[nodiscard]] std::size_t slot(std::size_t i) const noexcept { return slots_[i]; }

  /// Makes room for `groups` records and starts the new ones.
  void grow(std::vector<std::byte>& states, std::size_t groups) const;
  void add(std::byte* states, std::int64_t first, std::size_t n, const std::uint32_t* ids) const noexcept;
  void join(std::byte* state, const std::byte* later) const noexcept;

 private:
  std::vector<std::unique_ptr<Aggregator>> parts_{};
  std::vector<std::size_t> slots_{};
  std::vector<std::byte> fresh_{};  // the record of no rows
  std::size_t step_ = 0;
};

}  // namespace ndshare::internal
