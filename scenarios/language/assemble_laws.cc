#include "scenarios/language/assemble_laws.h"

#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "models/client/producers.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/read_file.h"
#include "sim/math.h"

namespace freshet {
namespace {

constexpr int64_t kMillion = 1'000'000;  // Micro-hertz in a hertz.

double AmountOf(const std::string& text) {
  return static_cast<double>(ParseQuantity(UNIT_VALUE, text)->amount);
}

double NumberOf(const std::string& ratio) { return RatioOf(ratio).ToDouble(); }

// The standard deviation of a law over its mean's unit; what EventSizes needs beside the sampler.
// Second moments add up over a mixture.
double SecondMoment(const v1::Distribution& law) {
  const double mean = SamplerOf(law).Mean();
  switch (law.shape_case()) {
    case v1::Distribution::kUniform: {
      const double low = AmountOf(law.uniform().min());
      const double high = AmountOf(law.uniform().max());
      return (low * low + low * high + high * high) / 3;
    }
    case v1::Distribution::kExponential:
      return 2 * mean * mean;
    case v1::Distribution::kNormal: {
      const double sd = AmountOf(law.normal().sd());
      return mean * mean + sd * sd;
    }
    case v1::Distribution::kLognormal: {
      // E[X^2] = median^2 exp(2 sigma^2), and mean = median exp(sigma^2 / 2): the fourth power.
      const double median = AmountOf(law.lognormal().median());
      const double growth = mean / median;
      return median * median * growth * growth * growth * growth;
    }
    case v1::Distribution::kPareto: {
      const double scale = AmountOf(law.pareto().scale());
      const double alpha = NumberOf(law.pareto().alpha());
      // Infinite variance at alpha <= 2: bounded here, and the validator has warned.
      return alpha > 2 ? alpha * scale * scale / (alpha - 2) : 100 * mean * mean;
    }
    case v1::Distribution::kGamma:
      return mean * mean * (1 + NumberOf(law.gamma().cv2()));
    case v1::Distribution::kMixture: {
      double total = 0;
      double weights = 0;
      for (const auto& part : law.mixture().part()) {
        total += NumberOf(part.weight()) * SecondMoment(part.of());
        weights += NumberOf(part.weight());
      }
      return total / weights;
    }
    case v1::Distribution::kEmpirical: {
      double total = 0;
      double weights = 0;
      for (const auto& point : law.empirical().point()) {
        const double value = AmountOf(point.value());
        total += NumberOf(point.weight()) * value * value;
        weights += NumberOf(point.weight());
      }
      return total / weights;
    }
    case v1::Distribution::kConstant:
    case v1::Distribution::SHAPE_NOT_SET:
      break;
  }
  return mean * mean;
}

Spike SpikeOf(const v1::Arrivals::Diurnal::Spike& spike) {
  return {DurationOf(spike.at()), DurationOf(spike.ramp()), DurationOf(spike.lasts()),
          RatioOf(spike.factor())};
}

// "seconds,count": the start of each interval and its records.
absl::StatusOr<RateFunction> ReadCounts(const std::string& path, const std::string& root) {
  const std::filesystem::path full = std::filesystem::path(root) / path;
  absl::StatusOr<std::string> text = ReadRegularFile(full.string());
  if (!text.ok()) return text.status();
  std::vector<std::pair<int64_t, int64_t>> counts;
  int line = 0;
  for (absl::string_view row : absl::StrSplit(*text, '\n')) {
    ++line;
    row = absl::StripSuffix(row, "\r");
    if (row.empty()) continue;
    if (line == 1 && row == "seconds,count") continue;
    const std::vector<absl::string_view> cells = absl::StrSplit(row, ',');
    int64_t second = 0;
    int64_t count = 0;
    if (cells.size() != 2 || !absl::SimpleAtoi(cells[0], &second) ||
        !absl::SimpleAtoi(cells[1], &count) || second < 0 || count < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", line, ":1: \"", row,
          "\" is not a row of counts; write the second of its start and its records: \"60,1200\""));
    }
    if (!counts.empty() && second <= counts.back().first) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", line, ":1: second ", second,
                       " does not come after the row before; sort the rows by time"));
    }
    counts.emplace_back(second, count);
  }
  if (counts.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ":1:1: fewer than two rows of counts; the length of a row is known from "
                     "the next one"));
  }
  return RateFunction::Replay(counts, RateFunction::Repeat::kNo);
}

}  // namespace

