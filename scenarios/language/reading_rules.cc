#include "scenarios/language/reading_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "scenarios/language/find_component.h"
#include "scenarios/language/subjects.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Reading;
using v1::Scenario;
using v1::SchemaRegistry;
namespace {

class ReadingCheck {
 public:
  ReadingCheck(const Scenario& scenario, const Places& places, Findings* findings)
      : scenario_(scenario), places_(places), findings_(findings) {}

  void Run() {
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      const Places& here = places_.In("component", static_cast<size_t>(i));
      if (component.consumers().has_reading()) {
        CheckConsumers(component.consumers(), here.In("consumers").In("reading"));
      } else if (component.connect().has_reading()) {
        CheckConnect(component.connect(), here.In("connect").In("reading"));
      }
      int sources = 0;
      for (int at = 0; at < component.stream_job().step_size(); ++at) {
        const v1::StreamSource& source = component.stream_job().step(at).source();
        if (!source.has_reading()) continue;
        const Places& place =
            here.In("stream_job").In("step", static_cast<size_t>(at)).In("source").In("reading");
        CheckAll(source.reading(), source.reads(), place);
        if (++sources == 2) {
          findings_->Error(place.place,
                           "the job has reading on two sources, and one policy; remove one");
        }
        NoWait("the job's restart strategy says when it starts again", place);
      }
    }
    for (int i = 0; i < scenario_.operation_size(); ++i) {
      if (!scenario_.operation(i).has_repair_reader()) continue;
      CheckRepair(scenario_.operation(i).repair_reader(),
                  places_.In("operation", static_cast<size_t>(i)).In("repair_reader"));
    }
  }

 private:
  void CheckConsumers(const v1::Consumers& consumers, const Places& here) {
    CheckAll(consumers.reading(), consumers.reads(), here);
    if (consumers.writes_to().empty()) {
      findings_->Error(here.place,
                       "reading is for members that write to a sink, where it shows what became "
                       "of the records; state writes_to, or remove it");
    }
  }

  void CheckConnect(const v1::Connect& connect, const Places& here) {
    const Reading& reading = connect.reading();
    CheckAll(reading, connect.reads(), here);
    if (here.Has("restart_wait")) NoWait("a task is FAILED until somebody restarts it", here);
    if (here.Has("on_unreadable") && reading.on_unreadable() != Reading::CORRUPT) {
      findings_->Error(here.In("on_unreadable").place,
                       "of a connector errors_tolerance and dead_letter_topic say that, but for "
                       "CORRUPT; remove it");
    } else if (reading.on_unreadable() == Reading::CORRUPT &&
               connect.errors_tolerance() == v1::Connect::ALL) {
      findings_->Error(here.In("on_unreadable").place,
                       "CORRUPT with errors_tolerance ALL: a record is either read wrong or left "
                       "out; keep one");
    }
  }

  void CheckAll(const Reading& reading, const std::string& topic, const Places& here) {
    const bool has_topic = !reading.dead_letter_topic().empty();
    if (has_topic && reading.on_unreadable() != Reading::DEAD_LETTER && !GetsDeadLetters(topic)) {
      findings_->Error(here.In("dead_letter_topic").place,
                       "nothing goes to dead_letter_topic; state on_unreadable: DEAD_LETTER, or "
                       "remove it");
    } else if (!has_topic && reading.on_unreadable() == Reading::DEAD_LETTER) {
      findings_->Error(here.In("on_unreadable").place,
                       "DEAD_LETTER needs a topic; state dead_letter_topic");
    } else if (has_topic && reading.dead_letter_topic() == topic) {
      findings_->Error(here.In("dead_letter_topic").place,
                       absl::StrCat("dead letters would come back in ", Quoted(topic),
                                    "; give them a topic of their own"));
    }
    if (reading.registry().empty()) {
      for (const char* field : {"subject", "version"}) {
        if (!here.Has(field)) continue;
        findings_->Error(here.In(field).place,
                         absl::StrCat(field, " is in no registry; state registry, or remove it"));
      }
      if (reading.on_unreadable() == Reading::CORRUPT) {
        findings_->Error(here.In("on_unreadable").place,
                         "CORRUPT without a registry: only poison is unreadable then, and nobody "
                         "can read it; state registry, or another policy");
      }
      return;
    }
    const SchemaRegistry::Subject* subject = SubjectIn(reading, topic, &here);
    if (subject != nullptr) CheckVersion(*subject, reading.version(), here, findings_);
  }

