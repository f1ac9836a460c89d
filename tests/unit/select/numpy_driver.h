// What the comparisons with NumPy in this folder share: running their Python, and reading its lines.
#pragma once

#include "tests/support/support.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ndshare::test {

/// The words between marks.
std::vector<std::string> split_at(const std::string& text, char mark);
/// "1,-2,3" as numbers; "-" is none.
std::vector<std::int64_t> numbers(const std::string& text);

/// Runs numpy_inputs.py with `script` behind it, which makes `count` cases from `seed`; calls check(folder of its files, line) for
/// each line, with arithmetic errors ignored.
void for_numpy_cases(const std::string& script, std::uint64_t seed, int count,
                     const std::function<void(const ScratchDir&, const std::string&)>& check);

}  // namespace ndshare::test
