/// The ring of a stream: batches that go from hand to hand without a lock. Start here for the algorithm.
///
/// A batch's word says whose it is; it changes by compare-and-swap, or by a store of its owner: free → loaned → ready →
/// taken → free (queue), or free → loaned → ready → loaned … (broadcast). Everything else about a batch is written by
/// its owner while the word says so.
///
/// The argument.
///  1. Whoever dies left words that name its slot and generation, and nothing half-done: each step is one store that
///     counts, and a sweep turns loaned into free and taken into ready (or dead). A word that names nobody is never
///     left behind by a death.
///  2. Consumers take the ready batch of the smallest sequence, and those that were delivered before come first.
///     Nobody waits for a number: one that was drawn by a producer which died before its word said ready is never
///     seen.
///     A consumer remembers what it saw ready (TakeAhead) and takes it in that order: a swap says whether it still is.
///     A look is no snapshot: it may pass a place just before a batch is published there, and then see younger ones. So
///     it looks again, for nothing younger than the first look saw: all older ones of the same producer are ready by
///     then. Once is enough where the numbers follow the last one taken. Batches that come back change `returned`, after
///     their word, and so does every sweep (who gave them back may have died between the two): then it looks anew.
///  3. Nobody sleeps through a change: a sleeper announces itself in the event (bit 0, seq_cst) before it looks at
///     the words; who changes a word (seq_cst) looks at the event afterwards. One of the two sees the other.
///  4. End of stream: loan() stores its word (seq_cst), then looks at `closed`; close() stores `closed` (seq_cst),
///     and a consumer that saw it looks at all words. A batch that was free then can only be loaned by one that sees
///     `closed` and gives it back; what was loaned before close() may still be published, and is waited for.
///  5. Without close() a stream ends where no producer is left and nobody holds a batch. A sleeper that saw a
///     producer is woken when that one leaves or is swept. One that saw none sleeps for a batch that somebody holds:
///     done() stores its word, then finds the announcement, then looks for producers, and wakes; or it finds one that
///     came since, and whose leaving or sweep wakes the sleeper.
///  6. Broadcast: `pending` has a bit for each consumer that is to see a batch. It is stored before the word says
///     ready, and cleared bit by bit. A ready batch none of whose pending bits is a living cursor's is room for the
///     next loan. A bit that its owner's death left, and that a new consumer then inherits, shows it a batch of the
///     time when it joined: no harm.
///  7. Broadcast: a reader sets its bit in `readers` and then looks at the word again; a producer takes the word and
///     then looks at `readers` (all seq_cst). At least one sees the other and steps back: what is read is never
///     overwritten.
///  8. The low bits of the sequence stay in a free word and in a ready one, so that a swap never takes a batch that
///     went round meanwhile for the one that was looked at (but after exactly 2^24 numbers, and then only the order
///     is not the smallest first). They are compared with each other, round the corner; no shared counter is read. Those
///     that were never delivered are taken in order, so that of two ready ones the younger is no 2^23 numbers ahead (or a
///     producer stood still for as long between its number and its word, or a dead letter was retried so late: that batch
///     then comes late); those that were delivered before may be, and come before the others in any order. In a
///     broadcast a batch that is put back after as many others comes late, too.
///
/// `A` gives the atomics and `Rules` what a mutant drops, so that this source also runs under the explorer
/// (tests/unit/stream).
///   Threads: safe.   Errors: none; no step waits, allocates or makes a system call (but for the wake-ups that `Wake`
///   makes).
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/shm/stream_format.h"
#include "lib/shm/sync_format.h"

namespace ndshare::internal {

/// The words of one ring.
template <class A>
struct RingWords {
  typename A::U32 *closed = nullptr, *produced = nullptr, *ready_event = nullptr, *room_event = nullptr, *returned = nullptr;
  typename A::U64 *next_sequence = nullptr, *cursors = nullptr, *producers = nullptr, *draining = nullptr;
  typename A::U64 *word = nullptr, *sequence = nullptr, *pending = nullptr, *readers = nullptr;
  typename A::U64 *cursor_owner = nullptr, *cursor_missed = nullptr;
  std::uint32_t cursor_step = 1, sequence_step = 1;  ///< words from one cursor's to the next, from one batch's sequence
};

/// Rules that a mutant drops; the product keeps all.
enum class StreamRule : std::uint8_t {
  wake_after_ready,    ///< publish wakes sleepers
  closed_after_loan,   ///< loan() looks at `closed` after its word is stored
  ready_before_event,  ///< publish stores the word before it looks at the event
  readers_after_loan,  ///< (broadcast) a loan looks at `readers` after it took the word
  word_after_reader,   ///< (broadcast) a reader looks at the word after it set its bit
  redelivered_first,   ///< what was delivered before comes first
  look_after_return,   ///< a consumer looks again when something came back
  look_twice,          ///< a look that may have missed an older batch is checked by a second one
  sweep_taken,         ///< a sweep gives taken batches back
  sweep_loaned,        ///< and loaned ones
  wait_for_taken,      ///< the stream does not end while others hold batches
};

struct RingOptions {
  std::uint32_t depth = 0, max_deliveries = 0;  ///< 0: delivered for ever
  bool broadcast = false;
  bool skip = false;  ///< (broadcast) a slow consumer misses batches and holds nobody up
};

/// What wait_for_taken and the producers' bits say of a stream in which there is nothing to take.
enum class Outlook : std::uint8_t { more, ended, abandoned };

/// Batches that a consumer of a queue saw ready, oldest first; its own, for one thread at a time.
struct TakeAhead {
  static constexpr std::uint32_t kMost = 32;
  std::uint32_t next = 0, count = 0, returned = 0;
  std::uint32_t start = 0;     ///< where the next look begins: from there they are in order, mostly
  std::uint64_t expected = 0;  ///< low bits of the number after the last one taken
  std::uint16_t place[kMost] = {};
  std::uint64_t word[kMost] = {};
};

template <class A, class Wake, class Rules>
class StreamRing {
 public:
  StreamRing() = default;
  StreamRing(const RingWords<A>& words, const RingOptions& options, std::uint32_t slot, std::uint64_t gen,
             const Wake& wake) noexcept
      : ring_(words), options_(options), slot_(slot), owner_(batch_owner(slot, gen)), wake_(wake) {}

