#include "scenarios/language/assemble_operations.h"

#include <algorithm>

#include "scenarios/language/assemble_connect.h"
#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/assemble_quotas.h"
#include "scenarios/language/assemble_workload.h"
#include "scenarios/language/operation_rules.h"
#include "scenarios/language/quantity.h"

namespace freshet {
namespace {

BrokerId BrokerOf(const std::string& handle) {
  return static_cast<BrokerId>(BrokerNumberOf(handle)) - 1;
}

template <class Text>
void SetMoves(const Text& text, OperationPlan* plan) {
  if (!text.throttle().empty()) plan->throttle = BytesPerSecondOf(text.throttle());
  plan->most_moves = static_cast<int>(text.max_moves());
}

void SetConsumers(const std::string& name, const Pipeline& pipeline, OperationPlan* plan) {
  for (const auto& consumers : pipeline.consumers) {
    if (consumers->name() == name) plan->consumers = consumers.get();
  }
}

StreamJob* JobOf(const Pipeline& pipeline, const std::string& name) {
  for (const auto& job : pipeline.jobs) {
    if (job->name() == name) return job.get();
  }
  return nullptr;
}

void SetStart(const v1::Operation::StartConsumer& text, const Pipeline& pipeline,
              OperationPlan* plan) {
  SetConsumers(text.consumers(), pipeline, plan);
  plan->from.emplace();
  if (text.has_from_offset()) plan->from->offset = static_cast<Offset>(text.from_offset());
  if (!text.from_age().empty()) plan->from->age = DurationOf(text.from_age());
  if (text.from() != v1::Consumers::START_FROM_UNSPECIFIED) {
    plan->from->from =
        text.from() == v1::Consumers::EARLIEST ? StartFrom::kEarliest : StartFrom::kLatest;
  }
}

void SetReassignment(const v1::Operation::Reassign& text, const Pipeline& pipeline,
                     OperationPlan* plan) {
  const LogService::TopicPartitions topic = pipeline.log->PartitionsOf(text.topic());
  for (const uint32_t partition : text.partition()) {
    plan->partitions.push_back(topic.first + partition);
  }
  for (int i = 0; text.partition().empty() && i < topic.count; ++i) {
    plan->partitions.push_back(topic.first + static_cast<PartitionId>(i));
  }
  for (const std::string& target : text.target()) plan->brokers.push_back(BrokerOf(target));
  SetMoves(text, plan);
}

}  // namespace

void SetControllers(const v1::Controllers& text, const std::vector<ZoneId>& zones,
                    BrokerCluster::Config* config) {
  config->controllers.zones = zones;
  config->controllers.network_bandwidth = BytesPerSecondOf(text.network_bandwidth());
  config->controllers.append_linger = DurationOf(text.append_linger());
  config->controllers.fetch_timeout = DurationOf(text.fetch_timeout());
  config->controllers.election_timeout = DurationOf(text.election_timeout());
  config->controllers.election_backoff_max = DurationOf(text.election_backoff_max());
  config->broker_session_timeout = DurationOf(text.broker_session_timeout());
  config->broker_heartbeat_interval = DurationOf(text.broker_heartbeat_interval());
  config->metadata_idle_interval = DurationOf(text.metadata_idle_interval());
}

void BuildOperations(const v1::Scenario& scenario, Simulation& sim, Pipeline* pipeline) {
  if (scenario.operation().empty()) return;
  pipeline->operations = std::make_unique<Operations>(sim, "operations", pipeline->log.get());
  // Brokers are numbered in the order in which they are added, which is that of time.
  std::vector<const v1::Operation*> by_time;
  for (const v1::Operation& text : scenario.operation()) by_time.push_back(&text);
  std::stable_sort(by_time.begin(), by_time.end(),
                   [](const v1::Operation* a, const v1::Operation* b) {
                     return DurationOf(a->at()) < DurationOf(b->at());
                   });
  auto next = static_cast<BrokerId>(pipeline->log->broker_count() - AddedBrokers(scenario));
  for (const v1::Operation* text : by_time) {
    OperationPlan plan;
    plan.name = text->name();
    plan.at = Time() + DurationOf(text->at());
    switch (text->kind_case()) {
      case v1::Operation::kAddBroker:
        plan.kind = OperationKind::kAddBroker;
        for (uint32_t i = 0; i < text->add_broker().count(); ++i) plan.brokers.push_back(next++);
        plan.start_time = DurationOf(text->add_broker().start_time());
        plan.rebalance = text->add_broker().rebalance();
        SetMoves(text->add_broker(), &plan);
        break;
      case v1::Operation::kRemoveBroker:
        plan.kind = OperationKind::kRemoveBroker;
        plan.brokers = {BrokerOf(text->remove_broker().target())};
        SetMoves(text->remove_broker(), &plan);
        break;
      case v1::Operation::kReplaceBroker:
        plan.kind = OperationKind::kReplaceBroker;
        plan.brokers = {BrokerOf(text->replace_broker().target())};
        plan.start_time = DurationOf(text->replace_broker().start_time());
        break;
      case v1::Operation::kReassign:
        plan.kind = OperationKind::kReassign;
        SetReassignment(text->reassign(), *pipeline, &plan);
        break;
      case v1::Operation::kRollingRestart:
        plan.kind = OperationKind::kRollingRestart;
        plan.start_time = DurationOf(text->rolling_restart().restart_time());
        break;
      case v1::Operation::kChangeRetention: {
        plan.kind = OperationKind::kChangeRetention;
        const v1::Operation::ChangeRetention& change = text->change_retention();
        plan.topic = change.topic();
        if (!change.retention().empty()) plan.retention_time = DurationOf(change.retention());
        if (!change.retention_bytes().empty()) {
          plan.retention_bytes = BytesOf(change.retention_bytes());
        }
        break;
      }
      case v1::Operation::kStartConsumer:
        plan.kind = OperationKind::kStartConsumer;
        SetStart(text->start_consumer(), *pipeline, &plan);
        break;
      case v1::Operation::kAlterQuota:
        plan.kind = OperationKind::kAlterQuota;
        SetQuotaChange(text->alter_quota(), &plan);
        break;
      case v1::Operation::kRestartConsumers:
        plan.kind = OperationKind::kRestartConsumers;
        SetConsumers(text->restart_consumers().consumers(), *pipeline, &plan);
        plan.start_time = DurationOf(text->restart_consumers().restart_time());
        plan.min_ready = DurationOf(text->restart_consumers().min_ready());
        break;
      case v1::Operation::kAddConsumers:
        plan.kind = OperationKind::kAddConsumers;
        SetConsumers(text->add_consumers().consumers(), *pipeline, &plan);
        plan.start_time = DurationOf(text->add_consumers().start_time());
        plan.members = static_cast<int>(text->add_consumers().count());
        break;
      case v1::Operation::kRemoveConsumers:
        plan.kind = OperationKind::kRemoveConsumers;
        SetConsumers(text->remove_consumers().consumers(), *pipeline, &plan);
        plan.members = static_cast<int>(text->remove_consumers().count());
        break;
      case v1::Operation::kDeployProducers:
        SetDeployment(text->deploy_producers(), *pipeline, &plan);
        break;
      case v1::Operation::kRestartTasks:
        plan.kind = OperationKind::kRestartTasks;
        plan.connect = ConnectOf(*pipeline, text->restart_tasks().connect());
        plan.only_failed = text->restart_tasks().only_failed();
        break;
      case v1::Operation::kAddWorkers:
        plan.kind = OperationKind::kAddWorkers;
        plan.connect = ConnectOf(*pipeline, text->add_workers().connect());
        plan.start_time = DurationOf(text->add_workers().start_time());
        plan.members = static_cast<int>(text->add_workers().count());
        break;
      case v1::Operation::kRemoveWorkers:
        plan.kind = OperationKind::kRemoveWorkers;
        plan.connect = ConnectOf(*pipeline, text->remove_workers().connect());
        plan.members = static_cast<int>(text->remove_workers().count());
        break;
      case v1::Operation::kRenewCredentials:
        plan.kind = OperationKind::kRenewCredentials;
        plan.connect = ConnectOf(*pipeline, text->renew_credentials().connect());
        break;
      case v1::Operation::kRescale:
        plan.kind = OperationKind::kRescale;
        plan.job = JobOf(*pipeline, text->rescale().job());
        plan.parallelism = static_cast<int>(text->rescale().parallelism());
        break;
      case v1::Operation::KIND_NOT_SET:
        continue;
    }
    pipeline->operations->Schedule(plan);
  }
}

}  // namespace freshet
