// Streams: bad input, whose they are, and what outlives the daemon.
#include <csignal>

#include "tests/integration/stream_support.h"

namespace ndshare::test {
namespace {

TEST_F(StreamTest, BadInputIsATypedError) {
  for (const std::int64_t depth : {0, -1, 257}) {
    EXPECT_EQ(code_of([&] { make({.rows = 1, .depth = depth}); }), ErrorCode::Usage);
  }
  EXPECT_EQ(code_of([&] { make({.rows = 0}); }), ErrorCode::Usage);
  EXPECT_EQ(code_of([&] { make({.rows = 1, .max_deliveries = 31}); }), ErrorCode::Usage);
  auto stream = make({.rows = 2, .depth = 2});
  expect_error(ErrorCode::NameTaken, {"'s'", "int64"}, [&] { make({.rows = 2}, float64); });
  EXPECT_EQ(code_of([&] { static_cast<void>(store_.open_stream("none")); }), ErrorCode::NoSuchStream);
  expect_error(ErrorCode::Contract, {"int64", "float64"},
               [&] { static_cast<void>(store_.open_stream("s", {.dtype = float64})); });
  auto loan = stream.loan();
  expect_error(ErrorCode::ShapeMismatch, {"2 rows", "3"}, [&] { loan.publish(3); });
  EXPECT_EQ(code_of([&] { loan.publish(-1); }), ErrorCode::ShapeMismatch);
  EXPECT_EQ(code_of([&] { loan.publish(1, {{"long", std::string(300, 'x')}}); }), ErrorCode::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(loan.as_span<float>()); }), ErrorCode::DtypeMismatch);
  loan.publish(2);
  EXPECT_EQ(code_of([&] { loan.publish(2); }), ErrorCode::Usage);
  auto batch = stream.take(kSoon);
  EXPECT_EQ(code_of([&] { batch.keep("bad*name"); }), ErrorCode::Name);
  batch.done();
  EXPECT_EQ(code_of([&] { batch.done(); }), ErrorCode::Usage);
  EXPECT_EQ(code_of([&] { Stream().close(); }), ErrorCode::Usage);
}

