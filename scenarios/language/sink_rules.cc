#include "scenarios/language/sink_rules.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/find_component.h"
#include "scenarios/language/group_rules.h"
#include "scenarios/language/job_rules.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Consumers;
using v1::Scenario;
namespace {

class SinkCheck {
 public:
  SinkCheck(const Scenario& scenario, Findings* findings)
      : scenario_(scenario), findings_(findings) {}

  void Check(const Component& component, const Places& all) {
    if (component.has_consumers()) CheckWriters(component, all.In("consumers"));
    if (component.has_stream_job()) {
      for (int at = 0; at < component.stream_job().step_size(); ++at) {
        if (component.stream_job().step(at).has_sink()) {
          CheckJobSink(component, at, all.In("stream_job").In("step", at));
        }
      }
    }
    if (component.has_dashboard()) CheckDashboard(component.dashboard(), all.In("dashboard"));
    if (!IsSink(component)) return;
    CheckIsWritten(component, all);
    if (component.has_lakehouse_sink()) {
      CheckLakehouse(component, all.In("lakehouse_sink"));
    } else if (component.has_olap_store()) {
      CheckOlap(component.olap_store(), all.In("olap_store"));
    } else if (component.has_object_archive()) {
      CheckArchive(component.object_archive(), all.In("object_archive"));
    }
  }

 private:
  void CheckWriters(const Component& component, const Places& here) {
    const Consumers& consumers = component.consumers();
    if (consumers.writes_to().empty()) {
      for (const char* field : {"sink_retry_backoff", "sink_commit_interval", "sink_fencing"}) {
        if (!here.Has(field) || IsDefault(scenario_, consumers, field)) continue;
        findings_->Error(here.In(field).place,
                         absl::StrCat(field,
                                      " is for members that write to a sink; state "
                                      "writes_to, or remove it"));
      }
      return;
    }
    const Places& to = here.In("writes_to");
    const Component* sink = FindComponent(scenario_, consumers.writes_to());
    if (sink == nullptr) return;  // Told with the references.
    if (!CheckIsSink(*sink, to)) return;
    if (consumers.assignment() != Consumers::SUBSCRIBE) {
      findings_->Error(to.place,
                       "members that write to a sink have a life of their own; state "
                       "assignment: SUBSCRIBE");
    }
    if (!IsTransactional(*sink)) return;
    if (consumers.group_protocol() == Consumers::CONSUMER ||
        consumers.assignor() == Consumers::COOPERATIVE_STICKY) {
      findings_->Error(to.place,
                       absl::StrCat("to the transactional sink ", Quoted(sink->name()),
                                    " members have to give up all partitions at once; state "
                                    "group_protocol: CLASSIC and assignor: RANGE"));
    }
    if (consumers.application_commits() == Consumers::BEFORE_PROCESSING) {
      findings_->Error(here.In("application_commits").place,
                       absl::StrCat("to the transactional sink ", Quoted(sink->name()),
                                    " offsets are committed after its commits; remove "
                                    "BEFORE_PROCESSING"));
    }
  }

  bool CheckIsSink(const Component& named, const Places& here) {
    if (IsSink(named)) return true;
    findings_->Error(here.place,
                     named.has_lakehouse_table()
                         ? absl::StrCat(Quoted(named.name()),
                                        " is a table; name a component { lakehouse_sink { table: ",
                                        Quoted(named.name()), " ... } } that writes it")
                         : absl::StrCat(Quoted(named.name()),
                                        " is no sink; name a database, serving_store, "
                                        "lakehouse_sink, olap_store, search_index, warehouse or "
                                        "object_archive"));
    return false;
  }

