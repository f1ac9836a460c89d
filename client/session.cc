#include "client/session.h"

#include <algorithm>
#include <map>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

#include "client/fast_claims.h"

namespace ndshare::internal {
namespace {

constexpr auto kDetachPatience = std::chrono::seconds(2);

Descriptor adopt(OwnedFd& fd) { return Descriptor(fd.release()); }

Mapping map_all(const Descriptor& fd, Mapping::Access access) { return {fd.get(), 0, file_bytes(fd.get()), access}; }

SyncLayout sync_layout(const CatalogView& view) { return SyncLayout(view.header().max_clients, view.header().max_arrays); }

SlotClaims* slot_claims(const Mapping& sync, const SyncLayout& layout, std::uint32_t max_clients, const HelloReply& hello) {
  const auto& header = *sync.at<SyncHeader>(0);
  const bool good = sync.bytes() >= layout.bytes && header.magic == kSyncMagic && header.layout_hash == kLayoutHash &&
                    header.store_id == hello.store_id && hello.slot < max_clients;
  if (!good) throw Error(ErrorCode::Damaged, "the sync segment that the daemon handed out fails its checks");
  return sync.at<SlotClaims>(layout.claims_offset + hello.slot * sizeof(SlotClaims));
}

}  // namespace

ForkWord::ForkWord() {
  const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* page = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw Error(ErrorCode::Memory, "no memory for a page of 4096 bytes");
  if (::madvise(page, bytes, MADV_WIPEONFORK) != 0) {
    ::munmap(page, bytes);
    throw Error(ErrorCode::NotSupported, "this kernel has no MADV_WIPEONFORK; Linux 4.14 or newer is needed");
  }
  auto* word = static_cast<std::uint32_t*>(page);
  *word = 1;
  word_ = word;
}

ForkWord::~ForkWord() {
  ::munmap(const_cast<std::uint32_t*>(word_), static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
}

ClientSession::Maps::Maps(std::vector<OwnedFd> descriptors, const HelloReply& hello, std::function<Descriptor()> reopen)
    : catalog(map_all(adopt(descriptors[0]), Mapping::Access::read_only)),
      sync(map_all(adopt(descriptors[1]), Mapping::Access::read_write)),
      view(catalog.data(), catalog.bytes()),
      layout(sync_layout(view)),
      system(view, sync.data()),
      protocol(system, static_cast<std::uint32_t>(hello.slot), hello.gen),
      table(slot_claims(sync, layout, view.header().max_clients, hello)),
      pool(adopt(descriptors[2]), view.header().pool_bytes.load(std::memory_order_acquire), !hello.read_only, std::move(reopen)) {}

namespace {

/// The sessions of this process by number. Never destroyed: threads that end late still look here.
struct Sessions {
  std::mutex mutex;
  std::map<std::uint64_t, std::weak_ptr<ClientSession>> by_id;
  std::uint64_t last = 0;
};
Sessions& sessions() {
  static auto* const all = new Sessions;
  return *all;
}

}  // namespace

std::shared_ptr<ClientSession> ClientSession::connect(const StoreAddress& address, const ConnectOptions& options) {
  auto owner = std::make_shared<ClientSession>(address, options);
  {
    const std::lock_guard lock(sessions().mutex);
    owner->id_ = ++sessions().last;
    sessions().by_id.emplace(owner->id_, owner);
  }
  owner->self_ = owner;
  return {owner.get(), [owner](ClientSession* session) { session->close(); }};
}

std::shared_ptr<ClientSession> ClientSession::find(std::uint64_t id) noexcept {
  auto& all = sessions();
  const std::lock_guard lock(all.mutex);
  const auto found = all.by_id.find(id);
  return found == all.by_id.end() ? nullptr : found->second.lock();
}

ClientSession::ClientSession(const StoreAddress& address, const ConnectOptions& options)
    : options_(options), name_(address_text(address)) {
  const auto purpose = options.role == Role::read_only ? Connection::Purpose::read_only_client : Connection::Purpose::client;
  connection_ = std::make_unique<Connection>(address, purpose, deadline({}));
  try {
    const auto reopen = [this] { return Descriptor(connection_->reopen_pool(deadline({})).release()); };
    maps_ = std::make_unique<Maps>(connection_->take_descriptors(), connection_->hello(), reopen);
    slot_ = &maps_->view.slot(slot());
    connection_->share(*slot_claims(maps_->sync, maps_->layout, maps_->view.header().max_clients, connection_->hello()));
    if (guard_pages_.enabled()) maps_->pool.guard(guard_pages_);
    // From its first request on the slot is this process's, whatever becomes of the connection: claims need no daemon.
    request(PingRequest{}, deadline({}));
  } catch (...) {
    connection_->give_up();  // a slot that nobody would give back while this process lives
    throw;
  }
}

ClientSession::~ClientSession() {
  {
    const std::lock_guard lock(sessions().mutex);
    sessions().by_id.erase(id_);
  }
  if (fork_.forked()) static_cast<void>(maps_.release());  // not mapped here: unmapping would hit what stands there now
}

void ClientSession::close() noexcept {
  if (fork_.forked() || closed_.exchange(true, std::memory_order_seq_cst)) return;
  run_barriers();  // pairs with fast_take(): see client/fast_claims.h
  leave();
}

bool ClientSession::enter() noexcept {
  auto users = users_.load(std::memory_order_relaxed);
  do {
    if (users == 0 || closed_.load(std::memory_order_relaxed)) return false;
  } while (!users_.compare_exchange_weak(users, users + 1, std::memory_order_acq_rel));
  return true;
}

void ClientSession::leave() noexcept {
  if (!fork_.forked() && users_.fetch_sub(1, std::memory_order_seq_cst) == 1) leave_if_unused();
}

void ClientSession::leave_if_unused() noexcept {
  if (fork_.forked() || users_.load(std::memory_order_seq_cst) != 0 || !maps_->table.all_idle() || left_.exchange(true)) return;
  const auto keep = std::move(self_);
  try {
    request(DetachRequest{}, deadline_after(std::min<std::chrono::nanoseconds>(timeout(), kDetachPatience), {}));
  } catch (const std::exception&) {
    // The daemon does not answer: the slot stays this process's, at most until it ends. The hang-up below frees nothing.
  }
  connection_->hang_up();
}

Claim& ClientSession::take_entry(bool view) {
  check();
  Claim* entry = maps_->table.try_take(view);
  if (entry == nullptr) {
    const auto limit = view ? kViewEntries : kLockEntries;
    throw Error(ErrorCode::TooManyClaims,
                "this process holds " + std::to_string(limit) + (view ? " views" : " guards") +
                    ", all that its place in the store has room for. Let some go, or copy what is to be kept",
                {{"limit", std::to_string(limit)}});
  }
  if (!closed_.load(std::memory_order_seq_cst)) return *entry;
  give_back(entry);  // closed between the two looks: whoever closed may be waiting for this one
  refuse();
}

void ClientSession::return_memory(std::vector<ExtentInfo> extents) noexcept {
  if (extents.empty() || fork_.forked()) return;
  try {
    const std::lock_guard lock(returns_mutex_);
    returns_.push_back(std::move(extents));
  } catch (const std::bad_alloc&) {
    return;  // it comes back when this client leaves
  }
  try {
    flush_returns(deadline({}));
  } catch (const std::exception&) {
    // Later, or when this client leaves.
  }
}

void ClientSession::flush_returns(Deadline deadline) {
  while (true) {
    ReturnRequest owed;
    {
      const std::lock_guard lock(returns_mutex_);
      if (returns_.empty()) return;
      owed.extents = returns_.back();
      returns_.pop_back();
    }
    try {
      request(owed, deadline);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::Permission) continue;  // returned already, by a request whose answer was lost
      const std::lock_guard lock(returns_mutex_);
      returns_.push_back(std::move(owed.extents));
      throw;
    }
  }
}

ArraySync& ClientSession::array_sync(std::uint32_t index) const noexcept {
  const auto& layout = maps_->layout;
  return *maps_->sync.at<ArraySync>(layout.arrays_offset + index * layout.array_stride);
}

void ClientSession::check_writer() {
  check();
  if (role() == Role::read_only) {
    throw Error(ErrorCode::Permission, "this client of store '" + name_ +
                                           "' is read-only; connect with the read_write role to change anything");
  }
}

void ClientSession::refuse() {
  if (fork_.forked()) {
    throw Error(ErrorCode::Forked, "store '" + name_ + "' was connected by this process's parent; call Store::connect() here");
  }
  if (slot_->kicked.load(std::memory_order_relaxed) != 0) {
    close();
    throw Error(ErrorCode::Kicked, "an operator asked this client to leave store '" + name_ +
                                       "': let guards and views go; connect again if that is allowed");
  }
  throw Error(ErrorCode::Usage, "store '" + name_ + "' was closed");
}

Lease::Lease(std::shared_ptr<ClientSession> session) {
  session->check();
  if (!session->enter()) throw Error(ErrorCode::Usage, "store '" + session->name() + "' was closed");
  session_ = std::move(session);
}

}  // namespace ndshare::internal
