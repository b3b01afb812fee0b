#include "models/group/transaction_coordinator.h"

#include <algorithm>
#include <utility>

#include "models/group/group_coordinator.h"

namespace freshet {
namespace {

// What the formats take (KSRC: TransactionLogKey, TransactionLogValue, EndTransactionMarker): the
// header of a batch and the record around its key and value; of a transaction version, producer,
// epoch, timeout, status, two times and the length of a list; of a topic the lengths of its name
// and of its list; and the whole batch of a marker.
constexpr Bytes kBatchHeader(61 + 10);
constexpr Bytes kTransaction(2 + 2 + 2 + 8 + 2 + 4 + 1 + 8 + 8 + 4);
constexpr Bytes kPartition(4 + 2 + 4);
constexpr Bytes kMarkerBatch(78);

bool IsDecided(TransactionState state) {
  return state == TransactionState::kPrepareCommit || state == TransactionState::kPrepareAbort;
}
bool Commits(TransactionState state) {
  return state == TransactionState::kPrepareCommit || state == TransactionState::kCompleteCommit;
}

}  // namespace

TransactionCoordinator::TransactionCoordinator(Simulation& sim, absl::string_view name,
                                               Network* network, LogService* log,
                                               const Config& config)
    : Component(sim, name),
      config_(config),
      log_(log),
      own_producer_(log->NewProducerId()),
      committed_(AddCounter(kCommitted)),
      aborted_(AddCounter(kAborted)),
      timed_out_(AddCounter(kTimedOut)),
      ongoing_(AddGauge(kOngoing)),
      end_time_(AddDistribution(kEndTime)),
      markers_(AddCounter(kMarkers)),
      fenced_(AddCounter(kFencedRequests)),
      lane_(sim.recorder().AddLane(name)) {
  for (BrokerId broker = 0; broker < log->broker_count(); ++broker) {
    writers_.push_back(std::make_unique<BatchWriter>(network, log, log->HostOf(broker)));
  }
  shards_.resize(static_cast<size_t>(config.state_partitions));
  for (size_t shard = 0; shard < shards_.size(); ++shard) {
    shards_[shard].broker = log->GroupCoordinatorOf(PartitionOf(shard));
    shards_[shard].loaded = shards_[shard].broker != kNoBroker;
  }
  log->OnBrokerChange([this](BrokerId broker) {
    if (!log_->IsUp(broker)) writers_[static_cast<size_t>(broker)]->Forget();
    LookAtAll();
  });
  log->OnLeaderChange([this] { LookAtAll(); });
  if (config.verifies) log->VerifyTransactionsBy(this);
  After<"transaction.sweep">(config_.abort_interval, [this] { Sweep(); });
}

TransactionCoordinator::Id TransactionCoordinator::AddTransactionalId(
    absl::string_view transactional_id) {
  Transactional added;
  added.name = std::string(transactional_id);
  added.shard = static_cast<size_t>(
      GroupCoordinator::PartitionOf(transactional_id, config_.state_partitions));
  ids_.push_back(std::move(added));
  shards_[ids_.back().shard].ids.push_back(static_cast<Id>(ids_.size() - 1));
  return static_cast<Id>(ids_.size() - 1);
}

BrokerId TransactionCoordinator::BrokerOf(Id id) const {
  return log_->GroupCoordinatorOf(PartitionOf(ids_[id].shard));
}

// --- Where it is ---

void TransactionCoordinator::LookAtAll() {
  for (size_t shard = 0; shard < shards_.size(); ++shard) {
    if (!shards_[shard].ids.empty()) Look(shard);
  }
}

void TransactionCoordinator::Look(size_t number) {
  Shard& shard = shards_[number];
  const BrokerId leader = log_->GroupCoordinatorOf(PartitionOf(number));
  if (leader == shard.broker) return;
  if (shard.broker != kNoBroker) Unload(number);
  shard.broker = leader;
  shard.loaded = false;
  const uint32_t load = ++shard.loads;
  if (leader == kNoBroker) return;
  // What the election has cut off was never written; the rest will be committed.
  const Offset end = log_->LogOf(PartitionOf(number)).log_end_offset();
  for (const Id id : shard.ids) {
    Transactional& each = ids_[id];
    if (each.next && each.next_end && *each.next_end <= end) Apply(each);
    each.next.reset();
    each.next_end.reset();
  }
  const Duration wait =
      config_.load_rate ? config_.load_rate->TimeFor(LoadBytes(number)) : Duration::Zero();
  After<"transaction.loaded">(wait, [this, number, load] {
    if (load == shards_[number].loads) Loaded(number);
  });
}

void TransactionCoordinator::Unload(size_t shard) {
  for (const Id id : shards_[shard].ids) {
    Transactional& each = ids_[id];
    ++each.round;
    each.requests = 0;
    each.unmarked.clear();
    Answered answer = each.answer;
    each.answer = {};
    if (answer) answer({TransactionError::kNotCoordinator, 0, 0});
  }
}

void TransactionCoordinator::Loaded(size_t shard) {
  shards_[shard].loaded = true;
  sim().recorder().Mark(RecordLevel::kState, lane_, "coordinator_loaded", Now(),
                        shards_[shard].broker, Severity::kNotice);
  for (const Id id : shards_[shard].ids) {
    Transactional& each = ids_[id];
    if (!IsDecided(each.now.state)) continue;
    each.unmarked = each.now.partitions;
    Mark(id);
  }
}

Bytes TransactionCoordinator::LoadBytes(size_t shard) const {
  Bytes live;
  for (const Id id : shards_[shard].ids) live += RecordBytes(ids_[id], ids_[id].now);
  return std::min(log_->LogOf(PartitionOf(shard)).bytes(), live + config_.state_segment);
}

// --- Requests ---

void TransactionCoordinator::Handle(BrokerId at, const Request& request, Answered answer) {
  Transactional& each = ids_[request.id];
  const Shard& shard = shards_[each.shard];
  if (at != shard.broker || !shard.loaded) {
    answer({at != shard.broker ? TransactionError::kNotCoordinator : TransactionError::kLoading, 0,
            0});
    return;
  }
  if (each.next) {
    answer({TransactionError::kConcurrent, 0, 0});
    return;
  }
  switch (request.kind) {
    case Request::Kind::kInitProducerId:
      Initialise(each, request, answer);
      return;
    case Request::Kind::kAddPartitions:
    case Request::Kind::kAddOffsets:
      AddTo(each, request, answer);
      return;
    case Request::Kind::kCommit:
    case Request::Kind::kAbort:
      End(each, request, answer);
      return;
  }
}

void TransactionCoordinator::Initialise(Transactional& each, const Request& request,
                                        Answered answer) {
  const Entry& now = each.now;
  const bool current = request.epoch == now.epoch || (now.swept && request.epoch == now.last_epoch);
  if (request.same_producer && !current) {
    fenced_.Add(1);
    answer({TransactionError::kFenced, 0, 0});
    return;
  }
  if (IsDecided(now.state)) {
    answer({TransactionError::kConcurrent, 0, 0});
    return;
  }
  if (now.state == TransactionState::kOngoing) {
    // What an earlier life has left open ends first.
    Decide(each, false, true, {});
    answer({TransactionError::kConcurrent, 0, 0});
    return;
  }
  Entry next = now;
  next.timeout = request.timeout;
  next.state = TransactionState::kEmpty;
  next.swept = false;
  next.partitions.clear();
  next.groups.clear();
  if (now.known) {
    ++next.epoch;
  } else {
    next.known = true;
    next.producer = log_->NewProducerId();
    by_producer_.resize(next.producer + 1);
    by_producer_[next.producer] = IdOf(each);
  }
  Write(each, next, answer);
}

void TransactionCoordinator::AddTo(Transactional& each, const Request& request, Answered answer) {
  const Entry& now = each.now;
  if (!now.known || request.epoch != now.epoch) {
    fenced_.Add(1);
    answer({TransactionError::kFenced, 0, 0});
    return;
  }
  if (IsDecided(now.state)) {
    answer({TransactionError::kConcurrent, 0, 0});
    return;
  }
  Entry next = now;
  if (now.state != TransactionState::kOngoing) {
    next.state = TransactionState::kOngoing;
    next.started = Now();
    next.partitions.clear();
    next.groups.clear();
    ++next.number;
  }
  std::vector<PartitionId> added = request.partitions;
  if (request.group != nullptr) {
    added.push_back(request.group->offsets_partition());
    if (std::find(next.groups.begin(), next.groups.end(), request.group) == next.groups.end()) {
      next.groups.push_back(request.group);
    }
  }
  for (const PartitionId partition : added) {
    const auto at = std::lower_bound(next.partitions.begin(), next.partitions.end(), partition);
    if (at == next.partitions.end() || *at != partition) next.partitions.insert(at, partition);
  }
  if (now.state == TransactionState::kOngoing && next.partitions == now.partitions &&
      next.groups == now.groups) {
    answer(AnswerOf(each));
    return;
  }
  Write(each, next, answer);
}

void TransactionCoordinator::End(Transactional& each, const Request& request, Answered answer) {
  const Entry& now = each.now;
  const bool commits = request.kind == Request::Kind::kCommit;
  // A repetition of the request that has ended it and has raised the epoch.
  const bool repeats = config_.raises_epochs && !now.swept && request.epoch == now.last_epoch &&
                       request.epoch + 1 == now.epoch && now.state != TransactionState::kOngoing;
  if (!now.known || (request.epoch != now.epoch && !repeats) ||
      now.state == TransactionState::kEmpty ||
      (now.state != TransactionState::kOngoing && Commits(now.state) != commits)) {
    fenced_.Add(1);
    answer({TransactionError::kFenced, 0, 0});
    return;
  }
  if (IsDecided(now.state)) {
    answer({TransactionError::kConcurrent, 0, 0});
  } else if (now.state != TransactionState::kOngoing) {
    answer(AnswerOf(each));
  } else {
    Decide(each, commits, false, answer);
  }
}

void TransactionCoordinator::Sweep() {
  for (Transactional& each : ids_) {
    const Entry& now = each.now;
    if (!shards_[each.shard].loaded || each.next || now.state != TransactionState::kOngoing ||
        now.started + now.timeout >= Now()) {
      continue;
    }
    timed_out_.Add(1);
    if (told_.size() < kMostTold) {
      told_.push_back({IdOf(each), now.producer, now.partitions, now.started, Now()});
    }
    sim().recorder().Mark(RecordLevel::kState, lane_, "transaction_timed_out", Now(),
                          static_cast<int64_t>(IdOf(each)), Severity::kWarning);
    Decide(each, false, true, {});
  }
  After<"transaction.sweep">(config_.abort_interval, [this] { Sweep(); });
}

void TransactionCoordinator::Decide(Transactional& each, bool commits, bool sweeps,
                                    Answered answer) {
  Entry next = each.now;
  next.state = commits ? TransactionState::kPrepareCommit : TransactionState::kPrepareAbort;
  next.swept = sweeps;
  if (sweeps || config_.raises_epochs) {
    next.last_epoch = next.epoch;
    ++next.epoch;
  }
  each.decided = Now();
  Write(each, next, answer);
}

// --- Its log ---

void TransactionCoordinator::Write(Transactional& each, const Entry& entry, Answered answer) {
  each.next = entry;
  each.next_end.reset();
  each.answer = answer;
  SendNext(IdOf(each));
}

void TransactionCoordinator::SendNext(Id id) {
  Transactional& each = ids_[id];
  const BrokerId broker = shards_[each.shard].broker;
  Batch batch;
  batch.partition = PartitionOf(each.shard);
  batch.producer = own_producer_;
  batch.sequence = writes_++;
  batch.record_count = 1;
  batch.bytes = RecordBytes(each, *each.next);
  batch.created = {Now(), 1, Now(), Now()};
  batch.closed_at = batch.sent_at = Now();
  batch.producer_component = component_id();
  writers_[static_cast<size_t>(broker)]->Send(
      broker, {batch},
      [this, id, round = each.round](const ProduceRequest* answered) {
        if (round == ids_[id].round) WriteAnswered(id, answered);
      },
      [this, id, round = each.round](AppendJudgement& judgement) {
        Transactional& writes = ids_[id];
        if (round == writes.round) {
          writes.next_end = log_->LogOf(judgement.batch.partition).log_end_offset() + 1;
        } else {
          judgement.error = ProduceError::kFenced;  // Of a leader before this one.
        }
      });
}

void TransactionCoordinator::WriteAnswered(Id id, const ProduceRequest* answered) {
  Transactional& each = ids_[id];
  if (answered == nullptr) return;  // Its broker has died, and another one will lead.
  const Offset high_watermark = log_->LogOf(PartitionOf(each.shard)).high_watermark();
  if (each.next_end && *each.next_end <= high_watermark) {
    Apply(each);
    Answered answer = each.answer;
    each.answer = {};
    if (answer) answer(AnswerOf(each));
    if (IsDecided(each.now.state)) {
      each.unmarked = each.now.partitions;
      Mark(id);
    }
    return;
  }
  After<"transaction.write_again">(config_.retry_backoff, [this, id, round = each.round] {
    if (round == ids_[id].round) SendNext(id);
  });
}

void TransactionCoordinator::Apply(Transactional& each) {
  const TransactionState before = each.now.state;
  each.now = *std::move(each.next);
  each.next.reset();
  each.next_end.reset();
  const TransactionState after = each.now.state;
  ongoing_.Add((after == TransactionState::kOngoing) - (before == TransactionState::kOngoing));
  if (after != TransactionState::kCompleteCommit && after != TransactionState::kCompleteAbort) {
    return;
  }
  (after == TransactionState::kCompleteCommit ? committed_ : aborted_).Add(1);
  end_time_.Record(Now() - each.decided);
}

// --- Markers ---

void TransactionCoordinator::Mark(Id id) {
  Transactional& each = ids_[id];
  const BrokerId self = shards_[each.shard].broker;
  const std::shared_ptr<const Metadata> metadata = log_->CurrentMetadata(log_->HostOf(self));
  ++each.requests;  // Held by this function, so that an early answer does not end the round.
  std::vector<Batch> batches;
  for (BrokerId leader = 0; leader < log_->broker_count(); ++leader) {
    if (!log_->IsUp(leader)) continue;
    batches.clear();
    for (const PartitionId partition : each.unmarked) {
      if (metadata->leader[partition] != leader) continue;
      batches.push_back(MarkerOf(each.now, partition, each.now.number, Commits(each.now.state)));
    }
    if (batches.empty()) continue;
    ++each.requests;
    writers_[static_cast<size_t>(self)]->Send(
        leader, batches,
        [this, id, round = each.round](const ProduceRequest* answered) {
          if (round == ids_[id].round) MarkersAnswered(id, answered);
        },
        [this, id](AppendJudgement& judgement) { NoteMarker(id, judgement.batch); });
  }
  MarkersAnswered(id, nullptr);
}

void TransactionCoordinator::NoteMarker(Id id, const Batch& marker) {
  for (GroupCoordinator* group : ids_[id].now.groups) {
    if (group->offsets_partition() == marker.partition) {
      group->EndTransaction(marker.producer, marker.kind == BatchKind::kCommitMarker);
    }
  }
}

void TransactionCoordinator::MarkersAnswered(Id id, const ProduceRequest* answered) {
  Transactional& each = ids_[id];
  for (size_t i = 0; answered != nullptr && i < answered->batches.size(); ++i) {
    if (answered->errors[i] != ProduceError::kNone) continue;
    const auto marked = std::lower_bound(each.unmarked.begin(), each.unmarked.end(),
                                         answered->batches[i].partition);
    each.unmarked.erase(marked);
    markers_.Add(1);
  }
  if (--each.requests > 0) return;
  if (each.unmarked.empty()) {
    MarkersDone(id);
    return;
  }
  After<"transaction.mark_again">(config_.retry_backoff, [this, id, round = each.round] {
    if (round == ids_[id].round) Mark(id);
  });
}

void TransactionCoordinator::MarkersDone(Id id) {
  Transactional& each = ids_[id];
  Entry next = each.now;
  next.state = Commits(each.now.state) ? TransactionState::kCompleteCommit
                                       : TransactionState::kCompleteAbort;
  Write(each, next, {});
}

Batch TransactionCoordinator::MarkerOf(const Entry& entry, PartitionId partition, int64_t number,
                                       bool commits) const {
  Batch marker;
  marker.kind = commits ? BatchKind::kCommitMarker : BatchKind::kAbortMarker;
  marker.partition = partition;
  marker.producer = entry.producer;
  marker.producer_epoch = entry.epoch;
  marker.sequence = number;
  marker.record_count = 1;
  marker.bytes = kMarkerBatch;
  marker.created = {Now(), 1, Now(), Now()};
  marker.closed_at = marker.sent_at = Now();
  marker.producer_component = component_id();
  return marker;
}

void TransactionCoordinator::AbortHanging(PartitionId partition, ProducerId producer) {
  Entry* entry = nullptr;
  Entry unknown;
  unknown.producer = producer;
  if (producer < by_producer_.size() && by_producer_[producer]) {
    entry = &ids_[*by_producer_[producer]].now;
  } else {
    entry = &unknown;
  }
  const BrokerId leader = log_->GroupCoordinatorOf(partition);
  if (leader == kNoBroker) return;
  writers_[static_cast<size_t>(leader)]->Send(
      leader, {MarkerOf(*entry, partition, ++entry->number, false)}, [](const ProduceRequest*) {});
}

// --- What partitions ask ---

ProduceError TransactionCoordinator::Judge(ProducerId producer, int32_t epoch,
                                           PartitionId partition) const {
  if (producer >= by_producer_.size() || !by_producer_[producer]) return ProduceError::kFenced;
  const Transactional& each = ids_[*by_producer_[producer]];
  if (!shards_[each.shard].loaded) return ProduceError::kNotLeader;
  const Entry& now = each.now;
  const bool ongoing = now.state == TransactionState::kOngoing && now.epoch == epoch &&
                       std::binary_search(now.partitions.begin(), now.partitions.end(), partition);
  return ongoing ? ProduceError::kNone : ProduceError::kFenced;
}

std::optional<TransactionCoordinator::Id> TransactionCoordinator::OwnerOf(
    ProducerId producer, PartitionId partition) const {
  if (producer >= by_producer_.size() || !by_producer_[producer]) return std::nullopt;
  const Entry& now = ids_[*by_producer_[producer]].now;
  const bool open = now.state != TransactionState::kEmpty &&
                    std::binary_search(now.partitions.begin(), now.partitions.end(), partition);
  return open ? by_producer_[producer] : std::nullopt;
}

Bytes TransactionCoordinator::RecordBytes(const Transactional& each, const Entry& entry) const {
  return kBatchHeader + kTransaction + Bytes(static_cast<int64_t>(each.name.size())) +
         kPartition * static_cast<int64_t>(entry.partitions.size());
}

}  // namespace freshet
