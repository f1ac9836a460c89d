// admin::save: arrays are pinned in batches, written block by block by all cores, checksummed on the way, and swapped
// in.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include <unistd.h>

#include <ndshare/admin.h>
#include <ndshare/version.h>

#include "client/progress_meter.h"
#include "client/save_by_daemon.h"
#include "client/save_files.h"
#include "client/save_format.h"
#include "client/save_source.h"
#include "client/wait.h"
#include "lib/base/crc32c.h"
#include "lib/base/text.h"
#include "lib/base/wall_clock.h"
#include "lib/exec/parallel.h"

namespace ndshare::admin {
namespace {

using internal::PinnedArray;
using internal::ProgressMeter;
using internal::SaveSource;
using internal::StagedFolder;

constexpr std::size_t kBatchArrays = 512;        // pinned at once: far below a client's table of views
constexpr std::int64_t kBatchBytes = 4LL << 30;  // writers copy what is pinned, so it is not pinned for ever
constexpr std::int64_t kSaveStep = 1 << 20;     // checksummed, then written while it is in the cache
constexpr int kAttempts = 20;                    // to read an array that nothing pins between two changes of it

struct Job {
  PinnedArray pinned;
  std::string header, path;
};

/// A part of a batch for one thread: a block of an array; the first one has the header, too.
struct Unit {
  std::size_t job = 0;
  std::int64_t block = 0;
};

class Saver {
 public:
  Saver(SaveSource& source, StagedFolder& folder, ProgressMeter& progress)
      : source_(source), folder_(folder), progress_(progress) {}

  void save(const std::vector<ArrayInfo>& infos);
  void finish(std::string store);
  SaveReport report() const;

 private:
  void add(const std::string& name);
  void flush();
  void write(std::vector<Job>& jobs);
  void write_unit(Job& job, std::int64_t block);
  void pin_again(std::vector<Job>& jobs);
  Job make_job(PinnedArray pinned, std::string file) const;

