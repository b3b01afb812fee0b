#include "models/workload/poisson_arrivals.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/check.h"
#include "sim/math.h"
#include "sim/sampler.h"

namespace freshet {
namespace {

constexpr int64_t kCellArrivals = 4096;
// A small share makes its cells longer, up to this factor: Resolve() multiplies a length by 2^52.
constexpr int64_t kMaxCellFactor = 4096;

double ToDouble(ArrivalMass mass) {
  if (mass <= std::numeric_limits<int64_t>::max()) {
    return static_cast<double>(static_cast<int64_t>(mass));
  }
  return static_cast<double>(mass);
}

// 1 - e^-x: the least of n uniforms, if x is an exponential variate divided by n.
double LeastOfUniforms(double x) {
  // Taylor's sum to a relative 1e-16: nearly every draw comes here, and 1 - Exp() would cancel.
  if (x < 0.01) return x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4 * (1 - x / 5 * (1 - x / 6)))));
  return 1 - Exp(-x);
}

}  // namespace

PoissonArrivals::PoissonArrivals(std::shared_ptr<const RateFunction> rate, double share,
                                 RandomStream stream)
    : rate_(std::move(rate)), share_(share), stream_(stream) {
  SIM_REQUIRE(rate_ != nullptr && share >= 0 && share <= 1);
  int64_t factor = 1;
  if (share > 0) {
    factor = std::clamp<int64_t>(FloorToInt64(1 / share), 1, kMaxCellFactor);
  }
  cell_length_ = kOneArrival * kCellArrivals * factor;
  cell_mean_ = static_cast<double>(kCellArrivals * factor) * share;
}

void PoissonArrivals::PromiseCell() {
  const uint64_t cell = next_cell_++;
  streams_.push_back(stream_.Substream(cell));
  const int64_t count = DrawPoisson(streams_.back(), cell_mean_);
  segments_.push_back({cell_length_ * (cell + 1), count, cell, Time(), false});
}

void PoissonArrivals::PopSegment() {
  segments_.erase(segments_.begin());
  const uint64_t cell = segments_.empty() ? next_cell_ : segments_[0].cell;
  if (cell != first_cell_) {
    streams_.erase(streams_.begin(), streams_.begin() + static_cast<int64_t>(cell - first_cell_));
    first_cell_ = cell;
  }
}

void PoissonArrivals::Resolve(size_t index, int64_t rank) {
  Segment& segment = segments_[index];
  const int64_t count = segment.interior;
  SIM_REQUIRE(rank >= 1 && rank <= count);
  RandomStream& stream = StreamOf(segment);
  double fraction;
  if (rank == 1) {
    const double exponential = stream.NextExponential();
    fraction = LeastOfUniforms(exponential / static_cast<double>(count));
  } else if (rank == count) {
    fraction = Exp(Log(stream.NextUniform()) / static_cast<double>(count));
  } else {
    const double below = DrawGamma(stream, static_cast<double>(rank));
    const double above = DrawGamma(stream, static_cast<double>(count + 1 - rank));
    fraction = below / (below + above);
  }
  // Rounded up, so that the point lies behind the beginning and at or before the end.
  constexpr int64_t kGrid = int64_t{1} << 52;
  const int64_t on_grid = std::min(FloorToInt64(fraction * static_cast<double>(kGrid)) + 1, kGrid);
  const ArrivalMass begin = index == 0 ? taken_mass_ : segments_[index - 1].end;
  const ArrivalMass at = begin + (((segment.end - begin) * on_grid + (kGrid - 1)) >> 52);
  segment.interior -= rank;
  segments_.insert(segments_.begin() + static_cast<int64_t>(index),
                   {at, rank - 1, segment.cell, rate_->TimeOf(at), true});
}

Time PoissonArrivals::PeekNth(int64_t n) {
  SIM_REQUIRE(n >= 1);
  if (share_ == 0) return Time::Max();
  int64_t before = 0;
  for (size_t i = 0;; ++i) {
    if (i == segments_.size()) {
      const ArrivalMass end = i == 0 ? taken_mass_ : segments_.back().end;
      if (rate_->TimeOf(end + 1) == Time::Max()) return Time::Max();
      PromiseCell();
    }
    const int64_t interior = segments_[i].interior;
    if (n <= before + interior) {
      Resolve(i, n - before);
      return segments_[i].point;
    }
    before += interior;
    if (segments_[i].has_point && n == ++before) return segments_[i].point;
  }
}

