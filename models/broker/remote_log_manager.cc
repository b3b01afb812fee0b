#include "models/broker/remote_log_manager.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// remote.log.manager.copy.quota.window.num of 11 windows of a second, the last one open: what was
// not used is forgotten after so long (KSRC).
constexpr Duration kQuotaWindow = Seconds(10);

// The plug-in's upload stream sends one part after the other (AIVENTS).
constexpr int64_t kPartsAtATime = 1;

constexpr int32_t kObjects = 3;  // Of a segment.

}  // namespace

RemoteLogManager::RemoteLogManager(Simulation& sim, absl::string_view name, ObjectStore* store,
                                   Network* network, HostId host, PageCache* disk, BrokerId id,
                                   Owner* owner, const Config& config)
    : Component(sim, name),
      config_(config),
      id_(id),
      store_(store),
      owner_(owner),
      client_(sim, absl::StrCat(name, "/object-client"), store, network, host,
              config.object_client),
      writer_(&client_, config.part_size, kPartsAtATime),
      reader_(sim, absl::StrCat(name, "/reader"), &client_, disk, config.reader),
      metadata_latency_(config.metadata_latency),
      metadata_stream_(NewStream("metadata")),
      copiers_(config.copier_threads),
      expirers_(config.expiration_threads),
      copied_bytes_(AddCounter(kCopiedBytes)),
      copied_segments_(AddCounter(kCopiedSegments)),
      copy_requests_(AddCounter(kCopyRequests)),
      copy_errors_(AddCounter(kCopyErrors)),
      deleted_segments_(AddCounter(kDeletedSegments)),
      delete_errors_(AddCounter(kDeleteErrors)),
      lag_bytes_gauge_(AddGauge(kCopyLagBytes)),
      lag_segments_gauge_(AddGauge(kCopyLagSegments)),
      copy_time_(AddDistribution(kCopyTime)),
      throttle_time_(AddDistribution(kThrottleTime)) {
  SIM_REQUIRE(config.task_interval > Duration::Zero());
}

void RemoteLogManager::Lead(PartitionId partition, int32_t epoch) {
  ScheduleCopy(partition, epoch, Duration::Zero());
  ScheduleExpiration(partition, epoch, Duration::Zero());
}

// --- Copying ---

void RemoteLogManager::ScheduleCopy(PartitionId partition, int32_t epoch, Duration after) {
  After<"remote_log.copy_task">(after, [this, partition, epoch, life = life_] {
    if (life == life_) LookForSegments(partition, epoch);
  });
}

void RemoteLogManager::LookForSegments(PartitionId partition, int32_t epoch) {
  if (!owner_->LeadsStill(id_, partition, epoch)) {
    NoteLag(partition, Lag());
    return;
  }
  NoteLag(partition, owner_->LagOf(partition));
  if (!owner_->NextToCopy(partition)) {
    ScheduleCopy(partition, epoch, config_.task_interval);
    return;
  }
  copiers_->Acquire([this, partition, epoch] {
    CopyNext(tasks_.Add({partition, epoch, {}, Time(), Time(), 0, false}));
  });
}

void RemoteLogManager::CopyNext(TaskIndex index) {
  CopyTask& task = tasks_[index];
  const bool leads = owner_->LeadsStill(id_, task.partition, task.epoch);
  NoteLag(task.partition, leads ? owner_->LagOf(task.partition) : Lag());
  const std::optional<ClosedSegment> segment =
      leads ? owner_->NextToCopy(task.partition) : std::nullopt;
  if (!segment) {
    EndTask(index);
    return;
  }
  task.segment.range = *segment;
  task.asked_at = Now();
  AwaitQuota(index);
}

void RemoteLogManager::AwaitQuota(TaskIndex index) {
  const CopyTask& task = tasks_[index];
  if (config_.copy_quota) {
    // A copy may begin while the rate of the last windows is within the quota, and is recorded as a
    // whole; those that wait look again one by one.
    if (quota_until_ > Now()) {
      At<"remote_log.copy_throttled">(quota_until_, [this, index, life = life_] {
        if (life == life_) AwaitQuota(index);
      });
      return;
    }
    quota_until_ = std::max(quota_until_, Now() - kQuotaWindow) +
                   config_.copy_quota->TimeFor(task.segment.range.bytes);
    throttle_time_.Record(Now() - task.asked_at);
  }
  Announce(index);
}

