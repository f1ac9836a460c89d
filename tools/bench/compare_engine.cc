// The engine's side of tools/bench/compare: times one call when it is told to, on the arrays that the script has made.
//
//   compare_engine DIR THREADS: reads lines "NAME REPEATS" from standard input; answers "BEST_SECONDS" or "unknown".
#include <ndshare/ndshare.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#ifdef NDSHARE_HAVE_EIGEN
#include <Eigen/Core>
#endif

namespace nd = ndshare;

namespace {

volatile float kept = 0;  // so that a sum is not left out

using Calls = std::map<std::string, std::function<void()>>;

struct Data {
  explicit Data(const std::string& dir) : dir_(dir) {}
  nd::Array load(const std::string& name) const { return nd::load(dir_ + "/" + name + ".npy"); }
  std::string dir_;
};

void add_arithmetic(Calls& calls, const Data& data, const std::string& type) {
  const nd::Array a = data.load("a_" + type), b = data.load("b_" + type), out = nd::empty_like(a), mask = nd::empty(a.shape(), nd::bool_);
  calls["add_" + type] = [=] { nd::add(a, b, {.out = out}); };
  calls["multiply_" + type] = [=] { nd::multiply(a, b, {.out = out}); };
  calls["divide_" + type] = [=] { nd::divide(a, b, {.out = out}); };
  calls["less_" + type] = [=] { nd::less(a, b, {.out = mask}); };
  calls["maximum_" + type] = [=] { nd::maximum(a, b, {.out = out}); };
  calls["abs_" + type] = [=] { nd::abs(a, {.out = out}); };
  calls["sqrt_" + type] = [=] { nd::sqrt(a, {.out = out}); };
  calls["floor_" + type] = [=] { nd::floor(a, {.out = out}); };
  calls["exp_" + type] = [=] { nd::exp(a, {.out = out}); };
  calls["log_" + type] = [=] { nd::log(a, {.out = out}); };
  calls["sin_" + type] = [=] { nd::sin(a, {.out = out}); };
  calls["pow_" + type] = [=] { nd::pow(a, b, {.out = out}); };
  calls["where_" + type] = [=] { static_cast<void>(nd::where(nd::lazy(a) > 0.5, a, b).eval()); };
  calls["clip_" + type] = [=] { nd::clip(a, 0.25, 0.75, {.out = out}); };
  calls["cumsum_" + type] = [=] { static_cast<void>(nd::cumsum(a, {.out = out})); };
  calls["sum_" + type] = [=] { static_cast<void>(nd::sum(a)); };
  calls["max_" + type] = [=] { static_cast<void>(nd::max(a)); };
  calls["mean_" + type] = [=] { static_cast<void>(nd::mean(a)); };
  calls["std_" + type] = [=] { static_cast<void>(nd::stddev(a)); };
  calls["argmax_" + type] = [=] { static_cast<void>(nd::argmax(a)); };
}

void add_integers(Calls& calls, const Data& data) {
  const nd::Array a = data.load("a_i4"), b = data.load("b_i4"), out = nd::empty_like(a), u = data.load("a_u1"), u_out = nd::empty_like(u);
  calls["add_i4"] = [=] { nd::add(a, b, {.out = out}); };
  calls["multiply_i4"] = [=] { nd::multiply(a, b, {.out = out}); };
  calls["floor_divide_i4"] = [=] { nd::floor_divide(a, b, {.out = out}); };
  calls["bitwise_and_i4"] = [=] { nd::bitwise_and(a, b, {.out = out}); };
  calls["add_u1"] = [=] { nd::add(u, u, {.out = u_out}); };
  calls["sum_i4"] = [=] { static_cast<void>(nd::sum(a)); };
  calls["astype_i4_f8"] = [=] { static_cast<void>(nd::astype(a, nd::float64)); };
}

void add_fused(Calls& calls, const Data& data) {
  const nd::Array a = data.load("a_f4"), b = data.load("b_f4"), out = nd::empty_like(a);
  calls["hypot_fused"] = [=] { nd::sqrt(nd::lazy(a) * a + nd::lazy(b) * b).eval({.out = out}); };
  calls["axpb_fused"] = [=] { (nd::lazy(a) * 2.0 + b).eval({.out = out}); };
  calls["sqdiff_fused"] = [=] { static_cast<void>(nd::sum(nd::power(nd::lazy(a) - b, 2))); };
}

void add_planes(Calls& calls, const Data& data) {
  const nd::Array m = data.load("m_f4"), out = nd::empty_like(m);
  calls["transposed_copy"] = [=] { static_cast<void>(m.T().copy()); };
  calls["transposed_add"] = [=] { nd::add(m.T(), m, {.out = out}); };
  calls["sum_axis0"] = [=] { static_cast<void>(nd::sum(m, {.axis = 0})); };
  calls["sum_axis1"] = [=] { static_cast<void>(nd::sum(m, {.axis = 1})); };
  calls["add_row"] = [=] { nd::add(m, m(0), {.out = out}); };
  calls["add_column"] = [=] { nd::add(m, m(nd::all, nd::slice(0, 1)), {.out = out}); };
}

/// Reductions that find their elements across memory, other dtypes, and those that may stop early.
void add_reductions(Calls& calls, const Data& data) {
  const nd::Array a = data.load("a_f4"), m = data.load("m_f4"), i = data.load("a_i4"), u = data.load("a_u1"), out = nd::empty_like(m);
  const nd::Array mask = a > 0.5, square = m > 0.5, never = nd::zeros(a.shape(), nd::bool_);
  const auto add = [&](const std::string& name, const auto& call) { calls[name] = [=] { static_cast<void>(call()); }; };
  add("prod_f4", [=] { return nd::prod(a); });
  add("min_i4", [=] { return nd::min(i); });
  add("max_u1", [=] { return nd::max(u); });
  add("sum_u1", [=] { return nd::sum(u); });
  add("ptp_f4", [=] { return nd::ptp(a); });
  add("mean_axis0", [=] { return nd::mean(m, {.axis = 0}); });
  add("std_axis0", [=] { return nd::stddev(m, {.axis = 0}); });
  add("std_axis1", [=] { return nd::stddev(m, {.axis = 1}); });
  add("max_axis0", [=] { return nd::max(m, {.axis = 0}); });
  add("max_axis1", [=] { return nd::max(m, {.axis = 1}); });
  add("argmax_axis0", [=] { return nd::argmax(m, {.axis = 0}); });
  add("argmax_axis1", [=] { return nd::argmax(m, {.axis = 1}); });
  add("argmax_transposed", [=] { return nd::argmax(m.T()); });
  add("argmax_rows4", [=] { return nd::argmax(a.reshape({-1, 4}), {.axis = 1}); });
  add("sum_rows4", [=] { return nd::sum(a.reshape({-1, 4}), {.axis = 1}); });
  add("cumsum_axis0", [=] { return nd::cumsum(m, {.axis = 0, .out = out}); });
  add("cumsum_axis1", [=] { return nd::cumsum(m, {.axis = 1, .out = out}); });
  add("any_none", [=] { return nd::any(never); });
  add("any_first", [=] { return nd::any(mask); });
  add("all_f4", [=] { return nd::all(a); });
  add("any_axis0", [=] { return nd::any(square, {.axis = 0}); });
  add("any_axis1", [=] { return nd::any(square, {.axis = 1}); });
  add("count_b1", [=] { return nd::count_nonzero(mask); });
  add("count_f4", [=] { return nd::count_nonzero(a); });
  add("count_axis0", [=] { return nd::count_nonzero(square, {.axis = 0}); });
  add("sum_masked", [=] { return nd::sum(a, {.where = mask}); });
  add("mean_masked", [=] { return nd::mean(a, {.where = mask}); });
  add("max_masked", [=] { return nd::max(a, {.where = mask, .initial = 0}); });
  add("sum_transposed", [=] { return nd::sum(m.T(), {.axis = 0}); });
  add("sum_step2", [=] { return nd::sum(m(nd::all, nd::slice(nd::none, nd::none, 2))); });
}

void add_selections(Calls& calls, const Data& data, const std::string& type) {
  const nd::Array a = data.load("a_" + type), written = a.copy(), at = data.load("at_i8");
  const auto add = [&](const std::string& name, const auto& call) { calls[name + "_" + type] = [=] { static_cast<void>(call()); }; };
  add("mask10", [=] { return a[a > 0.9]; });
  add("mask50", [=] { return a[a > 0.5]; });
  add("nonzero10", [=] { return nd::nonzero(a > 0.9); });
  add("nonzero50", [=] { return nd::nonzero(a > 0.5); });
  add("take_any", [=] { return nd::take(a, at); });
  add("index_any", [=] { return a[at]; });
  calls["assign10_" + type] = [=] { nd::assign(written, a > 0.9, 0); };
  calls["assign50_" + type] = [=] { nd::assign(written, a > 0.5, 0); };
}

void add_order(Calls& calls, const Data& data) {
  const nd::Array f4 = data.load("a_f4"), f8 = data.load("a_f8"), i4 = data.load("a_i4"), i8 = data.load("at_i8");
  const nd::Array up = nd::sort(f8), down = nd::flip(up), few = data.load("b_i4"), b4 = data.load("b_f4"), b8 = data.load("b_f8");
  const auto add = [&](const std::string& name, const auto& call) { calls[name] = [=] { static_cast<void>(call()); }; };
  add("sort_f4", [=] { return nd::sort(f4); });
  add("sort_f8", [=] { return nd::sort(f8); });
  add("sort_i4", [=] { return nd::sort(i4); });
  add("sort_i8", [=] { return nd::sort(i8); });
  add("argsort_f8", [=] { return nd::argsort(f8); });
  add("argsort_i8", [=] { return nd::argsort(i8); });
  add("sort_sorted", [=] { return nd::sort(up); });
  add("sort_reversed", [=] { return nd::sort(down); });
  add("sort_few", [=] { return nd::sort(few); });
  add("median_f8", [=] { return nd::median(f8); });
  add("quantile_f8", [=] { return nd::quantile(f8, 0.9); });
  add("unique_i8", [=] { return nd::unique(i8); });
  add("partition_f8", [=] { return nd::partition(f8, 1000); });
  add("partition_half_f8", [=] { return nd::partition(f8, f8.size() / 2); });
  add("argpartition_f8", [=] { return nd::argpartition(f8, f8.size() / 2); });
  add("searchsorted_f8", [=] { return nd::searchsorted(up, b8); });
  add("bincount_i4", [=] { return nd::bincount(few); });
  add("concat_f4", [=] { return nd::concat({f4, b4}); });
  add("repeat_f4", [=] { return nd::repeat(f4, 2); });
  add("roll_f4", [=] { return nd::roll(f4, 7); });
  add("diff_f4", [=] { return nd::diff(f4); });
}

/// Each of its own stream, as the script's generators.
void add_random(Calls& calls, const Data& data) {
  const nd::Array like8 = data.load("a_f8"), out8 = nd::empty_like(like8), out4 = nd::empty_like(data.load("a_f4"));
  const nd::Shape shape = like8.shape();
  const auto random = std::make_shared<nd::Random>(1);
  calls["normal_f8"] = [=] { static_cast<void>(random->normal(shape, 3, 2)); };
  calls["normal_out_f8"] = [=] { random->normal(shape, 0, 1, {.out = out8}); };
  calls["normal_out_f4"] = [=] { random->normal(shape, 0, 1, {.out = out4}); };
  calls["uniform_out_f8"] = [=] { random->uniform(shape, 0, 1, {.out = out8}); };
  calls["uniform_out_f4"] = [=] { random->uniform(shape, 0, 1, {.out = out4}); };
  calls["integers_i8"] = [=] { static_cast<void>(random->integers(shape, 0, 1000)); };
  calls["permutation"] = [=] { static_cast<void>(random->permutation(shape[0] / 8)); };
}

void add_small(Calls& calls, const Data& data) {
  const nd::Array a = data.load("a_f4")(nd::slice(0, 16)), b = data.load("b_f4")(nd::slice(0, 16)), out = nd::empty_like(a);
  calls["add_16"] = [=] {
    for (int i = 0; i < 10'000; ++i) nd::add(a, b, {.out = out});
  };
  const auto add = [&](const std::string& name, const auto& call) {
    calls[name] = [=] {
      for (int i = 0; i < 10'000; ++i) static_cast<void>(call());
    };
  };
  add("sum_16", [=] { return nd::sum(a); });
  add("mean_16", [=] { return nd::mean(a); });
  add("std_16", [=] { return nd::stddev(a); });
  add("argmax_16", [=] { return nd::argmax(a); });
  add("any_16", [=] { return nd::any(a); });
}

#ifdef NDSHARE_HAVE_EIGEN
void add_eigen(Calls& calls, const Data& data) {
  using Map = Eigen::Map<const Eigen::ArrayXf>;
  const nd::Array a = data.load("a_f4"), b = data.load("b_f4"), out = nd::empty_like(a);
  const auto map = [](const nd::Array& x) { return Map(x.as_span<const float>().data(), x.size()); };
  const auto into = [](const nd::Array& x) { return Eigen::Map<Eigen::ArrayXf>(x.as_span<float>().data(), x.size()); };
  calls["eigen:sum_f4"] = [=] { kept = map(a).sum(); };
  calls["eigen:hypot_fused"] = [=] { into(out) = (map(a) * map(a) + map(b) * map(b)).sqrt(); };
  calls["eigen:axpb_fused"] = [=] { into(out) = map(a) * 2.0F + map(b); };
  calls["eigen:sqdiff_fused"] = [=] { kept = (map(a) - map(b)).square().sum(); };
}
#endif

/// A loop that a compiler would make of it, over all memory once: the machine's bandwidth for an add.
void add_stream(Calls& calls, const Data& data) {
  const nd::Array a = data.load("a_f4"), b = data.load("b_f4"), out = nd::empty_like(a);
  calls["loop:add_f4"] = [=] {
    const float* x = a.as_span<const float>().data();
    const float* y = b.as_span<const float>().data();
    float* to = out.as_span<float>().data();
    for (std::int64_t i = 0; i < a.size(); ++i) to[i] = x[i] + y[i];
  };
}

/// All of an array's memory read once, by as many threads as the library uses: what no reduction of it can be quicker than.
void add_reading(Calls& calls, const Data& data) {
  for (const std::string type : {"f4", "f8"}) {
    const nd::Array a = data.load("a_" + type);
    const auto read = [=] {
      const auto* words = reinterpret_cast<const std::uint32_t*>(a.data());
      const auto n = static_cast<std::size_t>(a.nbytes()) / sizeof(std::uint32_t), threads = static_cast<std::size_t>(nd::threads());
      std::vector<std::uint32_t> sums(threads);
      const auto part = [&](std::size_t t) {
        sums[t] = std::accumulate(words + n * t / threads, words + n * (t + 1) / threads, std::uint32_t{0});
      };
      std::vector<std::jthread> others;
      for (std::size_t t = 1; t < threads; ++t) others.emplace_back(part, t);
      part(0);
      others.clear();
      kept = static_cast<float>(std::accumulate(sums.begin(), sums.end(), std::uint32_t{0}));
    };
    for (const std::string name : {"sum_", "max_", "mean_"}) calls["read:" + name + type] = read;
  }
}

double best_of(const std::function<void()>& call, int repeats) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int i = 0; i < repeats; ++i) {
    const auto start = Clock::now();
    call();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: compare_engine DIR THREADS (see tools/bench/compare)\n");
    return 2;
  }
  nd::set_threads(std::atoi(argv[2]));
  const nd::ErrState as_numpy_default{.under = nd::Err::ignore};
  const Data data{argv[1]};
  Calls calls;
  add_arithmetic(calls, data, "f4"), add_arithmetic(calls, data, "f8");
  add_integers(calls, data), add_fused(calls, data), add_planes(calls, data), add_reductions(calls, data);
  add_selections(calls, data, "f4"), add_selections(calls, data, "f8");
  add_order(calls, data);
  add_random(calls, data), add_small(calls, data), add_reading(calls, data), add_stream(calls, data);
#ifdef NDSHARE_HAVE_EIGEN
  add_eigen(calls, data);
#endif
  std::cout << "ready " << nd::simd_target() << ' ' << __VERSION__ << std::endl;
  std::string name;
  for (int repeats = 0; std::cin >> name >> repeats;) {
    const auto found = calls.find(name);
    if (found == calls.end()) {
      std::cout << "unknown" << std::endl;
    } else {
      std::cout << best_of(found->second, repeats) << std::endl;
    }
  }
  return 0;
}
