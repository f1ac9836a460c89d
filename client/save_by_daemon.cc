#include "client/save_by_daemon.h"

#include <array>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/save_files.h"
#include "lib/base/text.h"
#include "lib/shm/format.h"
#include "lib/wire/channel.h"

namespace ndshare::internal {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kTimedOut = 4;  // exit status of a verb
constexpr std::size_t kMostText = 4096;

/// What the program said, in one line.
std::string said(int fd) {
  std::string text(kMostText, '\0');
  const auto got = ::pread(fd, text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(got < 0 ? 0 : got));
  for (char& one : text) one = one == '\n' ? ' ' : one;
  while (text.ends_with(' ')) text.pop_back();
  return printable(text);
}

/// Greets as an operator does: takes no slot, maps nothing.
void greet(Channel& channel, Deadline deadline) {
  HelloRequest hello;
  hello.layout_hash = kLayoutHash;
  hello.pid = static_cast<std::uint64_t>(::getpid());
  hello.purpose = "operator";
  channel.call(hello, 1, deadline);
}

admin::SaveReport report_of(const std::string& directory) {
  const auto manifest = read_manifest(directory);
  admin::SaveReport report{manifest.arrays.size(), 0};
  for (const auto& array : manifest.arrays) report.bytes += static_cast<std::uint64_t>(array.nbytes);
  return report;
}

}  // namespace

admin::SaveReport save_by_daemon(const StoreAddress& address, const std::string& directory, std::chrono::nanoseconds timeout) {
  std::error_code error;
  auto target = fs::weakly_canonical(fs::absolute(fs::path(directory)), error);
  if (error) io_error("find", directory, error.value());
  if (!target.has_filename()) target = target.parent_path();
  const UniqueFd folder(::open(target.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) io_error("open", target.parent_path().string(), errno);
  const UniqueFd text(::memfd_create("ndshare-save", MFD_CLOEXEC));
  if (text.get() < 0) io_error("make", "a file in memory", errno);
  const auto deadline = deadline_after(timeout, timeout);
  Channel channel(connect_socket(segment_paths(address.uid, address.name).socket, deadline));
  greet(channel, deadline);
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  const SaveRequest request{target.filename().string(), static_cast<std::uint64_t>(wait)};
  const std::array descriptors{folder.get(), text.get()};
  const auto reply = channel.call(request, 2, kForever, nullptr, descriptors);
  if (reply.status == 0) return report_of(target.string());
  throw Error(reply.status == kTimedOut ? ErrorCode::Timeout : ErrorCode::Io,
              "the daemon's own ndshare could not save the store (status " + std::to_string(reply.status) + "): " + said(text.get()),
              {{"status", std::to_string(reply.status)}});
}

}  // namespace ndshare::internal
