#include <ndshare/dtype.h>

#include <ndshare/error.h>

#include "lib/array/dtype_record.h"
#include "lib/array/text.h"
#include "lib/base/checked.h"
#include "lib/base/text.h"

#include <algorithm>
#include <functional>
#include <unordered_set>

namespace ndshare {

namespace {

constexpr std::size_t kMaxFieldName = 255;  // bytes

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::DType, what); }

std::string quoted(std::string_view name) { return "'" + internal::printable(name) + "'"; }

std::int32_t checked_itemsize(std::int64_t length, std::int64_t unit_bytes, const char* letter) {
  if (length < 1) {
    fail(std::string("dtype ") + letter + std::to_string(length) + ": the length must be 1 or more, as in " + letter +
         "10");
  }
  const auto bytes = internal::checked_mul(length, unit_bytes);
  if (!bytes || *bytes > DType::kMaxItemsize) {
    fail(std::string("dtype ") + letter + std::to_string(length) + " is over the limit of " +
         std::to_string(DType::kMaxItemsize / unit_bytes) + " characters an item");
  }
  return static_cast<std::int32_t>(*bytes);
}

void check_multiple(std::int32_t multiple) {
  if (multiple < 1) fail("time unit multiple " + std::to_string(multiple) + ": it must be 1 or more, as in M8[25s]");
}

void check_name(const std::string& name, std::size_t position) {
  if (name.empty()) fail("field " + std::to_string(position) + " has no name: name every field");
  if (name.size() > kMaxFieldName) {
    fail("field name " + quoted(name.substr(0, 40)) + "… has " + std::to_string(name.size()) +
         " bytes, over the limit of " + std::to_string(kMaxFieldName));
  }
  if (!internal::decode_utf8(name)) fail("field name " + quoted(name) + " is not UTF-8");
  const bool control =
      std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control) fail("field name " + quoted(name) + " has control bytes");
}

std::int64_t align_up(std::int64_t offset, std::int64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;  // both far below 2^62
}

// Where fields go: packed, or each at its alignment.
struct Placement {
  std::int64_t end = 0;        // after the last field so far
  std::int64_t reach = 0;      // the highest end of any field
  std::int64_t alignment = 1;  // the largest of any field
};

void place(Field& field, Placement& at, bool aligned) {
  const std::int64_t need = field.dtype.alignment();
  if (field.offset == DType::kAutoOffset) {
    field.offset = aligned ? align_up(at.end, need) : at.end;
  } else if (field.offset < 0 || (aligned && field.offset % need != 0)) {
    fail("field " + quoted(field.name) + " at offset " + std::to_string(field.offset) +
         ": aligned fields of this dtype need a multiple of " + std::to_string(need));
  }
  std::int64_t bytes = 0;
  try {
    bytes = field.nbytes();
  } catch (const Error& error) {
    fail("field " + quoted(field.name) + ": " + error.message());
  }
  if (bytes > DType::kMaxItemsize || field.offset > DType::kMaxItemsize - bytes) {
    fail("field " + quoted(field.name) + " ends at byte " + std::to_string(field.offset) + " + " +
         std::to_string(bytes) + ", over the limit of " + std::to_string(DType::kMaxItemsize) + " bytes an item");
  }
  at.end = field.offset + bytes;
  at.reach = std::max(at.reach, at.end);
  at.alignment = std::max(at.alignment, need);
}

std::int64_t settle_itemsize(const Placement& at, bool aligned, std::int64_t asked) {
  const std::int64_t least = aligned ? align_up(at.reach, at.alignment) : at.reach;
  if (asked == 0) return least;
  if (asked < at.reach) {
    fail("itemsize " + std::to_string(asked) + " is too small: the last field ends at byte " +
         std::to_string(at.reach));
  }
  if (aligned && asked % at.alignment != 0) {
    fail("itemsize " + std::to_string(asked) + " of an aligned dtype must be a multiple of " +
         std::to_string(at.alignment));
  }
  return asked;
}

}  // namespace

DType DType::bytes(std::int64_t length) {
  DType dtype;
  dtype.id_ = TypeId::bytes;
  dtype.itemsize_ = checked_itemsize(length, 1, "S");
  return dtype;
}

DType DType::str(std::int64_t length) {
  DType dtype;
  dtype.id_ = TypeId::str;
  dtype.itemsize_ = checked_itemsize(length, 4, "U");
  return dtype;
}

DType DType::datetime64(TimeUnit unit, std::int32_t multiple) {
  check_multiple(multiple);
  DType dtype;
  dtype.id_ = TypeId::datetime64;
  dtype.itemsize_ = 8;
  dtype.unit_ = unit;
  dtype.multiple_ = unit == TimeUnit::generic ? 1 : multiple;
  return dtype;
}

DType DType::timedelta64(TimeUnit unit, std::int32_t multiple) {
  DType dtype = datetime64(unit, multiple);
  dtype.id_ = TypeId::timedelta64;
  return dtype;
}

