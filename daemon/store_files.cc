#include "daemon/store_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <random>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ndshare/error.h>

#include "daemon/crash_point.h"
#include "lib/base/checked.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/wall_clock.h"
#include "lib/shm/memory_limits.h"
#include "lib/shm/process.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kMinDefaultCapacity = 64ULL << 20;
constexpr std::uint64_t kMaxDefaultCapacity = 1ULL << 44;  ///< where no limit can be read
constexpr std::uint64_t kHeapBase = 64ULL << 20;
constexpr std::uint64_t kHeapPerArray = 512;
constexpr char kWayOut[] = "; remove the store with `ndshare stop --force`";

std::string errno_text() { return std::strerror(errno); }  // NOLINT(concurrency-mt-unsafe): start-up is one thread

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::Damaged, path + ": " + what + kWayOut, {{"path", path}});
}

/// Where the parts of a catalog lie.
struct CatalogLayout {
  explicit CatalogLayout(std::uint32_t max_clients, std::uint32_t max_arrays) noexcept
      : slots(kPage),
        telemetry(round_up(slots + sizeof(Slot) * std::uint64_t{max_clients}, kPage)),
        redo(round_up(telemetry + sizeof(Telemetry), kPage)),
        grants(round_up(redo + sizeof(Redo), kPage)),
        records(grants + sizeof(Grant) * kMaxGrants),
        heap(round_up(records + sizeof(ArrayRecord) * std::uint64_t{max_arrays}, kPage)),
        heap_bytes(kHeapBase + kHeapPerArray * max_arrays) {}
  std::uint64_t slots, telemetry, redo, grants, records, heap, heap_bytes;
  std::uint64_t bytes() const noexcept { return round_up(heap + heap_bytes, kPage); }
};

// ---- lock

std::string holder_of(int fd) {
  std::array<char, 32> text{};
  const auto n = pread(fd, text.data(), text.size() - 1, 0);
  std::uint64_t pid = 0;
  if (n > 0) std::from_chars(text.data(), text.data() + n, pid);
  return pid == 0 ? "unknown" : std::to_string(pid);
}

bool is_same_file(int fd, const std::string& path) {
  struct stat mine {
  }, named{};
  return fstat(fd, &mine) == 0 && stat(path.c_str(), &named) == 0 && mine.st_ino == named.st_ino &&
         mine.st_dev == named.st_dev;
}

Descriptor try_lock(const std::string& path, const std::string& store) {
  Descriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    if (errno == ELOOP || errno == EACCES || errno == EPERM) {
      throw Error(ErrorCode::Squatted,
                  "the lock file " + path + " belongs to somebody else (" + errno_text() + "): remove it",
                  {{"path", path}});
    }
    throw Error(ErrorCode::Io, "the lock file " + path + " cannot be opened: " + errno_text(), {{"path", path}});
  }
  struct stat info {};
  if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid()) {
    throw Error(ErrorCode::Squatted, "the lock file " + path + " is not a file of this user: remove it",
                {{"path", path}});
  }
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    const auto pid = holder_of(fd.get());
    throw Error(ErrorCode::StoreExists,
                "store '" + store + "' is served already by process " + pid +
                    ": connect to it, or end it with `ndshare --store " + store + " stop`",
                {{"store", store}, {"pid", pid}});
  }
  return fd;
}

Descriptor take_lock(const std::string& path, const std::string& store) {
  for (;;) {
    auto fd = try_lock(path, store);
    if (!is_same_file(fd.get(), path)) continue;  // a daemon that ended took the name away between open and flock
    const auto text = std::to_string(getpid()) + "\n";
    if (ftruncate(fd.get(), 0) != 0 || pwrite(fd.get(), text.data(), text.size(), 0) < 0) {
      throw Error(ErrorCode::Io, "the lock file " + path + " cannot be written: " + errno_text(), {{"path", path}});
    }
    return fd;
  }
}

// ---- a new store

std::uint64_t default_capacity(const EngineOptions& options, const std::string& pool_folder) {
  const auto room = memory_room(read_memory_limits(pool_folder, options.cgroup_root));
  return std::clamp(round_down(room / 2, kPage), kMinDefaultCapacity, kMaxDefaultCapacity);
}

void fill_catalog(std::byte* base, const EngineOptions& options, std::uint64_t store_id, std::uint64_t pool_bytes) {
  const CatalogLayout layout(options.max_clients, options.max_arrays);
  auto& header = *reinterpret_cast<CatalogHeader*>(base);  // NOLINT: shared bytes
  header.magic = kCatalogMagic, header.layout_hash = kLayoutHash;
  header.format_version = kFormatVersion, header.uid = geteuid();
  header.max_clients = options.max_clients, header.max_arrays = options.max_arrays;
  header.store_id = store_id;
  const auto boot = boot_id();
  header.boot_id[0] = boot[0], header.boot_id[1] = boot[1];
  header.catalog_bytes = layout.bytes(), header.sync_bytes = SyncLayout(options.max_clients, options.max_arrays).bytes;
  header.slots_offset = layout.slots, header.telemetry_offset = layout.telemetry, header.redo_offset = layout.redo, header.grants_offset = layout.grants;
  header.records_offset = layout.records, header.heap_offset = layout.heap, header.heap_bytes = layout.heap_bytes;
  header.created_unix_ns = unix_now_ns();
  options.pool_dir.copy(header.pool_dir, sizeof(header.pool_dir) - 1);
  header.pool_bytes = pool_bytes;
  header.ephemeral = options.ephemeral ? 1 : 0;
}

