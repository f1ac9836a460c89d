/// The fields of every message, in wire order: the one list that encode and decode are made from.
///
/// `Fields<Body>::each(body, visit)` calls `visit("field", body.field)` for each field. A struct whose list grows keeps the old
/// order: new fields come last. `kTolerant` marks the greeting, where a newer peer's extra fields are skipped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/wire/messages.h"

namespace ndshare::internal {

template <class Body>
struct Fields;

// Applies NDSHARE_FIELD_VISIT to each argument; the rescans of the preprocessor allow 27 fields, more than any message has.
#define NDSHARE_PARENS ()
#define NDSHARE_EXPAND(...) NDSHARE_EXPAND2(NDSHARE_EXPAND2(NDSHARE_EXPAND2(__VA_ARGS__)))
#define NDSHARE_EXPAND2(...) NDSHARE_EXPAND1(NDSHARE_EXPAND1(NDSHARE_EXPAND1(__VA_ARGS__)))
#define NDSHARE_EXPAND1(...) NDSHARE_EXPAND0(NDSHARE_EXPAND0(NDSHARE_EXPAND0(__VA_ARGS__)))
#define NDSHARE_EXPAND0(...) __VA_ARGS__
#define NDSHARE_EACH(macro, ...) __VA_OPT__(NDSHARE_EXPAND(NDSHARE_EACH_STEP(macro, __VA_ARGS__)))
#define NDSHARE_EACH_STEP(macro, first, ...) macro(first) __VA_OPT__(NDSHARE_EACH_AGAIN NDSHARE_PARENS(macro, __VA_ARGS__))
#define NDSHARE_EACH_AGAIN() NDSHARE_EACH_STEP
#define NDSHARE_FIELD_VISIT(field) visit(#field, body.field);
#define NDSHARE_FIELD_COUNT(field) +1

#define NDSHARE_FIELDS_OF(Struct, tolerant, ...)                                        \
  template <>                                                                           \
  struct Fields<Struct> {                                                               \
    static constexpr const char* kName = #Struct;                                       \
    static constexpr bool kTolerant = tolerant;                                         \
    static constexpr std::size_t kCount = 0 NDSHARE_EACH(NDSHARE_FIELD_COUNT, __VA_ARGS__); \
    template <class Body, class Visit>                                                  \
    static void each(Body& body, Visit&& visit) {                                       \
      NDSHARE_EACH(NDSHARE_FIELD_VISIT, __VA_ARGS__)                                    \
    }                                                                                   \
  };
#define NDSHARE_FIELDS(Struct, ...) NDSHARE_FIELDS_OF(Struct, false, __VA_ARGS__)
#define NDSHARE_GREETING_FIELDS(Struct, ...) NDSHARE_FIELDS_OF(Struct, true, __VA_ARGS__)

NDSHARE_GREETING_FIELDS(HelloRequest, protocol, layout_hash, pid, purpose, read_only, command, resume_slot, resume_gen)
NDSHARE_GREETING_FIELDS(HelloReply, protocol, layout_hash, store_id, version, slot, gen, read_only, last_sequence, daemon_pid)
NDSHARE_GREETING_FIELDS(ErrorReply, code, message, details)
NDSHARE_FIELDS(CreateSpec, name, dtype, shape, order, session, replace, attrs)
NDSHARE_FIELDS(CreateRequest, specs)
NDSHARE_FIELDS(ExtentInfo, offset, bytes, zeroed)
NDSHARE_FIELDS(CreatedArray, array, array_gen, version, extents)
NDSHARE_FIELDS(CreateReply, arrays, pool_bytes)
NDSHARE_FIELDS(ArrayId, array, array_gen)
NDSHARE_FIELDS(PublishRequest, arrays, seal, later)
NDSHARE_FIELDS(PublishReadyRequest, unused)
NDSHARE_FIELDS(DiscardRequest, id)
NDSHARE_FIELDS(RemoveRequest, name)
NDSHARE_FIELDS(RenameRequest, from, to, replace)
NDSHARE_FIELDS(MakeStreamRequest, stream, batches)
NDSHARE_FIELDS(RemoveStreamRequest, name)
NDSHARE_FIELDS(KeepBatchRequest, stream, fresh, batch, rows, name)
NDSHARE_FIELDS(MemoryRequest, id, bytes)
NDSHARE_FIELDS(MemoryReply, extents, pool_bytes)
NDSHARE_FIELDS(ReturnRequest, extents)
NDSHARE_FIELDS(ExtendRequest, id, bytes)
NDSHARE_FIELDS(ExtendReply, at, extents, pool_bytes)
NDSHARE_FIELDS(Change, at, bytes)
NDSHARE_FIELDS(CommitRequest, id, extents, changes, rows, counts, lo, hi)
NDSHARE_FIELDS(CommitReply, version)
NDSHARE_FIELDS(SnapshotRequest, id, version, name, attrs)
NDSHARE_FIELDS(SnapshotReply, array, array_gen)
NDSHARE_FIELDS(RevertRequest, id, snapshot)
NDSHARE_FIELDS(MendRequest, id, lo, hi, torn)
NDSHARE_FIELDS(KickRequest, pid, kill)
NDSHARE_FIELDS(StatusRequest, unused)
NDSHARE_FIELDS(PoolStatus, capacity_bytes, used_bytes, live_bytes, warm_bytes, free_bytes, largest_free_bytes, pending_bytes,
               catalog_bytes, sync_bytes, tmpfs_free_bytes, memory_available_bytes, cgroup_free_bytes)
NDSHARE_FIELDS(ClientStatus, slot, gen, pid, uid, since_unix_ns, read_only, command)
NDSHARE_FIELDS(StatusReply, store, version, pool_dir, pid, uptime_ms, arrays, persistent_arrays, max_clients, max_arrays,
               ephemeral, adopted, pool, clients)
NDSHARE_FIELDS(TrimRequest, keep_bytes)
NDSHARE_FIELDS(TrimReply, freed_bytes)
NDSHARE_GREETING_FIELDS(StopRequest, force, keep)
NDSHARE_GREETING_FIELDS(SaveRequest, name, wait_ms)
NDSHARE_GREETING_FIELDS(SaveReply, status)
NDSHARE_FIELDS(DetachRequest, unused)
NDSHARE_FIELDS(PingRequest, payload)
NDSHARE_FIELDS(PingReply, payload)
NDSHARE_FIELDS(EmptyReply, unused)

// ---- types ------------------------------------------------------------------------------------------------------------------

inline constexpr std::uint64_t kReplyBit = 0x80;
inline constexpr std::uint64_t kErrorType = 0xFF;  ///< of an ErrorReply, whatever was asked

/// Number of a request type and its reply struct.
template <class Request>
struct MessageOf;
#define NDSHARE_MESSAGE(number, name, Request, ReplyStruct, access) \
  template <>                                                       \
  struct MessageOf<Request> {                                       \
    static constexpr std::uint64_t kType = number;                  \
    static constexpr const char* kName = #name;                     \
    using Reply = ReplyStruct;                                      \
  };
#include "lib/wire/message_list.inc"
#undef NDSHARE_MESSAGE

template <class Request>
using ReplyOf = typename MessageOf<Request>::Reply;

/// "Create" for 10, "reply to Create" for 138, "unknown type" for a number that is not in the list.
const char* message_name(std::uint64_t type) noexcept;

}  // namespace ndshare::internal
