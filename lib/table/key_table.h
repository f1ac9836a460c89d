// A hash table of keys that only grows: each distinct key has a number, in the order in which they were first met.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ndshare::internal {

/// Makes all keys collide (true), for tests of what then happens.   Threads: of a process with one thread.
void force_poor_hash_for_test(bool poor) noexcept;

/// The hash of a key of `words` words.
[[nodiscard]] std::uint64_t hash_key(const std::uint64_t* key, std::size_t words) noexcept;

/// Open addressing, linear probing, at most half full. Keys and hashes lie apart from the slots: these are 4 bytes
/// each.
class KeyTable {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffU;

  explicit KeyTable(std::size_t words) : words_(words) {}

  [[nodiscard]] std::size_t size() const noexcept { return hashes_.size(); }
  [[nodiscard]] const std::uint64_t* key(std::size_t id) const noexcept { return keys_.data() + id * words_; }
  [[nodiscard]] std::uint64_t hash(std::size_t id) const noexcept { return hashes_[id]; }

  /// The number of a key, a new one where it is not there.   Errors: NotSupported for the 2^32nd.
  std::uint32_t find_or_add(const std::uint64_t* key, std::uint64_t hash);
  /// Of n keys one after another.
  void find_or_add(const std::uint64_t* keys, std::size_t n, std::uint32_t* ids);
  /// The number, or kNone.
  [[nodiscard]] std::uint32_t find(const std::uint64_t* key, std::uint64_t hash) const noexcept;
  /// Puts the keys in another order, element i being the key that is now i-th, and gives the slots back: nothing is
  /// found any more.
  void freeze(std::span<const std::uint32_t> order);

 private:
  [[nodiscard]] bool same(std::uint32_t id, const std::uint64_t* key) const noexcept;
  std::uint32_t add(const std::uint64_t* key, std::uint64_t hash, std::size_t slot);
  void rehash(std::size_t slots);

  std::size_t words_;
  std::size_t mask_ = 0;
  std::vector<std::uint32_t> slots_{};  // number + 1, or 0: free
  std::vector<std::uint64_t> keys_{}, hashes_{};
};

}  // namespace ndshare::internal
