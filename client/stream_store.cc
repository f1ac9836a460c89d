// Streams of a store: made, found, listed, removed.
#include <algorithm>

#include <ndshare/admin.h>
#include <ndshare/store.h>

#include "client/inspector_impl.h"
#include "client/stream_state.h"
#include "lib/base/text.h"
#include "lib/wire/attrs.h"

namespace ndshare {

using internal::ClientSession;
using internal::StreamState;

namespace {

ClientSession& live(const std::shared_ptr<ClientSession>& session) {
  if (session == nullptr) throw Error(ErrorCode::Usage, "this Store was moved from");
  session->check();
  return *session;
}

void check_range(const char* what, std::int64_t value, std::int64_t lowest, std::int64_t highest) {
  if (value >= lowest && value <= highest) return;
  throw Error(ErrorCode::Usage,
              std::string(what) + " of a stream is " + std::to_string(value) + ": give " + std::to_string(lowest) +
                  " to " + std::to_string(highest),
              {{what, std::to_string(value)}});
}

internal::StreamSpec spec_of(const StreamOptions& options) {
  check_range("depth", options.depth, 1, internal::kMaxStreamDepth);
  check_range("rows", options.rows, 1, INT64_MAX);
  check_range("max_deliveries", options.max_deliveries, 0, internal::kMaxDeliveries - 1);
  internal::StreamSpec spec;
  spec.rows = static_cast<std::uint64_t>(options.rows);
  spec.ring_options = {static_cast<std::uint32_t>(options.depth), static_cast<std::uint32_t>(options.max_deliveries),
                       options.mode == StreamMode::broadcast, options.slow == SlowConsumer::skip};
  return spec;
}

/// The name and those of the batches are names of arrays.   Errors: Name.
void check_stream_name(std::string_view name) {
  internal::check_array_name(name);
  internal::check_array_name(internal::batch_array_name(name, internal::kMaxStreamDepth));
}

Shape with_rows(std::int64_t rows, const Shape& row_shape) {
  std::vector<std::int64_t> dims = {rows};
  dims.insert(dims.end(), row_shape.begin(), row_shape.end());
  return Shape(Dims(dims));
}

const char* mode_name(StreamMode mode) { return mode == StreamMode::queue ? "queue" : "broadcast"; }

}  // namespace

Stream Store::create_stream(std::string_view name, const DType& dtype, const StreamOptions& options) {
  auto& session = live(session_);
  session.check_writer();
  check_stream_name(name);
  const auto spec = spec_of(options);
  if (const auto found = internal::find_stream(session.catalog(), name)) {
    throw Error(ErrorCode::NameTaken,
                "stream '" + internal::printable(name) + "' exists already, with dtype " +
                    internal::catalog_dtype(found->copy.dtype).to_string() + ": open it, or remove it first",
                {{"stream", std::string(name)}});
  }
  const CreateOptions made{.fill = Fill::empty, .attrs = spec.attrs(), .timeout = options.timeout};
  const CreateItem stream{internal::stream_array_name(name), dtype, with_rows(0, options.row_shape)};
  std::vector<CreateItem> items;
  for (std::int64_t i = 0; i < options.depth; ++i) {
    items.push_back({internal::batch_array_name(name, static_cast<std::uint64_t>(i)), dtype,
                     with_rows(options.rows, options.row_shape)});
  }
  std::vector<SharedArray> arrays;
  try {
    arrays = create_unchecked({&stream, 1}, made);
    for (auto& batch : create_unchecked(items, {.fill = Fill::empty, .timeout = options.timeout}))
      arrays.push_back(std::move(batch));
    internal::MakeStreamRequest request;
    request.stream = arrays.front().state().id();
    for (std::size_t i = 1; i < arrays.size(); ++i) request.batches.push_back(arrays[i].state().id());
    session.request(request, session.deadline(options.timeout));
  } catch (const Error&) {
    for (const auto& array : arrays) {
      try {
        session.request(internal::DiscardRequest{array.state().id()}, session.deadline({}));
      } catch (const Error&) {
        break;  // the daemon is away: they go with this client
      }
    }
    throw;
  }
  return open_stream(name);
}

Stream Store::open_stream(std::string_view name, const StreamContract& contract) const {
  live(session_);
  auto state = StreamState::open(session_, name);
  const bool fits = (!contract.dtype || *contract.dtype == state->dtype()) &&
                    (!contract.mode || *contract.mode == state->options().mode);
  if (!fits) {
    throw Error(ErrorCode::Contract,
                "stream '" + internal::printable(name) + "' is a " + mode_name(state->options().mode) + " of " +
                    state->dtype().to_string() + ", not " + (contract.mode ? mode_name(*contract.mode) : "one") +
                    " of " + (contract.dtype ? contract.dtype->to_string() : "any dtype") + " as asked",
                {{"stream", std::string(name)}});
  }
  return Stream(std::move(state));
}

namespace {

/// `sync`: where the ring of that number is.
std::vector<StreamInfo> stream_infos(const internal::CatalogView& catalog, std::string_view pattern,
                                     const std::function<const internal::StreamSync&(std::uint32_t)>& sync) {
  std::vector<std::string> names;
  catalog.for_each([&](const internal::ArrayCopy& copy) {
    if (copy.name.starts_with(internal::kStreamPrefix))
      names.push_back(copy.name.substr(internal::kStreamPrefix.size()));
  });
  std::ranges::sort(names);
  std::vector<StreamInfo> out;
  for (const auto& name : names) {
    if (!internal::glob_match(pattern, name)) continue;
    if (const auto found = internal::find_stream(catalog, name))
      out.push_back(internal::stream_info(catalog, *found, sync(found->spec.ring)));
  }
  return out;
}

}  // namespace

std::vector<StreamInfo> Store::list_streams(std::string_view pattern) const {
  const auto& session = live(session_);
  return stream_infos(session.catalog(), pattern,
                      [&](std::uint32_t ring) -> const internal::StreamSync& { return session.stream_sync(ring); });
}

void Store::remove_stream(std::string_view name) {
  live(session_).check_writer();
  session_->request(internal::RemoveStreamRequest{std::string(name)}, session_->deadline({}));
}

std::vector<StreamInfo> admin::Inspector::streams(std::string_view pattern) const {
  const auto map = impl_->map_sync();
  const auto& header = impl_->view.header();
  const internal::SyncLayout layout(header.max_clients, header.max_arrays);
  return stream_infos(impl_->view, pattern, [&](std::uint32_t ring) -> const internal::StreamSync& {
    return layout.stream(map.data(), ring);
  });
}

}  // namespace ndshare
