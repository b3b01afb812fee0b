// One producer client of a fleet (producers.h): its accumulators, its connections, its buffer.
#ifndef FRESHET_MODELS_CLIENT_PRODUCER_H_
#define FRESHET_MODELS_CLIENT_PRODUCER_H_

#include <memory>
#include <vector>

#include "models/client/accumulator.h"
#include "models/client/producer_transactions.h"
#include "models/client/producers.h"
#include "models/client/record_marker.h"
#include "sim/backoff.h"
#include "sim/pool.h"
#include "sim/station.h"

namespace freshet {

class Producer {
 public:
  Producer(Producers* fleet, int index, HostId host);
  ~Producer();

  void Start();
  // A broker went down or came back.
  void BrokerChanged(BrokerId broker);
  // Asks for metadata after a while, with what waits for it.
  void RefreshMetadata();
  // Its turn in a deployment: its serializer is to write this version (producer_schema.cc).
  void Deploy(uint32_t deployment, int32_t version);
  // It is closed, or begins with the records that come after `since` (producer_moves.cc).
  void Stop();
  void StartFrom(Time since);

  // Of a client with a transactional id: its application hangs, its process is down.
  void SetHung(bool hung);
  void SetDown(bool down);
  int64_t work() const;

 private:
  friend class ProducerTransactions;
  // A stream of records that fills one batch at a time: all records of a client without keys, those
  // of one partition with keys.
  struct Lane {
    std::unique_ptr<Accumulator> accumulator;
    PartitionId partition = 0;
    Bytes bytes_in_partition;  // Since the sticky partition was chosen.
    OpenBatch open;
    bool has_open = false;
    bool due = false;  // Full or expired, and not sent: it goes on filling.
    EventId timer;
  };
  // The way to one broker.
  struct Channel {
    ProduceChannel wire;
    Ring<Batch> queue;             // Closed, waiting for a request.
    Ring<RequestIndex> in_flight;  // Oldest first.
    Time not_before;               // Back-off, or a quota's throttle,
    Time throttled_until;          // which ends then.
    EventId retry_timer;
    EventId timeout_timer;
    int32_t failures = 0;  // In a row, for the back-off.
  };

  enum class Serializer : uint8_t {
    kReady,
    kAsks,    // send() waits for the registry.
    kThrows,  // It fails at every record.
  };

  Time Now() const;
  // Says what its records are like: event times, clock, marks.
  void DescribeRecords(int index);

  void UseVersion(int32_t version);
  void AskRegistry();
  void Answered(int32_t version, RegistryAnswer answer);
  void SetSerializer(Serializer to);
  void OpenNext(size_t lane);
  void GiveUpBlocked(size_t lane);
  void Due(size_t lane);
  void CountTaken(int64_t records);
  void TakeRecords(Lane& lane);
  void CloseOpen(Lane& lane);
  Batch TakeOpen(Lane& lane, Bytes* raw);
  void ChoosePartition(Lane& lane);
  void Resume();

  void MarkRecords(Batch* batch);
  // At a coarser resolution (producer_parcels.cc).
  class Parcels;
  void FormParcels();
  void BlockParcels();
  // Whether that was the last of its parcel, which then goes.
  bool FormRequest(size_t due);
  void SendParcelAt(Time at, size_t kind);
  void SendParcel(size_t kind);

  void Prepare(const Batch& batch, Bytes raw);
  void Enqueue(const Batch& batch);
  void EnqueueInOrder(Channel& channel, const Batch& batch);
  void TakeMetadata();
  BrokerId LeaderOf(PartitionId partition) const;
  size_t SlotOf(PartitionId partition) const;
  void TrySend(BrokerId broker);
  bool HasWorkFor(BrokerId broker) const;
  // Under quotas: as many requests as may be in flight wait to be read by the broker.
  bool IsSocketFull(const Channel& channel) const;
  void TakeDueBatches(BrokerId broker);
  void SendRequest(BrokerId broker);
  void Respond(BrokerId broker, ProduceRequest& request);
  void Succeed(const Batch& batch);
  void Retry(Batch batch);
  void Fail(const Batch& batch);
  bool Expired(const Batch& batch) const;
  void ArmRetry(BrokerId broker, Time at);
  void ArmTimeout(BrokerId broker);
  void CheckTimeout(BrokerId broker);
  void BreakConnection(BrokerId broker);
  void Release(int32_t batch_count);

  // producer_transactions.cc
  // What has come is closed and sent as far as may be; lanes that were open are `held`.
  void CloseAll(std::vector<size_t>* held);
  void SendAll();
  void DropQueued();
  void BreakAll();
  void Renumber(int32_t epoch);

  Producers* fleet_;
  std::unique_ptr<Station> thread_;  // Null where its work costs nothing.
  Pool<Batch> in_preparation_;
  RandomStream partition_stream_;
  RandomStream size_stream_;
  std::vector<Lane> lanes_;
  std::vector<Channel> channels_;  // By BrokerId.
  std::vector<Batch> without_leader_;
  std::vector<int64_t> next_sequence_;  // By partition of the topic.
  std::vector<int32_t> epoch_;          // By partition of the topic.
  std::vector<int64_t> queued_;         // Closed batches in queues, by partition of the topic.
  std::vector<size_t> blocked_lanes_;
  std::unique_ptr<Parcels> parcels_;  // Null at full resolution.
  std::shared_ptr<const Metadata> metadata_;
  std::vector<PartitionId> available_;  // With a leader; all when none has.
  Bytes buffer_used_;
  // A lane takes its batch's memory when the first record comes. Where the batches of all lanes are
  // less than an eighth of the buffer it takes it before, which saves an event a batch.
  bool opens_late_ = false;
  const HostId host_;
  ProducerId id_;
  Backoff backoff_;
  RandomStream backoff_stream_;
  const bool idempotent_;  // As Kafka: not without acks=all.
  uint32_t batches_closed_ = 0;
  bool stopped_ = false;  // No record is taken any more.
  Serializer serializer_ = Serializer::kReady;
  uint32_t deployment_ = 0;               // That it has not answered yet.
  int32_t version_ = 0;                   // That it is to write,
  int32_t version_before_ = 0;            // and that it wrote before.
  std::vector<int32_t> known_versions_;   // The registry has told it of, for good.
  std::unique_ptr<RecordMarker> marker_;  // Null where no record is set apart.
  EventId metadata_timer_;
  std::unique_ptr<ProducerTransactions> transactions_;  // Null without a transactional id.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_PRODUCER_H_
