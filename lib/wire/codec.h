/// Messages as bytes: CBOR (RFC 8949) of {"t": type, "q": sequence, "b": body}; a body is an array of fields in the listed order.
///
/// Decoding is strict: only definite lengths, no tags, at most kMaxDepth levels, every field present, of its type and in range,
/// nothing after the end. Whatever the bytes are, the outcome is a struct or an Error Protocol that names message and field.
/// Only the greeting accepts further fields at its end, so that versions can tell each other what to do.
///
/// A message over kMaxPacketBytes goes in parts: packets {"t", "q", "m": more follow, "p": bytes of the whole message}.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lib/wire/fields.h"
#include "lib/wire/messages.h"

namespace ndshare::internal {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::size_t kMaxDepth = 8;
inline constexpr std::uint64_t kMaxRequestBytes = 4ULL << 20;  ///< of one request, all its parts together
inline constexpr std::uint64_t kMaxReplyBytes = 64ULL << 20;

/// One message as one run of bytes, however long.   Errors: none but std::bad_alloc.
template <class Body>
Bytes encode(std::uint64_t type, std::uint64_t sequence, const Body& body);

template <class Request>
Bytes encode_request(std::uint64_t sequence, const Request& request) {
  return encode(MessageOf<Request>::kType, sequence, request);
}

/// A message whose envelope was read and whose body waits to be decoded into the struct that its type asks for.
class Message {
 public:
  Message(Message&&) noexcept;
  Message& operator=(Message&&) noexcept;
  ~Message();
  std::uint64_t type() const noexcept { return type_; }
  std::uint64_t sequence() const noexcept { return sequence_; }
  /// Decodes the body; once a message.   Errors: Protocol (message and field by name).
  template <class Body>
  Body body();

 private:
  struct Tree;
  friend Message parse_message(std::span<const std::uint8_t>);
  friend class Assembler;
  Message();
  std::uint64_t type_ = 0, sequence_ = 0;
  bool part_ = false, more_ = false;  ///< a part of a message; more parts follow
  std::unique_ptr<Tree> tree_;
};

/// Reads the envelope.   Errors: Protocol.
Message parse_message(std::span<const std::uint8_t> bytes);

/// Packets of a message: itself where it fits in one, else parts in order.
std::vector<Bytes> split_message(Bytes message);

/// Puts parts together.   Threads: one.
class Assembler {
 public:
  explicit Assembler(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}
  /// The whole message once its last packet has come.   Errors: Protocol (then what was collected is dropped).
  std::optional<Message> add(std::span<const std::uint8_t> packet);

 private:
  std::optional<Message> add_part(Message part);
  std::uint64_t max_bytes_, type_ = 0, sequence_ = 0;
  Bytes collected_;
};

}  // namespace ndshare::internal
