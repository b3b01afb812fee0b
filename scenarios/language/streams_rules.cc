#include "scenarios/language/streams_rules.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/find_component.h"
#include "scenarios/language/sink_rules.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Scenario;
using v1::StreamOperator;
using v1::StreamsApp;
namespace {

// Each thread is a member of the group of each sub-topology.
constexpr int64_t kMostMembers = 10'000;
constexpr int64_t kDefaultCommit = 30'000'000'000;  // StreamsApp.commit_interval,
constexpr int64_t kDefaultExactlyOnce = 100'000'000;

class StreamsCheck {
 public:
  StreamsCheck(const Scenario& scenario, const Component& component, const Places& places,
               const std::vector<Place>& blanked, Findings* findings)
      : scenario_(scenario),
        name_(component.name()),
        app_(component.streams_app()),
        here_(places),
        blanked_(blanked),
        findings_(findings) {}

  void Run() {
    std::set<std::string> names;
    for (int i = 0; i < app_.step_size(); ++i) {
      const StreamOperator& step = app_.step(i);
      if (!names.insert(step.name()).second) {
        findings_->Error(
            here_.In("step", i).In("name").place,
            absl::StrCat("operator ", Quoted(step.name()), " is there twice; rename one"));
      }
      CheckStep(i, step, here_.In("step", i));
      CheckInternalTopics(step, here_.In("step", i));
    }
    CheckThreads();
    CheckTimes();
    CheckStandbys();
    CheckBrokers();
  }

 private:
  void CheckStep(int at, const StreamOperator& step, const Places& here) {
    if (step.kind_case() == StreamOperator::KIND_NOT_SET) {
      if (!AnyWithin(blanked_, here)) {
        findings_->Error(here.place, absl::StrCat("operator ", Quoted(step.name()),
                                                  " has no kind; add source, map, window, "
                                                  "deduplicate, sink, to_topic or blackhole"));
      }
      return;
    }
    if (step.has_session() || step.has_join() || step.has_lookup() || step.has_broadcast() ||
        step.has_topic()) {
      findings_->Error(here.place,
                       absl::StrCat("operator ", Quoted(step.name()),
                                    " is of a kind that a streams_app does not have; use map, "
                                    "window, deduplicate, sink, to_topic or blackhole"));
    }
    if (step.source().has_reading()) {
      findings_->Error(here.In("source").In("reading").place,
                       "a streams_app reads all records; remove reading");
    }
    if (step.input_size() > 0) {
      findings_->Error(here.In("input").place,
                       "steps of a streams_app stand one after the other; remove input");
    }
    if (step.has_parallelism()) {
      findings_->Error(here.In("parallelism").place,
                       "a streams_app has a task for each partition; state instances and threads, "
                       "and remove parallelism");
    }
    if (here.Has("late_records")) {
      findings_->Error(here.In("late_records").place,
                       "Kafka Streams has no side output, what is too late is dropped; remove it");
    }
    if (!step.hot_share().empty() && !step.by_key()) {
      findings_->Error(here.In("hot_share").place,
                       "hot_share is of keys; set by_key: true, or remove it");
    }
    if (step.has_source() != (at == 0)) {
      findings_->Error(here.place,
                       at == 0 ? "the first step of a streams_app reads; add step { source { "
                                 "reads: ... } } above it"
                               : absl::StrCat("a streams_app reads one topic; remove the source ",
                                              Quoted(step.name())));
    }
    if (step.has_source() && step.by_key()) {
      findings_->Error(here.In("by_key").place,
                       "a source reads what its topic's keys have in a partition; remove by_key");
    }
    const bool is_end =
        step.has_sink() || step.has_to_topic() || step.has_topic() || step.has_blackhole();
    if (is_end != (at + 1 == app_.step_size())) {
      findings_->Error(here.place,
                       is_end ? absl::StrCat("operator ", Quoted(step.name()),
                                             " passes nothing on; move it to the end")
                              : absl::StrCat("nothing takes what operator ", Quoted(step.name()),
                                             " passes on; end with step { sink { name: ... } }, "
                                             "step { to_topic { name: ... } } or step { blackhole "
                                             "{} }"));
    }
    if (step.has_window()) CheckWindow(step, here.In("window"));
    if (step.has_sink()) CheckSink(step, here.In("sink").In("name"));
  }

