#include "client/building.h"

#include <algorithm>

#include <ndshare/error.h>

namespace ndshare::internal {

const BuildTable::Hold* BuildTable::in_the_way(const Array& array, const Range& range) const noexcept {
  for (const auto& hold : array.holds) {
    const bool overlap = hold.range.lo < range.hi && range.lo < hold.range.hi;
    if (overlap && (hold.range.write || range.write)) return &hold;
  }
  return nullptr;
}

std::uint64_t BuildTable::acquire(std::uint64_t array_gen, const Range& range, Deadline deadline) {
  std::unique_lock lock(mutex_);
  while (true) {
    auto& array = arrays_[array_gen];  // taken anew after each wait: finish() may have erased it
    const auto* other = in_the_way(array, range);
    const bool wait = other != nullptr || (range.write && (array.publishing || array.seals > 0));
    if (!wait) {
      array.holds.push_back({++last_ticket_, range, std::this_thread::get_id()});
      return last_ticket_;
    }
    if (other != nullptr && other->thread == std::this_thread::get_id()) {
      throw Error(ErrorCode::Busy, std::string("this thread itself holds a ") + (other->range.write ? "write" : "read") +
                                       " guard (or an array taken from one) on rows " + std::to_string(other->range.lo) +
                                       " to " + std::to_string(other->range.hi) + ": release it first");
    }
    if (deadline == kForever) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) {
      throw Error(ErrorCode::Timeout, "another thread of this process kept rows " + std::to_string(range.lo) + " to " +
                                          std::to_string(range.hi) + " until the deadline");
    }
  }
}

bool BuildTable::begin_release(std::uint64_t array_gen, std::uint64_t ticket) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = arrays_.find(array_gen);
  if (found == arrays_.end()) return false;
  const auto& holds = found->second.holds;
  const bool last = std::ranges::none_of(holds, [&](const Hold& hold) { return hold.range.write && hold.ticket != ticket; });
  found->second.publishing = last;
  return last;
}

void BuildTable::finish(std::uint64_t array_gen, std::uint64_t ticket) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto found = arrays_.find(array_gen);
    if (found == arrays_.end()) return;
    auto& holds = found->second.holds;
    const auto hold = std::ranges::find(holds, ticket, &Hold::ticket);
    if (hold != holds.end() && hold->range.write) found->second.publishing = false;
    if (hold != holds.end()) holds.erase(hold);
    if (holds.empty() && found->second.seals == 0) arrays_.erase(found);
  }
  changed_.notify_all();
}

bool BuildTable::is_written(const Array& array) noexcept {
  return std::ranges::any_of(array.holds, [](const Hold& hold) { return hold.range.write; });
}

bool BuildTable::begin_seal(std::uint64_t array_gen) {
  const std::lock_guard lock(mutex_);
  const auto found = arrays_.find(array_gen);
  if (found != arrays_.end() && is_written(found->second)) return false;
  ++arrays_[array_gen].seals;
  return true;
}

void BuildTable::end_seal(std::uint64_t array_gen) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto found = arrays_.find(array_gen);
    if (found == arrays_.end()) return;
    if (--found->second.seals == 0 && found->second.holds.empty()) arrays_.erase(found);
  }
  changed_.notify_all();
}

bool BuildTable::is_idle(std::uint64_t array_gen) const noexcept {
  const std::lock_guard lock(mutex_);
  return !arrays_.contains(array_gen);
}

bool BuildTable::has_writer(std::uint64_t array_gen) const noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = arrays_.find(array_gen);
  return found != arrays_.end() && is_written(found->second);
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
