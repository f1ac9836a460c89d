// The version of ndshare, and what a build was made of.
#pragma once

#include <ndshare/export.h>

#include <string>

#define NDSHARE_VERSION_MAJOR 0
#define NDSHARE_VERSION_MINOR 1
#define NDSHARE_VERSION_PATCH 0

namespace ndshare {

/// "0.1.0".
[[nodiscard]] NDSHARE_API std::string version();
/// The compiler and its version, for reports.
[[nodiscard]] NDSHARE_API std::string compiler();

}  // namespace ndshare
