#include "models/workload/constant_arrivals.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/check.h"

namespace freshet {

ConstantArrivals::ConstantArrivals(std::shared_ptr<const RateFunction> rate, int64_t count,
                                   ArrivalMass phase)
    : rate_(std::move(rate)), count_(count), stride_(kOneArrival * count), next_(phase) {}

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

Time ConstantArrivals::First() {
  if (!first_) first_ = rate_->TimeOf(next_, last_);
  return *first_;
}

Time ConstantArrivals::PeekNth(int64_t n) {
  SIM_REQUIRE(n >= 1);
  if (n == 1) return First();
  return rate_->TimeOf(next_ + stride_ * (n - 1), last_);
}

ArrivalSpan ConstantArrivals::TakeUntil(Time until, int64_t limit) {
  SIM_REQUIRE(limit >= 0);
  const ArrivalMass beyond = rate_->MassAt(until) - next_;
  if (beyond < 0 || limit == 0) return {};
  ArrivalMass left = 1;
  if (beyond >= stride_) {
    // Few come between two calls: a division of 64 bits suffices.
    const bool few = beyond <= std::numeric_limits<int64_t>::max();
    left += few ? static_cast<int64_t>(beyond) / static_cast<int64_t>(stride_) : beyond / stride_;
  }
  ArrivalSpan span;
  span.count = static_cast<int64_t>(std::min<ArrivalMass>(left, limit));
  span.first = First();
  span.last =
      span.count == 1 ? span.first : rate_->TimeOf(next_ + stride_ * (span.count - 1), last_);
  next_ += stride_ * span.count;
  last_ = span.last;
  first_.reset();
  return span;
}

Rate ConstantArrivals::RateAt(Time at) const {
  return Rate::FromMicroHertz(rate_->RateAt(at).micro_hertz() / count_);
}

}  // namespace freshet
