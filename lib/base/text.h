/// Small text helpers: byte sizes for people, names that may be used, patterns, numbers from text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ndshare::internal {

/// "1.5 GiB", "640 KiB", "17 B": three digits at most, powers of 1024.
std::string format_bytes(std::uint64_t bytes);

/// "12 345 678": groups of three, so that large counts can be read.
std::string format_count(std::uint64_t count);

/// A duration for people: "3.2 ms", "1.25 s", "4 min".
std::string format_seconds(double seconds);

/// Reads "64M", "1.5G", "4096", "2T", "10KiB" (1024 each) into bytes; nothing where it is not such a size or over 2^63.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// Reads a whole decimal number; nothing where any other byte is there or it does not fit.
std::optional<std::int64_t> parse_int(std::string_view text);

/// Whether `text` matches a shell pattern of `*`, `?` and literal bytes; `*` also matches '/'. Linear in practice, no recursion.
bool glob_match(std::string_view pattern, std::string_view text) noexcept;

/// `text` with control bytes, quotes and broken UTF-8 written as \xNN, so that messages stay on one line.
std::string printable(std::string_view text);

/// Throws ErrorCode::Name unless `name` can name an array: 1 to 255 bytes of valid UTF-8, no control bytes, no empty, "." or
/// ".." part between slashes, no leading or trailing slash or space, none of []*?"'\ (they belong to indices and patterns).
void check_array_name(std::string_view name);

/// Throws ErrorCode::Name unless `name` can name a store: 1 to 64 of letters, digits, '_', '-' and '.', not starting with '.'.
void check_store_name(std::string_view name);

}  // namespace ndshare::internal
