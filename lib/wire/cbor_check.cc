#include "lib/wire/cbor_check.h"

#include <array>
#include <string>

#include <ndshare/error.h>

namespace ndshare::internal {
namespace {

constexpr std::size_t kDepthLimit = 16;

/// First byte of an item: the major type in 3 bits, then a small argument or its width.
enum Major : unsigned { kUnsigned = 0, kNegative = 1, kBytes = 2, kText = 3, kList = 4, kMap = 5, kTag = 6, kSimple = 7 };

struct Head {
  unsigned major = 0, info = 0;
  std::uint64_t argument = 0;
};

class Walk {
 public:
  explicit Walk(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  void run(std::size_t max_depth) {
    std::array<std::uint64_t, kDepthLimit + 1> left{1};  // items still to come on each level
    std::size_t depth = 0;
    while (true) {
      while (left[depth] == 0) {
        if (depth == 0) return at_ == bytes_.size() ? void() : refuse("bytes after the end");
        --depth;
      }
      --left[depth];
      const auto items = next();
      if (items == 0) continue;
      if (depth == max_depth || depth == kDepthLimit) refuse("nested too deeply");
      left[++depth] = items;
    }
  }

 private:
  [[noreturn]] void refuse(const char* what) const {
    throw Error(ErrorCode::Protocol, "message: " + std::string(what) + " at byte " + std::to_string(at_) + " of " +
                                         std::to_string(bytes_.size()));
  }

  Head head() {
    if (at_ == bytes_.size()) refuse("it ends too early");
    Head out;
    out.major = bytes_[at_] >> 5U;
    out.info = bytes_[at_++] & 31U;
    if (out.info < 24) {
      out.argument = out.info;
      return out;
    }
    if (out.info > 27) refuse("an indefinite or reserved length");
    const std::size_t width = std::size_t{1} << (out.info - 24);
    if (bytes_.size() - at_ < width) refuse("it ends too early");
    for (std::size_t i = 0; i < width; ++i) out.argument = out.argument << 8U | bytes_[at_++];
    return out;
  }

  /// Steps over one item; the number of items inside it that follow.
  std::uint64_t next() {
    const auto item = head();
    const auto left = bytes_.size() - at_;
    switch (item.major) {
      case kBytes:
      case kText:
        if (item.argument > left) refuse("text longer than the message");
        at_ += static_cast<std::size_t>(item.argument);
        return 0;
      case kList:
        if (item.argument > left) refuse("a list longer than the message");
        return item.argument;
      case kMap:
        if (item.argument > left / 2) refuse("a map longer than the message");
        return item.argument * 2;
      case kTag: refuse("a tag");
      case kSimple:
        // false, true, null, and the floats: no message has the last two, the field's check says so by name.
        if (item.info < 20 || item.info == 23 || item.info == 24) refuse("an unknown simple value");
        return 0;
      default: return 0;
    }
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

}  // namespace

void check_cbor(std::span<const std::uint8_t> bytes, std::size_t max_depth) { Walk(bytes).run(max_depth); }

}  // namespace ndshare::internal
