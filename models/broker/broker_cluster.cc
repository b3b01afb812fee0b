#include "models/broker/broker_cluster.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// LogManager's InitialTaskDelayMs.
constexpr Duration kFirstRetentionCheck = Seconds(30);

void FillHistory(const TopicConfig& topic, PartitionLog* log) {
  const int64_t records = topic.history_rate.InTime(topic.history) / topic.partitions;
  if (records == 0) return;
  log->Fill({records, topic.history_record_bytes * records, Time() - topic.history, Time()});
  log->Expire(log->RetainedFrom(topic.retention, Time()));
}

}  // namespace

BrokerCluster::BrokerCluster(Simulation& sim, absl::string_view name, const Config& config,
                             size_t most_unanswered, Offsets offsets)
    : Component(sim, name),
      under_replicated_(AddGauge(kUnderReplicated)),
      offline_(AddGauge(kOffline)),
      elections_(AddCounter(kElections)),
      lost_acked_(AddCounter(kLostAcked)),
      lane_(sim.recorder().AddLane(name)),
      topic_configs_(config.topics),
      fetch_max_bytes_(config.fetch_max_bytes),
      session_timeout_(config.broker_session_timeout),
      heartbeat_interval_(config.broker_heartbeat_interval),
      retention_check_interval_(config.retention_check_interval),
      most_unanswered_(most_unanswered),
      batches_per_parcel_(config.batches_per_parcel),
      offsets_(offsets),
      quotas_(config.quotas ? std::make_unique<ClientQuotas>(sim, *config.quotas) : nullptr),
      heartbeat_phase_(NewStream("heartbeat-phase")),
      controller_config_(config.controllers),
      metadata_idle_interval_(config.metadata_idle_interval),
      duplicates_(AddCounter(kDuplicates)),
      deleted_(AddCounter(kDeleted)),
      appended_(AddCounter(kAppended)) {
  const std::vector<TopicConfig>& topics = topic_configs_;
  for (size_t topic = 0; topic < topics.size(); ++topic) {
    topics_.push_back({static_cast<PartitionId>(partitions_.size()), topics[topic].partitions});
    for (int i = 0; i < topics[topic].partitions; ++i) {
      partitions_.emplace_back(topics[topic].segments);
      partitions_.back().topic = static_cast<int>(topic);
      FillHistory(topics[topic], &partitions_.back().log);
    }
  }
}

LogService::TopicPartitions BrokerCluster::PartitionsOf(absl::string_view topic) const {
  for (size_t i = 0; i < topic_configs_.size(); ++i) {
    if (topic_configs_[i].name == topic) return topics_[i];
  }
  BreakInvariant("contract", "the topic exists", "broker_cluster.cc", __LINE__, std::string(topic));
}

int BrokerCluster::AddReader(PartitionId partition) {
  partitions_[partition].readers.push_back(0);
  return static_cast<int>(partitions_[partition].readers.size()) - 1;
}

void BrokerCluster::ConsumedUpTo(PartitionId id, int reader, Offset offset) {
  Partition& partition = partitions_[id];
  partition.readers[reader] = offset;
  Offset slowest = partition.log.high_watermark();
  for (const Offset consumed : partition.readers) slowest = std::min(slowest, consumed);
  partition.log.AllowCoalescingBelow(slowest);
}

void BrokerCluster::PublishMetadata() {
  auto next = std::make_shared<Metadata>();
  next->version = metadata_ == nullptr ? 1 : metadata_->version + 1;
  for (const Partition& partition : partitions_) next->leader.push_back(partition.leader);
  metadata_ = std::move(next);
  // Consumers that ask a broker which leads no more learn it with their next answer, and a fetch
  // that is parked there is answered at once.
  for (Partition& partition : partitions_) {
    FailReaders(partition.consumer_subscribers, partition);
    FailReaders(partition.follower_subscribers, partition);
  }
  for (Callback& listener : leader_listeners_) listener();
}

void BrokerCluster::FailReaders(const std::vector<Subscriber>& subscribers,
                                const Partition& partition) {
  for (const Subscriber& subscriber : subscribers) {
    FetchSession& session = *subscriber.session;
    if (ServesPosition(session, session.positions[subscriber.position], partition)) continue;
    session.failed = true;
    if (session.parked) AnswerFetch(&session, session.broker);
  }
}

void BrokerCluster::CutLog(PartitionId id, Offset offset) {
  Partition& partition = partitions_[id];
  const Offset committed = partition.log.high_watermark();
  partition.log.Truncate(offset, [&](const LogRange& range, int64_t records) {
    const Offset from = range.end_offset() - records;
    // A marker was acknowledged to its coordinator alone, which writes it again.
    if (!range.coalesced && IsMarker(range.batch.kind)) return;
    lost_acked_.Add(range.batch.acked_before_replication
                        ? records
                        : std::clamp<int64_t>(committed - from, 0, records));
    if (partition.producers.size() > range.batch.producer) {
      ProducerState& state = partition.producers[range.batch.producer];
      state.next_sequence = std::min(state.next_sequence, range.batch.sequence);
    }
  });
  if (offset >= committed) return;
  for (Offset& consumed : partition.readers) consumed = std::min(consumed, offset);
  for (Completion<PartitionId>& listener : truncation_listeners_) listener(id);
}

void BrokerCluster::ScheduleRetention() { CheckRetentionAfter(kFirstRetentionCheck); }

void BrokerCluster::CheckRetentionAfter(Duration wait) {
  After<"log.retention_check">(wait, [this] {
    ApplyRetention();
    CheckRetentionAfter(retention_check_interval_);
  });
}

void BrokerCluster::ExpireLog(PartitionId id, Offset offset) {
  PartitionLog& log = partitions_[id].log;
  const Offset before = log.log_start_offset();
  log.Expire(offset);
  deleted_.Add(log.log_start_offset() - before);
}

void BrokerCluster::SetRetention(absl::string_view topic, std::optional<Duration> time,
                                 std::optional<Bytes> bytes) {
  for (TopicConfig& config : topic_configs_) {
    if (config.name != topic) continue;
    if (time) config.retention.time = *time;
    if (bytes) config.retention.bytes = *bytes;
  }
}

void BrokerCluster::AuditLogs() {
  led_.resize(partitions_.size());
  for (size_t id = 0; id < partitions_.size(); ++id) {
    const Partition& partition = partitions_[id];
    partition.log.Audit();
    Led& led = led_[id];
    SIM_CHECK(partition.leader_epoch >= led.epoch, "inv.I12",
              absl::StrCat("partition ", id, " is in leader epoch ", partition.leader_epoch,
                           " after epoch ", led.epoch));
    if (partition.leader_epoch > led.epoch) led = {partition.leader_epoch, kNoBroker};
    if (partition.leader == kNoBroker) continue;
    SIM_CHECK(led.leader == kNoBroker || led.leader == partition.leader, "inv.I12",
              absl::StrCat("partition ", id, " has broker ", partition.leader + 1,
                           " for its leader, and in the same epoch had broker ", led.leader + 1));
    led.leader = partition.leader;
  }
}

}  // namespace freshet
