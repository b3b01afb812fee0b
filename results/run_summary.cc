#include "results/run_summary.h"

#include <xxhash.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "results/metric_window.h"
#include "sim/histogram.h"

namespace freshet {
namespace {

constexpr NamedPercentile kPercentiles[] = {
    {"p5", 5, 100},       {"p10", 10, 100},     {"p25", 25, 100},        {"p50", 50, 100},
    {"p75", 75, 100},     {"p90", 90, 100},     {"p95", 95, 100},        {"p99", 99, 100},
    {"p99_5", 995, 1000}, {"p99_9", 999, 1000}, {"p99_99", 9999, 10000},
};

void FillPhase(Metric& metric, Phase phase, MetricRow* row) {
  MetricPhase message;
  switch (metric.def().kind) {
    case MetricKind::kCounter:
      message.set_total(static_cast<const Counter&>(metric).InPhase(phase));
      if (message.total() == 0) return;
      break;
    case MetricKind::kGauge: {
      const Gauge::PhaseStats& stats = static_cast<const Gauge&>(metric).InPhase(phase);
      if (stats.nanos == 0 && stats.max == 0) return;
      *message.mutable_sum() = ToMessage(stats.integral);
      message.set_nanos(stats.nanos);
      message.set_max(stats.max);
      break;
    }
    case MetricKind::kDistribution: {
      const Histogram* histogram = static_cast<const Distribution&>(metric).InPhase(phase);
      if (histogram == nullptr || histogram->count() == 0) return;
      *message.mutable_sum() = ToMessage(histogram->sum());
      message.set_count(histogram->count());
      message.set_min(histogram->min());
      message.set_max(histogram->max());
      for (const Histogram::Filled& filled : histogram->FilledBuckets()) {
        HistogramBucket* bucket = message.add_bucket();
        bucket->set_bucket(filled.bucket);
        bucket->set_count(filled.count);
      }
      break;
    }
  }
  message.set_phase(MessageOf(phase));
  *row->add_phase() = std::move(message);
}

MetricRow CollectMetric(const Simulation& sim, Metric& metric) {
  MetricRow row;
  row.set_name(metric.def().name);
  row.set_owner(sim.NameOf(metric.owner()));
  row.set_help(metric.def().help);
  row.set_kind(MessageOf(metric.def().kind));
  row.set_measure(MessageOf(metric.def().unit));
  row.set_billable(metric.def().billable == Billable::kYes);
  if (metric.def().kind == MetricKind::kGauge) static_cast<Gauge&>(metric).Settle();
  row.set_value(metric.Value());
  for (int phase = 0; phase < kPhaseCount; ++phase) {
    FillPhase(metric, static_cast<Phase>(phase), &row);
  }
  return row;
}

SeriesTable CollectSeries(const Simulation& sim, const Metric& metric) {
  SeriesTable table;
  table.set_metric(metric.def().name);
  table.set_owner(sim.NameOf(metric.owner()));
  table.set_width_ns(metric.series().width().nanos());
  for (const SeriesBucket& bucket : metric.series().buckets()) {
    table.add_count(bucket.count);
    table.add_sum_high(static_cast<int64_t>(bucket.sum >> 64));
    table.add_sum_low(static_cast<uint64_t>(bucket.sum));
    table.add_max(bucket.max);
  }
  return table;
}

void AddValue(SummaryWindow* window, const char* statistic, double value,
              SummaryValue::Exactness exactness = SummaryValue::EXACT, double relative_error = 0) {
  SummaryValue* row = window->add_value();
  row->set_statistic(statistic);
  row->set_exactness(exactness);
  if (exactness == SummaryValue::NOT_CONVERGED) return;
  row->set_value(value);
  row->set_relative_error(relative_error);
}

SummaryWindow SummariseWindow(const MetricTable& table, const MetricRow& row, Window window) {
  SummaryWindow summary;
  summary.set_window(NameOf(window));
  summary.set_nanos(LengthOf(table, window));
  const MetricWindow data(row, window);
  switch (row.kind()) {
    case MetricRow::COUNTER:
      AddValue(&summary, "total", static_cast<double>(data.total()));
      if (summary.nanos() > 0) {
        AddValue(&summary, "rate",
                 static_cast<double>(data.total()) * 1e9 / static_cast<double>(summary.nanos()));
      }
      break;
    case MetricRow::GAUGE:
      if (!data.HasValue()) break;
      AddValue(&summary, "mean", data.Mean());
      AddValue(&summary, "max", static_cast<double>(data.max()));
      break;
    default:
      summary.set_count(data.count());
      if (!data.HasValue()) break;
      AddValue(&summary, "mean", data.Mean());
      AddValue(&summary, "min", static_cast<double>(data.min()));
      for (const NamedPercentile& p : kPercentiles) {
        const bool converged = data.Converged(p.numerator, p.denominator);
        AddValue(&summary, p.name, static_cast<double>(data.Quantile(p.numerator, p.denominator)),
                 converged ? SummaryValue::APPROXIMATE : SummaryValue::NOT_CONVERGED,
                 table.histogram_relative_error());
      }
      AddValue(&summary, "max", static_cast<double>(data.max()));
      break;
  }
  return summary;
}

}  // namespace

MetricRow::Kind MessageOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return MetricRow::COUNTER;
    case MetricKind::kGauge:
      return MetricRow::GAUGE;
    case MetricKind::kDistribution:
      return MetricRow::DISTRIBUTION;
  }
  return MetricRow::KIND_UNSPECIFIED;
}

