#include "models/connect/dead_letter_topic.h"

#include "sim/check.h"

namespace freshet {
namespace {

// KSRC: retry.backoff.ms of a producer.
constexpr Duration kRetryBackoff = Milliseconds(100);

}  // namespace

DeadLetterTopic::DeadLetterTopic(Simulation& sim, absl::string_view name, Network* network,
                                 LogService* log, LogService::TopicPartitions partitions,
                                 const std::vector<HostId>& workers)
    : Sink(sim, name),
      network_(network),
      log_(log),
      partitions_(partitions),
      producer_(log->NewProducerId()),
      records_(AddCounter(kRecords)),
      retries_(AddCounter(kRetries)) {
  for (const HostId host : workers) AddWorker(host);
}

void DeadLetterTopic::AddWorker(HostId host) {
  producers_.push_back({host, 0, std::make_unique<BatchWriter>(network_, log_, host)});
}

void DeadLetterTopic::Write(WriterId /*writer*/, const RecordRange& records,
                            Completion<bool> done) {
  Letter letter;
  letter.worker = worker_;
  letter.life = ProducerOf(letter).life;
  letter.done = done;
  Batch& batch = letter.batch;
  batch.partition =
      partitions_.first + static_cast<PartitionId>(sent_ % static_cast<int64_t>(partitions_.count));
  batch.producer = producer_;
  batch.sequence = sent_++;
  batch.number = static_cast<uint32_t>(sent_);
  batch.record_count = records.record_count();
  batch.bytes = records.bytes;
  batch.created = {Now(), batch.record_count, Now(), Now()};
  batch.closed_at = batch.sent_at = Now();
  batch.producer_component = component_id();
  const uint32_t index = letters_.Add(letter);
  After<"dead_letter.send">(Duration::Zero(), [this, index] { Send(index); });
}

void DeadLetterTopic::Send(uint32_t index) {
  const Letter& letter = letters_[index];
  Producer& producer = ProducerOf(letter);
  if (letter.life != producer.life) {
    letters_.Take(index);
    return;
  }
  const BrokerId leader = log_->CurrentMetadata(producer.host)->leader[letter.batch.partition];
  if (leader == kNoBroker || !log_->IsUp(leader)) {
    Answered(index, false);
    return;
  }
  producer.writer->Send(leader, {letter.batch}, [this, index](const ProduceRequest* answer) {
    Answered(index, answer != nullptr && answer->errors[0] == ProduceError::kNone);
  });
}

void DeadLetterTopic::Answered(uint32_t index, bool ok) {
  if (!ok) {
    retries_.Add(1);
    letters_[index].batch.attempts += 1;
    After<"dead_letter.send_again">(kRetryBackoff, [this, index] { Send(index); });
    return;
  }
  Letter letter = letters_.Take(index);
  records_.Add(letter.batch.record_count);
  if (letter.life == ProducerOf(letter).life) letter.done(true);
}

void DeadLetterTopic::DropWorker(int worker) {
  Producer& producer = producers_[static_cast<size_t>(worker)];
  ++producer.life;
  producer.writer->Forget();
}

void DeadLetterTopic::Prepare(WriterId /*writer*/, Epoch /*epoch*/, Completion<bool> /*done*/) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional);
}

void DeadLetterTopic::Commit(Epoch /*epoch*/, Completion<bool> /*done*/) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional);
}

void DeadLetterTopic::Rollback(Epoch /*epoch*/) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional);
}

}  // namespace freshet
