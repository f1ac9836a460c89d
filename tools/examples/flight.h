/// What the stages of the demo share: the records that go from hand to hand, and the totals that they end in.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <thread>

#include <ndshare/ndshare.h>

namespace demo {

/// One flight, as it lies in shared memory. kFlightDtype says the same to ndshare, field by field.
struct Flight {
  std::int64_t date;                   ///< minutes since 1970-01-01
  std::int32_t delay, distance;        ///< minutes (negative: early), miles
  char32_t origin[3], destination[3];  ///< IATA codes
};
inline constexpr const char* kFlightDtype = "date:datetime64[m],delay:i4,distance:i4,origin:U3,destination:U3";
static_assert(sizeof(Flight) == 40, "packed: the same bytes as the dtype");

/// What stage 2 makes of a flight.
struct Derived {
  char32_t origin[3];
  std::int32_t delay;
  float delay_per_100mi;
  std::uint8_t hour, late;  ///< late: more than 15 minutes
  std::uint8_t pad[2];
};
inline constexpr const char* kDerivedDtype = "origin:U3,delay:i4,delay_per_100mi:f4,hour:u1,late:u1,pad:(2,)u1";
static_assert(sizeof(Derived) == 24, "packed: the same bytes as the dtype");

/// A part of the file for stage 1: bytes [first, last), whole lines. Its number goes with everything that is made of
/// it.
struct Chunk {
  std::int64_t number, first, last;
};
inline constexpr const char* kChunkDtype = "number:i8,first:i8,last:i8";

inline constexpr std::int64_t kChunkRows = 1024, kMaxChunks = 4096, kMaxAirports = 512;

/// Totals of one airport.
struct Airport {
  std::int64_t code, flights, late, delay;  ///< code: three letters, a byte each
  double per_100mi;
  std::int64_t by_hour[24];
};

/// All that stage 3 keeps, in one shared array of kStateBytes bytes: which chunks are in the totals, and the totals.
/// Both change in one commit, so a chunk that comes again is not counted again.
struct State {
  std::int64_t chunks, rows, delays, airport_count;
  std::uint8_t counted[kMaxChunks];
  Airport airports[kMaxAirports];
};

/// The number of the chunk that a batch was made of.
inline std::int64_t chunk_of(const ndshare::Batch& batch) { return std::atoll(batch.attrs().at("chunk").c_str()); }

/// Runs a stage until its stream has ended; returns the exit status.
template <class Work>
int run_stage(const char* name, const Work& work) {
  try {
    work();
    return 0;
  } catch (const ndshare::Error& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return ndshare::error_exit_status(error.code());
  }
}

/// The next batch; nothing at the end of the stream. Producers that were killed are started again: that is waited for.
inline ndshare::Batch next(ndshare::Stream& stream) {
  ndshare::Batch batch;
  while (true) {
    const auto code = stream.try_take(batch, {.timeout = std::chrono::minutes(1)});
    if (code == ndshare::ErrorCode::Ok || code == ndshare::ErrorCode::EndOfStream) return batch;
    if (code != ndshare::ErrorCode::ProducersGone)
      return stream.take({.timeout = std::chrono::nanoseconds(0)});  // says what is wrong
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace demo
