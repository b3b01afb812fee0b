#include "scenarios/language/assemble_workload.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/workload_rules.h"

namespace freshet {
namespace {

SchemaFormat FormatOf(v1::Payload::Format format) {
  if (format == v1::Payload::PROTOBUF) return SchemaFormat::kProtobuf;
  return format == v1::Payload::JSON_SCHEMA ? SchemaFormat::kJsonSchema : SchemaFormat::kAvro;
}

Compatibility CompatibilityOf(v1::SchemaRegistry::Compatibility text) {
  switch (text) {
    case v1::SchemaRegistry::BACKWARD_TRANSITIVE:
      return Compatibility::kBackwardTransitive;
    case v1::SchemaRegistry::FORWARD:
      return Compatibility::kForward;
    case v1::SchemaRegistry::FORWARD_TRANSITIVE:
      return Compatibility::kForwardTransitive;
    case v1::SchemaRegistry::FULL:
      return Compatibility::kFull;
    case v1::SchemaRegistry::FULL_TRANSITIVE:
      return Compatibility::kFullTransitive;
    case v1::SchemaRegistry::NONE:
      return Compatibility::kNone;
    default:
      return Compatibility::kBackward;
  }
}

Schema SchemaOf(const v1::SchemaRegistry::Version& text) {
  Schema schema;
  schema.version = static_cast<int32_t>(text.number());
  for (const v1::SchemaRegistry::Field& field : text.field()) {
    schema.fields.push_back({field.name(), field.type(), field.has_default()});
  }
  return schema;
}

}  // namespace

void SetEventTimes(const v1::Producers& text, Producers::Config* config) {
  config->poison_share = RatioOf(text.poison_share());
  if (!text.has_event_time()) return;
  const v1::EventTime& times = text.event_time();
  std::vector<EventTimes::Class> classes;
  for (const v1::EventTime::Class& each : times.lateness()) {
    classes.push_back({RatioOf(each.share()).ToDouble(), SamplerOf(each.delay())});
  }
  if (!classes.empty()) config->event_times = std::make_shared<EventTimes>(std::move(classes));
  if (times.has_clock_skew()) config->clock_skew = SamplerOf(times.clock_skew());
  config->clocks_ahead = RatioOf(times.clocks_ahead());
  for (const v1::EventTime::Offline& each : times.offline()) {
    config->offline.push_back({Time() + DurationOf(each.event_at()),
                               Time() + DurationOf(each.sent_at()),
                               static_cast<int64_t>(each.records())});
  }
  std::stable_sort(config->offline.begin(), config->offline.end(),
                   [](const auto& a, const auto& b) { return a.sent_at < b.sent_at; });
}

bool HasEventTimes(const v1::Scenario& scenario, const std::string& topic) {
  return std::any_of(scenario.component().begin(), scenario.component().end(),
                     [&topic](const v1::Component& component) {
                       return component.has_producers() && component.producers().topic() == topic &&
                              component.producers().has_event_time();
                     });
}

SchemaRegistry::Config RegistryOf(const v1::SchemaRegistry& text) {
  SchemaRegistry::Config config;
  config.request_latency = SamplerOf(text.request_latency());
  for (const v1::SchemaRegistry::Subject& each : text.subject()) {
    SchemaRegistry::Subject subject;
    subject.name = each.name();
    subject.format = FormatOf(each.format());
    const bool own = each.compatibility() != v1::SchemaRegistry::COMPATIBILITY_UNSPECIFIED;
    subject.compatibility = CompatibilityOf(own ? each.compatibility() : text.compatibility());
    for (const v1::SchemaRegistry::Version& version : each.version()) {
      subject.versions.push_back(SchemaOf(version));
    }
    config.subjects.push_back(std::move(subject));
  }
  return config;
}

void SetSchema(const v1::Producers& text, const Pipeline& pipeline, Producers::Config* config) {
  if (!text.has_schema()) return;
  SchemaRegistry* registry = pipeline.registries.at(text.schema().registry()).get();
  const SchemaRegistry::SubjectId subject = registry->SubjectOf(SubjectOf(text));
  const auto version = static_cast<int32_t>(text.schema().version());
  registry->BeginWith(subject, version);
  config->schema = {registry, subject, version, text.schema().auto_register()};
}

void SetDeployment(const v1::DeployProducers& text, const Pipeline& pipeline, OperationPlan* plan) {
  plan->kind = OperationKind::kDeployProducers;
  for (const auto& producers : pipeline.producers) {
    if (producers->name() == text.producers()) plan->producers = producers.get();
  }
  plan->schema_version = static_cast<int32_t>(text.version());
  plan->interval = DurationOf(text.interval());
  plan->rolls_back = text.on_refusal() != v1::DeployProducers::FAIL;
}

}  // namespace freshet
