#include "models/sink/topic_sink.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// FLINKDOC: as many transactions of a writer may be open or prepared
// (FlinkKafkaProducer.DEFAULT_KAFKA_PRODUCERS_POOL_SIZE).
constexpr int kPoolSize = 5;

}  // namespace

TopicSink::TopicSink(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                     const Config& config)
    : MeteredSink(sim, name),
      config_(config),
      network_(network),
      log_(log),
      sent_(AddCounter(kSent)),
      batches_(AddCounter(kBatches)),
      retries_(AddCounter(kRetries)) {
  if (config.coordinator == nullptr) return;
  transactions_ = &AddCounter(kTransactions);
  timed_out_ = &AddCounter(kTimedOut);
}

Sink::WriterId TopicSink::AddWriter(absl::string_view writer_name, HostId host) {
  const auto number = static_cast<WriterId>(writers_.size());
  auto writer = std::make_unique<Writer>(
      Writer{host,
             0,
             TopicBatches(config_.partitions.first, config_.partitions.count, config_.batch_size,
                          config_.record_size),
             false,
             nullptr,
             std::nullopt,
             {},
             {},
             nullptr,
             {},
             {}});
  if (promise() == SinkPromise::kPlain) {
    writer->requests = std::make_unique<BatchWriter>(network_, log_, host);
  }
  for (int i = 0; promise() == SinkPromise::kTransactional && i < kPoolSize; ++i) {
    TransactionalProducer::Config config;
    config.transactional_id = absl::StrCat(config_.transactional_id_prefix, "-", number, "-", i);
    config.number = number;
    config.host = host;
    config.timeout = config_.transaction_timeout;
    config.retry_backoff = config_.retry_backoff;
    auto transaction = std::make_unique<Transaction>();
    transaction->writer = number;
    transaction->producer = std::make_unique<TransactionalProducer>(
        sim(), absl::StrCat(name(), "/", writer_name, "/producer-", i + 1), network_, log_,
        config_.coordinator, config);
    writer->pool.push_back(std::move(transaction));
  }
  if (!writer->pool.empty()) writer->current = writer->pool.front().get();
  writers_.push_back(std::move(writer));
  return number;
}

// --- Batches ---

void TopicSink::Write(WriterId number, const RecordRange& records, Completion<bool> done) {
  Writer& writer = At(number);
  if (writer.batches.IsFullFor(records)) Close(number);
  writer.batches.Take(records, done);
  if (writer.batches.IsFull()) return Close(number);
  if (writer.lingers) return;
  writer.lingers = true;
  After<"topic_sink.linger">(config_.linger, [this, number, life = writer.life] {
    Writer& lingering = At(number);
    if (life != lingering.life) return;
    lingering.lingers = false;
    if (!lingering.batches.empty()) Close(number);
  });
}

void TopicSink::Close(WriterId number) {
  Writer& writer = At(number);
  const Key key = in_hand_.Add(writer.batches.Close(Now()));
  if (promise() == SinkPromise::kTransactional) {
    writer.closed.push_back(key);
    After<"topic_sink.send">(Duration::Zero(), [this, number, life = writer.life] {
      if (life == At(number).life) SendClosed(number);
    });
    return;
  }
  const PartitionId partition = in_hand_[key].partition;
  writer.lines[partition].queue.push_back(key);
  After<"topic_sink.send">(Duration::Zero(), [this, number, partition, life = writer.life] {
    if (life == At(number).life) TrySend(number, partition);
  });
}

void TopicSink::Answer(WriterId number, Key key, bool ok) {
  TopicBatch batch = in_hand_.Take(key);
  WriteEnded(ok);
  if (ok) {
    sent_.Add(batch.count);
    batches_.Add(1);
  }
  if (ok && promise() == SinkPromise::kPlain) {
    for (const RecordRange& records : batch.records) {
      // A dead writer's request that was carried out all the same.
      if (batch.orphan) ledger().Explain(records, EffectCause::kZombie);
      BecomeVisible(records, EffectLedger::Again::kAdds, WaitFor::kAck);
    }
  }
  if (batch.orphan) return;
  const uint32_t life = At(number).life;
  for (Completion<bool>& done : batch.done) {
    done(ok);
    if (life != At(number).life) return;
  }
}

// --- At least once ---

void TopicSink::TrySend(WriterId number, PartitionId partition) {
  Writer& writer = At(number);
  Line& line = writer.lines[partition];
  if (line.under_way || line.waiting || line.queue.empty()) return;
  const Key key = line.queue.front();
  TopicBatch& batch = in_hand_[key];
  if (Now() - batch.closed_at >= config_.delivery_timeout) {
    line.queue.pop_front();
    Answer(number, key, false);
    return;
  }
  const BrokerId leader = log_->CurrentMetadata(writer.host)->leader[partition];
  if (leader == kNoBroker || !log_->IsUp(leader)) {
    SendLater(number, partition);
    return;
  }
  if (!writer.producer) writer.producer = log_->NewProducerId();
  Batch sent;
  sent.partition = partition;
  sent.producer = *writer.producer;
  if (batch.attempts == 0) batch.sequence = line.next_sequence++;
  sent.sequence = batch.sequence;
  sent.attempts = ++batch.attempts;
  sent.record_count = batch.count;
  sent.bytes = batch.bytes;
  sent.created = batch.created;
  sent.closed_at = batch.closed_at;
  sent.sent_at = sent.resent_at = Now();
  sent.producer_component = component_id();
  line.under_way = true;
  writer.requests->Send(
      leader, {sent},
      [this, number, partition, life = writer.life, key](const ProduceRequest* answer) {
        Answered(number, partition, life, key,
                 answer != nullptr && answer->errors[0] == ProduceError::kNone);
      });
}

void TopicSink::Answered(WriterId number, PartitionId partition, uint32_t life, Key key, bool ok) {
  Writer& writer = At(number);
  if (life != writer.life) {
    Answer(number, key, ok);
    return;
  }
  Line& line = writer.lines[partition];
  line.under_way = false;
  if (!ok) {
    retries_.Add(1);
    SendLater(number, partition);
    return;
  }
  line.queue.pop_front();
  Answer(number, key, true);
  if (life == writer.life) TrySend(number, partition);
}

void TopicSink::SendLater(WriterId number, PartitionId partition) {
  Writer& writer = At(number);
  writer.lines[partition].waiting = true;
  After<"topic_sink.send_again">(config_.retry_backoff,
                                 [this, number, partition, life = writer.life] {
                                   Writer& waiting = At(number);
                                   if (life != waiting.life) return;
                                   waiting.lines[partition].waiting = false;
                                   TrySend(number, partition);
                                 });
}

// --- The writer's end ---

void TopicSink::Reset(WriterId number) {
  Writer& writer = At(number);
  ++writer.life;
  writer.lingers = false;
  writer.batches.Drop();
  writer.producer.reset();
  for (auto& [partition, line] : writer.lines) {
    for (size_t i = 0; i < line.queue.size(); ++i) {
      if (i == 0 && line.under_way) {
        in_hand_[line.queue[i]].orphan = true;
      } else {
        in_hand_.Take(line.queue[i]);
      }
    }
  }
  writer.lines.clear();
  for (const Key key : writer.closed) in_hand_.Take(key);
  writer.closed.clear();
  writer.prepared = {};
  for (const auto& each : writer.pool) {
    if (each->state == Transaction::State::kOpen || each->state == Transaction::State::kStarting) {
      Abandon(each.get());
    }
  }
}

}  // namespace freshet
