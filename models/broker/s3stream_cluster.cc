#include "models/broker/s3stream_cluster.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/control/placement.h"

namespace freshet {
namespace {

// AMQSRC, SocketServer: requests of a connection that a broker takes before it answers.
constexpr size_t kMostUnanswered = 64;

size_t PartitionCount(const std::vector<TopicConfig>& topics) {
  size_t count = 0;
  for (const TopicConfig& topic : topics) count += static_cast<size_t>(topic.partitions);
  return count;
}

}  // namespace

S3StreamCluster::S3StreamCluster(Simulation& sim, absl::string_view name, Network* network,
                                 ObjectStore* store, const Config& config)
    : BrokerCluster(sim, name, config, kMostUnanswered),
      config_(config),
      network_(network),
      store_(store),
      objects_(PartitionCount(config.topics)),
      to_recover_(config.brokers.size(), false),
      fenced_(config.brokers.size(), false),
      leaving_(config.brokers.size(), false),
      stopped_cleanly_(config.brokers.size(), false),
      recoveries_done_(AddCounter(kRecoveries)),
      recovered_bytes_(AddCounter(kRecoveredBytes)),
      unavailable_(AddDistribution(kUnavailable)),
      moves_(AddCounter(kMoves)),
      move_time_(AddDistribution(kMoveTime)),
      stream_set_objects_(AddGauge(kStreamSetObjects)),
      stream_objects_(AddGauge(kStreamObjects)) {
  RunControllers(network);
  S3StreamBroker::Owner* const owner = this;
  const size_t present = config.brokers.size() - static_cast<size_t>(config.absent_brokers);
  std::vector<uint32_t> zones;
  for (size_t i = 0; i < config.brokers.size(); ++i) {
    brokers_.push_back(std::make_unique<S3StreamBroker>(
        sim, absl::StrCat(name, "/broker-", i + 1), network, store, &objects_,
        static_cast<BrokerId>(i), owner, config.brokers[i]));
    nodes_.push_back(brokers_.back().get());
    if (i < present) {
      zones.push_back(config.brokers[i].zone);
    } else {
      brokers_.back()->Crash();
      to_recover_[i] = stopped_cleanly_[i] = true;
    }
  }
  // One replica, on the brokers that Kafka would choose for the leaders.
  RandomStream placement = NewStream("placement");
  for (const TopicConfig& topic : config.topics) {
    const int start = static_cast<int>(placement.NextBelow(present));
    const int shift = static_cast<int>(placement.NextBelow(present));
    for (const std::vector<int32_t>& replicas :
         AssignReplicas(zones, topic.partitions, 1, start, shift)) {
      partitions_[placements_.size()].leader = replicas[0];
      placements_.push_back({replicas[0]});
    }
  }
  HoldHistory();
  StartRouter();
  StartTables();
  PublishMetadata();
  for (size_t i = 0; i < present; ++i) brokers_[i]->Start();
  ScheduleRetention();
  StartBalancer();
  sim.AddAudit([this] { Audit(); });
}

int64_t S3StreamCluster::PartitionsOn(BrokerId broker) const {
  return std::count_if(placements_.begin(), placements_.end(),
                       [broker](const Placement& placement) { return placement.home == broker; });
}

std::vector<PartitionId> S3StreamCluster::LedBy(BrokerId id) const {
  std::vector<PartitionId> led;
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    if (partitions_[partition].leader == id) led.push_back(partition);
  }
  return led;
}

// --- Appends ---

ProduceError S3StreamCluster::Admit(PartitionId id, const ProduceRequest&) {
  return placements_[id].state == State::kServed ? ProduceError::kNone : ProduceError::kNotLeader;
}

void S3StreamCluster::BeforeAppend(PartitionId) {}
void S3StreamCluster::AfterAppend(PartitionId) {}
void S3StreamCluster::AfterRequest(PartitionId, Bytes) {}
ProduceError S3StreamCluster::ErrorOfCommitted(PartitionId) { return ProduceError::kNone; }

bool S3StreamCluster::Store(PartitionId id, const Batch& batch, BrokerId leader, const Callback&) {
  // The handler goes on: whoever waits for the write-ahead log waits as a request, not as a thread.
  const Offset end = partitions_[id].log.log_end_offset();
  broker(leader).Append(id, end - batch.record_count, end, batch.bytes);
  return true;
}

void S3StreamCluster::OnDurable(BrokerId id, PartitionId partition, Offset offset) {
  if (channel_ != nullptr) TableDurable(partition, offset, id);
  Commit(partition, offset, broker(id).wal().component_id());
  if (placements_[partition].state == State::kClosing) CloseFurther(partition);
}

void S3StreamCluster::OnUploaded(BrokerId id) {
  ShowObjects();
  if (closing_ == 0) return;
  for (PartitionId partition = 0; partition < partitions_.size(); ++partition) {
    const Placement& placement = placements_[partition];
    if (placement.state == State::kClosing && placement.home == id) CloseFurther(partition);
  }
}

