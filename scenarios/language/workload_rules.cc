#include "scenarios/language/workload_rules.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/subjects.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Payload;
using v1::Producers;
using v1::Scenario;
using v1::SchemaRegistry;
namespace {

constexpr int kMostClasses = 8;

class WorkloadCheck {
 public:
  WorkloadCheck(const Scenario& scenario, const Places& places, Findings* findings)
      : scenario_(scenario), places_(places), findings_(findings) {}

  void Run() {
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      const Places& here = places_.In("component", i);
      if (component.has_schema_registry()) {
        CheckRegistry(component.schema_registry(), here.In("schema_registry"));
      }
      if (!component.has_producers()) continue;
      const Producers& producers = component.producers();
      const Places& place = here.In("producers");
      if (producers.has_event_time()) {
        CheckEventTime(producers.event_time(), place.In("event_time"));
      }
      if (producers.has_schema()) CheckSchema(producers, place);
    }
    for (int i = 0; i < scenario_.operation_size(); ++i) {
      if (!scenario_.operation(i).has_deploy_producers()) continue;
      CheckDeployment(scenario_.operation(i).deploy_producers(),
                      places_.In("operation", i).In("deploy_producers"));
    }
  }

 private:
  void CheckEventTime(const v1::EventTime& text, const Places& here) {
    if (text.lateness().empty() && !text.has_clock_skew() && text.offline().empty()) {
      findings_->Warning(here.place,
                         "event_time says nothing; state lateness, clock_skew or offline");
    }
    if (text.lateness_size() > kMostClasses) {
      findings_->Error(here.In("lateness").place,
                       absl::StrCat("lateness has ", text.lateness_size(), " classes; at most ",
                                    kMostClasses, " are simulated, so merge some"));
    }
    bool all_zero = !text.lateness().empty();
    for (const v1::EventTime::Class& each : text.lateness()) {
      all_zero = all_zero && AmountOf(UNIT_RATIO, each.share()).value_or(1) == 0;
    }
    if (all_zero) {
      findings_->Error(here.In("lateness").place,
                       "all classes of lateness have the share 0; give one of them another");
    }
    if (here.Has("clocks_ahead") && !text.has_clock_skew()) {
      findings_->Warning(here.In("clocks_ahead").place,
                         "clocks_ahead changes nothing without clock_skew; state it, or remove "
                         "clocks_ahead");
    }
    for (int i = 0; i < text.offline_size(); ++i) {
      CheckOffline(text.offline(i), here.In("offline", static_cast<size_t>(i)));
    }
  }

  void CheckOffline(const v1::EventTime::Offline& offline, const Places& here) {
    const auto event = AmountOf(UNIT_DURATION, offline.event_at());
    const auto sent = AmountOf(UNIT_DURATION, offline.sent_at());
    const auto run_for = AmountOf(UNIT_DURATION, scenario_.run_for());
    if (event && sent && *event > *sent) {
      findings_->Error(here.In("sent_at").place,
                       absl::StrCat("sent_at ", offline.sent_at(), " is before event_at ",
                                    offline.event_at(), "; a record is sent after its event"));
    }
    if (sent && run_for && *sent >= *run_for) {
      findings_->Warning(here.In("sent_at").place,
                         absl::StrCat("sent_at ", offline.sent_at(), " is not before run_for ",
                                      scenario_.run_for(),
                                      ", so they are never sent; move it or lengthen the run"));
    }
  }

  void CheckRegistry(const SchemaRegistry& registry, const Places& here) {
    std::set<std::string> names;
    for (int i = 0; i < registry.subject_size(); ++i) {
      const SchemaRegistry::Subject& subject = registry.subject(i);
      const Places& place = here.In("subject", static_cast<size_t>(i));
      if (!names.insert(subject.name()).second) {
        findings_->Error(place.In("name").place, absl::StrCat("subject ", Quoted(subject.name()),
                                                              " is stated twice; merge the two"));
      }
      if (subject.format() == Payload::JSON) {
        findings_->Error(place.In("format").place,
                         "JSON without a schema has no subject; write AVRO, PROTOBUF or "
                         "JSON_SCHEMA");
      }
      CheckVersions(subject, place);
    }
  }

  void CheckVersions(const SchemaRegistry::Subject& subject, const Places& here) {
    std::set<uint32_t> numbers;
    for (int i = 0; i < subject.version_size(); ++i) {
      const SchemaRegistry::Version& version = subject.version(i);
      const Places& place = here.In("version", static_cast<size_t>(i));
      if (!numbers.insert(version.number()).second) {
        findings_->Error(place.In("number").place,
                         absl::StrCat("version ", version.number(), " of ", Quoted(subject.name()),
                                      " is stated twice; give one of them another number"));
      }
      std::set<std::string> fields;
      for (int k = 0; k < version.field_size(); ++k) {
        if (fields.insert(version.field(k).name()).second) continue;
        findings_->Error(place.In("field", static_cast<size_t>(k)).place,
                         absl::StrCat("field ", Quoted(version.field(k).name()),
                                      " is in the version twice; remove one"));
      }
    }
  }

  const SchemaRegistry::Subject* SubjectIn(const Producers& producers, const Places* here) {
    return FindSubject(scenario_, producers.schema().registry(), SubjectOf(producers), here,
                       findings_);
  }

  void CheckSchema(const Producers& producers, const Places& here) {
    const SchemaRegistry::Subject* subject = SubjectIn(producers, &here.In("schema"));
    if (subject == nullptr) return;
    CheckVersion(*subject, producers.schema().version(), here.In("schema"), findings_);
    const Payload::Format sent = producers.payload().format();
    if (producers.has_payload() && sent != Payload::FORMAT_UNSPECIFIED &&
        sent != subject->format()) {
      findings_->Error(here.In("payload").In("format").place,
                       absl::StrCat("the records are ", Payload::Format_Name(sent),
                                    ", and the subject ", Quoted(subject->name()), " is ",
                                    Payload::Format_Name(subject->format()), "; make them one"));
    }
  }

  void CheckDeployment(const v1::DeployProducers& deploy, const Places& here) {
    for (const Component& component : scenario_.component()) {
      if (component.name() != deploy.producers()) continue;
      if (!component.has_producers() || !component.producers().has_schema()) {
        findings_->Error(
            here.In("producers").place,
            absl::StrCat(Quoted(deploy.producers()),
                         component.has_producers() ? " has no schema; give it one"
                                                   : " is no component of producers; name one"));
        return;
      }
      const SchemaRegistry::Subject* subject = SubjectIn(component.producers(), nullptr);
      if (subject != nullptr) CheckVersion(*subject, deploy.version(), here, findings_);
      return;
    }
  }

  const Scenario& scenario_;
  const Places& places_;
  Findings* findings_;
};

}  // namespace

std::string SubjectOf(const Producers& producers) {
  if (!producers.schema().subject().empty()) return producers.schema().subject();
  return absl::StrCat(producers.topic(), "-value");
}

void CheckWorkload(const Scenario& scenario, const Places& places, Findings* findings) {
  WorkloadCheck(scenario, places, findings).Run();
}

}  // namespace freshet
