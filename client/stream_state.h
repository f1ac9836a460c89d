/// What a Stream handle knows: the ring, where the batches' bytes are in this process, and this handle's place among
/// the consumers.
///
/// The root of the stream's array changes when a batch was kept (another array stands in its place). Who has got a
/// batch looks at it: the daemon stores it before it frees the kept batch's word, so who takes that word later sees the
/// new root.
///   Threads: safe.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include <ndshare/stream.h>

#include "client/shared_state.h"
#include "client/stream_uses.h"
#include "lib/shm/stream_spec.h"

namespace ndshare::internal {

/// A stream's array, read and checked.
struct FoundStream {
  ArrayCopy copy;
  StreamSpec spec;
};
/// Nothing where there is none of that name.   Errors: Damaged.
std::optional<FoundStream> find_stream(const CatalogView& catalog, std::string_view name);
[[noreturn]] void no_such_stream(const std::string& store, std::string_view name);
StreamOptions options_of(const StreamSpec& spec);
/// As an operator sees it.
StreamInfo stream_info(const CatalogView& catalog, const FoundStream& found, const StreamSync& sync);
Attrs attrs_of(const BatchMeta& meta);

class StreamState {
 public:
  /// Errors: NoSuchStream; Contract.
  static std::shared_ptr<StreamState> open(const std::shared_ptr<ClientSession>& session, std::string_view name);
  StreamState(const std::shared_ptr<ClientSession>& session, FoundStream found);
  ~StreamState();
  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;

  ClientSession& session() const noexcept { return *session_; }
  const std::shared_ptr<ClientSession>& session_pointer() const noexcept { return session_; }
  const std::string& name() const noexcept { return name_; }
  const DType& dtype() const noexcept { return dtype_; }
  const StreamOptions& options() const noexcept { return options_; }
  std::int64_t row_bytes() const noexcept { return row_bytes_; }
  Shape shape(std::int64_t rows) const;
  Ring& ring() noexcept { return ring_; }
  StreamSync& sync() noexcept { return *sync_; }
  BatchMeta& meta(std::uint32_t number) noexcept { return sync_->meta[number]; }
  ArrayId id() const noexcept { return {array_, gen_}; }

  /// The number of a batch, or −1 with the reason in `code`. `now`: waits only for a timeout that is given.
  int loan(const StreamWait& wait, bool now, ErrorCode& code);
  int take(const StreamWait& wait, bool now, ErrorCode& code);
  /// The bytes of a batch that this process holds.   Errors: Damaged, MapLimit, Memory.
  std::byte* data(std::uint32_t number, bool writable);
  Origin origin(std::uint32_t number);
  void join();
  bool broadcast() const noexcept { return ring_.options().broadcast; }
  std::uint32_t cursor() const noexcept { return static_cast<std::uint32_t>(std::max(0, cursor_.load())); }
  bool joined() const noexcept { return cursor_.load() >= 0; }
  /// Gives back what is not finished; nothing where this process inherited it through fork.
  void give_back(std::uint32_t number, bool loaned) noexcept;
  void check() { session_->check(); }
  FoundStream found() const;
  [[noreturn]] void refuse(ErrorCode code, bool loaned);

 private:
  /// Where one batch's bytes are; made at its first use.
  struct Place {
    std::uint32_t array = 0;
    std::uint64_t gen = 0, offset = UINT64_MAX;
    std::array<std::atomic<std::byte*>, 2> data{};  ///< read-only, writable
    std::array<std::shared_ptr<const void>, 2> keep;
  };
  void reload();
  void set_places(const StreamSpec& spec);
  std::byte* locate(Place& place, bool writable);
  int take_now(std::uint32_t cursor) noexcept;
  template <class Look>
  int spin(const StreamWait& wait, Deadline deadline, Look&& look);
  std::string why_full();

  std::shared_ptr<ClientSession> session_;
  Lease lease_;
  std::string name_;
  DType dtype_;
  Shape row_shape_;
  StreamOptions options_;
  std::int64_t row_bytes_ = 0;
  std::uint32_t array_ = 0, ring_number_ = 0;
  std::uint64_t gen_ = 0;
  std::atomic<std::uint64_t> root_{0};
  StreamSync* sync_ = nullptr;
  Ring ring_;
  std::unique_ptr<Place[]> places_;
  std::mutex mutex_;  ///< of places and of join
  std::atomic<int> cursor_{-1};
  std::atomic<bool> producing_{false};
  std::atomic<std::uint32_t> hint_{0};
  std::atomic_flag ahead_used_;  ///< a thread has the next one
  TakeAhead ahead_;
};

/// Memory of a batch that arrays stand on; gives the batch back with the last of them unless it was settled before.
class StreamBuffer final : public Buffer {
 public:
  StreamBuffer(std::shared_ptr<StreamState> state, std::uint32_t number, bool loaned, std::byte* data,
               std::int64_t nbytes, Origin origin)
      : Buffer(data, nbytes, loaned, origin), state_(std::move(state)), number_(number), loaned_(loaned) {}
  ~StreamBuffer() override {
    if (!settled_) state_->give_back(number_, loaned_);
  }
  void settle() noexcept { settled_ = true; }

 private:
  std::shared_ptr<StreamState> state_;
  std::uint32_t number_;
  bool loaned_, settled_ = false;
};

}  // namespace ndshare::internal