  void CheckWindow(const StreamOperator& step, const Places& here) {
    const auto size = AmountOf(UNIT_DURATION, step.window().size());
    const auto slide = AmountOf(UNIT_DURATION, step.window().slide());
    if (size && slide && (*slide > *size || *size % *slide != 0)) {
      findings_->Error(here.In("slide").place,
                       absl::StrCat("size ", step.window().size(), " is no multiple of slide ",
                                    step.window().slide(), "; change one"));
    }
  }

  void CheckSink(const StreamOperator& step, const Places& here) {
    const Component* sink = FindComponent(scenario_, step.sink().name());
    if (sink == nullptr) return;  // Told with the references.
    if (!IsSink(*sink)) {
      findings_->Error(here.place,
                       absl::StrCat(Quoted(sink->name()),
                                    " is no sink; name a database, serving_store, olap_store, "
                                    "search_index or warehouse"));
    } else if (IsTransactional(*sink)) {
      findings_->Error(
          here.place,
          absl::StrCat("a streams_app cannot take part in the transactions of ",
                       Quoted(sink->name()), "; write to_topic, and let connect write from there"));
    }
  }

  void CheckInternalTopics(const StreamOperator& step, const Places& here) {
    for (const char* kind : {"-repartition", "-changelog"}) {
      const std::string internal = absl::StrCat(name_, "-", step.name(), kind);
      for (const v1::Topic& topic : scenario_.topic()) {
        if (topic.name() != internal) continue;
        findings_->Error(here.In("name").place,
                         absl::StrCat("topic ", Quoted(internal),
                                      " is one that the application makes for itself; rename the "
                                      "step or the topic"));
      }
    }
  }

  void CheckThreads() {
    int64_t groups = 1;
    for (int i = 1; i < app_.step_size(); ++i) groups += app_.step(i).by_key();
    const int64_t threads = int64_t{app_.instances()} * app_.threads();
    if (threads * groups > kMostMembers) {
      findings_->Error(
          here_.In("instances").place,
          absl::StrCat(app_.instances(), " instances with ", app_.threads(), " threads are ",
                       threads * groups, " members of groups; at most ", kMostMembers,
                       " are simulated: lower one"));
    }
    if (app_.step_size() == 0) return;
    for (const v1::Topic& topic : scenario_.topic()) {
      if (topic.name() != app_.step(0).source().reads() || topic.partitions() == 0) continue;
      if (threads > topic.partitions()) {
        findings_->Warning(
            here_.In(here_.Has("threads") ? "threads" : "instances").place,
            absl::StrCat(threads, " threads share the ", topic.partitions(),
                         topic.partitions() == 1 ? " partition" : " partitions", " of topic ",
                         Quoted(topic.name()), ": some have nothing to do; is that meant?"));
      }
    }
  }

  void CheckTimes() {
    const auto beat = AmountOf(UNIT_DURATION, app_.heartbeat_interval());
    const auto session = AmountOf(UNIT_DURATION, app_.session_timeout());
    if (beat && session && *beat >= *session) {
      findings_->Error(
          here_.In(here_.Has("session_timeout") ? "session_timeout" : "heartbeat_interval").place,
          absl::StrCat("heartbeat_interval ", app_.heartbeat_interval(),
                       " is not below session_timeout ", app_.session_timeout(), "; lower it"));
    }
    if (app_.processing_guarantee() != StreamsApp::EXACTLY_ONCE_V2) return;
    const auto stated = AmountOf(UNIT_DURATION, app_.commit_interval());
    const auto timeout = AmountOf(UNIT_DURATION, app_.transaction_timeout());
    if (stated && timeout && *stated >= *timeout) {
      findings_->Error(
          here_.In("commit_interval").place,
          absl::StrCat("commit_interval ", app_.commit_interval(),
                       " is not below transaction_timeout ", app_.transaction_timeout(),
                       ": every transaction would be aborted; lower it"));
    }
    const auto most = AmountOf(UNIT_DURATION, scenario_.transaction_coordinator().max_timeout());
    if (timeout && most && *timeout > *most) {
      findings_->Error(
          here_.In("transaction_timeout").place,
          absl::StrCat("transaction_timeout ", app_.transaction_timeout(),
                       " is above what brokers grant, ",
                       scenario_.transaction_coordinator().max_timeout(),
                       "; lower it, or state transaction_coordinator { max_timeout }"));
    }
    if (scenario_.resolution().batches_per_parcel() > 1) {
      findings_->Error(here_.In("processing_guarantee").place,
                       "a parcel of several batches cannot be cut at the end of a transaction; "
                       "write batches_per_parcel: 1, or AT_LEAST_ONCE");
    }
  }

