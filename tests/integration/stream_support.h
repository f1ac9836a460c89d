/// What the tests of streams share: a store with one connection, batches of one number.
#pragma once

#include <gtest/gtest.h>
#include <ndshare/stream.h>

#include "tests/integration/store_support.h"

namespace ndshare::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr StreamWait kSoon{.timeout = seconds(30)};

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() : store_(daemon_.connect()) {}
  Stream make(const StreamOptions& options, const DType& dtype = int64, const std::string& name = "s") {
    return store_.create_stream(name, dtype, options);
  }
  static void put(Stream& stream, std::int64_t value, std::int64_t rows = 1) {
    auto loan = stream.loan(kSoon);
    for (std::int64_t i = 0; i < rows; ++i) loan.as_span<std::int64_t>()[static_cast<std::size_t>(i)] = value + i;
    loan.publish(rows);
  }
  static std::int64_t get(Stream& stream) {
    auto batch = stream.take(kSoon);
    const auto value = batch.as_span<std::int64_t>()[0];
    batch.done();
    return value;
  }
  TestStore daemon_;
  Store store_;
};

}  // namespace ndshare::test
