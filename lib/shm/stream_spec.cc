#include "lib/shm/stream_spec.h"

#include <charconv>
#include <climits>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ndshare/error.h>

namespace ndshare::internal {
namespace {

[[noreturn]] void damaged(const std::string& key) {
  throw Error(ErrorCode::Damaged, "the attributes of a stream's array are damaged: '" + key + "'");
}

std::uint64_t read_number(const char*& at, const char* end, const std::string& key) {
  std::uint64_t value = 0;
  const auto [stop, code] = std::from_chars(at, end, value);
  if (code != std::errc{}) damaged(key);
  at = stop;
  return value;
}

const std::string& text_of(const std::map<std::string, std::string>& attrs, const std::string& key) {
  const auto found = attrs.find(key);
  if (found == attrs.end()) damaged(key);
  return found->second;
}

std::uint64_t number_of(const std::map<std::string, std::string>& attrs, const std::string& key, std::uint64_t limit) {
  const auto& text = text_of(attrs, key);
  const auto* at = text.data();
  const auto value = read_number(at, text.data() + text.size(), key);
  if (at != text.data() + text.size() || value > limit) damaged(key);
  return value;
}

/// "12:345 13:346": pairs.
std::vector<std::pair<std::uint32_t, std::uint64_t>> pairs_of(const std::string& text, const std::string& key) {
  std::vector<std::pair<std::uint32_t, std::uint64_t>> out;
  const auto* at = text.data();
  const auto* const end = at + text.size();
  while (at != end) {
    const auto first = read_number(at, end, key);
    if (at == end || *at++ != ':' || first > UINT32_MAX) damaged(key);
    out.emplace_back(static_cast<std::uint32_t>(first), read_number(at, end, key));
    if (at != end && *at++ != ' ') damaged(key);
  }
  return out;
}

std::string pair_text(const std::pair<std::uint32_t, std::uint64_t>& pair) {
  return std::to_string(pair.first) + ":" + std::to_string(pair.second);
}

}  // namespace

template class StreamRing<StdAtomics, FutexWake, AllStreamRules>;

std::map<std::string, std::string> StreamSpec::attrs() const {
  std::map<std::string, std::string> out = {{"rows", std::to_string(rows)},
                                            {"depth", std::to_string(ring_options.depth)},
                                            {"mode", ring_options.broadcast ? "broadcast" : "queue"},
                                            {"slow", ring_options.skip ? "skip" : "hold"},
                                            {"max_deliveries", std::to_string(ring_options.max_deliveries)}};
  if (ring < kMaxStreams) out["ring"] = std::to_string(ring);
  std::string list;
  for (const auto& batch : batches) list += (list.empty() ? "" : " ") + pair_text(batch);
  if (!list.empty()) out["batches"] = list;
  if (kept.first != UINT32_MAX) out["kept"] = pair_text(kept);
  return out;
}

StreamSpec StreamSpec::parse(const std::map<std::string, std::string>& attrs) {
  StreamSpec spec;
  spec.rows = number_of(attrs, "rows", INT64_MAX);
  spec.ring_options.depth = static_cast<std::uint32_t>(number_of(attrs, "depth", kMaxStreamDepth));
  spec.ring_options.max_deliveries = static_cast<std::uint32_t>(number_of(attrs, "max_deliveries", kMaxDeliveries - 1));
  spec.ring_options.broadcast = text_of(attrs, "mode") == "broadcast";
  spec.ring_options.skip = text_of(attrs, "slow") == "skip";
  if (spec.ring_options.depth == 0) damaged("depth");
  if (!attrs.contains("ring")) return spec;
  spec.ring = static_cast<std::uint32_t>(number_of(attrs, "ring", kMaxStreams - 1));
  spec.batches = pairs_of(text_of(attrs, "batches"), "batches");
  if (spec.batches.size() != spec.ring_options.depth) damaged("batches");
  if (attrs.contains("kept")) {
    const auto kept = pairs_of(text_of(attrs, "kept"), "kept");
    if (kept.size() != 1 || kept.front().first >= spec.ring_options.depth) damaged("kept");
    spec.kept = kept.front();
  }
  return spec;
}

void FutexWake::operator()(a32& event) const noexcept {
  static_cast<void>(
      ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&event), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0));
}

Ring ring_of(StreamSync& sync, const RingOptions& options, std::uint32_t slot, std::uint64_t gen) noexcept {
  RingWords<StdAtomics> words;
  words.closed = &sync.closed, words.produced = &sync.produced;
  words.ready_event = &sync.ready_event, words.room_event = &sync.room_event, words.returned = &sync.returned;
  words.next_sequence = &sync.next_sequence, words.cursors = &sync.cursors;
  words.producers = sync.producers, words.draining = sync.draining;
  words.word = sync.word, words.sequence = &sync.meta[0].sequence, words.pending = sync.pending, words.readers = sync.readers;
  words.cursor_owner = &sync.cursor[0].owner, words.cursor_missed = &sync.cursor[0].missed;
  words.cursor_step = sizeof(StreamCursor) / sizeof(a64), words.sequence_step = sizeof(BatchMeta) / sizeof(a64);
  return {words, options, slot, gen, FutexWake{}};
}

}  // namespace ndshare::internal
