#include "models/connect/mirror.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {

Mirror::Mirror(Simulation& sim, absl::string_view name, Network* network, LogService* source,
               LogService* target, const Config& config)
    : MirrorTopic(sim, name, network, source, source->PartitionsOf(config.consumers.topic), target,
                  target->PartitionsOf(config.writes), config.offset_lag_max),
      config_(config),
      network_(network),
      lane_(sim.recorder().AddLane(name)),
      record_age_(AddDistribution(kRecordAge)),
      running_(AddGauge(kRunning)),
      unassigned_(AddGauge(kUnassigned)),
      checkpoints_(AddCounter(kCheckpoints)),
      distance_(AddGauge(kDistance)) {
  SIM_REQUIRE(!config.consumers.group && config.tasks > 0 && !config.worker_zones.empty());
  for (size_t i = 0; i < config.worker_zones.size(); ++i) {
    Worker worker;
    worker.host = network->AddHost(absl::StrCat(name, "/worker-", i + 1), config.worker_zones[i],
                                   config.network_bandwidth);
    // A writer for each task that may run here, in the order of WriterOf().
    for (int task = 0; task < config.tasks; ++task) {
      AddWriter(absl::StrCat(name, "/worker-", i + 1, "/task-", task + 1), worker.host);
    }
    workers_.push_back(worker);
  }
  tasks_.resize(static_cast<size_t>(config.tasks));
  const auto partitions = static_cast<size_t>(partition_count());
  read_.resize(partitions);
  acked_.resize(partitions);
  committed_.resize(partitions);
  pending_.resize(partitions);
  Consumers::Config readers = config.consumers;
  readers.assignment = Consumers::FixedPartitions::kInTurn;
  readers.auto_commit = false;
  readers.handler = this;
  readers.traffic = TrafficCause::kMirror;
  readers.member_zones.clear();
  readers.member_hosts.clear();
  for (int task = 0; task < config.tasks; ++task) {
    const auto worker = static_cast<size_t>(task) % workers_.size();
    tasks_[static_cast<size_t>(task)].worker = static_cast<int>(worker);
    readers.member_zones.push_back(config.worker_zones[worker]);
    readers.member_hosts.push_back(workers_[worker].host);
  }
  consumers_ =
      std::make_unique<Consumers>(sim, absl::StrCat(name, "/consumer"), network, source, readers);
}

Mirror::~Mirror() = default;

void Mirror::Start() {
  consumers_->Start();
  running_.Set(config_.tasks);
  FlushLater();
  Refresh();
  RefreshLater();
  CheckpointLater();
  if (config_.sync_interval) SyncLater();
}

// --- From the source to the target ---

void Mirror::Begun(const std::vector<Offset>& from) {
  for (size_t slot = 0; slot < from.size(); ++slot) {
    read_[slot] = acked_[slot] = committed_[slot] = from[slot];
    ledger().Begin(SourceOf(static_cast<int>(slot)), from[slot]);
  }
}

void Mirror::HandlePoll(int number, const std::vector<RecordRange>& poll) {
  Task& task = tasks_[static_cast<size_t>(number)];
  ++workers_[static_cast<size_t>(task.worker)].polled;
  for (const RecordRange& records : poll) {
    const auto slot = static_cast<int>(records.partition - SourceOf(0));
    Offset& read = read_[static_cast<size_t>(slot)];
    const Offset kept =
        std::min(records.from, source()->LogOf(records.partition).log_start_offset());
    if (read < kept) {  // Retention was quicker.
      ledger().GoOn(records.partition, kept, EffectCause::kRetention, EffectCause::kReset);
      read = kept;
    }
    if (read < records.from) {
      RecordSpan withheld;
      withheld.partition = records.partition;
      withheld.from = read;
      withheld.to = records.from;
      Settle(withheld, EffectLedger::How::kWithheld);
    }
    read = records.to;
    const CreatedTimes& created = records.created;
    if (records.interpolated) {
      record_age_.RecordEvenly((Now() - std::max(created.first, created.high)).nanos(),
                               (Now() - created.Earliest()).nanos(), records.record_count());
    } else {
      created.RecordUntil(Now(), records.record_count(), record_age_);
    }
    pending_[static_cast<size_t>(slot)].push_back(records.to);
    Write(WriterOf(number), records,
          [this, number, life = task.life, slot](bool) { Acked(number, life, slot); });
  }
  if (UnackedOf(WriterOf(number)) < config_.buffer_memory) {
    consumers_->PollHandled(number);
  } else {
    task.polling = true;
  }
}

void Mirror::Acked(int number, uint32_t life, int slot) {
  Task& task = tasks_[static_cast<size_t>(number)];
  if (life != task.life) return;
  std::deque<Offset>& pending = pending_[static_cast<size_t>(slot)];
  acked_[static_cast<size_t>(slot)] = pending.front();
  pending.pop_front();
  if (stopped_) {
    StoppedIfIdle();
  } else if (task.polling && UnackedOf(WriterOf(number)) < config_.buffer_memory) {
    task.polling = false;
    consumers_->PollHandled(number);
  }
}

