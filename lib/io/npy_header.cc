// Headers of .npy files, read and written. Source: NumPy's NEP 1 and the format description in numpy.lib.format (1.24).
#include <ndshare/io.h>

#include "lib/base/text.h"
#include "lib/io/file.h"
#include "lib/io/literal.h"
#include "lib/io/utf8.h"

#include <array>
#include <string_view>

namespace ndshare {
namespace {

using internal::format_error;

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;         // of the first element in the file
constexpr std::size_t kLengthAxisDigits = 21;  // NumPy leaves room so that the growing axis can be rewritten in place

std::string number(std::int64_t value) { return std::to_string(value); }

/// Reads exactly `count` bytes of the header.
std::string read_part(Source& source, std::size_t count, std::string_view what) {
  std::string text(count, '\0');
  const std::size_t got = source.read_fully(reinterpret_cast<std::byte*>(text.data()), count);
  if (got < count) {
    format_error(source.name(), "not a complete .npy file: the " + std::string(what) + " takes " +
                                    std::to_string(count) + " bytes, the file ends after " + std::to_string(got) +
                                    " of them");
  }
  return text;
}

struct Prefix {
  int major = 1;
  std::int64_t header_bytes = 0, prefix_bytes = 0;
};

Prefix read_prefix(Source& source) {
  const std::string magic = read_part(source, kMagic.size() + 2, "magic and version");
  if (std::string_view(magic).substr(0, kMagic.size()) != kMagic) {
    const bool zip = magic.starts_with("PK\x03\x04");
    format_error(source.name(), "not a .npy file: it begins with '" + internal::printable(magic.substr(0, 6)) +
                                    "', not '" + internal::printable(kMagic) + "'" +
                                    (zip ? " (a .npz file? read it as one)" : ""));
  }
  const int major = static_cast<unsigned char>(magic[6]), minor = static_cast<unsigned char>(magic[7]);
  if (major < 1 || major > 3 || minor != 0) {
    format_error(source.name(), "unknown .npy version " + std::to_string(major) + "." + std::to_string(minor) +
                                    "; 1.0, 2.0 and 3.0 can be read");
  }
  const std::size_t width = major == 1 ? 2 : 4;
  const std::string bytes = read_part(source, width, "header's length");
  std::int64_t length = 0;
  for (std::size_t i = 0; i < width; ++i) length |= std::int64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return {major, length, static_cast<std::int64_t>(magic.size() + width)};
}

/// The header's text as UTF-8.
std::string read_text(Source& source, const Prefix& prefix) {
  if (prefix.header_bytes > NpyHeader::kMaxBytes) {
    format_error(source.name(), "the .npy header claims " + number(prefix.header_bytes) + " bytes; the limit is " +
                                    number(NpyHeader::kMaxBytes));
  }
  std::string text = read_part(source, static_cast<std::size_t>(prefix.header_bytes), "header");
  if (prefix.major < 3) return internal::latin1_to_utf8(text);
  if (!internal::utf8_count(text)) format_error(source.name(), "the .npy header (version 3.0) is not valid UTF-8");
  return text;
}

/// Whether a spelling names NumPy's object dtype, alone or in a field.
bool names_object(std::string_view descr) {
  if (descr == "O" || descr == "object") return true;
  for (const std::string_view object : {"|O", "<O", ">O", "=O", "'O'", "\"O\"", "'object'", "O4", "O8"}) {
    const auto at = descr.find(object);
    // 'O4' only as a whole spelling: a field may well be named so.
    if (at != std::string_view::npos && (object[0] != 'O' || descr.size() == 2)) return true;
  }
  return false;
}

void parse_dtype(NpyHeader& header, const std::string& descr, const std::string& file) {
  try {
    ForeignDType foreign = parse_foreign_dtype(descr);
    header.dtype = std::move(foreign.dtype);
    header.swaps = std::move(foreign.swaps);
  } catch (const Error& error) {
    if (names_object(descr)) {
      format_error(
          file,
          "holds Python objects (dtype object, '|O'), pickled; they are refused, since reading them runs code: "
          "convert the array in Python and save it again",
          {{"dtype", "object"}});
    }
    format_error(file, "dtype of the .npy header: " + error.message());
  }
}

void check_length(NpyHeader& header, const Source& source) {
  const auto length = source.length();
  if (!length) return;
  const std::int64_t there = *length - header.data_offset;
  if (there != header.data_bytes) {
    const std::string which = there < header.data_bytes ? "truncated" : "too long";
    format_error(source.name(),
                 which + " .npy file: " + header.shape.str() + " " + header.dtype.to_string() + " takes " +
                     number(header.data_bytes) + " bytes of data, the file has " + number(there) +
                     " after its header of " + number(header.data_offset),
                 {{"expected_bytes", number(header.data_bytes)}, {"actual_bytes", number(there)}});
  }
  header.file_bytes = *length;
}

}  // namespace

NpyHeader read_npy_header(Source& source) {
  const Prefix prefix = read_prefix(source);
  const auto literal = internal::parse_header_literal(read_text(source, prefix), source.name());
  NpyHeader header;
  header.data_offset = prefix.prefix_bytes + prefix.header_bytes;
  header.order = literal.fortran_order ? Order::F : Order::C;
  parse_dtype(header, literal.descr, source.name());
  try {
    header.shape = Shape(std::span<const std::int64_t>(literal.shape));
    header.data_bytes = header.shape.nbytes(header.dtype.itemsize());
    static_cast<void>(Layout::contiguous(header.shape, header.dtype.itemsize(), header.order));
  } catch (const Error& error) {
    format_error(source.name(), "shape of the .npy header: " + error.message());
  }
  check_length(header, source);
  return header;
}

std::string npy_header_bytes(const DType& dtype, const Shape& shape, Order order) {
  std::string text = "{'descr': " + dtype.descr() + ", 'fortran_order': " + (order == Order::F ? "True" : "False") +
                     ", 'shape': " + shape.str() + ", }";
  if (shape.ndim() > 0) {
    const std::size_t digits = number(order == Order::F ? shape.back() : shape[0]).size();
    text.append(kLengthAxisDigits - digits, ' ');
  }
  int major = 1;
  if (const auto latin1 = internal::utf8_to_latin1(text)) {
    text = *latin1;
  } else {
    major = 3;
  }
  // NumPy pads with 1 to 64 spaces, never with none.
  const auto padded = [&](std::size_t prefix) {
    const std::size_t length = text.size() + 1;
    return length + kAlignment - (prefix + length) % kAlignment;
  };
  if (major == 1 && padded(kMagic.size() + 4) > 0xFFFF) major = 2;
  const std::size_t width = major == 1 ? 2 : 4;
  const std::size_t length = padded(kMagic.size() + 2 + width);
  std::string bytes(kMagic);
  bytes += static_cast<char>(major);
  bytes += '\0';
  for (std::size_t i = 0; i < width; ++i) bytes += static_cast<char>((length >> (8 * i)) & 0xFF);
  bytes += text;
  bytes.append(length - text.size() - 1, ' ');
  return bytes + '\n';
}

}  // namespace ndshare
