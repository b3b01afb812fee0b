#include "models/processing/streams_app.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/processing/record_split.h"
#include "models/processing/stream_thread.h"
#include "sim/check.h"
#include "sim/hash.h"

namespace freshet {
namespace {

constexpr Duration kSampleInterval = Seconds(1);

}  // namespace

StreamsApp::StreamsApp(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                       const StreamsConfig& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      log_(log),
      lane_(sim.recorder().AddLane(name)),
      end_to_end_(AddDistribution(kEndToEnd)),
      processed_(AddCounter(kProcessed)),
      replayed_(AddCounter(kReplayed)),
      late_(AddCounter(kLate)),
      fired_(AddCounter(kFired)),
      commits_(AddCounter(kCommits)),
      commit_latency_(AddDistribution(kCommitLatency)),
      changelog_bytes_(AddCounter(kChangelogBytes)),
      running_(AddGauge(kRunning)),
      downtime_(AddDistribution(kDowntime)),
      failures_(AddCounter(kFailures)),
      lag_(AddGauge(kLag)),
      standby_lag_(AddGauge(kStandbyLag)),
      state_(AddGauge(kState)),
      process_ratio_(AddGauge(kProcessRatio)) {
  SIM_REQUIRE(!config.instance_zones.empty() && config.threads > 0);
  for (size_t i = 0; i < config.instance_zones.size(); ++i) {
    instances_.push_back(std::make_unique<Instance>());
    Instance& instance = *instances_.back();
    const std::string host = absl::StrCat(name, "/instance-", i + 1);
    instance.host = network->AddHost(host, config.instance_zones[i], config.network_bandwidth);
    Station::Config cores;
    cores.workers = config.vcpus;
    instance.cpu = std::make_unique<Station>(sim, absl::StrCat(host, "/cpu"), cores);
  }
  for (int i = 0; i < static_cast<int>(config_.sub_topologies.size()); ++i) AddStage(i);
  const int members = instance_count() * config.threads;
  for (int member = 0; member < members; ++member) {
    threads_.push_back(std::make_unique<StreamThread>(this, member));
  }
  sim.AddAudit([this] { Audit(); });
}

StreamsApp::~StreamsApp() = default;

void StreamsApp::AddStage(int number) {
  const SubTopologyConfig& config = config_.sub_topologies[static_cast<size_t>(number)];
  stages_.push_back(std::make_unique<Stage>());
  Stage& stage = *stages_.back();
  stage.app = this;
  stage.number = number;
  stage.config = &config;
  stage.topic = log_->PartitionsOf(config.source.topic);
  stage.tasks.resize(static_cast<size_t>(stage.topic.count));
  stage.purpose = Fnv1a64(config.name);
  const std::string name_of = absl::StrCat(name(), "/", config.name);
  if (config.sink != nullptr) {
    stage.metered = config.sink->metered();
  } else {
    stage.target = log_->PartitionsOf(config.topic);
    std::vector<int64_t> weights = config.weights;
    if (weights.empty()) weights.assign(static_cast<size_t>(stage.target.count), 1);
    stage.bounds = BoundsOf(weights);
    stage.topic_sink = std::make_unique<WrittenTopic>(sim(), absl::StrCat(name_of, "/topic"));
    if (number + 1 == static_cast<int>(config_.sub_topologies.size())) {
      stage.topic_sink->OnShown([this](const RecordRange& records) { Arrived(records); });
    }
    stage.metered = stage.topic_sink.get();
  }
  if (stage.metered != nullptr) stage.metered->AddSource(log_, stage.topic);
  const Isolation isolation =
      exactly_once() ? Isolation::kReadCommitted : Isolation::kReadUncommitted;
  if (!config.changelog.empty()) {
    StateCopies::Config copies;
    copies.changelog = log_->PartitionsOf(config.changelog);
    SIM_REQUIRE(copies.changelog.count == stage.topic.count);
    copies.isolation = isolation;
    copies.persistent = config_.persistent;
    copies.cpu_per_record = config_.cpu_per_restored_record;
    std::vector<StateCopies::Host> hosts;
    for (const auto& each : instances_) hosts.push_back({each->host, each->cpu.get()});
    stage.copies = std::make_unique<StateCopies>(sim(), absl::StrCat(name_of, "/state"), network_,
                                                 log_, copies, hosts);
  }
  Consumers::Config members = config.source;
  members.member_zones.clear();
  for (size_t i = 0; i < instances_.size(); ++i) {
    for (int thread = 0; thread < config_.threads; ++thread) {
      members.member_zones.push_back(config_.instance_zones[i]);
      members.member_hosts.push_back(instances_[i]->host);
    }
  }
  members.absent_members = static_cast<int>(members.member_zones.size());
  members.auto_commit = false;
  members.isolation = isolation;
  members.handler = &stage;
  SIM_REQUIRE(members.group.has_value());
  stage.consumers = std::make_unique<Consumers>(sim(), absl::StrCat(name_of, "/members"), network_,
                                                log_, members);
}

void StreamsApp::Start() {
  for (const auto& stage : stages_) stage->consumers->Start();
  for (int instance = 0; instance < instance_count(); ++instance) StartThreads(instance);
  Sample();
}

void StreamsApp::StartThreads(int instance) {
  for (int i = 0; i < config_.threads; ++i) ThreadOf(instance * config_.threads + i).Start();
}

void StreamsApp::SetInstanceDown(int number, bool down) {
  Instance& instance = *instances_[static_cast<size_t>(number)];
  if (instance.down == down) return;
  instance.down = down;
  ++instance.life;
  if (!down) {
    After<"streams.instance_starts">(config_.start_time, [this, number, life = instance.life] {
      Instance& starts = *instances_[static_cast<size_t>(number)];
      if (life != starts.life) return;
      network_->SetDown(starts.host, false);
      StartThreads(number);
    });
    return;
  }
  sim().recorder().Mark(RecordLevel::kState, lane_, "instance_down", Now(), number + 1,
                        Severity::kCritical);
  for (int i = 0; i < config_.threads; ++i) {
    StreamThread& thread = ThreadOf(number * config_.threads + i);
    instance.lost += thread.tasks();
    thread.Kill();
  }
  for (const auto& stage : stages_) {
    if (stage->copies != nullptr) stage->copies->Crash(number, exactly_once());
  }
  instance.cpu->DropAll();
  network_->SetDown(instance.host, true);
}

int64_t StreamsApp::WorkOf(int instance) const {
  int64_t work = InstanceAt(instance).lost;
  for (int i = 0; i < config_.threads; ++i) {
    work += threads_[static_cast<size_t>(instance * config_.threads + i)]->processed();
  }
  return work;
}

// --- Tasks ---

void StreamsApp::TaskRuns(Stage& stage, int member, int number) {
  Task& task = stage.tasks[static_cast<size_t>(number)];
  if (task.owner != member || task.runs) return;
  task.runs = true;
  running_.Add(1);
  if (task.down_since) downtime_.Record(Now() - *task.down_since);
  task.down_since.reset();
}

void StreamsApp::TaskStops(Stage& stage, int member, int number, bool clean) {
  Task& task = stage.tasks[static_cast<size_t>(number)];
  if (task.owner != member) return;
  task.owner = kNobody;
  task.died = !clean;
  if (!task.runs) return;
  task.runs = false;
  task.down_since = Now();
  running_.Add(-1);
}

void StreamsApp::Arrived(const RecordRange& records) {
  const Time latest = std::max(records.created.first, records.created.high);
  end_to_end_.RecordEvenly((Now() - latest).nanos(), (Now() - records.created.Earliest()).nanos(),
                           records.record_count());
}

// --- What its members tell ---

void StreamsApp::Stage::HandlePoll(int member, const std::vector<RecordRange>& poll) {
  app->ThreadOf(member).HandlePoll(number, poll);
}

void StreamsApp::Stage::DropPoll(int member) { app->ThreadOf(member).DropPoll(number); }

void StreamsApp::Stage::PartitionBegins(int member, PartitionId partition, Offset from) {
  app->ThreadOf(member).TaskBegins(number, static_cast<int>(partition - topic.first), from);
}

void StreamsApp::Stage::PartitionEnds(int member, PartitionId partition) {
  app->ThreadOf(member).TaskEnds(number, static_cast<int>(partition - topic.first));
}

bool StreamsApp::Stage::ReadyToLose(int member) {
  return app->ThreadOf(member).ReadyToLose(number);
}

void StreamsApp::Stage::CommitEnded(int member) { app->ThreadOf(member).CommitEnded(number); }

Offset StreamsApp::Stage::Committable(int member, PartitionId partition, Offset polled) const {
  return std::min(polled,
                  app->ThreadOf(member).NextOf(number, static_cast<int>(partition - topic.first)));
}

void StreamsApp::Stage::Truncated(PartitionId partition, Offset end) {
  Task& task = TaskOf(partition);
  if (metered != nullptr) {
    metered->ledger().Cut(partition, end);
    if (end < task.furthest) {
      RecordSpan gone;
      gone.partition = partition;
      gone.from = end;
      gone.to = task.furthest;
      metered->ledger().Explain(gone, EffectCause::kTruncated);
    }
  }
  task.furthest = std::min(task.furthest, end);
  for (const auto& thread : app->threads_) {
    thread->Truncated(number, static_cast<int>(partition - topic.first), end);
  }
}

std::optional<Assignment> StreamsApp::Stage::DealOut(const std::vector<int>& members,
                                                     const Assignment& owned, Duration* again) {
  if (copies == nullptr) return std::nullopt;
  return app->DealOutTasks(*this, members, owned, again);
}

void StreamsApp::Stage::Settled(const RecordSpan& records, SourceEffects::How how) {
  if (how == SourceEffects::How::kLateDropped) app->late_.Add(records.record_count());
  if (metered != nullptr) metered->Settle(records, how);
}

void StreamsApp::Stage::Fired(int64_t windows, int64_t /*rows*/) { app->fired_.Add(windows); }

void StreamsApp::Stage::PassOver(PartitionId partition, Offset from, Offset to) {
  if (metered == nullptr) return;
  RecordSpan gap;
  gap.partition = partition;
  gap.from = from;
  gap.to = to;
  const PartitionLog& log = app->log_->LogOf(partition);
  // Markers, and what was aborted, are not records.
  metered->Settle(gap, log.transactions() != nullptr && from >= log.log_start_offset()
                           ? SourceEffects::How::kWithheld
                           : SourceEffects::How::kDeleted);
}

// --- Samples and audits ---

void StreamsApp::Sample() {
  int64_t lag = 0;
  int64_t behind = 0;
  for (const auto& stage : stages_) {
    for (int task = 0; task < stage->topic.count; ++task) {
      const Task& each = stage->tasks[static_cast<size_t>(task)];
      const PartitionLog& log = log_->LogOf(stage->topic.first + static_cast<PartitionId>(task));
      if (each.owner != kNobody) ThreadOf(each.owner).PassWithheld(stage->number, task);
      const Offset next =
          each.owner == kNobody ? each.furthest : ThreadOf(each.owner).NextOf(stage->number, task);
      lag += std::max<int64_t>(0, log.high_watermark() - next);
    }
    if (stage->copies != nullptr) behind = std::max(behind, stage->copies->WorstFollower());
  }
  lag_.Set(lag);
  standby_lag_.Set(behind);
  Bytes state;
  Duration busy;
  int64_t live = 0;
  for (const auto& thread : threads_) {
    state += thread->StateSize();
    busy += thread->BusyTime();
    live += thread->running();
  }
  state_.Set(state.count());
  process_ratio_.Set(live == 0 ? 0
                               : (busy - busy_).nanos() * 100 / (live * kSampleInterval.nanos()));
  busy_ = busy;
  After<"streams.sample">(
      kSampleInterval, [this] { Sample(); }, Priority::kControl);
}

void StreamsApp::Audit() const {
  int64_t running = 0;
  for (const auto& stage : stages_) {
    for (const Task& task : stage->tasks) {
      running += task.runs;
      SIM_CHECK(!task.runs || task.owner != kNobody, "inv.I15",
                absl::StrCat(name(), ": a task of ", stage->config->name, " runs nowhere"));
    }
  }
  SIM_CHECK(running == running_.Value(), "inv.I15",
            absl::StrCat(name(), ": ", running, " tasks run, ", running_.Value(), " were told"));
}

}  // namespace freshet