  // An operation turns some reader of the topic to DEAD_LETTER.
  bool GetsDeadLetters(const std::string& topic) const {
    for (const v1::Operation& operation : scenario_.operation()) {
      if (operation.repair_reader().on_unreadable() != Reading::DEAD_LETTER) continue;
      const Component* reader = FindComponent(scenario_, operation.repair_reader().reader());
      std::string read;
      if (reader != nullptr && ReadingOf(*reader, &read) != nullptr && read == topic) return true;
    }
    return false;
  }

  void NoWait(absl::string_view why, const Places& here) {
    if (!here.Has("restart_wait")) return;
    findings_->Error(here.In("restart_wait").place,
                     absl::StrCat("restart_wait is for consumers; ", why, "; remove restart_wait"));
  }

  const SchemaRegistry::Subject* SubjectIn(const Reading& reading, const std::string& topic,
                                           const Places* here) {
    return FindSubject(scenario_, reading.registry(), SubjectOf(reading, topic), here, findings_);
  }

  void CheckRepair(const v1::RepairReader& repair, const Places& here) {
    if (!repair.has_version() && !repair.has_on_unreadable() && !repair.redrive()) {
      findings_->Error(here.place,
                       "the repair changes nothing; state version, on_unreadable or redrive");
    }
    const Component* reader = FindComponent(scenario_, repair.reader());
    if (reader == nullptr) return;  // Told with the references.
    std::string topic;
    const Reading* reading = ReadingOf(*reader, &topic);
    if (reading == nullptr) {
      findings_->Error(here.In("reader").place,
                       absl::StrCat(Quoted(repair.reader()),
                                    " has no reading; give it one, or name another reader"));
      return;
    }
    CheckRepairOf(*reader, *reading, topic, repair, here);
  }

  void CheckRepairOf(const Component& component, const Reading& reading, const std::string& topic,
                     const v1::RepairReader& repair, const Places& here) {
    if (repair.has_version() && reading.registry().empty()) {
      findings_->Error(here.In("version").place,
                       absl::StrCat(Quoted(repair.reader()),
                                    " reads without a schema; state registry in its reading"));
    } else if (repair.has_version()) {
      const SchemaRegistry::Subject* subject = SubjectIn(reading, topic, nullptr);
      if (subject != nullptr) CheckVersion(*subject, repair.version(), here, findings_);
    }
    const bool has_topic = component.has_connect()
                               ? !component.connect().dead_letter_topic().empty()
                               : !reading.dead_letter_topic().empty();
    if (repair.on_unreadable() == Reading::DEAD_LETTER && !has_topic) {
      findings_->Error(
          here.In("on_unreadable").place,
          absl::StrCat(Quoted(repair.reader()), " has no dead_letter_topic; state one there"));
    }
    if (repair.redrive() && component.has_stream_job()) {
      findings_->Error(here.In("redrive").place,
                       "a stream job has moved on past what was set aside, and its windows are "
                       "closed; remove redrive");
    }
  }

  const Scenario& scenario_;
  const Places& places_;
  Findings* const findings_;
};

}  // namespace

std::string SubjectOf(const Reading& reading, const std::string& topic) {
  return reading.subject().empty() ? absl::StrCat(topic, "-value") : reading.subject();
}

const Reading* ReadingOf(const Component& component, std::string* topic) {
  if (component.consumers().has_reading()) {
    *topic = component.consumers().reads();
    return &component.consumers().reading();
  }
  if (component.connect().has_reading()) {
    *topic = component.connect().reads();
    return &component.connect().reading();
  }
  for (const v1::StreamOperator& step : component.stream_job().step()) {
    if (!step.source().has_reading()) continue;
    *topic = step.source().reads();
    return &step.source().reading();
  }
  return nullptr;
}

void CheckReaders(const Scenario& scenario, const Places& places, Findings* findings) {
  ReadingCheck(scenario, places, findings).Run();
}

}  // namespace freshet
