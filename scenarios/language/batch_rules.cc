#include "scenarios/language/batch_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/sink_rules.h"
#include "scenarios/language/suggest.h"
#include "scenarios/language/transaction_rules.h"

namespace freshet {

using v1::BatchLane;
using v1::Component;
using v1::Scenario;
using v1::Topic;
namespace {

// What an application of Kafka Streams' kind puts into a sink is of the topic that its last
// sub-topology reads: of its source only where nothing changes keys.
bool WritesOfItsSource(const v1::StreamsApp& app, const std::string& topic,
                       const std::string& sink) {
  if (app.step().empty() || app.step(0).source().reads() != topic) return false;
  for (int i = 1; i < app.step_size(); ++i) {
    if (app.step(i).by_key()) return false;
  }
  return app.step(app.step_size() - 1).sink().name() == sink;
}

// Whether the component puts records of the topic into the sink.
bool Writes(const Component& component, const std::string& topic, const std::string& sink) {
  if (component.has_consumers()) {
    return component.consumers().reads() == topic && component.consumers().writes_to() == sink;
  }
  if (component.has_connect()) {
    return component.connect().reads() == topic && component.connect().writes_to() == sink;
  }
  if (component.has_streams_app()) {
    return WritesOfItsSource(component.streams_app(), topic, sink);
  }
  bool reads = false;
  bool writes = false;
  for (const v1::StreamOperator& step : component.stream_job().step()) {
    reads = reads || (step.has_source() && step.source().reads() == topic);
    writes = writes || (step.has_sink() && step.sink().name() == sink);
  }
  return reads && writes;
}

bool TransactionsWriteTo(const Component& component, const std::string& topic) {
  if (component.has_producers()) {
    return component.producers().topic() == topic && component.producers().has_transactions();
  }
  if (component.has_streams_app()) {
    const v1::StreamsApp& app = component.streams_app();
    return app.processing_guarantee() == v1::StreamsApp::EXACTLY_ONCE_V2 && !app.step().empty() &&
           app.step(app.step_size() - 1).to_topic().name() == topic;
  }
  const auto& steps = component.stream_job().step();
  return std::any_of(steps.begin(), steps.end(), [&topic](const v1::StreamOperator& step) {
    return step.has_topic() && step.topic().name() == topic && IsExactlyOnce(step);
  });
}

void Check(const Scenario& scenario, const BatchLane& lane, const Places& here,
           Findings* findings) {
  bool is_sink = false;
  bool known = false;
  bool written = false;
  bool transactions = false;
  for (const Component& component : scenario.component()) {
    if (component.name() == lane.compares()) {
      known = true;
      is_sink = IsSink(component);
    }
    transactions = transactions || TransactionsWriteTo(component, lane.reads());
    written = written || Writes(component, lane.reads(), lane.compares());
  }
  if (known && !is_sink) {
    findings->Error(here.In("compares").place,
                    absl::StrCat(Quoted(lane.compares()),
                                 " is no sink; name a database, serving_store, lakehouse_sink, "
                                 "olap_store, search_index, warehouse or object_archive"));
  } else if (known && !written) {
    findings->Error(
        here.In("compares").place,
        absl::StrCat("nobody writes ", Quoted(lane.reads()), " to ", Quoted(lane.compares()),
                     ": all of it would be missing; name the topic's sink"));
  }
  if (transactions && lane.isolation_level() != v1::Consumers::READ_COMMITTED) {
    findings->Error(here.In(here.Has("isolation_level") ? "isolation_level" : "reads").place,
                    absl::StrCat("transactions write to ", Quoted(lane.reads()),
                                 ", and a batch would count what they aborted; state "
                                 "isolation_level: READ_COMMITTED"));
  }
  const Topic* topic = FindTopic(scenario, lane.reads());
  const auto window = AmountOf(UNIT_DURATION, lane.window());
  const auto delay = AmountOf(UNIT_DURATION, lane.start_delay());
  const auto run_for = AmountOf(UNIT_DURATION, scenario.run_for());
  if (window && delay && run_for && Wide{*window} + *delay >= Wide{*run_for}) {
    findings->Warning(
        here.In("window").place,
        absl::StrCat("the first job starts ", lane.start_delay(), " after a window of ",
                     lane.window(), ", not within run_for ", scenario.run_for(),
                     ": nothing is compared; shorten one of them"));
  }
  if (topic == nullptr) return;
  const auto retention = AmountOf(UNIT_DURATION, topic->retention());
  if (window && delay && retention && Wide{*window} + *delay > Wide{*retention}) {
    findings->Warning(here.In("window").place,
                      absl::StrCat("a job reads what is up to a window of ", lane.window(), " and ",
                                   lane.start_delay(), " old, and retention is ",
                                   topic->retention(), ": is it still there?"));
  }
  if (lane.tasks() > topic->partitions() && topic->partitions() > 0) {
    findings->Warning(
        here.In("tasks").place,
        absl::StrCat("tasks ", lane.tasks(), " is above the ", topic->partitions(),
                     topic->partitions() == 1 ? " partition" : " partitions", " of ",
                     Quoted(topic->name()), ": the rest has nothing to do; lower it"));
  }
}

}  // namespace

void CheckBatchLanes(const Scenario& scenario, const Places& places, Findings* findings) {
  for (int i = 0; i < scenario.component_size(); ++i) {
    const Component& component = scenario.component(i);
    if (!component.has_batch_lane()) continue;
    Check(scenario, component.batch_lane(), places.In("component", i).In("batch_lane"), findings);
  }
}

}  // namespace freshet
