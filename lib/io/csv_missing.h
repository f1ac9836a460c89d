// Fields without a value.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare::internal {

/// The texts that stand for no value: the empty one, and some words.
class MissingTexts {
 public:
  explicit MissingTexts(std::span<const std::string> texts) : texts_(texts.begin(), texts.end()) {
    starts_[' '] = starts_['\t'] = true;
    for (const std::string& text : texts_) {
      if (!text.empty()) starts_[static_cast<unsigned char>(text.front())] = true;
    }
  }
  /// False: a field that begins with `c` is none of them, whatever follows, and begins with no space.
  [[nodiscard]] bool may_begin(char c) const noexcept { return starts_[static_cast<unsigned char>(c)]; }
  [[nodiscard]] bool contains(std::string_view text) const noexcept {
    return text.empty() || (starts_[static_cast<unsigned char>(text.front())] && search(text));
  }

 private:
  [[nodiscard]] bool search(std::string_view text) const noexcept {
    return std::find(texts_.begin(), texts_.end(), text) != texts_.end();
  }
  std::vector<std::string> texts_;
  std::array<bool, 256> starts_{};  ///< first bytes, so that most texts are settled at once
};

}  // namespace ndshare::internal
