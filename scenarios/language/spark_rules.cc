#include "scenarios/language/spark_rules.h"

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
using v1::SparkQuery;
using v1::StreamOperator;
namespace {

class SparkCheck {
 public:
  SparkCheck(const Scenario& scenario, const Component& component, const Places& places,
             Findings* findings)
      : scenario_(scenario), query_(component.spark_query()), here_(places), findings_(findings) {}

  void Run() {
    std::set<std::string> names;
    for (int i = 0; i < query_.step_size(); ++i) {
      const StreamOperator& step = query_.step(i);
      if (!names.insert(step.name()).second) {
        findings_->Error(
            here_.In("step", i).In("name").place,
            absl::StrCat("operator ", Quoted(step.name()), " is there twice; rename one"));
      }
      CheckStep(i, step, here_.In("step", i));
    }
    CheckLocation();
    CheckCores();
  }

 private:
  static bool HasState(const StreamOperator& step) {
    return step.has_window() || step.has_deduplicate();
  }

  void CheckStep(int at, const StreamOperator& step, const Places& here) {
    if (step.kind_case() == StreamOperator::KIND_NOT_SET) return;  // Told with the fields.
    if (step.has_session() || step.has_join() || step.has_lookup() || step.has_broadcast() ||
        step.has_topic() || step.has_to_topic()) {
      findings_->Error(here.place, absl::StrCat("operator ", Quoted(step.name()),
                                                " is of a kind that a spark_query does not have; "
                                                "use map, window, deduplicate, sink or "
                                                "blackhole"));
    }
    if (step.input_size() > 0) {
      findings_->Error(here.In("input").place,
                       "steps of a spark_query stand one after the other; remove input");
    }
    if (step.has_parallelism()) {
      findings_->Error(here.In("parallelism").place,
                       "a spark_query has a task for each partition, and shuffle_partitions "
                       "behind the shuffle; remove parallelism");
    }
    CheckEnds(at, step, here);
    CheckShuffle(at, step, here);
    if (step.has_source()) CheckSource(step, here.In("source"));
    if (step.has_window()) CheckWindow(step, here.In("window"));
    if (step.has_sink()) CheckSink(step, here.In("sink").In("name"));
  }

  void CheckEnds(int at, const StreamOperator& step, const Places& here) {
    if (step.has_source() != (at == 0)) {
      findings_->Error(here.place,
                       at == 0 ? "the first step of a spark_query reads; add step { source { "
                                 "reads: ... } } above it"
                               : absl::StrCat("a spark_query reads one topic; remove the source ",
                                              Quoted(step.name())));
    }
    const bool is_end = step.has_sink() || step.has_blackhole();
    if (is_end != (at + 1 == query_.step_size())) {
      findings_->Error(here.place,
                       is_end ? absl::StrCat("operator ", Quoted(step.name()),
                                             " passes nothing on; move it to the end")
                              : absl::StrCat("nothing takes what operator ", Quoted(step.name()),
                                             " passes on; end with step { sink { name: ... } } or "
                                             "step { blackhole {} }"));
    }
  }

  void CheckShuffle(int at, const StreamOperator& step, const Places& here) {
    int shuffles = 0;
    for (int i = 0; i <= at; ++i) shuffles += query_.step(i).by_key();
    if (step.has_source() && step.by_key()) {
      findings_->Error(here.In("by_key").place,
                       "a source reads what its topic has in a partition; remove by_key");
    } else if (step.by_key() && shuffles > 1) {
      findings_->Error(here.In("by_key").place,
                       "a spark_query has one shuffle; remove by_key, what comes here is by key "
                       "already");
    }
    if (HasState(step) && shuffles == 0) {
      findings_->Error(here.place, absl::StrCat("operator ", Quoted(step.name()),
                                                " has state, and that is behind the shuffle; set "
                                                "by_key: true"));
    }
    if (here.Has("late_records")) {
      findings_->Error(here.In("late_records").place,
                       "Spark has no side output, what is too late is dropped; remove it");
    }
    if (!step.hot_share().empty() && !step.by_key()) {
      findings_->Error(here.In("hot_share").place,
                       "hot_share is of keys; set by_key: true, or remove it");
    }
  }

  void CheckSource(const StreamOperator& step, const Places& here) {
    if (step.source().has_reading()) {
      findings_->Error(here.In("reading").place, "a spark_query reads all records; remove reading");
    }
    if (here.Has("polls_ahead")) {
      findings_->Error(here.In("polls_ahead").place,
                       "a task of a spark_query takes one poll after the other; remove "
                       "polls_ahead");
    }
  }

