#include "scenarios/language/job_rules.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/job_topic_rules.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Scenario;
using v1::StreamJob;
using v1::StreamOperator;
namespace {

// Pairs of subtasks that talk to each other, in a job.
constexpr int64_t kMostChannels = 65'536;

class JobCheck {
 public:
  JobCheck(const Scenario& scenario, const StreamJob& job, const Places& places,
           const std::vector<Place>& blanked, Findings* findings)
      : scenario_(scenario), job_(job), here_(places), blanked_(blanked), findings_(findings) {}

  void Run() {
    std::vector<bool> read(static_cast<size_t>(job_.step_size()));
    for (int i = 0; i < job_.step_size(); ++i) {
      CheckOperator(i);
      if (job_.step(i).late_records()) continue;
      for (const int input : InputsOf(job_, i)) read[static_cast<size_t>(input)] = true;
    }
    for (int i = 0; i < job_.step_size(); ++i) {
      const StreamOperator& text = job_.step(i);
      const bool is_end = text.has_blackhole() || text.has_sink() || text.has_topic();
      if (!is_end && !read[static_cast<size_t>(i)]) {
        findings_->Error(here_.In("step", i).place,
                         absl::StrCat("nothing takes what operator ", Quoted(text.name()),
                                      " passes on; end with step { sink { name: ... } }, "
                                      "step { topic { name: ... } } or step { blackhole {} }"));
      } else if (is_end && read[static_cast<size_t>(i)]) {
        findings_->Error(here_.In("step", i).place,
                         absl::StrCat("operator ", Quoted(text.name()),
                                      " passes nothing on; take from the one before it"));
      }
    }
    CheckSlots();
    CheckDelivery();
    CheckState();
    CheckTimes();
  }

 private:
  void CheckOperator(int at) {
    const StreamOperator& text = job_.step(at);
    const Places& here = here_.In("step", at);
    if (!names_.insert(text.name()).second) {
      findings_->Error(here.In("name").place, absl::StrCat("operator ", Quoted(text.name()),
                                                           " is there twice; rename one"));
    }
    if (text.kind_case() == StreamOperator::KIND_NOT_SET) {
      if (!AnyWithin(blanked_, here)) {
        findings_->Error(here.place,
                         absl::StrCat("operator ", Quoted(text.name()),
                                      " has no kind; add source, map, window, session, join, "
                                      "deduplicate, lookup, broadcast, sink, topic or blackhole"));
      }
      return;
    }
    const bool is_source = text.has_source();
    if (is_source && (text.input_size() > 0 || text.by_key())) {
      findings_->Error(here.In(text.input_size() > 0 ? "input" : "by_key").place,
                       absl::StrCat("operator ", Quoted(text.name()),
                                    " reads a topic and nothing else; remove it"));
    }
    if (!is_source && at == 0) {
      findings_->Error(here.place,
                       "the first operator of a job reads; add step { source { "
                       "reads: ... } } above it");
    }
    for (int i = 0; i < text.input_size(); ++i) CheckInput(text.input(i), at, here.In("input", i));
    if (!text.hot_share().empty() && !text.by_key()) {
      findings_->Error(here.In("hot_share").place,
                       "hot_share is of keys; set by_key: true, or remove it");
    }
    if (text.late_records()) CheckLate(text, at, here.In("late_records"));
    if (text.has_window()) CheckWindow(text, here.In("window"));
    if (text.has_session()) CheckEventTime(text, here.In("session"));
    if (text.has_join()) CheckJoin(text, at, here);
    if (text.has_broadcast()) CheckBroadcast(text, at, here);
    if (is_source) CheckSource(text, here);
    if (text.has_topic()) CheckJobTopic(scenario_, job_, text, here, findings_);
  }

  void CheckInput(const std::string& name, int at, const Places& here) {
    for (int i = 0; i < job_.step_size(); ++i) {
      if (job_.step(i).name() != name) continue;
      if (i >= at) {
        findings_->Error(here.place, absl::StrCat("input ", Quoted(name),
                                                  " does not stand above it; records pass the "
                                                  "operators in order, so move it up"));
      }
      return;
    }
    std::vector<std::string> names;
    for (const StreamOperator& each : job_.step()) names.push_back(each.name());
    const std::string closest = Closest(name, names);
    findings_->Error(here.place,
                     absl::StrCat("input ", Quoted(name), " is no operator of the job; ",
                                  closest.empty() ? absl::StrCat("there is ", Listed(names))
                                                  : "closest: " + Quoted(closest)));
  }

