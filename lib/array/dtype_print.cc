#include <ndshare/dtype.h>
#include <ndshare/error.h>

#include "lib/array/datetime.h"
#include "lib/array/dtype_record.h"
#include "lib/array/text.h"

#include <algorithm>

namespace ndshare {

namespace {

std::string_view base_name(TypeId id) {
  switch (id) {
#define NDSHARE_DTYPE(row, lane, name, kind, code, itemsize) \
  case TypeId::row:                                          \
    return name;
#define NDSHARE_DTYPE_SIZED(row, name, kind) \
  case TypeId::row:                          \
    return name;
#include <ndshare/dtype_list.inc>
  }
  return "?";
}

std::string quoted_name(const std::string& name) {
  if (const auto text = internal::decode_utf8(name)) return internal::repr_str(*text);
  return internal::repr_bytes(name).substr(1);
}

// "f4", "S3", "U10", "M8[25s]": without byte order.
std::string code_and_size(const DType& dtype) {
  const std::string kind(1, dtype.kind());
  if (dtype.is_time()) return kind + "8" + internal::unit_suffix(dtype.unit(), dtype.unit_multiple());
  return kind + std::to_string(dtype.is_text() ? dtype.length() : dtype.itemsize());
}

bool has_byte_order(const DType& dtype) { return dtype.itemsize() > 1 && dtype.id() != TypeId::bytes; }

// Which of NumPy's ways to print fields. `exact` reads back with every offset: it names the aligned flag at every
// depth, and leaves it to explicit offsets where a packed structure stands inside (whoever reads 'aligned' aligns that
// too).
enum class Form { exact, outer_aligned, not_aligned };

bool aligned_throughout(const DType& dtype) {
  const auto fields = dtype.fields();
  return fields.empty() ||
         (dtype.is_aligned_struct() && std::all_of(fields.begin(), fields.end(),
                                                   [](const Field& field) { return aligned_throughout(field.dtype); }));
}

bool shows_aligned(const DType& dtype, Form form) {
  if (form == Form::not_aligned || !dtype.is_aligned_struct()) return false;
  return form == Form::outer_aligned || aligned_throughout(dtype);
}

std::string struct_text(const DType& dtype, Form form);

// NumPy's _construction_repr(short=True): '<f4', '?', 'i1', ('<f4', (2, 3)), [...].
std::string element_text(const DType& dtype, Form form) {
  if (dtype.is_structured()) return struct_text(dtype, form == Form::exact ? Form::exact : Form::not_aligned);
  if (dtype.is_bool()) return "'?'";
  return (has_byte_order(dtype) ? "'<" : "'") + code_and_size(dtype) + "'";
}

std::string list_text(const DType& dtype, Form form) {
  std::string text = "[";
  for (const Field& field : dtype.fields()) {
    if (text.size() > 1) text += ", ";
    text += "(" + quoted_name(field.name) + ", " + element_text(field.dtype, form);
    if (!field.shape.empty()) text += ", " + field.shape.str();
    text += ")";
  }
  return text + "]";
}

std::string dict_text(const DType& dtype, Form form) {
  std::string names;
  std::string formats;
  std::string offsets;
  for (const Field& field : dtype.fields()) {
    const std::string separator = names.empty() ? "" : ", ";
    const std::string element = element_text(field.dtype, form);
    names += separator + quoted_name(field.name);
    formats += separator + (field.shape.empty() ? element : "(" + element + ", " + field.shape.str() + ")");
    offsets += separator + std::to_string(field.offset);
  }
  const bool aligned = shows_aligned(dtype, form);
  return "{'names': [" + names + "], 'formats': [" + formats + "], 'offsets': [" + offsets +
         "], 'itemsize': " + std::to_string(dtype.itemsize()) + (aligned ? ", 'aligned': True}" : "}");
}

std::string struct_text(const DType& dtype, Form form) {
  // NumPy's list form of an aligned structure leaves its padding to align=True around it; exact text never does.
  const bool needs_dict = form == Form::exact ? dtype.is_aligned_struct() : shows_aligned(dtype, form);
  return !needs_dict && internal::is_simple_struct(dtype) ? list_text(dtype, form) : dict_text(dtype, form);
}

[[noreturn]] void throw_overlap(const DType& dtype) {
  throw Error(ErrorCode::DType, "dtype " + dtype.to_string() +
                                    " has overlapping or out-of-order fields, which a descr cannot say: copy the "
                                    "fields you need into a packed dtype");
}

std::string descr_of(const DType& dtype) {
  if (!dtype.is_structured()) return "'" + dtype.str() + "'";
  std::string text = "[";
  std::int64_t end = 0;
  const auto append = [&text](const std::string& item) { text += (text.size() > 1 ? ", " : "") + item; };
  for (const Field& field : dtype.fields()) {
    if (field.offset < end) throw_overlap(dtype);
    if (field.offset > end) append("('', '|V" + std::to_string(field.offset - end) + "')");
    append("(" + quoted_name(field.name) + ", " + descr_of(field.dtype) +
           (field.shape.empty() ? "" : ", " + field.shape.str()) + ")");
    end = field.offset + field.nbytes();
  }
  if (dtype.itemsize() > end) append("('', '|V" + std::to_string(dtype.itemsize() - end) + "')");
  return text + "]";
}

}  // namespace

namespace internal {

bool is_simple_struct(const DType& dtype) {
  const bool aligned = dtype.is_aligned_struct();
  const auto up = [](std::int64_t at, std::int64_t to) { return (at + to - 1) / to * to; };
  std::int64_t end = 0;
  std::int64_t largest = 1;
  for (const Field& field : dtype.fields()) {
    if (aligned) {
      end = up(end, field.dtype.alignment());
      largest = std::max(largest, field.dtype.alignment());
    }
    if (field.offset != end) return false;
    end += field.nbytes();
  }
  return dtype.itemsize() == (aligned ? up(end, largest) : end);
}

}  // namespace internal

std::string DType::str() const {
  if (is_structured()) return struct_text(*this, Form::exact);
  return (has_byte_order(*this) ? "<" : "|") + code_and_size(*this);
}

std::string DType::name() const {
  const std::string base(base_name(id_));
  if (is_time()) return base + internal::unit_suffix(unit_, multiple_);
  return is_numeric() ? base : base + std::to_string(itemsize() * 8);
}

std::string DType::descr() const { return descr_of(*this); }

std::string DType::to_string() const {
  if (is_structured()) return struct_text(*this, Form::outer_aligned);
  return is_text() ? str() : name();
}

std::string DType::repr() const {
  if (is_structured())
    return "dtype(" + struct_text(*this, Form::not_aligned) + (is_aligned_struct() ? ", align=True)" : ")");
  if (is_numeric()) return "dtype('" + name() + "')";
  return "dtype(" + element_text(*this, Form::exact) + ")";
}

}  // namespace ndshare
