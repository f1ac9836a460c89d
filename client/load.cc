// admin::load: everything that can be checked is checked first; arrays are made unseen, filled by all cores, marked as
// complete, and made visible by one request at the end. Whatever fails or is killed before that leaves nothing: the client
// leaves, and the daemon removes what it had not published. The daemon carries out that request as a whole.
#include <algorithm>
#include <filesystem>

#include <ndshare/admin.h>

#include "client/guard_access.h"
#include "client/progress_meter.h"
#include "client/save_files.h"
#include "client/save_format.h"
#include "lib/base/crc32c.h"
#include "lib/base/text.h"
#include "lib/exec/parallel.h"
#include "lib/wire/attrs.h"

namespace ndshare::admin {
namespace {

namespace fs = std::filesystem;
using internal::ClientSession;
using internal::CreateRequest;
using internal::Manifest;
using internal::ProgressMeter;
using internal::SavedArray;

constexpr std::size_t kRequestBytes = 48U << 10;        // a request and its reply are one packet each
constexpr std::int64_t kRequestArrayBytes = 4LL << 30;  // memory is reserved before the reply: not too much at a time
constexpr std::int64_t kReserveBytesPerSecond = 128LL << 20;  // slower than any machine reserves memory
constexpr std::uint64_t kPublish_us = 100;                    // an array: much more than any daemon takes
constexpr std::uint64_t kLoadStep = 1 << 20;                 // read, then checksummed while it is in the cache

// ---- the files

/// Before anything is made: every file is there and as long as it must be.
void check_file(const std::string& path, const SavedArray& array) {
  std::error_code error;
  const auto status = fs::status(path, error);
  const auto of = " (array '" + internal::printable(array.name) + "')";
  if (status.type() == fs::file_type::not_found)
    internal::format_error(path, "damaged save: the file is missing" + of, {{"array", array.name}});
  if (error) internal::io_error("inspect", path, error.value());
  const auto expected = static_cast<std::uintmax_t>(array.header_bytes) + static_cast<std::uintmax_t>(array.nbytes);
  const auto actual = status.type() == fs::file_type::regular ? fs::file_size(path, error) : 0;
  if (actual != expected || error) {
    internal::format_error(
        path, "damaged save: the file has " + std::to_string(actual) + " bytes, not " + std::to_string(expected) + of,
        {{"array", array.name},
         {"expected_bytes", std::to_string(expected)},
         {"actual_bytes", std::to_string(actual)}});
  }
}

[[noreturn]] void bad_checksum(const std::string& path, const SavedArray& array, const std::string& what,
                               std::uint32_t expected, std::uint32_t actual) {
  internal::format_error(
      path,
      "damaged save: " + what + " of array '" + internal::printable(array.name) + "' has CRC-32C " +
          std::to_string(actual) + ", the manifest says " + std::to_string(expected),
      {{"array", array.name}, {"expected", std::to_string(expected)}, {"actual", std::to_string(actual)}});
}

void check_header(int fd, const std::string& path, const SavedArray& array) {
  std::string header(static_cast<std::size_t>(array.header_bytes), '\0');
  header.resize(internal::read_at(fd, std::as_writable_bytes(std::span(header)), 0, path));
  const auto crc = internal::crc32c(header.data(), header.size());
  if (crc != array.crcs[0]) bad_checksum(path, array, "the header", array.crcs[0], crc);
  if (!internal::header_says(header, array)) {
    internal::format_error(path, "damaged save: the file's header is of another array than the manifest's '" +
                                     internal::printable(array.name) + "'");
  }
}

// ---- the store

/// Memory that is written without a guard, for NDSHARE_GUARD_PAGES.
class OpenPages {
 public:
  OpenPages(internal::GuardPages& pages, const internal::ArrayPiece& piece)
      : pages_(pages), data_(piece.data), bytes_(static_cast<std::int64_t>(piece.bytes)) {
    pages_.open(data_, bytes_);
  }
  ~OpenPages() { pages_.close(data_, bytes_); }
  OpenPages(const OpenPages&) = delete;
  OpenPages& operator=(const OpenPages&) = delete;

