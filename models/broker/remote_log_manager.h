// What a broker of a tiered cluster does with remote storage, for the partitions that it leads
// (KIP-405): it copies closed segments, and deletes those that retention has passed.
//
// Each partition has a task for copying and one for expiration; each begins when the broker becomes
// its leader, and again an interval after it has ended. A copy task that finds closed segments
// below the high watermark takes a thread of the copier pool and copies one after the other, oldest
// first: it waits for the copy quota, announces the segment in the topic of remote log metadata,
// writes its data, then its indexes and its manifest, and tells that it is there. From then on the
// segment is remote. A copy that fails ends the task; the next one begins with the same segment.
//
// The expiration task has the log start raised by total retention, and deletes the objects of what
// is below it.
//
// The data is read while it is written: the longer of the two counts. Left out: the processor's
// work, the bytes of the metadata topic. docs/models/tiered.md has the sources.
#ifndef FRESHET_MODELS_BROKER_REMOTE_LOG_MANAGER_H_
#define FRESHET_MODELS_BROKER_REMOTE_LOG_MANAGER_H_

#include <cstdint>
#include <optional>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/broker/remote_log_reader.h"
#include "models/log/log_service.h"
#include "models/log/remote_log.h"
#include "models/storage/object_client.h"
#include "models/storage/object_writer.h"
#include "sim/component.h"
#include "sim/permits.h"
#include "sim/pool.h"
#include "sim/sampler.h"
#include "sim/units.h"

namespace freshet {

class RemoteLogManager : public Component {
 public:
  struct Config {
    Duration task_interval;                    // remote.log.manager.task.interval.ms
    int64_t copier_threads;                    // remote.log.manager.copier.thread.pool.size
    int64_t expiration_threads;                // remote.log.manager.expiration.thread.pool.size
    std::optional<BytesPerSecond> copy_quota;  // remote.log.manager.copy.max.bytes.per.second
    Duration fetch_max_wait;                   // remote.fetch.max.wait.ms
    Bytes part_size;                           // Of uploads in parts.
    Sampler metadata_latency;  // Of an event in the topic of remote log metadata, until it is read.
    ObjectClient::Config object_client;
    RemoteLogReader::Config reader;
  };

  // Closed segments that are not remote.
  struct Lag {
    int64_t segments = 0;
    Bytes bytes;
  };

  // What it asks of its cluster.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Whether the broker leads the partition, in this epoch.
    virtual bool LeadsStill(BrokerId broker, PartitionId partition, int32_t epoch) const = 0;
    // The first closed segment below the high watermark that is not remote.
    virtual std::optional<ClosedSegment> NextToCopy(PartitionId partition) const = 0;
    virtual Lag LagOf(PartitionId partition) const = 0;
    virtual RemoteLog& RemoteLogOf(PartitionId partition) = 0;
    virtual PrefixId PrefixOf(PartitionId partition) const = 0;
    // Reads a segment at the broker. Returns true when all of it is in memory; otherwise `read`
    // fires when it is.
    virtual bool ReadSegment(BrokerId broker, PartitionId partition, const ClosedSegment& segment,
                             Callback read) = 0;
    virtual void OnCopied(PartitionId partition) = 0;
    // Raises the log start as total retention has it, as far as the log is remote.
    virtual void ApplyTotalRetention(PartitionId partition) = 0;
  };

  static constexpr MetricDef kCopiedBytes = {"remote_log.copied_bytes", MetricKind::kCounter,
                                             MetricUnit::kBytes,
                                             "Bytes of segments that were copied: "
                                             "RemoteCopyBytesPerSec."};
  static constexpr MetricDef kCopiedSegments = {"remote_log.copied_segments", MetricKind::kCounter,
                                                MetricUnit::kCount, "Segments that were copied."};
  static constexpr MetricDef kCopyRequests = {"remote_log.copy_requests", MetricKind::kCounter,
                                              MetricUnit::kCount,
                                              "Copies that were begun: RemoteCopyRequestsPerSec."};
  static constexpr MetricDef kCopyErrors = {"remote_log.copy_errors", MetricKind::kCounter,
                                            MetricUnit::kCount,
                                            "Copies that failed: RemoteCopyErrorsPerSec."};
  static constexpr MetricDef kCopyTime = {"remote_log.copy_time", MetricKind::kDistribution,
                                          MetricUnit::kDuration,
                                          "From the announcement of a copy until the segment is "
                                          "remote."};
  static constexpr MetricDef kThrottleTime = {"remote_log.copy_throttle_time",
                                              MetricKind::kDistribution, MetricUnit::kDuration,
                                              "How long a copy waited for its quota."};
  static constexpr MetricDef kCopyLagBytes = {
      "remote_log.copy_lag_bytes", MetricKind::kGauge, MetricUnit::kBytes,
      "Bytes of closed segments that are not remote, of the partitions the broker leads, as their "
      "tasks saw them last: RemoteCopyLagBytes."};
  static constexpr MetricDef kCopyLagSegments = {
      "remote_log.copy_lag_segments", MetricKind::kGauge, MetricUnit::kCount,
      "Closed segments that are not remote: RemoteCopyLagSegments."};
  static constexpr MetricDef kDeletedSegments = {"remote_log.deleted_segments",
                                                 MetricKind::kCounter, MetricUnit::kCount,
                                                 "Segments whose objects were deleted."};
  static constexpr MetricDef kDeleteErrors = {"remote_log.delete_errors", MetricKind::kCounter,
                                              MetricUnit::kCount,
                                              "Deletions that failed: RemoteDeleteErrorsPerSec."};

