// Rows into a stream and out of it: push, take, tail, drain.
#include "tools/cli/stream_actions.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include <ndshare/create.h>
#include <ndshare/csv.h>
#include <ndshare/io.h>

#include "tools/cli/table.h"
#include "tools/cli/transfer.h"

namespace ndshare::cli {
namespace {

using Clock = std::chrono::steady_clock;

Array read_rows(const StreamFlags& flags, const Stream& stream) {
  const auto format = file_format({}, flags.file);
  if (format == "npz")
    throw Error(ErrorCode::Format, "streams push takes one array: a .npy or .csv file, not '" + flags.file + "'");
  Array rows = format == "csv" ? read_csv(flags.file, {.dtype = stream.dtype()}) : load(flags.file);
  const auto& row_shape = stream.options().row_shape;
  const bool fits =
      rows.ndim() == row_shape.ndim() + 1 && std::equal(row_shape.begin(), row_shape.end(), rows.shape().begin() + 1);
  if (rows.dtype() != stream.dtype()) {
    throw Error(ErrorCode::DtypeMismatch, "'" + flags.file + "' holds " + rows.dtype().to_string() + ", the stream " +
                                              stream.dtype().to_string());
  }
  if (!fits)
    throw Error(ErrorCode::ShapeMismatch, "'" + flags.file + "' has shape " + rows.shape().str() + ": rows of shape " +
                                              row_shape.str() + " are needed");
  return rows;
}

void print_batch(Context& context, std::uint64_t sequence, std::int64_t rows, std::uint32_t deliveries,
                 const Attrs& attrs) {
  if (context.json) {
    print_json(context.out, batch_json(sequence, rows, deliveries, attrs));
  } else {
    context.out << sequence << "  " << rows << " rows  delivery " << deliveries << (attrs.empty() ? "" : "  ")
                << attrs_line(attrs) << "\n";
  }
  context.out.flush();
}

/// Rows of several batches as one array.
Array joined(const std::vector<Batch>& batches, const Stream& stream) {
  std::vector<std::int64_t> dims = {0};
  for (const auto& batch : batches) dims[0] += batch.rows();
  dims.insert(dims.end(), stream.options().row_shape.begin(), stream.options().row_shape.end());
  Array all = empty(Shape(Dims(dims)), stream.dtype());
  auto* to = all.mutable_data();
  for (const auto& batch : batches) to = std::copy_n(batch.data(), batch.nbytes(), to);
  return all;
}

/// Batches until there are `count`, the stream ends, or (count 0) nothing is ready.
std::vector<Batch> take_some(Stream& stream, std::uint64_t count, std::chrono::nanoseconds timeout) {
  std::vector<Batch> out;
  const auto deadline = Clock::now() + timeout;
  const std::uint64_t most = count == 0 ? static_cast<std::uint64_t>(stream.options().depth) : count;
  while (out.size() < most) {
    if (count != 0 && out.size() == static_cast<std::size_t>(stream.options().depth)) {
      throw Error(ErrorCode::Usage, "--into with --count " + std::to_string(count) + ": the stream holds " +
                                        std::to_string(stream.options().depth) + " batches; take them in parts");
    }
    Batch batch;
    const bool waits = count != 0 || out.empty();
    const auto left = waits ? std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(deadline - Clock::now()))
                            : std::chrono::nanoseconds(0);
    const auto code = stream.try_take(batch, {.timeout = left});
    if (code == ErrorCode::Ok) {
      out.push_back(std::move(batch));
    } else if (out.empty()) {
      static_cast<void>(stream.take({.timeout = std::chrono::nanoseconds(0)}));  // throws what it is, in words
    } else {
      break;
    }
  }
  return out;
}

}  // namespace

const char* mode_text(const StreamOptions& options) {
  return options.mode == StreamMode::queue ? "queue" : "broadcast";
}

Json stream_json(const StreamInfo& info) {
  Json shape = Json::array({info.options.rows});
  for (const auto length : info.row_shape) shape.push_back(length);
  return {{"name", info.name},
          {"dtype", info.dtype.to_string()},
          {"shape", shape},
          {"depth", info.options.depth},
          {"mode", mode_text(info.options)},
          {"slow", info.options.slow == SlowConsumer::hold ? "hold" : "skip"},
          {"max_deliveries", info.options.max_deliveries},
          {"closed", info.closed},
          {"published", info.published},
          {"free", info.free},
          {"loaned", info.loaned},
          {"ready", info.ready},
          {"taken", info.taken},
          {"dead", info.dead},
          {"lag", info.lag},
          {"missed", info.missed},
          {"producers", info.producers},
          {"consumers", info.consumers}};
}

Json batch_json(std::uint64_t sequence, std::int64_t rows, std::uint32_t deliveries, const Attrs& attrs) {
  Json json = {{"seq", sequence}, {"rows", rows}, {"deliveries", deliveries}, {"attrs", Json::object()}};
  for (const auto& [key, value] : attrs) json["attrs"][key] = value;
  return json;
}

