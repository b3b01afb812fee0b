#include "models/workload/constant_arrivals.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace freshet {

ConstantArrivals::ConstantArrivals(std::shared_ptr<const RateFunction> rate, int64_t count,
                                   ArrivalMass phase)
    : rate_(std::move(rate)), count_(count), stride_(kOneArrival * count), phase_(phase) {}

ConstantArrivals ConstantArrivals::Staggered(std::shared_ptr<const RateFunction> rate,
                                             int64_t index, int64_t count) {
  SIM_REQUIRE(rate != nullptr && 0 <= index && index < count);
  return ConstantArrivals(std::move(rate), count, kOneArrival * (index + 1));
}

ConstantArrivals ConstantArrivals::WithDrawnPhase(std::shared_ptr<const RateFunction> rate,
                                                  int64_t count, RandomStream& stream) {
  SIM_REQUIRE(rate != nullptr && count > 0);
  const uint64_t whole = stream.NextBelow(static_cast<uint64_t>(count));
  const uint64_t part = stream.NextBelow(static_cast<uint64_t>(kOneArrival));
  return ConstantArrivals(std::move(rate), count, kOneArrival * whole + part + 1);
}

Time ConstantArrivals::PeekNth(int64_t n) {
  SIM_REQUIRE(n >= 1);
  return TimeOfArrival(taken_ + n - 1);
}

ArrivalSpan ConstantArrivals::TakeUntil(Time until, int64_t limit) {
  SIM_REQUIRE(limit >= 0);
  const ArrivalMass mass = rate_->MassAt(until);
  if (mass < phase_) return {};
  const ArrivalMass until_now = (mass - phase_) / stride_ + 1;
  const ArrivalMass left = until_now - taken_;
  if (left <= 0 || limit == 0) return {};
  ArrivalSpan span;
  span.count = static_cast<int64_t>(std::min<ArrivalMass>(left, limit));
  span.first = TimeOfArrival(taken_);
  span.last = TimeOfArrival(taken_ + span.count - 1);
  taken_ += span.count;
  return span;
}

Rate ConstantArrivals::RateAt(Time at) const {
  return Rate::FromMicroHertz(rate_->RateAt(at).micro_hertz() / count_);
}

}  // namespace freshet
