// Where the state of a sub-topology's tasks lies: which instance has a local store of which task,
// up to which offset of its changelog, and who reads the changelog to come further.
//
//   active   the task runs there; its store is as new as what it has written to the changelog
//   restore  the task is there and waits until its store has come to the changelog's end
//   follow   a standby replica, or a warm-up: it reads on and on
//   kept     nobody uses it; a persistent store of a live process lies there as it was left
//
// What a restore reads is at most what the log cleaner would have left: see RestoreFrom().
#ifndef FRESHET_MODELS_PROCESSING_STATE_COPIES_H_
#define FRESHET_MODELS_PROCESSING_STATE_COPIES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "models/processing/changelog_reader.h"
#include "sim/metric.h"
#include "sim/pool.h"
#include "sim/station.h"

namespace freshet {

class StateCopies : public Component {
 public:
  struct Config {
    LogService::TopicPartitions changelog;
    Isolation isolation = Isolation::kReadUncommitted;
    bool persistent = true;
    Duration cpu_per_record;  // To put a restored record into the store.
  };
  struct Host {
    HostId host;
    Station* cpu;
  };

  static constexpr MetricDef kRestoredRecords = {
      "streams.restored_records", MetricKind::kCounter, MetricUnit::kCount,
      "Changelog records that tasks have read before they could run."};
  static constexpr MetricDef kRestoredBytes = {"streams.restored_bytes", MetricKind::kCounter,
                                               MetricUnit::kBytes, "The same, in bytes."};
  static constexpr MetricDef kRestoreTime = {
      "streams.restore_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a task's being assigned until its state is there; tasks that had it are in it with 0."};
  static constexpr MetricDef kFollowedBytes = {
      "streams.standby_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Changelog bytes that standby and warm-up replicas have read."};
  static constexpr MetricDef kRestoring = {"streams.restoring_tasks", MetricKind::kGauge,
                                           MetricUnit::kCount,
                                           "Tasks that are assigned and wait for their state."};
  static constexpr MetricDef kFollowing = {"streams.standby_tasks", MetricKind::kGauge,
                                           MetricUnit::kCount, "Standby and warm-up replicas."};

  // REQUIRES: all outlive it.
  StateCopies(Simulation& sim, absl::string_view name, Network* network, LogService* log,
              const Config& config, const std::vector<Host>& instances);

  // The task runs at `instance` as soon as `restored` fires, perhaps at once. `state`: how large
  // it was when it was last committed.
  void Activate(int instance, int task, Bytes state, Callback restored);
  // It runs there no more. `clean`: what it has written is in its store and committed.
  void Deactivate(int instance, int task, bool clean);
  // What the store of a running task has, the changelog has, too, and it is committed.
  void Committed(int instance, int task);
  // These and no others follow at `instance`; of tasks that are active there nothing changes.
  void Follow(int instance, const std::vector<int>& tasks, absl::Span<const Bytes> state);
  // The process is gone. `wipe`: what was not committed cannot be told from what was.
  void Crash(int instance, bool wipe);

  // Records that a task would have to restore there.
  int64_t LagOf(int instance, int task) const;
  bool IsActive(int instance, int task) const {
    return At(instance, task).use == Use::kActive || At(instance, task).use == Use::kRestore;
  }
  bool Follows(int instance, int task) const { return At(instance, task).use == Use::kFollow; }
  // Records that the replica that is furthest behind would have to restore.
  int64_t WorstFollower() const;
  int tasks() const { return config_.changelog.count; }

 private:
  enum class Use : uint8_t { kNone, kKept, kFollow, kRestore, kActive };
  struct Copy {
    Use use = Use::kNone;
    Offset at = 0;  // It has everything below,
    Offset committed = 0;
    Offset until = 0;  // kRestore: to come to.
    Time since;
    int64_t working = 0;  // Records on their way into the store.
    uint32_t life = 0;
    std::unique_ptr<ChangelogReader> reader;
    Callback restored;
  };

  struct Batch {  // Of records, on its way into a store.
    int instance;
    int task;
    Offset to;
    uint32_t life;
  };

  Copy& At(int instance, int task) {
    return copies_[static_cast<size_t>(instance) * static_cast<size_t>(tasks()) +
                   static_cast<size_t>(task)];
  }
  const Copy& At(int instance, int task) const {
    return const_cast<StateCopies*>(this)->At(instance, task);
  }
  PartitionId PartitionOf(int task) const {
    return config_.changelog.first + static_cast<PartitionId>(task);
  }
  // Where a store with nothing in it begins to read.
  Offset RestoreFrom(int task, Bytes state) const;
  Offset EndOf(int task) const;
  void SetUse(Copy& copy, Use use);
  void Read(int instance, int task, Offset from);
  void Arrived(int instance, int task, const FetchedRange& range);
  void Stored(uint32_t batch);
  void EndRestore(Copy& copy);

  Network* const network_;
  LogService* const log_;
  const Config config_;
  const std::vector<Host> instances_;
  std::vector<Copy> copies_;  // By instance and task.
  Pool<Batch> batches_;
  Counter& restored_records_;
  Counter& restored_bytes_;
  Distribution& restore_time_;
  Counter& followed_bytes_;
  Gauge& restoring_;
  Gauge& following_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_STATE_COPIES_H_