std::string attrs_line(const Attrs& attrs) {
  std::string text;
  for (const auto& [key, value] : attrs) text += (text.empty() ? "" : ", ") + one_line(key) + "=" + one_line(value);
  return text;
}

int push_stream(const StreamFlags& flags, Context& context) {
  if (flags.file.empty()) throw Error(ErrorCode::Usage, "streams push: give the stream and a file");
  Store store = context.connect();
  Stream stream = store.open_stream(flags.name);
  const auto attrs = parse_attrs(flags.attrs);
  const Array rows = read_rows(flags, stream);
  Json list = Json::array();
  for (std::int64_t from = 0; from < rows.shape()[0]; from += stream.options().rows) {
    const auto count = std::min(stream.options().rows, rows.shape()[0] - from);
    Loan loan = stream.loan({.timeout = context.timeout()});
    const Array part = rows(slice(from, from + count));
    const Array whole = part.is_c_contiguous() ? part : part.copy();
    std::copy_n(whole.data(), whole.nbytes(), loan.data());
    const auto sequence = loan.publish(count, attrs);
    if (context.json) list.push_back(batch_json(sequence, count, 0, attrs));
  }
  if (flags.close) stream.close();
  if (context.json) print_json(context.out, list);
  return 0;
}

int take_stream(const StreamFlags& flags, Context& context) {
  Store store = context.connect(Role::read_only);
  Stream stream = store.open_stream(flags.name);
  const auto format = flags.into.empty() ? std::string() : file_format({}, flags.into);
  Json list = Json::array();
  const auto tell = [&](const Batch& batch) {
    if (context.json) {
      list.push_back(batch_json(batch.sequence(), batch.rows(), batch.deliveries(), batch.attrs()));
    } else if (flags.into != "-") {
      print_batch(context, batch.sequence(), batch.rows(), batch.deliveries(), batch.attrs());
    }
  };
  if (!flags.into.empty()) {
    auto batches = take_some(stream, flags.count, context.timeout());
    write_file(flags.into, format, flags.name, joined(batches, stream), {});
    for (auto& batch : batches) tell(batch), batch.done();
  } else {
    for (std::uint64_t n = 0; n < std::max<std::uint64_t>(1, flags.count); ++n) {
      Batch batch;
      const auto code = n == 0 ? (batch = stream.take({.timeout = context.timeout()}), ErrorCode::Ok)
                               : stream.try_take(batch, {.timeout = context.timeout()});
      if (code != ErrorCode::Ok) break;
      tell(batch);
      batch.done();
    }
  }
  if (context.json) print_json(flags.into == "-" ? context.err : context.out, list);
  return 0;
}

int tail_stream(const StreamFlags& flags, Context& context) {
  Store store = context.connect(Role::read_only);
  Stream stream = store.open_stream(flags.name);
  const auto wanted = flags.count == 0 ? UINT64_MAX : flags.count;
  std::uint64_t told = 0;
  if (stream.options().mode == StreamMode::broadcast) {
    stream.join();
    for (; told < wanted; ++told) {
      Batch batch;
      const auto code = stream.try_take(batch, {.timeout = context.timeout()});
      if (code == ErrorCode::EndOfStream || code == ErrorCode::ProducersGone) return 0;
      if (code != ErrorCode::Ok) static_cast<void>(stream.take({.timeout = std::chrono::nanoseconds(0)}));
      print_batch(context, batch.sequence(), batch.rows(), batch.deliveries(), batch.attrs());
      batch.done();
    }
    return 0;
  }
  auto next = stream.info().published;
  for (auto last = Clock::now(); told < wanted;) {
    auto info = stream.info();
    std::ranges::sort(info.batches, {}, &BatchInfo::sequence);
    for (const auto& batch : info.batches) {
      const bool shown =
          (batch.state == "ready" || batch.state == "taken" || batch.state == "dead") && batch.sequence >= next;
      if (!shown || told == wanted) continue;
      print_batch(context, batch.sequence, batch.rows, batch.deliveries, batch.attrs);
      next = batch.sequence + 1, ++told, last = Clock::now();
    }
    if (info.closed && info.ready + info.taken + info.loaned == 0) return 0;
    if (Clock::now() - last > context.timeout())
      throw Error(ErrorCode::Timeout, "nothing was published into '" + flags.name + "' before the deadline");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return 0;
}

int drain_stream(const StreamFlags& flags, Context& context) {
  Store store = context.connect(Role::read_only);
  Stream stream = store.open_stream(flags.name);
  std::uint64_t batches = 0;
  std::int64_t rows = 0;
  Batch batch;
  while (stream.try_take(batch) == ErrorCode::Ok) {
    rows += batch.rows(), ++batches;
    batch.done();
  }
  if (context.json) {
    print_json(context.out, {{"batches", batches}, {"rows", rows}});
  } else {
    context.out << batches << " batches, " << rows << " rows dropped\n";
  }
  return 0;
}

}  // namespace ndshare::cli
