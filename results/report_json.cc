#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "results/json_writer.h"
#include "results/metric_window.h"
#include "results/report.h"
#include "results/report_bill.h"
#include "results/verdict.h"

namespace freshet {
namespace {

const char* NameOf(MetricRow::Kind kind) {
  switch (kind) {
    case MetricRow::COUNTER:
      return "counter";
    case MetricRow::GAUGE:
      return "gauge";
    default:
      return "distribution";
  }
}

const char* UnitOf(MetricRow::Measure measure) {
  switch (measure) {
    case MetricRow::NANOSECONDS:
      return "ns";
    case MetricRow::BYTES:
      return "bytes";
    case MetricRow::BILLIONTHS:
      return "billionths";
    default:
      return "count";
  }
}

const char* NameOf(ObjectiveVerdict::Outcome outcome) {
  switch (outcome) {
    case ObjectiveVerdict::MET:
      return "met";
    case ObjectiveVerdict::MISSED:
      return "missed";
    default:
      return "not_converged";
  }
}

void WriteObjective(const ObjectiveVerdict& verdict, JsonWriter& json) {
  json.BeginObject();
  json.Field("objective", Describe(verdict.objective()));
  json.Field("outcome", NameOf(verdict.outcome()));
  json.Field("metric", verdict.objective().metric());
  json.Field("owner", verdict.owner());
  json.Field("unit", UnitOf(verdict.measure()));
  json.Field("per_second", verdict.per_second());
  json.Field("bound", static_cast<int64_t>(verdict.bound()));
  if (verdict.outcome() != ObjectiveVerdict::NOT_CONVERGED) {
    json.Field("value", static_cast<int64_t>(verdict.value()));
    json.Field("margin", static_cast<int64_t>(verdict.margin()));
    json.Field("margin_percent", verdict.margin_percent());
  }
  if (verdict.has_worst()) {
    json.Field("worst_minute", static_cast<int64_t>(verdict.worst_minute()));
    json.Field("worst_value", static_cast<int64_t>(verdict.worst_value()));
  }
  if (!verdict.note().empty()) json.Field("note", verdict.note());
  json.EndObject();
}

void WriteValue(const SummaryValue& value, JsonWriter& json) {
  json.BeginObject();
  json.Field("statistic", value.statistic());
  switch (value.exactness()) {
    case SummaryValue::NOT_CONVERGED:
      json.Field("label", "not_converged");
      break;
    case SummaryValue::APPROXIMATE:
      json.Field("value", value.value());
      json.Field("label", "approximate");
      json.Field("relative_error", value.relative_error());
      break;
    default:
      json.Field("value", value.value());
      json.Field("label", "exact");
      break;
  }
  json.EndObject();
}

void WriteMetric(const SummaryMetric& metric, JsonWriter& json) {
  json.BeginObject();
  json.Field("metric", metric.name());
  json.Field("owner", metric.owner());
  json.Field("kind", NameOf(metric.kind()));
  json.Field("unit", UnitOf(metric.measure()));
  json.Field("help", metric.help());
  json.Key("windows");
  json.BeginArray();
  for (const SummaryWindow& window : metric.window()) {
    json.BeginObject();
    json.Field("window", window.window());
    json.Field("length_ns", static_cast<int64_t>(window.nanos()));
    if (metric.kind() == MetricRow::DISTRIBUTION) {
      json.Field("count", static_cast<int64_t>(window.count()));
    }
    json.Key("values");
    json.BeginArray();
    for (const SummaryValue& value : window.value()) WriteValue(value, json);
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

void WriteFault(const FaultEffect& fault, JsonWriter& json) {
  json.BeginObject();
  json.Field("name", fault.name());
  json.Field("verb", fault.verb());
  json.Field("target", fault.target());
  json.Field("at_ns", static_cast<int64_t>(fault.at_ns()));
  json.Field("lasts_ns", static_cast<int64_t>(fault.lasts_ns()));
  json.Field("touched", static_cast<int64_t>(fault.touched()));
  json.EndObject();
}

void WriteOperation(const OperationOutcome& operation, JsonWriter& json) {
  json.BeginObject();
  json.Field("name", operation.name());
  json.Field("kind", operation.kind());
  json.Field("at_ns", static_cast<int64_t>(operation.at_ns()));
  json.Field("begun", operation.begun());
  json.Field("ended", operation.ended());
  json.Field("ended_ns", static_cast<int64_t>(operation.ended_ns()));
  json.Field("moves", static_cast<int64_t>(operation.moves()));
  json.Field("moves_done", static_cast<int64_t>(operation.moves_done()));
  json.EndObject();
}

void WriteHanging(const HangingTransaction& hanging, JsonWriter& json) {
  json.BeginObject();
  json.Field("transactional_id", hanging.transactional_id());
  json.Field("producer", static_cast<int64_t>(hanging.producer()));
  json.Field("topic", hanging.topic());
  json.Field("partition", static_cast<int64_t>(hanging.partition()));
  json.Field("since_ns", static_cast<int64_t>(hanging.since_ns()));
  json.Field("ended", hanging.ended());
  json.Field("ended_ns", static_cast<int64_t>(hanging.ended_ns()));
  json.Field("waits", absl::StrJoin(hanging.waits(), ", "));
  json.EndObject();
}

void WriteWaterfall(const WaterfallTable& waterfall, JsonWriter& json) {
  // Means, since the exact sums are in nanoseconds x records, which no JSON reader holds.
  const double records = waterfall.records() > 0 ? static_cast<double>(waterfall.records()) : 1;
  json.BeginObject();
  json.Field("owner", waterfall.owner());
  json.Field("records", static_cast<int64_t>(waterfall.records()));
  json.Field("end_to_end_ns_mean",
             static_cast<double>(FromMessage(waterfall.end_to_end())) / records);
  json.Key("segments");
  json.BeginArray();
  for (const WaterfallRow& row : waterfall.row()) {
    json.BeginObject();
    json.Field("until", row.until());
    json.Field("wait", row.wait());
    json.Field("why", row.why());
    json.Field("resource", row.resource());
    json.Field("blocker", row.blocker());
    json.Field("ns_mean", static_cast<double>(FromMessage(row.total())) / records);
    json.Field("ns_max", static_cast<int64_t>(row.max_ns()));
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

}  // namespace

void WriteJsonReport(const RunSummary& summary, const ReportOptions&, std::string* out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema_version", static_cast<int64_t>(summary.schema_version()));
  json.Field("scenario", summary.scenario());
  json.Field("variant", summary.variant());
  json.Field("seed", static_cast<uint64_t>(summary.seed()));
  json.Field("scenario_address", summary.scenario_address());
  json.Field("kafka_version", summary.kafka_version());
  json.Field("model_revision", summary.model_revision());
  json.Field("simulated_ns", static_cast<int64_t>(summary.simulated_ns()));
  json.Field("events_fired", static_cast<uint64_t>(summary.events_fired()));
  json.Field("seeds", 1);
  json.Field("resolution_note", summary.resolution_note());
  json.Key("digest");
  json.BeginObject();
  json.Field("order", absl::StrFormat("%016x", summary.order_digest()));
  json.Field("full", absl::StrFormat("%016x", summary.full_digest()));
  json.Field("result", absl::StrFormat("%016x", summary.result_digest()));
  json.EndObject();
  json.Key("verdict");
  json.BeginObject();
  json.Field("exit_code", static_cast<int64_t>(summary.verdict().exit_code()));
  json.Key("objectives");
  json.BeginArray();
  for (const ObjectiveVerdict& objective : summary.verdict().objective()) {
    WriteObjective(objective, json);
  }
  json.EndArray();
  json.EndObject();
  json.Key("faults");
  json.BeginArray();
  for (const FaultEffect& fault : summary.fault()) WriteFault(fault, json);
  json.EndArray();
  json.Key("operations");
  json.BeginArray();
  for (const OperationOutcome& operation : summary.operation()) WriteOperation(operation, json);
  json.EndArray();
  json.Key("hanging_transactions");
  json.BeginArray();
  for (const HangingTransaction& each : summary.hanging_transaction()) WriteHanging(each, json);
  json.EndArray();
  json.Key("waterfalls");
  json.BeginArray();
  for (const WaterfallTable& waterfall : summary.waterfall()) WriteWaterfall(waterfall, json);
  json.EndArray();
  if (summary.has_bill()) {
    json.Key("bill");
    WriteBill(summary.bill(), json);
  }
  json.Key("metrics");
  json.BeginArray();
  for (const SummaryMetric& metric : summary.metric()) WriteMetric(metric, json);
  json.EndArray();
  json.EndObject();
  out->push_back('\n');
}

}  // namespace freshet