  void CheckWindow(const StreamOperator& step, const Places& here) {
    const auto size = AmountOf(UNIT_DURATION, step.window().size());
    const auto slide = AmountOf(UNIT_DURATION, step.window().slide());
    if (size && slide && (*slide > *size || *size % *slide != 0)) {
      findings_->Error(here.In("slide").place,
                       absl::StrCat("size ", step.window().size(), " is no multiple of slide ",
                                    step.window().slide(), "; change one"));
    }
    if (query_.watermark_delay().empty() && !here_.Has("watermark_delay")) {
      findings_->Error(here.place, absl::StrCat("the window ", Quoted(step.name()),
                                                " closes by a watermark, and the query has none; "
                                                "state watermark_delay"));
    }
    const auto lateness = AmountOf(UNIT_DURATION, step.window().allowed_lateness());
    if (lateness && *lateness > 0) {
      findings_->Error(here.In("allowed_lateness").place,
                       "windows of a spark_query are appended once; state watermark_delay "
                       "instead of allowed_lateness");
    }
  }

  void CheckSink(const StreamOperator& step, const Places& here) {
    const Component* sink = FindComponent(scenario_, step.sink().name());
    if (sink == nullptr || IsSink(*sink)) return;  // Unknown: told with the references.
    findings_->Error(here.place,
                     absl::StrCat(Quoted(sink->name()),
                                  " is no sink; name a database, serving_store, lakehouse_sink, "
                                  "olap_store, search_index, warehouse or object_archive"));
  }

  void CheckLocation() {
    const Component* store = FindComponent(scenario_, query_.checkpoint_location());
    if (store == nullptr) return;  // Told with the references.
    if (!store->has_object_store() ||
        store->object_store().preset() == v1::ObjectStorage::EXPRESS_ONE_ZONE) {
      findings_->Error(here_.In("checkpoint_location").place,
                       absl::StrCat(Quoted(store->name()),
                                    " is no object store of a region; name a component { "
                                    "object_store { ... } }"));
    }
  }

  void CheckCores() {
    if (query_.step_size() == 0) return;
    const int64_t cores = int64_t{query_.executors()} * query_.executor_cores();
    const bool shuffles = std::any_of(query_.step().begin(), query_.step().end(),
                                      [](const StreamOperator& step) { return step.by_key(); });
    for (const v1::Topic& topic : scenario_.topic()) {
      if (topic.name() != query_.step(0).source().reads() || topic.partitions() == 0) continue;
      const int64_t tasks =
          std::max<int64_t>(topic.partitions(), shuffles ? query_.shuffle_partitions() : 0);
      if (cores <= tasks) continue;
      findings_->Warning(
          here_.In(here_.Has("executor_cores") ? "executor_cores" : "executors").place,
          absl::StrCat("a batch has at most ", tasks, tasks == 1 ? " task" : " tasks",
                       " at a time for ", cores,
                       " cores: some have nothing to do; is that meant?"));
    }
  }

  const Scenario& scenario_;
  const SparkQuery& query_;
  const Places& here_;
  Findings* const findings_;
};

}  // namespace

void CheckSparkQueries(const Scenario& scenario, const Places& places, Findings* findings) {
  for (int i = 0; i < scenario.component_size(); ++i) {
    if (!scenario.component(i).has_spark_query()) continue;
    SparkCheck(scenario, scenario.component(i), places.In("component", i).In("spark_query"),
               findings)
        .Run();
  }
}

int64_t PredictedSparkEvents(const Scenario& scenario) {
  const auto run_for = AmountOf(UNIT_DURATION, scenario.run_for());
  if (!run_for) return 0;
  constexpr Wide kMost = Wide{1} << 60;
  Wide events = 0;
  for (const Component& component : scenario.component()) {
    if (!component.has_spark_query() || component.spark_query().step_size() == 0) continue;
    const SparkQuery& query = component.spark_query();
    Wide tasks = 1;
    for (const v1::Topic& topic : scenario.topic()) {
      if (topic.name() == query.step(0).source().reads()) tasks = topic.partitions();
    }
    for (const StreamOperator& step : query.step()) {
      if (step.by_key()) tasks += query.shuffle_partitions();
    }
    // A batch takes what is planned, and what its tasks take of the cores, at the least.
    const Wide cores = std::max<int64_t>(int64_t{query.executors()} * query.executor_cores(), 1);
    const Wide planning = AmountOf(UNIT_DURATION, query.planning_time()).value_or(0);
    const Wide overhead = AmountOf(UNIT_DURATION, query.task_overhead()).value_or(0);
    const Wide interval = AmountOf(UNIT_DURATION, query.trigger_interval()).value_or(0);
    const Wide batch = std::max<Wide>({interval, planning + overhead * tasks / cores, 1'000'000});
    events += *run_for / 1'000'000'000 + 1;
    events += (*run_for / batch + 1) * (20 + 8 * tasks);
    if (events > kMost) return static_cast<int64_t>(kMost);
  }
  return static_cast<int64_t>(events);
}

}  // namespace freshet