 private:
  internal::GuardPages& pages_;
  const std::byte* data_;
  std::int64_t bytes_;
};

/// One array on its way.
struct Made {
  internal::ArrayId id;
  std::uint64_t version = 0;
  std::vector<internal::Extent> extents;
};

class Loader {
 public:
  /// Connects.
  Loader(std::string directory, std::string_view store, bool replace, std::chrono::nanoseconds timeout)
      : directory_(std::move(directory)),
        replace_(replace),
        timeout_(timeout),
        session_(
            ClientSession::connect(internal::resolve_address(store), {.role = Role::read_write, .timeout = timeout})) {}
  ~Loader() { session_->close(); }  // what is not published goes
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// What is to be loaded, once all that can be checked is checked.
  SaveReport read();
  void make();
  void fill(ProgressMeter& progress);
  void publish();

 private:
  struct Block {
    std::size_t array = 0;
    std::int64_t block = 0;
  };
  internal::CreateSpec spec(const SavedArray& array) const;
  void request(const CreateRequest& batch, std::int64_t bytes);
  void fill_block(const Block& block, ProgressMeter& progress);
  void make_ready(bool sealed);
  void mark_torn();

  std::string directory_;
  Manifest manifest_;
  bool replace_;
  std::chrono::nanoseconds timeout_;
  std::shared_ptr<ClientSession> session_;
  std::vector<Made> made_;  ///< as in the manifest
};

internal::CreateSpec Loader::spec(const SavedArray& array) const {
  internal::CreateSpec spec;
  spec.name = array.name;
  spec.dtype = array.dtype.str();
  spec.shape.assign(array.shape.begin(), array.shape.end());
  spec.order = array.order == Order::C ? "C" : "F";
  spec.replace = replace_;
  spec.attrs = internal::encode_attrs(array.attrs);
  return spec;
}

void Loader::request(const CreateRequest& batch, std::int64_t bytes) {
  if (batch.specs.empty()) return;
  const auto wait = timeout_ + std::chrono::seconds(bytes / kReserveBytesPerSecond);
  const auto reply = session_->request(batch, internal::deadline_after(wait, wait));
  if (reply.arrays.size() != batch.specs.size()) {
    throw Error(ErrorCode::Protocol, "the daemon made " + std::to_string(reply.arrays.size()) + " arrays, " +
                                         std::to_string(batch.specs.size()) + " were asked for");
  }
  for (const auto& created : reply.arrays) {
    auto& made = made_.emplace_back(Made{{created.array, created.array_gen}, created.version, {}});
    for (const auto& extent : created.extents) made.extents.push_back({extent.offset, extent.bytes, created.version});
  }
}

SaveReport Loader::read() {
  manifest_ = internal::read_manifest(directory_);
  SaveReport report{manifest_.arrays.size(), 0};
  for (const auto& array : manifest_.arrays) {
    check_file(directory_ + "/" + array.file, array);
    report.bytes += static_cast<std::uint64_t>(array.nbytes);
  }
  return report;
}

void Loader::make() {
  CreateRequest batch;
  std::size_t request_bytes = 0;
  std::int64_t bytes = 0;
  const auto flush = [&] {
    request(batch, bytes);
    batch.specs.clear();
    request_bytes = 0, bytes = 0;
  };
  for (const auto& array : manifest_.arrays) {
    auto next = spec(array);
    const auto more = 32 + next.name.size() + next.dtype.size() + next.attrs.size() + 9 * next.shape.size();
    if (batch.specs.size() == internal::kMaxCreateBatch || request_bytes + more > kRequestBytes ||
        bytes > kRequestArrayBytes)
      flush();
    batch.specs.push_back(std::move(next));
    request_bytes += more;
    bytes += array.nbytes;
  }
  flush();
  internal::save_crash_point("load.made");
}

void Loader::fill(ProgressMeter& progress) {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < made_.size(); ++i) {
    const auto count =
        std::max<std::int64_t>(1, internal::block_count(manifest_.arrays[i].nbytes, manifest_.block_bytes));
    for (std::int64_t block = 0; block < count; ++block) blocks.push_back({i, block});
  }
  internal::parallel_blocks(blocks.size(), 0, [&](std::size_t i) { fill_block(blocks[i], progress); });
  internal::save_crash_point("load.filled");
}

void Loader::fill_block(const Block& block, ProgressMeter& progress) {
  const auto& array = manifest_.arrays[block.array];
  const auto& made = made_[block.array];
  const auto path = directory_ + "/" + array.file;
  const auto fd = internal::open_to_read(path);
  if (block.block == 0) check_header(fd.get(), path, array);
  const auto begin = block.block * manifest_.block_bytes, end = std::min(array.nbytes, begin + manifest_.block_bytes);
  if (begin >= end) return;
  const auto pieces = session_->pool().pieces(made.extents, static_cast<std::uint64_t>(begin),
                                              static_cast<std::uint64_t>(end), internal::Mapping::Access::read_write);
  std::uint32_t crc = 0;
  auto at = array.header_bytes + begin;
  for (const auto& piece : pieces) {
    const OpenPages open(session_->guard_pages(), piece);
    for (std::uint64_t done = 0; done < piece.bytes; done += kLoadStep) {
      const std::span step(piece.data + done, std::min(kLoadStep, piece.bytes - done));
      if (internal::read_at(fd.get(), step, at, path) < step.size()) {
        internal::format_error(path, "damaged save: the file became shorter while it was read");
      }
      crc = internal::crc32c(step.data(), step.size(), crc);
      at += static_cast<std::int64_t>(step.size());
      progress.add(step.size());
    }
  }
  const auto expected = array.crcs[static_cast<std::size_t>(block.block) + 1];
  if (crc != expected)
    bad_checksum(path, array, "bytes " + std::to_string(begin) + " to " + std::to_string(end), expected, crc);
  internal::save_crash_point("load.block");
}

void Loader::make_ready(bool sealed) {
  internal::PublishRequest batch;
  batch.seal = sealed;
  batch.later = true;
  const auto flush = [&] {
    if (batch.arrays.empty()) return;
    session_->request(batch, internal::deadline_after(timeout_, timeout_));
    batch.arrays.clear();
    internal::save_crash_point("load.ready");
  };
  for (std::size_t i = 0; i < made_.size(); ++i) {
    if (manifest_.arrays[i].sealed != sealed) continue;
    batch.arrays.push_back(made_[i].id);
    if (batch.arrays.size() == internal::kMaxCreateBatch) flush();
  }
  flush();
}

/// Rows that were torn are so again, before anybody sees them.
void Loader::mark_torn() {
  for (std::size_t i = 0; i < made_.size(); ++i) {
    if (manifest_.arrays[i].torn.empty()) continue;
    const auto deadline = internal::deadline_after(timeout_, timeout_);
    internal::SharedState state;
    state.session = session_;
    state.name = manifest_.arrays[i].name;
    state.array = static_cast<std::uint32_t>(made_[i].id.array);
    state.array_gen = made_[i].id.array_gen;
    state.ours = true;
    internal::HeldClaim claim(*session_, false);  // the daemon takes marks from writers only
    internal::acquire(state, claim, internal::ClaimMode::write, 0, internal::kAllRows, deadline);
    for (const auto& range : manifest_.arrays[i].torn) {
      session_->request(internal::MendRequest{made_[i].id, range.rows.first, range.rows.last, true}, deadline);
    }
  }
}

void Loader::publish() {
  mark_torn();
  make_ready(true);
  make_ready(false);
  const auto wait = timeout_ + std::chrono::microseconds(made_.size() * kPublish_us);
  session_->request(internal::PublishReadyRequest{}, internal::deadline_after(wait, wait));
  internal::save_crash_point("load.published");
}

}  // namespace

SaveReport load(std::string_view store, const std::string& directory, bool replace, const Progress& progress,
                std::chrono::nanoseconds timeout) {
  if (directory.empty()) throw Error(ErrorCode::Usage, "a load needs the name of a folder");
  Loader loader(directory, store, replace, timeout);
  const auto report = loader.read();
  ProgressMeter meter(progress, report.bytes);
  loader.make();
  loader.fill(meter);
  loader.publish();
  meter.finish();
  return report;
}

}  // namespace ndshare::admin
