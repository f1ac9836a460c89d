// What the tests of lib/io share: files as strings, arrays from text, elements as bytes.
#pragma once

#include <ndshare/create.h>
#include <ndshare/io.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace ndshare::test {

inline std::string data_file(std::string_view name) { return std::string(NDSHARE_TEST_DATA) + "/" + std::string(name); }

inline std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void spit(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// The elements in C order, as bytes.
inline std::string element_bytes(const Array& array) {
  const Array plain = array.copy();
  return {reinterpret_cast<const char*>(plain.data()), static_cast<std::size_t>(plain.nbytes())};
}

inline Array load_bytes(std::string_view file, const LoadOptions& options = {}) {
  const auto source = memory_source(bytes_of(file), "<test>");
  return read_npy(*source, read_npy_header(*source), options);
}

inline std::string npy_bytes(const Array& array) {
  std::string out;
  write_npy(*memory_sink(out), array);
  return out;
}

inline Array csv(std::string_view text, const CsvOptions& options = {}) {
  return read_csv(*memory_source(bytes_of(text), "t.csv"), options);
}

inline CsvScan scan_text(std::string_view text, const CsvOptions& options = {}) {
  return scan_csv(*memory_source(bytes_of(text), "t.csv"), options);
}

/// A .npy file with this header text.
inline std::string npy_with(std::string header, std::string_view data = {}, char major = 1) {
  header += '\n';
  std::string file = std::string("\x93NUMPY") + major + '\0';
  const std::size_t width = major == 1 ? 2 : 4;
  for (std::size_t i = 0; i < width; ++i) file += static_cast<char>((header.size() >> (8 * i)) & 0xFF);
  return file + header + std::string(data);
}

}  // namespace ndshare::test
