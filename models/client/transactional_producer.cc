#include "models/client/transactional_producer.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace freshet {

TransactionalProducer::TransactionalProducer(Simulation& sim, absl::string_view name,
                                             Network* network, LogService* log,
                                             TransactionCoordinator* coordinator,
                                             const Config& config)
    : Component(sim, name),
      log_(log),
      config_(config),
      writer_(network, log, config.host),
      manager_(sim, absl::StrCat(name, "/transactions"), network, log, coordinator, this, config) {}

void TransactionalProducer::Start(Callback ready) {
  Crash();
  ready_ = ready;
  manager_.Start();
}

void TransactionalProducer::Crash() {
  ++life_;
  writer_.Forget();
  manager_.Crash();
  lines_.clear();
  unanswered_ = 0;
  ends_.reset();
  gave_up_ = false;
  end_done_ = {};
  ready_ = {};
}

void TransactionalProducer::Ready() {
  if (end_done_) {
    TellEnd();
    return;
  }
  Callback ready = ready_;
  if (ready) ready();
}

void TransactionalProducer::Begin() { manager_.Begin(); }

// --- What is sent ---

void TransactionalProducer::Send(PartitionId partition, const Records& records, Done done) {
  Item item;
  item.batch.record_count = records.count;
  item.batch.bytes = records.bytes;
  item.batch.created = records.created;
  item.done = done;
  Enqueue(partition, item);
}

void TransactionalProducer::SendOffsets(GroupCoordinator* group,
                                        const GroupCoordinator::Commit& commit, Done done) {
  Item item;
  item.batch.record_count = static_cast<int64_t>(commit.offsets.size());
  item.batch.bytes = group->CommitBytes(commit.offsets.size());
  item.batch.created = {Now(), 1, Now(), Now()};
  item.group = group;
  item.commit = commit;
  item.done = done;
  Enqueue(group->offsets_partition(), item);
}

void TransactionalProducer::Enqueue(PartitionId partition, const Item& item) {
  SIM_REQUIRE(!ends_ && manager_.in_transaction());
  Line& line = lines_[partition];
  line.queue.push_back(item);
  Batch& batch = line.queue.back().batch;
  batch.kind = BatchKind::kTransactional;
  batch.partition = partition;
  batch.producer = manager_.producer();
  batch.producer_epoch = manager_.epoch();
  batch.producer_component = component_id();
  batch.closed_at = Now();
  ++unanswered_;
  TrySend(partition);
}

void TransactionalProducer::TrySendAll() {
  for (auto& [partition, line] : lines_) TrySend(partition);
}

void TransactionalProducer::TrySend(PartitionId partition) {
  Line& line = lines_[partition];
  if (line.under_way || line.waiting || line.queue.empty()) return;
  Item& item = line.queue.front();
  const bool may =
      item.group == nullptr ? manager_.MaySend(partition) : manager_.MayCommit(item.group);
  if (!may) return;
  const BrokerId leader = item.group == nullptr
                              ? log_->CurrentMetadata(config_.host)->leader[partition]
                              : log_->GroupCoordinatorOf(partition);
  if (leader == kNoBroker || !log_->IsUp(leader)) {
    Later(partition);
    return;
  }
  if (item.batch.attempts == 0) {
    if (line.epoch != item.batch.producer_epoch) line.next_sequence = 0;
    line.epoch = item.batch.producer_epoch;
    item.batch.sequence = line.next_sequence++;
    item.batch.sent_at = Now();
  }
  ++item.batch.attempts;
  item.batch.resent_at = Now();
  item.batch.appended_at = Time();
  line.under_way = true;
  Completion<AppendJudgement&> judge;
  if (item.group != nullptr) judge = [this](AppendJudgement& judgement) { Judge(judgement); };
  writer_.Send(
      leader, {item.batch},
      [this, partition](const ProduceRequest* answered) { Answered(partition, answered); }, judge);
}

void TransactionalProducer::Judge(AppendJudgement& judgement) {
  const auto line = lines_.find(judgement.batch.partition);
  if (line == lines_.end() || !line->second.under_way) {  // Of a life that is over.
    judgement.error = ProduceError::kFenced;
    return;
  }
  const Item& item = line->second.queue.front();
  judgement.error = item.group->JudgeTransactional(item.commit, judgement.batch.producer);
}

void TransactionalProducer::Later(PartitionId partition) {
  lines_[partition].waiting = true;
  After<"producer.send_again">(config_.retry_backoff, [this, partition, life = life_] {
    if (life != life_) return;
    lines_[partition].waiting = false;
    TrySend(partition);
  });
}

void TransactionalProducer::Answered(PartitionId partition, const ProduceRequest* answered) {
  Line& line = lines_[partition];
  line.under_way = false;
  const ProduceError error = answered == nullptr ? ProduceError::kNotLeader : answered->errors[0];
  if (error == ProduceError::kFenced) {
    // Its coordinator knows why; what is left cannot be appended.
    ends_ = false;
    gave_up_ = true;
    DropAll();
    EndIfFlushed();
    return;
  }
  if (error != ProduceError::kNone) {
    Later(partition);
    return;
  }
  Done done = line.queue.front().done;
  line.queue.pop_front();
  --unanswered_;
  const uint32_t life = life_;
  if (done) done(true);
  if (life != life_) return;
  EndIfFlushed();
  if (!ends_ || *ends_) TrySend(partition);
}

// --- Its end ---

void TransactionalProducer::Commit(Done done) {
  SIM_REQUIRE(!end_done_);
  end_done_ = done;
  commit_asked_ = true;
  if (manager_.fenced()) {
    Fenced();
    return;
  }
  if (!ends_) ends_ = true;
  EndIfFlushed();
}

void TransactionalProducer::Abort(Done done) {
  SIM_REQUIRE(!end_done_);
  end_done_ = done;
  commit_asked_ = false;
  if (manager_.fenced()) {
    Fenced();
    return;
  }
  ends_ = false;
  std::vector<Done> dropped;
  for (auto& [partition, line] : lines_) {
    while (!line.queue.empty() && line.queue.back().batch.attempts == 0) {
      dropped.push_back(line.queue.back().done);
      line.queue.pop_back();
      --unanswered_;
    }
  }
  for (Done& each : dropped) {
    if (each) each(false);
  }
  EndIfFlushed();
}

void TransactionalProducer::EndIfFlushed() {
  if (!end_done_ || !ends_ || unanswered_ > 0 || !manager_.in_transaction()) return;
  manager_.End(*ends_);
}

void TransactionalProducer::DropAll() {
  std::vector<Done> dropped;
  for (auto& [partition, line] : lines_) {
    for (Item& item : line.queue) dropped.push_back(item.done);
    line.queue.clear();
    line.under_way = false;
  }
  writer_.Forget();
  unanswered_ = 0;
  for (Done& done : dropped) {
    if (done) done(false);
  }
}

void TransactionalProducer::Ended(bool committed) {
  ends_.reset();
  end_ok_ = committed || !commit_asked_;
  if (gave_up_) {
    // Sequences have been given to what was dropped: numbering starts anew under a higher epoch
    // (KIP-360).
    gave_up_ = false;
    manager_.Recover();
    return;
  }
  TellEnd();
}

void TransactionalProducer::TellEnd() {
  Done done = end_done_;
  end_done_ = {};
  done(end_ok_);
}

void TransactionalProducer::Fenced() {
  DropAll();
  ends_.reset();
  gave_up_ = false;
  end_ok_ = false;
  if (end_done_) TellEnd();
}

}  // namespace freshet