Sampler SamplerOf(const v1::Distribution& law) {
  switch (law.shape_case()) {
    case v1::Distribution::kConstant:
      return Sampler::Constant(AmountOf(law.constant()));
    case v1::Distribution::kUniform:
      return Sampler::Uniform(AmountOf(law.uniform().min()), AmountOf(law.uniform().max()));
    case v1::Distribution::kExponential:
      return Sampler::Exponential(AmountOf(law.exponential().mean()));
    case v1::Distribution::kNormal:
      return Sampler::Normal(AmountOf(law.normal().mean()), AmountOf(law.normal().sd()));
    case v1::Distribution::kLognormal:
      return Sampler::Lognormal(AmountOf(law.lognormal().median()),
                                NumberOf(law.lognormal().sigma()));
    case v1::Distribution::kPareto:
      return Sampler::Pareto(AmountOf(law.pareto().scale()), NumberOf(law.pareto().alpha()));
    case v1::Distribution::kGamma:
      return Sampler::Gamma(AmountOf(law.gamma().mean()), NumberOf(law.gamma().cv2()));
    case v1::Distribution::kMixture: {
      std::vector<Sampler> parts;
      std::vector<double> weights;
      for (const auto& part : law.mixture().part()) {
        parts.push_back(SamplerOf(part.of()));
        weights.push_back(NumberOf(part.weight()));
      }
      return Sampler::Mixture(parts, weights);
    }
    case v1::Distribution::kEmpirical: {
      std::vector<double> values;
      std::vector<double> weights;
      for (const auto& point : law.empirical().point()) {
        values.push_back(AmountOf(point.value()));
        weights.push_back(NumberOf(point.weight()));
      }
      return Sampler::Empirical(values, weights);
    }
    case v1::Distribution::SHAPE_NOT_SET:
      break;
  }
  return Sampler();
}

namespace {

// JVMSER: bytes of one record in each format.
int64_t SizeIn(v1::Payload::Format format) {
  switch (format) {
    case v1::Payload::AVRO:
      return 221;
    case v1::Payload::PROTOBUF:
      return 239;
    default:
      return 485;
  }
}

// CPREG: a byte of zero and four of the schema's number; and with PROTOBUF one for the message's
// place in the schema.
Bytes HeaderIn(v1::Payload::Format format) {
  if (format == v1::Payload::JSON || format == v1::Payload::FORMAT_UNSPECIFIED) return Bytes(0);
  return format == v1::Payload::PROTOBUF ? Bytes(6) : Bytes(5);
}

EventSizes StatedSizesOf(const v1::Producers& producers);

}  // namespace

EventSizes EventSizesOf(const v1::Producers& producers) {
  const EventSizes stated = StatedSizesOf(producers);
  if (!producers.has_payload()) return stated;
  const v1::Payload& payload = producers.payload();
  const Ratio factor = Ratio::FromBillionths(MulDivFloor(
      SizeIn(payload.format()), Ratio::One().billionths(), SizeIn(payload.stated_as())));
  return stated.Scaled(factor, HeaderIn(payload.format()));
}

namespace {

EventSizes StatedSizesOf(const v1::Producers& producers) {
  if (!producers.has_event_sizes()) return EventSizes::Constant(BytesOf(producers.event_size()));
  const v1::Distribution& law = producers.event_sizes();
  Sampler sampler = SamplerOf(law);
  const double mean = sampler.Mean();
  const double variance = SecondMoment(law) - mean * mean;
  return EventSizes::FromLaw(std::move(sampler), variance > 0 ? __builtin_sqrt(variance) : 0);
}

}  // namespace

