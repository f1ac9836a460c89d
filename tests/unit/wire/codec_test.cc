#include "lib/wire/codec.h"

#include <cstring>
#include <functional>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/support.h"
#include "tests/unit/wire/message_generators.h"

namespace ndshare::internal {
namespace {

using test::code_of;
using test::message_of;

template <class Body>
Body through_bytes(const Body& body) {
  Message message = parse_message(encode(7, 9, body));
  EXPECT_EQ(message.type(), 7U);
  EXPECT_EQ(message.sequence(), 9U);
  return message.template body<Body>();
}

void check_property(const std::string& what, const std::function<void()>& property) { EXPECT_TRUE(rc::check(what, property)); }

template <class Body>
void check_round_trip() {
  check_property(std::string(Fields<Body>::kName) + " survives the wire", [] {
    const auto body = arbitrary<Body>();
    RC_ASSERT(same(through_bytes(body), body));
  });
}

TEST(CodecTest, EveryRequestAndReplySurvivesTheWire) {
#define NDSHARE_MESSAGE(number, name, Request, Reply, access) \
  check_round_trip<Request>();                                \
  check_round_trip<Reply>();
#include "lib/wire/message_list.inc"
#undef NDSHARE_MESSAGE
  check_round_trip<ErrorReply>();
}

TEST(CodecTest, ExtremeNumbersSurvive) {
  CreateRequest request;
  request.specs.resize(1);
  request.specs[0].shape = {std::numeric_limits<std::int64_t>::min(), -1, 0, std::numeric_limits<std::int64_t>::max()};
  EXPECT_TRUE(same(through_bytes(request), request));
  const TrimRequest trim{std::numeric_limits<std::uint64_t>::max()};
  EXPECT_TRUE(same(through_bytes(trim), trim));
}

// RFC 8949 by hand: {"b": [5], "q": 2, "t": 2}.
const Bytes kPing = {0xA3, 0x61, 'b', 0x81, 0x05, 0x61, 'q', 0x02, 0x61, 't', 0x02};

TEST(CodecTest, BytesAreTheDocumentedOnes) {
  EXPECT_EQ(encode(2, 2, PingRequest{5}), kPing);
  auto message = parse_message(kPing);
  EXPECT_EQ(message.body<PingRequest>().payload, 5U);
}

TEST(CodecTest, EveryTruncationIsRefused) {
  CreateRequest request;
  CreateSpec spec;
  spec.name = "a/b", spec.dtype = "f4", spec.shape = {2, 3}, spec.attrs = "{\"unit\": \"m\"}";
  request.specs.resize(3, spec);
  const auto bytes = encode_request(1, request);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto decode = [&] { parse_message(std::span(bytes).first(n)); };
    EXPECT_EQ(code_of(decode), ErrorCode::Protocol) << n;
  }
}

TEST(CodecTest, BytesAfterTheEndAreRefused) {
  auto bytes = kPing;
  bytes.push_back(0);
  EXPECT_EQ(code_of([&] { parse_message(bytes); }), ErrorCode::Protocol);
}

TEST(CodecTest, ErrorsNameMessageAndField) {
  auto bytes = kPing;
  bytes[4] = 0xF5;  // true where a number belongs
  const auto text = message_of([&] { parse_message(bytes).body<PingRequest>(); });
  EXPECT_NE(text.find("PingRequest.payload must be an unsigned integer of 64 bits, not boolean"), std::string::npos) << text;

  CreateRequest request;
  request.specs.resize(2);
  auto create = encode_request(1, request);
  // The second spec's order "C" becomes a number.
  const Bytes order = {0x61, 'C'};
  auto at = std::find_end(create.begin(), create.end(), order.begin(), order.end());
  *at = 0x18;
  const auto nested = message_of([&] { parse_message(create).body<CreateRequest>(); });
  EXPECT_NE(nested.find("CreateRequest.specs[1].order must be text, not 67"), std::string::npos) << nested;
}

TEST(CodecTest, NumbersOutOfRangeAreRefused) {
  HelloRequest hello;
  auto bytes = encode_request(1, hello);
  // protocol is the first field of the body: {"b": [1, …. A 64-bit number does not fit its 32 bits.
  ASSERT_EQ(bytes[4], kProtocolVersion);
  const Bytes wide = {0x1B, 0, 0, 0, 1, 0, 0, 0, 0};
  bytes.erase(bytes.begin() + 4);
  bytes.insert(bytes.begin() + 4, wide.begin(), wide.end());
  const auto text = message_of([&] { parse_message(bytes).body<HelloRequest>(); });
  EXPECT_NE(text.find("HelloRequest.protocol must be an unsigned integer of 32 bits, not 4294967296"), std::string::npos) << text;
  auto negative = kPing;
  negative[4] = 0x20;
  EXPECT_EQ(code_of([&] { parse_message(negative).body<PingRequest>(); }), ErrorCode::Protocol);
}

/// A copy of `bytes` whose body array, `head` at index 3, has one more field, 7, at its end.
Bytes with_extra_field(Bytes bytes) {
  ++bytes[3];
  const Bytes envelope_tail = {0x61, 'q'};
  const auto at = std::find_end(bytes.begin(), bytes.end(), envelope_tail.begin(), envelope_tail.end());
  bytes.insert(at, 0x07);
  return bytes;
}

TEST(CodecTest, OnlyTheGreetingAcceptsFieldsOfALaterVersion) {
  HelloRequest request;
  request.pid = 5;
  const auto hello = with_extra_field(encode_request(1, request));
  EXPECT_EQ(parse_message(hello).body<HelloRequest>().pid, 5U);
  const auto trim = with_extra_field(encode_request(1, TrimRequest{5}));
  const auto text = message_of([&] { parse_message(trim).body<TrimRequest>(); });
  EXPECT_NE(text.find("TrimRequest must have 1 fields, not 2"), std::string::npos) << text;
}

TEST(CodecTest, AMissingFieldIsRefused) {
  EXPECT_EQ(code_of([] { parse_message(encode(1, 1, TrimRequest{5})).body<HelloRequest>(); }), ErrorCode::Protocol);
}

TEST(CodecTest, DeepAndChunkedBytesCannotExhaustTheStack) {
  for (const std::uint8_t head : Bytes{0x81, 0x9F, 0x7F, 0x5F, 0xA1, 0xBF, 0xC1, 0xD8}) {
    const Bytes bytes(kMaxPacketBytes, head);
    EXPECT_EQ(code_of([&] { parse_message(bytes); }), ErrorCode::Protocol) << int(head);
  }
}

TEST(CodecTest, HugeClaimedLengthsAreRefusedBeforeMemoryIsTaken) {
  for (const std::uint8_t head : Bytes{0x9B, 0xBB, 0x7B, 0x5B}) {
    Bytes bytes(9, 0xFF);
    bytes[0] = head;
    EXPECT_EQ(code_of([&] { parse_message(bytes); }), ErrorCode::Protocol) << int(head);
  }
}

/// Decodes as whatever the type says; only Error Protocol may come out.
void decode_any(std::span<const std::uint8_t> bytes) {
  try {
    auto message = parse_message(bytes);
    switch (message.type()) {
#define NDSHARE_MESSAGE(number, name, Request, Reply, access) \
  case number: message.body<Request>(); break;                \
  case number | kReplyBit: message.body<Reply>(); break;
#include "lib/wire/message_list.inc"
#undef NDSHARE_MESSAGE
      default: message.body<ErrorReply>();
    }
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::Protocol);
  }
}