  void CheckJobSink(const Component& component, int at, const Places& step) {
    const v1::StreamJob& job = component.stream_job();
    const Places& here = step.In("sink").In("name");
    const Component* sink = FindComponent(scenario_, job.step(at).sink().name());
    if (sink == nullptr) return;  // Told with the references.
    if (!CheckIsSink(*sink, here)) return;
    if (IsTransactional(*sink) && !job.has_checkpoints()) {
      findings_->Error(here.place,
                       absl::StrCat("the transactional sink ", Quoted(sink->name()),
                                    " commits with checkpoints, and the job has none; add "
                                    "checkpoints { interval: ... }, or name a sink that shows "
                                    "what it is written at once"));
    }
    for (const auto& [topic, ways] : WaysTo(job, at)) {
      if (ways < 2) continue;
      findings_->Error(
          step.place,
          absl::StrCat("records of topic ", Quoted(topic), " come to ", Quoted(sink->name()),
                       " by more than one way, and would be there twice; give each "
                       "way a sink of its own"));
    }
  }

  // By topic: on how many ways through the job its records come to operator `at`; two are many.
  static std::map<std::string, int> WaysTo(const v1::StreamJob& job, int at) {
    std::vector<std::map<std::string, int>> ways(static_cast<size_t>(at) + 1);
    for (int i = 0; i <= at; ++i) {
      auto& own = ways[static_cast<size_t>(i)];
      if (job.step(i).has_source()) own[job.step(i).source().reads()] = 1;
      for (const int input : InputsOf(job, i)) {
        for (const auto& [topic, count] : ways[static_cast<size_t>(input)]) {
          own[topic] = std::min(2, own[topic] + count);
        }
      }
    }
    return ways.back();
  }

  bool IsJob(const std::string& name) const {
    const Component* component = FindComponent(scenario_, name);
    return component != nullptr && (component->has_stream_job() || component->has_streams_app() ||
                                    component->has_spark_query());
  }

  void CheckIsWritten(const Component& component, const Places& all) {
    const std::vector<std::string> writers = WritersOf(scenario_, component.name());
    if (writers.empty()) {
      findings_->Error(all.place,
                       absl::StrCat("nobody writes to the sink ", Quoted(component.name()),
                                    "; name it in writes_to of consumers or connect, or in step { "
                                    "sink { name: ... } } of a stream job, or remove it"));
    } else if (writers.size() > 1 && (IsJob(writers[0]) || IsJob(writers[1]))) {
      findings_->Error(
          all.place,
          writers[0] == writers[1]
              ? absl::StrCat("two steps of ", Quoted(writers[0]), " write to ",
                             Quoted(component.name()), "; give each a sink of its own")
              : absl::StrCat(Quoted(writers[0]), " and ", Quoted(writers[1]), " write to ",
                             Quoted(component.name()),
                             ", and a job goes back as if it were alone there; give each a sink "
                             "of its own"));
    } else if (writers.size() > 1 && IsTransactional(component)) {
      findings_->Error(
          all.place, absl::StrCat(Quoted(writers[0]), " and ", Quoted(writers[1]),
                                  " would commit epochs of their own in ", Quoted(component.name()),
                                  "; give each a sink of its own"));
    }
  }

  void CheckLakehouse(const Component& component, const Places& here) {
    const std::string& name = component.lakehouse_sink().table();
    const Component* table = FindComponent(scenario_, name);
    if (table == nullptr) return;  // Told with the references.
    if (!table->has_lakehouse_table()) {
      findings_->Error(
          here.In("table").place,
          absl::StrCat(Quoted(name), " is no table; name a component { lakehouse_table { ... } }"));
      return;
    }
    for (const v1::Topic& topic : scenario_.topic()) {
      if (topic.table_topic().table() != name) continue;
      findings_->Error(here.In("table").place,
                       absl::StrCat("topic ", Quoted(topic.name()), " goes into ", Quoted(name),
                                    " already; give each a table of its own"));
    }
    const auto [first, is_new] = tables_.emplace(name, component.name());
    if (!is_new) {
      findings_->Error(here.In("table").place,
                       absl::StrCat(Quoted(first->second), " writes ", Quoted(name),
                                    " already; give each a table of its own"));
    }
    if (component.lakehouse_sink().has_overwrite_partitions()) CheckOverwrite(component, here);
  }