KeyDistribution KeysOf(const v1::Keys& keys) {
  KeyDistribution law;
  switch (keys.law_case()) {
    case v1::Keys::kUniform:
      law.kind = KeyDistribution::Kind::kUniform;
      law.count = static_cast<int64_t>(keys.uniform().count());
      break;
    case v1::Keys::kZipf:
      law.kind = KeyDistribution::Kind::kZipf;
      law.count = static_cast<int64_t>(keys.zipf().count());
      law.exponent = NumberOf(keys.zipf().exponent());
      break;
    case v1::Keys::kHot:
      law.kind = KeyDistribution::Kind::kHot;
      law.count = static_cast<int64_t>(keys.hot().count());
      law.hot_share = RatioOf(keys.hot().share());
      break;
    case v1::Keys::kNone:
    case v1::Keys::LAW_NOT_SET:
      break;
  }
  return law;
}

absl::StatusOr<std::shared_ptr<const RateFunction>> RateFunctionOf(const v1::Scenario& scenario,
                                                                   const v1::Producers& producers,
                                                                   const std::string& root) {
  const Duration horizon = DurationOf(scenario.run_for());
  const v1::Arrivals& arrivals = producers.arrivals();
  const auto shared = [&producers](RateFunction rate) {
    if (!producers.sends_until().empty()) rate = rate.Until(DurationOf(producers.sends_until()));
    return std::make_shared<const RateFunction>(std::move(rate));
  };
  if (arrivals.has_replay()) {
    absl::StatusOr<RateFunction> counts = ReadCounts(arrivals.replay().path(), root);
    if (!counts.ok()) return counts.status();
    return shared(*std::move(counts));
  }
  const Rate base = RateOf(producers.rate());
  switch (arrivals.process_case()) {
    case v1::Arrivals::kBurst:
      return shared(RateFunction::WithBursts(
          base, {DurationOf(arrivals.burst().every()), DurationOf(arrivals.burst().lasts()),
                 RatioOf(arrivals.burst().factor()), Duration::Zero()}));
    case v1::Arrivals::kDiurnal: {
      const v1::Arrivals::Diurnal& text = arrivals.diurnal();
      Diurnal days;
      days.amplitude = RatioOf(text.amplitude());
      days.period = DurationOf(text.period());
      days.peak_at = DurationOf(text.peak_at());
      if (!scenario.starts_at().empty()) {
        constexpr int64_t kDay = 86'400'000'000'000;
        const int64_t since_midnight = TimestampOf(scenario.starts_at()).unix_nanos % kDay;
        days.starts_at = Nanoseconds((since_midnight + kDay) % kDay);
      }
      RateFunction rate = RateFunction::WithDays(base, days);
      if (text.spike().empty()) return shared(std::move(rate));
      std::vector<Spike> spikes;
      for (const auto& spike : text.spike()) spikes.push_back(SpikeOf(spike));
      return shared(rate.Times(spikes, horizon));
    }
    default:
      return shared(RateFunction::Constant(base));
  }
}

absl::StatusOr<MeanIngress> MeanIngressOf(const v1::Scenario& scenario, const std::string& topic,
                                          const std::string& root) {
  MeanIngress ingress;
  Bytes a_second;
  int64_t micro_hertz = 0;
  for (const v1::Component& component : scenario.component()) {
    if (!component.has_producers() || component.producers().topic() != topic) continue;
    const v1::Producers& producers = component.producers();
    absl::StatusOr<std::shared_ptr<const RateFunction>> rate =
        RateFunctionOf(scenario, producers, root);
    if (!rate.ok()) return rate.status();
    Bytes stored = Bytes(RoundToInt64(EventSizesOf(producers).Mean())) + Producers::kRecordOverhead;
    if (producers.compression().codec() > v1::Compression::NONE) {
      stored = RatioOf(producers.compression().ratio()) * stored;
    }
    const int64_t mean = (*rate)->MeanRate().micro_hertz();
    micro_hertz += mean;
    a_second += Bytes(MulDivFloor(stored.count(), mean, kMillion));
  }
  if (micro_hertz == 0) return ingress;
  ingress.rate = Rate::FromMicroHertz(micro_hertz);
  ingress.record_bytes = Bytes(MulDivCeil(a_second.count(), kMillion, micro_hertz));
  return ingress;
}

}  // namespace freshet
