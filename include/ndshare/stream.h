// Streams: batches of rows handed from process to process, without a copy and without the daemon.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/guards.h>
#include <ndshare/shared_array.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ndshare {

namespace internal {
class StreamBuffer;
class StreamState;
/// What a Loan or a Batch holds. Not for programs.
struct BatchCore {
  std::shared_ptr<StreamState> state;    ///< null in an empty one
  std::shared_ptr<StreamBuffer> buffer;  ///< once an Array was taken: gives the batch back when the last one goes
  std::byte* data = nullptr;
  std::int64_t rows = 0, nbytes = 0;
  std::uint64_t sequence = 0;
  std::uint32_t number = 0, deliveries = 0;
  bool loaned = false;                   ///< a producer's
  bool dead = false;                     ///< a dead letter
};
}  // namespace internal

/// queue: each batch goes to exactly one consumer. broadcast: each consumer sees every batch from when it joined.
enum class StreamMode : std::uint8_t { queue, broadcast };
/// What a slow consumer of a broadcast does to the others: hold makes producers wait for it, skip overwrites what it has not taken
/// (and tells it how many that were).
enum class SlowConsumer : std::uint8_t { hold, skip };

struct StreamOptions {
  std::int64_t rows = 0;                 ///< that a batch holds at most
  std::int64_t depth = 8;                ///< batches, 1 to 256
  StreamMode mode = StreamMode::queue;
  SlowConsumer slow = SlowConsumer::hold;
  std::int64_t max_deliveries = 8;       ///< so often a batch is given out and not done before it is a dead letter (to 30); 0: no limit
  Shape row_shape{};                     ///< of one row: none for scalars and records
  Timeout timeout{};
};

/// How long to wait (nothing: without limit, or the store's own timeout), and how long of that by looking instead of sleeping.
struct StreamWait {
  Timeout timeout{};
  std::chrono::nanoseconds spin{0};
};

/// What the caller of open_stream() expects: nothing is checked that is not given.
struct StreamContract {
  std::optional<DType> dtype{};
  std::optional<StreamMode> mode{};
};

/// One batch as an operator sees it.
struct BatchInfo {
  std::uint32_t number = 0, deliveries = 0;
  std::string state;                     ///< "free", "loaned", "ready", "taken", "dead"
  std::uint64_t sequence = 0, published_unix_ns = 0, pid = 0;  ///< pid: of whoever fills or reads it; 0 for nobody
  std::int64_t rows = 0;
  Attrs attrs{};
};
struct StreamInfo {
  std::string name;
  DType dtype;
  Shape row_shape;
  StreamOptions options;
  bool closed = false;
  std::uint64_t published = 0;           ///< batches since it was made
  std::uint64_t free = 0, loaned = 0, ready = 0, taken = 0, dead = 0;  ///< batches now; broadcast: ready are those that somebody awaits
  std::uint64_t lag = 0;                 ///< batches that the slowest consumer has before it
  std::uint64_t missed = 0;              ///< (skip) by the consumers there are now
  std::uint64_t producers = 0, consumers = 0;  ///< processes that produce; consumers of a broadcast, or processes that hold batches
  std::uint64_t created_unix_ns = 0;
  std::vector<BatchInfo> batches;
};

/// A free batch to fill. Dropped without publish() nothing has happened; so too when its process dies.
///   Threads: one at a time.
class NDSHARE_API Loan {
 public:
  Loan() noexcept;
  Loan(Loan&&) noexcept;
  Loan& operator=(Loan&&) noexcept;
  ~Loan();
  [[nodiscard]] explicit operator bool() const noexcept { return core_.state != nullptr; }
  /// All rows, writable; they hold what the last user left.
  [[nodiscard]] Array array() const;
  [[nodiscard]] std::byte* data() const noexcept { return core_.data; }
  [[nodiscard]] std::int64_t nbytes() const noexcept { return core_.nbytes; }
  [[nodiscard]] std::int64_t capacity() const noexcept { return core_.rows; }  ///< rows
  /// The elements without an allocation.   Errors: DtypeMismatch; Usage in an empty loan.
  template <class T>
  [[nodiscard]] std::span<T> as_span() const {
    check_span(type_id_of<T>());
    return {reinterpret_cast<T*>(core_.data), static_cast<std::size_t>(core_.nbytes) / sizeof(T)};
  }
  /// Hands the first `rows` rows over; returns the batch's sequence number. `attrs`: at most 256 bytes as JSON.
  ///   Errors: ShapeMismatch (more rows than it holds); Busy while arrays taken from the loan live; Usage (published already,
  ///   attributes too long). On error the loan is as before.
  std::uint64_t publish(std::int64_t rows, const Attrs& attrs = {});
  /// All rows.
  std::uint64_t publish() { return publish(core_.rows); }

