// Evenly spaced arrivals: every n-th of the fleet's row. The k-th comes exactly when the integral
// of the rate has reached phase + k x stride, in 128-bit integers: no drift, however long the run.
#ifndef FRESHET_MODELS_WORKLOAD_CONSTANT_ARRIVALS_H_
#define FRESHET_MODELS_WORKLOAD_CONSTANT_ARRIVALS_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "models/workload/arrivals.h"
#include "models/workload/rate_function.h"
#include "sim/random.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

class ConstantArrivals final : public ArrivalProcess {
 public:
  // Client `index` of `count` takes the arrivals index + 1, index + 1 + count, ... of a fleet of
  // rate `rate`: together they are one evenly spaced row. A client alone starts one interval after
  // 0. REQUIRES: 0 <= index < count.
  static ConstantArrivals Staggered(std::shared_ptr<const RateFunction> rate, int64_t index,
                                    int64_t count);
  // The same spacing from a phase drawn within the client's interval: clients that know nothing of
  // each other.
  static ConstantArrivals WithDrawnPhase(std::shared_ptr<const RateFunction> rate, int64_t count,
                                         RandomStream& stream);

  Time PeekNth(int64_t n) override;
  // `first` and `last` are exact.
  ArrivalSpan TakeUntil(Time until, int64_t limit) override;
  Rate RateAt(Time at) const override;

 private:
  ConstantArrivals(std::shared_ptr<const RateFunction> rate, int64_t count, ArrivalMass phase);
  Time First();

  std::shared_ptr<const RateFunction> rate_;
  int64_t count_;
  ArrivalMass stride_;  // Above 0.
  ArrivalMass next_;    // Of the first arrival that is not taken.
  Time last_;           // When the last one came that is, or 0.
  // When the one at `next_` comes, once somebody has asked.
  std::optional<Time> first_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_WORKLOAD_CONSTANT_ARRIVALS_H_
