/// What a SharedArray handle knows, and the memory that guards and views stand on.
///   Threads: SharedState is immutable; SharedBuffer is a Buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ndshare/shared_array.h>

#include "client/session.h"

namespace ndshare::internal {

/// One version of an array, as far as its bytes go.
struct VersionInfo {
  std::uint64_t version = 0;
  DType dtype;
  Shape shape;
  Order order = Order::C;
  std::int64_t nbytes = 0;
  std::vector<Extent> extents;
};

struct SharedState {
  SharedState() = default;
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;
  /// Discards an array made with replace that is not visible and that nobody can reach any more.
  ~SharedState();

  std::shared_ptr<ClientSession> session;
  std::string name;
  std::uint32_t array = 0;       ///< index of its record; with array_gen the identity for ever
  std::uint64_t array_gen = 0;
  bool ours = false;             ///< this client made it
  bool replaces = false;         ///< with replace: until it is visible only this handle leads to it
  VersionInfo opened;            ///< the version when the handle was made

  /// The current reference.   Errors: NoSuchArray when the array was removed.
  RefCopy current() const;
  [[noreturn]] void removed() const;
};

/// Text of a dtype that a catalog holds, parsed; parsed ones are remembered by each thread.   Errors: Damaged.
const DType& catalog_dtype(const std::string& text);
/// Errors: Damaged.
VersionInfo version_info(const ArrayCopy& copy);
ArrayInfo array_info(const ArrayCopy& copy);
/// "still being filled by process 17": for NoSuchArray.
[[noreturn]] void still_building(const ArrayCopy& copy);

/// Bytes of some rows of a version. Holds what keeps them: the claim, the map, the lease on the session; in the end gives
/// them back in that order, and where it is the last writer of an array makes that array visible.
class SharedBuffer final : public Buffer {
 public:
  struct Parts {
    Lease lease;
    Pin pin;
    std::shared_ptr<const void> map;
    std::uint64_t build_ticket = 0;  ///< of BuildTable; 0 where the array was visible already
    bool writes = false;
    std::chrono::nanoseconds timeout{};
  };
  SharedBuffer(Parts parts, std::byte* data, std::int64_t nbytes, Origin origin);
  ~SharedBuffer() override;

  std::uint64_t version() const noexcept { return parts_.pin.ref().version; }
  /// Ends the claim; a writer counts a change, the last one publishes.   Errors: what the daemon answers; ended all the same.
  void finish();
  void abandon() noexcept;

 private:
  void publish();
  void give_back() noexcept;
  Parts parts_;
  bool done_ = false;
};

/// What to pin, and how its bytes are to be used.
struct Access {
  ClaimMode mode = ClaimMode::read;
  Rows rows;
  Timeout timeout;
};

struct GuardState {
  Array array;
  std::shared_ptr<SharedBuffer> buffer;
  /// Arrays that were taken from the guard and still live.
  long borrowed() const noexcept;
};

/// Pins the current version of the array and makes an Array over the rows.   Errors: as SharedArray::read() and write().
GuardState pin_rows(const SharedState& state, const Access& access);

}  // namespace ndshare::internal
