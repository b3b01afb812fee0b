// Writes batches from one host to brokers, with acks=all, and says what came of it: what a
// coordinator puts into its own partition and into others', what a transaction's producer sends.
//
// One connection a broker. It neither retries nor looks for leaders: whoever uses it does.
#ifndef FRESHET_MODELS_LOG_BATCH_WRITER_H_
#define FRESHET_MODELS_LOG_BATCH_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "models/log/log_service.h"
#include "models/network/network.h"
#include "sim/callback.h"

namespace freshet {

class BatchWriter {
 public:
  // What was sent, with an error for each batch; null when the connection broke and nobody knows.
  using Answered = Completion<const ProduceRequest*>;

  // Whether plain batches have a producer id and a sequence of their partition
  // (enable.idempotence): the broker tells a repetition by them.
  enum class Idempotence : uint8_t { kNo, kYes };

  // REQUIRES: both outlive it, and it outlives the run.
  BatchWriter(Network* network, LogService* log, HostId from,
              Idempotence idempotence = Idempotence::kNo);

  // `answered` fires once, unless Forget() comes before. `judge` as in ProduceRequest.
  // REQUIRES: the broker is up; the batches are of different partitions.
  void Send(BrokerId to, const std::vector<Batch>& batches, Answered answered,
            Completion<AppendJudgement&> judge = {});
  // The sender's process is gone, or has given up: nobody waits any more.
  void Forget();
  bool IsIdle() const { return flights_.empty(); }

 private:
  struct Flight {
    BrokerId to;
    RequestIndex request;
    Answered answered;
  };

  ProduceChannel* ChannelTo(BrokerId broker);
  void Break(BrokerId broker);

  Network* const network_;
  LogService* const log_;
  const HostId from_;
  const Idempotence idempotence_;
  std::vector<std::unique_ptr<ProduceChannel>> channels_;  // By broker.
  std::map<uint32_t, Flight> flights_;
  uint32_t next_flight_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_BATCH_WRITER_H_
