#include "lib/wire/channel.h"

#include <string>
#include <thread>
#include <utility>

#include <ndshare/error.h>

#include "lib/base/text.h"

namespace ndshare::internal {
namespace {

constexpr std::uint64_t kCreateType = MessageOf<CreateRequest>::kType;

[[noreturn]] void throw_reply(ErrorReply reply) {
  throw Error(error_from_number(reply.code), std::move(reply.message), std::move(reply.details));
}

/// A socket that may be written to refuses while the kernel is short of memory (ENOBUFS): no poll waits for that to end.
void wait_for_memory(Deadline deadline) {
  constexpr auto kNap = std::chrono::milliseconds(2);
  if (std::chrono::steady_clock::now() >= deadline) {
    throw Error(ErrorCode::Timeout, "the socket to the daemon took no request before the deadline");
  }
  std::this_thread::sleep_for(kNap);
}

}  // namespace

Channel::Channel(OwnedFd socket) : socket_(std::move(socket)), buffer_(kMaxPacketBytes) {}

void Channel::hung_up() {
  broken_ = true;
  throw Error(ErrorCode::Disconnected, "the daemon hung up: it was stopped or killed; start it again with `ndshare start`");
}

Message Channel::exchange(std::uint64_t type, std::uint64_t sequence, Bytes request, Deadline deadline,
                          std::vector<OwnedFd>* descriptors, std::span<const int> send) {
  if (broken_) hung_up();
  if (request.size() > kMaxRequestBytes) {
    throw Error(ErrorCode::Usage, "a request of " + format_bytes(request.size()) + ", over the limit of " +
                                      format_bytes(kMaxRequestBytes) + ": ask for less at a time");
  }
  try {
    this->send(std::move(request), deadline, send);
  } catch (const Error& error) {
    // A daemon that turned us away may have said why before it hung up: that reply is still to be read.
    if (error.code() != ErrorCode::Disconnected) throw;
  }
  if (type == kCreateType) open_creates_.insert(sequence);
  return receive(type, sequence, deadline, descriptors);
}

void Channel::send(Bytes request, Deadline deadline, std::span<const int> descriptors) {
  bool started = false;
  for (const auto& packet : split_message(std::move(request))) {
    int refused = 0;
    while (!send_packet(socket_.get(), packet, started ? std::span<const int>{} : descriptors)) {
      try {
        if (refused++ > 0) wait_for_memory(deadline);
        wait_writable(socket_.get(), deadline);
      } catch (const Error&) {
        broken_ = broken_ || started;  // the daemon has half of a request
        throw;
      }
    }
    started = true;
  }
}

Message Channel::next_message(Deadline deadline, std::vector<OwnedFd>& descriptors) {
  int hang_ups = 0;
  while (true) {
    auto got = receive_packet(socket_.get(), buffer_, true);
    if (got.arrival == Arrival::nothing) {
      wait_readable(socket_.get(), deadline);
      continue;
    }
    if (got.arrival == Arrival::hang_up) {
      // A reset (the daemon closed with our request unread) is reported once, ahead of a reply that is still queued.
      if (++hang_ups > 1) hung_up();
      continue;
    }
    descriptors = std::move(got.descriptors);
    if (auto message = assembler_.add({buffer_.data(), got.bytes})) return std::move(*message);
  }
}

Message Channel::receive(std::uint64_t type, std::uint64_t sequence, Deadline deadline, std::vector<OwnedFd>* descriptors) {
  while (true) {
    std::vector<OwnedFd> beside;
    auto message = next_message(deadline, beside);
    const bool ours = message.sequence() == sequence;
    if (ours) open_creates_.erase(sequence);
    if (message.type() == kErrorType && (ours || message.sequence() == 0)) throw_reply(message.body<ErrorReply>());
    if (!ours) continue;  // the late answer of a call that timed out
    if (message.type() != (type | kReplyBit)) {
      throw Error(ErrorCode::Protocol, std::string("the daemon answered ") + message_name(type) + " with " +
                                           message_name(message.type()));
    }
    if (descriptors != nullptr) *descriptors = std::move(beside);
    return message;
  }
}

void Channel::take_late(std::vector<ArrayId>& arrays, Deadline deadline) {
  while (!open_creates_.empty()) {
    if (broken_) hung_up();
    std::vector<OwnedFd> beside;
    auto message = next_message(deadline, beside);
    if (open_creates_.erase(message.sequence()) == 0 || message.type() != (kCreateType | kReplyBit)) continue;
    for (const auto& made : message.body<CreateReply>().arrays) arrays.push_back({made.array, made.array_gen});
  }
}

}  // namespace ndshare::internal
