#include "tests/crash/torture_client.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <unistd.h>

#include "tests/crash/kill_plan.h"

namespace ndshare::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kDeadline = std::chrono::seconds(10);
constexpr const char* kNames[kTortureArrays] = {"a", "b"};

[[noreturn]] void broken(const std::string& what) { throw std::runtime_error(what); }

Store connect_some_day(const std::string& store) {
  const auto until = Clock::now() + std::chrono::seconds(60);
  while (true) {
    try {
      return Store::connect(store, {.timeout = kDeadline});
    } catch (const Error& error) {
      const bool away = error.code() == ErrorCode::NoSuchStore || error.code() == ErrorCode::Disconnected;
      if (!away || Clock::now() > until) throw;
      ::usleep(2000);
    }
  }
}

ConstRow row_of(ConstRow words, std::int64_t index) {
  return words.subspan(static_cast<std::size_t>(index * kRowWords8), static_cast<std::size_t>(kRowWords8));
}
Row row_of(Row words, std::int64_t index) {
  return words.subspan(static_cast<std::size_t>(index * kRowWords8), static_cast<std::size_t>(kRowWords8));
}

}  // namespace

std::uint64_t open_descriptors() {
  std::uint64_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

std::uint64_t map_count() {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  std::uint64_t count = 0;
  while (std::getline(maps, line)) ++count;
  return count;
}

TortureClient::TortureClient(const std::string& store, Board& board, std::int64_t id)
    : board_(board), id_(id), random_(crash_seed() * 1000 + static_cast<std::uint64_t>(id)), store_(connect_some_day(store)) {
  for (const auto* name : kNames) arrays_.push_back(store_.open(name));
  log_ = store_.open("log");
}

void TortureClient::prepare(Store& store, Board& board) {
  for (const auto* name : kNames) {
    SharedArray array = store.create(name, int64, {kTortureRows, kRowWords8});
    auto guard = array.write();
    for (std::int64_t row = 0; row < kTortureRows; ++row) write_row(row_of(guard.as_span<std::int64_t>(), row), 0, 0, row);
  }
  store.create("log", int64, {0, kRowWords8}).write().release();
  static_cast<void>(board);
}

void TortureClient::run(bool elder) {
  for (int steps = 0; !board_.stop.load(); ++steps) {
    guarded([this] { step(); });
    if (elder && steps == 300) board_.elder_files[0] = open_descriptors(), board_.elder_maps[0] = map_count();
  }
  while (!kept_.empty()) drop_view();
  if (elder) board_.elder_files[1] = open_descriptors(), board_.elder_maps[1] = map_count();
}

/// What may go wrong while others are killed is counted; everything else is a failure.
void TortureClient::guarded(const std::function<void()>& operation) {
  const auto start = Clock::now();
  try {
    operation();
  } catch (const Error& error) {
    switch (error.code()) {
      case ErrorCode::Timeout: ++board_.timeouts; break;
      case ErrorCode::Disconnected: ++board_.away; break;
      case ErrorCode::Torn: guarded([this] { mend(); }); break;
      default: broken(std::string(error_name(error.code())) + ": " + error.message());
    }
  }
  raise_to<std::int64_t>(board_.longest_ns, std::chrono::nanoseconds(Clock::now() - start).count());
}

void TortureClient::step() {
  array_ = static_cast<int>(pick(kTortureArrays));
  switch (pick(16)) {
    case 0: case 1: case 2: return read();
    case 3: case 4: return take_view();
    case 5: return drop_view();
    case 6: case 7: case 8: return write(false);
    case 9: return write(true);
    case 10: case 11: return update();
    case 12: return append();
    case 13: return snapshot();
    case 14: return look_at_snapshot();
    default: return look_at_numbers();
  }
}

Rows TortureClient::pick_rows() {
  if (pick(10) == 0) return {0, kTortureRows};
  const auto first = pick(kTortureRows);
  return {first, std::min(first + 1 + pick(8), kTortureRows)};
}

std::vector<std::int64_t> TortureClient::finished(int array) const {
  std::vector<std::int64_t> out;
  for (const auto& row : board_.finished[static_cast<std::size_t>(array)]) out.push_back(row.load());
  return out;
}

void TortureClient::check_rows(ConstRow words, const Rows& rows, const std::vector<std::int64_t>& at_least, const char* what) const {
  for (auto row = rows.first; row < rows.last; ++row) {
    const auto found = row_of(words, row - rows.first);
    const auto sequence = sequence_of(found, row);
    const auto wanted = at_least[static_cast<std::size_t>(row)];
    if (sequence >= wanted && sequence < board_.next_sequence.load()) continue;
    broken(std::string(what) + ": row " + std::to_string(row) + " of '" + kNames[array_] + "' " +
           (sequence < 0 ? "is not whole" : "has number " + std::to_string(sequence)) + ", writer " + std::to_string(found[0]) +
           " number " + std::to_string(found[1]) + "; finished was " + std::to_string(wanted));
  }
}

void TortureClient::fill(Row words, const Rows& rows, std::int64_t sequence) const {
  for (auto row = rows.first; row < rows.last; ++row) write_row(row_of(words, row - rows.first), id_, sequence, row);
}

void TortureClient::finish(int array, const Rows& rows, std::int64_t sequence) const {
  for (auto row = rows.first; row < rows.last; ++row) {
    raise_to(board_.finished[static_cast<std::size_t>(array)][static_cast<std::size_t>(row)], sequence);
  }
}

void TortureClient::read() {
  const auto rows = pick_rows();
  const auto at_least = finished(array_);
  const auto guard = arrays_[static_cast<std::size_t>(array_)].read({.rows = rows});
  check_rows(guard.as_span<std::int64_t>(), rows, at_least, "read");
  ++board_.reads;
}

void TortureClient::take_view() {
  const auto at_least = finished(array_);
  Array view = arrays_[static_cast<std::size_t>(array_)].view();
  const auto words = view.as_span<const std::int64_t>();
  check_rows(words, {0, kTortureRows}, at_least, "view");
  kept_.push_back({view, hash_of(words)});
  ++board_.views;
  if (kept_.size() > 5) drop_view();
}

void TortureClient::drop_view() {
  if (kept_.empty()) return;
  const auto at = kept_.begin() + pick(static_cast<std::int64_t>(kept_.size()));
  if (hash_of(at->view.as_span<const std::int64_t>()) != at->hash) broken("a view changed");
  kept_.erase(at);
}

void TortureClient::write(bool overwrite) {
  const auto rows = pick_rows();
  const auto at_least = finished(array_);
  auto guard = arrays_[static_cast<std::size_t>(array_)].write({.rows = rows, .overwrite = overwrite});
  if (!overwrite) check_rows(guard.as_span<std::int64_t>(), rows, at_least, "write");
  const auto sequence = board_.next_sequence++;
  fill(guard.as_span<std::int64_t>(), rows, sequence);
  guard.release();
  finish(array_, rows, sequence);
  ++board_.writes;
}

void TortureClient::update() {
  const auto rows = pick_rows();
  const auto at_least = finished(array_);
  auto guard = arrays_[static_cast<std::size_t>(array_)].update({.rows = rows});
  check_rows(guard.as_span<std::int64_t>(), rows, at_least, "update");
  const auto sequence = board_.next_sequence++;
  fill(guard.as_span<std::int64_t>(), rows, sequence);
  if (pick(5) == 0) return;  // dropped
  guard.commit();
  finish(array_, rows, sequence);
  ++board_.updates;
}

/// The log's rows carry their own place as the row's index is not known before: 0.
void TortureClient::append() {
  const auto ticket = board_.append_tickets++;
  if (ticket >= kMaxAppends) return;
  const auto sequence = board_.next_sequence++;
  Array more = empty({1, kRowWords8}, int64);
  write_row(more.as_span<std::int64_t>(), id_, sequence, 0);
  board_.started[ticket] = sequence;
  log_.append(more);
  board_.appended[ticket] = sequence;
  ++board_.appends;
}

void TortureClient::snapshot() {
  auto& note = board_.snapshots[static_cast<std::size_t>(pick(kMaxSnapshots))];
  auto& hand = hand_of(board_, id_);
  auto old = note.load();
  hand.removing = old;
  if (!note.compare_exchange_strong(old, 0)) old = 0;  // somebody else removes it
  try {
    if (old != 0) store_.remove(note_name(old));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NoSuchArray) throw;
  }
  hand.removing = 0;
  const auto at_least = finished(array_);
  const auto sequence = board_.next_sequence++;
  hand.making = make_note(sequence, 0);
  const auto name = note_name(hand.making);
  const Array view = store_.snapshot(kNames[array_], name).view();
  const auto words = view.as_span<const std::int64_t>();
  check_rows(words, {0, kTortureRows}, at_least, "snapshot");
  std::uint64_t none = 0;
  if (!note.compare_exchange_strong(none, make_note(sequence, hash_of(words)))) store_.remove(name);  // somebody else took the place
  hand.making = 0;
  ++board_.snaps;
}

