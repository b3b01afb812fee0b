#include "models/processing/stream_job.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {
namespace {

constexpr Duration kSampleInterval = Seconds(1);
// Flink's web interface: back-pressured "high" above half of the time.
constexpr Ratio kHigh = Ratio::Percent(50);
// Ours: a vertex that has next to no time left.
constexpr Ratio kFullyBusy = Ratio::Percent(95);

int SubtaskCount(const JobConfig& config) {
  int count = 0;
  for (const VertexConfig& vertex : config.vertices) count += vertex.subtasks();
  return count;
}

}  // namespace

StreamJob::StreamJob(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                     const JobConfig& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      log_(log),
      backoff_(config.restart.backoff),
      delay_stream_(NewStream("restart_delay")),
      end_to_end_(AddDistribution(kEndToEnd)),
      lag_(AddGauge(kLag)),
      restarts_(AddCounter(kRestarts)),
      replayed_(AddCounter(kReplayed)),
      detection_(AddDistribution(kDetection)),
      downtime_(AddDistribution(kDowntime)),
      restore_time_(AddDistribution(kRestore)),
      running_(AddGauge(kRunning)) {
  if (config.state_memory) out_of_memory_ = &AddCounter(kOutOfMemory);
  PrefixId prefix = 0;
  if (config.state.store != nullptr) {
    prefix = config.state.store->AddPrefix(absl::StrCat(name, "/checkpoints"));
  }
  for (size_t i = 0; i < config.task_managers.size(); ++i) {
    task_managers_.push_back(
        std::make_unique<TaskManager>(sim, absl::StrCat(name, "/task-manager-", i + 1), network,
                                      config.task_managers[i], config.state, prefix));
  }
  const bool knows_events =
      config.watermarks && config.watermarks->timestamps == Timestamps::kEvent;
  for (size_t v = 0; v < config.vertices.size(); ++v) {
    const VertexConfig& vertex = config.vertices[v];
    vertices_.push_back(std::make_unique<Vertex>(sim, absl::StrCat(name, "/", vertex.name), vertex,
                                                 component_id()));
    first_.push_back(static_cast<int>(subtasks_.size()));
    if (vertex.scales() && rescales_ == nullptr) rescales_ = &AddCounter(kRescales);
    for (int i = 0; i < vertex.subtasks(); ++i) {
      subtasks_.push_back(std::make_unique<Subtask>(
          sim, config_, vertices_[v].get(), static_cast<int>(v), i,
          knows_events ? &log->profiles() : nullptr, static_cast<Subtask::Owner*>(this)));
    }
  }
  for (const EdgeConfig& edge : config.edges) Connect(edge);
  FindSinks();
  const bool placed = AssignSlots();
  SIM_REQUIRE(placed);
  for (size_t v = 0; v < config.vertices.size(); ++v) {
    if (config.vertices[v].source) AddSource(static_cast<int>(v));
  }
  if (config.checkpoints) {
    coordinator_ = std::make_unique<CheckpointCoordinator>(
        sim, absl::StrCat(name, "/checkpoints"), *config.checkpoints, SubtaskCount(config),
        static_cast<CheckpointCoordinator::Owner*>(this));
  }
  back_pressured_.resize(subtasks_.size());
  busy_.resize(subtasks_.size());
  sim.AddAudit([this] { AuditRecords(); });
}

StreamJob::~StreamJob() = default;

void StreamJob::Connect(const EdgeConfig& edge) {
  const int senders = config_.vertices[static_cast<size_t>(edge.from)].subtasks();
  const int receivers = config_.vertices[static_cast<size_t>(edge.to)].subtasks();
  SIM_REQUIRE(edge.from < edge.to && (edge.by != Partitioning::kForward || senders == receivers));
  Edge made = {edge, 0, 0, {}, {}};
  for (int i = 0; i < senders; ++i) made.output = subtask(edge.from, i).AddOutput(edge);
  for (int i = 0; i < receivers; ++i) made.input = subtask(edge.to, i).AddInput(edge);
  for (int s = 0; s < senders; ++s) {
    for (int r = 0; r < receivers; ++r) {
      if (edge.by == Partitioning::kForward && r != s) continue;
      Subtask& sender = subtask(edge.from, s);
      Subtask& receiver = subtask(edge.to, r);
      channels_.push_back(std::make_unique<Channel>(
          sim(), config_.channels, network_, &sender, sender.PoolOf(made.output), &receiver,
          receiver.GateOf(made.input), component_id(), receiver.vertex().component_id()));
      Channel* channel = channels_.back().get();
      sender.AddChannelOut(made.output, channel);
      receiver.AddChannelIn(made.input, channel);
      made.channels.push_back(channel);
      made.ends.emplace_back(&sender, &receiver);
    }
  }
  edges_.push_back(std::move(made));
}

void StreamJob::AddSource(int vertex) {
  const VertexConfig& config = config_.vertices[static_cast<size_t>(vertex)];
  auto source = std::make_unique<Source>();
  source->job = this;
  source->vertex = vertex;
  source->topic = log_->PartitionsOf(config.source->topic);
  source->start.assign(static_cast<size_t>(source->topic.count), 0);
  source->taken = source->start;
  source->held.assign(static_cast<size_t>(config.parallelism), false);
  if (config.reading != nullptr) source->judged.resize(static_cast<size_t>(config.parallelism));
  Consumers::Config members = *config.source;
  members.member_zones.clear();
  members.assignment = Consumers::FixedPartitions::kInTurn;
  members.auto_commit = false;
  members.handler = source.get();
  for (int i = 0; i < config.parallelism; ++i) {
    const auto slot = static_cast<size_t>(i);
    const auto host = std::find_if(task_managers_.begin(), task_managers_.end(),
                                   [&](const auto& each) { return each.get() == slots_[slot]; });
    members.member_zones.push_back(
        config_.task_managers[static_cast<size_t>(host - task_managers_.begin())].zone);
    members.member_hosts.push_back((*host)->host());
  }
  for (const HostId host : members.member_hosts) {
    if (config.dead_letters != nullptr) config.dead_letters->AddWorker(host);
  }
  source->consumers = std::make_unique<Consumers>(
      sim(), absl::StrCat(name(), "/", config.name, "/reader"), network_, log_, members);
  for (int p = 0; p < source->topic.count; ++p) {
    subtask(vertex, p % config.parallelism)
        .AddPartition(source->topic.first + static_cast<PartitionId>(p));
  }
  for (MeteredSink* sink : reached_[static_cast<size_t>(vertex)]) {
    sink->AddSource(log_, source->topic);
  }
  sources_.push_back(std::move(source));
}

const Consumers* StreamJob::source(int vertex) const {
  for (const auto& each : sources_) {
    if (each->vertex == vertex) return each->consumers.get();
  }
  return nullptr;
}

void StreamJob::Start() {
  for (const auto& each : subtasks_) {
    if (Runs(*each)) {
      each->Start(slots_[static_cast<size_t>(each->index())], nullptr);
    } else {
      each->Rest();
    }
  }
  RunAll();
  for (const auto& source : sources_) source->consumers->Start();
  started_ = true;
  Sample();
}

void StreamJob::Source::HandlePoll(int member, const std::vector<RecordRange>& poll) {
  if (!judged.empty()) {
    Judged& mine = judged[static_cast<size_t>(member)];
    mine.poll = poll;
    mine.kept.clear();
    mine.next = 0;
    Judge(member);
  } else {
    Take(member, poll, poll);
  }
}

void StreamJob::Source::Take(int member, const std::vector<RecordRange>& poll,
                             const std::vector<RecordRange>& given) {
  const bool at_once = job->config_.guarantee == DeliveryGuarantee::kAtMostOnce;
  for (const RecordRange& records : poll) {
    Offset& next = taken[records.partition - topic.first];
    if (records.from > next) job->PassOver(vertex, records.partition, next, records.from);
    next = records.to;
    if (at_once) consumers->NotNeededBelow(records.partition, records.to);
  }
  if (at_once) consumers->CommitOnce(member);
  Subtask& subtask = job->subtask(vertex, member);
  subtask.AddPoll(given);
  if (subtask.polls_waiting() < job->config_.polls_ahead) {
    consumers->PollHandled(member);
  } else {
    held[static_cast<size_t>(member)] = true;
  }
}

void StreamJob::Source::Begun(const std::vector<Offset>& from) {
  start = taken = from;
  const int readers = job->config_.vertices[static_cast<size_t>(vertex)].parallelism;
  for (int p = 0; p < topic.count; ++p) {
    const PartitionId partition = topic.first + static_cast<PartitionId>(p);
    const Offset first = from[static_cast<size_t>(p)];
    job->subtask(vertex, p % readers).SetNext(partition, first);
    for (MeteredSink* sink : job->reached_[static_cast<size_t>(vertex)]) {
      sink->ledger().Begin(partition, first);
    }
  }
}

void StreamJob::Source::Truncated(PartitionId partition, Offset end) {
  Offset& at = taken[partition - topic.first];
  job->CutAt(vertex, partition, end, at);
  at = std::min(at, end);
  const int readers = job->config_.vertices[static_cast<size_t>(vertex)].parallelism;
  job->subtask(vertex, static_cast<int>(partition - topic.first) % readers)
      .Truncated(partition, end);
}

void StreamJob::PollEmptied(Subtask* subtask) {
  for (const auto& source : sources_) {
    if (source->vertex != subtask->vertex_number()) continue;
    const auto member = static_cast<size_t>(subtask->index());
    if (!source->held[member] || subtask->polls_waiting() >= config_.polls_ahead) return;
    source->held[member] = false;
    source->consumers->PollHandled(subtask->index());
  }
}

void StreamJob::Written(const RecordRange& records) {
  const int64_t count = records.record_count();
  const bool whole = !records.interpolated && count == records.whole;
  const Time created = records.created.Earliest();
  if (whole) {
    records.created.RecordUntil(Now(), count, end_to_end_);
  } else {
    const Time latest = std::max(records.created.first, records.created.high);
    end_to_end_.RecordEvenly((Now() - latest).nanos(), (Now() - created).nanos(), count);
  }
  // Of parts of batches it is not known when they were created: as with consumers, the waterfall
  // does not have them. Of a share of a batch, the share of the sum.
  if (records.interpolated || records.to - records.from != records.whole) return;
  RecordTrail trail = records.trail;
  trail.AddService(Now(), Milestone::kCommitted,
                   sinks_.size() == 1 ? sinks_[0]->component_id() : component_id());
  const __int128 all = static_cast<__int128>((Now() - trail.Start()).nanos()) * records.whole -
                       records.created.SumUntil(Now(), records.whole);
  waterfall_.Add(trail, count, all * count / records.whole);
}

void StreamJob::WriteFailed() { Fail(); }

void StreamJob::Acknowledge(CheckpointId checkpoint, Subtask* subtask, bool ok) {
  const int number = first_[static_cast<size_t>(subtask->vertex_number())] + subtask->index();
  coordinator_->Acknowledge(checkpoint, number, subtask, ok);
}

void StreamJob::TriggerBarriers(CheckpointId checkpoint) {
  if (rescaling_) rescaling_->savepoint = checkpoint;
  for (const auto& each : subtasks_) {
    if (!Runs(*each)) {
      Acknowledge(checkpoint, each.get(), true);
    } else if (each->IsSource()) {
      // What it read behind a savepoint would be read again.
      if (rescaling_) each->HaltAfter(checkpoint);
      each->TriggerCheckpoint(checkpoint);
    }
  }
}

void StreamJob::AbortBarriers(CheckpointId checkpoint) {
  for (const auto& each : subtasks_) each->AbortCheckpoint(checkpoint);
  if (rescaling_ && rescaling_->savepoint == checkpoint) EndRescale(false);
}

void StreamJob::CheckpointComplete(const Checkpoint& checkpoint) {
  CheckCut(checkpoint);
  for (const auto& source : sources_) {
    const int first = first_[static_cast<size_t>(source->vertex)];
    const int readers = config_.vertices[static_cast<size_t>(source->vertex)].parallelism;
    for (int i = 0; i < readers; ++i) {
      for (const auto& [partition, next] :
           checkpoint.states[static_cast<size_t>(first + i)]->offsets) {
        source->consumers->NotNeededBelow(partition, next);
      }
      source->consumers->CommitOnce(i);
    }
  }
  CommitSinks(checkpoint.id);
  if (rescaling_ && rescaling_->savepoint == checkpoint.id) StopForRescale();
}

int64_t StreamJob::CopiesOn(const Edge& edge) const {
  if (edge.config.by != Partitioning::kBroadcast) return 1;
  return config_.vertices[static_cast<size_t>(edge.config.to)].parallelism;
}

void StreamJob::CheckCut(const Checkpoint& checkpoint) const {
  if (!one_cut_ || config_.guarantee != DeliveryGuarantee::kExactlyOnce) return;
  for (const Edge& edge : edges_) {
    int64_t emitted = 0;
    int64_t under_way = 0;
    const int senders = config_.vertices[static_cast<size_t>(edge.config.from)].subtasks();
    const int receivers = config_.vertices[static_cast<size_t>(edge.config.to)].subtasks();
    for (int i = 0; i < senders; ++i) {
      const SubtaskState& state =
          *checkpoint
               .states[static_cast<size_t>(first_[static_cast<size_t>(edge.config.from)] + i)];
      emitted += CopiesOn(edge) * (edge.config.late ? state.late : state.emitted);
      for (const auto& [records, late] : state.unsent) {
        if (late == edge.config.late) under_way += CopiesOn(edge) * records.record_count();
      }
      if (state.waiting.empty()) continue;
      for (const auto& channel : state.waiting[edge.output]) {
        for (const RecordRange& records : channel) under_way += records.record_count();
      }
    }
    int64_t taken = 0;
    for (int i = 0; i < receivers; ++i) {
      Subtask& receiver =
          *subtasks_[static_cast<size_t>(first_[static_cast<size_t>(edge.config.to)] + i)];
      const SubtaskState& state =
          *checkpoint.states[static_cast<size_t>(first_[static_cast<size_t>(edge.config.to)] + i)];
      taken += state.taken[edge.input];
      under_way += receiver.ArrivedIn(state, edge.input);
    }
    SIM_CHECK(emitted == taken + under_way, "inv.I17",
              absl::StrCat("checkpoint ", checkpoint.id, ", ",
                           vertices_[static_cast<size_t>(edge.config.from)]->name(), " to ",
                           vertices_[static_cast<size_t>(edge.config.to)]->name(), ": emitted ",
                           emitted, ", taken ", taken, ", under way ", under_way));
  }
}

void StreamJob::Sample() {
  int64_t lag = 0;
  for (const auto& source : sources_) {
    for (int i = 0; i < config_.vertices[static_cast<size_t>(source->vertex)].parallelism; ++i) {
      for (const auto& [partition, next] : subtask(source->vertex, i).Offsets()) {
        lag += std::max<int64_t>(0, log_->LogOf(partition).high_watermark() - next);
      }
    }
  }
  lag_.Set(lag);
  for (size_t v = 0; v < vertices_.size(); ++v) {
    Bytes state;
    for (int i = 0; i < config_.vertices[v].subtasks(); ++i) {
      state += subtask(static_cast<int>(v), i).StateSize();
    }
    vertices_[v]->state.Set(state.count());
    vertices_[v]->SetCompleteness();
  }
  if (coordinator_ != nullptr) coordinator_->Sample();
  FindBottleneck();
  After<"stream_job.sample">(
      kSampleInterval, [this] { Sample(); }, Priority::kControl);
}

void StreamJob::FindBottleneck() {
  std::vector<bool> held_up(vertices_.size(), false);
  std::vector<bool> busy(vertices_.size(), false);
  for (size_t i = 0; i < subtasks_.size(); ++i) {
    const Subtask& each = *subtasks_[i];
    const Duration waited = each.TimeIn(Subtask::Activity::kBackPressured);
    const Duration worked = each.TimeIn(Subtask::Activity::kBusy);
    const auto v = static_cast<size_t>(each.vertex_number());
    held_up[v] = held_up[v] || waited - back_pressured_[i] > kHigh * kSampleInterval;
    busy[v] = busy[v] || worked - busy_[i] > kFullyBusy * kSampleInterval;
    back_pressured_[i] = waited;
    busy_[i] = worked;
  }
  bottleneck_ = -1;
  for (size_t v = 0; v < vertices_.size(); ++v) {
    // The last that is held up has the bottleneck behind it; a last vertex, its sink.
    bool holds_up = busy[v];
    for (const Edge& edge : edges_) {
      if (edge.config.to == static_cast<int>(v)) {
        holds_up = holds_up || held_up[static_cast<size_t>(edge.config.from)];
      }
    }
    const bool is_sink = subtask(static_cast<int>(v), 0).IsSink();
    if ((holds_up && !held_up[v]) || (is_sink && held_up[v])) bottleneck_ = static_cast<int>(v);
  }
  for (size_t v = 0; v < vertices_.size(); ++v) {
    vertices_[v]->bottleneck.Set(bottleneck_ == static_cast<int>(v) ? 1 : 0);
  }
}

void StreamJob::AuditRecords() const {
  for (const auto& each : subtasks_) each->Audit();
  waterfall_.Audit();
  if (status_ != Status::kRunning || !all_alive_ || !one_cut_) return;
  for (const Edge& edge : edges_) {
    int64_t emitted = 0;
    int64_t taken = 0;
    int64_t under_way = 0;
    Subtask* before = nullptr;
    for (size_t i = 0; i < edge.channels.size(); ++i) {
      under_way += edge.channels[i]->records_under_way();
      const auto [sender, receiver] = edge.ends[i];
      if (sender != before) {
        emitted += CopiesOn(edge) * (edge.config.late ? sender->late() : sender->emitted());
        under_way += CopiesOn(edge) * sender->Unsent(edge.config.late);
      }
      before = sender;
    }
    const int receivers = config_.vertices[static_cast<size_t>(edge.config.to)].subtasks();
    for (int i = 0; i < receivers; ++i) {
      taken +=
          subtasks_[static_cast<size_t>(first_[static_cast<size_t>(edge.config.to)] + i)]->taken(
              edge.input);
    }
    SIM_CHECK(emitted == taken + under_way, "inv.I9",
              absl::StrCat(vertices_[static_cast<size_t>(edge.config.from)]->name(), " to ",
                           vertices_[static_cast<size_t>(edge.config.to)]->name(), ": emitted ",
                           emitted, ", taken ", taken, ", under way ", under_way));
  }
}

}  // namespace freshet