ArrivalSpan PoissonArrivals::TakeUntil(Time until, int64_t limit) {
  SIM_REQUIRE(limit >= 0);
  if (limit == 0 || share_ == 0) return {};
  const ArrivalMass target = rate_->MassAt(until);
  const Time from = taken_until_;
  ArrivalSpan span;
  Known known;
  while (taken_mass_ < target || (!segments_.empty() && segments_[0].end <= target)) {
    if (segments_.empty()) PromiseCell();
    Segment& segment = segments_[0];
    int64_t inside = segment.interior;
    if (segment.end > target) {
      const double part = ToDouble(target - taken_mass_) / ToDouble(segment.end - taken_mass_);
      if (inside > 0) inside = DrawBinomial(StreamOf(segment), inside, part);
      if (span.count + inside < limit) {
        segment.interior -= inside;
        span.count += inside;
        if (inside > 0) known.last = false;
        taken_mass_ = target;
        break;
      }
      segment.interior -= inside;
      segments_.insert(segments_.begin(), {target, inside, segment.cell, Time(), false});
      continue;  // With a segment that ends at `target`.
    }
    const int64_t available = inside + (segment.has_point ? 1 : 0);
    if (span.count + available >= limit) {
      const int64_t rank = limit - span.count;
      if (rank <= inside) Resolve(0, rank);
      span.count = limit;
      known.last = true;
      span.last = segments_[0].point;
      taken_mass_ = segments_[0].end;
      taken_until_ = span.last;
      PopSegment();
      return MakeSpan(span, known, from, span.last);
    }
    if (segment.has_point) {
      if (available == 1 && span.count == 0) {
        known.first = true;
        span.first = segment.point;
      }
      known.last = true;
      span.last = segment.point;
    } else if (inside > 0) {
      known.last = false;
    }
    span.count += available;
    taken_mass_ = segment.end;
    PopSegment();
  }
  taken_until_ = std::max(from, until);
  return MakeSpan(span, known, from, taken_until_);
}

// An end that is not known is drawn with the mean that it has under the exact law, n uniform
// arrivals in the interval: half a gap, with its random offset, if both ends are open; then every
// instant of (from, to] is equally likely to hold a record of the row.
ArrivalSpan PoissonArrivals::MakeSpan(ArrivalSpan span, Known known, Time from, Time to) {
  if (span.count == 0) return {};
  if (span.count == 1 && (known.first || known.last)) {
    span.first = span.last = known.first ? span.first : span.last;
    return span;
  }
  if (known.first && known.last) return span;
  const Time open_from = known.first ? span.first : from;
  const Time open_to = known.last ? span.last : to;
  const int64_t width = (open_to - open_from).nanos();
  if (width == 0) return {span.count, open_to, open_to};
  const double uniform = stream_.NextUniform();
  if (!known.first && !known.last) {
    const double gap = static_cast<double>(width) / static_cast<double>(span.count);
    span.first = open_from + Nanoseconds(FloorToInt64(uniform * gap) + 1);
    span.last =
        span.count == 1 ? span.first : open_to - Nanoseconds(FloorToInt64((1 - uniform) * gap));
    return span;
  }
  // One end is a record, the others are spread between it and the open end: n - 1 of them leave a
  // gap of width / n before the outermost, on the average.
  const double gap = static_cast<double>(width) / static_cast<double>(span.count);
  const Duration offset = Nanoseconds(FloorToInt64(uniform * 2 * gap));
  if (known.last) {
    span.first = std::min(open_from + offset + Nanoseconds(1), span.last);
  } else {
    span.last = std::max(open_to - offset, span.first);
  }
  return span;
}

Rate PoissonArrivals::RateAt(Time at) const {
  const auto total = static_cast<double>(rate_->RateAt(at).micro_hertz());
  return Rate::FromMicroHertz(RoundToInt64(total * share_));
}

}  // namespace freshet
