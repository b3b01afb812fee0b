// Three instant Kafka brokers with the topics "t", __transaction_state and __consumer_offsets, a
// coordinator, and producers with transactional ids; round trips of 0.2 ms.
#ifndef FRESHET_TESTS_MODELS_TRANSACTION_TRANSACTION_PIPELINE_H_
#define FRESHET_TESTS_MODELS_TRANSACTION_TRANSACTION_PIPELINE_H_

#include <memory>
#include <string>

#include "models/client/transactional_producer.h"
#include "models/group/transaction_coordinator.h"
#include "tests/models/group/group_pipeline.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {

inline constexpr char kStateTopic[] = "__transaction_state";

// What every design is given: no records but those of a test's own producers.
template <class Settings>
void AddTransactions(Settings* s, Isolation isolation) {
  s->topic.partitions = 3;
  s->producers.rate = Steady(0);
  s->consumers = Reading();
  s->consumers->isolation = isolation;
  TopicConfig state = s->topic;
  state.name = kStateTopic;
  state.partitions = 50;
  s->more_topics = {state};
}

inline MiniSettings Transacting(Isolation isolation = Isolation::kReadCommitted) {
  MiniSettings s = Instant();
  s.network.rtt_within_zone = Sampler::Constant(200'000);
  AddTransactions(&s, isolation);
  return s;
}

inline TransactionCoordinator::Config Coordinating(const LogService& log, bool raises_epochs) {
  TransactionCoordinator::Config config;
  config.state_first = log.PartitionsOf(kStateTopic).first;
  config.state_partitions = log.PartitionsOf(kStateTopic).count;
  config.raises_epochs = raises_epochs;
  config.retry_backoff = Milliseconds(100);
  return config;
}

template <class Base>
class Transactions : public Base {
 public:
  template <class Settings>
  explicit Transactions(const Settings& settings, bool raises_epochs = true, bool verifies = true)
      : Base(settings), coordinator(this->sim, "transactions", &this->network, &this->log, [&] {
          TransactionCoordinator::Config config = Coordinating(this->log, raises_epochs);
          config.verifies = verifies;
          return config;
        }()) {
    this->faults.SchedulePhases(Duration::Zero());
  }
  // Each a process of its own, with the transactional id "job".
  std::unique_ptr<TransactionalProducer> NewProducer(const std::string& name,
                                                     Duration timeout = Seconds(60)) {
    TransactionManager::Config config;
    config.transactional_id = name;
    config.host = this->network.AddHost(name, 0, BytesPerSecond(int64_t{1} << 45));
    config.timeout = timeout;
    config.retry_backoff = Milliseconds(100);
    return std::make_unique<TransactionalProducer>(this->sim, name, &this->network, &this->log,
                                                   &coordinator, config);
  }
  TransactionalProducer::Records Some(int64_t count) const {
    const Time now = this->sim.Now();
    return {count, Bytes(61) + kStoredSize * count, {now, 1, now, now}};
  }
  // Starts it and gives it time for that.
  void Ready(TransactionalProducer* producer) {
    producer->Start({});
    Pass(Seconds(2));
    ASSERT_TRUE(producer->manager().ready());
  }
  void Pass(Duration time) { this->Run((this->sim.Now() - Time()) + time); }
  int64_t Coordinator(const MetricDef& def) const { return ValueOf(this->sim, coordinator, def); }
  // Offsets that hold markers, and those of records.
  int64_t Markers(PartitionId partition) const {
    const PartitionLog& each = this->log.LogOf(partition);
    if (each.transactions() == nullptr) return 0;
    return each.transactions()->WithheldIn(each.log_start_offset(), each.log_end_offset(),
                                           Isolation::kReadUncommitted);
  }
  int64_t Stable(PartitionId partition) const {
    return this->log.LogOf(partition).last_stable_offset();
  }

  TransactionCoordinator coordinator;
};

using TransactionPipeline = Transactions<MiniPipeline>;

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_TRANSACTION_TRANSACTION_PIPELINE_H_