  void CheckLate(const StreamOperator& text, int at, const Places& here) {
    const std::vector<int> inputs = InputsOf(job_, at);
    for (const int input : inputs) {
      const StreamOperator& from = job_.step(input);
      if (from.has_window() || from.has_session() || from.has_join()) continue;
      findings_->Error(here.place,
                       absl::StrCat("nothing is too late for operator ", Quoted(from.name()),
                                    ", which has no windows; name a window, a session "
                                    "or a join as input, or remove late_records"));
    }
    if (inputs.empty() && !text.has_source()) return;
    if (text.has_source() || text.has_join() || text.has_broadcast()) {
      findings_->Error(here.place, absl::StrCat("operator ", Quoted(text.name()),
                                                " takes no side output; put a map before it, or "
                                                "remove late_records"));
    }
  }

  void CheckWindow(const StreamOperator& text, const Places& here) {
    const v1::StreamWindow& window = text.window();
    CheckEventTime(text, here);
    const auto size = AmountOf(UNIT_DURATION, window.size());
    const auto slide = AmountOf(UNIT_DURATION, window.slide());
    if (size && slide && (*slide > *size || *size % *slide != 0)) {
      findings_->Error(here.In("slide").place,
                       absl::StrCat("size ", window.size(), " is no multiple of slide ",
                                    window.slide(), "; change one"));
    }
  }

  void CheckEventTime(const StreamOperator& text, const Places& here) {
    if (job_.has_watermarks()) return;
    findings_->Error(here.place, absl::StrCat("window ", Quoted(text.name()),
                                              " never ends without event time; add watermarks "
                                              "{ out_of_orderness: ... } to the job"));
  }

  void CheckJoin(const StreamOperator& text, int at, const Places& here) {
    CheckEventTime(text, here.In("join"));
    if (InputsOf(job_, at).size() < 2) {
      findings_->Error(here.place, absl::StrCat("join ", Quoted(text.name()),
                                                " has one input; name two operators above it: "
                                                "input: ... input: ..."));
    }
    if (!text.by_key()) {
      findings_->Error(here.place,
                       absl::StrCat("join ", Quoted(text.name()),
                                    " finds no partners in other subtasks; set by_key: true"));
    }
  }

  void CheckBroadcast(const StreamOperator& text, int at, const Places& here) {
    const std::string& changes = text.broadcast().changes();
    if (changes.empty()) return;
    const Places& there = here.In("broadcast").In("changes");
    CheckInput(changes, at, there);
    // The records that it enriches come first, the changes last.
    const std::vector<int> inputs = InputsOf(job_, at);
    if (inputs.empty() || job_.step(inputs.back()).name() != changes) return;
    const bool also_input = std::count(inputs.begin(), inputs.end(), inputs.back()) > 1;
    if (also_input) {
      findings_->Error(there.place, absl::StrCat("operator ", Quoted(text.name()),
                                                 " takes records and changes from ",
                                                 Quoted(changes), "; name its input: ..."));
    }
    if (job_.has_watermarks() && job_.watermarks().idleness().empty()) {
      findings_->Warning(
          there.place,
          "changes that come seldom hold the watermark back, and with it all windows "
          "behind; state watermarks { idleness: ... }");
    }
  }

  // Kafka's timestamp of a record is when it was sent: by it, nothing is as late as its event.
  void CheckLateness(const std::string& topic) {
    if (!job_.has_watermarks() || job_.watermarks().timestamps() == v1::StreamWatermarks::EVENT) {
      return;
    }
    for (const Component& component : scenario_.component()) {
      const v1::Producers& producers = component.producers();
      if (producers.topic() != topic) continue;
      if (producers.event_time().lateness().empty() && producers.event_time().offline().empty()) {
        continue;
      }
      findings_->Warning(here_.In("watermarks").place,
                         absl::StrCat("the job goes by when records of topic ", Quoted(topic),
                                      " were sent, so the lateness that ", Quoted(component.name()),
                                      " states makes none late; state timestamps: EVENT"));
    }
  }