void S3StreamCluster::OnFenced(BrokerId id) {
  // AMQSRC, HaltStorageFailureHandler: the process halts.
  After<"log.broker_halts">(Duration::Zero(), [this, id] {
    if (broker(id).up()) CrashBroker(id);
  });
}

// --- Reads ---

Bytes S3StreamCluster::Missing(const FetchedRange& part, BrokerId id) {
  // Others have nothing of it in memory; PrepareSnapshot() knows better.
  if (partitions_[part.partition].leader != id) return part.bytes;
  const Offset cached = broker(id).log_cache().MemoryFrom(part.partition);
  return partitions_[part.partition].log.BytesBetween(part.from,
                                                      std::clamp(cached, part.from, part.to));
}

bool S3StreamCluster::Prepare(FetchSession* session, BrokerId id, Bytes missed,
                              const Callback& serve) {
  if (balancer_ != nullptr) CountSent(*session);
  if (router_ != nullptr) return PrepareSnapshot(*session, id, serve);
  std::vector<StreamReader::Wanted> cold;
  if (missed > Bytes(0)) {
    for (const FetchedRange& range : session->response) {
      // What is not uploaded is in memory in any case.
      const Offset to = std::min({range.to, broker(id).log_cache().MemoryFrom(range.partition),
                                  objects_.EndOf(range.partition)});
      if (range.from < to) cold.push_back({range.partition, range.from, to});
    }
  }
  return broker(id).PrepareResponse(cold, session->response_bytes, serve);
}

// --- Garbage ---

void S3StreamCluster::OnGarbage(const std::vector<ObjectId>& objects) {
  DeleteLater(objects, config_.deleted_object_retention);
  ShowObjects();
}

void S3StreamCluster::DeleteLater(std::vector<ObjectId> objects, Duration after) {
  if (objects.empty()) return;
  std::vector<ObjectId>& due = deletions_[Now() + after];
  due.insert(due.end(), objects.begin(), objects.end());
  After<"log.garbage_due">(after, [this] { DeleteDue(); });
}

void S3StreamCluster::DeleteDue() {
  // The controller has them deleted; which broker's client does it hardly matters.
  const auto up = std::find_if(brokers_.begin(), brokers_.end(),
                               [](const auto& broker) { return broker->up(); });
  while (!deletions_.empty() && deletions_.begin()->first <= Now()) {
    const std::vector<ObjectId> objects = std::move(deletions_.begin()->second);
    deletions_.erase(deletions_.begin());
    if (up == brokers_.end()) {
      DeleteLater(objects, config_.failover_scan_interval);
      continue;
    }
    for (const ObjectId object : objects) {
      ObjectClient& client = (*up)->object_client();
      client.AbortUpload(object, ObjectCause::kCompaction, [](ObjectResult) {});
      client.Delete(object, ObjectCause::kCompaction, [](ObjectResult) {});
    }
  }
}

void S3StreamCluster::ShowObjects() {
  stream_set_objects_.Set(objects_.stream_set_objects());
  stream_objects_.Set(objects_.stream_objects());
}

void S3StreamCluster::Audit() {
  AuditLogs();
  for (const auto& table : tables_) table->Audit();
  objects_.Audit();
  // What is uploaded, and then what waits in write-ahead logs, covers every log to its high
  // watermark.
  std::vector<Offset> covered;
  for (PartitionId id = 0; id < partitions_.size(); ++id) covered.push_back(objects_.EndOf(id));
  for (BrokerId id = 0; id < broker_count(); ++id) {
    const LogCache& cache = broker(id).log_cache();
    const WriteAheadLog& wal = broker(id).wal();
    SIM_CHECK(wal.trimmed() <= cache.uploaded_to() &&
                  cache.BlockOf(cache.LastBlock()).to == wal.durable(),
              "inv.I13",
              absl::StrCat(broker(id).name(), ": the write-ahead log holds [", wal.trimmed(), ", ",
                           wal.durable(), "), to be uploaded is [", cache.uploaded_to(), ", ",
                           cache.BlockOf(cache.LastBlock()).to, ")"));
    for (auto number = cache.FirstNotUploaded(); number <= cache.LastBlock(); ++number) {
      for (const LogCache::Part& part : cache.BlockOf(number).parts) {
        SIM_CHECK(placements_[part.partition].home == id && part.from == covered[part.partition],
                  "inv.I13",
                  absl::StrCat("partition ", part.partition, " goes on at ", part.from, " in ",
                               broker(id).name(), ", expected ", covered[part.partition]));
        covered[part.partition] = part.to;
      }
    }
  }
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    SIM_CHECK(objects_.StartOf(id) == partitions_[id].log.log_start_offset(), "inv.I13",
              absl::StrCat("partition ", id, ": the log starts at ",
                           partitions_[id].log.log_start_offset(), ", its stream at ",
                           objects_.StartOf(id)));
    SIM_CHECK(covered[id] == partitions_[id].log.high_watermark(), "inv.I13",
              absl::StrCat("partition ", id, ": the high watermark is ",
                           partitions_[id].log.high_watermark(), ", stored is ", covered[id]));
  }
}

}  // namespace freshet
