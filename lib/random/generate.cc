#include "lib/random/generate.h"

#include <ndshare/create.h>
#include <ndshare/error.h>
#include <ndshare/index.h>

#include "lib/array/copies.h"
#include "lib/array/format_real.h"
#include "lib/array/strided.h"
#include "lib/exec/elementwise.h"
#include "lib/exec/guard.h"
#include "lib/exec/parallel.h"
#include "lib/exec/parallel_memory.h"
#include "lib/exec/stage.h"
#include "lib/kernels/registry.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

namespace ndshare::internal {
namespace {

constexpr std::int64_t kTaskElements = std::int64_t{32} << 10;  // some 100 µs: far above what waking a thread costs
constexpr std::int64_t kTaskBytes = std::int64_t{256} << 10;

}  // namespace

std::string number_text(double value) { return scalar_real(value, RealWidth::f8, false); }

TypeId drawn_type(std::string_view what, const RandomOptions& options, bool (*allowed)(TypeId), TypeId otherwise) {
  if (!options.dtype) return options.out && allowed(options.out->dtype().id()) ? options.out->dtype().id() : otherwise;
  if (allowed(options.dtype->id())) return options.dtype->id();
  throw Error(Error::DtypeMismatch,
              std::string(what) + " does not draw " + options.dtype->name() + ": draw " + DType(otherwise).name() +
                  " and convert with astype",
              {{"dtype", options.dtype->name()}});
}

void check_generate(std::string_view what, const Shape& shape, TypeId type, const RandomOptions& options) {
  check_threads(options.threads);
  static_cast<void>(Shape(shape).count() >= 0);  // throws for negative lengths
  if (options.out) return check_out(what, *options.out, shape, type);
  check_result_memory(what, shape, DType(type).itemsize(), {});
}

Array generate(const Shape& shape, TypeId type, const RandomOptions& options, const MakeBlock& make) {
  const Array out = options.out ? *options.out : empty(shape, DType(type));
  if (out.size() == 0) return out;
  if (out.dtype().id() != type) note_copy(CopyReason::downcast, out.nbytes());
  Strides strides = out.strides();
  const Space space = make_space(out.shape(), std::span(&strides, 1), false);
  const Writer to(out.mutable_data(), strides, out.dtype().id(), space, type);
  const std::int64_t count = out.size();
  // Past the caches, where a plain store would first read the line. Not into new memory: its lines are there, just zeroed by the system.
  const bool stream = options.out && out.nbytes() >= static_cast<std::int64_t>(stream_bytes());
  const auto body = [&](std::size_t task) {
    constexpr auto kStep = static_cast<std::int64_t>(kRandomBlock);
    const std::int64_t first = static_cast<std::int64_t>(task) * kTaskElements, end = std::min(count, first + kTaskElements);
    for (std::int64_t low = first; low < end; low += kStep) {
      const auto n = static_cast<std::size_t>(std::min(kStep, end - low));
      std::byte* lies = to.direct(low, n);
      if (lies != nullptr && !stream) {
        make(low, n, lies);
        continue;
      }
      alignas(64) std::byte room[kRandomBlock * sizeof(std::uint64_t)];
      make(low, n, room);
      if (lies != nullptr) {
        kernels().stream_copy(lies, room, n * static_cast<std::size_t>(out.itemsize()));
      } else {
        to.put(low, n, room);
      }
    }
  };
  const auto fence = [&] {
    if (stream) kernels().fence();
  };
  parallel_blocks(static_cast<std::size_t>((count + kTaskElements - 1) / kTaskElements), options.threads, body, fence);
  return out;
}

Shape rows_shape(std::string_view what, const Array& x, const Shape& rows) {
  if (x.ndim() == 0) {
    throw Error(Error::ShapeMismatch,
                std::string(what) + ": x has shape (), and no axis 0 to draw from: give it one with reshape({1})");
  }
  Shape result = rows;
  for (int axis = 1; axis < x.ndim(); ++axis) result.push_back(x.shape()[axis]);
  static_cast<void>(result.count());
  check_result_memory(what, result, x.itemsize(), std::span(&x, 1));
  check_result_memory(what, rows, 8, {});  // the numbers of the rows
  return result;
}

Array take_rows(const Array& x, const Array& rows, int threads) {
  Shape shape = rows.shape();
  for (int axis = 1; axis < x.ndim(); ++axis) shape.push_back(x.shape()[axis]);
  const Array out = empty(shape, x.dtype());
  if (out.size() == 0) return out;
  note_copy(CopyReason::selected, out.nbytes());
  const std::span<const std::int64_t> numbers = rows.as_span<const std::int64_t>();
  const Array row = x(0);  // its shape and strides are every row's
  const std::int64_t bytes = row.nbytes(), step = x.strides()[0];
  const bool whole = row.is_c_contiguous();
  const std::byte* from = x.data();
  std::byte* to = out.mutable_data();
  Strides packed;
  for (int axis = 0; axis < row.ndim(); ++axis) packed.push_back(out.strides()[rows.ndim() + axis]);
  const auto copy_row = [&](std::size_t i) {
    const std::byte* source = from + numbers[i] * step;
    std::byte* target = to + static_cast<std::int64_t>(i) * bytes;
    if (whole && bytes == 8) {
      std::memcpy(target, source, 8);
    } else if (whole) {
      std::memcpy(target, source, static_cast<std::size_t>(bytes));
    } else {
      copy_strided(target, packed, source, row.strides(), row.shape(), x.dtype());
    }
  };
  const auto task = static_cast<std::size_t>(std::max<std::int64_t>(1, kTaskBytes / bytes));
  const auto body = [&](std::size_t i) {
    for (std::size_t at = i * task; at < std::min(numbers.size(), (i + 1) * task); ++at) copy_row(at);
  };
  parallel_blocks((numbers.size() + task - 1) / task, threads, body);
  return out;
}

}  // namespace ndshare::internal
