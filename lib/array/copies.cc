#include "lib/array/copies.h"

#include "lib/array/dtype_record.h"
#include "lib/array/strided.h"

#include <atomic>
#include <bit>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kLargeBytes = std::int64_t{256} << 10;  // below, starting threads costs more than it saves

std::atomic<CopyEngine> g_engine{nullptr};  // relaxed: set while the process has one thread

}  // namespace

std::optional<DType> word_of(const DType& dtype) {
  const auto runs = data_runs(dtype);
  const auto bytes = static_cast<std::uint64_t>(dtype.itemsize());
  if (runs.size() != 1 || runs[0].nbytes != dtype.itemsize() || !std::has_single_bit(bytes) || bytes > 16) return std::nullopt;
  constexpr TypeId kWords[] = {TypeId::uint8, TypeId::uint16, TypeId::uint32, TypeId::uint64, TypeId::complex128};
  return DType(kWords[std::countr_zero(bytes)]);
}

void set_copy_engine(CopyEngine engine) noexcept { g_engine.store(engine, std::memory_order_relaxed); }

void copy_elements(const Array& dst, const Array& src) {
  const CopyEngine engine = g_engine.load(std::memory_order_relaxed);
  if (engine != nullptr && dst.nbytes() >= kLargeBytes) {
    if (const auto word = word_of(dst.dtype())) return engine(dst.view_as(*word), src.view_as(*word));
  }
  copy_strided(dst.mutable_data(), dst.strides(), src.data(), src.strides(), dst.shape(), dst.dtype());
}

}  // namespace ndshare::internal
