/// Requests about versions of arrays: memory for them, commit, snapshot, revert, torn rows. See messages.h, which includes this.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ndshare::internal {

struct ExtentInfo {
  std::uint64_t offset = 0, bytes = 0;
  bool zeroed = false;                ///< known to be all zero bytes
};

/// An array by identity: its record's index and the version it was created with (never used twice).
struct ArrayId {
  std::uint64_t array = 0, array_gen = 0;
};

/// Memory for a copy of some of an array's bytes. It is listed under the client's slot (a grant) until a commit names it, it is
/// returned, or the slot is swept.
struct MemoryRequest {
  ArrayId id;
  std::uint64_t bytes = 0;            ///< in grains, or to the end of the data
};
struct MemoryReply {
  std::vector<ExtentInfo> extents;
  std::uint64_t pool_bytes = 0;
};
struct ReturnRequest {
  std::vector<ExtentInfo> extents;    ///< exactly as they were granted
};
/// Memory for `bytes` more at the end of an array's data.
struct ExtendRequest {
  ArrayId id;
  std::uint64_t bytes = 0;
};
struct ExtendReply {
  std::uint64_t at = 0;               ///< offset in the data where the granted extents belong; before the end of the data: copy
                                      ///< the partial last grain there; behind it: the room in between is this client's to fill
  std::vector<ExtentInfo> extents;
  std::uint64_t pool_bytes = 0;
};
/// Where a piece of the granted memory goes: it takes the place of [at, at + bytes) of the array's data.
struct Change {
  std::uint64_t at = 0, bytes = 0;
};
/// Publishes grants as part of the array's next version, on top of whatever is current: the one store that everybody sees.
struct CommitRequest {
  ArrayId id;
  std::vector<ExtentInfo> extents;    ///< granted, whole, in the order in which `changes` use them up
  std::vector<Change> changes;
  std::int64_t rows = -1;             ///< new length of the slowest axis; -1: as it is
  bool counts = true;                 ///< a change of the content: revision grows, waiters wake (else it was only unshared)
  std::int64_t lo = 0, hi = 0;        ///< rows that were rewritten: torn no more
};
struct CommitReply {
  std::uint64_t version = 0;
};
/// A named, read-only array of the version that the client's claim pins.
struct SnapshotRequest {
  ArrayId id;
  std::uint64_t version = 0;
  std::string name;
  std::string attrs;                  ///< JSON object text; empty: the source's
};
struct SnapshotReply {
  std::uint64_t array = 0, array_gen = 0;
};
/// The snapshot's content becomes the array's current version.
struct RevertRequest {
  ArrayId id;
  std::string snapshot;
};
/// Rows [lo, hi) are torn no more (`torn` false), or are torn from now on.
struct MendRequest {
  ArrayId id;
  std::int64_t lo = 0, hi = 0;
  bool torn = false;
};
/// Asks the process's clients to leave, or ends it.
struct KickRequest {
  std::uint64_t pid = 0;
  bool kill = false;
};

}  // namespace ndshare::internal
