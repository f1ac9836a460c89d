#include "tools/cli/verb.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <ndshare/error.h>

#include "lib/base/text.h"

namespace ndshare::cli {
namespace {

/// Levenshtein's distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::chrono::nanoseconds Context::timeout() const {
  // Above 30 years a wait is for ever, and the nanoseconds stay inside 64 bits.
  const double seconds = timeout_s < 1e9 ? timeout_s : 1e9;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

Store Context::connect(Role role) const { return Store::connect(store, {.role = role, .timeout = timeout()}); }

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> list = {
#define NDSHARE_VERB(id, summary, example) {#id, summary, example, setup_##id},
#include "tools/cli/verb_list.inc"
#undef NDSHARE_VERB
  };
  return list;
}

std::string_view nearest_verb(std::string_view word) {
  std::string_view best;
  std::size_t best_distance = 3;  // more wrong letters than two are another word
  for (const auto& verb : verbs()) {
    const auto distance = edit_distance(word, verb.name);
    if (distance < best_distance && distance < std::max(word.size(), verb.name.size())) {
      best = verb.name;
      best_distance = distance;
    }
  }
  return best;
}

std::uint64_t parse_size(std::string_view text, std::string_view flag) {
  if (text.empty()) return 0;
  if (const auto bytes = internal::parse_bytes(text)) return *bytes;
  throw Error(ErrorCode::Format,
              std::string(flag) + ": '" + internal::printable(text) +
                  "' is no size; write bytes, or a number with K, M, G or T "
                  "(1024 each): 64M, 1.5G",
              {{"text", std::string(text)}});
}

std::uint64_t parse_capacity(std::string_view text) {
  const auto bytes = parse_size(text, "--capacity");
  if (bytes == 0 && !text.empty())
    throw Error(ErrorCode::Usage, "--capacity: a store of 0 bytes holds nothing; leave it away for half of the memory");
  return bytes;
}

double parse_seconds(std::string_view text, std::string_view flag) {
  double seconds = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size() && seconds >= 0 && seconds < 1e9) return seconds;
  throw Error(ErrorCode::Usage,
              std::string(flag) + ": takes seconds, as 5 or 0.5, not '" + internal::printable(text) + "'");
}

Attrs parse_attrs(const std::vector<std::string>& words) {
  Attrs attrs;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(ErrorCode::Usage, "--attr: '" + internal::printable(word) + "' is no key=value");
    attrs[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return attrs;
}

}  // namespace ndshare::cli
