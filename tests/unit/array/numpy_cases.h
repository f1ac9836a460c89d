/// Cases that a Python program with NumPy writes and a test reads: records of byte strings, each with its length before
/// it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::test {

using Record = std::vector<std::string>;

inline std::vector<Record> read_records(const std::string& path, std::size_t fields) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<Record> records;
  Record record;
  for (std::size_t at = 0; at + 4 <= bytes.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
      length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    record.push_back(bytes.substr(at + 4, length));
    at += 4 + length;
    if (record.size() == fields) records.push_back(std::move(record)), record.clear();
  }
  return records;
}

inline void write_records(const std::string& path, const std::vector<std::string>& fields) {
  std::ofstream file(path, std::ios::binary);
  for (const std::string& field : fields) {
    for (std::size_t i = 0; i < 4; ++i) file.put(static_cast<char>(field.size() >> (8 * i) & 0xff));
    file.write(field.data(), static_cast<std::streamsize>(field.size()));
  }
}

/// Runs tests/unit/array/<script> with the arguments; a failure (NumPy missing included) fails the test.
inline std::string run_script(const std::string& script, std::vector<std::string> arguments) {
  std::vector<std::string> command = {"/usr/bin/python3", std::string(NDSHARE_ARRAY_TESTS) + "/" + script};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const Finished done =
      run(command, {.input = {}, .env = {{"PYTHONDONTWRITEBYTECODE", "1"}}, .watchdog = std::chrono::seconds(120)});
  EXPECT_EQ(done.status, 0) << script << ": " << done.err;
  return done.out;
}

/// NDSHARE_TEST_SEED, or a fixed one: a failing run can be repeated, and others tried.
inline std::uint64_t test_seed() {
  const char* text = std::getenv("NDSHARE_TEST_SEED");
  return text == nullptr ? 20010101 : std::strtoull(text, nullptr, 10);
}

}  // namespace ndshare::test
