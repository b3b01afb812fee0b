// A table topic: a topic of a shared-storage cluster whose brokers write its records into an
// Iceberg table. A worker on each broker makes files of the partitions that the broker leads
// (table_worker.h); one coordinator, on the broker that leads partition 0, commits them.
//
// The coordinator looks once a second. A commit interval after its last commit it asks all workers,
// with the offset from which on and the epoch of each partition's leader; it waits until every
// partition has answered, or 30 s, and appends what it has got to the table. When a worker had
// more, or did not answer in time, the next commit follows at once.
//
// What it is at it writes down first: a checkpoint when it asks, another when the commit is ready
// to be swapped in, a third when it is done. A coordinator that takes over waits 10 s, so that the
// old one is through, and goes on from there: if the current snapshot is the one that was about to
// be made, it is done; else the answers are read again and committed. So a record is in one
// snapshot, unless a swap comes later than that look, or somebody else has committed in between:
// then the same files are appended twice, and counted as duplicates.
//
// When store or catalog fail a commit, the coordinator begins anew 30 s later.
//
// Held to by audits: nothing above the high watermark is visible. docs/models/table.md says what is
// approximated, and has the sources.
#ifndef FRESHET_MODELS_BROKER_TABLE_TOPIC_H_
#define FRESHET_MODELS_BROKER_TABLE_TOPIC_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/broker/table_channel.h"
#include "models/broker/table_worker.h"
#include "models/sink/iceberg_table.h"
#include "sim/component.h"
#include "sim/ring.h"

namespace freshet {

class TableTopic : public Component, private TableWorker::Owner {
 public:
  struct Config {
    Duration commit_interval;
    Duration commit_timeout;  // Until it commits without those who have not answered.
    bool backfill;            // What the topic holds at the start is not in the table yet.
    TableWorker::Config worker;
  };

  // What its cluster does for it.
  class Host {
   public:
    virtual ~Host() = default;
    virtual int32_t EpochOf(PartitionId partition) const = 0;
    virtual bool ReadAt(BrokerId broker, PartitionId partition, Offset from, Offset to,
                        Callback read) = 0;
    virtual void Say(const TableMessage& message) = 0;
    // Whether answers can be read: somebody serves the topic that they are in.
    virtual bool CanReadAnswers() const = 0;
  };

  static constexpr MetricDef kRequests = {"table_topic.commit_requests", MetricKind::kCounter,
                                          MetricUnit::kCount,
                                          "Commits that a coordinator has begun."};
  static constexpr MetricDef kTimeouts = {
      "table_topic.commit_timeouts", MetricKind::kCounter, MetricUnit::kCount,
      "Commits in which partitions had not answered in time; their records come later."};
  static constexpr MetricDef kTakeovers = {"table_topic.coordinator_starts", MetricKind::kCounter,
                                           MetricUnit::kCount,
                                           "Coordinators that began, the first one included."};

  // Table topic number `number` of its cluster: partitions from `first` on, `count` of them.
  // REQUIRES: all pointers outlive it.
  TableTopic(Simulation& sim, absl::string_view name, Network* network, LogService* log,
             std::vector<S3StreamBroker*> brokers, IcebergTable* table, Host* host, uint32_t number,
             LogService::TopicPartitions partitions, const Config& config);

  // Partition `index` is served there from now on, or no longer.
  void OnOpen(uint32_t index, BrokerId broker);
  void OnClose(uint32_t index, BrokerId broker);
  void OnCrash(BrokerId broker);
  void Appended(BrokerId broker, Bytes bytes) {
    workers_[static_cast<size_t>(broker)]->Appended(bytes);
  }

  void Said(const TableMessage& message);
  void Heard(uint64_t number, BrokerId at);

  void Audit() const;

 private:
  enum class Status : uint8_t { kNone, kRequested, kPreCommit, kCommitted };
  // As the coordinator writes it down.
  struct Checkpoint {
    Status status = Status::kNone;
    uint64_t commit = 0;
    uint64_t answers_from = 0;  // Read answers from that number on.
    std::vector<Offset> next;   // Committed, as far as it knew.
    std::vector<Offset> pre_commit;
    Time last_commit_at;
  };

  // Sizes of messages: of each, of an offset in it, and of a data file with the statistics of its
  // columns.
  static constexpr Bytes kMessageBytes = Bytes(100);
  static constexpr Bytes kOffsetBytes = Bytes(20);
  static constexpr Bytes kFileBytes = Bytes(1000);

  // TableWorker::Owner.
  const PartitionLog& LogOfIndex(uint32_t index) const override {
    return log_->LogOf(partitions_.first + index);
  }
  int32_t EpochOfIndex(uint32_t index) const override {
    return host_->EpochOf(partitions_.first + index);
  }
  bool ReadIndex(BrokerId broker, uint32_t index, Offset from, Offset to, Callback read) override {
    return host_->ReadAt(broker, partitions_.first + index, from, to, read);
  }
  void Answer(BrokerId from, TableAnswer answer) override;

  // The coordinator (table_coordinator.cc).
  void StartCoordinator(BrokerId broker);
  void StopCoordinator(bool dead);
  void Recover();
  void Recovered(IcebergTable::Loaded loaded);
  void BeginAnew();
  void TickLater();
  void Tick();
  void Request();
  void SendRequest();
  void Gather();
  void Take(const TableAnswer& answer);
  void Append();
  void Staged(TableOutcome outcome);
  void Swapped(TableOutcome outcome);
  void Done();
  // Writes down where it is; Said() goes on.
  void WriteDown(Status status, const std::vector<Offset>& next);
  void WrittenDown();
  bool TimedOut() const { return Now() - requested_at_ > config_.commit_timeout; }

  void Visible(const TableAppend& append);
  void Sample();

  const Config config_;
  LogService* const log_;
  IcebergTable* const table_;
  Host* const host_;
  const uint32_t number_;
  const LogService::TopicPartitions partitions_;
  std::vector<std::unique_ptr<TableWorker>> workers_;  // By broker.
  std::vector<int> readers_;                           // By partition: our number at the log.

  // What is in the two topics, as far as somebody may read it yet.
  uint64_t next_message_ = 1;
  absl::btree_map<uint64_t, TableRequest> requests_;
  absl::btree_map<uint64_t, TableAnswer> unsaid_answers_;
  absl::btree_map<uint64_t, Checkpoint> unsaid_checkpoints_;
  absl::btree_map<uint64_t, TableAnswer> answers_;  // By the order in which they were said.
  uint64_t next_answer_ = 1;
  Checkpoint checkpoint_;

  // The coordinator's memory.
  BrokerId coordinator_ = kNoBroker;
  uint32_t life_ = 0;
  uint64_t awaited_ = 0;  // The message without which it does not go on.
  Status status_ = Status::kNone;
  uint64_t commit_ = 0;
  uint64_t next_commit_ = 1;
  uint64_t read_from_ = 1;  // Answers.
  std::vector<Offset> last_;
  std::vector<Offset> next_;
  std::vector<bool> ready_;
  size_t unready_ = 0;
  std::vector<TableFile> files_;
  int64_t skipped_ = 0;
  Time requested_at_;
  Time last_commit_at_;
  bool never_committed_ = true;
  bool at_once_ = false;  // The next commit does not wait for its time.
  bool timed_out_ = false;
  IcebergTable::CommitKey pending_ = 0;
  bool swapping_ = false;

  Counter& requests_made_;
  Counter& timeouts_;
  Counter& takeovers_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_TABLE_TOPIC_H_