TEST(CodecTest, RandomBytesGiveProtocolErrors) {
  EXPECT_TRUE(rc::check("random bytes", [](const Bytes& bytes) { decode_any(bytes); }));
}

TEST(CodecTest, MutatedMessagesGiveProtocolErrorsOrMessages) {
  EXPECT_TRUE(rc::check("mutated messages", [] {
    auto bytes = encode_request(3, arbitrary<CreateRequest>());
    const auto count = *rc::gen::inRange(1, 8);
    for (int i = 0; i < count; ++i) {
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    }
    decode_any(bytes);
  }));
}

// ---- parts ------------------------------------------------------------------------------------------------------------------

CreateReply large_reply() {
  CreateReply reply;
  reply.arrays.resize(512);
  for (std::size_t i = 0; i < reply.arrays.size(); ++i) {
    reply.arrays[i].array = i;
    reply.arrays[i].extents.resize(20, ExtentInfo{i << 40U, i, true});
  }
  return reply;
}

TEST(CodecTest, LargeMessagesGoInPartsThatFitAPacket) {
  const auto reply = large_reply();
  const auto packets = split_message(encode(138, 4, reply));
  ASSERT_GT(packets.size(), 1U);
  Assembler assembler(kMaxReplyBytes);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_LE(packets[i].size(), kMaxPacketBytes);
    auto whole = assembler.add(packets[i]);
    ASSERT_EQ(whole.has_value(), i + 1 == packets.size());
    if (whole) {
      EXPECT_TRUE(same(whole->body<CreateReply>(), reply));
    }
  }
}

TEST(CodecTest, PartsOutOfPlaceAreRefusedAndForgotten) {
  const auto packets = split_message(encode(138, 4, large_reply()));
  const auto others = split_message(encode(138, 5, large_reply()));
  Assembler assembler(kMaxReplyBytes);
  assembler.add(packets[0]);
  EXPECT_EQ(code_of([&] { assembler.add(others[1]); }), ErrorCode::Protocol);
  EXPECT_TRUE(assembler.add(kPing).has_value());
  assembler.add(packets[0]);
  EXPECT_EQ(code_of([&] { assembler.add(kPing); }), ErrorCode::Protocol);
  EXPECT_EQ(code_of([&] { assembler.add(packets.back()); }), ErrorCode::Protocol);  // the end of a message without its start
}

TEST(CodecTest, PartsOverTheLimitAreRefused) {
  const auto packets = split_message(encode(138, 4, large_reply()));
  Assembler assembler(kMaxPacketBytes);
  assembler.add(packets[0]);
  EXPECT_EQ(code_of([&] { assembler.add(packets[1]); }), ErrorCode::Protocol);
}

TEST(CodecTest, NumbersOfRequestsAreUniqueAndLeaveTheReplyBitFree) {
  std::vector<std::uint64_t> numbers;
#define NDSHARE_MESSAGE(number, name, Request, Reply, access) numbers.push_back(number);
#include "lib/wire/message_list.inc"
#undef NDSHARE_MESSAGE
  for (const auto number : numbers) {
    EXPECT_TRUE(number > 0 && number < (kErrorType ^ kReplyBit)) << number;
    EXPECT_EQ(std::count(numbers.begin(), numbers.end(), number), 1) << number;
  }
  EXPECT_STREQ(message_name(10), "Create");
  EXPECT_STREQ(message_name(10 | kReplyBit), "reply to Create");
}

}  // namespace
}  // namespace ndshare::internal
