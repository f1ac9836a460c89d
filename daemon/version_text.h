/// The daemon's version as text, from the public header's numbers.
#pragma once

#include <ndshare/version.h>

#define NDSHARE_TEXT_OF(number) #number
#define NDSHARE_TEXT(number) NDSHARE_TEXT_OF(number)

namespace ndshare::internal {

inline constexpr const char* kVersionText =
    NDSHARE_TEXT(NDSHARE_VERSION_MAJOR) "." NDSHARE_TEXT(NDSHARE_VERSION_MINOR) "." NDSHARE_TEXT(NDSHARE_VERSION_PATCH);

}  // namespace ndshare::internal
