#include "client/save_format.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <span>

#include <ndshare/io.h>
#include <ndshare/version.h>

#include "lib/base/crc32c.h"
#include "lib/base/text.h"
#include "lib/io/file.h"
#include "lib/wire/attrs.h"

namespace ndshare::internal {
namespace {

constexpr std::size_t kFileDigits = 6;  // at least; more where there are more arrays
constexpr std::int64_t kMaxBlockBytes = 1LL << 30;
constexpr std::int64_t kMaxHeaderBytes = 1 << 16;
constexpr std::string_view kDataSuffix = ".npy";

// ---- writing

/// One line: a JSON object. lib/wire owns the JSON library; what it gives is the object of strings, which quotes for
/// us.
class Line {
 public:
  Line& text(const std::string& key, const std::string& value) {
    const auto pair = encode_attrs({{key, value}});
    return add(pair.substr(1, pair.size() - 2));
  }
  Line& number(std::string_view key, std::uint64_t value) { return raw(key, std::to_string(value)); }
  Line& raw(std::string_view key, std::string_view json) {
    return add('"' + std::string(key) + "\":" + std::string(json));
  }
  template <class T>
  Line& numbers(std::string_view key, std::span<const T> values) {
    std::string list;
    for (const auto value : values) list += (list.empty() ? "" : ",") + std::to_string(value);
    return raw(key, "[" + list + "]");
  }
  std::string take() { return "{" + std::move(text_) + "}\n"; }

 private:
  Line& add(const std::string& pair) {
    if (!text_.empty()) text_ += ',';
    text_ += pair;
    return *this;
  }
  std::string text_;
};

std::string array_line(const SavedArray& array) {
  Line line;
  line.text("name", array.name).text("file", array.file).text("dtype", array.dtype.str());
  line.numbers("shape", std::span<const std::int64_t>(array.shape)).text("order", array.order == Order::C ? "C" : "F");
  line.number("bytes", static_cast<std::uint64_t>(array.nbytes));
  line.number("header_bytes", static_cast<std::uint64_t>(array.header_bytes));
  line.numbers("crc32c", std::span<const std::uint32_t>(array.crcs));
  line.number("version", array.version).number("created_unix_ns", array.created_unix_ns);
  if (array.sealed) line.number("sealed", 1);
  if (array.snapshot) line.number("snapshot_of_version", array.source_version);
  if (array.opaque) line.number("opaque", 1);
  if (!array.attrs.empty()) line.raw("attrs", encode_attrs(array.attrs));
  std::vector<std::uint64_t> torn;
  for (const auto& range : array.torn) {
    const auto lo = static_cast<std::uint64_t>(range.rows.first), hi = static_cast<std::uint64_t>(range.rows.last);
    torn.insert(torn.end(), {lo, hi, range.pid, range.unix_ns});
  }
  if (!torn.empty()) line.numbers("torn", std::span<const std::uint64_t>(torn));
  return line.take();
}

// ---- reading

/// The header of a .npy alone: without a length that the data would be missed in.
class HeaderSource final : public Source {
 public:
  explicit HeaderSource(std::string_view header) : Source("<header>"), rest_(header) {}
  std::size_t read(std::byte* into, std::size_t count) override {
    const auto n = std::min(count, rest_.size());
    if (n > 0) std::memcpy(into, rest_.data(), n);
    rest_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view rest_;
};

/// Where messages say that something is wrong.
struct Place {
  const std::string& file;
  std::size_t line = 0;
  [[noreturn]] void refuse(const std::string& what) const {
    format_error(file, "damaged save, line " + std::to_string(line) + ": " + what, {{"line", std::to_string(line)}});
  }
};

/// Whether no bracket is nested deeper than a manifest's: JSON libraries recurse, and files may be hostile.
bool is_shallow(std::string_view json) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
      continue;
    }
    quoted = c == '"';
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > 2) return false;
  }
  return true;
}

/// The fields of one line, by name.
class Fields {
 public:
  Fields(std::string_view json, Place place) : place_(place) {
    if (!is_shallow(json)) place_.refuse("brackets inside brackets");
    try {
      values_ = decode_attrs(json);
    } catch (const Error&) {
      place_.refuse("not a JSON object");
    }
  }
  const std::string& text(const std::string& key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) place_.refuse("no \"" + key + "\"");
    return found->second;
  }
  bool has(const std::string& key) const { return values_.contains(key); }
  std::int64_t number(const std::string& key, std::int64_t most = INT64_MAX) const {
    const auto value = parse_int(text(key));
    if (!value || *value < 0 || *value > most) bad(key);
    return *value;
  }
  std::uint64_t count(const std::string& key) const { return static_cast<std::uint64_t>(number(key)); }
  std::vector<std::int64_t> numbers(const std::string& key) const;
  const Place& place() const { return place_; }
  [[noreturn]] void bad(const std::string& key) const {
    place_.refuse("\"" + key + "\" is '" + printable(std::string_view(text(key)).substr(0, 80)) + "'");
  }

 private:
  Place place_;
  Attrs values_;
};

