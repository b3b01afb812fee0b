#include "models/connect/connect_cluster.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {

ConnectCluster::ConnectCluster(Simulation& sim, absl::string_view name, Network* network,
                               LogService* log, MeteredSink* sink, const Config& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      log_(log),
      tasks_(static_cast<size_t>(config.tasks)),
      lane_(sim.recorder().AddLane(name)),
      workers_gauge_(AddGauge(kWorkers)),
      running_(AddGauge(kRunning)),
      failed_(AddGauge(kFailed)),
      unassigned_(AddGauge(kUnassigned)),
      unassigned_time_(AddDistribution(kUnassignedTime)),
      starts_(AddCounter(kStarts)),
      abandoned_(AddCounter(kAbandoned)),
      gave_up_(AddCounter(kGaveUp)) {
  SIM_REQUIRE(config.consumers.group && config.tasks > 0);
  for (int i = 0; i < kTaskFailures; ++i) {
    failures_[static_cast<size_t>(i)] = &AddCounter(kFailures[i]);
  }
  std::vector<HostId> hosts;
  for (const ZoneId zone : config.worker_zones) {
    hosts.push_back(network->AddHost(absl::StrCat(name, "/worker-", hosts.size() + 1), zone,
                                     config.network_bandwidth));
    workers_.emplace_back();
    workers_.back().host = hosts.back();
  }
  slots_.resize(workers_.size() * tasks_.size());
  BuildGroup();

  ReadPolicy::Config policy = config.reading;
  if (policy.on_unreadable == OnUnreadable::kDeadLetter) {
    dead_letters_ =
        std::make_unique<DeadLetterTopic>(sim, absl::StrCat(name, "/dead-letters"), network, log,
                                          log->PartitionsOf(config.dead_letter_topic), hosts);
    policy.dead_letters = dead_letters_.get();
    policy.host = hosts.front();
  }
  policy_ = std::make_unique<ReadPolicy>(sim, absl::StrCat(name, "/errors"), policy);
  SinkTasks::Config tasks = config.sink;
  tasks.slots = config.tasks;
  tasks.max_poll_records = config.consumers.max_poll_records;
  SinkTasks::Runner* const runner = this;
  sink_tasks_ = std::make_unique<SinkTasks>(sim, absl::StrCat(name, "/sink-writer"), sink, tasks,
                                            policy_.get(), dead_letters_.get(), runner);
  Consumers::Config consumers = config.consumers;
  consumers.member_zones.clear();
  for (size_t worker = 0; worker < workers_.size(); ++worker) {
    for (int task = 0; task < config.tasks; ++task) {
      consumers.member_zones.push_back(config.worker_zones[worker]);
      consumers.member_hosts.push_back(hosts[worker]);
    }
  }
  consumers.absent_members = static_cast<int>(slots_.size());
  consumers.handler = sink_tasks_.get();
  consumers_ =
      std::make_unique<Consumers>(sim, absl::StrCat(name, "/tasks"), network, log, consumers);
  sink_tasks_->Serve(consumers_.get(), log, log->PartitionsOf(consumers.topic));
  sim.AddAudit([this] { Audit(); });
}

ConnectCluster::~ConnectCluster() = default;

void ConnectCluster::BuildGroup() {
  group_metrics_.rebalances = &AddCounter(GroupMetrics::kRebalances);
  for (int cause = 0; cause < kRebalanceCauses; ++cause) {
    group_metrics_.by_cause[static_cast<size_t>(cause)] =
        &AddCounter(GroupMetrics::kRebalancesBy[cause]);
  }
  group_metrics_.rebalance_time = &AddDistribution(GroupMetrics::kRebalanceTime);
  group_metrics_.members = &AddGauge(GroupMetrics::kMembers);
  group_metrics_.rebalancing = &AddGauge(GroupMetrics::kRebalancing);
  group_metrics_.unavailable = &AddGauge(GroupMetrics::kUnavailable);
  group_metrics_.fenced = &AddCounter(GroupMetrics::kFenced);
  group_metrics_.lane = lane_;
  const Consumers::Group& brokers = *config_.consumers.group;
  const LogService::TopicPartitions offsets = log_->PartitionsOf(brokers.offsets_topic);
  GroupCoordinator::Config group;
  group.group = config_.group;
  group.topic = config_.consumers.topic;
  group.partitions = config_.tasks;
  group.offsets_first = offsets.first;
  group.offsets_partitions = offsets.count;
  group.offsets_segment = brokers.offsets_segment;
  group.load_rate = brokers.load_rate;
  group.other_bytes = brokers.other_bytes;
  coordinator_ =
      std::make_unique<ClassicCoordinator>(sim(), absl::StrCat(name(), "/coordinator"), log_, group,
                                           brokers.initial_rebalance_delay, &group_metrics_);
  GroupMembership::Application* const application = this;
  for (int worker = 0; worker < worker_count(); ++worker) {
    GroupMembership::Config standing;
    standing.client = worker;
    standing.host = WorkerAt(worker).host;
    standing.auto_commit = standing.fetches_offsets = false;
    standing.heartbeat_interval = config_.heartbeat_interval;
    standing.session_timeout = config_.session_timeout;
    standing.max_poll_interval = config_.rebalance_timeout;
    standing.retry_backoff = brokers.retry_backoff;
    standing.assignor = Assignor::kCooperativeSticky;
    WorkerAt(worker).membership = std::make_unique<WorkerMembership>(
        sim(), absl::StrCat(name(), "/worker-", worker + 1, "/membership"), network_, log_,
        coordinator_.get(), application, standing, config_.tasks, config_.max_delay);
    WorkerAt(worker).absent = worker >= worker_count() - config_.absent_workers;
  }
}

void ConnectCluster::Start() {
  consumers_->Start();
  for (int worker = 0; worker < worker_count(); ++worker) {
    if (!WorkerAt(worker).absent && !WorkerAt(worker).down) StartWorker(worker);
  }
  ExpireLater();
}

void ConnectCluster::StartWorker(int number) {
  Worker& worker = WorkerAt(number);
  ++worker.life;
  network_->SetDown(worker.host, false);
  workers_gauge_.Add(1);
  worker.membership->StartWorker();
}

// --- What the group of workers asks ---

bool ConnectCluster::InPoll(int worker) const {
  return workers_[static_cast<size_t>(worker)].stopping > 0;
}

void ConnectCluster::Poll(int number) {
  // It stops what was revoked before it joins again.
  if (WorkerAt(number).stopping == 0) WorkerAt(number).membership->BeforePoll();
}

void ConnectCluster::Own(int number, int more) {
  Task& task = tasks_[static_cast<size_t>(number)];
  task.owners += more;
  if (task.owners == 0) {
    task.unassigned_since = Now();
    unassigned_.Add(1);
  } else if (task.unassigned_since) {
    unassigned_time_.Record(Now() - *task.unassigned_since);
    unassigned_.Add(-1);
    task.unassigned_since.reset();
  }
}

void ConnectCluster::Assigned(int number, const std::vector<int>& tasks) {
  Worker& worker = WorkerAt(number);
  for (const int task : tasks) {
    worker.tasks.insert(std::lower_bound(worker.tasks.begin(), worker.tasks.end(), task), task);
    Own(task, 1);
    StartTask(number, task);
  }
}

void ConnectCluster::Revoked(int number, const std::vector<int>& tasks) {
  Worker& worker = WorkerAt(number);
  for (const int task : tasks) {
    worker.tasks.erase(std::find(worker.tasks.begin(), worker.tasks.end(), task));
    Own(task, -1);
    StopTask(number, task);
  }
}

void ConnectCluster::Closed(int number) {
  Worker& worker = WorkerAt(number);
  ++worker.life;
  worker.stopping = 0;
  workers_gauge_.Add(-1);
  if (closing_ > 0 && --closing_ == 0) done_();
}

// --- Tasks ---

void ConnectCluster::SetState(int member, Slot state) {
  SlotState& slot = SlotOf(member);
  running_.Add((state == Slot::kRunning) - (slot.state == Slot::kRunning));
  failed_.Add((state == Slot::kFailed) - (slot.state == Slot::kFailed));
  slot.state = state;
}

void ConnectCluster::StartTask(int worker, int task) {
  const int member = MemberOf(worker, task);
  SetState(member, Slot::kRunning);
  if (consumers_->IsRunning(member)) {
    // An earlier one has not ended yet.
    SlotOf(member).starts_again = true;
    return;
  }
  starts_.Add(1);
  consumers_->StartProcess(member);
  consumers_->SetMemberCutOff(member, WorkerAt(worker).cut_off);
  if (WorkerAt(worker).hung) consumers_->SetMemberHung(member, true);
}

void ConnectCluster::StopTask(int number, int task) {
  const int member = MemberOf(number, task);
  SlotState& slot = SlotOf(member);
  const bool runs = slot.state == Slot::kRunning;
  const bool begins_later = slot.starts_again;
  slot.starts_again = false;
  SetState(member, Slot::kIdle);
  if (!runs || begins_later) return;
  slot.state = Slot::kStopping;
  Worker& worker = WorkerAt(number);
  ++worker.stopping;
  const uint32_t stop = ++slot.stops;
  After<"connect.stop_over">(config_.graceful_stop, [this, member, stop] {
    SlotState& late = SlotOf(member);
    if (late.stops != stop || late.state != Slot::kStopping) return;
    late.state = Slot::kIdle;
    abandoned_.Add(1);
    sim().recorder().Mark(RecordLevel::kState, lane_, "task_abandoned", Now(), member,
                          Severity::kWarning);
    StopOver(member / config_.tasks);
  });
  consumers_->CloseProcess(member);
}

void ConnectCluster::StopOver(int number) {
  Worker& worker = WorkerAt(number);
  if (worker.stopping == 0 || --worker.stopping > 0) return;
  // Not within what told it to stop.
  After<"connect.stopped">(Duration::Zero(), [this, number, life = worker.life] {
    if (life == WorkerAt(number).life) Poll(number);
  });
}

void ConnectCluster::TaskClosed(int member) {
  SlotState& slot = SlotOf(member);
  const int worker = member / config_.tasks;
  if (slot.state == Slot::kStopping) {
    slot.state = Slot::kIdle;
    StopOver(worker);
    return;
  }
  if (!slot.starts_again) return;
  slot.starts_again = false;
  After<"connect.task_again">(Duration::Zero(), [this, member, life = WorkerAt(worker).life] {
    const int of = member / config_.tasks;
    if (life != WorkerAt(of).life || SlotOf(member).state != Slot::kRunning) return;
    if (!consumers_->IsRunning(member)) StartTask(of, member % config_.tasks);
  });
}

void ConnectCluster::TaskFailed(int member, TaskFailure why) {
  failures_[static_cast<size_t>(why)]->Add(1);
  sim().recorder().Mark(RecordLevel::kState, lane_, "task_failed", Now(), member,
                        Severity::kCritical);
  if (SlotOf(member).state == Slot::kRunning) SetState(member, Slot::kFailed);
}

void ConnectCluster::DropTasks(int number) {
  Worker& worker = WorkerAt(number);
  for (int task = 0; task < config_.tasks; ++task) {
    const int member = MemberOf(number, task);
    SlotOf(member).starts_again = false;
    SetState(member, Slot::kIdle);
    consumers_->KillProcess(member);
  }
  for (const int task : worker.tasks) Own(task, -1);
  worker.lost += static_cast<int64_t>(worker.tasks.size());
  worker.tasks.clear();
  worker.stopping = 0;
  if (dead_letters_ != nullptr) dead_letters_->DropWorker(number);
}

// --- Faults ---

void ConnectCluster::SetWorkerDown(int number, bool down) {
  Worker& worker = WorkerAt(number);
  if (worker.down == down) return;
  worker.down = down;
  if (!down) {
    if (!worker.absent) StartWorker(number);
    return;
  }
  if (!worker.membership->running()) return;
  sim().recorder().Mark(RecordLevel::kState, lane_, "worker_down", Now(), number + 1,
                        Severity::kCritical);
  ++worker.life;
  worker.membership->Crash();
  workers_gauge_.Add(-1);
  DropTasks(number);
  network_->SetDown(worker.host, true);
  if (worker.absent && closing_ > 0 && --closing_ == 0) done_();
}

void ConnectCluster::SetTasksHung(int number, bool hung) {
  WorkerAt(number).hung = hung;
  for (int task = 0; task < config_.tasks; ++task) {
    consumers_->SetMemberHung(MemberOf(number, task), hung);
  }
}

void ConnectCluster::SetCutOff(int number, bool cut_off) {
  Worker& worker = WorkerAt(number);
  if (worker.cut_off == cut_off) return;
  worker.cut_off = cut_off;
  worker.membership->SetCutOff(cut_off);
  for (int task = 0; task < config_.tasks; ++task) {
    consumers_->SetMemberCutOff(MemberOf(number, task), cut_off);
  }
  if (!cut_off || !worker.membership->running()) return;
  At<"connect.gives_up">(
      std::max(Now(), worker.membership->GivesUpAt()), [this, number, life = worker.life] {
        Worker& alone = WorkerAt(number);
        if (!alone.cut_off || life != alone.life || Now() < alone.membership->GivesUpAt()) {
          return;
        }
        gave_up_.Add(static_cast<int64_t>(alone.tasks.size()));
        sim().recorder().Mark(RecordLevel::kState, lane_, "worker_gives_up", Now(), number + 1,
                              Severity::kCritical);
        DropTasks(number);
      });
}

int64_t ConnectCluster::WorkOf(int number) const {
  int64_t work = workers_[static_cast<size_t>(number)].lost;
  for (int task = 0; task < config_.tasks; ++task) {
    work += consumers_->WorkOf(MemberOf(number, task));
  }
  return work;
}

void ConnectCluster::Audit() const {
  std::vector<int> owners(tasks_.size());
  int64_t running = 0;
  int64_t failed = 0;
  for (size_t number = 0; number < workers_.size(); ++number) {
    const Worker& worker = workers_[number];
    for (const int task : worker.tasks) ++owners[static_cast<size_t>(task)];
    for (int task = 0; task < config_.tasks; ++task) {
      const SlotState& slot = slots_[static_cast<size_t>(MemberOf(static_cast<int>(number), task))];
      const bool has = std::binary_search(worker.tasks.begin(), worker.tasks.end(), task);
      const bool live = slot.state == Slot::kRunning || slot.state == Slot::kFailed;
      SIM_CHECK(has == live, "inv.I15",
                absl::StrCat(name(), ": worker ", number + 1, (has ? " has" : " does not have"),
                             " task ", task, live ? " and runs it" : " and does not run it"));
      running += slot.state == Slot::kRunning;
      failed += slot.state == Slot::kFailed;
    }
  }
  int64_t unassigned = 0;
  for (size_t task = 0; task < tasks_.size(); ++task) {
    SIM_CHECK(owners[task] == tasks_[task].owners, "inv.I15",
              absl::StrCat(name(), ": task ", task, " is at ", owners[task], " workers, ",
                           tasks_[task].owners, " were told"));
    unassigned += tasks_[task].unassigned_since.has_value();
  }
  SIM_CHECK(
      running == running_.Value() && failed == failed_.Value() && unassigned == unassigned_.Value(),
      "inv.I15",
      absl::StrCat(name(), ": ", running, " tasks run, ", failed, " have failed, ", unassigned,
                   " are unassigned; told otherwise"));
}

// --- Operators ---

void ConnectCluster::RestartTasks(bool only_failed) {
  for (int number = 0; number < worker_count(); ++number) {
    for (const int task : WorkerAt(number).tasks) {
      const int member = MemberOf(number, task);
      SlotState& slot = SlotOf(member);
      if (slot.state == Slot::kFailed) {
        StartTask(number, task);
      } else if (!only_failed && slot.state == Slot::kRunning && !slot.starts_again) {
        slot.starts_again = true;
        consumers_->CloseProcess(member);
      }
    }
  }
}

void ConnectCluster::RenewCredentials() {
  expired_ = false;
  ++renewals_;
  ExpireLater();
  RestartTasks(false);
}

void ConnectCluster::ExpireLater() {
  if (!config_.credential_lifetime) return;
  After<"connect.credentials_expire">(*config_.credential_lifetime, [this, of = renewals_] {
    if (of == renewals_) Expire();
  });
}

void ConnectCluster::Expire() {
  expired_ = true;
  sim().recorder().Mark(RecordLevel::kState, lane_, "credentials_expired", Now(), 0,
                        Severity::kCritical);
  for (size_t member = 0; member < slots_.size(); ++member) {
    if (slots_[member].state != Slot::kRunning) continue;
    sink_tasks_->Fail(static_cast<int>(member), TaskFailure::kCredentials);
  }
}

void ConnectCluster::AddWorkers(int count, Duration start_time, Callback done) {
  done_ = done;
  After<"connect.worker_added">(start_time, [this, count] {
    int left = count;
    for (int number = 0; number < worker_count() && left > 0; ++number) {
      if (!WorkerAt(number).absent) continue;
      --left;
      WorkerAt(number).absent = false;
      if (!WorkerAt(number).down) StartWorker(number);
    }
    done_();
  });
}

void ConnectCluster::RemoveWorkers(int count, Callback done) {
  done_ = done;
  std::vector<int> going;
  for (int number = worker_count(); number-- > 0 && static_cast<int>(going.size()) < count;) {
    if (!WorkerAt(number).absent) going.push_back(number);
  }
  closing_ = 0;
  for (const int number : going) closing_ += WorkerAt(number).membership->running();
  const bool none = closing_ == 0;
  for (const int number : going) {
    WorkerAt(number).absent = true;
    if (WorkerAt(number).membership->running()) WorkerAt(number).membership->Close();
  }
  if (none) done_();
}

}  // namespace freshet
