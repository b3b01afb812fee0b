// Poisson arrivals, refined only as far as somebody asks, with the exact law in any order of
// queries.
//
// Operational time (RateFunction's integral) is cut into cells of 4096 expected arrivals or more.
// The number in a cell is drawn when the first query reaches it, from a stream of the cell's own;
// where they lie inside stays open until asked. An arrival asked for by its rank is drawn as an
// order statistic (a beta variate) and remembered as a point; a number until some time is a
// binomial part of what is promised. So a batch costs one order statistic and one binomial, however
// many records it has.
//
// The cells also keep common random numbers common: the counts of all cells depend on the stream
// alone, and two designs that asked differently in one cell agree again from the next cell on.
#ifndef FRESHET_MODELS_WORKLOAD_POISSON_ARRIVALS_H_
#define FRESHET_MODELS_WORKLOAD_POISSON_ARRIVALS_H_

#include <cstdint>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "models/workload/arrivals.h"
#include "models/workload/rate_function.h"
#include "sim/random.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

class PoissonArrivals final : public ArrivalProcess {
 public:
  // An independent part of the Poisson process of rate `rate`: one client of n has the share 1 / n,
  // its records for one partition that times the partition's share (PartitionShares()).
  // REQUIRES: 0 <= share <= 1; no other process draws from `stream`.
  PoissonArrivals(std::shared_ptr<const RateFunction> rate, double share, RandomStream stream);

  Time PeekNth(int64_t n) override;
  // If `limit` are taken, `last` is exactly the instant of the last of them and later arrivals
  // stay, also those at or before `until`. If fewer are taken, none is left at or before `until`.
  ArrivalSpan TakeUntil(Time until, int64_t limit) override;
  Rate RateAt(Time at) const override;

 private:
  // Arrivals in (end of the segment before, end]: `interior` uniform ones at unknown places, and
  // one exactly at `end` if `has_point`.
  struct Segment {
    ArrivalMass end;
    int64_t interior;
    uint64_t cell;
    Time point;  // The time of `end`; set only if has_point.
    bool has_point;
  };

  // What an ArrivalSpan can know of its ends.
  struct Known {
    bool first = false;
    bool last = false;
  };

  void PromiseCell();
  // Makes the `rank`-th of the interior arrivals of segment `index` a point, and so the segment's
  // end.
  void Resolve(size_t index, int64_t rank);
  void PopSegment();
  RandomStream& StreamOf(const Segment& segment) { return streams_[segment.cell - first_cell_]; }
  ArrivalSpan MakeSpan(ArrivalSpan span, Known known, Time from, Time to);

  const std::shared_ptr<const RateFunction> rate_;
  const double share_;
  ArrivalMass cell_length_;
  double cell_mean_;
  RandomStream stream_;  // Its own draws place the rows of spans; its substreams are the cells'.

  ArrivalMass taken_mass_ = 0;  // Everything up to here is taken.
  Time taken_until_;
  // In order from `taken_mass_` on, without gaps, up to the end of the last cell promised.
  absl::InlinedVector<Segment, 4> segments_;
  absl::InlinedVector<RandomStream, 2> streams_;  // Of the cells from first_cell_ on.
  uint64_t first_cell_ = 0;
  uint64_t next_cell_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_WORKLOAD_POISSON_ARRIVALS_H_