  void CheckSource(const StreamOperator& text, const Places& here) {
    CheckLateness(text.source().reads());
    const v1::Topic* topic = FindTopic(scenario_, text.source().reads());
    const int readers = ParallelismOf(job_, text);
    if (topic == nullptr || static_cast<uint32_t>(readers) <= topic->partitions()) return;
    const bool stuck = job_.has_watermarks() && job_.watermarks().idleness().empty();
    findings_->Warning(
        here.place,
        absl::StrCat(readers, " subtasks read ", topic->partitions(), " partitions of topic ",
                     Quoted(topic->name()), ": some have none",
                     stuck ? ", and hold the watermark back for good; state idleness or a lower "
                             "parallelism"
                           : "; is that meant?"));
  }

  void CheckSlots() {
    int64_t most = 1;
    int64_t channels = 0;
    for (int i = 0; i < job_.step_size(); ++i) {
      const int64_t own = ParallelismOf(job_, job_.step(i));
      most = std::max(most, own);
      for (const int input : InputsOf(job_, i)) {
        channels += own * ParallelismOf(job_, job_.step(input));
      }
    }
    const int64_t slots = int64_t{job_.task_managers()} * job_.slots();
    if (job_.task_managers() > 0 && slots < most) {
      findings_->Error(here_.In("task_managers").place,
                       absl::StrCat(job_.task_managers(), " task managers with ", job_.slots(),
                                    job_.slots() == 1 ? " slot" : " slots", " cannot run ", most,
                                    " subtasks of an operator; add task managers or slots"));
    }
    if (channels > kMostChannels) {
      findings_->Error(
          here_.place,
          absl::StrCat("the job has ", channels, " channels between subtasks; at most ",
                       kMostChannels, " are simulated: lower parallelism"));
    }
  }

  void CheckDelivery() {
    const bool at_most_once = job_.delivery() == StreamJob::AT_MOST_ONCE;
    if (!at_most_once && !job_.has_checkpoints()) {
      findings_->Error(here_.In("delivery").place,
                       absl::StrCat(StreamJob::Delivery_Name(job_.delivery()),
                                    " goes back to a checkpoint; add checkpoints { interval: ... "
                                    "}, or state delivery: AT_MOST_ONCE"));
    }
    if (at_most_once && job_.has_checkpoints()) {
      findings_->Error(here_.In("checkpoints").place,
                       "a job with delivery AT_MOST_ONCE never goes back to a checkpoint; remove "
                       "them");
    }
    if (!job_.has_checkpoints()) return;
    const Places& here = here_.In("checkpoints");
    const v1::StreamCheckpoints& text = job_.checkpoints();
    if (text.unaligned() && job_.delivery() == StreamJob::AT_LEAST_ONCE) {
      findings_->Error(here.In("unaligned").place,
                       "unaligned barriers are of EXACTLY_ONCE; with AT_LEAST_ONCE nothing is "
                       "aligned, so remove it");
    }
    const auto& all = scenario_.component();
    const bool has_store = std::any_of(all.begin(), all.end(), [](const Component& component) {
      return component.has_object_store() &&
             component.object_store().preset() != v1::ObjectStorage::EXPRESS_ONE_ZONE;
    });
    if (text.rate().empty() && !has_store) {
      findings_->Error(here.place,
                       "there is no object store for checkpoints; add component { object_store { "
                       "... } }, or state their rate");
    }
  }

  void CheckState() {
    const bool on_disk = job_.state_backend() == StreamJob::ROCKSDB;
    const Places& access_time = here_.In("state_access_time");
    if (on_disk && !job_.state_memory().empty()) {
      findings_->Error(here_.In("state_memory").place,
                       "ROCKSDB keeps its state on disk, which state_memory does not limit; "
                       "remove it, or state state_backend: HASHMAP");
    }
    if (on_disk && job_.state_access_time().empty() && !AnyWithin(blanked_, access_time)) {
      findings_->Error(here_.In("state_backend").place,
                       "ROCKSDB reads and writes its state for each record; add "
                       "state_access_time: ...");
    }
    if (on_disk) return;
    if (!job_.state_access_time().empty()) {
      findings_->Error(access_time.place,
                       "HASHMAP has its state in memory, and its access is part of "
                       "cpu_per_record; remove state_access_time, or state state_backend: "
                       "ROCKSDB");
    }
    if (job_.has_checkpoints() && job_.checkpoints().incremental()) {
      findings_->Error(here_.In("checkpoints").In("incremental").place,
                       "HASHMAP takes full snapshots only; state state_backend: ROCKSDB with "
                       "its state_access_time: ..., or remove incremental");
    }
  }