TEST_F(StreamTest, AStreamsOwnArraysAreNobodyElses) {
  auto stream = make({.rows = 2, .depth = 2});
  EXPECT_TRUE(store_.list().empty());
  EXPECT_EQ(code_of([&] { store_.create(".stream/x", int64, {1}); }), ErrorCode::Name);
  EXPECT_EQ(code_of([&] { store_.remove(".batch/s/0"); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { store_.rename(".batch/s/0", "mine"); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { static_cast<void>(store_.open(".batch/s/0")); }), ErrorCode::NoSuchArray);
}

TEST_F(StreamTest, RemoveIsRefusedWhileItIsOpenAndGivesTheMemoryBack) {
  const auto before = daemon_.used_bytes();
  {
    auto stream = make({.rows = 100'000, .depth = 4});
    EXPECT_GT(daemon_.used_bytes(), before);
    expect_error(ErrorCode::Busy, {"'s'", std::to_string(::getpid()).c_str()}, [&] { store_.remove_stream("s"); });
    put(stream, 1);
    EXPECT_EQ(get(stream), 1);
  }
  store_.remove_stream("s");
  EXPECT_EQ(code_of([&] { store_.remove_stream("s"); }), ErrorCode::NoSuchStream);
  EXPECT_TRUE(store_.list_streams().empty());
  EXPECT_TRUE(eventually([&] { return daemon_.used_bytes() == before; }));
  auto again = make({.rows = 1, .depth = 1}, float32);
  EXPECT_EQ(again.info().published, 0U);
}

TEST_F(StreamTest, AStoreHasSixtyFourStreams) {
  for (int i = 0; i < 64; ++i) make({.rows = 1, .depth = 1}, int8, "s" + std::to_string(i));
  expect_error(ErrorCode::TooManyStreams, {"64"}, [&] { make({.rows = 1, .depth = 1}, int8, "more"); });
  EXPECT_EQ(store_.list_streams("s1*").size(), 11U);
  store_.remove_stream("s7");
  make({.rows = 1, .depth = 1}, int8, "more");
}

TEST_F(StreamTest, AForkedChildIsRefusedAndChangesNothing) {
  auto stream = make({.rows = 1, .depth = 2});
  auto loan = stream.loan();
  const auto child = fork_child([&] {
    CHILD_CHECK(code_of([&] { loan.publish(1); }) == ErrorCode::Forked);
    CHILD_CHECK(code_of([&] { static_cast<void>(stream.take()); }) == ErrorCode::Forked);
    { const Loan dropped = std::move(loan); }
    { const Stream gone = std::move(stream); }
    return 0;
  });
  EXPECT_EQ(wait_child(child), 0);
  EXPECT_EQ(stream.info().loaned, 1U);
  loan.publish(1);
  EXPECT_EQ(stream.take(kSoon).rows(), 1);
}

TEST_F(StreamTest, AReadOnlyClientConsumes) {
  auto stream = make({.rows = 1, .depth = 2});
  put(stream, 3);
  auto reader = daemon_.connect(Role::read_only).open_stream("s");
  EXPECT_EQ(get(reader), 3);
  EXPECT_EQ(code_of([&] { static_cast<void>(reader.loan()); }), ErrorCode::Permission);
  EXPECT_EQ(code_of([&] { reader.close(); }), ErrorCode::Permission);
}

TEST_F(StreamTest, StreamsOutliveTheDaemonAndWorkWithoutIt) {
  auto stream = make({.rows = 1, .depth = 4});
  for (std::int64_t i = 0; i < 3; ++i) put(stream, i);
  const auto pid = static_cast<pid_t>(daemon_.status().pid);
  ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return code_of([&] { Store::connect(daemon_.name()); }) == ErrorCode::NoSuchStore; }));
  EXPECT_EQ(get(stream), 0);  // no daemon
  put(stream, 3);
  const auto held = stream.take(kSoon);
  EXPECT_EQ(admin::Inspector(daemon_.name()).streams().at(0).ready, 2U);
  admin::start({.store = daemon_.name(), .timeout = seconds(30)});
  auto other = daemon_.connect().open_stream("s");
  EXPECT_EQ(get(other), 2);
  EXPECT_EQ(get(other), 3);
  EXPECT_EQ(held.sequence(), 1U);
  EXPECT_EQ(stream.info().taken, 1U);
  EXPECT_EQ(daemon_.connect().list_streams().at(0).published, 4U);
}

TEST_F(StreamTest, ABatchOfAProcessThatDiedWithTheDaemonComesBack) {
  auto stream = make({.rows = 1, .depth = 4});
  put(stream, 0);
  const Gate taken;
  const auto holder = fork_child([&] {
    auto store = daemon_.connect();
    auto mine = store.open_stream("s");
    const auto batch = mine.take(kSoon);
    const auto loan = mine.loan(kSoon);
    taken.open();
    while (true) ::pause();
    return 0;
  });
  taken.wait();
  ::kill(static_cast<pid_t>(daemon_.status().pid), SIGKILL);
  ::kill(holder, SIGKILL);
  EXPECT_EQ(wait_child(holder), 128 + SIGKILL);
  ASSERT_TRUE(eventually([&] { return code_of([&] { Store::connect(daemon_.name()); }) == ErrorCode::NoSuchStore; }));
  EXPECT_EQ(stream.info().taken, 1U);
  admin::start({.store = daemon_.name(), .timeout = seconds(30)});
  auto batch = stream.take(kSoon);
  EXPECT_EQ(batch.deliveries(), 2U);
  EXPECT_EQ(stream.info().free, 3U);
}

}  // namespace
}  // namespace ndshare::test
