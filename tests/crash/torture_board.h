/// What torture's processes know of each other, outside the store: a shared anonymous map that survives each of them.
///
/// The history check rests on one rule: a sequence number is drawn while the rows are claimed for writing or updating, so that
/// along one row numbers grow in the order of its writers. Then: whoever claims a row after a writer of number s had finished
/// finds a number of at least s, whole.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <span>
#include <stdexcept>
#include <string>

#include <sys/mman.h>

namespace ndshare::test {

inline constexpr std::int64_t kTortureRows = 64, kRowWords8 = 512;  ///< rows of 4 KiB: 16 of them in a grain
inline constexpr int kTortureArrays = 2;
inline constexpr std::size_t kMaxAppends = 4096, kMaxSnapshots = 4;

using Row = std::span<std::int64_t>;
using ConstRow = std::span<const std::int64_t>;

inline std::int64_t mixed(std::int64_t sequence, std::int64_t row, std::size_t at) {
  auto x = static_cast<std::uint64_t>(sequence) * 0x9E37'79B9'7F4A'7C15ULL + static_cast<std::uint64_t>(row) * 0xBF58'476D'1CE4'E5B9ULL + at;
  x ^= x >> 29;
  return static_cast<std::int64_t>(x * 0x94D0'49BB'1331'11EBULL);
}

/// A row says who wrote it as what number, and every other word follows from these.
inline void write_row(Row words, std::int64_t writer, std::int64_t sequence, std::int64_t row) {
  words[0] = writer, words[1] = sequence, words[2] = row;
  for (std::size_t i = 3; i < words.size(); ++i) words[i] = mixed(sequence ^ writer << 40, row, i);
}
/// The row's number; −1 where it is not whole, or another row's.
inline std::int64_t sequence_of(ConstRow words, std::int64_t row) {
  if (words[2] != row) return -1;
  for (std::size_t i = 3; i < words.size(); ++i) {
    if (words[i] != mixed(words[1] ^ words[0] << 40, row, i)) return -1;
  }
  return words[1];
}
inline std::uint64_t hash_of(ConstRow words) {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325ULL;
  for (const auto word : words) hash = (hash ^ static_cast<std::uint64_t>(word)) * 0x100'0000'01B3ULL;
  return hash;
}

template <class T>
void raise_to(std::atomic<T>& word, T value) {
  for (T now = word.load(); now < value && !word.compare_exchange_weak(now, value);) {
  }
}

/// A snapshot and what it looked like to its maker, in one word: its number (which is its name) and half of the hash. 0: none.
constexpr std::uint64_t make_note(std::int64_t sequence, std::uint64_t hash) {
  return hash << 32 | (static_cast<std::uint64_t>(sequence) & 0xFFFF'FFFF);
}
inline std::string note_name(std::uint64_t note) { return "s" + std::to_string(note & 0xFFFF'FFFF); }

/// Snapshots that a client has in hand: made and not noted yet, or noted no more and not removed yet. Who is killed then leaves
/// them to the store for good, as any array: the one that killed removes them.
struct InHand {
  std::atomic<std::uint64_t> making{0}, removing{0};  ///< notes; 0: none
};
inline constexpr std::size_t kHands = 64;

struct Board {
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> next_sequence{1};
  std::array<std::array<std::atomic<std::int64_t>, kTortureRows>, kTortureArrays> finished{};  ///< highest number of each row
  std::array<std::atomic<std::uint64_t>, kTortureArrays> version{}, revision{};              ///< highest seen
  std::array<std::atomic<std::int64_t>, kMaxAppends> started{}, appended{};                  ///< numbers, by ticket
  std::atomic<std::size_t> append_tickets{0};
  std::array<std::atomic<std::uint64_t>, kMaxSnapshots> snapshots{};
  std::array<InHand, kHands> hands{};
  std::atomic<std::uint64_t> reads{0}, views{0}, writes{0}, updates{0}, appends{0}, snaps{0}, repairs{0}, timeouts{0}, away{0};
  std::atomic<std::int64_t> longest_ns{0};  ///< any call
  std::array<std::atomic<std::uint64_t>, 2> elder_files{}, elder_maps{};  ///< of the client that nobody kills: warm, at the end
};

/// By a client's number; the first client lives through all of it and shares with nobody, of others few live at once.
inline InHand& hand_of(Board& board, std::int64_t id) {
  return board.hands[id <= 1 ? 0 : 1 + static_cast<std::size_t>(id) % (kHands - 1)];
}

class SharedBoard {
 public:
  SharedBoard() {
    void* map = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) throw std::runtime_error("mmap failed");
    board_ = new (map) Board;
  }
  ~SharedBoard() { ::munmap(board_, sizeof(Board)); }
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  Board& operator*() const { return *board_; }
  Board* operator->() const { return board_; }

 private:
  Board* board_;
};

}  // namespace ndshare::test
