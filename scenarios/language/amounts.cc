#include "scenarios/language/amounts.h"

#include <algorithm>
#include <limits>

#include "scenarios/language/quantity.h"

namespace freshet {

using v1::Compression;
using v1::Distribution;
using v1::Producers;
using v1::Scenario;
using v1::Topic;
namespace {

constexpr int64_t kBillion = 1'000'000'000;

std::optional<int64_t> Narrow(Wide value) {
  if (value < 0 || value > std::numeric_limits<int64_t>::max()) return std::nullopt;
  return static_cast<int64_t>(value);
}

// A weighted mean that gives up rather than overflow: weights and values have 63 bits each.
class WeightedMean {
 public:
  void Add(std::optional<int64_t> weight, std::optional<int64_t> value) {
    known_ = known_ && weight && value &&
             !__builtin_add_overflow(sum_, Wide{*weight} * *value, &sum_) &&
             !__builtin_add_overflow(weights_, Wide{*weight}, &weights_);
  }
  std::optional<int64_t> Mean() const {
    return known_ && weights_ > 0 ? Narrow(sum_ / weights_) : std::nullopt;
  }

 private:
  bool known_ = true;
  Wide sum_ = 0;
  Wide weights_ = 0;
};

}  // namespace

std::optional<int64_t> AmountOf(Unit unit, absl::string_view text) {
  if (text.empty()) return std::nullopt;
  const absl::StatusOr<Quantity> quantity = ParseQuantity(unit, text);
  if (!quantity.ok()) return std::nullopt;
  return quantity->amount;
}

std::optional<int64_t> MeanOf(const Distribution& law, Unit unit) {
  switch (law.shape_case()) {
    case Distribution::kConstant:
      return AmountOf(unit, law.constant());
    case Distribution::kUniform: {
      const auto min = AmountOf(unit, law.uniform().min());
      const auto max = AmountOf(unit, law.uniform().max());
      return min && max ? Narrow((Wide{*min} + *max) / 2) : std::nullopt;
    }
    case Distribution::kExponential:
      return AmountOf(unit, law.exponential().mean());
    case Distribution::kNormal:
      return AmountOf(unit, law.normal().mean());
    case Distribution::kLognormal:
      // The median, a lower bound: the exact mean would need an exponential, and this is for
      // warnings, which should not cry wolf.
      return AmountOf(unit, law.lognormal().median());
    case Distribution::kPareto: {
      const auto scale = AmountOf(unit, law.pareto().scale());
      const auto alpha = AmountOf(UNIT_RATIO, law.pareto().alpha());
      if (!scale || !alpha || *alpha <= kBillion) return std::nullopt;
      return Narrow(Wide{*scale} * *alpha / (*alpha - kBillion));
    }
    case Distribution::kGamma:
      return AmountOf(unit, law.gamma().mean());
    case Distribution::kMixture: {
      WeightedMean mean;
      for (const Distribution::Mixture::Part& part : law.mixture().part()) {
        mean.Add(AmountOf(UNIT_RATIO, part.weight()), MeanOf(part.of(), unit));
      }
      return mean.Mean();
    }
    case Distribution::kEmpirical: {
      WeightedMean mean;
      for (const Distribution::Empirical::Point& point : law.empirical().point()) {
        mean.Add(AmountOf(UNIT_RATIO, point.weight()), AmountOf(unit, point.value()));
      }
      return mean.Mean();
    }
    case Distribution::SHAPE_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<int64_t> MeanEventBytes(const Producers& producers) {
  if (producers.has_event_sizes()) return MeanOf(producers.event_sizes(), UNIT_BYTES);
  return AmountOf(UNIT_BYTES, producers.event_size());
}

int64_t BytesPerSecondOf(const Producers& producers) {
  const auto rate = AmountOf(UNIT_RATE, producers.rate());
  const auto size = MeanEventBytes(producers);
  if (!rate || !size || producers.arrivals().has_replay()) return 0;
  Wide bytes = Wide{*rate} * *size / 1'000'000;
  const auto ratio = AmountOf(UNIT_RATIO, producers.compression().ratio());
  if (ratio && producers.compression().codec() > Compression::NONE) {
    bytes = std::min<Wide>(bytes, std::numeric_limits<int64_t>::max()) * *ratio / kBillion;
  }
  return static_cast<int64_t>(std::min<Wide>(bytes, std::numeric_limits<int64_t>::max()));
}

const Topic* FindTopic(const Scenario& scenario, const std::string& name) {
  for (const Topic& topic : scenario.topic()) {
    if (topic.name() == name) return &topic;
  }
  return nullptr;
}

}  // namespace freshet
