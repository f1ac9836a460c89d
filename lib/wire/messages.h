/// Requests and replies as plain structs. Adding a request: a struct here, a row in message_list.inc, a handler, a test.
///
/// On the wire (codec.h): one SOCK_SEQPACKET packet a message, CBOR of {"t": type number, "q": sequence, "b": body}; bodies are
/// arrays of fields in the order listed by the struct's NDSHARE_FIELDS. The greeting (Hello, Welcome and the error reply) is
/// stable across versions: fields are only ever added at its end, so that a new client can tell an old daemon what to do.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/wire/stream_messages.h"
#include "lib/wire/version_messages.h"

namespace ndshare::internal {

inline constexpr std::uint32_t kProtocolVersion = 2;
inline constexpr std::uint32_t kMaxPacketBytes = 64U << 10;   ///< larger replies go in parts
inline constexpr std::uint32_t kMaxCreateBatch = 512;         ///< specs in one CreateRequest

/// Greeting of a client. `purpose`: "client", or "operator" (asks for status or stop: takes no slot, gets no descriptors).
struct HelloRequest {
  std::uint32_t protocol = kProtocolVersion;
  std::uint64_t layout_hash = 0;
  std::uint64_t pid = 0;              ///< as the client sees it; the kernel's word decides
  std::string purpose = "client";
  bool read_only = false;
  std::string command;                ///< for people: what `clients` shows
  std::uint64_t resume_slot = 0, resume_gen = 0;  ///< slot + 1 after a lost connection; 0 for a new one
};
/// Three descriptors ride along for a client: catalog, sync, pool.
struct HelloReply {
  std::uint32_t protocol = kProtocolVersion;
  std::uint64_t layout_hash = 0;
  std::uint64_t store_id = 0;
  std::string version;                ///< of the daemon, for people
  std::uint64_t slot = 0, gen = 0;
  bool read_only = false;             ///< the role granted
  std::uint64_t last_sequence = 0;    ///< last request applied for a resumed slot
  std::uint64_t daemon_pid = 0;
};

/// One array to make. `dtype` as DType::parse reads it; `order` 'C' or 'F'.
struct CreateSpec {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string order = "C";
  bool session = false;               ///< removed when its creator leaves
  bool replace = false;               ///< takes over the name of an existing array when published
  std::string attrs;                  ///< JSON object text, or empty
};
struct CreateRequest {
  std::vector<CreateSpec> specs;
};
struct CreatedArray {
  std::uint64_t array = 0, array_gen = 0, version = 0;
  std::vector<ExtentInfo> extents;
};
struct CreateReply {
  std::vector<CreatedArray> arrays;
  std::uint64_t pool_bytes = 0;       ///< the pool may have grown: map at least this much
};

/// Ends the building of arrays, all or none; seals them if asked. At most kMaxCreateBatch of them. `later`: they are only marked
/// as complete, and a PublishReadyRequest makes them visible.
struct PublishRequest {
  std::vector<ArrayId> arrays;
  bool seal = false;
  bool later = false;
};
/// Makes all arrays visible that the client marked as complete, however many: all, also if the daemon is killed meanwhile, or none.
struct PublishReadyRequest {
  bool unused = false;
};
struct DiscardRequest {
  ArrayId id;
};
struct RemoveRequest {
  std::string name;
};
struct RenameRequest {
  std::string from, to;
  bool replace = false;
};

struct StatusRequest {
  bool unused = false;
};
struct PoolStatus {
  std::uint64_t capacity_bytes = 0, used_bytes = 0, live_bytes = 0, warm_bytes = 0, free_bytes = 0, largest_free_bytes = 0;
  std::uint64_t pending_bytes = 0;    ///< of removed arrays and old versions that somebody still holds
  std::uint64_t catalog_bytes = 0, sync_bytes = 0;  ///< resident
  std::uint64_t tmpfs_free_bytes = 0, memory_available_bytes = 0, cgroup_free_bytes = 0;  ///< cgroup: max where unlimited
};
struct ClientStatus {
  std::uint64_t slot = 0, gen = 0, pid = 0, uid = 0, since_unix_ns = 0;
  bool read_only = false;
  std::string command;
};
struct StatusReply {
  std::string store, version, pool_dir;
  std::uint64_t pid = 0, uptime_ms = 0, arrays = 0, persistent_arrays = 0, max_clients = 0, max_arrays = 0;
  bool ephemeral = false, adopted = false;
  PoolStatus pool;
  std::vector<ClientStatus> clients;
};

struct TrimRequest {
  std::uint64_t keep_bytes = 0;
};
struct TrimReply {
  std::uint64_t freed_bytes = 0;
};

/// For a client of another version, which cannot read this daemon's memory: the daemon runs the ndshare that lay beside it when it
/// was started, to save the store. Two descriptors ride along: the folder in which `name` is made, and a file for what that
/// program says. Answered when it has ended. Stable across versions, as the greeting is.
struct SaveRequest {
  std::string name;
  std::uint64_t wait_ms = 0;          ///< for writers in the way
};
struct SaveReply {
  std::uint64_t status = 0;           ///< of the program; over 128: ended by signal status - 128
};

/// Stable across versions, too. Ends the daemon. Without `force` it refuses while clients are attached or persistent arrays exist; `keep` leaves the memory.
struct StopRequest {
  bool force = false, keep = false;
};
/// The client leaves for good; its slot is swept before the reply.
struct DetachRequest {
  bool unused = false;
};
/// Does nothing but answer: what a round trip costs.
struct PingRequest {
  std::uint64_t payload = 0;
};
struct PingReply {
  std::uint64_t payload = 0;
};
struct EmptyReply {
  bool unused = false;
};
/// Any request may be answered by this.
struct ErrorReply {
  std::uint64_t code = 0;
  std::string message;
  std::vector<std::pair<std::string, std::string>> details;
};

}  // namespace ndshare::internal
