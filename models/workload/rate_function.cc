#include "models/workload/rate_function.h"

#include <algorithm>
#include <limits>

#include "sim/check.h"
#include "sim/math.h"

namespace freshet {
namespace {

constexpr int kStepsPerDay = 96;
constexpr int kStepsPerRamp = 32;
constexpr int64_t kGrowthStep = Hours(6).nanos();
constexpr int64_t kMonth = Days(30).nanos();

// sin(2 pi x), error below 1e-11: the quarter turn by symmetry, then the Taylor polynomial.
double SineOfTurns(double x) {
  double turns = x - static_cast<double>(FloorToInt64(x));
  double sign = 1;
  if (turns >= 0.5) {
    turns -= 0.5;
    sign = -1;
  }
  if (turns > 0.25) turns = 0.5 - turns;
  const double angle = turns * 6.283185307179586477;
  const double square = angle * angle;
  double sum = 0;
  for (int k = 17; k >= 3; k -= 2) sum = (1 - sum) * square / (k * (k - 1));
  return sign * angle * (1 - sum);
}

// The smallest whole number of nanoseconds in which `micro_hertz` brings `mass`. Both are positive.
ArrivalMass TimeToBring(ArrivalMass mass, int64_t micro_hertz) {
  if (mass <= std::numeric_limits<int64_t>::max()) {
    const auto narrow = static_cast<uint64_t>(mass);
    const auto rate = static_cast<uint64_t>(micro_hertz);
    const uint64_t units = (narrow - 1) / rate + 1;
    return static_cast<ArrivalMass>(units);
  }
  return (mass - 1) / micro_hertz + 1;
}

Time ToTime(ArrivalMass nanos) {
  if (nanos >= std::numeric_limits<int64_t>::max()) return Time::Max();
  return Time::FromNanos(static_cast<int64_t>(nanos));
}

Ratio SpikeFactor(const Spike& spike, int64_t t) {
  const int64_t ramp = spike.ramp.nanos();
  const int64_t since = t - spike.at.nanos();
  const int64_t left = 2 * ramp + spike.lasts.nanos() - since;
  if (since < 0 || left < 0) return Ratio::One();
  const int64_t up = std::min({since, left, ramp});
  if (up == ramp) return spike.factor;
  const int64_t one = Ratio::One().billionths();
  return Ratio::FromBillionths(one + MulDivFloor(spike.factor.billionths() - one, up, ramp));
}

}  // namespace

RateFunction::RateFunction(const std::vector<Piece>& pieces, Duration period)
    : period_(period.nanos()) {
  SIM_REQUIRE(!pieces.empty() && pieces[0].begin == Duration::Zero());
  ArrivalMass mass = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) {
      SIM_REQUIRE(pieces[i].begin > pieces[i - 1].begin);
      const int64_t length = (pieces[i].begin - pieces[i - 1].begin).nanos();
      mass += ArrivalMass{pieces[i - 1].rate.micro_hertz()} * length;
    }
    SIM_REQUIRE(pieces[i].rate >= Rate());
    knots_.push_back({pieces[i].begin.nanos(), pieces[i].rate.micro_hertz(), mass});
  }
  if (period_ == 0) return;
  SIM_REQUIRE(period > pieces.back().begin);
  period_mass_ = mass + ArrivalMass{knots_.back().micro_hertz} * (period_ - knots_.back().begin);
  // One piece that repeats is one piece.
  if (knots_.size() == 1) period_ = 0;
}

RateFunction RateFunction::Constant(Rate rate) {
  return RateFunction({{Duration::Zero(), rate}}, Duration::Zero());
}

RateFunction RateFunction::FromPieces(const std::vector<Piece>& pieces) {
  return RateFunction(pieces, Duration::Zero());
}

RateFunction RateFunction::Periodic(const std::vector<Piece>& pieces, Duration period) {
  SIM_REQUIRE(period > Duration::Zero());
  return RateFunction(pieces, period);
}

RateFunction RateFunction::WithBursts(Rate base, const Burst& burst) {
  SIM_REQUIRE(burst.lasts > Duration::Zero() && burst.lasts < burst.every);
  SIM_REQUIRE(burst.first_at >= Duration::Zero() && burst.first_at < burst.every);
  const Rate high = burst.factor * base;
  const Duration end = burst.first_at + burst.lasts;
  std::vector<Piece> pieces;
  if (end > burst.every) {  // The burst runs over the end of the period, into the next one.
    pieces = {{Duration::Zero(), high}, {end - burst.every, base}, {burst.first_at, high}};
  } else {
    if (burst.first_at > Duration::Zero()) pieces.push_back({Duration::Zero(), base});
    pieces.push_back({burst.first_at, high});
    if (end < burst.every) pieces.push_back({end, base});
  }
  return Periodic(pieces, burst.every);
}