std::vector<std::int64_t> Fields::numbers(const std::string& key) const {
  std::string_view list = text(key);
  if (list.size() < 2 || list.front() != '[' || list.back() != ']') bad(key);
  list = list.substr(1, list.size() - 2);
  std::vector<std::int64_t> values;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto value = parse_int(list.substr(0, comma));
    if (!value || *value < 0 || comma + 1 == list.size()) bad(key);
    values.push_back(*value);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return values;
}

void read_torn(SavedArray& array, const Fields& fields) {
  if (!fields.has("torn")) return;
  const auto list = fields.numbers("torn");
  if (list.size() % 4 != 0) fields.bad("torn");
  const auto rows = array.shape.empty() ? 1 : array.order == Order::C ? array.shape[0] : array.shape.back();
  for (std::size_t i = 0; i < list.size(); i += 4) {
    if (list[i] >= list[i + 1] || list[i + 1] > rows) fields.bad("torn");
    array.torn.push_back(
        {{list[i], list[i + 1]}, static_cast<std::uint64_t>(list[i + 2]), static_cast<std::uint64_t>(list[i + 3])});
  }
}

void read_attrs(SavedArray& array, const Fields& fields) {
  if (!fields.has("attrs")) return;
  try {
    array.attrs = decode_attrs(fields.text("attrs"));
  } catch (const Error&) {
    fields.bad("attrs");
  }
}

void read_checksums(SavedArray& array, const Fields& fields, std::int64_t block_bytes) {
  for (const auto value : fields.numbers("crc32c")) {
    if (value > UINT32_MAX) fields.bad("crc32c");
    array.crcs.push_back(static_cast<std::uint32_t>(value));
  }
  const auto expected = static_cast<std::size_t>(block_count(array.nbytes, block_bytes)) + 1;
  if (array.crcs.size() != expected) {
    fields.place().refuse(std::to_string(array.crcs.size()) + " checksums where " + std::to_string(expected) +
                          " belong");
  }
}

SavedArray read_array(const Fields& fields, std::int64_t block_bytes) {
  SavedArray array;
  array.name = fields.text("name");
  array.file = fields.text("file");
  const auto folder = std::string(kDataFolder) + "/";
  if (!array.file.starts_with(folder) || !is_data_file_name(std::string_view(array.file).substr(folder.size())))
    fields.bad("file");
  try {
    check_array_name(array.name);
    array.dtype = DType::parse(fields.text("dtype"));
    array.shape = Shape(std::span<const std::int64_t>(fields.numbers("shape")));
    array.nbytes = array.shape.nbytes(array.dtype.itemsize());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Format) throw;
    fields.place().refuse(error.message());
  }
  if (array.nbytes != fields.number("bytes")) fields.bad("bytes");
  const auto& order = fields.text("order");
  if (order != "C" && order != "F") fields.bad("order");
  array.order = order == "C" ? Order::C : Order::F;
  array.header_bytes = fields.number("header_bytes", kMaxHeaderBytes);
  array.version = fields.count("version");
  array.created_unix_ns = fields.count("created_unix_ns");
  array.sealed = fields.has("sealed") && fields.number("sealed") != 0;
  array.opaque = fields.has("opaque") && fields.number("opaque") != 0;
  array.snapshot = fields.has("snapshot_of_version");
  if (array.snapshot) array.source_version = fields.count("snapshot_of_version");
  read_attrs(array, fields);
  read_torn(array, fields);
  read_checksums(array, fields, block_bytes);
  return array;
}

std::vector<std::string_view> split_lines(std::string_view text, const std::string& file) {
  if (text.empty() || text.back() != '\n') {
    format_error(file, "damaged save: the manifest has no end (" + std::to_string(text.size()) + " bytes)");
  }
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (lines.size() < 2) format_error(file, "damaged save: the manifest has one line only");
  return lines;
}

