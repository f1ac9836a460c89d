/// The store without its socket: catalog, pool, slots and arrays as one object that a single thread drives.
///
/// The engine owns the three segments and the allocators. Every method that changes the catalog does so through one
/// redo record and returns only after it was applied. It knows nothing of messages, sockets or Asio; the server calls
/// it and nothing else.
///   Threads: one, except reserve(), which helper threads run between prepare_create() and publish of the same ticket.
///   Errors: ndshare::Error; after one nothing has changed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/event_log.h"
#include "lib/shm/format.h"
#include "lib/wire/messages.h"

namespace ndshare::internal {

struct EngineOptions {
  std::string store;                    ///< checked name
  std::uint64_t capacity_bytes = 0;     ///< 0: adopt the existing one, else half of what memory, tmpfs and cgroup allow
  std::uint32_t max_clients = 512;      ///< fixed when the store is made
  std::uint32_t max_arrays = 4U << 20;  ///< fixed when the store is made
  std::string pool_dir;                 ///< empty: /dev/shm
  std::uint64_t warm_limit_bytes = 0;   ///< resident free bytes kept; 0: a quarter of the capacity
  bool ephemeral = false;  ///< a new store ends with its last client; an adopted one stays what it is, or becomes
                           ///< persistent where this is false: ask header().ephemeral
  bool shared_between_uids = false;  ///< some client may have another uid: reused memory is zeroed when it crosses uids
  bool keeps_socket = false;         ///< a supervisor made the socket: removing the store leaves it
  std::size_t publish_batch = 512;   ///< of arrays that become visible together: how many in one redo record (tests: few)
  std::string cgroup_root = "/sys/fs/cgroup";  ///< where limits are read (tests give a folder of their own)
};

/// Who is at the other end of a socket, as the kernel and the process table say.
struct Peer {
  std::uint64_t pid = 0, start = 0, pid_namespace = 0;
  std::uint32_t uid = 0;
  bool read_only = false;
  std::string command;
};

struct SlotRef {
  std::uint32_t index = 0;
  std::uint64_t gen = 0;
};

/// A create on its way: extents are taken from the allocator, nothing is in the catalog yet. Dropping it gives
/// everything back (the destructor runs on the engine's thread, before the engine's own).
class CreateTicket {
 public:
  CreateTicket() = default;
  CreateTicket(const CreateTicket&) = delete;
  CreateTicket& operator=(const CreateTicket&) = delete;
  virtual ~CreateTicket() = default;
};

class Engine {
 public:
  /// Makes the segments of a new store, or adopts those that a dead daemon left: finishes the redo record, walks the
  /// version blocks, snapshots and grants to rebuild the allocators, sweeps slots whose process is gone.
  ///   Errors: StoreExists (another daemon holds the lock file; says its pid), Squatted, LayoutVersion (says how to
  ///   save), Damaged, Capacity (a smaller capacity than the live arrays need), SystemMemory, Io, Name.
  static std::unique_ptr<Engine> open(const EngineOptions& options);
  virtual ~Engine() = default;  ///< leaves the segments in place; see remove_segments()

  virtual const CatalogHeader& header() const = 0;
  /// Descriptors for clients: catalog O_RDONLY, sync O_RDWR, pool O_RDWR or, for a read-only client, O_RDONLY. Owned by
  /// the engine.
  virtual int catalog_fd() const = 0;
  virtual int sync_fd() const = 0;
  virtual int pool_fd(bool read_only) const = 0;
  virtual bool adopted() const = 0;
  /// The mapped segments, for readers on the engine's thread.
  struct Segments {
    const std::byte *catalog, *sync;
    std::uint64_t catalog_bytes;
  };
  virtual Segments segments() const = 0;
  /// What the engine does itself it writes down itself; the server adds what it knows.
  virtual EventLog& events() = 0;