RateFunction RateFunction::WithDays(Rate base, const Diurnal& days) {
  SIM_REQUIRE(days.period > Nanoseconds(kStepsPerDay));
  SIM_REQUIRE(days.amplitude >= Ratio() && days.amplitude <= Ratio::One());
  const auto period = static_cast<double>(days.period.nanos());
  const auto peak = static_cast<double>((days.peak_at - days.starts_at).nanos());
  const auto level = static_cast<double>(base.micro_hertz());
  std::vector<Piece> pieces;
  for (int64_t i = 0; i < kStepsPerDay; ++i) {
    const int64_t begin = MulDivFloor(days.period.nanos(), i, kStepsPerDay);
    const int64_t end = MulDivFloor(days.period.nanos(), i + 1, kStepsPerDay);
    const double from = (static_cast<double>(begin) - peak) / period;
    const double to = (static_cast<double>(end) - peak) / period;
    const double rise = SineOfTurns(to) - SineOfTurns(from);
    const double mean_cosine = rise / (6.283185307179586477 * (to - from));
    const double rate = level * (1 + days.amplitude.ToDouble() * mean_cosine);
    pieces.push_back(
        {Nanoseconds(begin), Rate::FromMicroHertz(std::max<int64_t>(0, RoundToInt64(rate)))});
  }
  return Periodic(pieces, days.period);
}

RateFunction RateFunction::Replay(const std::vector<std::pair<int64_t, int64_t>>& counts,
                                  Repeat repeat) {
  SIM_REQUIRE(!counts.empty() && counts[0].first >= 0);
  const int64_t origin = repeat == Repeat::kYes ? counts[0].first : 0;
  std::vector<Piece> pieces;
  if (counts[0].first > origin) pieces.push_back({Duration::Zero(), Rate()});
  int64_t length = 1;
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto& [second, count] = counts[i];
    SIM_REQUIRE(count >= 0);
    if (i + 1 < counts.size()) length = counts[i + 1].first - second;
    SIM_REQUIRE(length > 0);
    // Half up, so that the rows' sum keeps its mean.
    const int64_t twice = MulDivFloor(count, 2'000'000, length);
    pieces.push_back({Seconds(second - origin), Rate::FromMicroHertz((twice + 1) / 2)});
  }
  const Duration end = Seconds(counts.back().first - origin + length);
  if (repeat == Repeat::kYes) return Periodic(pieces, end);
  pieces.push_back({end, Rate()});
  return FromPieces(pieces);
}

RateFunction RateFunction::Times(const std::vector<Spike>& spikes, Duration horizon) const {
  std::vector<int64_t> cuts;
  for (const Spike& spike : spikes) {
    SIM_REQUIRE(spike.at >= Duration::Zero() && spike.ramp >= Duration::Zero() &&
                spike.lasts >= Duration::Zero() && spike.factor >= Ratio());
    const int64_t fall = (spike.at + spike.ramp + spike.lasts).nanos();
    for (int64_t i = 0; i <= kStepsPerRamp; ++i) {
      const int64_t up = MulDivFloor(spike.ramp.nanos(), i, kStepsPerRamp);
      cuts.push_back(spike.at.nanos() + up);
      cuts.push_back(fall + up);
    }
  }
  return Modulated(std::move(cuts), horizon, [&spikes](int64_t t) {
    int64_t factor = Ratio::One().billionths();
    for (const Spike& spike : spikes) {
      factor = MulDivFloor(factor, SpikeFactor(spike, t).billionths(), Ratio::One().billionths());
    }
    return Ratio::FromBillionths(factor);
  });
}

RateFunction RateFunction::TimesGrowth(Ratio per_month, Duration horizon) const {
  std::vector<int64_t> cuts;
  for (int64_t t = 0; t < horizon.nanos(); t += kGrowthStep) cuts.push_back(t);
  return Modulated(std::move(cuts), horizon, [per_month](int64_t t) {
    const int64_t grown = MulDivFloor(per_month.billionths(), t, kMonth);
    return Ratio::FromBillionths(std::max<int64_t>(0, Ratio::One().billionths() + grown));
  });
}