void RemoteLogManager::Announce(TaskIndex index) {
  copy_requests_.Add(1);
  tasks_[index].began_at = Now();
  After<"remote_log.copy_announced">(MetadataLatency(), [this, index, life = life_] {
    if (life == life_) CopyData(index);
  });
}

void RemoteLogManager::CopyData(TaskIndex index) {
  CopyTask& task = tasks_[index];
  const PrefixId prefix = owner_->PrefixOf(task.partition);
  task.segment.log = store_->NewObject(prefix);
  task.segment.indexes = store_->NewObject(prefix);
  task.segment.manifest = store_->NewObject(prefix);
  task.waiting_for = 2;
  task.failed = false;
  writer_.Write(
      task.segment.log, task.segment.range.bytes, ObjectCause::kTiering,
      [this, index](ObjectResult result) { DataOver(index, result == ObjectResult::kOk); });
  const auto read = [this, index, life = life_] {
    if (life == life_) DataOver(index, true);
  };
  if (owner_->ReadSegment(id_, task.partition, task.segment.range, read)) DataOver(index, true);
}

void RemoteLogManager::DataOver(TaskIndex index, bool well) {
  CopyTask& task = tasks_[index];
  task.failed = task.failed || !well;
  if (--task.waiting_for > 0) return;
  if (task.failed) {
    FailCopy(index);
    return;
  }
  client_.Put(
      task.segment.indexes,
      RemoteLogReader::IndexBytes(task.segment.range.bytes) + RemoteLogReader::kAuxiliaryBytes,
      ObjectCause::kTiering, [this, index](ObjectResult result) { IndexesWritten(index, result); });
}

void RemoteLogManager::IndexesWritten(TaskIndex index, ObjectResult result) {
  if (result != ObjectResult::kOk) {
    FailCopy(index);
    return;
  }
  client_.Put(tasks_[index].segment.manifest, RemoteLogReader::kManifestBytes,
              ObjectCause::kTiering,
              [this, index](ObjectResult written) { ManifestWritten(index, written); });
}

void RemoteLogManager::ManifestWritten(TaskIndex index, ObjectResult result) {
  if (result != ObjectResult::kOk) {
    FailCopy(index);
    return;
  }
  After<"remote_log.copy_finished">(MetadataLatency(), [this, index, life = life_] {
    if (life == life_) Commit(index);
  });
}

void RemoteLogManager::Commit(TaskIndex index) {
  const CopyTask& task = tasks_[index];
  if (!owner_->LeadsStill(id_, task.partition, task.epoch)) {
    // The next leader has begun with the same segment.
    DropCopy(index);
    return;
  }
  owner_->RemoteLogOf(task.partition).Add(task.segment);
  copied_bytes_.Add(task.segment.range.bytes.count());
  copied_segments_.Add(1);
  copy_time_.Record(Now() - task.began_at);
  owner_->OnCopied(task.partition);
  CopyNext(index);
}

void RemoteLogManager::FailCopy(TaskIndex index) {
  copy_errors_.Add(1);
  DropCopy(index);
}

void RemoteLogManager::DropCopy(TaskIndex index) {
  const RemoteSegment& segment = tasks_[index].segment;
  // What is there of it is deleted, if the store lets it.
  for (const ObjectId object : {segment.log, segment.indexes, segment.manifest}) {
    client_.Delete(object, ObjectCause::kTiering, [](ObjectResult) {});
  }
  EndTask(index);
}

void RemoteLogManager::EndTask(TaskIndex index) {
  const CopyTask task = tasks_.Take(index);
  ScheduleCopy(task.partition, task.epoch, config_.task_interval);
  copiers_->Release();
}

void RemoteLogManager::NoteLag(PartitionId partition, const Lag& lag) {
  Lag& known = lags_[partition];
  lag_.segments += lag.segments - known.segments;
  lag_.bytes = lag_.bytes - known.bytes + lag.bytes;
  known = lag;
  lag_bytes_gauge_.Set(lag_.bytes.count());
  lag_segments_gauge_.Set(lag_.segments);
}

// --- Expiration ---

