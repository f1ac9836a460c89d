#include "lib/table/key_table.h"

#include <ndshare/error.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace ndshare::internal {
namespace {

bool g_poor_hash = false;  // of tests

// The finaliser of MurmurHash3 (Austin Appleby, public domain): every bit of the input changes half of the output's.
std::uint64_t mixed(std::uint64_t h) noexcept {
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdULL;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53ULL;
  return h ^ (h >> 33);
}

constexpr std::size_t kFirstSlots = 64;

}  // namespace

void force_poor_hash_for_test(bool poor) noexcept { g_poor_hash = poor; }

std::uint64_t hash_key(const std::uint64_t* key, std::size_t words) noexcept {
  if (g_poor_hash) return 7;
  std::uint64_t h = mixed(key[0]);
  for (std::size_t i = 1; i < words; ++i) h = mixed(h + 0x9e3779b97f4a7c15ULL + key[i]);
  return h;
}

bool KeyTable::same(std::uint32_t id, const std::uint64_t* key) const noexcept {
  const std::uint64_t* own = keys_.data() + std::size_t{id} * words_;
  if (own[0] != key[0]) return false;
  return words_ == 1 || std::memcmp(own + 1, key + 1, (words_ - 1) * sizeof(*key)) == 0;
}

void KeyTable::rehash(std::size_t slots) {
  slots_.assign(slots, 0);
  mask_ = slots - 1;
  for (std::size_t id = 0; id < hashes_.size(); ++id) {
    std::size_t slot = hashes_[id] & mask_;
    while (slots_[slot] != 0) slot = (slot + 1) & mask_;
    slots_[slot] = static_cast<std::uint32_t>(id + 1);
  }
}

void KeyTable::freeze(std::span<const std::uint32_t> order) {
  std::vector<std::uint64_t> keys(keys_.size()), hashes(hashes_.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    hashes[i] = hashes_[order[i]];
    std::copy_n(key(order[i]), words_, keys.data() + i * words_);
  }
  keys_ = std::move(keys);
  hashes_ = std::move(hashes);
  slots_ = {};
}

std::uint32_t KeyTable::add(const std::uint64_t* key, std::uint64_t hash, std::size_t slot) {
  const std::size_t id = hashes_.size();
  if (id >= kNone - 1) throw Error(Error::NotSupported, "over 2^32 different keys: group parts of the table");
  keys_.insert(keys_.end(), key, key + words_);
  hashes_.push_back(hash);
  slots_[slot] = static_cast<std::uint32_t>(id + 1);
  if (2 * hashes_.size() > slots_.size()) rehash(2 * slots_.size());
  return static_cast<std::uint32_t>(id);
}

std::uint32_t KeyTable::find_or_add(const std::uint64_t* key, std::uint64_t hash) {
  if (slots_.empty()) rehash(kFirstSlots);
  std::size_t slot = hash & mask_;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask_) {
    if (same(slots_[slot] - 1, key)) return slots_[slot] - 1;
  }
  return add(key, hash, slot);
}

void KeyTable::find_or_add(const std::uint64_t* keys, std::size_t n, std::uint32_t* ids) {
  for (std::size_t i = 0; i < n; ++i) ids[i] = find_or_add(keys + i * words_, hash_key(keys + i * words_, words_));
}

std::uint32_t KeyTable::find(const std::uint64_t* key, std::uint64_t hash) const noexcept {
  if (slots_.empty()) return kNone;
  for (std::size_t slot = hash & mask_; slots_[slot] != 0; slot = (slot + 1) & mask_) {
    if (same(slots_[slot] - 1, key)) return slots_[slot] - 1;
  }
  return kNone;
}

}  // namespace ndshare::internal
