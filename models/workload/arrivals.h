// Open-loop arrivals of one client: when records come, whatever the system does.
//
// A client asks in three ways, and the answers agree with one sample path: when does the next
// record come, when does the n-th from here come, and how many come until a time. Records that
// nobody asks about one by one are never drawn one by one: the Poisson process keeps only what it
// has promised (a number of arrivals inside an interval) and refines it by its exact conditional
// law, uniform order statistics. So a batch of thousands of records costs a few draws, and batch
// formation has its exact law, never a tick.
//
// Rates may vary in time (burst, diurnal, replayed counts): the process then runs in operational
// time, the integral of the rate, and is mapped back.
#ifndef FRESHET_MODELS_WORKLOAD_ARRIVALS_H_
#define FRESHET_MODELS_WORKLOAD_ARRIVALS_H_

#include <cstdint>
#include <memory>

#include "sim/random.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

// How the records that TakeUntil() took lie in time: evenly enough to be recorded
// as an interval, exact in distribution over many batches.
struct ArrivalSpan {
  int64_t count = 0;
  // The first and the last of `count` arrivals as an evenly spaced row whose offset was drawn, so
  // that over many spans each instant is as likely as under the exact law. Unset when count is 0.
  Time first;
  Time last;
};

class ArrivalProcess {
 public:
  virtual ~ArrivalProcess() = default;

  // Time of the n-th arrival not yet taken (n >= 1), Time::Max() if there are fewer ever. Asking
  // does not take it; asking again gives the same answer.
  virtual Time PeekNth(int64_t n) = 0;
  // Takes the arrivals in (last taken, until]; at most `limit` of them.
  virtual ArrivalSpan TakeUntil(Time until, int64_t limit) = 0;
  // The long-run or current rate, for capacity estimates and for policies. Exact for the law.
  virtual Rate RateAt(Time at) const = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_WORKLOAD_ARRIVALS_H_
