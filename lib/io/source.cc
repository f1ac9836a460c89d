#include <ndshare/source.h>

#include "lib/io/file.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ndshare {

namespace internal {

void format_error(std::string_view file, const std::string& message, Error::Details details) {
  details.emplace_back("file", std::string(file));
  throw Error(ErrorCode::Format, std::string(file) + ": " + message, std::move(details));
}

void io_error(std::string_view action, std::string_view file, int error_number) {
  const std::string reason = std::generic_category().message(error_number);
  throw Error(ErrorCode::Io, "cannot " + std::string(action) + " " + std::string(file) + ": " + reason,
              {{"file", std::string(file)}, {"errno", std::to_string(error_number)}});
}

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

int UniqueFd::release() noexcept { return std::exchange(fd_, -1); }

UniqueFd open_to_read(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (fd.get() < 0) io_error("open", path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) io_error("inspect", path, errno);
  if (S_ISDIR(status.st_mode)) io_error("read", path, EISDIR);
  return fd;
}

std::optional<std::int64_t> regular_length(int fd, std::string_view name) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) io_error("inspect", name, errno);
  // Files of /proc and the like are "regular" with length 0, whatever they hold.
  if (!S_ISREG(status.st_mode) || (status.st_size == 0 && status.st_blocks == 0 && status.st_blksize <= 1024)) {
    return std::nullopt;
  }
  return status.st_size;
}

std::size_t read_some(int fd, std::byte* into, std::size_t count, std::string_view name) {
  for (;;) {
    const ssize_t n = ::read(fd, into, count);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) io_error("read", name, errno);
  }
}

void write_all(int fd, std::span<const std::byte> bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) io_error("write", name, errno);
    if (n > 0) bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace internal

namespace {

using internal::io_error;
using internal::UniqueFd;

class FileSource final : public Source {
 public:
  /// Owns `owned` where it holds a descriptor; reads `fd`.
  FileSource(int fd, UniqueFd owned, std::string name) : Source(std::move(name)), fd_(fd), owned_(std::move(owned)) {
    const auto file_bytes = internal::regular_length(fd_, this->name());
    const off_t start = file_bytes ? ::lseek(fd_, 0, SEEK_CUR) : -1;
    if (file_bytes && start >= 0) length_ = std::max<std::int64_t>(*file_bytes - start, 0);
  }
  std::size_t read(std::byte* into, std::size_t count) override {
    return internal::read_some(fd_, into, count, name());
  }
  std::optional<std::int64_t> length() const override { return length_; }

 private:
  int fd_;
  UniqueFd owned_;
  std::optional<std::int64_t> length_{};
};

class MemorySource final : public Source {
 public:
  MemorySource(std::span<const std::byte> bytes, std::string name)
      : Source(std::move(name)), rest_(bytes), length_(static_cast<std::int64_t>(bytes.size())) {}
  std::size_t read(std::byte* into, std::size_t count) override {
    const std::size_t n = std::min(count, rest_.size());
    if (n > 0) std::memcpy(into, rest_.data(), n);
    rest_ = rest_.subspan(n);
    return n;
  }
  std::optional<std::int64_t> length() const override { return length_; }

 private:
  std::span<const std::byte> rest_;
  std::int64_t length_;
};

class DescriptorSink final : public Sink {
 public:
  DescriptorSink(int fd, UniqueFd owned, std::string name) : Sink(std::move(name)), fd_(fd), owned_(std::move(owned)) {}
  void write(std::span<const std::byte> bytes) override { internal::write_all(fd_, bytes, name()); }

 private:
  int fd_;
  UniqueFd owned_;
};

class MemorySink final : public Sink {
 public:
  MemorySink(std::string& target, std::string name) : Sink(std::move(name)), target_(target) {}
  void write(std::span<const std::byte> bytes) override {
    target_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

 private:
  std::string& target_;
};

/// A regular file, written under another name beside itself and renamed by finish().
class ReplacingSink final : public Sink {
 public:
  explicit ReplacingSink(const std::string& path, mode_t mode) : Sink(path), mode_(mode) {
    for (int attempt = 0; attempt < 100; ++attempt) {
      temporary_ = path + ".part-" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
      fd_ = UniqueFd(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      if (fd_.get() >= 0 || errno != EEXIST) break;
    }
    if (fd_.get() < 0) {
      const int error_number = errno;
      temporary_.clear();
      io_error("write", path, error_number);
    }
  }
  ~ReplacingSink() override {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  void write(std::span<const std::byte> bytes) override { internal::write_all(fd_.get(), bytes, name()); }
  void finish() override {
    if (temporary_.empty()) return;
    if (mode_ != 0 && ::fchmod(fd_.get(), mode_) != 0) io_error("write", name(), errno);
    if (::close(fd_.release()) != 0) io_error("write", name(), errno);
    if (::rename(temporary_.c_str(), name().c_str()) != 0) io_error("replace", name(), errno);
    temporary_.clear();
  }

 private:
  std::string temporary_;
  UniqueFd fd_;
  mode_t mode_;  ///< of the file that was there, 0 for none
};

}  // namespace

Source::~Source() = default;
Sink::~Sink() = default;

std::size_t Source::read_fully(std::byte* into, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    const std::size_t n = read(into + done, count - done);
    if (n == 0) break;
    done += n;
  }
  return done;
}

std::unique_ptr<Source> open_source(const std::string& path) {
  if (path == "-") return descriptor_source(STDIN_FILENO, "<stdin>");
  UniqueFd fd = internal::open_to_read(path);
  const int number = fd.get();
  return std::make_unique<FileSource>(number, std::move(fd), path);
}

std::unique_ptr<Source> descriptor_source(int fd, std::string name) {
  return std::make_unique<FileSource>(fd, UniqueFd(), std::move(name));
}

std::unique_ptr<Source> memory_source(std::span<const std::byte> bytes, std::string name) {
  return std::make_unique<MemorySource>(bytes, std::move(name));
}

std::unique_ptr<Sink> open_sink(const std::string& path) {
  if (path == "-") return descriptor_sink(STDOUT_FILENO, "<stdout>");
  // A link is followed, so that the file it names is replaced and the link stays.
  std::string target = path;
  if (char* real = ::realpath(path.c_str(), nullptr)) {
    target = real;
    std::free(real);
  }
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0) return std::make_unique<ReplacingSink>(target, mode_t{0});
  if (S_ISREG(status.st_mode)) return std::make_unique<ReplacingSink>(target, status.st_mode & mode_t{07777});
  UniqueFd fd(::open(target.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (fd.get() < 0) io_error("write", path, errno);
  const int number = fd.get();
  return std::make_unique<DescriptorSink>(number, std::move(fd), path);
}

std::unique_ptr<Sink> descriptor_sink(int fd, std::string name) {
  return std::make_unique<DescriptorSink>(fd, UniqueFd(), std::move(name));
}

std::unique_ptr<Sink> memory_sink(std::string& target, std::string name) {
  return std::make_unique<MemorySink>(target, std::move(name));
}

}  // namespace ndshare
