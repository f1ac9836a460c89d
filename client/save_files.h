/// The folder of a save on disk: written beside its final place and swapped in whole, so that a kill at any point
/// leaves the save that was there as it was.
///
/// DIR.saving-PID-N is made beside DIR (the same file system), locked with flock(2) while its process works on it,
/// filled, synced, and exchanged with DIR by one renameat2(2). What was DIR then has that name and is removed. Folders
/// of that pattern that nobody has locked are of savers that were killed: the next save beside them removes them. Only
/// files that a save consists of are ever removed, and only a folder of nothing else is ever replaced.
///   Mode: folders 0700, files 0600: what they hold was in memory of mode 0600.   Threads: one a folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "client/save_format.h"
#include "lib/io/file.h"

namespace ndshare::internal {

/// Ends the process by SIGKILL where NDSHARE_CRASH_AT is "name" or "name:n" (at the n-th time): for tests, as the
/// daemon's.
void save_crash_point(std::string_view name) noexcept;

/// The manifest of the save in a folder.   Errors: Io (no save there, or it cannot be read); Format.
Manifest read_manifest(const std::string& directory);

class StagedFolder {
 public:
  /// Errors: Usage (no name); Io: not a folder, a folder of something else than a save (names what), not writable.
  explicit StagedFolder(const std::string& directory);
  ~StagedFolder();  ///< removes what was not published
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  /// Where files go until publish().
  [[nodiscard]] const std::string& path() const noexcept { return staging_; }
  [[nodiscard]] std::string file(std::string_view name) const { return staging_ + "/" + std::string(name); }
  /// Puts the folder in its place, durably. REQUIRES: the files in it are synced.   Errors: Io; what was there stays.
  void publish();

 private:
  bool make_and_lock();
  void swap_in();

  std::string target_, parent_, staging_;
  UniqueFd lock_;
  bool replaces_ = false;  ///< a save was at target_ when this one was swapped in
  bool published_ = false;
};

/// Free bytes for this user where `path` is; nothing known: UINT64_MAX.
std::uint64_t free_disk_bytes(const std::string& path) noexcept;

/// Opens a file of a save to write, made where it is not there.   Errors: Io.
UniqueFd open_to_write(const std::string& path);
/// pwrite(2) and pread(2) that go on after signals and short counts. read_at() returns less than asked at the end of
/// the file.
///   Errors: Io; a full disk says how much is free.
void write_at(int fd, std::span<const std::byte> bytes, std::int64_t offset, const std::string& path);
std::size_t read_at(int fd, std::span<std::byte> into, std::int64_t offset, const std::string& path);
/// Makes files of the folder durable: each by itself, or where they are many all of the file system at once.   Errors:
/// Io.
void sync_files(const std::string& folder, std::span<const std::string> files);
void sync_path(const std::string& path);

}  // namespace ndshare::internal
