#include <ndshare/index.h>

#include <ndshare/error.h>
#include <ndshare/layout.h>

#include "lib/array/wide.h"

#include <algorithm>
#include <charconv>

namespace ndshare {

using internal::Int128;

SliceRange resolve_slice(const Slice& range, std::int64_t length) {
  const std::int64_t step = range.step.value_or(1);
  if (step == 0) throw Error(ErrorCode::IndexSyntax, "a slice with a step of 0: use 1, or -1 to go backwards");
  // Ends are clipped to [0, length] going forwards and [-1, length-1] going backwards.
  const std::int64_t low = step > 0 ? 0 : -1;
  const std::int64_t high = step > 0 ? length : length - 1;
  const auto clip = [&](std::int64_t at) { return std::clamp(at < 0 ? at + length : at, low, high); };
  const std::int64_t start = range.start ? clip(*range.start) : (step > 0 ? low : high);
  const std::int64_t stop = range.stop ? clip(*range.stop) : (step > 0 ? high : low);
  const Int128 distance = step > 0 ? static_cast<Int128>(stop) - start : static_cast<Int128>(start) - stop;
  const Int128 stride = step > 0 ? static_cast<Int128>(step) : -static_cast<Int128>(step);
  const Int128 count = distance <= 0 ? 0 : (distance + stride - 1) / stride;
  return {start, step, static_cast<std::int64_t>(count)};
}

namespace {

// Builds the indexed layout axis by axis: `axis` counts the old axes used so far.
class Indexer {
 public:
  explicit Indexer(const Layout& layout) : old_(layout), empty_(layout.is_empty()) { result_.offset = layout.offset; }

  void add(std::int64_t position) {
    const std::int64_t length = old_.shape[axis_];
    if (position < -length || position >= length) {
      throw Error(
          ErrorCode::IndexBounds,
          "index " + std::to_string(position) + " is out of bounds for axis " + std::to_string(axis_) + " of length " +
              std::to_string(length) +
              (length == 0 ? ", which is empty"
                           : ": use " + std::to_string(-length) + " to " + std::to_string(length - 1)),
          {{"index", std::to_string(position)}, {"axis", std::to_string(axis_)}, {"length", std::to_string(length)}});
    }
    if (!empty_) result_.offset += (position < 0 ? position + length : position) * old_.strides[axis_];
    ++axis_;
  }

  void add(const Slice& range) {
    const SliceRange cut = resolve_slice(range, old_.shape[axis_]);
    const std::int64_t stride = old_.strides[axis_];
    if (cut.count > 0 && !empty_) result_.offset += cut.start * stride;
    result_.shape.push_back(cut.count);
    // With fewer than two elements the stride is never walked, and its product with the step could overflow.
    result_.strides.push_back(cut.count > 1 && !empty_ ? cut.step * stride : stride);
    ++axis_;
  }

  void add(NewAxisIndex) {
    result_.shape.push_back(1);
    result_.strides.push_back(0);
  }

  void keep(int axes) {
    for (int i = 0; i < axes; ++i) add(Slice{});
  }

  Layout finish() {
    keep(old_.ndim() - axis_);
    return result_;
  }

 private:
  const Layout& old_;
  bool empty_;  // no element to point at: offsets stay, products of lengths and strides may not even fit
  Layout result_;
  int axis_ = 0;
};

}  // namespace

Layout index_layout(const Layout& layout, std::span<const Index> index) {
  int used = 0;
  int ellipses = 0;
  for (const Index& entry : index) {
    if (std::holds_alternative<EllipsisIndex>(entry.value())) {
      ++ellipses;
    } else if (!std::holds_alternative<NewAxisIndex>(entry.value())) {
      ++used;
    }
  }
  if (ellipses > 1) throw Error(ErrorCode::IndexSyntax, "an index with two ellipses: only one '...' can be worked out");
  if (used > layout.ndim()) {
    throw Error(ErrorCode::IndexSyntax, "an index of " + std::to_string(used) + " entries for " +
                                            std::to_string(layout.ndim()) + (layout.ndim() == 1 ? " axis" : " axes") +
                                            ": shape is " + layout.shape.str());
  }
  Indexer indexer(layout);
  for (const Index& entry : index) {
    if (const auto* position = std::get_if<std::int64_t>(&entry.value())) {
      indexer.add(*position);
    } else if (const auto* range = std::get_if<Slice>(&entry.value())) {
      indexer.add(*range);
    } else if (std::holds_alternative<NewAxisIndex>(entry.value())) {
      indexer.add(newaxis);
    } else {
      indexer.keep(layout.ndim() - used);
    }
  }
  return indexer.finish();
}

namespace {

class IndexParser {
 public:
  explicit IndexParser(std::string_view text) : text_(text) {}

  std::vector<Index> parse() {
    std::vector<Index> entries;
    skip_space();
    const bool bracket = take("[");
    while (true) {
      skip_space();
      if (at_end() || peek() == ']') break;
      entries.push_back(entry());
      skip_space();
      if (!take(",")) break;
    }
    if (bracket && !take("]")) fail("expected ',' or ']'");
    skip_space();
    if (!at_end()) fail("something after the index");
    if (bracket && entries.empty()) fail("an empty index");
    if (entries.size() > 2 * kMaxAxes + 1) fail("too many entries");
    return entries;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_space() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::IndexSyntax,
                "cannot read an index: " + what + " at position " + std::to_string(at_) +
                    "; write it as [0:10, ::2, ..., -1] or None for a new axis",
                {{"position", std::to_string(at_)}});
  }

  std::optional<std::int64_t> number() {
    skip_space();
    if (peek() != '-' && peek() != '+' && (peek() < '0' || peek() > '9')) return std::nullopt;
    if (take("+") && peek() == '-') fail("two signs");
    std::int64_t value = 0;
    const char* first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("a number beyond 64 bits");
    if (error != std::errc()) fail("expected a whole number");
    at_ += static_cast<std::size_t>(end - first);
    return value;
  }

  Index entry() {
    if (take("...") || take("Ellipsis")) return ellipsis;
    if (take("None") || take("newaxis") || take("np.newaxis")) return newaxis;
    const auto start = number();
    skip_space();
    if (!take(":")) {
      if (!start) fail("expected a number, a slice, '...' or None");
      return *start;
    }
    const auto stop = number();
    skip_space();
    std::optional<std::int64_t> step;
    if (take(":")) step = number();
    if (step == 0) fail("a slice with a step of 0");
    return slice(start, stop, step);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Index> parse_index(std::string_view text) { return IndexParser(text).parse(); }

std::string to_string(std::span<const Index> index) {
  std::string text;
  for (const Index& entry : index) {
    if (!text.empty()) text += ", ";
    if (const auto* position = std::get_if<std::int64_t>(&entry.value())) {
      text += std::to_string(*position);
    } else if (const auto* range = std::get_if<Slice>(&entry.value())) {
      text +=
          (range->start ? std::to_string(*range->start) : "") + ":" + (range->stop ? std::to_string(*range->stop) : "");
      if (range->step) text += ":" + std::to_string(*range->step);
    } else {
      text += std::holds_alternative<NewAxisIndex>(entry.value()) ? "None" : "...";
    }
  }
  return text;
}

}  // namespace ndshare
