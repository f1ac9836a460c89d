// Stage 3 of the pipeline, one of several processes: adds each batch to the totals of its airports.   stage3_total
//
// Exactly once: the totals and the list of chunks that are in them change in one commit (an update of the array
// "state"), and a chunk that is in the list is not counted again. Killed before the commit, nothing has happened and
// the batch comes again; killed after it, the batch comes again and is known.
#include "tools/examples/flight.h"

namespace nd = ndshare;

namespace {

demo::Airport& airport_of(demo::State& state, const char32_t (&origin)[3]) {
  const auto code = static_cast<std::int64_t>(origin[0]) | static_cast<std::int64_t>(origin[1]) << 8 |
                    static_cast<std::int64_t>(origin[2]) << 16;
  auto* const end = state.airports + state.airport_count;
  auto* const found =
      std::find_if(state.airports, end, [&](const demo::Airport& airport) { return airport.code == code; });
  if (found != end) return *found;
  if (state.airport_count == demo::kMaxAirports)
    throw nd::Error(nd::ErrorCode::Usage, "more airports than the demo has room for");
  ++state.airport_count;
  found->code = code;
  return *found;
}

void add(demo::State& state, const demo::Derived* rows, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    auto& airport = airport_of(state, rows[i].origin);
    ++airport.flights;
    airport.late += rows[i].late;
    airport.delay += rows[i].delay;
    airport.per_100mi += static_cast<double>(rows[i].delay_per_100mi);
    ++airport.by_hour[rows[i].hour];
    state.delays += rows[i].delay;
  }
  state.rows += count;
}

void total() {
  nd::Store store = nd::Store::connect();
  nd::Stream derived = store.open_stream("derived", {.dtype = nd::DType::parse(demo::kDerivedDtype)});
  nd::SharedArray totals = store.open("state");
  while (nd::Batch batch = demo::next(derived)) {
    const auto chunk = demo::chunk_of(batch);
    nd::UpdateGuard update = totals.update();
    auto& state = *reinterpret_cast<demo::State*>(update.data());
    if (state.counted[chunk] == 0) {
      add(state, reinterpret_cast<const demo::Derived*>(batch.data()), batch.rows());
      state.counted[chunk] = 1;
      ++state.chunks;
      update.commit();
    } else {
      update.release();
    }
    batch.done();
  }
}

}  // namespace

int main() { return demo::run_stage("stage3_total", total); }