void check_options(const EngineOptions& options) {
  check_store_name(options.store);
  if (options.max_clients == 0 || options.max_clients > kMaxClientsLimit) {
    throw Error(ErrorCode::Usage, "--max-clients " + std::to_string(options.max_clients) + " is not between 1 and " +
                                      std::to_string(kMaxClientsLimit));
  }
  if (options.max_arrays == 0 || options.max_arrays > (1U << 28)) {
    throw Error(ErrorCode::Usage,
                "--max-arrays " + std::to_string(options.max_arrays) + " is not between 1 and 268435456");
  }
  if (options.pool_dir.size() >= sizeof(CatalogHeader::pool_dir)) {
    throw Error(ErrorCode::Usage,
                "the folder of the pool has " + std::to_string(options.pool_dir.size()) + " bytes; the limit is 511");
  }
}

/// Removes what a daemon that died between naming its first and its last segment has left. Nothing depends on it.
void remove_leftovers(const SegmentPaths& paths) {
  for (const auto* path : {&paths.sync, &paths.pool}) {
    if (open_segment(*path, geteuid(), Mapping::Access::read_only)) unlink(path->c_str());
  }
}

void make_files(StoreFiles& files, const EngineOptions& options) {
  remove_leftovers(files.paths);
  const auto folder = options.pool_dir.empty() ? std::string("/dev/shm") : options.pool_dir;
  const auto capacity =
      options.capacity_bytes != 0 ? round_up(options.capacity_bytes, kPage) : default_capacity(options, folder);
  const CatalogLayout layout(options.max_clients, options.max_arrays);
  const SyncLayout sync_layout(options.max_clients, options.max_arrays);
  std::random_device random;
  const auto store_id = std::uint64_t{random()} << 32 | random();

  NewSegment pool(files.paths.pool, capacity);
  NewSegment sync(files.paths.sync, sync_layout.bytes);
  NewSegment catalog(files.paths.catalog, layout.bytes());
  reserve_range(sync.fd(), 0, kPage);
  reserve_range(catalog.fd(), 0, layout.redo + kPage);
  files.sync_map = Mapping(sync.fd(), 0, sync_layout.bytes, Mapping::Access::read_write);
  files.catalog_map = Mapping(catalog.fd(), 0, layout.bytes(), Mapping::Access::read_write);
  files.sync_guard = SyncGuard(sync.fd(), files.sync_map.data(), sync_layout.bytes);
  fill_catalog(files.catalog_map.data(), options, store_id, capacity);
  write_sync_header(files.sync_map.data(), *files.catalog_map.at<CatalogHeader>(0));
  crash_point("make.filled");
  files.pool = pool.finish();
  crash_point("make.pool");
  files.sync = sync.finish();
  crash_point("make.sync");
  files.catalog = catalog.finish();
  crash_point("make.catalog");
}

// ---- an existing one

void check_layout(const std::string& path, const CatalogHeader& header) {
  if (header.magic != kCatalogMagic) damaged(path, "not a catalog of ndshare");
  if (header.format_version == kFormatVersion && header.layout_hash == kLayoutHash) return;
  const auto theirs = std::to_string(header.format_version) + "/" + std::to_string(header.layout_hash);
  const auto ours = std::to_string(kFormatVersion) + "/" + std::to_string(kLayoutHash);
  throw Error(ErrorCode::LayoutVersion,
              path + " was made by a build with memory layout " + theirs + "; this build has " + ours +
                  ". Save the arrays with the tools of that build (`ndshare save DIR`), or give them up with `ndshare "
                  "stop --force`",
              {{"segment_layout", theirs}, {"build_layout", ours}});
}

void check_catalog(const std::string& path, const CatalogHeader& header, std::uint64_t file_size) {
  check_layout(path, header);
  const auto boot = boot_id();
  if (header.boot_id[0] != boot[0] || header.boot_id[1] != boot[1])
    damaged(path, "made in another boot of the machine");
  if (header.uid != geteuid()) damaged(path, "says user " + std::to_string(header.uid) + " made it");
  const bool limits = header.max_clients != 0 && header.max_clients <= kMaxClientsLimit && header.max_arrays != 0 &&
                      header.max_arrays <= (1U << 28);
  const CatalogLayout layout(header.max_clients, header.max_arrays);
  if (!limits || header.slots_offset != layout.slots || header.telemetry_offset != layout.telemetry || header.redo_offset != layout.redo ||
      header.grants_offset != layout.grants || header.records_offset != layout.records ||
      header.heap_offset != layout.heap || header.heap_bytes != layout.heap_bytes) {
    damaged(path, "the header's offsets are not those of its limits");
  }
  if (header.catalog_bytes != layout.bytes() || file_size != header.catalog_bytes) {
    damaged(path, "has " + std::to_string(file_size) + " bytes instead of " + std::to_string(layout.bytes()));
  }
  if (header.records_high.load() > header.max_arrays) damaged(path, "uses more array records than it has");
}

