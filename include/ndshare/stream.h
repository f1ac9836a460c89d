// Streams: batches of rows handed from process to process, without a copy and without the daemon.
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>
#include <ndshare/guards.h>
#include <ndshare/shared_array.h>
#include <ndshare/stream_info.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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
  bool loaned = false;  ///< a producer's
  bool dead = false;    ///< a dead letter
};
}  // namespace internal

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
  ///   Errors: ShapeMismatch (more rows than it holds); Busy while arrays taken from the loan live; Usage (published
  ///   already, attributes too long). On error the loan is as before.
  std::uint64_t publish(std::int64_t rows, const Attrs& attrs = {});
  /// All rows.
  std::uint64_t publish() { return publish(core_.rows); }

 private:
  friend class Stream;
  void check_span(TypeId id) const;
  mutable internal::BatchCore core_;
};

/// A published batch, read in place. Dropped without done(), also by an exception, it is delivered again, with a count;
/// so too when its process dies.
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
  [[nodiscard]] std::uint32_t number() const noexcept { return core_.number; }  ///< its place in the ring
  [[nodiscard]] std::uint32_t deliveries() const noexcept {
    return core_.deliveries;
  }  ///< this one counted; 1: never before
  [[nodiscard]] std::uint64_t published_unix_ns() const;
  [[nodiscard]] Attrs attrs() const;
  /// It was dealt with, and is room for a producer.   Errors: Busy while arrays taken from it live; Usage (done
  /// already).
  void done();
  /// Turns it into an array of that name, with the rows that were published, without a copy; a fresh batch takes its
  /// place. It counts as done.   Errors: NotSupported for a broadcast; NameTaken, Name, Capacity, SystemMemory; as
  /// done(). Two round trips.
  SharedArray keep(std::string_view name);

 private:
  friend class Stream;
  void check_span(TypeId id) const;
  mutable internal::BatchCore core_;
};

/// A handle to a stream. Copies are the same producer and consumer; open the stream again for another consumer of a
/// broadcast.
///   Threads: safe.   Cost: loan, publish, take and done make no system call unless somebody sleeps.   Fork: as Store.
class NDSHARE_API Stream {
 public:
  Stream();  ///< a handle to nothing: every call but operator bool throws Usage
  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const DType& dtype() const;
  [[nodiscard]] const StreamOptions& options() const;

  /// A batch to fill; waits for one.   Errors: Timeout (says who holds what), StreamClosed, Permission (read-only
  /// role).
  [[nodiscard]] Loan loan(const StreamWait& wait = {});
  /// The next batch.   Errors: Timeout; EndOfStream (closed, and all is done); ProducersGone; TooManyStreams (64
  /// consumers).
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
