// How the rate of a workload moves in time: constant, bursts, the day, spikes, growth, counts that
// somebody recorded. The rate is constant on pieces, so its integral, the expected number of
// arrivals since the start of the run, is piecewise linear; both the integral and its inverse are
// exact in 128-bit integers, over any horizon.
//
// The integral is the operational time of an arrival process: a process of rate 1 in it, mapped
// back through TimeOf(), has this rate. A fleet has one RateFunction; its clients and partitions
// take shares of it (PoissonArrivals, ConstantArrivals) and keep nothing of their own.
//
// Every `factor` multiplies the base rate: what flows outside of the burst or the spike. MeanRate()
// tells the mean that comes out. docs/models/workload.md has the approximations.
#ifndef FRESHET_MODELS_WORKLOAD_RATE_FUNCTION_H_
#define FRESHET_MODELS_WORKLOAD_RATE_FUNCTION_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

// Expected arrivals in units of 10^-15: microhertz times nanoseconds. 2^127 of them are 10^23
// arrivals.
__extension__ typedef __int128 ArrivalMass;
constexpr ArrivalMass kOneArrival = 1'000'000'000'000'000;

// `lasts` of base x `factor` in every period of `every`, the first one at `first_at`.
struct Burst {
  Duration every;
  Duration lasts;
  Ratio factor;
  Duration first_at;
};

// base x (1 + amplitude cos(2 pi (t - peak) / period)), as 96 steps a period, each with the mean of
// the curve over the step: no mass is lost.
struct Diurnal {
  Ratio amplitude;  // 0 to 1.
  Duration period;
  Duration peak_at;    // Since the calendar's midnight.
  Duration starts_at;  // What the calendar's clock says when the run starts.
};

// Rises for `ramp` from `at` to base x `factor`, stays for `lasts`, falls for `ramp`. Spikes that
// overlap multiply.
struct Spike {
  Duration at;
  Duration ramp;
  Duration lasts;
  Ratio factor;
};

class RateFunction {
 public:
  struct Piece {
    Duration begin;
    Rate rate;
  };

  static RateFunction Constant(Rate rate);
  // REQUIRES: the first piece begins at 0, each later than the one before. The last one never ends.
  static RateFunction FromPieces(const std::vector<Piece>& pieces);
  // The same pieces again and again. REQUIRES: the last one begins before `period` is over.
  static RateFunction Periodic(const std::vector<Piece>& pieces, Duration period);
  // REQUIRES: 0 < lasts < every, 0 <= first_at < every.
  static RateFunction WithBursts(Rate base, const Burst& burst);
  // REQUIRES: period > 0.
  static RateFunction WithDays(Rate base, const Diurnal& days);
  // Counts by the second at which their row begins; a row lasts until the next one, the last as
  // long as the one before it. Nothing comes before the first row and after the last, unless the
  // rows repeat: then from the first row's second on, as if it were 0. REQUIRES: ascending seconds,
  // >= 0.
  enum class Repeat : uint8_t { kNo, kYes };
  static RateFunction Replay(const std::vector<std::pair<int64_t, int64_t>>& counts, Repeat repeat);

  // This function times spikes or linear growth (`per_month` of the base each 30 days). Written out
  // up to `horizon`, after which the last rate stays: pass the length of the run.
  RateFunction Times(const std::vector<Spike>& spikes, Duration horizon) const;
  RateFunction TimesGrowth(Ratio per_month, Duration horizon) const;
  // This function up to `end`, and nothing after that. REQUIRES: end > 0.
  RateFunction Until(Duration end) const;

  // Expected arrivals in (start of the run, at]. REQUIRES: at is not before the start.
  ArrivalMass MassAt(Time at) const {
    const int64_t t = at.nanos();
    if (knots_.size() == 1) return ArrivalMass{knots_[0].micro_hertz} * t;
    return MassAtPiece(t);
  }
  // The first nanosecond with MassAt() >= mass, so that TimeOf(m) <= t exactly if m <= MassAt(t).
  // Time::Max() if there is none.
  Time TimeOf(ArrivalMass mass) const;
  // The same. Where the rate never changes, an earlier time not far away spares a long division.
  Time TimeOf(ArrivalMass mass, Time earlier) const;

  Rate RateAt(Time at) const;
  // Over a period, or over the pieces that end; the rate of a single piece.
  Rate MeanRate() const;
  Rate PeakRate() const;

 private:
  struct Knot {
    int64_t begin;
    int64_t micro_hertz;
    ArrivalMass before;  // At `begin`.
  };

  RateFunction(const std::vector<Piece>& pieces, Duration period);
  ArrivalMass MassAtPiece(int64_t t) const;
  const Knot& KnotAt(int64_t t) const;
  // This function with each piece cut at `cuts` and multiplied by the factor at its middle.
  RateFunction Modulated(std::vector<int64_t> cuts, Duration horizon,
                         absl::FunctionRef<Ratio(int64_t)> factor_at) const;

  std::vector<Knot> knots_;
  int64_t period_ = 0;  // 0: not periodic.
  ArrivalMass period_mass_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_WORKLOAD_RATE_FUNCTION_H_
