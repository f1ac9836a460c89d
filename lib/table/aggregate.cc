#include "lib/table/aggregate.h"

#include <ndshare/error.h>

#include "lib/array/datetime.h"
#include "lib/array/element.h"
#include "lib/array/wide.h"
#include "lib/base/text.h"

#include <cmath>
#include <complex>
#include <concepts>
#include <limits>
#include <new>
#include <type_traits>

namespace ndshare::internal {
namespace {

__extension__ using Wide = unsigned __int128;

/// A column's element 0, and bytes between rows.
struct Source {
  const std::byte* data;
  std::int64_t step;
};

/// An aggregator made of a small Op: a State, start(), add(State&, T), join(State&, State) and value(State) → Result.
/// States are changed where they lie: copied out and in, they would be read in wider words than they were just written
/// in, which the processor cannot forward.
template <class T, class Op>
class Loop final : public Aggregator {
  using State = typename Op::State;
  static_assert(std::is_trivially_copyable_v<State> && alignof(State) <= 8);

 public:
  Loop(DType result, Source source) : Aggregator(std::move(result), (sizeof(State) + 7) / 8 * 8), source_(source) {}

  void start(std::byte* state) const noexcept override { new (state) State(Op::start()); }
  void add(std::byte* states, std::size_t step, std::int64_t first, std::size_t n,
           const std::uint32_t* ids) const noexcept override {
    const std::byte* row = source_.data + first * source_.step;
    for (std::size_t i = 0; i < n; ++i, row += source_.step) Op::add(at(states + ids[i] * step), load_lane<T>(row));
  }
  void join(std::byte* state, const std::byte* later) const noexcept override { Op::join(at(state), at(later)); }
  void finish(const std::byte* state, std::byte* item) const noexcept override {
    store_lane(item, Op::value(at(state)));
  }

 private:
  static State& at(std::byte* state) noexcept { return *std::launder(reinterpret_cast<State*>(state)); }
  static const State& at(const std::byte* state) noexcept {
    return *std::launder(reinterpret_cast<const State*>(state));
  }

  Source source_;
};

struct CountRows {
  using State = std::int64_t;
  static State start() noexcept { return 0; }
  static void add(State& state, std::uint8_t) noexcept { ++state; }
  static void join(State& state, State later) noexcept { state += later; }
  static std::int64_t value(State state) noexcept { return state; }
};

/// A sum with what its roundings lost: Knuth's exact error of each addition, added up apart.
struct Compensated {
  double sum = 0, lost = 0;

  void add(double x) noexcept {
    const double total = sum + x, moved = total - sum;
    lost += (sum - (total - moved)) + (x - moved);
    sum = total;
  }
  void join(const Compensated& later) noexcept {
    add(later.sum);
    lost += later.lost;
  }
  /// Infinities and NaN are those of the plain sum: what they lost is no number.
  [[nodiscard]] double value() const noexcept {
    const double whole = sum + lost;
    return std::isfinite(whole) ? whole : sum;
  }
};

template <class T>
T rounded(double value) noexcept {
  if constexpr (std::is_same_v<T, Half>) {
    return Half::rounded(value);
  } else {
    return static_cast<T>(value);
  }
}
template <class T>
double widened(T value) noexcept {
  if constexpr (std::is_same_v<T, Half>) {
    return static_cast<double>(static_cast<float>(value));
  } else {
    return static_cast<double>(value);
  }
}

template <class T>
constexpr bool kComplex = std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;

/// Sums and means of floats; of float32 and float16 in double.
template <class T, bool kMean>
struct SumFloats {
  struct State {
    Compensated total{};
    std::int64_t rows = 0;
  };
  static State start() noexcept { return {}; }
  static void add(State& state, T x) noexcept {
    state.total.add(widened(x));
    if constexpr (kMean) ++state.rows;
  }
  static void join(State& state, const State& later) noexcept {
    state.total.join(later.total);
    state.rows += later.rows;
  }
  static T value(const State& state) noexcept {
    const double sum = state.total.value();
    return rounded<T>(kMean ? sum / static_cast<double>(state.rows) : sum);
  }
};

template <class T, bool kMean>
struct SumComplex {
  using Part = typename T::value_type;
  struct State {
    Compensated real{}, imag{};
    std::int64_t rows = 0;
  };
  static State start() noexcept { return {}; }
  static void add(State& state, const T& x) noexcept {
    state.real.add(static_cast<double>(x.real()));
    state.imag.add(static_cast<double>(x.imag()));
    ++state.rows;
  }
  static void join(State& state, const State& later) noexcept {
    state.real.join(later.real);
    state.imag.join(later.imag);
    state.rows += later.rows;
  }
  static T value(const State& state) noexcept {
    const double by = kMean ? static_cast<double>(state.rows) : 1;
    return {static_cast<Part>(state.real.value() / by), static_cast<Part>(state.imag.value() / by)};
  }
};

/// Wraps, as NumPy's sums do.
template <class T>
struct SumIntegers {
  using State = std::uint64_t;
  using Result = std::conditional_t<std::is_unsigned_v<T> && !std::is_same_v<T, bool>, std::uint64_t, std::int64_t>;
  static State start() noexcept { return 0; }
  static void add(State& state, T x) noexcept { state += static_cast<State>(static_cast<Result>(x)); }
  static void join(State& state, State later) noexcept { state += later; }
  static Result value(State state) noexcept { return static_cast<Result>(state); }
};

/// Exact sums, of 128 bits. Narrow numbers are added in 64 bits, where the 65 536 rows of a block cannot overflow; in
/// 128 when blocks are joined.
template <class T>
struct MeanIntegers {
  struct State {
    std::int64_t narrow = 0, rows = 0;
    std::uint64_t low = 0, high = 0;  // two words: an Int128 would have to lie at a multiple of 16

