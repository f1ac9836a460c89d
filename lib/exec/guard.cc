#include "lib/exec/guard.h"

#include <ndshare/error.h>

#include "lib/array/warm_memory.h"
#include "lib/base/text.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace ndshare::internal {
namespace {

__extension__ using Wide = unsigned __int128;  // a byte count that no shape of up to five axes can wrap

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kAlwaysFine = std::int64_t{16} << 20;  // bytes; smaller results are not worth reading files for

std::optional<std::int64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  if (!(file >> word)) return std::nullopt;
  return parse_int(word);  // "max" is no number: no limit
}

// The number behind `key` in a file of "key number" lines.
std::int64_t read_key(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string word, rest;
  while (file >> word) {
    if (word == key && file >> rest) return parse_int(rest).value_or(0);
    std::getline(file, rest);
  }
  return 0;
}

// What one control group has left; its page cache can be dropped, so it counts as free.
std::int64_t left_in_group(const std::string& folder, const char* limit, const char* usage, const char* cache) {
  const auto most = read_number(folder + limit);
  const auto used = read_number(folder + usage);
  if (!most || !used) return kNoLimit;
  const std::int64_t droppable = std::min(*used, read_key(folder + "/memory.stat", cache));
  return std::max<std::int64_t>(0, *most - (*used - droppable));
}

// Lines are "0::/path" (v2) and "7:memory:/path" (v1). In a container the path may be the host's: the root is looked at
// too.
std::int64_t left_in_groups() {
  std::ifstream file("/proc/self/cgroup");
  std::int64_t left = kNoLimit;
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    for (const std::string& where : {path == "/" ? std::string() : path, std::string()}) {
      if (controllers.empty()) {
        left =
            std::min(left, left_in_group("/sys/fs/cgroup" + where, "/memory.max", "/memory.current", "inactive_file"));
      } else if (controllers == "memory") {
        left = std::min(left, left_in_group("/sys/fs/cgroup/memory" + where, "/memory.limit_in_bytes",
                                            "/memory.usage_in_bytes", "total_inactive_file"));
      }
    }
  }
  return left;
}

std::string format_huge(Wide bytes) {
  constexpr auto kMost = static_cast<Wide>(std::numeric_limits<std::uint64_t>::max());
  return bytes > kMost ? "over 16 EiB" : format_bytes(static_cast<std::uint64_t>(bytes));
}

// "(5000000, 1000, 1) grows along axis 2 (1 -> 10)" for each operand that is stretched.
std::string growth(const Shape& result, std::span<const Array> operands) {
  std::string text;
  for (const Array& array : operands) {
    const Shape& operand = array.shape();
    std::string axes;
    for (int axis = 0; axis < result.ndim(); ++axis) {
      const int own = axis - (result.ndim() - operand.ndim());
      const std::int64_t length = own < 0 ? 1 : operand[own];
      if (length == result[axis]) continue;
      axes += (axes.empty() ? "" : ", ") + std::to_string(axis) + " (" + std::to_string(length) + " -> " +
              std::to_string(result[axis]) + ")";
    }
    if (!axes.empty()) text += (text.empty() ? "" : "; ") + operand.str() + " grows along axis " + axes;
  }
  return text;
}

struct Request {
  std::string_view what;
  const Shape& shape;
  std::span<const Array> operands;
  Wide bytes;
  bool over;  // 128 bits
};

[[noreturn]] void refuse(const Request& request, const std::string& limit, std::int64_t allowed) {
  const std::string asked = request.over ? "over 16 EiB" : format_huge(request.bytes);
  std::string text = std::string(request.what) + ": a result of shape " + request.shape.str() + " takes " + asked +
                     ", the limit is " + limit;
  const std::string grown = growth(request.shape, request.operands);
  if (!grown.empty()) text += ": " + grown;
  text += ". Nothing was allocated. Work in slices along axis 0, each with its `out`, or reduce before broadcasting";
  throw Error(Error::MemoryGuard, text,
              {{"shape", request.shape.str()}, {"asked", asked}, {"allowed_bytes", std::to_string(allowed)}});
}

void check_expansion(const Request& request, double most) {
  std::int64_t largest = 0;
  for (const Array& operand : request.operands) largest = std::max(largest, operand.nbytes());
  const double limit = static_cast<double>(largest) * most;
  if (largest == 0 || (!request.over && static_cast<double>(request.bytes) <= limit)) return;
  refuse(request, std::to_string(most) + " times the largest operand (limit max_expansion)",
         static_cast<std::int64_t>(std::min(limit, 9e18)));
}

}  // namespace

std::int64_t available_memory() {
  const std::int64_t machine = read_key("/proc/meminfo", "MemAvailable:");  // kB
  const std::int64_t left = std::min(machine > 0 ? machine * 1024 : kNoLimit, left_in_groups());
  return std::max<std::int64_t>(0, left - reused_bytes());  // in use, whatever the kernel counts it as
}

std::int64_t allowed_bytes() {
  const std::int64_t set = limits().max_bytes;
  return set > 0 ? set : available_memory() / 2;
}

void check_result_memory(std::string_view what, const Shape& shape, std::int64_t itemsize, std::span<const Array> operands) {
  Wide elements = 1;
  bool over = false;  // 32 axes of 2^63 pass 128 bits too
  for (const std::int64_t length : shape) {
    if (length == 0) return;
    over = __builtin_mul_overflow(elements, static_cast<Wide>(length), &elements) || over;
  }
  Wide bytes = 0;
  over = __builtin_mul_overflow(elements, static_cast<Wide>(itemsize), &bytes) || over;
  const LimitSettings set = limits();
  const Request request{what, shape, operands, bytes, over};
  if (set.max_elements > 0 && (over || elements > static_cast<Wide>(set.max_elements))) {
    refuse(request, std::to_string(set.max_elements) + " elements (limit max_elements)", set.max_elements * itemsize);
  }
  if (set.max_expansion > 0) check_expansion(request, set.max_expansion);
  if (!over && bytes <= static_cast<Wide>(kAlwaysFine) && set.max_bytes == 0) return;
  const std::int64_t allowed = allowed_bytes();
  if (!over && bytes <= static_cast<Wide>(allowed)) return;
  refuse(request, format_bytes(static_cast<std::uint64_t>(allowed)) +
                      (set.max_bytes > 0 ? " (limit max_bytes)" : " (half of the memory available)"), allowed);
}

void throw_no_scratch(std::string_view what) {
  throw Error(Error::Memory, std::string(what) + ": no memory for the tables and copies that it works with: free some, or work in parts");
}

void check_ranks(std::string_view what, const Shape& shape, std::span<const Shape> operands) {
  const Ranks ranks = limits().ranks;
  if (ranks == Ranks::any) return;
  for (const Shape& operand : operands) {
    if (operand.empty() || (ranks == Ranks::same_rank ? operand.ndim() == shape.ndim() : operand == shape)) continue;
    throw Error(Error::ShapeMismatch,
                std::string(what) + ": an operand of shape " + operand.str() + " would be stretched to " + shape.str() +
                    ", which the limit on ranks forbids: say so with broadcast_to or expand_dims",
                {{"operand", operand.str()}, {"result", shape.str()}});
  }
}

}  // namespace ndshare::internal
