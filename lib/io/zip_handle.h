// libzip's handles with owners, and its errors as ours. Only lib/io names libzip.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <zip.h>

namespace ndshare::internal {

/// An archive that is only read, or whose changes are dropped unless `zip_close` took it.
struct ZipDiscard {
  void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
};
using ZipHandle = std::unique_ptr<zip_t, ZipDiscard>;

struct ZipFileClose {
  void operator()(zip_file_t* file) const noexcept { zip_fclose(file); }
};
using ZipFileHandle = std::unique_ptr<zip_file_t, ZipFileClose>;

/// Throws what `error` says: Io where the system refused something, Format where the archive is damaged.
[[noreturn]] void zip_failure(std::string_view action, std::string_view file, zip_error_t* error);

/// Why `name` cannot name an array in a .npz; empty where it can.
std::string_view npz_name_fault(std::string_view name) noexcept;

}  // namespace ndshare::internal