    [[nodiscard]] Int128 wide() const noexcept { return static_cast<Int128>(static_cast<Wide>(high) << 64 | low); }
    void add_wide(Int128 more) noexcept {
      const auto sum = static_cast<Wide>(wide() + more);
      low = static_cast<std::uint64_t>(sum);
      high = static_cast<std::uint64_t>(sum >> 64);
    }
  };
  static State start() noexcept { return {}; }
  static void add(State& state, T x) noexcept {
    ++state.rows;
    if constexpr (sizeof(T) <= 4) {
      state.narrow += x;
    } else {
      state.add_wide(x);
    }
  }
  static void join(State& state, const State& later) noexcept {
    state.add_wide(later.wide() + later.narrow);
    state.rows += later.rows;
  }
  static double value(const State& state) noexcept {
    return static_cast<double>(state.wide() + state.narrow) / static_cast<double>(state.rows);
  }
};

template <class T>
bool is_nan(const T& x) noexcept {
  if constexpr (kComplex<T>) {
    return std::isnan(x.real()) || std::isnan(x.imag());
  } else if constexpr (std::is_integral_v<T>) {
    return false;
  } else {
    return !(x == x);
  }
}
template <class T>
bool is_less(const T& a, const T& b) noexcept {
  if constexpr (kComplex<T>) {
    return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  } else if constexpr (std::is_same_v<T, Half>) {
    return static_cast<float>(a) < static_cast<float>(b);
  } else {
    return a < b;
  }
}
/// What no element goes beyond.
template <class T, bool kMax>
T bound() noexcept {
  if constexpr (std::is_integral_v<T>) {
    return kMax ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
  } else {
    constexpr double kEnd = kMax ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    if constexpr (kComplex<T>) {
      return {static_cast<typename T::value_type>(kEnd), static_cast<typename T::value_type>(kEnd)};
    } else {
      return rounded<T>(kEnd);
    }
  }
}

/// The first NaN stays.
template <class T, bool kMax>
struct Extreme {
  using State = T;
  static State start() noexcept { return bound<T, kMax>(); }
  static void add(State& state, const T& x) noexcept {
    if (is_nan(state)) return;
    if ((kMax ? is_less(state, x) : is_less(x, state)) || is_nan(x)) state = x;
  }
  static void join(State& state, const State& later) noexcept { add(state, later); }
  static T value(const State& state) noexcept { return state; }
};

/// NaT is the smallest count, so that it wins a minimum by itself.
struct LatestTime {
  using State = std::int64_t;
  static State start() noexcept { return kNat + 1; }
  static void add(State& state, std::int64_t x) noexcept {
    if (state != kNat && (x > state || x == kNat)) state = x;
  }
  static void join(State& state, State later) noexcept { add(state, later); }
  static std::int64_t value(State state) noexcept { return state; }
};

template <class T, class Op>
std::unique_ptr<Aggregator> loop(const DType& result, Source source) {
  return std::make_unique<Loop<T, Op>>(result, source);
}

template <class T>
std::unique_ptr<Aggregator> of_numbers(Aggregate op, const DType& own, Source source) {
  if (op == Aggregate::min) return loop<T, Extreme<T, false>>(own, source);
  if (op == Aggregate::max) return loop<T, Extreme<T, true>>(own, source);
  const bool sum = op == Aggregate::sum;
  if constexpr (kComplex<T>) {
    return sum ? loop<T, SumComplex<T, false>>(own, source) : loop<T, SumComplex<T, true>>(own, source);
  } else if constexpr (!std::is_integral_v<T>) {
    return sum ? loop<T, SumFloats<T, false>>(own, source) : loop<T, SumFloats<T, true>>(own, source);
  } else {
    if (sum) return loop<T, SumIntegers<T>>(dtype_of<typename SumIntegers<T>::Result>(), source);
    return loop<T, MeanIntegers<T>>(float64, source);
  }
}

constexpr std::string_view kOps[] = {"count", "sum", "mean", "min", "max"};

[[noreturn]] void refuse(const Aggregation& asked, const Field& field) {
  throw Error(Error::DtypeMismatch,
              "group_by: no " + std::string(kOps[static_cast<std::size_t>(asked.op)]) + " of field '" +
                  printable(field.name) + "' of dtype " + field.dtype.to_string() +
                  (field.shape.empty() ? "" : " and shape " + field.shape.str()) +
                  ": sums and means take single numbers, min and max times too, count anything",
              {{"field", field.name}, {"dtype", field.dtype.to_string()}});
}

}  // namespace

std::string aggregation_name(const Aggregation& aggregation) {
  if (!aggregation.name.empty()) return aggregation.name;
  const std::string op(kOps[static_cast<std::size_t>(aggregation.op)]);
  return aggregation.field.empty() ? op : op + "_" + aggregation.field;
}

std::unique_ptr<Aggregator> make_aggregator(const Array& table, const Aggregation& asked) {
  const Source rows{table.data(), table.strides()[0]};
  const Field* field = asked.field.empty() ? nullptr : &table.dtype().field(asked.field);
  if (asked.op == Aggregate::count) return loop<std::uint8_t, CountRows>(int64, rows);
  if (field == nullptr) {
    throw Error(Error::Usage, "group_by: " + std::string(kOps[static_cast<std::size_t>(asked.op)]) +
                                  " needs a field: {op, \"delay\"}");
  }
  if (!field->shape.empty()) refuse(asked, *field);
  const DType& own = field->dtype;
  const Source source{table.data() + field->offset, rows.step};
  if (own.is_time() && asked.op == Aggregate::min) return loop<std::int64_t, Extreme<std::int64_t, false>>(own, source);
  if (own.is_time() && asked.op == Aggregate::max) return loop<std::int64_t, LatestTime>(own, source);
  std::unique_ptr<Aggregator> out;
  visit_numeric(own.id(), [&]<class T>() { out = of_numbers<T>(asked.op, own, source); });
  if (!out) refuse(asked, *field);
  return out;
}

Aggregates::Aggregates(const Array& table, std::span<const Aggregation> asked) {
  for (const Aggregation& one : asked) {
    parts_.push_back(make_aggregator(table, one));
    slots_.push_back(step_);
    step_ += parts_.back()->nbytes();
  }
  fresh_.resize(step_);
  for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i]->start(fresh_.data() + slots_[i]);
}

void Aggregates::grow(std::vector<std::byte>& states, std::size_t groups) const {
  while (states.size() < groups * step_) states.insert(states.end(), fresh_.begin(), fresh_.end());
}

void Aggregates::add(std::byte* states, std::int64_t first, std::size_t n, const std::uint32_t* ids) const noexcept {
  for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i]->add(states + slots_[i], step_, first, n, ids);
}

void Aggregates::join(std::byte* state, const std::byte* later) const noexcept {
  for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i]->join(state + slots_[i], later + slots_[i]);
}

}  // namespace ndshare::internal
