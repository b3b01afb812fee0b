#include "models/processing/topic_writer.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/client/producers.h"

namespace freshet {
namespace {

constexpr size_t kInFlight = 5;  // KSRC: max.in.flight.requests.per.connection

}  // namespace

TopicWriter::TopicWriter(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                         const Config& config, Callback room)
    : Component(sim, name),
      log_(log),
      config_(config),
      room_(room),
      writer_(network, log, config.host, BatchWriter::Idempotence::kYes) {
  if (config.transactions == nullptr) return;
  TransactionalProducer::Config producer;
  producer.transactional_id = config.transactional_id;
  producer.host = config.host;
  producer.timeout = config.transaction_timeout;
  producer.retry_backoff = config.retry_backoff;
  producer_ = std::make_unique<TransactionalProducer>(sim, absl::StrCat(name, "/transactions"),
                                                      network, log, config.transactions, producer);
}

void TopicWriter::Start(Callback ready) {
  Crash();
  if (producer_ != nullptr) {
    producer_->Start(ready);
    return;
  }
  id_ = log_->NewProducerId();
  ready();
}

void TopicWriter::Crash() {
  ++life_;
  writer_.Forget();
  if (producer_ != nullptr) producer_->Crash();
  lines_.clear();
  staged_.clear();
  held_ = Bytes(0);
  unanswered_ = 0;
  dirty_ = full_ = broken_ = false;
  flushed_ = {};
  committed_ = {};
}

// --- What is added ---

TopicWriter::Open& TopicWriter::OpenOf(PartitionId partition) {
  Line& line = lines_[partition];
  if (line.open.records > 0) return line.open;
  line.open.bytes = Producers::kBatchOverhead;
  held_ += Producers::kBatchOverhead;
  After<"topic_writer.linger">(config_.linger,
                               [this, partition, opened = ++line.opened, life = life_] {
                                 if (life == life_ && lines_[partition].opened == opened)
                                   Close(partition);
                               });
  return line.open;
}

void TopicWriter::Add(PartitionId partition, const RecordRange& records, WrittenTopic* sink) {
  const int64_t count = records.record_count();
  if (count == 0) return;
  Open& open = OpenOf(partition);
  const Time oldest = records.created.Earliest();
  const Time youngest = std::max(records.created.first, records.created.high);
  open.oldest = open.records == 0 ? oldest : std::min(open.oldest, oldest);
  open.youngest = open.records == 0 ? youngest : std::max(open.youngest, youngest);
  open.records += count;
  open.bytes += records.bytes;
  held_ += records.bytes;
  if (sink != nullptr) open.parts.push_back({sink, records});
  Added(partition);
}

void TopicWriter::AddState(PartitionId partition, int64_t records, Bytes bytes) {
  Open& open = OpenOf(partition);
  if (open.records == 0) open.oldest = Now();
  open.youngest = Now();
  open.records += records;
  open.bytes += bytes;
  held_ += bytes;
  Added(partition);
}

void TopicWriter::Added(PartitionId partition) {
  dirty_ = true;
  if (lines_[partition].open.bytes >= config_.batch_size) Close(partition);
  if (!HasRoom()) {
    full_ = true;
    CloseAll();
  }
}

void TopicWriter::CloseAll() {
  std::vector<PartitionId> open;
  for (const auto& [partition, line] : lines_) {
    if (line.open.records > 0) open.push_back(partition);
  }
  for (const PartitionId partition : open) Close(partition);
}

void TopicWriter::Close(PartitionId partition) {
  Line& line = lines_[partition];
  if (line.open.records == 0) return;
  ++line.opened;
  Open closed = std::exchange(line.open, Open());
  ++unanswered_;
  if (producer_ == nullptr) {
    line.queue.push_back(std::move(closed));
    TrySend(partition);
    return;
  }
  if (broken_ || producer_->manager().fenced()) {
    // Nothing more can be of this transaction: its commit will say so.
    broken_ = true;
    --unanswered_;
    held_ -= closed.bytes;
    return;
  }
  if (!producer_->in_transaction()) producer_->Begin();
  TransactionalProducer::Records records;
  records.count = closed.records;
  records.bytes = closed.bytes;
  records.created = {closed.oldest, 1, closed.oldest, closed.youngest};
  for (Part& part : closed.parts) staged_.push_back(std::move(part));
  producer_->Send(partition, records, [this, bytes = closed.bytes, life = life_](bool ok) {
    if (life != life_) return;
    broken_ = broken_ || !ok;
    Open acknowledged;
    acknowledged.bytes = bytes;
    Acknowledged(acknowledged);
  });
}

// --- Without transactions ---

void TopicWriter::TrySend(PartitionId partition) {
  Line& line = lines_[partition];
  if (line.under_way || line.queue.empty()) return;
  line.under_way = true;
  const BrokerId leader = log_->CurrentMetadata(config_.host)->leader[partition];
  if (leader == kNoBroker || !log_->IsUp(leader)) {
    SendLater(partition);
    return;
  }
  if (line.attempts == 0) TakeAlong(&line.queue);
  const Open& closed = line.queue.front();
  if (line.attempts++ == 0) line.closed_at = line.sent_at = Now();
  Batch batch;
  batch.partition = partition;
  batch.producer = id_;
  batch.sequence = line.next_sequence;
  batch.number = static_cast<uint32_t>(line.next_sequence);
  batch.attempts = line.attempts;
  batch.record_count = closed.records;
  batch.bytes = closed.bytes;
  batch.created = {closed.oldest, 1, closed.oldest, closed.youngest};
  batch.closed_at = line.closed_at;
  batch.sent_at = line.sent_at;
  batch.resent_at = Now();
  batch.producer_component = component_id();
  writer_.Send(leader, {batch}, [this, partition, life = life_](const ProduceRequest* answer) {
    if (life == life_) Answered(partition, answer);
  });
}

void TopicWriter::TakeAlong(std::vector<Open>* queue) {
  const size_t together = std::min<size_t>(queue->size(), kInFlight);
  Open& first = queue->front();
  for (size_t i = 1; i < together; ++i) {
    Open& next = (*queue)[i];
    first.batches += next.batches;
    first.records += next.records;
    first.bytes += next.bytes;
    first.oldest = std::min(first.oldest, next.oldest);
    first.youngest = std::max(first.youngest, next.youngest);
    for (Part& part : next.parts) first.parts.push_back(std::move(part));
  }
  queue->erase(queue->begin() + 1, queue->begin() + static_cast<std::ptrdiff_t>(together));
}

void TopicWriter::SendLater(PartitionId partition) {
  After<"topic_writer.send_again">(config_.retry_backoff, [this, partition, life = life_] {
    if (life != life_) return;
    lines_[partition].under_way = false;
    TrySend(partition);
  });
}

void TopicWriter::Answered(PartitionId partition, const ProduceRequest* answer) {
  Line& line = lines_[partition];
  if (answer == nullptr || answer->errors[0] != ProduceError::kNone) {
    SendLater(partition);
    return;
  }
  const Open done = std::move(line.queue.front());
  line.queue.erase(line.queue.begin());
  line.under_way = false;
  line.attempts = 0;
  ++line.next_sequence;
  const uint32_t life = life_;
  Acknowledged(done);
  if (life == life_) TrySend(partition);
}

void TopicWriter::Acknowledged(const Open& done) {
  held_ -= done.bytes;
  unanswered_ -= done.batches;
  for (const Part& part : done.parts) part.sink->Show(part.records);
  if (full_ && HasRoom()) {
    full_ = false;
    room_();
  }
  EndFlush();
}

// --- Commits ---

void TopicWriter::Flush(Callback done) {
  SIM_REQUIRE(!flushed_);
  flushed_ = done;
  CloseAll();
  EndFlush();
}

void TopicWriter::EndFlush() {
  if (!flushed_ || unanswered_ > 0) return;
  dirty_ = false;
  Callback done = std::exchange(flushed_, Callback());
  done();
}

void TopicWriter::Commit(
    const std::vector<std::pair<GroupCoordinator*, GroupCoordinator::Commit>>& offsets,
    Completion<bool> done) {
  SIM_REQUIRE(!committed_);
  committed_ = done;
  CloseAll();
  broken_ = broken_ || producer_->manager().fenced();
  if (!broken_ && !producer_->in_transaction()) producer_->Begin();
  for (const auto& [group, commit] : offsets) {
    if (broken_ || commit.offsets.empty()) continue;
    producer_->SendOffsets(group, commit, [this, life = life_](bool taken) {
      if (life == life_) broken_ = broken_ || !taken;
    });
  }
  producer_->Commit([this, life = life_](bool ok) {
    if (life != life_) return;
    dirty_ = false;
    const std::vector<Part> staged = std::move(staged_);
    staged_.clear();
    if (ok) {
      for (const Part& part : staged) part.sink->Show(part.records);
    }
    Completion<bool> ended = std::exchange(committed_, Completion<bool>());
    ended(ok);
  });
}

}  // namespace freshet