  // ---- slots
  /// Errors: TooManyClients (says how many and the option).
  virtual SlotRef attach(const Peer& peer) = 0;
  /// The client leaves by itself or is dead: claims are cleared, arrays it was building and session-lifetime arrays
  /// removed, grants freed, then the slot. Restartable at any point; O(entries). Does nothing for an old generation.
  virtual void sweep(SlotRef slot) = 0;
  /// Whether the slot has a claim, an array of its own (building or session) or a grant: something to come back for.
  virtual bool holds_anything(SlotRef slot) const = 0;
  /// Slots that are live with the pid and start time of their process (to look for the dead).
  struct LiveSlot {
    SlotRef slot;
    std::uint64_t pid, start, pid_namespace;
  };
  virtual std::vector<LiveSlot> live_slots() const = 0;

  // ---- arrays (`slot` is who asks; sequence makes a retried request find its result)
  /// Checks every spec, takes names' places and extents. Errors: Name, NameTaken, DType, Shape, Capacity, SystemMemory,
  /// TooManyArrays, Permission. All or nothing.
  virtual std::unique_ptr<CreateTicket> prepare_create(SlotRef slot, std::span<const CreateSpec> specs) = 0;
  /// Bytes of `ticket` that still need memory from the system; 0 for warm memory (then reserve() may be skipped).
  virtual std::uint64_t cold_bytes(const CreateTicket& ticket) const = 0;
  /// Reserves at most 64 MiB of the ticket's cold bytes; true when none are left. Any thread; no other engine state
  /// touched.
  ///   Errors: SystemMemory (asked, used, budget, free in tmpfs, cgroup limit).
  virtual bool reserve_some(CreateTicket& ticket) = 0;
  /// Publishes all arrays of the ticket as building arrays of `slot`, in one redo record.
  virtual std::vector<CreatedArray> commit_create(SlotRef slot, std::uint64_t sequence,
                                                  std::unique_ptr<CreateTicket> ticket) = 0;
  /// The answer of a create that was applied already, for a client that sends it again (its names are taken: by
  /// itself). Nothing where `sequence` is not the last one applied. Ask before prepare_create().
  virtual std::optional<std::vector<CreatedArray>> find_created(SlotRef slot, std::uint64_t sequence) const = 0;

  /// Ends building, all or none: the arrays become visible (taking over the name where one replaces another), sealed if
  /// asked. An array that is visible already is sealed. Errors: NoSuchArray, Permission (not its builder), Sealed.
  virtual void publish(SlotRef slot, std::uint64_t sequence, std::span<const ArrayId> arrays, bool seal) = 0;
  /// Marks arrays that are being built as complete: publish_ready() will make them visible, sealed if asked.
  ///   Errors: as publish(); Usage (one is visible already).
  virtual void make_ready(SlotRef slot, std::uint64_t sequence, std::span<const ArrayId> arrays, bool seal) = 0;
  /// As publish(), of all that the slot made ready, however many: all or none, also over a restart.
  ///   Errors: NameTaken (what one of them replaces is being built; two of them have one name).
  virtual void publish_ready(SlotRef slot, std::uint64_t sequence) = 0;
  /// Takes the name at once; holders keep what they have. Errors: NoSuchArray.
  virtual void remove(SlotRef slot, std::uint64_t sequence, std::string_view name) = 0;
  /// Removes by identity (an array that is being built and is in no index included). Errors: NoSuchArray.
  virtual void discard(SlotRef slot, std::uint64_t sequence, ArrayId id) = 0;
  /// Errors: NoSuchArray, NameTaken (without `replace`), Name.
  virtual void rename(SlotRef slot, std::uint64_t sequence, std::string_view from, std::string_view to,
                      bool replace) = 0;