void TortureClient::look_at_snapshot() {
  const auto note = board_.snapshots[static_cast<std::size_t>(pick(kMaxSnapshots))].load();
  if (note == 0) return;
  try {
    const Array view = store_.open(note_name(note)).view();
    if (hash_of(view.as_span<const std::int64_t>()) << 32 != note >> 32 << 32) broken("snapshot " + note_name(note) + " changed");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NoSuchArray) throw;
  }
}

/// Torn rows are written anew.
void TortureClient::mend() {
  auto& array = arrays_[static_cast<std::size_t>(array_)];
  for (const auto& torn : array.info().torn) {
    auto guard = array.repair({.rows = torn.rows});
    const auto sequence = board_.next_sequence++;
    fill(guard.as_span<std::int64_t>(), torn.rows, sequence);
    guard.release();
    finish(array_, torn.rows, sequence);
    ++board_.repairs;
  }
}

void TortureClient::look_at_numbers() {
  const auto at = static_cast<std::size_t>(array_);
  const auto version = board_.version[at].load(), revision = board_.revision[at].load();
  const auto version_now = arrays_[at].version(), revision_now = arrays_[at].revision();
  if (version_now < version) broken("the version went back from " + std::to_string(version) + " to " + std::to_string(version_now));
  if (revision_now < revision) broken("the revision went back from " + std::to_string(revision) + " to " + std::to_string(revision_now));
  raise_to(board_.version[at], version_now), raise_to(board_.revision[at], revision_now);
}

}  // namespace ndshare::test
