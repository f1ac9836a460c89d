#include "lib/wire/codec.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <ndshare/error.h>

#include "lib/base/checked.h"
#include "lib/wire/cbor_check.h"

#include <nlohmann/json.hpp>

namespace ndshare::internal {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kEnvelopeBytes = 64;  ///< more than the envelope of a part takes

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::Protocol, what); }

template <class T, class = void>
constexpr bool kIsStruct = false;
template <class T>
constexpr bool kIsStruct<T, std::void_t<decltype(Fields<T>::kName)>> = true;

// ---- structs → tree ---------------------------------------------------------------------------------------------------------

template <class T>
Json to_tree(const T& value);

template <class T>
Json to_tree(const std::vector<T>& list) {
  Json::array_t out;
  out.reserve(list.size());
  for (const auto& item : list) out.push_back(to_tree(item));
  return out;
}

template <class A, class B>
Json to_tree(const std::pair<A, B>& pair) {
  Json::array_t out;
  out.reserve(2);
  out.push_back(to_tree(pair.first));
  out.push_back(to_tree(pair.second));
  return out;
}

template <class T>
Json to_tree(const T& value) {
  if constexpr (kIsStruct<T>) {
    Json::array_t out;
    out.reserve(Fields<T>::kCount);
    Fields<T>::each(value, [&](const char*, const auto& field) { out.push_back(to_tree(field)); });
    return out;
  } else {
    return Json(value);
  }
}

// ---- tree → structs ---------------------------------------------------------------------------------------------------------

/// Where decoding stands, for messages: "CreateRequest.specs[3].name".
struct Place {
  const Place* parent;
  const char* name;
  std::size_t index = 0;
  bool item = false;

  std::string text() const {
    const std::string before = parent != nullptr ? parent->text() : std::string();
    if (item) return before + "[" + std::to_string(index) + "]";
    return before.empty() ? name : before + "." + name;
  }
};

[[noreturn]] void refuse_field(const Place& place, const std::string& wanted, const Json& got) {
  refuse(place.text() + " must be " + wanted + ", not " + (got.is_number() ? got.dump() : std::string(got.type_name())));
}

void from_tree(Json& tree, bool& out, const Place& place) {
  if (!tree.is_boolean()) refuse_field(place, "true or false", tree);
  out = tree.get<bool>();
}

template <std::integral T>
void from_tree(Json& tree, T& out, const Place& place) {
  std::optional<T> fits;
  if (tree.is_number_unsigned()) {
    fits = checked_cast<T>(tree.get<std::uint64_t>());
  } else if (tree.is_number_integer()) {
    fits = checked_cast<T>(tree.get<std::int64_t>());
  }
  constexpr int kBits = std::numeric_limits<T>::digits + (std::is_signed_v<T> ? 1 : 0);
  if (!fits) {
    refuse_field(place, (std::is_signed_v<T> ? "an integer of " : "an unsigned integer of ") + std::to_string(kBits) + " bits",
                 tree);
  }
  out = *fits;
}

void from_tree(Json& tree, std::string& out, const Place& place) {
  if (!tree.is_string()) refuse_field(place, "text", tree);
  out = std::move(tree.get_ref<std::string&>());
}

template <class T>
  requires kIsStruct<T>
void from_tree(Json& tree, T& out, const Place& place);

Json::array_t& list_of(Json& tree, const Place& place) {
  if (!tree.is_array()) refuse_field(place, "a list", tree);
  return tree.get_ref<Json::array_t&>();
}

void from_tree(Json& tree, std::pair<std::string, std::string>& out, const Place& place) {
  auto& list = list_of(tree, place);
  if (list.size() != 2) refuse(place.text() + " must be a list of 2, not of " + std::to_string(list.size()));
  from_tree(list[0], out.first, place);
  from_tree(list[1], out.second, place);
}

template <class T>
void from_tree(Json& tree, std::vector<T>& out, const Place& place) {
  auto& list = list_of(tree, place);
  out.resize(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) from_tree(list[i], out[i], Place{&place, "", i, true});
}

template <class T>
  requires kIsStruct<T>
void from_tree(Json& tree, T& out, const Place& place) {
  auto& list = list_of(tree, place);
  if (list.size() < Fields<T>::kCount || (list.size() > Fields<T>::kCount && !Fields<T>::kTolerant)) {
    refuse(place.text() + " must have " + std::to_string(Fields<T>::kCount) + " fields, not " + std::to_string(list.size()));
  }
  std::size_t i = 0;
  Fields<T>::each(out, [&](const char* name, auto& field) { from_tree(list[i++], field, Place{&place, name}); });
}

std::uint64_t envelope_number(const Json& tree, const char* key) {
  const auto found = tree.find(key);
  if (found == tree.end() || !found->is_number_unsigned()) {
    refuse("message: the envelope must have '" + std::string(key) + "', an unsigned integer");
  }
  return found->get<std::uint64_t>();
}

Bytes encode_part(std::uint64_t type, std::uint64_t sequence, bool more, Bytes bytes) {
  const Json tree = {{"t", type}, {"q", sequence}, {"m", more}, {"p", Json::binary(std::move(bytes))}};
  return Json::to_cbor(tree);
}

}  // namespace

struct Message::Tree {
  Json json;
};

