// ndshare create: an array of zeros, of anything, or of one value.
#include <charconv>
#include <complex>
#include <memory>
#include <optional>
#include <ostream>

#include <ndshare/create.h>
#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/describe.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

struct CreateFlags {
  std::string name, dtype, shape, fill = "zeros";
  bool seal = false, replace = false;
  std::vector<std::string> attrs;
};

/// The real and the imaginary part of "1+2j", "-0.5j" or "(1-1j)".
std::optional<std::complex<double>> parse_complex(std::string_view text) {
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  if (!text.ends_with('j')) return std::nullopt;
  text.remove_suffix(1);
  std::vector<double> parts;
  while (!text.empty() && parts.size() < 2) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double part = 0;
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), part);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(at - text.data()));
    parts.push_back(part);
  }
  if (!text.empty() || parts.empty()) return std::nullopt;
  return parts.size() == 1 ? std::complex<double>(0, parts[0]) : std::complex<double>(parts[0], parts[1]);
}

/// What `text` is for arrays of `dtype`: "7", "-1.5", "true", "1+2j"; for arrays of text it is a text, "7" too.
Scalar parse_value(const std::string& text, const DType& dtype) {
  if (dtype.is_text()) return text;
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, integer); error == std::errc() && at == end)
    return integer;
  std::uint64_t big = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, big); error == std::errc() && at == end) return big;
  double real = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, real); error == std::errc() && at == end) return real;
  if (dtype.is_complex()) {
    if (const auto number = parse_complex(text)) return *number;
  }
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  return text;
}

/// As Shape::parse(), with the text in the error.
Shape parse_shape(const std::string& text) {
  try {
    return Shape::parse(text);
  } catch (const Error& error) {
    throw Error(error.code(), "--shape '" + internal::printable(text) + "': " + error.message(), error.details());
  }
}

int create(const CreateFlags& flags, Context& context) {
  const auto dtype = DType::parse(flags.dtype);
  const auto shape = parse_shape(flags.shape);
  CreateOptions options;
  options.fill = flags.fill == "zeros" ? Fill::zeros : Fill::empty;
  options.attrs = parse_attrs(flags.attrs);
  options.replace = flags.replace;
  Store store = context.connect();
  SharedArray array = store.create(flags.name, dtype, shape, options);
  auto guard = array.write();
  try {
    if (flags.fill != "zeros" && flags.fill != "empty") fill(guard.array(), parse_value(flags.fill, dtype));
    guard.release();
  } catch (...) {
    guard.abandon();  // it goes with this process, unseen
    throw;
  }
  if (flags.seal) array.seal();
  if (context.json) print_json(context.out, to_json(array.info()));
  return 0;
}

}  // namespace

Logic setup_create(Flags& flags) {
  auto chosen = std::make_shared<CreateFlags>();
  flags.word(chosen->name, "NAME", "of the new array");
  flags.required_text(chosen->dtype, "--dtype", "f4, int64, U10, datetime64[m], ts:i8,v:f4");
  flags.required_text(chosen->shape, "--shape", "lengths of the axes: 1000,3; () for none");
  flags.text(chosen->fill, "--fill", "zeros (default), empty, or a value");
  flags.texts(chosen->attrs, "--attr", "key=value kept with the array (may be repeated)");
  flags.flag(chosen->seal, "--seal", "make it immutable at once");
  flags.flag(chosen->replace, "--replace", "take the name over from the array that has it");
  return [chosen](Context& context) { return create(*chosen, context); };
}

}  // namespace ndshare::cli
