#include "client/building.h"

#include <ndshare/error.h>

namespace ndshare::internal {

void BuildTable::forget_idle(std::uint64_t array_gen) noexcept {
  const auto found = arrays_.find(array_gen);
  if (found != arrays_.end() && found->second.idle() && !found->second.wrote) arrays_.erase(found);
}

void BuildTable::enter(std::uint64_t array_gen, Deadline deadline) {
  std::unique_lock lock(mutex_);
  while (true) {
    auto& array = arrays_[array_gen];  // taken anew after each wait: it may have been forgotten
    if (!array.publishing && array.seals == 0) {
      ++array.writers;
      return;
    }
    if (deadline == kForever) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) {
      throw Error(ErrorCode::Timeout, "another thread of this process was publishing or sealing the array until the deadline");
    }
  }
}

bool BuildTable::leave(std::uint64_t array_gen, bool wrote) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = arrays_.find(array_gen);
  if (found == arrays_.end()) return false;
  auto& array = found->second;
  array.wrote = array.wrote || wrote;
  if (--array.writers > 0) return false;
  if (array.wrote) return array.publishing = true;
  forget_idle(array_gen);
  return false;
}

void BuildTable::published(std::uint64_t array_gen) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto found = arrays_.find(array_gen);
    if (found == arrays_.end()) return;
    found->second.publishing = found->second.wrote = false;
    forget_idle(array_gen);
  }
  changed_.notify_all();
}

bool BuildTable::begin_seal(std::uint64_t array_gen) {
  const std::lock_guard lock(mutex_);
  const auto found = arrays_.find(array_gen);
  if (found != arrays_.end() && (found->second.writers > 0 || found->second.publishing)) return false;
  ++arrays_[array_gen].seals;
  return true;
}

void BuildTable::end_seal(std::uint64_t array_gen) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto found = arrays_.find(array_gen);
    if (found == arrays_.end()) return;
    --found->second.seals;
    forget_idle(array_gen);
  }
  changed_.notify_all();
}

bool BuildTable::is_idle(std::uint64_t array_gen) const noexcept {
  const std::lock_guard lock(mutex_);
  return !arrays_.contains(array_gen);
}

Sealing::~Sealing() { clear(); }

bool Sealing::add(std::uint64_t array_gen) {
  const auto [row, is_new] = arrays_.insert(array_gen);
  if (!is_new || builds_.begin_seal(array_gen)) return true;
  arrays_.erase(row);
  return false;
}

void Sealing::clear() noexcept {
  for (const auto array_gen : arrays_) builds_.end_seal(array_gen);
  arrays_.clear();
}

}  // namespace ndshare::internal
