#include <ndshare/version.h>

namespace ndshare {

std::string version() {
  return std::to_string(NDSHARE_VERSION_MAJOR) + "." + std::to_string(NDSHARE_VERSION_MINOR) + "." +
         std::to_string(NDSHARE_VERSION_PATCH);
}

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace ndshare