  void CheckOverwrite(const Component& component, const Places& here) {
    const v1::OverwritePartitions& over = component.lakehouse_sink().overwrite_partitions();
    const Places& place = here.In("overwrite_partitions");
    if (here.Has("open_partitions") && component.lakehouse_sink().open_partitions() > 1) {
      findings_->Error(here.In("open_partitions").place,
                       "open_partitions are those of partition_width when partitions are "
                       "overwritten; remove one of the two");
    }
    for (const Component& writer : scenario_.component()) {
      if (writer.connect().writes_to() == component.name()) {
        findings_->Error(
            place.place,
            absl::StrCat("the connector ", Quoted(writer.name()),
                         " appends and cannot overwrite; let consumers write to ",
                         Quoted(component.name()), ", or remove overwrite_partitions"));
      }
      for (const auto* steps : {&writer.stream_job().step(), &writer.streams_app().step()}) {
        for (const v1::StreamOperator& step : *steps) {
          if (step.sink().name() != component.name()) continue;
          findings_->Error(
              place.place,
              absl::StrCat("a streaming job such as ", Quoted(writer.name()),
                           " cannot overwrite, a batch can; let consumers write to ",
                           Quoted(component.name()), ", or remove overwrite_partitions"));
        }
      }
      if (writer.consumers().writes_to() != component.name()) continue;
      const auto width = AmountOf(UNIT_DURATION, over.partition_width());
      const auto interval = AmountOf(UNIT_DURATION, writer.consumers().sink_commit_interval());
      if (over.rows() == v1::OverwritePartitions::NEW_ONLY && width && interval &&
          *interval < *width) {
        findings_->Warning(
            place.In("rows").place,
            absl::StrCat("rows: NEW_ONLY with commits every ",
                         writer.consumers().sink_commit_interval(), " drops what partitions of ",
                         over.partition_width(), " had from earlier commits; is that meant?"));
      }
    }
  }

  void CheckOlap(const v1::OlapStore& olap, const Places& here) {
    if (olap.parts_to_delay_insert() >= olap.parts_to_throw_insert()) {
      findings_->Error(here.In(here.Has("parts_to_delay_insert") ? "parts_to_delay_insert"
                                                                 : "parts_to_throw_insert")
                           .place,
                       absl::StrCat("parts_to_delay_insert ", olap.parts_to_delay_insert(),
                                    " is not below parts_to_throw_insert ",
                                    olap.parts_to_throw_insert(), "; lower it"));
    }
    const auto least = AmountOf(UNIT_DURATION, olap.min_delay_to_insert());
    const auto most = AmountOf(UNIT_DURATION, olap.max_delay_to_insert());
    if (least && most && *least > *most) {
      findings_->Error(
          here.In(here.Has("min_delay_to_insert") ? "min_delay_to_insert" : "max_delay_to_insert")
              .place,
          absl::StrCat("min_delay_to_insert ", olap.min_delay_to_insert(),
                       " is above max_delay_to_insert ", olap.max_delay_to_insert(), "; lower it"));
    }
  }

  void CheckArchive(const v1::ObjectArchive& archive, const Places& here) {
    if (archive.bucket().preset() != v1::ObjectStorage::EXPRESS_ONE_ZONE) return;
    findings_->Error(here.In("bucket").In("preset").place,
                     "an archive lies in a bucket of the region, not in EXPRESS_ONE_ZONE; write "
                     "REALISTIC or OPTIMISTIC_2019");
  }