Descriptor open_needed(const std::string& path, Mapping::Access access) {
  auto fd = open_segment(path, geteuid(), access);
  if (!fd) damaged(path, "missing, though the store's catalog exists");
  return fd;
}

/// Any client may have cut the sync segment or overwritten it: it is made whole again, never a reason to refuse a store.
void adopt_sync(StoreFiles& files, const CatalogHeader& header) {
  const auto bytes = SyncLayout(header.max_clients, header.max_arrays).bytes;
  const int fd = files.sync.get();
  if (const auto found = file_bytes(fd); found != bytes) {
    log_warn(files.paths.sync + " had " + std::to_string(found) + " bytes instead of " + std::to_string(bytes) +
             ": a client cut it; claims that stood there count as none");
    resize_file(fd, bytes);
  }
  reserve_range(fd, 0, kPage);
  files.sync_map = Mapping(fd, 0, bytes, Mapping::Access::read_write);
  files.sync_guard = SyncGuard(fd, files.sync_map.data(), bytes);
  if (write_sync_header(files.sync_map.data(), header)) {
    log_warn(files.paths.sync + ": a client had overwritten its header, which was written anew");
  }
}

void adopt_files(StoreFiles& files, const EngineOptions& options) {
  files.adopted = true;
  const auto size = file_bytes(files.catalog.get());
  if (size < kPage) damaged(files.paths.catalog, "has " + std::to_string(size) + " bytes, less than its header");
  {
    const Mapping first(files.catalog.get(), 0, kPage, Mapping::Access::read_only);
    const auto& header = *first.at<CatalogHeader>(0);
    check_catalog(files.paths.catalog, header, size);
    const std::string folder(header.pool_dir, strnlen(header.pool_dir, sizeof(header.pool_dir)));
    if (!options.pool_dir.empty() && options.pool_dir != folder) {
      throw Error(ErrorCode::Usage, "the store's pool is in " + (folder.empty() ? "/dev/shm" : folder) +
                                        "; it cannot move: start without --pool-dir");
    }
    files.paths = segment_paths(geteuid(), options.store, folder);
  }
  files.sync = open_needed(files.paths.sync, Mapping::Access::read_write);
  files.pool = open_needed(files.paths.pool, Mapping::Access::read_write);
  files.catalog_map = Mapping(files.catalog.get(), 0, size, Mapping::Access::read_write);
  const auto& header = *files.catalog_map.at<CatalogHeader>(0);
  adopt_sync(files, header);
  if (file_bytes(files.pool.get()) < header.pool_bytes.load())
    damaged(files.paths.pool, "is shorter than the store's capacity");
}

}  // namespace

bool write_sync_header(std::byte* base, const CatalogHeader& catalog) noexcept {
  const SyncLayout layout(catalog.max_clients, catalog.max_arrays);
  auto& header = *reinterpret_cast<SyncHeader*>(base);  // NOLINT: shared bytes
  bool changed = false;
  const auto set = [&](auto& word, auto value) {
    changed = changed || word != value;
    word = value;
  };
  set(header.magic, std::uint64_t{kSyncMagic}), set(header.layout_hash, std::uint64_t{kLayoutHash});
  set(header.store_id, catalog.store_id), set(header.sync_bytes, layout.bytes);
  set(header.claims_offset, layout.claims_offset), set(header.arrays_offset, layout.arrays_offset);
  set(header.array_stride, layout.array_stride);
  set(header.max_clients, catalog.max_clients), set(header.max_arrays, catalog.max_arrays);
  return changed;
}

StoreFiles open_store_files(const EngineOptions& options) {
  check_options(options);
  StoreFiles files;
  files.paths = segment_paths(geteuid(), options.store, options.pool_dir);
  files.lock = take_lock(files.paths.lock, options.store);
  files.catalog = open_segment(files.paths.catalog, geteuid(), Mapping::Access::read_write);
  if (files.catalog) {
    adopt_files(files, options);
  } else {
    make_files(files, options);
  }
  files.catalog_read_only = reopen_segment(files.catalog.get(), Mapping::Access::read_only);
  files.pool_read_only = reopen_segment(files.pool.get(), Mapping::Access::read_only);
  return files;
}

void unlink_store_files(const SegmentPaths& paths, bool keep_socket) noexcept {
  for (const auto* path : {&paths.catalog, &paths.sync, &paths.pool}) unlink(path->c_str());
  if (!keep_socket) unlink(paths.socket.c_str());
  unlink(paths.lock.c_str());
}

}  // namespace ndshare::internal