DType DType::structured(std::vector<Field> fields, bool aligned, std::int64_t itemsize) {
  if (fields.empty()) fail("a structured dtype without fields: give at least one, as in [('x', '<f4')]");
  if (itemsize < 0 || itemsize > kMaxItemsize) {
    fail("itemsize " + std::to_string(itemsize) + " is not between 1 and " + std::to_string(kMaxItemsize));
  }
  auto record = std::make_shared<Record>();
  std::unordered_set<std::string_view> names;
  Placement at;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    Field& field = fields[i];
    check_name(field.name, i);
    if (!names.insert(field.name).second) fail("field name " + quoted(field.name) + " is used twice: rename one");
    place(field, at, aligned);
    if (field.dtype.record_) record->depth = std::max(record->depth, field.dtype.record_->depth + 1);
  }
  if (record->depth > kMaxDepth) {
    fail("structured dtypes are nested " + std::to_string(record->depth) + " deep; the limit is " +
         std::to_string(kMaxDepth));
  }
  const std::int64_t total = settle_itemsize(at, aligned, itemsize);
  if (total < 1 || total > kMaxItemsize) {
    fail("an item of " + std::to_string(total) + " bytes: it must have 1 to " + std::to_string(kMaxItemsize));
  }
  record->fields = std::move(fields);
  record->aligned = aligned;
  record->alignment = aligned ? at.alignment : 1;
  DType dtype;
  dtype.id_ = TypeId::structured;
  dtype.itemsize_ = static_cast<std::int32_t>(total);
  dtype.record_ = std::move(record);
  return dtype;
}

char DType::kind() const noexcept {
  switch (id_) {
#define NDSHARE_DTYPE(row, lane, name, kind, code, itemsize) \
  case TypeId::row:                                          \
    return kind;
#define NDSHARE_DTYPE_SIZED(row, name, kind) \
  case TypeId::row:                          \
    return kind;
#include <ndshare/dtype_list.inc>
  }
  return '?';
}

std::int64_t DType::alignment() const noexcept {
  if (is_structured()) return record_->alignment;
  if (id_ == TypeId::bytes) return 1;
  if (id_ == TypeId::str) return 4;
  return is_complex() ? itemsize_ / 2 : itemsize_;
}

std::int64_t DType::length() const noexcept {
  if (id_ == TypeId::bytes) return itemsize_;
  return id_ == TypeId::str ? itemsize_ / 4 : 0;
}

bool DType::is_aligned_struct() const noexcept { return record_ && record_->aligned; }

std::span<const Field> DType::fields() const noexcept {
  return record_ ? std::span<const Field>(record_->fields) : std::span<const Field>();
}

const Field* DType::find_field(std::string_view name) const noexcept {
  const auto all_fields = fields();
  const auto hit =
      std::find_if(all_fields.begin(), all_fields.end(), [&](const Field& field) { return field.name == name; });
  return hit == all_fields.end() ? nullptr : &*hit;
}

const Field& DType::field(std::string_view name) const {
  if (const Field* found = find_field(name)) return *found;
  if (!is_structured())
    fail("no field " + quoted(name.substr(0, kMaxFieldName)) + ": dtype " + to_string() + " has no fields");
  std::string known;
  for (const Field& field : fields()) {
    if (known.size() > 200) {
      known += ", …";
      break;
    }
    known += (known.empty() ? "" : ", ") + quoted(field.name);
  }
  fail("no field " + quoted(name.substr(0, kMaxFieldName)) + ": the fields are " + known);
}

bool operator==(const DType& a, const DType& b) noexcept {
  if (a.id_ != b.id_ || a.itemsize_ != b.itemsize_ || a.unit_ != b.unit_ || a.multiple_ != b.multiple_) return false;
  if (a.record_ == b.record_) return true;
  const auto same = [](const Field& x, const Field& y) {
    return x.name == y.name && x.offset == y.offset && x.shape == y.shape && x.dtype == y.dtype;
  };
  return std::equal(a.fields().begin(), a.fields().end(), b.fields().begin(), b.fields().end(), same);
}

std::size_t DType::hash() const noexcept {
  std::size_t seed = static_cast<std::size_t>(id_);
  const auto mix = [&seed](std::size_t value) { seed ^= value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2); };
  mix(static_cast<std::size_t>(itemsize_));
  mix(static_cast<std::size_t>(unit_));
  mix(static_cast<std::size_t>(multiple_));
  for (const Field& field : fields()) {
    mix(std::hash<std::string>{}(field.name));
    mix(static_cast<std::size_t>(field.offset));
    mix(field.dtype.hash());
    for (const std::int64_t length : field.shape) mix(static_cast<std::size_t>(length));
  }
  return seed;
}

namespace internal {

namespace {

void append_run(std::vector<ByteRun>& runs, ByteRun run) {
  if (run.nbytes == 0) return;
  if (!runs.empty() && runs.back().offset + runs.back().nbytes == run.offset) {
    runs.back().nbytes += run.nbytes;
  } else {
    runs.push_back(run);
  }
}

}  // namespace

std::vector<ByteRun> data_runs(const DType& dtype) {
  if (!dtype.is_structured()) return {{0, dtype.itemsize()}};
  std::vector<ByteRun> runs;
  for (const Field& field : dtype.fields()) {
    const std::vector<ByteRun> inner = data_runs(field.dtype);
    const std::int64_t repeat = field.shape.count();
    if (inner.size() == 1 && inner[0].offset == 0 && inner[0].nbytes == field.dtype.itemsize()) {
      append_run(runs, {field.offset, field.nbytes()});
      continue;
    }
    for (std::int64_t i = 0; i < repeat; ++i) {
      for (const ByteRun& run : inner)
        append_run(runs, {field.offset + i * field.dtype.itemsize() + run.offset, run.nbytes});
    }
  }
  return runs;
}

}  // namespace internal
}  // namespace ndshare
