// Spellings of dtypes with fields: NumPy's list, dict and comma forms, and `name:dtype` lists. One recursive descent
// over the text; strings inside Python literals are read by the same parser, one level down.
#include <ndshare/dtype.h>
#include <ndshare/error.h>

#include "lib/array/dtype_record.h"
#include "lib/array/literal.h"
#include "lib/base/text.h"

#include <algorithm>
#include <optional>

namespace ndshare {

namespace {

constexpr std::size_t kMaxSwapRuns = 65536;
constexpr std::size_t kMaxForeignSpelling = 10'000;    // bytes: as long as the header of a .npy file may be
constexpr int kMaxNesting = 2 * DType::kMaxDepth + 4;  // brackets and strings inside one another

/// One spelled dtype: with a sub-array shape, the other byte order, or as padding (V<n>).
struct Spelled {
  DType dtype{};
  Shape shape{};
  std::vector<SwapRun> swaps{};
  std::int64_t padding = 0;
};

void add_swap(std::vector<SwapRun>& runs, SwapRun run) {
  if (run.count == 0) return;
  if (!runs.empty() && runs.back().width == run.width &&
      runs.back().offset + runs.back().width * runs.back().count == run.offset) {
    runs.back().count += run.count;
  } else {
    runs.push_back(run);
  }
}

std::vector<SwapRun> swaps_of_scalar(const DType& dtype) {
  if (dtype.id() == TypeId::str) return {{0, 4, dtype.length()}};
  if (dtype.is_complex()) return {{0, dtype.itemsize() / 2, 2}};
  return {{0, dtype.itemsize(), 1}};
}

class Parser final : internal::LiteralReader {
 public:
  /// `base` is where `text` starts in the whole spelling, for messages. `aligned`: inside a dict that says so.
  Parser(std::string_view whole, std::string_view text, std::size_t base, int nesting, bool aligned)
      : LiteralReader(text), whole_(whole), base_(base), nesting_(nesting), aligned_(aligned) {
    if (nesting > kMaxNesting) fail("nested too deeply");
  }

