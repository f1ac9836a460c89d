#include "tests/unit/select/numpy_driver.h"

#include <ndshare/errstate.h>

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace ndshare::test {
namespace {

std::string text_of(const std::string& file) {
  std::ifstream from(std::string(NDSHARE_SELECT_TESTS) + "/" + file);
  return {std::istreambuf_iterator<char>(from), {}};
}

}  // namespace

std::vector<std::string> split_at(const std::string& text, char mark) {
  std::vector<std::string> out;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, mark);) out.push_back(word);
  return out;
}

std::vector<std::int64_t> numbers(const std::string& text) {
  std::vector<std::int64_t> out;
  for (const std::string& word : split_at(text == "-" ? "" : text, ',')) out.push_back(std::stoll(word));
  return out;
}

void for_numpy_cases(const std::string& script, std::uint64_t seed, int count,
                     const std::function<void(const ScratchDir&, const std::string&)>& check) {
  const ScratchDir dir;
  const Finished numpy = run_numpy(text_of("numpy_inputs.py") + text_of(script),
                                   {dir.path().string(), std::to_string(seed), std::to_string(count)});
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  const ErrState quiet{.divide = Err::ignore, .over = Err::ignore, .invalid = Err::ignore};
  std::istringstream lines(numpy.out);
  int ran = 0;
  for (std::string line; std::getline(lines, line); ++ran) check(dir, line);
  EXPECT_EQ(ran, count);
}

}  // namespace ndshare::test
