// A dead-letter topic (errors.deadletterqueue.topic.name): what a connector cannot read goes there
// as it came, by a producer of the worker whose task has met it.
//
// Each dead letter is a batch of its own, with acks=all, to the partitions in turn; the producer
// sends it again for as long as its worker lives. A worker that dies takes with it what was under
// way: its record is read again by another task.
//
// Approximated: the producer neither lingers nor makes batches of several; headers that say where a
// record came from (errors.deadletterqueue.context.headers.enable) have no size.
#ifndef FRESHET_MODELS_CONNECT_DEAD_LETTER_TOPIC_H_
#define FRESHET_MODELS_CONNECT_DEAD_LETTER_TOPIC_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/log/batch_writer.h"
#include "models/log/log_service.h"
#include "models/network/network.h"
#include "models/sink/sink.h"
#include "sim/pool.h"

namespace freshet {

class DeadLetterTopic : public Sink {
 public:
  static constexpr MetricDef kRecords = {"dead_letter_topic.records", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Dead letters that the topic has acknowledged."};
  static constexpr MetricDef kRetries = {"dead_letter_topic.retries", MetricKind::kCounter,
                                         MetricUnit::kCount, "Dead letters that were sent again."};

  // REQUIRES: all outlive it. Workers may be added, before the run.
  DeadLetterTopic(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                  LogService::TopicPartitions partitions, const std::vector<HostId>& workers);

  void AddWorker(HostId host);

  // The next ones are of this worker. Whoever writes does not know where he runs.
  void From(int worker) { worker_ = worker; }
  // It has died.
  void DropWorker(int worker);

  SinkPromise promise() const override { return SinkPromise::kPlain; }
  WriterId AddWriter(absl::string_view /*name*/, HostId /*host*/) override { return 0; }
  void Write(WriterId writer, const RecordRange& records, Completion<bool> done) override;
  void Reset(WriterId /*writer*/) override {}
  // Without transactions.
  void Prepare(WriterId writer, Epoch epoch, Completion<bool> done) override;
  void Commit(Epoch epoch, Completion<bool> done) override;
  void Rollback(Epoch epoch) override;

 private:
  struct Letter {
    int worker = 0;
    uint32_t life = 0;
    Batch batch;
    Completion<bool> done;
  };
  struct Producer {
    HostId host;
    uint32_t life = 0;
    std::unique_ptr<BatchWriter> writer;
  };

  Producer& ProducerOf(const Letter& letter) {
    return producers_[static_cast<size_t>(letter.worker)];
  }
  void Send(uint32_t index);
  void Answered(uint32_t index, bool ok);

  Network* const network_;
  LogService* const log_;
  const LogService::TopicPartitions partitions_;
  const ProducerId producer_;
  std::vector<Producer> producers_;  // By worker.
  Pool<Letter> letters_;
  int worker_ = 0;
  int64_t sent_ = 0;
  Counter& records_;
  Counter& retries_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONNECT_DEAD_LETTER_TOPIC_H_
