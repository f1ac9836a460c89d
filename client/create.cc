// Store::create and what belongs to it: one round trip for the place, then zeros where the memory is not fresh.
#include <algorithm>
#include <utility>

#include <sys/mman.h>

#include <ndshare/store.h>

#include "client/session.h"
#include "client/shared_state.h"
#include "lib/base/text.h"
#include "lib/exec/parallel_memory.h"
#include "lib/wire/attrs.h"

namespace ndshare {

using internal::CreateRequest;
using internal::CreateSpec;
using internal::ClientSession;

namespace {

/// A request stays below this, so that it and its reply are one packet each.
constexpr std::size_t kBatchBytes = 48U << 10;

CreateSpec make_spec(std::string_view name, const DType& dtype, const Shape& shape, const CreateOptions& options,
                     const std::string& attrs) {
  internal::check_array_name(name);
  static_cast<void>(shape.nbytes(dtype.itemsize()));  // negative and overflowing shapes stop here
  CreateSpec spec;
  spec.name = name;
  spec.dtype = dtype.str();
  if (spec.dtype.size() > internal::kMaxDtypeBytes) {
    throw Error(ErrorCode::DType, "a dtype of " + std::to_string(spec.dtype.size()) + " bytes; the limit is " +
                                      std::to_string(internal::kMaxDtypeBytes));
  }
  spec.shape.assign(shape.begin(), shape.end());
  spec.order = options.order == Order::C ? "C" : "F";
  spec.session = options.lifetime == Lifetime::session;
  spec.replace = options.replace;
  spec.attrs = attrs;
  return spec;
}

/// Names that streams' arrays have are theirs alone.   Errors: Name.
void check_free_name(std::string_view name) {
  if (!internal::is_stream_name(name)) return;
  throw Error(ErrorCode::Name, "'" + internal::printable(name) + "' is a name of a stream's own array: create_stream() makes streams");
}

std::string attrs_text(const Attrs& attrs) {
  auto text = internal::encode_attrs(attrs);
  if (text.size() > internal::kMaxAttrsBytes) {
    throw Error(ErrorCode::Usage, "attributes of " + internal::format_bytes(text.size()) + "; the limit is " +
                                      internal::format_bytes(internal::kMaxAttrsBytes),
                {{"bytes", std::to_string(text.size())}, {"limit", std::to_string(internal::kMaxAttrsBytes)}});
  }
  return text;
}

std::size_t spec_bytes(const CreateSpec& spec) {
  return 32 + spec.name.size() + spec.dtype.size() + spec.attrs.size() + 9 * spec.shape.size();
}

/// Zeroes what the daemon could not promise to be zero, and maps the pages if asked to.
void fill_new(ClientSession& session, const internal::VersionInfo& info, std::uint64_t array_gen,
              const internal::CreatedArray& created, const CreateOptions& options) {
  if (info.nbytes == 0) return;
  const bool dirty = std::ranges::any_of(created.extents, [](const auto& extent) { return !extent.zeroed; });
  const bool zero = options.fill == Fill::zeros && dirty;
  if (!zero && !options.prefault && !options.huge) return;
  const auto nbytes = static_cast<std::uint64_t>(info.nbytes);
  const auto bytes = session.pool().locate(info.extents, nbytes, array_gen, info.version,
                                           internal::Mapping::Access::read_write);
  const auto page = reinterpret_cast<std::uintptr_t>(bytes.data) & ~(internal::kPage - 1);
  const auto length = (reinterpret_cast<std::uintptr_t>(bytes.data) + nbytes + internal::kPage - 1 - page) & ~(internal::kPage - 1);
  auto* first = reinterpret_cast<void*>(page);
  const internal::OpenPages open(session.guard_pages(), bytes.data, info.nbytes);
  // Advice: a kernel that cannot follow it changes nothing for the caller.
  if (options.huge) static_cast<void>(::madvise(first, length, MADV_HUGEPAGE));
  if (options.prefault) static_cast<void>(::madvise(first, length, MADV_POPULATE_WRITE));
  std::uint64_t at = 0;
  for (const auto& extent : created.extents) {
    const auto part = std::min(extent.bytes, nbytes - at);
    if (zero && !extent.zeroed) internal::parallel_zero(bytes.data + at, part);
    at += part;
  }
}

/// Takes an unfinished array away again; a daemon that is gone does so by itself when this process ends.
void discard_quietly(ClientSession& session, const internal::SharedState& state) noexcept {
  try {
    session.request(internal::DiscardRequest{{state.array, state.array_gen}}, session.deadline({}));
  } catch (const std::exception&) {
    return;
  }
}

std::shared_ptr<internal::SharedState> adopt_created(const std::shared_ptr<ClientSession>& session, std::string_view name,
                                                     const DType& dtype, const Shape& shape, const CreateOptions& options,
                                                     const internal::CreatedArray& created) {
  auto state = std::make_shared<internal::SharedState>();
  state->session = session;
  state->name = name;
  state->array = static_cast<std::uint32_t>(created.array);
  state->array_gen = created.array_gen;
  state->ours = true;
  state->replaces = options.replace;
  state->opened = {created.version, dtype, shape, options.order, shape.nbytes(dtype.itemsize()), {}};
  if (const auto copy = session->catalog().read(state->array); copy && copy->ref.array_gen == state->array_gen) {
    state->geometry = internal::geometry_of(*copy);
  }
  for (const auto& extent : created.extents) state->opened.extents.push_back({extent.offset, extent.bytes, created.version});
  state->opened_changed();
  try {
    fill_new(*session, state->opened, state->array_gen, created, options);
  } catch (const Error&) {
    discard_quietly(*session, *state);
    throw;
  }
  return state;
}

/// Refuses a reply that does not answer the request: the daemon is another program than this client takes it for.
void check_reply(const internal::CreateReply& reply, std::size_t asked) {
  if (reply.arrays.size() != asked) {
    throw Error(ErrorCode::Protocol, "the daemon made " + std::to_string(reply.arrays.size()) + " arrays, " +
                                         std::to_string(asked) + " were asked for");
  }
}

const std::shared_ptr<ClientSession>& writer(const std::shared_ptr<ClientSession>& session) {
  if (session == nullptr) throw Error(ErrorCode::Usage, "this Store was moved from");
  session->check_writer();
  return session;
}

}  // namespace

SharedArray Store::create(std::string_view name, const DType& dtype, const Shape& shape, const CreateOptions& options) {
  const auto& session = writer(session_);
  check_free_name(name);
  CreateRequest request;
  request.specs.push_back(make_spec(name, dtype, shape, options, attrs_text(options.attrs)));
  const auto reply = session->request(request, session->deadline(options.timeout));
  check_reply(reply, 1);
  return SharedArray(adopt_created(session, name, dtype, shape, options, reply.arrays[0]));
}

std::vector<SharedArray> Store::create_many(std::span<const CreateItem> items, const CreateOptions& options) {
  for (const auto& item : items) check_free_name(item.name);
  return create_unchecked(items, options);
}

/// Of any name, a stream's arrays included.
std::vector<SharedArray> Store::create_unchecked(std::span<const CreateItem> items, const CreateOptions& options) {
  const auto& session = writer(session_);
  const auto attrs = attrs_text(options.attrs);
  std::vector<SharedArray> out;
  out.reserve(items.size());
  CreateRequest batch;
  std::size_t bytes = 0;
  const auto flush = [&] {
    if (batch.specs.empty()) return;
    const auto reply = session->request(batch, session->deadline(options.timeout));
    check_reply(reply, batch.specs.size());
    for (const auto& created : reply.arrays) {
      const auto& item = items[out.size()];
      out.push_back(SharedArray(adopt_created(session, item.name, item.dtype, item.shape, options, created)));
    }
    batch.specs.clear();
    bytes = 0;
  };
  try {
    for (const auto& item : items) {
      auto spec = make_spec(item.name, item.dtype, item.shape, options, attrs);
      const auto more = spec_bytes(spec);
      if (batch.specs.size() == internal::kMaxCreateBatch || bytes + more > kBatchBytes) flush();
      batch.specs.push_back(std::move(spec));
      bytes += more;
    }
    flush();
  } catch (const Error&) {
    for (const auto& made : out) discard_quietly(*session, made.state());  // nobody has a handle to the earlier batches
    throw;
  }
  return out;
}

void Store::seal_many(std::span<SharedArray> arrays) {
  const auto& session = writer(session_);
  internal::PublishRequest batch;
  batch.seal = true;
  const internal::Lease lease(session);
  internal::Sealing sealing(lease->builds());  // a write() that starts now waits, and then finds the array sealed
  const auto flush = [&] {
    if (!batch.arrays.empty()) session->request(batch, session->deadline({}));
    batch.arrays.clear();
    sealing.clear();
  };
  for (auto& array : arrays) {
    const auto& state = array.state();
    if (state.session != session) {
      throw Error(ErrorCode::Usage, "array '" + internal::printable(state.name) + "' belongs to another connection: seal it there");
    }
    if ((state.current().flags & internal::kArrayBuilding) == 0) {
      array.seal();  // others may be writing it: that is waited for, one by one
      continue;
    }
    if (!sealing.add(state.array_gen)) {
      throw Error(ErrorCode::Busy, "array '" + internal::printable(state.name) + "' is held by a write guard: release it first");
    }
    batch.arrays.push_back({state.array, state.array_gen});
    if (batch.arrays.size() == internal::kMaxCreateBatch) flush();
  }
  flush();
}

}  // namespace ndshare
