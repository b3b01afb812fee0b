// The coordinator of one consumer group: what the broker that leads the group's partition of the
// offsets topic (__consumer_offsets) knows and decides.
//
// Here is what both protocols have in common: where the coordinator is, the time in which there is
// none, and the committed offsets. A commit is a batch of that partition, appended and replicated
// as any other; it counts once the high watermark has passed it, and what a failover cuts off is
// forgotten. When the partition gets another leader, that one loads the partition before it answers
// for the group.
//
//   classic_coordinator.h   JoinGroup, SyncGroup, Heartbeat, LeaveGroup
//   epoch_coordinator.h     the broker-side protocol of KIP-848
//
// Calls are made at the broker `at`, after the request's way and work. Approximated: the partition
// is of this group alone, but for `other_bytes`; members and generations are stored at no cost.
// docs/models/consumer_group.md has the rest and the sources.
#ifndef FRESHET_MODELS_GROUP_GROUP_COORDINATOR_H_
#define FRESHET_MODELS_GROUP_GROUP_COORDINATOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/group/assignor.h"
#include "models/group/group_metrics.h"
#include "models/log/log_service.h"
#include "sim/component.h"
#include "sim/ring.h"
#include "sim/units.h"

namespace freshet {

// Given out by the coordinator; another one for each life of a dynamic member.
using MemberId = int64_t;
inline constexpr MemberId kNoMember = 0;

enum class GroupError : uint8_t {
  kNone,
  kNotCoordinator,     // NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE
  kLoading,            // COORDINATOR_LOAD_IN_PROGRESS
  kMemberIdRequired,   // MEMBER_ID_REQUIRED: join again under the id that comes with it (KIP-394).
  kUnknownMember,      // UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH
  kIllegalGeneration,  // ILLEGAL_GENERATION, STALE_MEMBER_EPOCH
  kRebalanceInProgress,  // REBALANCE_IN_PROGRESS
};

class GroupCoordinator : public Component {
 public:
  struct Config {
    std::string group;          // group.id
    std::string topic;          // That it reads: what a commit's records say.
    int partitions = 0;         // Of that topic.
    PartitionId offsets_first;  // The offsets topic.
    int offsets_partitions = 1;
    Bytes offsets_segment = MiB(100);         // offsets.topic.segment.bytes
    std::optional<BytesPerSecond> load_rate;  // Absent: loading takes no time.
    Bytes other_bytes;                        // Of other groups, in the same partition.
  };
  struct Commit {
    MemberId member = kNoMember;
    int32_t generation = 0;
    std::vector<std::pair<int, Offset>> offsets;  // By partition of the topic.
  };

  // The partition that has the group: Kafka's rule, the Java hash of its id.
  static int PartitionOf(absl::string_view group, int offsets_partitions);

  // REQUIRES: the metrics outlive the run.
  GroupCoordinator(Simulation& sim, absl::string_view name, LogService* log, const Config& config,
                   const GroupMetrics* metrics);

  // The broker that FindCoordinator names; kNoBroker while there is none.
  BrokerId broker() const { return broker_; }
  // Whether the broker may answer for the group.
  GroupError ErrorAt(BrokerId at) const;

  // --- Offsets ---

  PartitionId offsets_partition() const { return partition_; }
  // The bytes of a commit of so many partitions, as the batch that goes into the log.
  Bytes CommitBytes(size_t partitions) const;
  // The batch of a commit is about to be appended: kFenced if its member may not, otherwise it
  // counts from the end of that batch on.
  ProduceError Judge(const Commit& commit);
  // The same of a commit in a transaction of `producer` (TxnOffsetCommit): it counts from its
  // transaction's commit marker on. Without a member (kNoMember) nobody is judged.
  ProduceError JudgeTransactional(const Commit& commit, ProducerId producer);
  // The marker that ends it is about to be appended to the offsets partition.
  void EndTransaction(ProducerId producer, bool commits);
  // An open transaction may still commit an offset of that partition of the topic
  // (UNSTABLE_OFFSET_COMMIT).
  bool IsUnstable(int partition) const;
  std::optional<Offset> CommittedOf(int partition);
  // An operator's reset, before the group starts.
  void Reset(int partition, Offset offset) { committed_[static_cast<size_t>(partition)] = offset; }
  // The topic's log was cut: nobody reads on behind its end.
  void CutCommitted(int partition, Offset end);

  // --- For audits ---

  // The member is of the group now, with the generation or epoch that it holds.
  virtual bool IsCurrent(MemberId member, int32_t generation) const = 0;

 protected:
  virtual bool MayCommit(MemberId member, int32_t generation) const = 0;
  // The broker answers for the group no more; what waits there is answered, or dies with it.
  virtual void OnUnload() = 0;
  // It does, from what is in the log.
  virtual void OnLoad() = 0;

  void CountRebalance(RebalanceCause cause);
  void CountStable();
  const GroupMetrics& metrics() const { return *metrics_; }
  int partitions() const { return config_.partitions; }

 private:
  struct Pending {
    Offset end;  // Of its batch in the offsets partition; of a transaction, of its marker.
    std::vector<std::pair<int, Offset>> offsets;
  };
  struct InTransaction {
    ProducerId producer;
    Offset end;                  // Of the commit's batch.
    std::optional<Offset> over;  // Of the marker's, once there is one.
    std::vector<std::pair<int, Offset>> offsets;
  };

  void Look();
  void Loaded();
  void Apply();
  Bytes LoadBytes() const;

  const Config config_;
  LogService* const log_;
  const GroupMetrics* const metrics_;
  const PartitionId partition_;
  BrokerId broker_ = kNoBroker;
  bool loaded_ = false;
  uint32_t loads_ = 0;
  std::vector<std::optional<Offset>> committed_;
  std::vector<Pending> pending_;               // In the order of the log.
  std::vector<InTransaction> in_transaction_;  // The same, until the marker is committed.
  std::optional<Time> unstable_since_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_GROUP_GROUP_COORDINATOR_H_
