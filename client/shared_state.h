/// What a SharedArray handle knows, and the memory that arrays from guards and views stand on.
///   Threads: SharedState is immutable; SharedBuffer is a Buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ndshare/shared_array.h>

#include "client/session.h"
#include "lib/shm/claims.h"

namespace ndshare::internal {

/// One version of an array, as far as its bytes go.
struct VersionInfo {
  std::uint64_t version = 0;        ///< of the table of extents
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
  VersionInfo opened;            ///< the version when the handle was made; dtype, order and row shape never change
  RowGeometry geometry;
  Layout layout;                 ///< of `opened`, and how many elements that is
  std::int64_t count = 0;

  void opened_changed() { layout = Layout::contiguous(opened.shape, opened.dtype.itemsize(), opened.order), count = opened.shape.count(); }
  /// The current reference.   Errors: NoSuchArray when the array was removed.
  RefCopy current() const;
  /// The current shape; the one of `opened` where the array was removed.
  Shape shape() const;
  [[noreturn]] void removed() const;
  ArrayId id() const noexcept { return {array, array_gen}; }
  /// Rows along the slowest axis of an array of this shape.
  std::int64_t rows_of(std::span<const std::int64_t> shape) const noexcept;
};

/// Text of a dtype that a catalog holds, parsed; parsed ones are remembered by each thread.   Errors: Damaged.
const DType& catalog_dtype(const std::string& text);
/// Errors: Damaged.
VersionInfo version_info(const ArrayCopy& copy);
ArrayInfo array_info(const ArrayCopy& copy);
/// "still being filled by process 17": for NoSuchArray.
[[noreturn]] void still_building(const ArrayCopy& copy);

/// Bytes of some rows of a version, and the claim that keeps them: given back when the last array over them goes.
class SharedBuffer final : public Buffer {
 public:
  /// `update`: of an update guard; dropped with the buffer unless committed before.
  SharedBuffer(GuardCore&& core, ClaimMode mode, std::shared_ptr<UpdateState> update, Origin origin);
  ~SharedBuffer() override;
  GuardCore& core() noexcept { return core_; }
  std::uint64_t version() const noexcept { return core_.version; }

 private:
  GuardCore core_;
  ClaimMode mode_;
  std::shared_ptr<UpdateState> update_;
};

}  // namespace ndshare::internal
