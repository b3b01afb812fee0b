// What an operator does to a cluster of brokers while it runs: brokers added, removed, replaced and
// restarted one after the other, partitions moved, retention or a client's quota changed, a group
// of consumers started at an old offset, made larger or smaller, or restarted member by member.
//
// An operation that restarts brokers or members or moves partitions waits until the one before it
// has ended, as tools and operators have it. What a move costs is the design's: replicas that are
// copied under a throttle, a tail that is uploaded, or nothing. Which partitions go where is
// decided here, by counts of partitions and by zones, not by their load. docs/models/operations.md
// has the rest and the sources.
#ifndef FRESHET_MODELS_CONTROL_OPERATIONS_H_
#define FRESHET_MODELS_CONTROL_OPERATIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/broker/broker_cluster.h"
#include "models/client/consumers.h"
#include "models/client/producers.h"
#include "models/connect/connect_cluster.h"
#include "models/processing/stream_job.h"
#include "sim/component.h"
#include "sim/units.h"

namespace freshet {

enum class OperationKind : uint8_t {
  kAddBroker,
  kRemoveBroker,   // Its partitions go elsewhere, then it is shut down for good.
  kReplaceBroker,  // An empty machine in its place, under its name.
  kReassign,
  kRollingRestart,
  kChangeRetention,
  kStartConsumer,
  kAlterQuota,
  kRestartConsumers,  // One member of a group after the other.
  kAddConsumers,
  kRemoveConsumers,
  kDeployProducers,  // They write another version of their schema.
  kRestartTasks,     // Of a connector.
  kAddWorkers,
  kRemoveWorkers,
  kRenewCredentials,
  kRescale,  // A stream job.
};
absl::string_view NameOf(OperationKind kind);

struct OperationPlan {
  std::string name;  // For reports; "" becomes the kind.
  OperationKind kind = OperationKind::kRollingRestart;
  Time at;
  std::vector<BrokerId> brokers;  // That are added, removed or replaced; kReassign: the new ones.
  Duration start_time;            // From the order to start a process until it asks to register.
  Duration min_ready;             // kRestartConsumers: from its start until the next one's end.
  int members = 0;                // kAddConsumers, kRemoveConsumers; workers of Connect
  bool rebalance = true;          // kAddBroker: give it its share of the partitions.
  std::vector<PartitionId> partitions;        // kReassign
  std::optional<BytesPerSecond> throttle;     // Of what moves copy.
  int most_moves = 0;                         // At a time; 0: all.
  std::string topic;                          // kChangeRetention
  std::optional<Duration> retention_time;     // kChangeRetention; absent: as before.
  std::optional<Bytes> retention_bytes;       // The same.
  Consumers* consumers = nullptr;             // kStartConsumer and those of members
  std::optional<Consumers::StartPoint> from;  // kStartConsumer
  struct QuotaChange {
    QuotaType type;
    std::optional<int64_t> per_second;  // Absent: it ends.
  };
  std::string client;                 // kAlterQuota; "" is the default of all.
  std::vector<QuotaChange> quotas;    // kAlterQuota
  Producers* producers = nullptr;     // kDeployProducers
  int32_t schema_version = 0;         // The same.
  Duration interval;                  // The same: from one client's turn to the next one's.
  bool rolls_back = true;             // The same.
  ConnectCluster* connect = nullptr;  // kRestartTasks and those after it
  bool only_failed = true;            // kRestartTasks
  StreamJob* job = nullptr;           // kRescale
  int parallelism = 0;                // The same.
};

class Operations : public Component {
 public:
  static constexpr MetricDef kActive = {"operation.active", MetricKind::kGauge, MetricUnit::kCount,
                                        "Operations that have begun and not ended."};
  static constexpr MetricDef kWaiting = {
      "operation.waiting", MetricKind::kGauge, MetricUnit::kCount,
      "Operations whose time has come and that wait for another one's end."};
  static constexpr MetricDef kDone = {"operation.done", MetricKind::kCounter, MetricUnit::kCount,
                                      "Operations that ended."};
  static constexpr MetricDef kDuration = {
      "operation.duration", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the time of an operation until its end, for each that ended."};
  static constexpr MetricDef kMoves = {"operation.moves", MetricKind::kCounter, MetricUnit::kCount,
                                       "Partitions that are where operations wanted them."};
  static constexpr MetricDef kMovesLeft = {"operation.moves_left", MetricKind::kGauge,
                                           MetricUnit::kCount,
                                           "Partitions that still have to be moved."};
  static constexpr MetricDef kMovedBytes = {
      "operation.moved_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes that moves have copied to other brokers or uploaded, counted as moves end."};
  static constexpr MetricDef kRestarts = {"operation.restarts", MetricKind::kCounter,
                                          MetricUnit::kCount,
                                          "Brokers that operations have started again."};

  // REQUIRES: `cluster` outlives the run.
  Operations(Simulation& sim, absl::string_view name, BrokerCluster* cluster);

  // REQUIRES: called before the run.
  void Schedule(const OperationPlan& plan);

  struct Outcome {
    OperationPlan plan;
    bool begun = false;
    std::optional<Time> ended;
    int64_t moves = 0;  // That it wanted, and of them those that are done.
    int64_t moves_done = 0;
  };
  const std::vector<Outcome>& outcomes() const { return outcomes_; }

 private:
  // How often an operator, or his tool, looks whether he may go on.
  static constexpr Duration kLookAgain = Seconds(1);

  struct PartitionMove {
    PartitionId partition;
    std::vector<BrokerId> to;
  };

  Outcome& Current() { return outcomes_[*current_]; }
  const OperationPlan& Plan() const { return outcomes_[*current_].plan; }
  void Due(size_t index);
  // What takes no time waits for no other operation.
  static bool IsAtOnce(OperationKind kind);
  void DoAtOnce(const OperationPlan& plan);
  void BeginNext();
  void Begin();
  void End(size_t index);

  // One step after the other; each is repeated every second until it can be done.
  void AwaitServing();
  void RestartNext();
  void StopForRestart();
  void Stopped();
  void Started();

  // Which partition goes where (operation_moves.cc).
  std::vector<int64_t> Load() const;
  BrokerId Instead(const std::vector<BrokerId>& brokers, BrokerId gone,
                   const std::vector<int64_t>& load) const;
  std::vector<PartitionMove> MovesOff(BrokerId gone) const;
  bool HoldsAny(BrokerId broker) const;
  std::vector<PartitionMove> MovesTo(const std::vector<BrokerId>& added) const;
  void Run(std::vector<PartitionMove> moves);
  void MoveMore();
  void MoveDone();
  void MovesDone();

  BrokerCluster* const cluster_;
  std::vector<Outcome> outcomes_;
  std::vector<size_t> waiting_;  // In the order in which their time came.
  std::optional<size_t> current_;
  std::vector<BrokerId> restarting_;  // Still to do; the last is next.
  std::vector<PartitionMove> moves_;  // Of the current operation, still to begin, the last first.
  int moving_ = 0;
  int64_t moved_bytes_ = 0;  // Of the cluster, when it was last looked at.
  LaneId lane_;
  Gauge& active_;
  Gauge& waiting_gauge_;
  Counter& done_;
  Distribution& duration_;
  Counter& moves_done_;
  Gauge& moves_left_;
  Counter& moved_bytes_counter_;
  Counter& restarts_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONTROL_OPERATIONS_H_