RateFunction RateFunction::Until(Duration end) const {
  return Modulated({end.nanos()}, end + Nanoseconds(2), [end](int64_t t) {
    return t < end.nanos() ? Ratio::One() : Ratio::FromBillionths(0);
  });
}

RateFunction RateFunction::Modulated(std::vector<int64_t> cuts, Duration horizon,
                                     absl::FunctionRef<Ratio(int64_t)> factor_at) const {
  SIM_REQUIRE(horizon > Duration::Zero());
  const int64_t end = horizon.nanos();
  for (int64_t lap = 0; lap < end; lap += period_) {
    for (const Knot& knot : knots_) cuts.push_back(lap + knot.begin);
    if (period_ == 0) break;
  }
  cuts.push_back(0);
  cuts.push_back(end);
  std::stable_sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<Piece> pieces;
  for (size_t i = 0; i + 1 < cuts.size() && cuts[i] < end; ++i) {
    const Ratio factor = factor_at(cuts[i] + (cuts[i + 1] - cuts[i]) / 2);
    pieces.push_back({Nanoseconds(cuts[i]), factor * RateAt(Time::FromNanos(cuts[i]))});
  }
  return FromPieces(pieces);
}

const RateFunction::Knot& RateFunction::KnotAt(int64_t t) const {
  const auto after = std::upper_bound(knots_.begin(), knots_.end(), t,
                                      [](int64_t at, const Knot& knot) { return at < knot.begin; });
  return *(after - 1);
}

ArrivalMass RateFunction::MassAtPiece(int64_t t) const {
  SIM_REQUIRE(t >= 0);
  ArrivalMass laps = 0;
  if (period_ > 0) {
    laps = period_mass_ * (t / period_);
    t %= period_;
  }
  const Knot& knot = KnotAt(t);
  return laps + knot.before + ArrivalMass{knot.micro_hertz} * (t - knot.begin);
}

Time RateFunction::TimeOf(ArrivalMass mass) const {
  if (mass <= 0) return Time();
  ArrivalMass base = 0;
  if (period_ > 0) {
    if (period_mass_ == 0) return Time::Max();
    const ArrivalMass laps = (mass - 1) / period_mass_;
    if (laps > std::numeric_limits<int64_t>::max() / period_) return Time::Max();
    base = laps * period_;
    mass -= laps * period_mass_;
  }
  const Knot* knot = &knots_[0];
  if (knots_.size() > 1) {
    // The last knot below `mass`: pieces without arrivals are passed over.
    const auto reached =
        std::lower_bound(knots_.begin() + 1, knots_.end(), mass,
                         [](const Knot& each, ArrivalMass m) { return each.before < m; });
    knot = &*(reached - 1);
  }
  if (knot->micro_hertz == 0) return Time::Max();
  return ToTime(base + knot->begin + TimeToBring(mass - knot->before, knot->micro_hertz));
}

Time RateFunction::TimeOf(ArrivalMass mass, Time earlier) const {
  if (knots_.size() == 1 && period_ == 0 && knots_[0].micro_hertz > 0) {
    const ArrivalMass left = mass - MassAt(earlier);
    if (left > 0) return ToTime(earlier.nanos() + TimeToBring(left, knots_[0].micro_hertz));
  }
  return TimeOf(mass);
}

Rate RateFunction::RateAt(Time at) const {
  SIM_REQUIRE(at >= Time());
  const int64_t t = period_ > 0 ? at.nanos() % period_ : at.nanos();
  return Rate::FromMicroHertz(KnotAt(t).micro_hertz);
}

Rate RateFunction::MeanRate() const {
  const Knot& last = knots_.back();
  if (period_ > 0) {
    return Rate::FromMicroHertz(static_cast<int64_t>((period_mass_ + period_ / 2) / period_));
  }
  if (last.begin == 0) return Rate::FromMicroHertz(last.micro_hertz);
  return Rate::FromMicroHertz(static_cast<int64_t>((last.before + last.begin / 2) / last.begin));
}

Rate RateFunction::PeakRate() const {
  int64_t peak = 0;
  for (const Knot& knot : knots_) peak = std::max(peak, knot.micro_hertz);
  return Rate::FromMicroHertz(peak);
}

}  // namespace freshet