  void CheckStandbys() {
    const bool has_state = std::any_of(app_.step().begin(), app_.step().end(), [](const auto& s) {
      return s.has_window() || s.has_deduplicate();
    });
    if (app_.standby_replicas() > 0 && !has_state) {
      findings_->Error(here_.In("standby_replicas").place,
                       "standby replicas keep state, and the application has none; remove them");
    } else if (app_.instances() > 0 && app_.standby_replicas() >= app_.instances()) {
      findings_->Error(here_.In("standby_replicas").place,
                       absl::StrCat(app_.standby_replicas(),
                                    " standby replicas beside the task "
                                    "need as many other instances, and there are ",
                                    app_.instances(), " in all; lower them, or add instances"));
    }
  }

  void CheckBrokers() {
    for (const Component& component : scenario_.component()) {
      const uint32_t brokers = component.kafka().brokers();
      if (brokers == 0 || app_.internal_replication_factor() <= brokers) continue;
      findings_->Error(
          here_.In("internal_replication_factor").place,
          absl::StrCat("internal_replication_factor ", app_.internal_replication_factor(),
                       " is above the ", brokers, brokers == 1 ? " broker" : " brokers", " of ",
                       Quoted(component.name()), "; lower it"));
    }
    if (app_.processing_guarantee() != StreamsApp::EXACTLY_ONCE_V2 || app_.step_size() == 0) return;
    const StreamOperator& last = app_.step(app_.step_size() - 1);
    for (const v1::Topic& topic : scenario_.topic()) {
      if (topic.name() != last.to_topic().name() || !topic.has_table_topic()) continue;
      findings_->Error(here_.In("processing_guarantee").place,
                       absl::StrCat("topic ", Quoted(topic.name()),
                                    " goes into a table, which takes markers and aborted records "
                                    "for records; write AT_LEAST_ONCE, or remove table_topic"));
    }
  }

  const Scenario& scenario_;
  const std::string& name_;
  const StreamsApp& app_;
  const Places& here_;
  const std::vector<Place>& blanked_;
  Findings* const findings_;
};

}  // namespace

void CheckStreamsApps(const Scenario& scenario, const Places& places,
                      const std::vector<Place>& blanked, Findings* findings) {
  for (int i = 0; i < scenario.component_size(); ++i) {
    const Component& component = scenario.component(i);
    if (component.has_streams_app()) {
      StreamsCheck(scenario, component, places.In("component", i).In("streams_app"), blanked,
                   findings)
          .Run();
    }
    if (!component.has_stream_job()) continue;
    for (int at = 0; at < component.stream_job().step_size(); ++at) {
      if (!component.stream_job().step(at).has_to_topic()) continue;
      findings->Error(places.In("component", i).In("stream_job").In("step", at).place,
                      "to_topic is for a streams_app; a stream_job writes to a topic by topic { "
                      "name: ... }");
    }
  }
}

bool HasStreamsTransactions(const Scenario& scenario) {
  return std::any_of(
      scenario.component().begin(), scenario.component().end(), [](const Component& each) {
        return each.has_streams_app() &&
               each.streams_app().processing_guarantee() == StreamsApp::EXACTLY_ONCE_V2;
      });
}

int64_t PredictedStreamsEvents(const Scenario& scenario) {
  const auto run_for = AmountOf(UNIT_DURATION, scenario.run_for());
  if (!run_for) return 0;
  constexpr Wide kMost = Wide{1} << 60;
  Wide events = 0;
  for (const Component& component : scenario.component()) {
    if (!component.has_streams_app()) continue;
    const StreamsApp& app = component.streams_app();
    const bool exactly_once = app.processing_guarantee() == StreamsApp::EXACTLY_ONCE_V2;
    const int64_t commit = AmountOf(UNIT_DURATION, app.commit_interval())
                               .value_or(exactly_once ? kDefaultExactlyOnce : kDefaultCommit);
    const int64_t beat = AmountOf(UNIT_DURATION, app.heartbeat_interval()).value_or(1'000'000'000);
    const Wide threads = Wide{app.instances()} * app.threads();
    const Wide commits = *run_for / std::max<int64_t>(commit, 1'000'000) + 1;
    // A commit is a request to the coordinator; in a transaction, one to each partition beside it.
    events += *run_for / 1'000'000'000 + 1;
    events += threads * commits * (exactly_once ? 40 : 8);
    events += threads * (*run_for / std::max<int64_t>(beat, 1'000'000) + 1) * 6;
  }
  return static_cast<int64_t>(std::min(events, kMost));
}

}  // namespace freshet