  void CheckDashboard(const v1::Dashboard& dashboard, const Places& here) {
    const Component* sink = FindComponent(scenario_, dashboard.from());
    if (sink != nullptr && !IsSink(*sink)) {
      findings_->Error(
          here.In("from").place,
          absl::StrCat(Quoted(dashboard.from()), " is no sink; name one that somebody writes to"));
    }
    if (!dashboard.label_after().empty() && dashboard.label() <= v1::Dashboard::NO_LABEL) {
      findings_->Error(here.In("label_after").place,
                       "label_after has no label; state label: DATA_TIME, or remove it");
    }
    const auto after = AmountOf(UNIT_DURATION, dashboard.label_after());
    const auto target = AmountOf(UNIT_DURATION, dashboard.target());
    if (after && target && *after > *target) {
      findings_->Warning(
          here.In("label_after").place,
          absl::StrCat("label_after ", dashboard.label_after(), " is above target ",
                       dashboard.target(), ": what is stale is silent until then; is that meant?"));
    }
  }

  const Scenario& scenario_;
  Findings* const findings_;
  std::map<std::string, std::string> tables_;  // And by which sink.
};

}  // namespace

bool IsSink(const Component& component) {
  switch (component.kind_case()) {
    case Component::kDatabase:
    case Component::kServingStore:
    case Component::kLakehouseSink:
    case Component::kOlapStore:
    case Component::kSearchIndex:
    case Component::kWarehouse:
    case Component::kObjectArchive:
      return true;
    default:
      return false;
  }
}

bool IsTransactional(const Component& component) {
  return component.has_lakehouse_sink() || component.has_object_archive() ||
         (component.has_database() && component.database().mode() == v1::Database::TRANSACTION);
}

std::vector<std::string> WritersOf(const Scenario& scenario, absl::string_view sink) {
  std::vector<std::string> writers;
  for (const Component& component : scenario.component()) {
    if (component.consumers().writes_to() == sink || component.connect().writes_to() == sink) {
      writers.push_back(component.name());
    }
    for (const auto* steps : {&component.stream_job().step(), &component.streams_app().step(),
                              &component.spark_query().step()}) {
      for (const v1::StreamOperator& each : *steps) {
        if (each.sink().name() == sink) writers.push_back(component.name());
      }
    }
  }
  return writers;
}

const Component* SinkOfTable(const Scenario& scenario, absl::string_view table) {
  for (const Component& component : scenario.component()) {
    if (component.has_lakehouse_sink() && component.lakehouse_sink().table() == table) {
      return &component;
    }
  }
  return nullptr;
}

void CheckSinks(const Scenario& scenario, const Places& places, Findings* findings) {
  SinkCheck check(scenario, findings);
  for (int i = 0; i < scenario.component_size(); ++i) {
    check.Check(scenario.component(i), places.In("component", i));
  }
}

int64_t PredictedSinkEvents(const Scenario& scenario) {
  const auto run_for = AmountOf(UNIT_DURATION, scenario.run_for());
  if (!run_for) return 0;
  constexpr Wide kMost = Wide{1} << 60;
  Wide events = 0;
  // Of a timer.
  const auto each = [&](const std::string& interval, int64_t most_often) {
    const auto amount = AmountOf(UNIT_DURATION, interval);
    if (amount) events += *run_for / std::max(*amount, most_often) + 1;
  };
  constexpr int64_t kMillisecond = 1'000'000;
  for (const Component& component : scenario.component()) {
    if (IsSink(component)) each("1s", kMillisecond);
    if (component.has_search_index()) {
      each(component.search_index().refresh_interval(), kMillisecond);
    }
    if (component.has_warehouse()) each(component.warehouse().load_interval(), kMillisecond);
    if (component.has_dashboard()) {
      each(component.dashboard().refresh_interval(), kMillisecond);
      each("1s", kMillisecond);
    }
    if (component.has_connect()) each(component.connect().commit_interval(), kMillisecond);
    if (!component.consumers().writes_to().empty()) {
      each(component.consumers().sink_commit_interval(), kMillisecond);
    }
  }
  return static_cast<int64_t>(std::min<Wide>(events, kMost));
}

}  // namespace freshet
