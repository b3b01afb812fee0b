#include "models/processing/spark_query.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/processing/record_split.h"
#include "sim/check.h"

namespace freshet {
namespace {

constexpr Duration kSampleInterval = Seconds(1);

}  // namespace

SparkQuery::SparkQuery(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                       const SparkConfig& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      log_(log),
      topic_(log->PartitionsOf(config.source.topic)),
      lane_(sim.recorder().AddLane(name)),
      prefix_(config.checkpoint_location->AddPrefix(name)),
      metered_(config.sink->metered()),
      partitions_(static_cast<size_t>(topic_.count)),
      batch_duration_(AddDistribution(kBatchDuration)),
      latest_offset_(AddDistribution(kLatestOffset)),
      wal_commit_(AddDistribution(kWalCommit)),
      query_planning_(AddDistribution(kQueryPlanning)),
      add_batch_(AddDistribution(kAddBatch)),
      commit_offsets_(AddDistribution(kCommitOffsets)),
      batches_(AddCounter(kBatches)),
      no_data_batches_(AddCounter(kNoDataBatches)),
      falling_behind_(AddCounter(kFallingBehind)),
      batch_rows_(AddDistribution(kBatchRows)),
      input_rows_(AddCounter(kInputRows)),
      rerun_batches_(AddCounter(kRerunBatches)),
      ended_tasks_(AddCounter(kTasks)),
      task_time_(AddDistribution(kTaskTime)),
      failed_tasks_(AddCounter(kFailedTasks)),
      recomputed_(AddCounter(kRecomputed)),
      failures_(AddCounter(kFailures)),
      downtime_(AddDistribution(kDowntime)),
      behind_latest_(AddGauge(kBehindLatest)),
      state_bytes_(AddGauge(kStateBytes)),
      state_written_(AddCounter(kStateWritten)),
      state_read_(AddCounter(kStateRead)),
      shuffled_(AddCounter(kShuffled)),
      late_(AddCounter(kLate)),
      fired_(AddCounter(kFired)) {
  SIM_REQUIRE(!config.executor_zones.empty() && config.cores > 0 && config.shuffle_partitions > 0);
  SIM_REQUIRE(!config.before_shuffle.empty());
  const std::string driver = absl::StrCat(name, "/driver");
  driver_host_ = network->AddHost(driver, config.driver_zone, config.network_bandwidth);
  Station::Config cores;
  cores.workers = config.driver_cores;
  driver_cpu_ = std::make_unique<Station>(sim, absl::StrCat(driver, "/cpu"), cores);
  driver_client_ = std::make_unique<ObjectClient>(sim, absl::StrCat(driver, "/checkpoint"),
                                                  config.checkpoint_location, network, driver_host_,
                                                  config.driver_client);
  cores.workers = config.cores;
  for (size_t i = 0; i < config.executor_zones.size(); ++i) {
    executors_.push_back(std::make_unique<Executor>());
    Executor& executor = *executors_.back();
    const std::string host = absl::StrCat(name, "/executor-", i + 1);
    executor.host = network->AddHost(host, config.executor_zones[i], config.network_bandwidth);
    executor.cpu = std::make_unique<Station>(sim, absl::StrCat(host, "/cpu"), cores);
    executor.client = std::make_unique<ObjectClient>(sim, absl::StrCat(host, "/checkpoint"),
                                                     config.checkpoint_location, network,
                                                     executor.host, config.executor_client);
    executor.writer = std::make_unique<ObjectWriter>(executor.client.get(), config.part_size);
  }
  for (BrokerId broker = 0; broker < log->broker_count(); ++broker) {
    askers_.push_back(std::make_unique<ControlSender>());
    ControlSender& asker = *askers_.back();
    asker.request_on = network->Connect(driver_host_, log->HostOf(broker));
    asker.reply_on = network->Connect(log->HostOf(broker), driver_host_);
    asker.on_response = [this] { OffsetsTold(); };
  }
  log->OnBrokerChange([this](BrokerId) { BrokerChanged(); });

  Consumers::Config readers = config.source;
  readers.member_zones.clear();
  readers.member_hosts.clear();
  for (int p = 0; p < topic_.count; ++p) {
    const auto at = static_cast<size_t>(p) % executors_.size();
    readers.member_zones.push_back(config.executor_zones[at]);
    readers.member_hosts.push_back(executors_[at]->host);
  }
  readers.assignment = Consumers::FixedPartitions::kInTurn;
  readers.auto_commit = false;
  readers.group.reset();
  readers.handler = this;
  readers_ =
      std::make_unique<Consumers>(sim, absl::StrCat(name, "/readers"), network, log, readers);
  OperatorChain::Listener* const listener = this;
  for (int p = 0; p < topic_.count; ++p) {
    chains_.push_back(std::make_unique<OperatorChain>(sim, config_.before_shuffle, component_id(),
                                                      component_id(), topic_.count, listener));
  }
  if (shuffles()) {
    std::vector<int64_t> weights = config.weights;
    if (weights.empty()) weights.assign(static_cast<size_t>(config.shuffle_partitions), 1);
    SIM_REQUIRE(static_cast<int>(weights.size()) == config.shuffle_partitions);
    bounds_ = BoundsOf(weights);
    stores_.resize(static_cast<size_t>(config.shuffle_partitions));
    for (Store& store : stores_) {
      store.chain =
          std::make_unique<OperatorChain>(sim, config_.behind_shuffle, component_id(),
                                          component_id(), config.shuffle_partitions, listener);
    }
  }
  committer_ = config.sink->AddWriter(absl::StrCat(name, "/driver"), driver_host_);
  const int tasks = shuffles() ? config.shuffle_partitions : topic_.count;
  for (int i = 0; i < tasks; ++i) {
    const auto at = static_cast<size_t>(i) % executors_.size();
    writers_.push_back(
        config.sink->AddWriter(absl::StrCat(name, "/task-", i + 1), executors_[at]->host));
  }
  config.sink->SetCommitter(committer_);
  if (metered_ != nullptr) metered_->AddSource(log, topic_);
  sim.AddAudit([this] { Audit(); });
}

SparkQuery::~SparkQuery() = default;

void SparkQuery::Start() {
  readers_->Start();
  Sample();
  if (shuffles()) Maintain();
}

// --- Its life ---

void SparkQuery::Begun(const std::vector<Offset>& from) {
  committed_ = from;
  for (int p = 0; p < topic_.count; ++p) {
    if (metered_ == nullptr) continue;
    metered_->ledger().Begin(PartitionAt(p), from[static_cast<size_t>(p)]);
  }
  // Tasks open them.
  readers_->StopReading();
  begun_ = true;
  // It has been there before the run: the first trigger follows at once.
  for (const auto& executor : executors_) {
    executor->up = !network_->down(executor->host);
    executor->free_cores = config_.cores;
  }
  if (driver_down_) return;
  running_ = true;
  After<"spark.query_starts">(Duration::Zero(), [this, life = life_] {
    if (life == life_) Trigger();
  });
}

void SparkQuery::SetDriverDown(bool down) {
  if (driver_down_ == down) return;
  driver_down_ = down;
  if (down) {
    sim().recorder().Mark(RecordLevel::kState, lane_, "driver_down", Now(), 0, Severity::kCritical);
    driver_work_ += in_batch_;
    StopApplication();
    network_->SetDown(driver_host_, true);
    return;
  }
  network_->SetDown(driver_host_, false);
  if (begun_) StartApplication();
}

void SparkQuery::Fail() {
  if (!running_ || failing_) return;
  failing_ = true;
  After<"spark.query_fails">(Duration::Zero(), [this, life = life_] {
    if (life != life_) return;
    failures_.Add(1);
    sim().recorder().Mark(RecordLevel::kState, lane_, "query_failed", Now(), batch_.id,
                          Severity::kCritical);
    StopApplication();
    StartApplication();
  });
}

void SparkQuery::StopApplication() {
  ++life_;
  running_ = failing_ = asking_ = in_batch_ = stages_run_ = has_ended_one_ = false;
  if (begun_ && !down_since_) down_since_ = Now();
  driver_cpu_->DropAll();
  driver_client_->DropAll();
  for (const auto& asker : askers_) ++asker->generation;
  outputs_.clear();
  for (int executor = 0; executor < executor_count(); ++executor) LoseExecutor(executor);
  tasks_.clear();
  left_ = 0;
  for (const Sink::WriterId writer : writers_) config_.sink->Reset(writer);
  config_.sink->Reset(committer_);
  // Whatever was visible in a plain sink may come again.
  if (metered_ != nullptr) metered_->ledger().ExplainAll(EffectCause::kRestart);
}

void SparkQuery::StartApplication() {
  After<"spark.application_starts">(config_.start_time, [this, life = life_] {
    if (life != life_) return;
    for (const auto& executor : executors_) executor->up = !network_->down(executor->host);
    running_ = true;
    ReadLogs();
  });
}

void SparkQuery::SetExecutorDown(int number, bool down) {
  Executor& executor = ExecutorAt(number);
  if (executor.down == down) return;
  executor.down = down;
  ++executor.life;
  if (!down) {
    After<"spark.executor_starts">(config_.executor_start_time,
                                   [this, number, life = executor.life] {
                                     Executor& starts = ExecutorAt(number);
                                     if (life != starts.life) return;
                                     network_->SetDown(starts.host, false);
                                     starts.up = running_;  // Else with its application.
                                     Dispatch();
                                   });
    return;
  }
  sim().recorder().Mark(RecordLevel::kState, lane_, "executor_down", Now(), number + 1,
                        Severity::kCritical);
  LoseExecutor(number);
  network_->SetDown(executor.host, true);
  Dispatch();
}

// --- What its readers tell ---

void SparkQuery::HandlePoll(int member, const std::vector<RecordRange>& poll) {
  PartitionReader& reader = partitions_[static_cast<size_t>(member)];
  reader.has_poll = true;
  reader.poll = poll;
  reader.next = 0;
  if (reader.pumping) return;  // Pump() goes on with it.
  const auto task = tasks_.find({Stage::kBeforeShuffle, member});
  if (task == tasks_.end() || task->second.state != TaskState::kRunning) return;
  // Not from within the call that hands it over.
  After<"spark.poll_here">(Duration::Zero(), [this, member, attempt = task->second.attempt] {
    Task* const waits = Find(Stage::kBeforeShuffle, member, attempt);
    if (waits != nullptr) Pump(*waits);
  });
}

void SparkQuery::DropPoll(int member) {
  PartitionReader& reader = partitions_[static_cast<size_t>(member)];
  reader.has_poll = false;
  reader.poll.clear();
}

void SparkQuery::Truncated(PartitionId partition, Offset end) {
  const auto number = static_cast<size_t>(partition - topic_.first);
  PartitionReader& reader = partitions_[number];
  const Offset furthest = std::max(reader.at, batch_.to.empty() ? 0 : batch_.to[number]);
  reader.at = std::min(reader.at, end);
  for (size_t i = reader.next; i < reader.poll.size(); ++i) {
    RecordRange& records = reader.poll[i];
    if (records.to <= end) continue;
    records = TakeOffsets(records, std::min(records.from, end), std::min(records.to, end));
  }
  committed_[number] = std::min(committed_[number], end);
  for (Batch* batch : {&batch_, &constructed_}) {
    if (batch->to.empty()) continue;
    batch->from[number] = std::min(batch->from[number], end);
    batch->to[number] = std::min(batch->to[number], end);
  }
  if (metered_ != nullptr) {
    metered_->ledger().Cut(partition, end);
    if (end < furthest) {
      RecordSpan gone;
      gone.partition = partition;
      gone.from = end;
      gone.to = furthest;
      metered_->ledger().Explain(gone, EffectCause::kTruncated);
    }
  }
  const auto found = tasks_.find({Stage::kBeforeShuffle, static_cast<int>(number)});
  if (found == tasks_.end()) return;
  Task& task = found->second;
  task.at = std::min(task.at, end);
  task.to = std::min(task.to, end);
  After<"spark.truncated">(Duration::Zero(), [this, member = task.number, attempt = task.attempt] {
    Task* const waits = Find(Stage::kBeforeShuffle, member, attempt);
    if (waits != nullptr) Pump(*waits);
  });
}

void SparkQuery::Settled(const RecordSpan& records, SourceEffects::How how) {
  if (how == SourceEffects::How::kLateDropped) late_.Add(records.record_count());
  if (metered_ != nullptr) metered_->Settle(records, how);
}

void SparkQuery::Fired(int64_t windows, int64_t /*rows*/) { fired_.Add(windows); }

// --- Upkeep, samples and audits ---

void SparkQuery::Maintain() {
  After<"spark.maintenance">(config_.maintenance_interval, [this] {
    const int64_t version = VersionOf(committed_batch_);
    for (size_t i = 0; i < stores_.size(); ++i) {
      Store& store = stores_[i];
      if (store.executor == kNowhere || store.snapshot_by != kNowhere) continue;
      Executor& executor = ExecutorAt(store.executor);
      if (!executor.up) continue;
      for (const ObjectId old : store.files.TakeOld(version - config_.min_batches_to_retain)) {
        executor.client->Delete(old, ObjectCause::kOther, [](ObjectResult) {});
      }
      if (store.files.DeltasBehindSnapshot(version) < config_.min_deltas_for_snapshot) continue;
      store.snapshot_by = store.executor;
      struct Snapshot {
        SparkQuery* self;
        uint32_t store;
        uint32_t version;
        ObjectId object;
      };
      const Snapshot snapshot = {this, static_cast<uint32_t>(i), static_cast<uint32_t>(version),
                                 config_.checkpoint_location->NewObject(prefix_)};
      const Bytes size = std::max(Bytes(1), store.size);
      executor.writer->Write(
          snapshot.object, size, ObjectCause::kOther, [snapshot](ObjectResult result) {
            Store& written = snapshot.self->stores_[snapshot.store];
            written.snapshot_by = kNowhere;
            if (result != ObjectResult::kOk) return;
            const Bytes has = *snapshot.self->config_.checkpoint_location->SizeOf(snapshot.object);
            written.files.SnapshotWritten(snapshot.version, {snapshot.object, has});
            snapshot.self->state_written_.Add(has.count());
          });
    }
    Maintain();
  });
}

void SparkQuery::Sample() {
  if (begun_) {
    int64_t behind = 0;
    for (int p = 0; p < topic_.count; ++p) {
      const Offset latest = log_->LatestOffset(PartitionAt(p), config_.source.isolation);
      behind += std::max<int64_t>(0, latest - committed_[static_cast<size_t>(p)]);
    }
    behind_latest_.Set(behind);
  }
  Bytes state;
  for (const Store& store : stores_) {
    if (store.executor != kNowhere) state += store.chain->StateSize();
  }
  state_bytes_.Set(state.count());
  After<"spark.sample">(
      kSampleInterval, [this] { Sample(); }, Priority::kControl);
}

void SparkQuery::Audit() const {
  std::vector<int64_t> running(executors_.size());
  for (const auto& [key, task] : tasks_) {
    if (task.state == TaskState::kRunning) ++running[static_cast<size_t>(task.executor)];
  }
  for (int i = 0; i < executor_count(); ++i) {
    const int64_t taken = config_.cores - ExecutorAt(i).free_cores;
    SIM_CHECK(!begun_ || running[static_cast<size_t>(i)] == taken, "inv.I15",
              absl::StrCat(name(), ": ", taken, " cores of executor ", i + 1, " are taken, ",
                           running[static_cast<size_t>(i)], " tasks run there"));
  }
  SIM_CHECK(logged_ == committed_batch_ || logged_ == committed_batch_ + 1, "inv.I17",
            absl::StrCat(name(), ": the offset log is at batch ", logged_,
                         ", the commit log at batch ", committed_batch_));
}

}  // namespace freshet
