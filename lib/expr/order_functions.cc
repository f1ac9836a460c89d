// What expressions can call to put arrays in order, and what is read off an order: each says the shape that it gives, at most,
// before it computes anything.
#include <ndshare/sets.h>
#include <ndshare/sort.h>
#include <ndshare/statistics.h>

#include "lib/expr/interpret.h"

namespace ndshare::internal {
namespace {

/// axis= (None: flattened), order= (a field, or several), descending=.
SortOptions sort_options(Call& call, std::size_t axis_position) {
  SortOptions options;
  if (const auto given = call.take_or_none("axis", axis_position)) {
    const auto* number = std::get_if<Scalar>(&*given);
    if (number != nullptr && number->kind() != 'i') call.fail("takes a whole number or None as axis");
    options.axis = number == nullptr ? std::nullopt : std::optional(number->as<std::int64_t>());
  }
  if (const auto order = call.take("order")) {
    const auto* word = std::get_if<std::string>(&*order);
    const auto* words = std::get_if<Words>(&*order);
    if (word == nullptr && words == nullptr) call.fail("takes names of fields as order: order=[\"day\", \"delay\"]");
    options.order = word != nullptr ? std::vector<std::string>{*word} : *words;
  }
  options.descending = call.take_flag("descending");
  return options;
}
Shape ordered_shape(const Array& x, const SortOptions& options) { return options.axis ? x.shape() : Shape{x.size()}; }

Result call_sort(Call& call) {
  call.need(1, 2);
  const SortOptions options = sort_options(call, 1);
  call.done();
  const Array x = call.array(0);
  return call.gives(ordered_shape(x, options), x.dtype(), [&] { return sort(x, options); });
}
Result call_argsort(Call& call) {
  call.need(1, 2);
  const SortOptions options = sort_options(call, 1);
  call.done();
  const Array x = call.array(0);
  return call.gives(ordered_shape(x, options), int64, [&] { return argsort(x, options); });
}
Result call_lexsort(Call& call) {
  call.need(1, 1), call.done();
  const Arrays keys = call.arrays(0);
  if (keys.empty()) call.fail("needs a key at least");
  return call.gives(keys[0].shape(), int64, [&] { return lexsort(keys); });
}

Result call_searchsorted(Call& call) {
  call.need(2, 3);
  SearchOptions options;
  if (const auto side = call.take("side", 2)) {
    const auto* word = std::get_if<std::string>(&*side);
    if (word == nullptr || (*word != "left" && *word != "right")) call.fail("takes \"left\" or \"right\" as side");
    options.side = *word == "left" ? Side::left : Side::right;
  }
  call.done();
  const Array sorted = call.array(0), values = call.array(1);
  return call.gives(values.shape(), int64, [&] { return searchsorted(sorted, values, options); });
}
Result call_digitize(Call& call) {
  call.need(2, 2);
  const bool right = call.take_flag("right");
  call.done();
  const Array x = call.array(0), bins = call.array(1);
  return call.gives(x.shape(), int64, [&] { return digitize(x, bins, right); });
}

Result call_unique(Call& call) {
  call.need(1, 1), call.done();
  const Array x = call.array(0);
  return call.gives({x.size()}, x.dtype(), [&] { return unique(x).values; });
}
Result call_isin(Call& call) {
  call.need(2, 2);
  const bool invert = call.take_flag("invert");
  call.done();
  const Array x = call.array(0), elements = call.array(1);
  return call.gives(x.shape(), bool_, [&] { return isin(x, elements, invert); });
}
template <Array (*kFunction)(const Array&, const Array&)>
Result call_set(Call& call) {
  call.need(2, 2), call.done();
  const Array a = call.array(0), b = call.array(1);
  return call.gives({a.size() + b.size()}, a.itemsize() < b.itemsize() ? b.dtype() : a.dtype(), [&] { return kFunction(a, b); });
}

/// Shapes as a reduction's.
Result quantiles(Call& call, std::size_t axis_position, const std::function<Array(const Array&, const QuantileOptions&)>& compute,
                 const Shape& q) {
  const Axes axes = call.take_axes(axis_position);
  const bool keepdims = call.take_flag("keepdims");
  call.done();
  const Array x = call.array(0);
  const QuantileOptions options{.axis = axes, .keepdims = keepdims};
  if (!call.interpreter().is_planning()) return compute(x, options);
  Shape shape = q;
  for (const std::int64_t length : reduced_shape(x.shape(), axes, keepdims)) shape.push_back(length);
  return call.gives(shape, x.dtype().is_floating() ? x.dtype() : float64, [] { return Array(); });
}
Result call_median(Call& call) {
  call.need(1, 2);
  return quantiles(call, 1, [](const Array& x, const QuantileOptions& options) { return median(x, options); }, {});
}
template <Array (*kFunction)(const Array&, const Array&, const QuantileOptions&)>
Result call_quantile(Call& call) {
  call.need(2, 3);
  const Array q = call.array(1);
  return quantiles(call, 2, [&](const Array& x, const QuantileOptions& options) { return kFunction(x, q, options); }, q.shape());
}

Result call_bincount(Call& call) {
  call.need(1, 1), call.done();
  const Array x = call.array(0);
  if (!call.interpreter().is_planning()) return bincount(x);
  call.fail("gives as many counts as its largest element says: that is not known before it runs");
}

constexpr Entry kOrderFunctions[] = {{"sort", call_sort},
                                {"argsort", call_argsort},
                                {"lexsort", call_lexsort},
                                {"searchsorted", call_searchsorted},
                                {"digitize", call_digitize},
                                {"unique", call_unique},
                                {"isin", call_isin},
                                {"union1d", call_set<union1d>},
                                {"intersect1d", call_set<intersect1d>},
                                {"setdiff1d", call_set<setdiff1d>},
                                {"setxor1d", call_set<setxor1d>},
                                {"median", call_median},
                                {"quantile", call_quantile<quantile>},
                                {"percentile", call_quantile<percentile>},
                                {"bincount", call_bincount}};

}  // namespace

std::span<const Entry> order_functions() { return kOrderFunctions; }

}  // namespace ndshare::internal