void Mirror::Truncated(PartitionId partition, Offset end) {
  const auto slot = static_cast<size_t>(partition - SourceOf(0));
  if (read_[slot] > end) {
    // Offsets are given anew: what is on its way of the old ones is not what comes.
    RecordSpan cut;
    cut.partition = partition;
    cut.from = end;
    cut.to = read_[slot];
    ledger().Explain(cut, EffectCause::kTruncated);
  }
  ledger().Cut(partition, end);
  ShowEffects();
  for (Offset* offset : {&read_[slot], &acked_[slot], &committed_[slot]}) {
    *offset = std::min(*offset, end);
  }
  for (Offset& to : pending_[slot]) to = std::min(to, end);
}

void Mirror::FlushLater() {
  After<"mirror.flush">(config_.flush_interval, [this] {
    for (int task = 0; task < config_.tasks; ++task) {
      if (tasks_[static_cast<size_t>(task)].worker != kNobody) Flush(task);
    }
    FlushLater();
  });
}

void Mirror::Flush(int task) {
  VisitSlots(task, [this](size_t slot) {
    committed_[slot] = acked_[slot];
    consumers_->NotNeededBelow(SourceOf(static_cast<int>(slot)), committed_[slot]);
  });
}

bool Mirror::IsDrained() const {
  for (int slot = 0; slot < partition_count(); ++slot) {
    const PartitionLog& log = source()->LogOf(SourceOf(slot));
    // Behind the last record may lie a marker, which nobody is given.
    const Offset end = config_.consumers.isolation == Isolation::kReadCommitted
                           ? log.last_stable_offset()
                           : log.high_watermark();
    if (acked_[static_cast<size_t>(slot)] < end) return false;
  }
  return true;
}

// --- Groups ---

void Mirror::AddGroup(Consumers* group, Consumers* image) {
  SIM_REQUIRE(group->coordinator() != nullptr);
  GroupState state;
  state.group = group;
  state.image = image;
  state.checkpoints.resize(static_cast<size_t>(partition_count()));
  groups_.push_back(std::move(state));
}

bool Mirror::AnyWorkerUp() const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const Worker& worker) { return !worker.down; });
}

bool Mirror::Answers(const Consumers& group) const {
  const BrokerId broker = group.coordinator()->broker();
  if (broker == kNoBroker || !source()->IsUp(broker)) return false;
  if (group.coordinator()->ErrorAt(broker) != GroupError::kNone) return false;
  return std::any_of(workers_.begin(), workers_.end(), [&](const Worker& worker) {
    return !worker.down && !network_->IsCut(worker.host, source()->HostOf(broker));
  });
}

void Mirror::RefreshLater() {
  After<"mirror.refresh_groups">(config_.refresh_interval, [this] {
    Refresh();
    RefreshLater();
  });
}

void Mirror::Refresh() {
  for (GroupState& state : groups_) {
    if (state.known || !Answers(*state.group)) continue;
    for (int slot = 0; slot < partition_count(); ++slot) {
      state.known = state.known || state.group->coordinator()->CommittedOf(slot).has_value();
    }
  }
}

void Mirror::CheckpointLater() {
  After<"mirror.checkpoint">(config_.checkpoint_interval, [this] {
    if (!stopped_) {
      for (GroupState& state : groups_) {
        if (state.known) Emit(state);
      }
    }
    CheckpointLater();
  });
}

void Mirror::Emit(GroupState& state) {
  if (!Answers(*state.group)) return;
  int64_t distance = 0;
  for (int slot = 0; slot < partition_count(); ++slot) {
    const std::optional<Offset> committed = state.group->coordinator()->CommittedOf(slot);
    if (!committed) continue;
    std::optional<Checkpoint>& checkpoint = state.checkpoints[static_cast<size_t>(slot)];
    const std::optional<Offset> copy = MapOf(slot).Translate(*committed);
    if (copy && (!checkpoint || *copy > checkpoint->copy)) {
      checkpoint = {*committed, *copy};
      checkpoints_.Add(1);
    }
    if (checkpoint) distance += MapOf(slot).CopiedIn(0, *committed, checkpoint->copy);
  }
  distance_.Set(distance);
}

void Mirror::SyncLater() {
  After<"mirror.sync_group_offsets">(*config_.sync_interval, [this] {
    for (GroupState& state : groups_) {
      if (stopped_ || state.image == nullptr || state.image->has_started()) continue;
      for (int slot = 0; slot < partition_count(); ++slot) {
        const auto& checkpoint = state.checkpoints[static_cast<size_t>(slot)];
        if (checkpoint) state.image->coordinator()->Reset(slot, checkpoint->copy);
      }
    }
    SyncLater();
  });
}

std::optional<Offset> Mirror::CheckpointOf(const Consumers* group, int partition) const {
  for (const GroupState& state : groups_) {
    if (state.group != group) continue;
    const auto& checkpoint = state.checkpoints[static_cast<size_t>(partition)];
    return checkpoint ? std::optional<Offset>(checkpoint->copy) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace freshet