  Spelled parse() {
    skip_space();
    Spelled result = peek() == '[' || peek() == '{' || peek() == '\'' || peek() == '"' ? literal() : comma_list();
    skip_space();
    if (!at_end()) fail("something after the dtype");
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const override {
    const std::string shown = internal::printable(whole_.substr(0, 100)) + (whole_.size() > 100 ? "…" : "");
    throw Error(ErrorCode::DType,
                "cannot read dtype \"" + shown + "\": " + what + ", at position " + std::to_string(base_ + position()),
                {{"position", std::to_string(base_ + position())}});
  }

  // A Python value that spells a dtype: a string, a list of fields, a dict, or (dtype, shape).
  Spelled literal() {
    skip_space();
    const Nested guard(*this);
    if (peek() == '[') return field_list();
    if (peek() == '{') return dict();
    if (peek() == '(') {
      expect('(');
      Spelled inner = literal();
      expect(',');
      inner = repeat(std::move(inner), shape_or_number());
      expect(')');
      return inner;
    }
    const std::size_t start = position() + 1;
    const std::string content = string();
    return Parser(whole_, content, base_ + start, nesting_ + 1, aligned_).parse();
  }

  struct Nested {
    explicit Nested(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxNesting) parser_.fail("nested too deeply");
    }
    ~Nested() { --parser_.nesting_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;
    Parser& parser_;
  };

  Spelled repeat(Spelled inner, const Shape& shape) {
    // A shape around a shape: the outer axes come first. Swaps stay those of one element until the field is placed.
    if (shape.ndim() + inner.shape.ndim() > kMaxAxes) fail("more than " + std::to_string(kMaxAxes) + " axes");
    Shape joined = shape;
    for (const std::int64_t length : inner.shape) joined.push_back(length);
    for (const std::int64_t length : joined) {
      if (length < 1) fail("a sub-array length below 1");
    }
    if (inner.padding > 0) fail("padding (V) with a shape");
    inner.shape = joined;
    return inner;
  }

  // [('a', '<f4'), ('b', '<i8', (2, 3)), ('', '|V4'), …]
  Spelled field_list() {
    Fields fields;
    expect('[');
    while (!take(']')) {
      expect('(');
      skip_space();
      if (peek() == '(') fail("field titles are not supported: give the name alone");
      const std::string name = string();
      expect(',');
      Spelled spelled = literal();
      if (take(',')) {
        skip_space();
        if (peek() != ')') spelled = repeat(std::move(spelled), shape_or_number());
        take(',');
      }
      expect(')');
      add(fields, name, std::move(spelled), DType::kAutoOffset);
      if (!take(',')) {
        expect(']');
        break;
      }
    }
    const bool aligned = aligned_ && !fields.padded;
    return finish(std::move(fields), aligned, 0);
  }

  struct Fields {
    std::vector<Field> list{};
    std::vector<std::vector<SwapRun>> swaps{};
    std::int64_t end = 0;  // bytes so far: what padding is counted from
    bool padded = false;
  };

  void add(Fields& fields, const std::string& name, Spelled spelled, std::int64_t offset) {
    if (spelled.padding > 0) {
      if (!name.empty()) fail("raw void (V) is no dtype here: name the fields in it, or use S<n>");
      fields.end += spelled.padding;
      if (fields.end > DType::kMaxItemsize)
        fail("an item over the limit of " + std::to_string(DType::kMaxItemsize) + " bytes");
      fields.padded = true;
      return;
    }
    Field field{name.empty() ? "f" + std::to_string(fields.list.size()) : name, spelled.dtype, spelled.shape, offset};
    if (fields.padded && offset == DType::kAutoOffset) field.offset = fields.end;
    try {
      fields.end = std::max<std::int64_t>(field.offset, fields.end) + field.nbytes();
    } catch (const Error& error) {
      fail(error.message());
    }
    if (fields.end > DType::kMaxItemsize)
      fail("an item over the limit of " + std::to_string(DType::kMaxItemsize) + " bytes");
    fields.list.push_back(std::move(field));
    fields.swaps.push_back(std::move(spelled.swaps));
  }

  Spelled finish(Fields fields, bool aligned, std::int64_t itemsize) {
    if (fields.list.empty()) fail("a structured dtype without fields");
    Spelled result;
    try {
      result.dtype = DType::structured(std::move(fields.list), aligned, fields.padded ? fields.end : itemsize);
    } catch (const Error& error) {
      fail(error.message());
    }
    for (std::size_t i = 0; i < fields.swaps.size(); ++i)
      place_swaps(result, result.dtype.fields()[i], fields.swaps[i]);
    return result;
  }

  void place_swaps(Spelled& result, const Field& field, const std::vector<SwapRun>& inner) {
    if (inner.empty()) return;
    const std::int64_t itemsize = field.dtype.itemsize();
    const std::int64_t count = field.shape.count();
    if (inner.size() == 1 && inner[0].width * inner[0].count == itemsize) {
      add_swap(result.swaps, {field.offset, inner[0].width, inner[0].count * count});
      return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      for (const SwapRun& run : inner)
        add_swap(result.swaps, {field.offset + i * itemsize + run.offset, run.width, run.count});
      if (result.swaps.size() > kMaxSwapRuns) fail("too many runs of the other byte order: convert the file first");
    }
  }

  struct Dict {
    std::vector<std::string> names{};
    std::vector<Spelled> formats{};
    std::vector<std::int64_t> offsets{};
    std::int64_t itemsize = 0;
    bool aligned = false;
    std::size_t formats_at = 0;  // where the formats stand in the text
  };

  // {'names': ['a', 'b'], 'formats': ['i1', '<i4'], 'offsets': [0, 4], 'itemsize': 8, 'aligned': True}
  Spelled dict() {
    Dict parts;
    parts.aligned = aligned_;
    expect('{');
    while (!take('}')) {
      skip_space();
      entry(parts);
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    if (parts.aligned && !aligned_) read_formats_aligned(parts);
    return assemble(std::move(parts));
  }

  void entry(Dict& parts) {
    const std::string key = string();
    expect(':');
    if (key == "names") {
      list([&] { parts.names.push_back(string()); });
    } else if (key == "formats") {
      parts.formats_at = position();
      list([&] { parts.formats.push_back(literal()); });
    } else if (key == "offsets") {
      list([&] { parts.offsets.push_back(number()); });
    } else if (key == "itemsize") {
      parts.itemsize = number();
      if (parts.itemsize < 1) fail("an itemsize below 1");
    } else if (key == "aligned") {
      parts.aligned = boolean() || parts.aligned;
    } else {
      fail("unknown key '" + internal::printable(key.substr(0, 40)) +
           "'; the dict form has names, formats, offsets, itemsize, aligned");
    }
  }

  // 'aligned' holds for the structures inside as well, and stands after them: they are read again. Inside an aligned
  // dict nothing is read twice, so the work stays linear in the depth.
  void read_formats_aligned(Dict& parts) {
    const std::size_t end = position();
    seek(parts.formats_at);
    parts.formats.clear();
    aligned_ = true;
    list([&] { parts.formats.push_back(literal()); });
    aligned_ = false;
    seek(end);
  }

  Spelled assemble(Dict parts) {
    const std::size_t count = parts.names.size();
    if (parts.formats.size() != count || (!parts.offsets.empty() && parts.offsets.size() != count)) {
      fail(std::to_string(count) + " names, " + std::to_string(parts.formats.size()) + " formats, " +
           std::to_string(parts.offsets.size()) + " offsets: give as many of each");
    }
    Fields fields;
    for (std::size_t i = 0; i < count; ++i) {
      if (parts.formats[i].padding > 0) fail("raw void (V) is no dtype here");
      if (!parts.offsets.empty() && (parts.offsets[i] < 0 || parts.offsets[i] > DType::kMaxItemsize)) {
        fail("an offset of " + std::to_string(parts.offsets[i]) + ", not 0 to " + std::to_string(DType::kMaxItemsize));
      }
      fields.end = 0;
      add(fields, parts.names[i], std::move(parts.formats[i]),
          parts.offsets.empty() ? DType::kAutoOffset : parts.offsets[i]);
    }
    return finish(std::move(fields), parts.aligned, parts.itemsize);
  }

  // "f4", "ts:i8,v:f4", "i4,(2,3)f8,2u1": without names, fields are f0, f1, … as in NumPy.
  Spelled comma_list() {
    Fields fields;
    bool named = false;
    while (true) {
      const std::string name = item_name();
      named = named || !name.empty();
      Spelled spelled = item();
      skip_space();
      if (at_end() && fields.list.empty() && !named) return spelled;
      add(fields, name, std::move(spelled), DType::kAutoOffset);
      if (at_end()) return finish(std::move(fields), aligned_, 0);
      expect(',');
    }
  }

  std::string item_name() {
    skip_space();
    const std::string_view ahead = rest();
    const std::size_t stop = ahead.find_first_of(":,([{'\"");
    if (stop == std::string_view::npos || ahead[stop] != ':') return {};
    std::string name(ahead.substr(0, stop));
    while (!name.empty() && name.back() == ' ') name.pop_back();
    if (name.empty()) fail("a field without a name before ':'");
    advance(stop + 1);
    return name;
  }

  // One dtype of a comma list: up to the next comma outside the brackets of a time unit.
  Spelled item() {
    skip_space();
    Shape shape;
    if (peek() == '(') {
      shape = shape_or_number();
      skip_space();
    } else if (peek() >= '0' && peek() <= '9') {
      shape = Shape{number()};
    }
    if (peek() == '[' || peek() == '{' || peek() == '\'' || peek() == '"') return repeat(literal(), shape);
    const std::string_view ahead = rest();
    std::size_t stop = std::min(ahead.find_first_of("[,"), ahead.size());
    if (stop < ahead.size() && ahead[stop] == '[')
      stop = std::min(ahead.find(',', ahead.find(']', stop)), ahead.size());
    std::string_view word = ahead.substr(0, stop);
    while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
    internal::ScalarSpelling scalar = internal::parse_scalar_spelling(word);
    if (!scalar.problem.empty()) fail(scalar.problem);
    advance(word.size());
    Spelled spelled{scalar.dtype, {}, {}, scalar.padding};
    if (scalar.swapped) spelled.swaps = swaps_of_scalar(scalar.dtype);
    return shape.empty() ? spelled : repeat(std::move(spelled), shape);
  }

  std::string_view whole_;
  std::size_t base_;
  int nesting_;
  bool aligned_;
};

}  // namespace

ForeignDType parse_foreign_dtype(std::string_view spelling) {
  const std::string shown =
      "\"" + internal::printable(spelling.substr(0, 100)) + (spelling.size() > 100 ? "…\"" : "\"");
  if (spelling.size() > kMaxForeignSpelling) {
    throw Error(ErrorCode::DType, "dtype " + shown + " has " + std::to_string(spelling.size()) +
                                      " bytes, over the limit of " + std::to_string(kMaxForeignSpelling));
  }
  Spelled spelled = Parser(spelling, spelling, 0, 0, false).parse();
  if (spelled.padding > 0) {
    throw Error(ErrorCode::DType,
                "dtype " + shown + " is raw void: name its fields, or use S" + std::to_string(spelled.padding));
  }
  if (!spelled.shape.empty()) {
    throw Error(ErrorCode::DType, "dtype " + shown + " is a sub-array: put " + spelled.shape.str() +
                                      " at the end of the array's shape, or name it as a field");
  }
  return {spelled.dtype, std::move(spelled.swaps)};
}

DType DType::parse(std::string_view spelling) {
  if (spelling.size() > kMaxSpelling) {
    throw Error(ErrorCode::DType, "dtype \"" + internal::printable(spelling.substr(0, 100)) + "…\" has " +
                                      std::to_string(spelling.size()) + " bytes, over the limit of " +
                                      std::to_string(kMaxSpelling));
  }
  ForeignDType foreign = parse_foreign_dtype(spelling);
  if (!foreign.swaps.empty()) {
    throw Error(ErrorCode::DType,
                "dtype \"" + internal::printable(spelling.substr(0, 100)) + "\" is big-endian, at byte " +
                    std::to_string(foreign.swaps[0].offset) +
                    " of an item: arrays are little-endian here, write '<' or leave it out (readers of files convert)");
  }
  return foreign.dtype;
}

}  // namespace ndshare
