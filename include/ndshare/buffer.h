// Buffer: memory that arrays stand on and share. The heap's is here; shared memory derives its own.
#pragma once

#include <ndshare/export.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ndshare {

/// Where memory really is, so that two mappings of the same bytes compare equal.
/// Segment 0 is this process's private memory, with the address as offset.
struct Origin {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;  ///< bytes in the segment
  friend bool operator==(const Origin&, const Origin&) = default;
};

/// A range of memory that lives as long as the last array over it.
///
/// To derive: hand the range to the constructor, give it back (unmap, release the claim) in the destructor, which may
/// run in any thread and must not throw. Data, size and origin never change.
///   Threads: immutable; the bytes behind `data()` are the users' to synchronise.
class NDSHARE_API Buffer {
 public:
  virtual ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::int64_t nbytes() const noexcept { return nbytes_; }
  [[nodiscard]] bool writable() const noexcept { return writable_; }
  [[nodiscard]] Origin origin() const noexcept { return origin_; }

 protected:
  /// REQUIRES: [data, data + nbytes) stays mapped until the destructor; writable only if the pages are.
  Buffer(std::byte* data, std::int64_t nbytes, bool writable, Origin origin) noexcept
      : data_(data), nbytes_(nbytes), writable_(writable), origin_(origin) {}

 private:
  std::byte* data_;
  std::int64_t nbytes_;
  bool writable_;
  Origin origin_;
};

/// Private memory from the heap, 64-byte aligned.
///   Errors: Memory, with the bytes asked for, when the system has none; Shape for a negative size.
[[nodiscard]] NDSHARE_API std::shared_ptr<Buffer> make_heap_buffer(std::int64_t nbytes, bool zeroed);

/// How much memory of freed heap arrays stays ready for the next, in bytes; gives the number before. 0 keeps none, and what was kept
/// goes back at once. At first: a sixteenth of the machine's memory, 1 GiB at most; 0 where a limit of the process counts addresses
/// (RLIMIT_AS, RLIMIT_DATA), as it should be set where the machine does (vm.overcommit_memory = 2).
///
/// Only arrays of 4 MiB and more; fresh pages would cost several times what most calls do in them. Zeroed arrays take fresh ones all the
/// same. The kernel may take kept pages back at any time (MADV_FREE): other processes do not go short of them, though they count as this
/// one's until then.
///   Threads: safe; the whole process's.   Errors: Usage for a negative number.
NDSHARE_API std::int64_t set_warm_heap(std::int64_t bytes);

/// Memory of somebody else (a std::vector, a mapping): `keep_alive` is held as long as an array uses it (may be null).
///   Errors: Shape for a negative size.
[[nodiscard]] NDSHARE_API std::shared_ptr<Buffer> make_external_buffer(void* data, std::int64_t nbytes, bool writable,
                                                                       std::shared_ptr<const void> keep_alive);

}  // namespace ndshare