  // REQUIRES: all pointers outlive it; `id` is its broker's index in the cluster.
  RemoteLogManager(Simulation& sim, absl::string_view name, ObjectStore* store, Network* network,
                   HostId host, PageCache* disk, BrokerId id, Owner* owner, const Config& config);

  // The broker leads the partition from now on. Its tasks end by themselves when it does no more.
  void Lead(PartitionId partition, int32_t epoch);
  // What a follower reads before it begins at the local log start of its leader: leader epochs and
  // the snapshot of producers of a remote segment. `done` fires once with whether it went well,
  // never re-entrantly, unless the process dies.
  void ReadAuxiliary(const RemoteSegment& segment, Completion<bool> done);

  RemoteLogReader& reader() { return reader_; }
  const RemoteLogReader& reader() const { return reader_; }
  void Crash();

 private:
  struct CopyTask {
    PartitionId partition;
    int32_t epoch;
    RemoteSegment segment;
    Time asked_at;
    Time began_at;
    int waiting_for;  // The read and the write of the data.
    bool failed;
  };
  using TaskIndex = uint32_t;
  struct Auxiliary {
    RemoteSegment segment;
    int step;
    Completion<bool> done;
  };

  void ScheduleCopy(PartitionId partition, int32_t epoch, Duration after);
  void LookForSegments(PartitionId partition, int32_t epoch);
  void CopyNext(TaskIndex index);
  void AwaitQuota(TaskIndex index);
  void Announce(TaskIndex index);
  void CopyData(TaskIndex index);
  void DataOver(TaskIndex index, bool well);
  void IndexesWritten(TaskIndex index, ObjectResult result);
  void ManifestWritten(TaskIndex index, ObjectResult result);
  void Commit(TaskIndex index);
  void FailCopy(TaskIndex index);
  void DropCopy(TaskIndex index);
  void EndTask(TaskIndex index);
  void NoteLag(PartitionId partition, const Lag& lag);

  void ScheduleExpiration(PartitionId partition, int32_t epoch, Duration after);
  void Expire(PartitionId partition, int32_t epoch);
  void DeleteNext(PartitionId partition, int32_t epoch);
  void DeleteObject(PartitionId partition, int32_t epoch, int32_t which);
  void ObjectDeleted(PartitionId partition, int32_t epoch, int32_t which, ObjectResult result);
  void EndExpiration(PartitionId partition, int32_t epoch);

  void AskAuxiliary(uint32_t index);
  Duration MetadataLatency() { return metadata_latency_.DrawDuration(metadata_stream_); }

  const Config config_;
  const BrokerId id_;
  ObjectStore* const store_;
  Owner* const owner_;
  ObjectClient client_;
  ObjectWriter writer_;
  RemoteLogReader reader_;
  Sampler metadata_latency_;
  RandomStream metadata_stream_;
  std::optional<Permits> copiers_;
  std::optional<Permits> expirers_;
  Pool<CopyTask> tasks_;
  Time quota_until_;
  absl::btree_map<PartitionId, Lag> lags_;
  Lag lag_;
  Pool<Auxiliary> auxiliary_;
  uint32_t life_ = 0;
  Counter& copied_bytes_;
  Counter& copied_segments_;
  Counter& copy_requests_;
  Counter& copy_errors_;
  Counter& deleted_segments_;
  Counter& delete_errors_;
  Gauge& lag_bytes_gauge_;
  Gauge& lag_segments_gauge_;
  Distribution& copy_time_;
  Distribution& throttle_time_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_REMOTE_LOG_MANAGER_H_
