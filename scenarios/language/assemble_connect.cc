#include "scenarios/language/assemble_connect.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "models/fault/connect_targets.h"
#include "models/fault/targets.h"
#include "scenarios/language/assemble_groups.h"
#include "scenarios/language/connect_rules.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/unlimited.h"

namespace freshet {
namespace {

Consumers::Config TasksOf(const v1::Scenario& scenario, const std::string& name,
                          const v1::Connect& text) {
  Consumers::Config config;
  config.topic = text.reads();
  config.network_bandwidth = kUnlimited;  // Hosts are the workers'.
  // KSRC, Worker: the consumers of sink tasks begin at the earliest offset.
  config.start_from = StartFrom::kEarliest;
  config.fetch_min_bytes = BytesOf(text.fetch_min_bytes());
  config.fetch_max_wait = DurationOf(text.fetch_max_wait());
  config.fetch_max_bytes = BytesOf(text.fetch_max_bytes());
  config.max_partition_fetch_bytes = BytesOf(text.max_partition_fetch_bytes());
  config.max_poll_records = text.max_poll_records();
  config.cpu_per_record = DurationOf(text.cpu_per_record());
  config.isolation = text.isolation_level() == v1::Consumers::READ_COMMITTED
                         ? Isolation::kReadCommitted
                         : Isolation::kReadUncommitted;
  // A task commits on its worker's timer what it has put, and when it is closed.
  config.auto_commit = true;
  config.auto_commit_interval = DurationOf(text.offset_flush_interval());
  config.group = TasksGroupOf(scenario, absl::StrCat("connect-", name), text);
  return config;
}

}  // namespace

void BuildConnect(const v1::Scenario& scenario, const std::string& name, const v1::Connect& text,
                  const std::vector<ZoneId>& zones, Simulation& sim, Pipeline* pipeline) {
  ConnectCluster::Config config;
  config.worker_zones = zones;
  config.absent_workers = static_cast<int>(AddedWorkers(scenario, name));
  config.network_bandwidth =
      text.network_bandwidth().empty() ? kUnlimited : BytesPerSecondOf(text.network_bandwidth());
  config.tasks = static_cast<int>(text.tasks_max());
  config.group = text.group();
  config.session_timeout = DurationOf(text.session_timeout());
  config.heartbeat_interval = DurationOf(text.heartbeat_interval());
  config.rebalance_timeout = DurationOf(text.rebalance_timeout());
  config.max_delay = DurationOf(text.scheduled_rebalance_max_delay());
  config.graceful_stop = DurationOf(text.task_shutdown_graceful_timeout());
  config.sink.writer.retry.first = DurationOf(text.retry_backoff());
  config.sink.writer.retry.cap = config.sink.writer.retry.first;
  config.sink.writer.commit_interval = DurationOf(text.commit_interval());
  config.sink.writer.fenced = text.fencing();
  config.sink.max_retries = text.max_retries();
  config.dead_letter_topic = text.dead_letter_topic();
  if (text.has_reading()) config.reading = ReadPolicyOf(text.reading(), text.reads(), *pipeline);
  if (text.errors_tolerance() == v1::Connect::ALL) {
    config.reading.on_unreadable =
        text.dead_letter_topic().empty() ? OnUnreadable::kQuarantine : OnUnreadable::kDeadLetter;
  }
  if (!text.credential_lifetime().empty()) {
    config.credential_lifetime = DurationOf(text.credential_lifetime());
  }
  config.consumers = TasksOf(scenario, name, text);
  pipeline->connects.push_back(
      std::make_unique<ConnectCluster>(sim, name, pipeline->network.get(), pipeline->log.get(),
                                       pipeline->sinks.at(text.writes_to()).get(), config));
  ConnectCluster* const connect = pipeline->connects.back().get();
  if (text.has_reading()) {
    pipeline->readers[name].policy = &connect->sink_tasks().policy();
    pipeline->readers[name].connect = connect;
  }
  for (int worker = 0; worker < connect->worker_count(); ++worker) {
    const std::string handle = absl::StrCat(name, "/worker-", worker + 1);
    pipeline->targets[handle] = std::make_unique<WorkerTarget>(connect, worker);
    pipeline->targets[handle + "/tasks"] = std::make_unique<WorkerTasksTarget>(connect, worker);
    pipeline->targets[handle + "/group"] = std::make_unique<WorkerGroupTarget>(connect, worker);
    pipeline->targets[handle + "/nic"] =
        std::make_unique<NicTarget>(pipeline->network.get(), connect->HostOf(worker));
  }
}

ConnectCluster* ConnectOf(const Pipeline& pipeline, const std::string& name) {
  for (const auto& connect : pipeline.connects) {
    if (connect->name() == name) return connect.get();
  }
  return nullptr;
}

}  // namespace freshet
