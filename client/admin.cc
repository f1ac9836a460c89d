// What an operator asks: requests over a connection that takes no slot; stop waits until the daemon's process has ended.
#include <ndshare/admin.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "client/connection.h"
#include "client/leftovers.h"
#include "client/start.h"
#include "client/wait.h"
#include "lib/base/text.h"
#include "lib/shm/memory_limits.h"
#include "lib/shm/process.h"

namespace ndshare::admin {
namespace {

namespace fs = std::filesystem;
using internal::Connection;
using internal::Deadline;

PoolInfo pool_info(const internal::PoolStatus& from) {
  PoolInfo pool;
  pool.capacity_bytes = from.capacity_bytes;
  pool.used_bytes = from.used_bytes;
  pool.live_bytes = from.live_bytes;
  pool.warm_bytes = from.warm_bytes;
  pool.free_bytes = from.free_bytes;
  pool.largest_free_bytes = from.largest_free_bytes;
  pool.pending_bytes = from.pending_bytes;
  pool.catalog_bytes = from.catalog_bytes;
  pool.sync_bytes = from.sync_bytes;
  pool.tmpfs_free_bytes = from.tmpfs_free_bytes;
  pool.memory_available_bytes = from.memory_available_bytes;
  pool.cgroup_free_bytes = from.cgroup_free_bytes;
  return pool;
}

StatusInfo status_info(internal::StatusReply reply) {
  StatusInfo info;
  info.store = std::move(reply.store);
  info.version = std::move(reply.version);
  info.pool_dir = std::move(reply.pool_dir);
  info.pid = reply.pid;
  info.uptime_s = static_cast<double>(reply.uptime_ms) / 1000;
  info.arrays = reply.arrays;
  info.persistent_arrays = reply.persistent_arrays;
  info.max_clients = reply.max_clients;
  info.max_arrays = reply.max_arrays;
  info.ephemeral = reply.ephemeral;
  info.adopted = reply.adopted;
  info.pool = pool_info(reply.pool);
  for (auto& client : reply.clients) {
    info.clients.push_back({client.slot, client.gen, client.pid, client.since_unix_ns, static_cast<std::uint32_t>(client.uid),
                            client.read_only ? Role::read_only : Role::read_write, std::move(client.command)});
  }
  return info;
}

/// Waits until the process of the pidfd has ended.   Errors: Timeout.
void await_end(const internal::OwnedFd& pidfd, std::uint64_t pid, const std::string& store, Deadline deadline) {
  if (!pidfd) return;  // gone already
  try {
    internal::wait_readable(pidfd.get(), deadline);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Timeout) throw;
    throw Error(ErrorCode::Timeout, "the daemon of store '" + store + "' (pid " + std::to_string(pid) + ") is still ending");
  }
}

}  // namespace

StatusInfo start(const DaemonOptions& options) {
  internal::start_daemon(options);
  return status(options.store, options.timeout);
}

StatusInfo status(std::string_view store, std::chrono::nanoseconds timeout) {
  const auto address = internal::resolve_address(store);
  const auto deadline = internal::deadline_after(timeout, timeout);
  try {
    Connection connection(address, Connection::Purpose::operator_, deadline);
    return status_info(connection.call(internal::StatusRequest{}, deadline));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NoSuchStore || error.detail("left_behind").empty()) throw;
  }
  return Inspector(store).status();
}

namespace {

/// From inside the handler of NoSuchStore: removes what a daemon left, or rethrows. False where one starts or ends just now.
bool removed_without_daemon(const internal::StoreAddress& address, bool force, bool keep, internal::Deadline deadline) {
  try {
    if (internal::stop_without_daemon(address, force, keep)) return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Busy || internal::time_left(deadline).count() == 0) throw;
    internal::nap(deadline);
    return false;
  }
  throw;
}

}  // namespace

void stop(std::string_view store, bool force, bool keep, std::chrono::nanoseconds timeout) {
  const auto address = internal::resolve_address(store);
  const auto deadline = internal::deadline_after(timeout, timeout);
  std::optional<Connection> connection;
  while (!connection) {
    try {
      connection.emplace(address, Connection::Purpose::operator_, deadline);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::NoSuchStore || address.uid != internal::own_uid()) throw;
      if (removed_without_daemon(address, force, keep, deadline)) return;
    }
  }
  const auto pid = connection->hello().daemon_pid;
  const internal::OwnedFd pidfd(internal::open_pidfd(pid));  // before it ends: its pid is still its own
  try {
    connection->call(internal::StopRequest{force, keep}, deadline);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Disconnected) throw;  // it may end before its answer is read
  }
  await_end(pidfd, pid, internal::address_text(address), deadline);
}

std::uint64_t trim(std::string_view store, std::uint64_t keep_bytes, std::chrono::nanoseconds timeout) {
  const auto deadline = internal::deadline_after(timeout, timeout);
  Connection connection(internal::resolve_address(store), Connection::Purpose::operator_, deadline);
  return connection.call(internal::TrimRequest{keep_bytes}, deadline).freed_bytes;
}

MachineMemory machine_memory(const std::string& pool_dir) {
  const auto limits = internal::read_memory_limits(pool_dir.empty() ? "/dev/shm" : pool_dir);
  return {limits.tmpfs_free, limits.memory_available, limits.cgroup_free, limits.cgroup};
}

std::vector<StoreFiles> stores() {
  // "ndshare-<uid>-<store>.<kind>": a store's name may have dots, a kind has none.
  const fs::path pattern = internal::segment_paths(internal::own_uid(), "x").catalog;
  const auto text = pattern.filename().string();
  const auto prefix = text.substr(0, text.rfind("x."));
  constexpr std::array<std::string_view, 5> kinds = {"catalog", "sync", "pool", "sock", "lock"};
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(pattern.parent_path(), ignored)) {
    const auto file = entry.path().filename().string();
    const auto dot = file.rfind('.');
    if (!file.starts_with(prefix) || dot == std::string::npos || dot <= prefix.size()) continue;
    if (std::ranges::find(kinds, std::string_view(file).substr(dot + 1)) == kinds.end()) continue;
    names.insert(file.substr(prefix.size(), dot - prefix.size()));
  }
  std::vector<StoreFiles> out;
  for (const auto& name : names) out.push_back(internal::judge_store(name));
  std::erase_if(out, [](const StoreFiles& store) { return store.files.empty() && store.problem.empty(); });  // ended meanwhile
  return out;
}

std::vector<std::string> remove_leftovers(std::string_view store) {
  const auto address = internal::resolve_address(store);
  if (address.uid != internal::own_uid()) {
    throw Error(ErrorCode::Permission, "store '" + internal::address_text(address) + "' is another user's: its owner removes its files");
  }
  return internal::remove_unusable(address.name);
}

std::uint64_t remove_orphans() {
  // The catalogs of this user: "ndshare-<uid>-<store>.catalog" beside the others in shared memory.
  const fs::path pattern = internal::segment_paths(internal::own_uid(), "x").catalog;
  const auto text = pattern.filename().string();
  const auto mark = text.rfind("x.");
  const auto prefix = text.substr(0, mark), suffix = text.substr(mark + 1);
  std::uint64_t removed = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(pattern.parent_path(), ignored)) {
    const auto name = entry.path().filename().string();
    if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    try {
      if (internal::remove_if_orphan(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()))) ++removed;
    } catch (const Error&) {
      // Not a catalog that this build can judge: left alone.
    }
  }
  return removed;
}

}  // namespace ndshare::admin