MetricRow::Measure MessageOf(MetricUnit unit) {
  switch (unit) {
    case MetricUnit::kCount:
      return MetricRow::COUNT;
    case MetricUnit::kBytes:
      return MetricRow::BYTES;
    case MetricUnit::kDuration:
      return MetricRow::NANOSECONDS;
    case MetricUnit::kRatioBillionths:
      return MetricRow::BILLIONTHS;
  }
  return MetricRow::MEASURE_UNSPECIFIED;
}

MetricPhase::Phase MessageOf(Phase phase) {
  switch (phase) {
    case Phase::kWarmUp:
      return MetricPhase::WARM_UP;
    case Phase::kBeforeFaults:
      return MetricPhase::BEFORE_FAULTS;
    case Phase::kDuringFaults:
      return MetricPhase::DURING_FAULTS;
    case Phase::kAfterFaults:
      return MetricPhase::AFTER_FAULTS;
  }
  return MetricPhase::PHASE_UNSPECIFIED;
}

absl::Span<const NamedPercentile> SummaryPercentiles() { return kPercentiles; }

RunResults CollectResults(Simulation& sim, absl::Span<const PhaseChange> phases,
                          absl::string_view resolution_note) {
  RunResults results;
  const Digests digests = sim.FinishDigests();
  results.digest.set_order(digests.order);
  results.digest.set_full(digests.full);
  results.digest.set_result(digests.result);
  results.digest.set_checkpoint_spacing(sim.digest().CheckpointSpacing());
  for (const uint64_t checkpoint : sim.digest().Checkpoints()) {
    results.digest.add_checkpoint(checkpoint);
  }
  results.events_fired = sim.EventsFired();

  MetricTable& table = results.metrics;
  table.set_ended_at_ns(sim.Now().nanos());
  table.set_histogram_relative_error(Histogram::kRelativeError);
  table.set_resolution_note(std::string(resolution_note));
  Time from;
  Phase phase = MetricClock().phase;
  const auto close_span = [&](Time until) {
    if (until <= from) return;
    PhaseSpan* span = table.add_span();
    span->set_phase(MessageOf(phase));
    span->set_from_ns(from.nanos());
    span->set_until_ns(until.nanos());
    from = until;
  };
  for (const PhaseChange& change : phases) {
    close_span(std::min(change.at, sim.Now()));
    if (change.at > sim.Now()) break;  // The run ended before.
    phase = change.phase;
  }
  close_span(sim.Now());

  for (const auto& metric : sim.metrics().All()) {
    *table.add_metric() = CollectMetric(sim, *metric);
    if (!metric->series().buckets().empty()) {
      results.series.push_back(CollectSeries(sim, *metric));
    }
  }
  return results;
}

void CollectWaterfall(const Simulation& sim, absl::string_view owner, const Waterfall& waterfall,
                      RunResults* results) {
  WaterfallTable* table = results->metrics.add_waterfall();
  table->set_owner(std::string(owner));
  table->set_records(waterfall.records());
  *table->mutable_end_to_end() = ToMessage(waterfall.EndToEnd());
  for (const Waterfall::Row& row : waterfall.Rows()) {
    WaterfallRow* added = table->add_row();
    added->set_until(std::string(NameOf(row.until)));
    added->set_wait(row.wait);
    added->set_why(std::string(NameOf(row.why)));
    added->set_resource(sim.NameOf(row.resource));
    if (row.blocker != 0) added->set_blocker(sim.NameOf(row.blocker));
    *added->mutable_total() = ToMessage(row.total);
    added->set_records(row.records);
    added->set_max_ns(row.max);
  }
  const auto add = [&](const char* name, const Waterfall::Exemplar& trail) {
    if (trail.records == 0) return;
    WaterfallExemplar* added = table->add_exemplar();
    added->set_name(name);
    added->set_length_ns(trail.length.nanos());
    for (const Segment& each : trail.segments) {
      WaterfallSegment* segment = added->add_segment();
      segment->set_until(std::string(NameOf(each.until)));
      segment->set_wait(each.wait);
      segment->set_why(std::string(NameOf(each.why)));
      segment->set_resource(sim.NameOf(each.resource));
      if (each.blocker != 0) segment->set_blocker(sim.NameOf(each.blocker));
      segment->set_length_ns(each.length.nanos());
    }
  };
  add("p50", waterfall.At(50, 100));
  add("p99", waterfall.At(99, 100));
  add("max", waterfall.Longest());
  table->set_sampled(waterfall.sampled());
}

