// Streams as the engine makes, keeps and removes them: killed at every point of it, a restart finds all of a stream or
// nothing.
#include <cstring>

#include <gtest/gtest.h>

#include "lib/shm/stream_spec.h"
#include "lib/shm/sync_layout.h"
#include "lib/wire/attrs.h"
#include "tests/unit/daemon/engine_support.h"

namespace ndshare::internal {
namespace {

constexpr std::uint32_t kDepth = 2;
constexpr std::int64_t kRows = 8192;

/// What a client does to make stream `name`, up to the request itself.
MakeStreamRequest prepare(Engine& engine, SlotRef slot, const std::string& name) {
  StreamSpec limits;
  limits.rows = kRows, limits.ring_options.depth = kDepth;
  auto first = spec(stream_array_name(name), {0});
  first.attrs = encode_attrs(limits.attrs());
  std::vector<CreateSpec> specs = {first};
  for (std::uint32_t i = 0; i < kDepth; ++i) specs.push_back(spec(batch_array_name(name, i), {kRows}));
  const auto made = create(engine, slot, specs);
  MakeStreamRequest request;
  request.stream = id_of(made[0]);
  for (std::uint32_t i = 0; i < kDepth; ++i) request.batches.push_back(id_of(made[i + 1]));
  return request;
}

/// The ring of a stream as a client of `slot` has it.
struct TestRing {
  TestRing(const Engine& engine, std::string_view name, SlotRef slot) : client(engine), who(slot) {
    const auto found = client.view.find(stream_array_name(name));
    if (!found) return;
    spec = StreamSpec::parse(decode_attrs(client.view.read(found->array)->attrs));
    const SyncLayout layout(engine.header().max_clients, engine.header().max_arrays);
    sync = &layout.stream(client.sync().data(), spec.ring);
    ring = ring_of(*sync, spec.ring_options, slot.index, slot.gen);
  }
  void list() { client.claims(who).streams.fetch_or(std::uint64_t{1} << spec.ring); }
  TestClient client;
  SlotRef who;
  StreamSpec spec;
  StreamSync* sync = nullptr;
  Ring ring;
};

KeepBatchRequest keep_request(Engine& engine, SlotRef slot, ArrayId stream, std::uint32_t batch) {
  auto fresh = spec(batch_array_name("s", batch), {kRows});
  fresh.replace = true;
  return {stream, id_of(create(engine, slot, {fresh}).front()), batch, 3, "kept"};
}

/// Makes a stream, hands a batch over, keeps it, and removes the stream.
void life(TestStore& store) {
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  const auto request = prepare(engine, slot, "s");
  engine.make_stream(slot, 1, request);
  {
    TestRing here(engine, "s", slot);
    here.list();
    const auto batch = static_cast<std::uint32_t>(here.ring.loan(0));
    here.sync->meta[batch].rows.store(3);
    here.ring.publish(batch);
    const auto taken = static_cast<std::uint32_t>(here.ring.take(0));
    engine.keep_batch(slot, 2, keep_request(engine, slot, request.stream, taken));
    here.client.claims(slot).streams.store(0);
  }
  engine.remove_stream(slot, 3, "s");
  engine.sweep(slot);
}

/// After a restart: the catalog is whole, a stream has all of its batches, and no batch is a dead client's.
void check(TestStore& store, const std::string& point) {
  auto& engine = store.open();
  EXPECT_EQ(audit(engine), "") << point;
  const auto slot = engine.attach(self());
  const TestRing here(engine, "s", slot);
  std::uint32_t batches = 0;
  for (std::uint32_t i = 0; i < kDepth; ++i) batches += here.client.view.find(batch_array_name("s", i)).has_value();
  EXPECT_EQ(batches, here.sync == nullptr ? 0 : kDepth) << point;
  if (here.sync == nullptr) return;
  const bool kept = here.client.view.find("kept").has_value();
  for (std::uint32_t i = 0; i < kDepth; ++i) {
    const auto state = batch_state(here.sync->word[i].load());
    EXPECT_TRUE(state == BatchState::free || (state == BatchState::ready && !kept))
        << point << " " << static_cast<int>(state);
    EXPECT_EQ(here.client.view.find(batch_array_name("s", i))->array, here.spec.batches[i].first) << point;
  }
  engine.remove_stream(slot, 9, "s");
  EXPECT_EQ(audit(engine), "") << point;
}

class StreamCrashTest : public ::testing::TestWithParam<const char*> {};

TEST_P(StreamCrashTest, DaemonKilledAtEachOccurrence) {
  for (int n = 1;; ++n) {
    TestStore store;
    const auto point = std::string(GetParam()) + ":" + std::to_string(n);
    if (!crash_in_child(point, [&] { life(store); })) {
      EXPECT_GT(n, 1) << point << " was never reached";
      return;
    }
    check(store, point);
    if (HasFailure()) return;
  }
}
const auto kNameOfPoint = [](const auto& point) {
  std::string name(point.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
};
INSTANTIATE_TEST_SUITE_P(Own, StreamCrashTest, ::testing::ValuesIn(kCrashPointsStreams), kNameOfPoint);
INSTANTIATE_TEST_SUITE_P(Shared, StreamCrashTest,
                         ::testing::Values("commit.committed", "commit.apply", "commit.filled", "sweep.entries"), kNameOfPoint);

TEST(StreamOpsTest, AStreamsRingIsNotUsedAgainWhileAClientListsIt) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  engine.make_stream(slot, 1, prepare(engine, slot, "s"));
  TestRing here(engine, "s", slot);
  here.list();
  test::expect_error(ErrorCode::Busy, {"'s'"}, [&] { engine.remove_stream(slot, 2, "s"); });
  EXPECT_EQ(here.sync->state.load(), static_cast<std::uint32_t>(RingState::open));
  here.client.claims(slot).streams.store(0);
  engine.remove_stream(slot, 3, "s");
  here.list();  // came too late: it finds no stream, and the ring is left alone
  engine.make_stream(slot, 4, prepare(engine, slot, "t"));
  EXPECT_NE(TestRing(engine, "t", slot).spec.ring, here.spec.ring);
}

TEST(StreamOpsTest, RandomWordsInARingHurtNobodyElse) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self());
  const auto request = prepare(engine, slot, "s");
  engine.make_stream(slot, 1, request);
  {
    TestRing here(engine, "s", slot);
    here.list();
    auto* words = reinterpret_cast<a64*>(here.sync);
    for (std::size_t i = 0; i < sizeof(StreamSync) / 8; ++i) words[i].store(0x9E37'79B9'7F4A'7C15ULL * (i + 1));
    here.client.claims(slot).streams.store(UINT64_MAX);
  }
  engine.sweep(slot);
  auto& later = store.restart();
  EXPECT_EQ(audit(later), "");
  const auto again = later.attach(self());
  const TestRing here(later, "s", again);
  EXPECT_EQ(here.sync->stream.load(), request.stream.array_gen);
  for (std::uint32_t i = 0; i < kDepth; ++i) EXPECT_LE(batch_state(here.sync->word[i].load()), BatchState::dead);
  later.remove_stream(again, 1, "s");
}

TEST(StreamOpsTest, WrongRequestsAreRefused) {
  TestStore store;
  auto& engine = store.open();
  const auto slot = engine.attach(self()), other = engine.attach(self());
  auto request = prepare(engine, slot, "s");
  EXPECT_EQ(test::code_of([&] { engine.make_stream(other, 1, request); }), ErrorCode::Permission);
  auto few = request;
  few.batches.pop_back();
  EXPECT_EQ(test::code_of([&] { engine.make_stream(slot, 1, few); }), ErrorCode::Usage);
  auto swapped = request;
  std::swap(swapped.batches[0], swapped.batches[1]);
  EXPECT_EQ(test::code_of([&] { engine.make_stream(slot, 1, swapped); }), ErrorCode::Usage);
  engine.make_stream(slot, 1, request);
  engine.make_stream(slot, 1, request);  // the same request, sent again
  EXPECT_EQ(test::code_of([&] { engine.make_stream(slot, 2, request); }), ErrorCode::Usage);
  EXPECT_EQ(test::code_of([&] { engine.keep_batch(slot, 3, keep_request(engine, slot, request.stream, 0)); }),
            ErrorCode::Permission);
  EXPECT_EQ(test::code_of([&] { engine.remove(slot, 4, stream_array_name("s")); }), ErrorCode::Permission);
  EXPECT_EQ(test::code_of([&] { engine.remove_stream(slot, 5, "none"); }), ErrorCode::NoSuchStream);
}

}  // namespace
}  // namespace ndshare::internal