/// The checksum first: a byte that changed must not look like a newer format.
void check_whole(std::string_view text, std::span<const std::string_view> lines, const std::string& file) {
  const Fields last(lines.back(), {file, lines.size()});
  const auto covered = text.size() - lines.back().size() - 1;
  const auto crc = crc32c(text.data(), covered);
  if (crc != last.number("crc32c", UINT32_MAX)) {
    format_error(file,
                 "damaged save: the manifest's CRC-32C is " + std::to_string(crc) + ", its last line says " +
                     last.text("crc32c"),
                 {{"expected", last.text("crc32c")}, {"actual", std::to_string(crc)}});
  }
  if (Line().number("arrays", last.count("arrays")).number("crc32c", crc).take() != std::string(lines.back()) + "\n") {
    last.place().refuse("bytes that do not belong there");
  }
}

void check_format(const Fields& first, const std::string& file) {
  const auto format = first.number("ndshare_save");
  if (format == kSaveFormat) return;
  format_error(file,
               "a save in format " + std::to_string(format) + ", of ndshare " + printable(first.text("written_by")) +
                   "; this ndshare " + version() + " reads format " + std::to_string(kSaveFormat) +
                   ": load it with ndshare " + printable(first.text("needs")) + " or newer",
               {{"format", std::to_string(format)}, {"needs", first.text("needs")}});
}

}  // namespace

std::string data_file_name(std::size_t number) {
  auto digits = std::to_string(number);
  if (digits.size() < kFileDigits) digits.insert(0, kFileDigits - digits.size(), '0');
  return std::string(kDataFolder) + "/" + digits + std::string(kDataSuffix);
}

bool is_data_file_name(std::string_view name) {
  if (!name.ends_with(kDataSuffix)) return false;
  name.remove_suffix(kDataSuffix.size());
  return name.size() >= kFileDigits && name.size() <= 20 &&
         name.find_first_not_of("0123456789") == std::string_view::npos;
}

bool header_says(std::string_view header, const SavedArray& array) {
  if (array.opaque) return static_cast<std::int64_t>(header.size()) == array.header_bytes;
  try {
    HeaderSource source(header);
    const auto says = read_npy_header(source);
    return says.dtype == array.dtype && says.shape == array.shape && says.order == array.order && says.swaps.empty() &&
           says.data_offset == static_cast<std::int64_t>(header.size());
  } catch (const Error&) {
    return false;
  }
}

std::string make_header(SavedArray& array) {
  std::string header;
  array.opaque = false;
  try {
    header = npy_header_bytes(array.dtype, array.shape, array.order);
  } catch (const Error&) {
    header.clear();
  }
  if (!header_says(header, array)) {
    array.opaque = true;
    header = npy_header_bytes(DType::bytes(array.dtype.itemsize()), array.shape, array.order);
    header.replace(header.find("'|S"), 3, "'|V");
  }
  array.header_bytes = static_cast<std::int64_t>(header.size());
  return header;
}

std::string encode_manifest(const Manifest& manifest) {
  std::string text = Line()
                         .number("ndshare_save", static_cast<std::uint64_t>(kSaveFormat))
                         .text("needs", std::string(kSaveNeeds))
                         .text("written_by", manifest.written_by)
                         .text("store", manifest.store)
                         .number("unix_ns", manifest.unix_ns)
                         .number("block_bytes", static_cast<std::uint64_t>(manifest.block_bytes))
                         .take();
  for (const auto& array : manifest.arrays) text += array_line(array);
  const auto crc = crc32c(text.data(), text.size());
  return text + Line().number("arrays", manifest.arrays.size()).number("crc32c", crc).take();
}

Manifest decode_manifest(std::string_view text, const std::string& file) {
  const auto lines = split_lines(text, file);
  check_whole(text, lines, file);
  const Fields first(lines.front(), {file, 1});
  check_format(first, file);
  Manifest manifest;
  manifest.written_by = first.text("written_by");
  manifest.store = first.text("store");
  manifest.unix_ns = first.count("unix_ns");
  manifest.block_bytes = first.number("block_bytes", kMaxBlockBytes);
  if (manifest.block_bytes == 0) first.bad("block_bytes");
  std::set<std::string_view> names, files;
  manifest.arrays.reserve(lines.size() - 2);
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    const Fields fields(lines[i], {file, i + 1});
    auto& array = manifest.arrays.emplace_back(read_array(fields, manifest.block_bytes));
    if (!names.insert(array.name).second) fields.place().refuse("the name '" + printable(array.name) + "' comes twice");
    if (!files.insert(array.file).second) fields.place().refuse("the file '" + array.file + "' comes twice");
  }
  if (Fields(lines.back(), {file, lines.size()}).count("arrays") != manifest.arrays.size()) {
    format_error(file, "damaged save: another number of arrays than the last line says");
  }
  return manifest;
}

}  // namespace ndshare::internal