namespace {

// The text is canonical, as it is printed: a block of the top level ends with the first brace that
// stands at the beginning of a line.
uint64_t AddressButResolution(absl::string_view text) {
  const std::string whole = absl::StrCat("\n", text);
  std::string rest = whole;
  const size_t begin = whole.find("\nresolution {");
  const size_t end = begin == std::string::npos ? begin : whole.find("\n}\n", begin);
  if (end != std::string::npos) rest.erase(begin, end + 2 - begin);
  return XXH3_64bits(rest.data(), rest.size());
}

}  // namespace

RunSummary Summarise(const RunRecordHeader& header, const RunResults& results) {
  RunSummary summary;
  summary.set_schema_version(1);
  summary.set_scenario(header.scenario());
  summary.set_variant(header.variant());
  summary.set_seed(header.seed());
  summary.set_scenario_address(header.scenario_address());
  summary.set_kafka_version(header.kafka_version());
  summary.set_model_revision(header.model_revision());
  const MetricTable& table = results.metrics;
  summary.set_simulated_ns(table.ended_at_ns());
  summary.set_events_fired(results.events_fired);
  summary.set_order_digest(results.digest.order());
  summary.set_full_digest(results.digest.full());
  summary.set_result_digest(results.digest.result());
  summary.set_resolution_note(table.resolution_note());
  summary.set_address_but_resolution(AddressButResolution(header.scenario_text()));
  summary.set_histogram_relative_error(table.histogram_relative_error());
  *summary.mutable_verdict() = results.verdict;
  *summary.mutable_fault() = table.fault();
  *summary.mutable_operation() = table.operation();
  *summary.mutable_waterfall() = table.waterfall();
  if (table.has_bill()) *summary.mutable_bill() = table.bill();

  // A run in one phase after its warm-up would say everything twice.
  std::vector<Window> windows = {Window::kAfterWarmUp};
  for (const Window window :
       {Window::kWarmUp, Window::kBeforeFaults, Window::kDuringFaults, Window::kAfterFaults}) {
    const int64_t length = LengthOf(table, window);
    if (length > 0 && length != LengthOf(table, Window::kAfterWarmUp)) windows.push_back(window);
  }
  std::vector<const MetricRow*> rows;
  for (const MetricRow& row : table.metric()) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](const MetricRow* a, const MetricRow* b) {
    return std::tie(a->owner(), a->name()) < std::tie(b->owner(), b->name());
  });
  for (const MetricRow* row : rows) {
    SummaryMetric* metric = summary.add_metric();
    metric->set_name(row->name());
    metric->set_owner(row->owner());
    metric->set_kind(row->kind());
    metric->set_measure(row->measure());
    metric->set_help(row->help());
    for (const Window window : windows) {
      *metric->add_window() = SummariseWindow(table, *row, window);
    }
  }
  return summary;
}

absl::StatusOr<RunSummary> Summarise(const RunRecord& record) {
  if (!record.complete()) {
    return absl::FailedPreconditionError(
        absl::StrCat(record.problem(), "; an incomplete record has no results"));
  }
  return Summarise(record.header(), record.results());
}

const SummaryValue* FindValue(const SummaryWindow& window, absl::string_view statistic) {
  for (const SummaryValue& value : window.value()) {
    if (statistic == value.statistic()) return &value;
  }
  return nullptr;
}

const SummaryWindow* FindWindow(const SummaryMetric& metric, absl::string_view window) {
  for (const SummaryWindow& candidate : metric.window()) {
    if (window == candidate.window()) return &candidate;
  }
  return nullptr;
}

std::string FormatDigests(const Digests& digests) {
  return absl::StrFormat("digest order=%016x full=%016x result=%016x", digests.order, digests.full,
                         digests.result);
}

Digests DigestsOf(const RunSummary& summary) {
  return {summary.order_digest(), summary.full_digest(), summary.result_digest()};
}

}  // namespace freshet