  const RingOptions& options() const noexcept { return options_; }
  const RingWords<A>& words() const noexcept { return ring_; }

  // ---- producers
  /// A batch to fill, at or after `hint` where there are several; −1 where there is none, −2 where the stream is
  /// closed.
  int loan(std::uint32_t hint) noexcept;
  /// Makes a loaned batch ready and returns its sequence.   REQUIRES: loaned by this slot; its rows and attributes are
  /// stored.
  std::uint64_t publish(std::uint32_t batch) noexcept;
  /// Gives a loaned batch back as it was not filled.
  void discard(std::uint32_t batch) noexcept;
  /// This process produces from now on / no more.
  void enter_producer() noexcept;
  void leave_producer() noexcept;
  void close() noexcept;

  // ---- consumers
  /// (Broadcast) a place among the consumers; −1 where all are taken.
  int join() noexcept;
  void leave(std::uint32_t cursor) noexcept;
  /// The next batch, −1 where there is none. `cursor` counts in broadcast only, `ahead` in queues.
  int take(std::uint32_t cursor, TakeAhead& ahead) noexcept;
  int take(std::uint32_t cursor, TakeAhead&& fresh = {}) noexcept { return take(cursor, fresh); }
  void done(std::uint32_t batch, std::uint32_t cursor) noexcept;
  /// Not done: it will be delivered again (queue: counted; broadcast: to this consumer).
  void put_back(std::uint32_t batch, std::uint32_t cursor) noexcept;
  /// What there is to wait for after take() found nothing.
  Outlook outlook(std::uint32_t cursor) const noexcept;
  /// In a wait after close(): what this process holds keeps nobody else waiting for its return. A process that drains takes nothing:
  /// it looks by has_ready(), and ends the drain before it takes. So a taken batch whose owner drains was held before.
  void begin_drain() noexcept;
  void end_drain() noexcept;
  bool has_ready() const noexcept;

  // ---- operators
  /// A dead letter, to read; done() frees it, put_back() makes it one again.
  int take_dead() noexcept;
  /// A dead letter is delivered again, its count from 0.
  bool retry(std::uint32_t batch) noexcept;

  /// Takes back everything of a slot that is gone (the daemon's; may be called again). True where there was something.
  bool sweep(std::uint32_t slot, std::uint64_t gen) noexcept;

 private:
  using Order = std::memory_order;
  static constexpr Order kSeq = std::memory_order_seq_cst;
  std::uint64_t word(std::uint32_t batch) const noexcept { return ring_.word[batch].load(kSeq); }
  bool swap(std::uint32_t batch, std::uint64_t from, std::uint64_t to) noexcept {
    return ring_.word[batch].compare_exchange_strong(from, to, kSeq);
  }
  void notify(typename A::U32* event) noexcept;
  void consumed() noexcept;
  bool has_producer() const noexcept;
  int loan_free(std::uint32_t hint) noexcept;
  int loan_ready(bool steal) noexcept;
  bool try_reuse(std::uint32_t batch, std::uint64_t before) noexcept;
  void count_missed(std::uint32_t batch) noexcept;
  int take_queue(TakeAhead& ahead) noexcept;
  void look_ahead(TakeAhead& ahead) const noexcept;
  /// The ready batches up to that of `newest`, null: all; and whether their numbers follow the last one taken.
  void collect(TakeAhead& ahead, const std::uint64_t* newest) const noexcept;
  static bool follows(const TakeAhead& ahead) noexcept;
  /// Which of two ready batches is taken first.
  static bool comes_before(std::uint64_t word, std::uint64_t other) noexcept {
    const bool again = batch_deliveries(word) != 0, other_again = batch_deliveries(other) != 0;
    if (again != other_again && Rules::rule(StreamRule::redelivered_first)) return again;
    return is_older(word, other);
  }
  int take_broadcast(std::uint64_t bit) noexcept;
  void give_back(std::uint32_t batch, std::uint64_t before) noexcept;
  void sweep_batch(std::uint32_t batch, std::uint64_t owner, bool& found) noexcept;
  void sweep_cursors(std::uint64_t owner, bool& found) noexcept;
  void drop_cursor(std::uint32_t cursor) noexcept;
  bool clear_bit(typename A::U64* bitmap, std::uint32_t slot) noexcept;
  /// Whose sequence was drawn first, for numbers that are no 2^23 apart (point 8).
  static bool is_older(std::uint64_t word, std::uint64_t than) noexcept {
    return ((batch_sequence(word) - batch_sequence(than)) & kSequenceMask) > kSequenceMask / 2;
  }

  RingWords<A> ring_;
  RingOptions options_;
  std::uint32_t slot_ = 0;
  std::uint64_t owner_ = 0;
  Wake wake_{};
};

}  // namespace ndshare::internal

#include "lib/shm/stream_consume-inl.h"  // IWYU pragma: export
#include "lib/shm/stream_produce-inl.h"  // IWYU pragma: export
#include "lib/shm/stream_sweep-inl.h"    // IWYU pragma: export