  // ---- versions (all but prepare_*: `sequence` as above; the client must hold a claim that allows it, else Permission)
  /// Memory for a copy of `bytes` of the array's data, or for more at its end (ExtendRequest): taken, not yet granted.
  ///   Errors: NoSuchArray, Sealed, Capacity, SystemMemory, Permission, Shape (over 2^63 bytes).
  virtual std::unique_ptr<CreateTicket> prepare_memory(SlotRef slot, const MemoryRequest& request) = 0;
  virtual std::unique_ptr<CreateTicket> prepare_extend(SlotRef slot, const ExtendRequest& request) = 0;
  /// Lists the ticket's memory under the slot.
  virtual ExtendReply commit_memory(SlotRef slot, std::uint64_t sequence, std::unique_ptr<CreateTicket> ticket) = 0;
  /// The answer of a request for memory that was applied already.
  virtual std::optional<ExtendReply> find_memory(SlotRef slot, std::uint64_t sequence) const = 0;
  /// Errors: Permission (not granted to this client).
  virtual void return_memory(SlotRef slot, std::uint64_t sequence, std::span<const ExtentInfo> extents) = 0;
  /// Publishes grants on top of what is current. Returns the new version.
  ///   Errors: NoSuchArray, Sealed, Permission, Usage (changes that do not fit the data), Capacity (too many extents).
  virtual std::uint64_t commit_version(SlotRef slot, std::uint64_t sequence, const CommitRequest& request) = 0;
  /// A snapshot of a snapshot counts as one of the array itself: it shares that array's memory and keeps its floor.
  /// Errors: NoSuchArray, Torn, Name, NameTaken, TooManyArrays, Usage (a version that is gone).
  virtual SnapshotReply snapshot(SlotRef slot, std::uint64_t sequence, const SnapshotRequest& request) = 0;
  /// Errors: NoSuchArray, Contract (not a snapshot of this array), Sealed, Permission.
  virtual std::uint64_t revert(SlotRef slot, std::uint64_t sequence, const RevertRequest& request) = 0;
  /// Marks rows torn or whole.   Errors: NoSuchArray, Permission.
  virtual void mend(SlotRef slot, std::uint64_t sequence, const MendRequest& request) = 0;

  // ---- streams (`sequence` as above)
  /// Errors: TooManyStreams, Usage, NoSuchArray, SystemMemory.
  virtual void make_stream(SlotRef slot, std::uint64_t sequence, const MakeStreamRequest& request) = 0;
  /// Errors: NoSuchStream; Busy (names the processes that have it open).
  virtual void remove_stream(SlotRef slot, std::uint64_t sequence, std::string_view name) = 0;
  /// Errors: Permission (the batch is not the client's), NameTaken, Name, NoSuchStream.
  virtual void keep_batch(SlotRef slot, std::uint64_t sequence, const KeepBatchRequest& request) = 0;

  /// Asks the slot's client to leave (a word that it looks at).
  virtual void ask_to_leave(SlotRef slot) = 0;
  /// Names of the arrays on which the slot holds a granted WRITE.
  virtual std::vector<std::string> written_arrays(SlotRef slot) const = 0;

  // ---- memory
  /// Frees extents of removed arrays that no claim pins any more; returns the bytes freed. Cheap when nothing waits.
  virtual std::uint64_t reclaim() = 0;
  /// Whether memory may come back once claims end: something to call reclaim() again for.
  virtual bool waits_for_claims() const noexcept = 0;
  /// Punches resident free memory back to the system until at most `keep_bytes` are resident; at most 64 MiB a call.
  /// Returns the bytes given back by this call; 0 when done.
  virtual std::uint64_t trim_some(std::uint64_t keep_bytes) = 0;
  virtual std::uint64_t warm_limit_bytes() const = 0;
  virtual PoolStatus pool_status() const = 0;

  /// Persistent arrays that are visible (what `stop` asks about).
  virtual std::uint64_t persistent_arrays() const = 0;
  /// The names of some of them, at most `limit`.
  virtual std::vector<std::string> persistent_names(std::size_t limit) const = 0;
  /// Makes the sync segment whole where a touch of it found that a client had cut it (daemon/sync_guard.h); cheap where
  /// none did. Logs what it found.   Errors: SystemMemory, Io.
  virtual void mend_sync() = 0;
  /// Unlinks the three segments, the socket's and the lock file's names; mapped memory stays until its users leave.
  virtual void remove_segments() noexcept = 0;
};

}  // namespace ndshare::internal