void RemoteLogManager::ScheduleExpiration(PartitionId partition, int32_t epoch, Duration after) {
  After<"remote_log.expiration_task">(after, [this, partition, epoch, life = life_] {
    if (life == life_) Expire(partition, epoch);
  });
}

void RemoteLogManager::Expire(PartitionId partition, int32_t epoch) {
  if (!owner_->LeadsStill(id_, partition, epoch)) return;
  owner_->ApplyTotalRetention(partition);
  if (owner_->RemoteLogOf(partition).deleted().empty()) {
    ScheduleExpiration(partition, epoch, config_.task_interval);
    return;
  }
  expirers_->Acquire([this, partition, epoch] { DeleteNext(partition, epoch); });
}

void RemoteLogManager::DeleteNext(PartitionId partition, int32_t epoch) {
  if (!owner_->LeadsStill(id_, partition, epoch) ||
      owner_->RemoteLogOf(partition).deleted().empty()) {
    EndExpiration(partition, epoch);
    return;
  }
  After<"remote_log.delete_announced">(MetadataLatency(), [this, partition, epoch, life = life_] {
    if (life == life_) DeleteObject(partition, epoch, 0);
  });
}

void RemoteLogManager::DeleteObject(PartitionId partition, int32_t epoch, int32_t which) {
  if (!owner_->LeadsStill(id_, partition, epoch)) {
    EndExpiration(partition, epoch);
    return;
  }
  const RemoteSegment& segment = owner_->RemoteLogOf(partition).deleted().front();
  const ObjectId objects[kObjects] = {segment.log, segment.indexes, segment.manifest};
  client_.Delete(objects[which], ObjectCause::kTiering,
                 [this, partition, epoch, which](ObjectResult result) {
                   ObjectDeleted(partition, epoch, which, result);
                 });
}

void RemoteLogManager::ObjectDeleted(PartitionId partition, int32_t epoch, int32_t which,
                                     ObjectResult result) {
  if (result != ObjectResult::kOk) {
    delete_errors_.Add(1);
    EndExpiration(partition, epoch);
    return;
  }
  if (which + 1 < kObjects) {
    DeleteObject(partition, epoch, which + 1);
    return;
  }
  if (owner_->LeadsStill(id_, partition, epoch)) {
    owner_->RemoteLogOf(partition).Forget();
    deleted_segments_.Add(1);
  }
  DeleteNext(partition, epoch);
}

void RemoteLogManager::EndExpiration(PartitionId partition, int32_t epoch) {
  ScheduleExpiration(partition, epoch, config_.task_interval);
  expirers_->Release();
}

// --- Replicas that begin anew ---

void RemoteLogManager::ReadAuxiliary(const RemoteSegment& segment, Completion<bool> done) {
  AskAuxiliary(auxiliary_.Add({segment, 0, done}));
}

void RemoteLogManager::AskAuxiliary(uint32_t index) {
  const Auxiliary& state = auxiliary_[index];
  const RemoteSegment& segment = state.segment;
  const auto answered = [this, index](ObjectResult result) {
    if (result == ObjectResult::kOk && ++auxiliary_[index].step < 3) {
      AskAuxiliary(index);
      return;
    }
    Auxiliary over = auxiliary_.Take(index);
    over.done(result == ObjectResult::kOk);
  };
  if (state.step == 0) {
    client_.Get(segment.manifest, Bytes(0), RemoteLogReader::kManifestBytes, ObjectCause::kRecovery,
                answered);
    return;
  }
  // Leader epochs and the snapshot of producers, a half each.
  const Bytes half(RemoteLogReader::kAuxiliaryBytes.count() / 2);
  client_.Get(segment.indexes,
              RemoteLogReader::IndexBytes(segment.range.bytes) + half * (state.step - 1), half,
              ObjectCause::kRecovery, answered);
}

void RemoteLogManager::Crash() {
  ++life_;
  client_.DropAll();
  writer_.DropAll();
  reader_.DropAll();
  copiers_.emplace(config_.copier_threads);
  expirers_.emplace(config_.expiration_threads);
  tasks_ = Pool<CopyTask>();
  auxiliary_ = Pool<Auxiliary>();
  lags_.clear();
  lag_ = Lag();
  lag_bytes_gauge_.Set(0);
  lag_segments_gauge_.Set(0);
}

}  // namespace freshet
