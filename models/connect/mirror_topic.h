// The copy of a topic in another cluster, as a sink: what producers of a mirror write there, and
// how often each record of the source is in it.
//
// As the producers of Connect's source tasks: acks=all, one request in flight, retried without end,
// not idempotent. So what was appended and not acknowledged, because a connection broke or the
// writer died, is appended again: the ledger has both, and the map says where. A record is visible
// when it is acknowledged; one that never was, when the copy's high watermark has passed it.
//
// Approximated: a batch of the source is a batch of the copy, in a request of its own, one after
// the other for each partition; it has the source's size, as with the same compression.
#ifndef FRESHET_MODELS_CONNECT_MIRROR_TOPIC_H_
#define FRESHET_MODELS_CONNECT_MIRROR_TOPIC_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/connect/offset_map.h"
#include "models/log/batch_writer.h"
#include "models/log/log_service.h"
#include "models/network/network.h"
#include "models/sink/metered_sink.h"

namespace freshet {

class MirrorTopic : public MeteredSink {
 public:
  static constexpr MetricDef kRetries = {"mirror.retries", MetricKind::kCounter, MetricUnit::kCount,
                                         "Batches that were sent to the target again."};
  static constexpr MetricDef kSyncs = {"mirror.offset_syncs", MetricKind::kCounter,
                                       MetricUnit::kCount, "Offset syncs emitted."};

  // REQUIRES: all outlive it; the copy has at least as many partitions.
  MirrorTopic(Simulation& sim, absl::string_view name, Network* network, LogService* source,
              LogService::TopicPartitions from, LogService* target, LogService::TopicPartitions to,
              int64_t offset_lag_max);

  SinkPromise promise() const override { return SinkPromise::kPlain; }
  WriterId AddWriter(absl::string_view name, HostId host) override;
  // REQUIRES: records of a partition come in the order of their offsets.
  void Write(WriterId writer, const RecordRange& records, Completion<bool> done) override;
  // Its process is gone. What is on its way may arrive yet, and nobody is told.
  void Reset(WriterId writer) override;
  // Without transactions.
  void Prepare(WriterId writer, Epoch epoch, Completion<bool> done) override;
  void Commit(Epoch epoch, Completion<bool> done) override;
  void Rollback(Epoch epoch) override;

  int partition_count() const { return from_.count; }
  LogService* source() const { return source_; }
  LogService* target() const { return target_; }
  PartitionId SourceOf(int partition) const {
    return from_.first + static_cast<PartitionId>(partition);
  }
  PartitionId CopyOf(int partition) const {
    return to_.first + static_cast<PartitionId>(partition);
  }
  OffsetMap& MapOf(int partition) { return maps_[static_cast<size_t>(partition)]; }
  const OffsetMap& MapOf(int partition) const { return maps_[static_cast<size_t>(partition)]; }

 protected:
  // Of a writer: what has been written and not acknowledged.
  Bytes UnackedOf(WriterId writer) const { return writers_[static_cast<size_t>(writer)].unacked; }
  // What waits in a writer's memory is dropped; what is on its way is awaited.
  void DropWaiting(WriterId writer);

 private:
  using FlightId = uint32_t;
  struct Letter {
    RecordRange records;
    Completion<bool> done;
    int attempts = 0;
  };
  struct Lane {  // Of a partition at a writer.
    std::deque<Letter> waiting;
    bool busy = false;
  };
  struct Writer {
    HostId host = 0;
    ProducerId producer = 0;
    std::unique_ptr<BatchWriter> sender;
    std::vector<Lane> lanes;
    Bytes unacked;
    int64_t sent = 0;
  };
  struct Flight {
    WriterId writer;
    int slot;
    Letter letter;
    std::optional<Offset> base;  // Of the copy: it was appended there.
    bool forgotten = false;      // Nobody waits for it any more.
  };

  int SlotOf(const RecordRange& records) const {
    return static_cast<int>(records.partition - from_.first);
  }
  void Send(WriterId writer, int slot);
  void SendLater(WriterId writer, int slot);
  void Judged(FlightId id, AppendJudgement& judgement);
  void Answered(FlightId id, const ProduceRequest* answer);
  void Cut(PartitionId partition);
  // What was appended without an answer is there once it is committed.
  void LookForForgotten();
  void Resolve();
  const BatchMarks* MarksOf(const RecordRange& records);

  Network* const network_;
  LogService* const source_;
  LogService* const target_;
  const LogService::TopicPartitions from_;
  const LogService::TopicPartitions to_;
  std::vector<OffsetMap> maps_;  // By partition.
  std::vector<Writer> writers_;  // By WriterId.
  std::map<FlightId, Flight> flights_;
  FlightId next_flight_ = 0;
  bool looking_ = false;
  std::map<int32_t, std::unique_ptr<BatchMarks>> versions_;  // Marks of plain records.
  std::vector<std::unique_ptr<BatchMarks>> marks_;           // Of others, which are few.
  Counter& retries_;
  Counter& syncs_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONNECT_MIRROR_TOPIC_H_