 private:
  friend class Stream;
  void check_span(TypeId id) const;
  mutable internal::BatchCore core_;
};

/// A published batch, read in place. Dropped without done(), also by an exception, it is delivered again, with a count; so too
/// when its process dies.
///   Threads: one at a time.
class NDSHARE_API Batch {
 public:
  Batch() noexcept;
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;
  ~Batch();
  [[nodiscard]] explicit operator bool() const noexcept { return core_.state != nullptr; }
  /// The published rows, read-only. The batch is not given back while the array lives.
  [[nodiscard]] Array array() const;
  [[nodiscard]] const std::byte* data() const noexcept { return core_.data; }
  [[nodiscard]] std::int64_t nbytes() const noexcept { return core_.nbytes; }
  [[nodiscard]] std::int64_t rows() const noexcept { return core_.rows; }
  template <class T>
  [[nodiscard]] std::span<const T> as_span() const {
    check_span(type_id_of<T>());
    return {reinterpret_cast<const T*>(core_.data), static_cast<std::size_t>(core_.nbytes) / sizeof(T)};
  }
  [[nodiscard]] std::uint64_t sequence() const noexcept { return core_.sequence; }
  [[nodiscard]] std::uint32_t number() const noexcept { return core_.number; }          ///< its place in the ring
  [[nodiscard]] std::uint32_t deliveries() const noexcept { return core_.deliveries; }  ///< this one counted; 1: never before
  [[nodiscard]] std::uint64_t published_unix_ns() const;
  [[nodiscard]] Attrs attrs() const;
  /// It was dealt with, and is room for a producer.   Errors: Busy while arrays taken from it live; Usage (done already).
  void done();
  /// Turns it into an array of that name, with the rows that were published, without a copy; a fresh batch takes its place. It
  /// counts as done.   Errors: NotSupported for a broadcast; NameTaken, Name, Capacity, SystemMemory; as done(). Two round trips.
  SharedArray keep(std::string_view name);

 private:
  friend class Stream;
  void check_span(TypeId id) const;
  mutable internal::BatchCore core_;
};

/// A handle to a stream. Copies are the same producer and consumer; open the stream again for another consumer of a broadcast.
///   Threads: safe.   Cost: loan, publish, take and done make no system call unless somebody sleeps.   Fork: as Store.
class NDSHARE_API Stream {
 public:
  Stream();  ///< a handle to nothing: every call but operator bool throws Usage
  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const DType& dtype() const;
  [[nodiscard]] const StreamOptions& options() const;

  /// A batch to fill; waits for one.   Errors: Timeout (says who holds what), StreamClosed, Permission (read-only role).
  [[nodiscard]] Loan loan(const StreamWait& wait = {});
  /// The next batch.   Errors: Timeout; EndOfStream (closed, and all is done); ProducersGone; TooManyStreams (64 consumers).
  [[nodiscard]] Batch take(const StreamWait& wait = {});
  /// As these, but wait only if a timeout is given, and tell by code: Ok, Timeout (there is none now), EndOfStream, ….
  [[nodiscard]] ErrorCode try_loan(Loan& loan, const StreamWait& wait = {});
  [[nodiscard]] ErrorCode try_take(Batch& batch, const StreamWait& wait = {});
  /// (Broadcast) this handle is to see every batch that is published from now on; take() does so by itself.
  void join();
  /// (Skip) batches that this consumer did not see because it was slow.
  [[nodiscard]] std::uint64_t missed() const;

  /// No more input: loans that are out may still be published, consumers take what is there and then get EndOfStream.
  void close();
  [[nodiscard]] bool closed() const;
  [[nodiscard]] StreamInfo info() const;
  /// The next dead letter, to read: done() frees it. An empty one where there is none.
  [[nodiscard]] Batch take_dead_letter();
  /// Delivers every dead letter again; returns how many.
  std::uint64_t retry_dead_letters();

 private:
  friend class Store;
  explicit Stream(std::shared_ptr<internal::StreamState> state) noexcept;
  std::shared_ptr<internal::StreamState> state_;
};

}  // namespace ndshare
