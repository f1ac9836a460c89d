/// How much of a long test a sanitizer runs.
#pragma once

namespace ndshare::test {

/// Sanitizers run a fifth of the random cases and of the largest sizes: they look at how a loop goes, not for its rarest value.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSample = 5;
#else
inline constexpr int kSample = 1;
#endif

}  // namespace ndshare::test
