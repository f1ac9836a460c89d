#include "lib/shm/telemetry.h"

#include <algorithm>
#include <cstring>

namespace ndshare::internal {
namespace {

constexpr std::string_view number_name(std::string_view name) { return name == "_" ? std::string_view() : name; }

struct EventRows {
  EventRows() {
    for (auto& row : rows) row.name = "event";
#define NDSHARE_EVENT(number, name, first, second, third, meaning) \
  rows[number] = {#name, {number_name(#first), number_name(#second), number_name(#third)}, meaning};
#include "lib/shm/event_list.inc"
#undef NDSHARE_EVENT
  }
  std::array<EventRow, kMaxEventKinds> rows{};
};

}  // namespace

const EventRow& event_row(std::uint64_t kind) noexcept {
  static const EventRows all;
  return all.rows[kind < kMaxEventKinds ? kind : 0];
}

bool read_event(const EventEntry& entry, EventCopy& out) {
  const auto load = [](const a64& word) { return word.load(std::memory_order_acquire); };
  out.sequence = load(entry.sequence);  // pairs with EventLog's release: the words below are of this number or a later one
  if (out.sequence == 0) return false;
  out.unix_ns = load(entry.unix_ns), out.kind = load(entry.kind), out.slot = load(entry.slot), out.pid = load(entry.pid);
  for (std::uint32_t i = 0; i < kEventNumbers; ++i) out.numbers[i] = load(entry.numbers[i]);
  std::array<std::uint64_t, kEventText / 8> words{};
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = load(entry.text[i]);
  if (load(entry.sequence) != out.sequence) return false;
  const auto* text = reinterpret_cast<const char*>(words.data());
  out.text.assign(text, ::strnlen(text, kEventText));
  return true;
}

std::vector<EventCopy> read_events(const Telemetry& telemetry, std::uint64_t after) {
  std::vector<EventCopy> out;
  EventCopy copy;
  for (const auto& entry : telemetry.events) {
    if (entry.sequence.load(std::memory_order_relaxed) > after && read_event(entry, copy) && copy.sequence > after) out.push_back(copy);
  }
  std::ranges::sort(out, {}, &EventCopy::sequence);
  return out;
}

}  // namespace ndshare::internal