  SaveSource& source_;
  StagedFolder& folder_;
  ProgressMeter& progress_;
  std::vector<Job> batch_;
  std::int64_t batch_bytes_ = 0;
  std::size_t next_file_ = 0;
  std::vector<std::string> paths_;
  internal::Manifest manifest_;
};

void Saver::save(const std::vector<ArrayInfo>& infos) {
  for (const auto& info : infos) add(info.name);
  flush();
}

Job Saver::make_job(PinnedArray pinned, std::string file) const {
  Job job{std::move(pinned), {}, {}};
  auto& array = job.pinned.array;
  array.file = std::move(file);
  job.path = folder_.file(array.file);
  job.header = internal::make_header(array);
  array.crcs.assign(static_cast<std::size_t>(internal::block_count(array.nbytes, internal::kSaveBlockBytes)) + 1, 0);
  array.crcs[0] = internal::crc32c(job.header.data(), job.header.size());
  return job;
}

/// Pins the array and puts it into the batch; writes the batch first where it is full, or where pins are used up.
void Saver::add(const std::string& name) {
  std::optional<PinnedArray> pinned;
  try {
    pinned = source_.pin(name);
  } catch (const Error& error) {
    const bool too_many = error.code() == ErrorCode::TooManyClaims || error.code() == ErrorCode::MapLimit;
    if (!too_many || batch_.empty()) throw;
    flush();
    pinned = source_.pin(name);
  }
  if (!pinned) return;  // removed since it was listed
  batch_bytes_ += pinned->array.nbytes;
  batch_.push_back(make_job(std::move(*pinned), internal::data_file_name(next_file_++)));
  if (batch_.size() >= kBatchArrays || batch_bytes_ >= kBatchBytes) flush();
}

/// Writes the batch until every array in it is of one moment.
void Saver::flush() {
  for (int attempt = 1; !batch_.empty(); ++attempt) {
    write(batch_);
    std::vector<Job> changed;
    for (auto& job : batch_) {
      auto& pinned = job.pinned;
      if (pinned.unchanged && !pinned.unchanged()) {
        progress_.take_back(static_cast<std::uint64_t>(pinned.array.nbytes));
        changed.push_back(std::move(job));
      } else {
        paths_.push_back(std::move(job.path));
        manifest_.arrays.push_back(std::move(pinned.array));
      }
    }
    if (!changed.empty() && attempt == kAttempts) {
      throw Error(ErrorCode::Busy,
                  "array '" + internal::printable(changed[0].pinned.array.name) +
                      "' was written while it was read, every time: try again when its writers rest, or with a daemon");
    }
    batch_ = std::move(changed);
    pin_again(batch_);
  }
  batch_bytes_ = 0;
}

void Saver::pin_again(std::vector<Job>& jobs) {
  std::vector<Job> again;
  for (auto& job : jobs) {
    auto file = std::move(job.pinned.array.file);
    const auto name = std::move(job.pinned.array.name);
    ::unlink(job.path.c_str());  // it may be shorter now
    if (auto pinned = source_.pin(name)) again.push_back(make_job(std::move(*pinned), std::move(file)));
  }
  jobs = std::move(again);
}

void Saver::write(std::vector<Job>& jobs) {
  std::vector<Unit> units;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto blocks =
        std::max<std::int64_t>(1, internal::block_count(jobs[i].pinned.array.nbytes, internal::kSaveBlockBytes));
    for (std::int64_t block = 0; block < blocks; ++block) units.push_back({i, block});
  }
  internal::parallel_blocks(units.size(), 0, [&](std::size_t i) { write_unit(jobs[units[i].job], units[i].block); });
}

void Saver::write_unit(Job& job, std::int64_t block) {
  auto& array = job.pinned.array;
  const auto fd = internal::open_to_write(job.path);
  const auto offset = static_cast<std::int64_t>(job.header.size());
  if (block == 0) internal::write_at(fd.get(), std::as_bytes(std::span(job.header)), 0, job.path);
  const auto begin = block * internal::kSaveBlockBytes, end = std::min(array.nbytes, begin + internal::kSaveBlockBytes);
  std::uint32_t crc = 0;
  for (auto at = begin; at < end; at += kSaveStep) {
    const std::span step(job.pinned.data + at, static_cast<std::size_t>(std::min(kSaveStep, end - at)));
    crc = internal::crc32c(step.data(), step.size(), crc);
    internal::write_at(fd.get(), step, offset + at, job.path);
    progress_.add(step.size());
  }
  if (begin < end) array.crcs[static_cast<std::size_t>(block) + 1] = crc;
  internal::save_crash_point("save.block");
}

/// The manifest last: without it a folder is no save.
void Saver::finish(std::string store) {
  internal::sync_files(folder_.path(), paths_);
  internal::save_crash_point("save.synced");
  manifest_.written_by = version();
  manifest_.store = std::move(store);
  manifest_.unix_ns = internal::unix_now_ns();
  std::ranges::sort(manifest_.arrays, {}, &internal::SavedArray::name);
  const auto text = internal::encode_manifest(manifest_);
  const auto path = folder_.file(internal::kManifestFile);
  {
    const auto fd = internal::open_to_write(path);
    internal::write_at(fd.get(), std::as_bytes(std::span(text)), 0, path);
  }
  internal::save_crash_point("save.manifest");
  internal::sync_path(path);
  folder_.publish();
}

SaveReport Saver::report() const {
  SaveReport report{manifest_.arrays.size(), 0};
  for (const auto& array : manifest_.arrays) report.bytes += static_cast<std::uint64_t>(array.nbytes);
  return report;
}

std::uint64_t total_bytes(const std::vector<ArrayInfo>& infos) {
  std::uint64_t bytes = 0;
  for (const auto& info : infos) bytes += static_cast<std::uint64_t>(info.nbytes);
  return bytes;
}

/// `before`: what was free when the save began; its own files are in the way of what is free now.
[[noreturn]] void disk_full(const std::string& directory, std::uint64_t needed, std::uint64_t before) {
  throw Error(ErrorCode::Io,
              "no room on the disk of '" + internal::printable(directory) + "': the save takes " +
                  internal::format_bytes(needed) + " (beside a save that is there already), " +
                  internal::format_bytes(before) + " were free",
              {{"path", directory}, {"needed_bytes", std::to_string(needed)}, {"free_bytes", std::to_string(before)}});
}

bool is_disk_full(const Error& error) {
  return error.detail("errno") == std::to_string(ENOSPC) || error.detail("errno") == std::to_string(EDQUOT);
}

}  // namespace

namespace {

SaveReport save_from(SaveSource& source, const std::string& directory, const Progress& progress) {
  StagedFolder folder(directory);
  internal::save_crash_point("save.begin");
  const auto infos = source.list();
  const auto bytes = total_bytes(infos);
  const auto free = internal::free_disk_bytes(folder.path());
  if (bytes > free) disk_full(directory, bytes, free);
  ProgressMeter meter(progress, bytes);
  Saver saver(source, folder, meter);
  try {
    saver.save(infos);
    saver.finish(source.store_name());
  } catch (const Error& error) {
    if (!is_disk_full(error)) throw;
    disk_full(directory, bytes, free);
  }
  meter.finish();
  return saver.report();
}

/// The daemon is of another version, as `refused` says.
SaveReport save_of_other_version(std::string_view store, const std::string& directory, std::chrono::nanoseconds timeout,
                                 const Error& refused) {
  try {
    return internal::save_by_daemon(internal::resolve_address(store), directory, timeout);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Protocol) throw refused;  // it knows no such request
    throw;
  }
}

}  // namespace

SaveReport save(std::string_view store, const std::string& directory, const Progress& progress,
                std::chrono::nanoseconds timeout) {
  std::optional<SaveSource> source;
  try {
    source.emplace(store, timeout);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::LayoutVersion) throw;
    return save_of_other_version(store, directory, timeout, error);
  }
  return save_from(*source, directory, progress);
}

}  // namespace ndshare::admin
