#include "models/control/operations.h"

#include <algorithm>
#include <utility>

namespace freshet {
absl::string_view NameOf(OperationKind kind) {
  switch (kind) {
    case OperationKind::kAddBroker:
      return "add_broker";
    case OperationKind::kRemoveBroker:
      return "remove_broker";
    case OperationKind::kReplaceBroker:
      return "replace_broker";
    case OperationKind::kReassign:
      return "reassign";
    case OperationKind::kRollingRestart:
      return "rolling_restart";
    case OperationKind::kChangeRetention:
      return "change_retention";
    case OperationKind::kStartConsumer:
      return "start_consumer";
    case OperationKind::kAlterQuota:
      return "alter_quota";
    case OperationKind::kRestartConsumers:
      return "restart_consumers";
    case OperationKind::kAddConsumers:
      return "add_consumers";
    case OperationKind::kRemoveConsumers:
      return "remove_consumers";
    case OperationKind::kDeployProducers:
      return "deploy_producers";
    case OperationKind::kRestartTasks:
      return "restart_tasks";
    case OperationKind::kAddWorkers:
      return "add_workers";
    case OperationKind::kRemoveWorkers:
      return "remove_workers";
    case OperationKind::kRenewCredentials:
      return "renew_credentials";
    case OperationKind::kRescale:
      return "rescale";
  }
  return "";
}

Operations::Operations(Simulation& sim, absl::string_view name, BrokerCluster* cluster)
    : Component(sim, name),
      cluster_(cluster),
      lane_(sim.recorder().AddLane(name)),
      active_(AddGauge(kActive)),
      waiting_gauge_(AddGauge(kWaiting)),
      done_(AddCounter(kDone)),
      duration_(AddDistribution(kDuration)),
      moves_done_(AddCounter(kMoves)),
      moves_left_(AddGauge(kMovesLeft)),
      moved_bytes_counter_(AddCounter(kMovedBytes)),
      restarts_(AddCounter(kRestarts)) {}

void Operations::Schedule(const OperationPlan& plan) {
  outcomes_.push_back({plan});
  At<"operation.due">(
      plan.at, [this, index = outcomes_.size() - 1] { Due(index); }, Priority::kControl);
}

void Operations::Due(size_t index) {
  const OperationPlan& plan = outcomes_[index].plan;
  if (IsAtOnce(plan.kind)) {
    outcomes_[index].begun = true;
    active_.Add(1);
    DoAtOnce(plan);
    End(index);
    return;
  }
  if (plan.kind == OperationKind::kDeployProducers) {
    // It touches no broker, so it waits for nobody.
    outcomes_[index].begun = true;
    active_.Add(1);
    plan.producers->Deploy(plan.schema_version, plan.interval, plan.rolls_back,
                           [this, index] { End(index); });
    return;
  }
  waiting_.push_back(index);
  waiting_gauge_.Set(static_cast<int64_t>(waiting_.size()));
  BeginNext();
}

bool Operations::IsAtOnce(OperationKind kind) {
  return kind == OperationKind::kChangeRetention || kind == OperationKind::kStartConsumer ||
         kind == OperationKind::kAlterQuota || kind == OperationKind::kRestartTasks ||
         kind == OperationKind::kRenewCredentials;
}

void Operations::DoAtOnce(const OperationPlan& plan) {
  if (plan.kind == OperationKind::kChangeRetention) {
    cluster_->SetRetention(plan.topic, plan.retention_time, plan.retention_bytes);
  } else if (plan.kind == OperationKind::kStartConsumer) {
    plan.consumers->StartAt(*plan.from);
  } else if (plan.kind == OperationKind::kRestartTasks) {
    plan.connect->RestartTasks(plan.only_failed);
  } else if (plan.kind == OperationKind::kRenewCredentials) {
    plan.connect->RenewCredentials();
  } else {
    for (const OperationPlan::QuotaChange& change : plan.quotas) {
      cluster_->AlterQuota(plan.client, change.type, change.per_second);
    }
  }
}

void Operations::BeginNext() {
  if (current_ || waiting_.empty()) return;
  current_ = waiting_.front();
  waiting_.erase(waiting_.begin());
  waiting_gauge_.Set(static_cast<int64_t>(waiting_.size()));
  Current().begun = true;
  active_.Add(1);
  sim().recorder().State(lane_, NameOf(Plan().kind).data(), Now(), static_cast<int64_t>(*current_),
                         Severity::kNotice);
  Begin();
}

void Operations::Begin() {
  const OperationPlan& plan = Plan();
  switch (plan.kind) {
    case OperationKind::kAddBroker:
      After<"operation.started">(plan.start_time, [this] {
        for (const BrokerId broker : Plan().brokers) cluster_->StartBroker(broker);
        AwaitServing();
      });
      return;
    case OperationKind::kRemoveBroker:
      Run(MovesOff(plan.brokers[0]));
      return;
    case OperationKind::kReassign: {
      std::vector<PartitionMove> moves;
      for (const PartitionId partition : plan.partitions) {
        const size_t places = cluster_->BrokersOf(partition).size();
        if (places == 0) continue;
        // Turned round, so that leaders are spread over the new brokers.
        std::vector<BrokerId> to;
        for (size_t i = 0; i < places; ++i) {
          to.push_back(plan.brokers[(moves.size() + i) % plan.brokers.size()]);
        }
        moves.push_back({partition, std::move(to)});
      }
      Run(std::move(moves));
      return;
    }
    case OperationKind::kReplaceBroker:
    case OperationKind::kRollingRestart:
      restarting_ = plan.brokers;
      if (plan.kind == OperationKind::kRollingRestart) {
        for (BrokerId broker = 0; broker < cluster_->broker_count(); ++broker) {
          if (cluster_->IsServing(broker)) restarting_.push_back(broker);
        }
      }
      std::reverse(restarting_.begin(), restarting_.end());
      RestartNext();
      return;
    case OperationKind::kRestartConsumers:
      plan.consumers->RestartAll(plan.start_time, plan.min_ready, [this] { End(*current_); });
      return;
    case OperationKind::kAddConsumers:
      plan.consumers->AddMembers(plan.members, plan.start_time, [this] { End(*current_); });
      return;
    case OperationKind::kRemoveConsumers:
      plan.consumers->RemoveMembers(plan.members, [this] { End(*current_); });
      return;
    case OperationKind::kAddWorkers:
      plan.connect->AddWorkers(plan.members, plan.start_time, [this] { End(*current_); });
      return;
    case OperationKind::kRemoveWorkers:
      plan.connect->RemoveWorkers(plan.members, [this] { End(*current_); });
      return;
    case OperationKind::kRescale:
      plan.job->Rescale(plan.parallelism, [this](bool /*ok*/) { End(*current_); });
      return;
    case OperationKind::kChangeRetention:
    case OperationKind::kStartConsumer:
    case OperationKind::kAlterQuota:
    case OperationKind::kDeployProducers:
    case OperationKind::kRestartTasks:
    case OperationKind::kRenewCredentials:
      return;
  }
}

void Operations::End(size_t index) {
  Outcome& outcome = outcomes_[index];
  outcome.ended = Now();
  active_.Add(-1);
  done_.Add(1);
  duration_.Record(Now() - outcome.plan.at);
  sim().recorder().Mark(RecordLevel::kState, lane_, "operation_done", Now(),
                        static_cast<int64_t>(index), Severity::kNotice);
  if (!current_ || *current_ != index) return;
  sim().recorder().State(lane_, "idle", Now(), 0);
  current_.reset();
  BeginNext();
}

// --- Starts and restarts ---

void Operations::AwaitServing() {
  const OperationPlan& plan = Plan();
  const bool all = std::all_of(plan.brokers.begin(), plan.brokers.end(),
                               [this](BrokerId broker) { return cluster_->IsServing(broker); });
  if (!all) {
    After<"operation.look">(kLookAgain, [this] { AwaitServing(); });
    return;
  }
  Run(plan.rebalance ? MovesTo(plan.brokers) : std::vector<PartitionMove>());
}

void Operations::RestartNext() {
  if (restarting_.empty()) {
    End(*current_);
    return;
  }
  StopForRestart();
}

void Operations::StopForRestart() {
  // Not while anything is amiss: two brokers away at once would cost more than one.
  if (!cluster_->IsServing(restarting_.back()) || !cluster_->IsHealthy()) {
    After<"operation.look">(kLookAgain, [this] { StopForRestart(); });
    return;
  }
  cluster_->ShutDown(restarting_.back(), [this] { Stopped(); });
}

void Operations::Stopped() {
  if (Plan().kind == OperationKind::kReplaceBroker) cluster_->ReplaceMachine(restarting_.back());
  After<"operation.started">(Plan().start_time, [this] {
    // A fault may have taken it meanwhile, and brings it back.
    if (!cluster_->IsUp(restarting_.back())) cluster_->StartBroker(restarting_.back());
    Started();
  });
}

void Operations::Started() {
  if (!cluster_->IsServing(restarting_.back()) || !cluster_->IsHealthy()) {
    After<"operation.look">(kLookAgain, [this] { Started(); });
    return;
  }
  restarts_.Add(1);
  restarting_.pop_back();
  RestartNext();
}

}  // namespace freshet
