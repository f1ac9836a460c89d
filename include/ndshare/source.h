// Source and Sink: where bytes of files come from and go to. Paths, descriptors, pipes and memory look the same here.
#pragma once

#include <ndshare/export.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace ndshare {

/// Called now and then during long work: bytes done, and bytes in all (−1 while nobody knows). It may throw to stop.
using Progress = std::function<void(std::int64_t done_bytes, std::int64_t total_bytes)>;

/// Bytes read in order, once. To derive: implement `read` and, where the length is known beforehand, `length`.
///   Threads: one at a time.
class NDSHARE_API Source {
 public:
  explicit Source(std::string name) : name_(std::move(name)) {}
  virtual ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// Reads 1 … `count` bytes, whatever is there; 0 only at the end (or for a count of 0).   Errors: Io.
  virtual std::size_t read(std::byte* into, std::size_t count) = 0;
  /// All bytes from the start to the end, those read already included; nothing for pipes and the like.
  [[nodiscard]] virtual std::optional<std::int64_t> length() const { return std::nullopt; }
  /// Whether `length` is only what the data say of themselves (a member of a .npz), to be believed when it has been read.
  [[nodiscard]] virtual bool length_is_a_claim() const { return false; }

  /// What messages call it: a path, "<stdin>", "a.npz:prices".
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Reads until `count` bytes are there or the end comes; returns how many.   Errors: Io.
  std::size_t read_fully(std::byte* into, std::size_t count);

 private:
  std::string name_;
};

/// Bytes written in order. To derive: implement `write`, and `finish` where something remains to be done.
///   Threads: one at a time.
class NDSHARE_API Sink {
 public:
  explicit Sink(std::string name) : name_(std::move(name)) {}
  virtual ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  /// Writes all of `bytes`.   Errors: Io.
  virtual void write(std::span<const std::byte> bytes) = 0;
  /// Makes what was written count. A sink that goes away unfinished leaves things as they were, where it can.   Errors: Io.
  virtual void finish() {}

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

/// A file, a named pipe, or standard input for "-".   Errors: Io, with the path and the system's reason.
[[nodiscard]] NDSHARE_API std::unique_ptr<Source> open_source(const std::string& path);
/// An open descriptor, read from where it stands; it stays the caller's and open.
[[nodiscard]] NDSHARE_API std::unique_ptr<Source> descriptor_source(int fd, std::string name);
/// Bytes in memory, which must outlive the source.
[[nodiscard]] NDSHARE_API std::unique_ptr<Source> memory_source(std::span<const std::byte> bytes,
                                                                std::string name = "<memory>");

/// A file, or standard output for "-". A regular file is written beside itself and put in place by `finish`: other readers
/// see the old one or the new one, and a failure leaves the old one.   Errors: Io.
[[nodiscard]] NDSHARE_API std::unique_ptr<Sink> open_sink(const std::string& path);
/// An open descriptor, written from where it stands; it stays the caller's and open.
[[nodiscard]] NDSHARE_API std::unique_ptr<Sink> descriptor_sink(int fd, std::string name);
/// Appends to `target`, which must outlive the sink.
[[nodiscard]] NDSHARE_API std::unique_ptr<Sink> memory_sink(std::string& target, std::string name = "<memory>");

}  // namespace ndshare