Message::Message() = default;
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

template <class Body>
Bytes encode(std::uint64_t type, std::uint64_t sequence, const Body& body) {
  Json tree = Json::object();
  tree["t"] = type;
  tree["q"] = sequence;
  tree["b"] = to_tree(body);
  return Json::to_cbor(tree);
}

template <class Body>
Body Message::body() {
  if (!tree_) refuse(std::string(Fields<Body>::kName) + ": the message has no body");
  Body out;
  from_tree(tree_->json, out, Place{nullptr, Fields<Body>::kName});
  tree_.reset();
  return out;
}

Message parse_message(std::span<const std::uint8_t> bytes) {
  check_cbor(bytes, kMaxDepth);
  try {
    Json tree = Json::from_cbor(bytes.begin(), bytes.end(), true, false);
    if (!tree.is_object()) refuse("message: not an envelope of type, sequence and body");
    Message message;
    message.type_ = envelope_number(tree, "t");
    message.sequence_ = envelope_number(tree, "q");
    const auto body = tree.find("b");
    const auto part = tree.find("p");
    const auto more = tree.find("m");
    message.part_ = part != tree.end();
    if (message.part_) {
      if (tree.size() != 4 || !part->is_binary() || more == tree.end() || !more->is_boolean()) refuse("message: a damaged part");
      message.more_ = more->get<bool>();
    } else if (tree.size() != 3 || body == tree.end()) {
      refuse("message: the envelope must have type, sequence and body, and nothing else");
    }
    message.tree_ = std::make_unique<Message::Tree>(Message::Tree{std::move(message.part_ ? *part : *body)});
    return message;
  } catch (const Json::exception& failure) {
    refuse(std::string("message: ") + failure.what());
  }
}

std::vector<Bytes> split_message(Bytes message) {
  std::vector<Bytes> packets;
  if (message.size() <= kMaxPacketBytes) {
    packets.push_back(std::move(message));
    return packets;
  }
  const auto whole = parse_message(message);
  constexpr std::size_t kStep = kMaxPacketBytes - kEnvelopeBytes;
  for (std::size_t at = 0; at < message.size(); at += kStep) {
    const auto end = std::min(message.size(), at + kStep);
    const auto from = message.begin() + static_cast<std::ptrdiff_t>(at);
    Bytes piece(from, message.begin() + static_cast<std::ptrdiff_t>(end));
    packets.push_back(encode_part(whole.type(), whole.sequence(), end < message.size(), std::move(piece)));
  }
  return packets;
}

std::optional<Message> Assembler::add(std::span<const std::uint8_t> packet) {
  auto message = parse_message(packet);
  if (message.part_) return add_part(std::move(message));
  if (!collected_.empty()) {
    collected_.clear();
    refuse("message: a whole message in the middle of the parts of another");
  }
  return message;
}

std::optional<Message> Assembler::add_part(Message part) {
  const auto& bytes = part.tree_->json.get_binary();
  if (collected_.empty()) {
    type_ = part.type(), sequence_ = part.sequence();
  } else if (type_ != part.type() || sequence_ != part.sequence()) {
    collected_.clear();
    refuse("message: a part of another message than the one before");
  }
  if (bytes.empty() || collected_.size() + bytes.size() > max_bytes_) {
    collected_.clear();
    refuse("message: empty part, or more than " + std::to_string(max_bytes_) + " bytes in parts: send less at a time");
  }
  collected_.insert(collected_.end(), bytes.begin(), bytes.end());
  if (part.more_) return std::nullopt;
  const auto all = std::exchange(collected_, {});
  auto whole = parse_message(all);
  if (whole.part_ || whole.type() != type_ || whole.sequence() != sequence_) refuse("message: parts that do not fit together");
  return whole;
}

const char* message_name(std::uint64_t type) noexcept {
  switch (type) {
#define NDSHARE_MESSAGE(number, name, Request, Reply, access) \
  case number: return #name;                                  \
  case number | kReplyBit: return "reply to " #name;
#include "lib/wire/message_list.inc"
#undef NDSHARE_MESSAGE
    case kErrorType: return "error";
    default: return "unknown type";
  }
}

// Replies that several requests share (EmptyReply) and the error reply are named once here; the rest comes from the list.
#define NDSHARE_CODEC(Body)                                                   \
  template Bytes encode<Body>(std::uint64_t, std::uint64_t, const Body&);     \
  template Body Message::body<Body>();
#define NDSHARE_MESSAGE(number, name, Request, Reply, access) NDSHARE_CODEC(Request)
#include "lib/wire/message_list.inc"
#undef NDSHARE_MESSAGE
NDSHARE_CODEC(HelloReply)
NDSHARE_CODEC(PingReply)
NDSHARE_CODEC(CreateReply)
NDSHARE_CODEC(MemoryReply)
NDSHARE_CODEC(ExtendReply)
NDSHARE_CODEC(CommitReply)
NDSHARE_CODEC(SnapshotReply)
NDSHARE_CODEC(StatusReply)
NDSHARE_CODEC(TrimReply)
NDSHARE_CODEC(SaveReply)
NDSHARE_CODEC(EmptyReply)
NDSHARE_CODEC(ErrorReply)

}  // namespace ndshare::internal