  void CheckTimes() {
    const auto beat = AmountOf(UNIT_DURATION, job_.heartbeat_interval());
    const auto timeout = AmountOf(UNIT_DURATION, job_.heartbeat_timeout());
    if (beat && timeout && *timeout <= *beat) {
      findings_->Error(
          here_.In(here_.Has("heartbeat_timeout") ? "heartbeat_timeout" : "heartbeat_interval")
              .place,
          absl::StrCat("heartbeat_timeout ", job_.heartbeat_timeout(),
                       " is not above heartbeat_interval ", job_.heartbeat_interval(),
                       "; raise it"));
    }
    const auto first = AmountOf(UNIT_DURATION, job_.restart().delay());
    const auto longest = AmountOf(UNIT_DURATION, job_.restart().max_delay());
    if (first && longest && *first > *longest &&
        job_.restart().strategy() == v1::StreamRestart::EXPONENTIAL_DELAY) {
      const Places& here = here_.In("restart");
      findings_->Error(here.In(here.Has("max_delay") ? "max_delay" : "delay").place,
                       absl::StrCat("delay ", job_.restart().delay(), " is above max_delay ",
                                    job_.restart().max_delay(), "; lower it"));
    }
  }

  const Scenario& scenario_;
  const StreamJob& job_;
  const Places& here_;
  const std::vector<Place>& blanked_;
  Findings* const findings_;
  std::set<std::string> names_;
};

}  // namespace

int ParallelismOf(const StreamJob& job, const StreamOperator& text) {
  return static_cast<int>(text.has_parallelism() ? text.parallelism() : job.parallelism());
}

std::vector<int> InputsOf(const StreamJob& job, int at) {
  const StreamOperator& text = job.step(at);
  std::vector<int> inputs;
  if (text.has_source()) return inputs;
  if (text.input().empty() && at > 0) inputs.push_back(at - 1);
  for (const std::string& name : text.input()) {
    for (int i = 0; i < at; ++i) {
      if (job.step(i).name() == name) {
        inputs.push_back(i);
        break;
      }
    }
  }
  for (int i = 0; text.has_broadcast() && i < at; ++i) {
    if (job.step(i).name() == text.broadcast().changes()) inputs.push_back(i);
  }
  return inputs;
}

void CheckJobs(const Scenario& scenario, const Places& places, const std::vector<Place>& blanked,
               Findings* findings) {
  for (int i = 0; i < scenario.component_size(); ++i) {
    const Component& component = scenario.component(i);
    if (!component.has_stream_job()) continue;
    JobCheck(scenario, component.stream_job(), places.In("component", i).In("stream_job"), blanked,
             findings)
        .Run();
  }
}

int64_t PredictedJobEvents(const Scenario& scenario) {
  const auto run_for = AmountOf(UNIT_DURATION, scenario.run_for());
  if (!run_for) return 0;
  constexpr int64_t kMost = int64_t{1} << 60;
  Wide events = 0;
  for (const Component& component : scenario.component()) {
    if (!component.has_stream_job()) continue;
    const StreamJob& job = component.stream_job();
    int64_t subtasks = 0;
    int64_t sources = 0;
    int64_t channels = 0;
    for (int i = 0; i < job.step_size(); ++i) {
      const int64_t own = ParallelismOf(job, job.step(i));
      subtasks += own;
      if (job.step(i).has_source()) sources += own;
      for (const int input : InputsOf(job, i)) {
        channels += own * ParallelismOf(job, job.step(input));
      }
    }
    // A sample; watermarks through all channels; a barrier through all and a file of each subtask.
    events += *run_for / 1'000'000'000 + 1;
    const auto beat = AmountOf(UNIT_DURATION, job.watermarks().interval());
    if (job.has_watermarks() && beat) {
      events += Wide{sources + channels} * (*run_for / std::max<int64_t>(*beat, 1'000'000));
    }
    const auto interval = AmountOf(UNIT_DURATION, job.checkpoints().interval());
    if (job.has_checkpoints() && interval) {
      events +=
          Wide{2 * subtasks + channels} * (*run_for / std::max<int64_t>(*interval, 10'000'000));
    }
  }
  return static_cast<int64_t>(std::min<Wide>(events, kMost));
}

}  // namespace freshet
