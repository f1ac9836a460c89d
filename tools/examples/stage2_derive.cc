// Stage 2 of the pipeline, one of several processes: derives columns from each batch of records.   stage2_derive
//
// Whole columns at once where the engine has them, row by row where a loop says it better. Both batches are shared
// memory: nothing is copied on the way.
#include "tools/examples/flight.h"

namespace nd = ndshare;

namespace {

constexpr std::int32_t kLateMinutes = 15;

void derive() {
  nd::Store store = nd::Store::connect();
  nd::Stream flights = store.open_stream("flights", {.dtype = nd::DType::parse(demo::kFlightDtype)});
  nd::Stream derived = store.open_stream("derived", {.dtype = nd::DType::parse(demo::kDerivedDtype)});
  while (nd::Batch batch = demo::next(flights)) {
    nd::Loan loan = derived.loan();
    {
      const nd::Array rows = batch.array();
      const nd::Array out = loan.array()(nd::slice(0, batch.rows()));
      nd::copyto(out["origin"], rows["origin"]);
      nd::copyto(out["delay"], rows["delay"]);
      const nd::Array per_mile = nd::divide(rows["delay"], rows["distance"], {.out = out["delay_per_100mi"]});
      static_cast<void>(nd::multiply(per_mile, 100, {.out = out["delay_per_100mi"]}));
    }
    const auto* records = reinterpret_cast<const demo::Flight*>(batch.data());
    auto* out = reinterpret_cast<demo::Derived*>(loan.data());
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      out[i].hour = static_cast<std::uint8_t>(records[i].date % (24 * 60) / 60);
      out[i].late = records[i].delay > kLateMinutes ? 1 : 0;
    }
    loan.publish(batch.rows(), batch.attrs());
    batch.done();
  }
}

}  // namespace

int main() { return demo::run_stage("stage2_derive", derive); }
