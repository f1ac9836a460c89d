#include "client/shared_state.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>

#include "lib/base/text.h"
#include "lib/wire/attrs.h"

namespace ndshare::internal {
namespace {

constexpr std::chrono::nanoseconds kDiscardPatience = std::chrono::seconds(2);

}  // namespace

SharedState::~SharedState() {
  if (!replaces || session == nullptr) return;
  try {
    const auto ref = current();
    if ((ref.flags & kArrayBuilding) == 0 || !session->builds().is_idle(array_gen)) return;
    session->request(DiscardRequest{{array, array_gen}}, deadline_after(std::min(session->timeout(), kDiscardPatience), {}));
  } catch (const std::exception&) {
    // Forked, closed, removed already, or the daemon is away: then it goes when this client does.
  }
}

RefCopy SharedState::current() const {
  session->check();
  const auto ref = session->catalog().read_ref(array);
  if (!ref || ref->array_gen != array_gen) removed();
  return *ref;
}

Shape SharedState::shape() const {
  session->check();
  thread_local ArrayCopy copy;
  thread_local std::vector<std::byte> scratch;
  if (!session->catalog().read_into(array, copy, scratch) || copy.ref.array_gen != array_gen) return opened.shape;
  return Shape(Dims(copy.shape));
}

std::int64_t SharedState::rows_of(std::span<const std::int64_t> shape) const noexcept {
  if (shape.empty()) return 1;
  return opened.order == Order::C ? shape.front() : shape.back();
}

void SharedState::removed() const {
  throw Error(ErrorCode::NoSuchArray, "array '" + printable(name) + "' was removed from store '" + session->name() + "'",
              {{"array", name}, {"store", session->name()}});
}

const DType& catalog_dtype(const std::string& text) {
  struct Row {
    std::string text;
    DType dtype;
  };
  // A small direct-mapped cache: parsing costs more than the rest of an open().
  thread_local std::array<Row, 64> rows;
  auto& row = rows[std::hash<std::string>{}(text) % rows.size()];
  if (row.text != text) {
    try {
      row.dtype = DType::parse(text);
    } catch (const Error& error) {
      throw Error(ErrorCode::Damaged, "the catalog has a dtype that cannot be read: " + error.message());
    }
    row.text = text;
  }
  return row.dtype;
}

VersionInfo version_info(const ArrayCopy& copy) {
  VersionInfo info;
  info.version = copy.block_version;
  info.dtype = catalog_dtype(copy.dtype);
  info.shape = Shape(Dims(copy.shape));
  info.order = copy.order == 0 ? Order::C : Order::F;
  info.nbytes = static_cast<std::int64_t>(copy.nbytes);
  info.extents = copy.extents;
  return info;
}

ArrayInfo array_info(const ArrayCopy& copy) {
  ArrayInfo info;
  info.name = copy.name;
  info.dtype = catalog_dtype(copy.dtype);
  info.shape = Shape(Dims(copy.shape));
  info.order = copy.order == 0 ? Order::C : Order::F;
  info.nbytes = static_cast<std::int64_t>(copy.nbytes);
  for (const auto& extent : copy.extents) info.extent_bytes += static_cast<std::int64_t>(extent.bytes);
  info.grain = static_cast<std::int64_t>(copy.grain);
  info.version = copy.ref.version;
  info.created_unix_ns = copy.created_unix_ns;
  info.uid = copy.uid;
  info.pid = copy.pid;
  info.extents = static_cast<int>(copy.extents.size());
  info.sealed = (copy.ref.flags & kArraySealed) != 0;
  info.visible = (copy.ref.flags & kArrayBuilding) == 0;
  info.snapshot = (copy.ref.flags & kArraySnapshot) != 0;
  info.source_version = copy.source_version;
  for (const auto& torn : copy.torn) info.torn.push_back({{torn.lo, torn.hi}, torn.pid, torn.unix_ns});
  info.lifetime = (copy.ref.flags & kArraySession) != 0 ? Lifetime::session : Lifetime::persistent;
  if (!copy.attrs.empty()) info.attrs = decode_attrs(copy.attrs);
  return info;
}

void still_building(const ArrayCopy& copy) {
  throw Error(ErrorCode::NoSuchArray,
              "array '" + printable(copy.name) + "' is still being filled by process " + std::to_string(copy.pid) +
                  "; wait_for() waits until it is ready",
              {{"array", copy.name}, {"pid", std::to_string(copy.pid)}, {"building", "true"}});
}

}  // namespace ndshare::internal
