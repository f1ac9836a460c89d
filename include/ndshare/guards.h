// Guards: claims on rows of a shared array that last as long as an object. Taken by SharedArray's read(), write(), update().
#pragma once

#include <ndshare/array.h>
#include <ndshare/export.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace ndshare {

namespace internal {
class ClientSession;
class GuardAccess;
class SharedBuffer;
struct SharedState;
struct UpdateState;
/// What every guard holds, without an allocation. Not for programs.
struct GuardCore {
  ClientSession* session = nullptr;      ///< lives until the last guard is gone
  std::shared_ptr<const SharedState> state;  ///< null where the thread remembered all that a guard needs
  void* claim = nullptr;                 ///< entry of this process's slot; null in an empty guard, and where `buffer` owns it
  std::byte* data = nullptr;             ///< first byte of the rows
  std::int64_t nbytes = 0;
  std::uint64_t version = 0;
  std::int64_t first = 0, rows = 0;      ///< as granted: `first` row and how many
  std::uint64_t place = 0;               ///< of `data` in the pool; UINT64_MAX where it is assembled of several pieces
  TypeId type{};                         ///< of the elements
  bool is_time = false;                  ///< which may be read as int64
  bool parked = false;                   ///< the claim is this thread's kept entry
  bool in_build = false;                 ///< counted as a writer of an array that is being filled
  bool repairs = false;                  ///< releases the torn marks of its rows
  bool lock_only = false;                ///< nothing was written
  std::shared_ptr<const void> map;       ///< keeps an assembled map
  std::shared_ptr<SharedBuffer> buffer;  ///< once an Array was taken: owns the claim
};
}  // namespace internal

/// How long to wait; nothing: as long as the store's own setting says (guards: without limit).
using Timeout = std::optional<std::chrono::nanoseconds>;

/// Rows [first, last) of the slowest axis; last −1: to the end.
struct Rows {
  std::int64_t first = 0, last = -1;
  friend bool operator==(const Rows&, const Rows&) = default;
};

struct ReadOptions {
  Rows rows{};
  Timeout timeout{};
};
struct WriteOptions {
  Rows rows{};
  Timeout timeout{};
  bool overwrite = false;  ///< every byte of the rows will be written: what they hold need not be copied first
  bool lock_only = false;  ///< the rows are kept from others and not written: they are not torn when this process dies
};

/// Shared access to the current version while it lives: no writer in place touches the rows. An empty one holds nothing.
///   Threads: use a guard from one thread at a time.   No system call, no daemon, no allocation before array().
class NDSHARE_API ReadGuard {
 public:
  ReadGuard() noexcept;
  ReadGuard(ReadGuard&&) noexcept;
  ReadGuard& operator=(ReadGuard&&) noexcept;
  ~ReadGuard();
  [[nodiscard]] explicit operator bool() const noexcept { return core_.claim != nullptr || core_.buffer != nullptr; }
  /// The guarded rows, read-only. The array keeps the guard's claim for as long as it lives.
  [[nodiscard]] Array array() const;
  /// The rows' bytes; null in an empty guard.   REQUIRES (both): the guard outlives the use.
  [[nodiscard]] const std::byte* data() const noexcept { return core_.data; }
  [[nodiscard]] std::int64_t nbytes() const noexcept { return core_.nbytes; }
  /// The elements in memory order, without an allocation.   Errors: DtypeMismatch; Usage in an empty guard.
  template <class T>
  [[nodiscard]] std::span<const T> as_span() const {
    check_span(type_id_of<T>());
    return {reinterpret_cast<const T*>(core_.data), static_cast<std::size_t>(core_.nbytes) / sizeof(T)};
  }
  [[nodiscard]] std::uint64_t version() const noexcept { return core_.version; }
  /// Ends the claim now.   Errors: Busy while arrays taken from the guard live (says how many).
  void release();

 private:
  friend class internal::GuardAccess;
  void check_span(TypeId id) const;
  mutable internal::GuardCore core_;
};

/// Exclusive access in place: readers and other writers of the rows wait. Grains that a view or a snapshot shares were copied
/// before the guard was given out, so views never change.
///   Threads: a guard belongs to one thread at a time; guards on disjoint rows are held by several threads and processes.
class NDSHARE_API WriteGuard {
 public:
  WriteGuard() noexcept;
  WriteGuard(WriteGuard&&) noexcept;
  WriteGuard& operator=(WriteGuard&&) noexcept;
  /// As release(), but an error is lost. Unwound by an exception the rows count as released; abandon() marks them torn.
  ~WriteGuard();
  [[nodiscard]] explicit operator bool() const noexcept { return core_.claim != nullptr || core_.buffer != nullptr; }
  /// The guarded rows, writable.
  [[nodiscard]] Array array() const;
  [[nodiscard]] std::byte* data() const noexcept { return core_.data; }
  [[nodiscard]] std::int64_t nbytes() const noexcept { return core_.nbytes; }
  /// As ReadGuard::as_span(), writable.
  template <class T>
  [[nodiscard]] std::span<T> as_span() const {
    check_span(type_id_of<T>());
    return {reinterpret_cast<T*>(core_.data), static_cast<std::size_t>(core_.nbytes) / sizeof(T)};
  }
  /// Ends the claim; the revision of the array grows. The last one of an array that is being filled makes it visible.
  ///   Errors: Busy while arrays taken from the guard live; while being filled: NoSuchArray, Disconnected, Timeout.
  void release();
  /// Ends the claim and marks the rows torn: what was written is half done. An array being filled is not made visible.
  ///   Where the daemon cannot be told, the claim stays until this process ends, whose sweep then marks the rows.
  void abandon() noexcept;

 private:
  friend class internal::GuardAccess;
  void check_span(TypeId id) const;
  mutable internal::GuardCore core_;
};

/// A private copy of the grains of some rows. Readers and views go on with what is; commit() publishes all of it at once.
/// Dropped without a commit nothing has happened.
///   Threads: a guard belongs to one thread at a time.   Cost: two round trips, and a copy of the touched grains by all cores.
class NDSHARE_API UpdateGuard {
 public:
  UpdateGuard() noexcept;
  UpdateGuard(UpdateGuard&&) noexcept;
  UpdateGuard& operator=(UpdateGuard&&) noexcept;
  ~UpdateGuard();
  [[nodiscard]] explicit operator bool() const noexcept { return core_.claim != nullptr || core_.buffer != nullptr; }
  [[nodiscard]] Array array() const;
  [[nodiscard]] std::byte* data() const noexcept { return core_.data; }
  [[nodiscard]] std::int64_t nbytes() const noexcept { return core_.nbytes; }
  template <class T>
  [[nodiscard]] std::span<T> as_span() const {
    check_span(type_id_of<T>());
    return {reinterpret_cast<T*>(core_.data), static_cast<std::size_t>(core_.nbytes) / sizeof(T)};
  }
  /// Publishes and ends the claim; returns the new version.
  ///   Errors: Usage when committed or released already; Busy while arrays taken from the guard live; NoSuchArray (removed
  ///   meanwhile), Sealed (meanwhile), Disconnected, Timeout: then the guard still holds, and may be committed again.
  std::uint64_t commit();
  /// Drops the copy and ends the claim.   Errors: Busy while arrays taken from the guard live.
  void release();

 private:
  friend class internal::GuardAccess;
  void check_span(TypeId id) const;
  mutable internal::GuardCore core_;
  std::shared_ptr<internal::UpdateState> update_;
};

}  // namespace ndshare
