#include "models/processing/batch_lane.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// How often a job looks whether it has come past what no poll brings: markers of transactions at
// the end of a window, a beginning that retention has deleted meanwhile.
constexpr Duration kCheckInterval = Seconds(1);

}  // namespace

BatchLane::BatchLane(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                     MeteredSink* compares, const Config& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      log_(log),
      compares_(compares),
      topic_(log->PartitionsOf(config.consumers.topic)),
      tasks_(config.consumers.member_zones.size()),
      parts_(static_cast<size_t>(topic_.count)),
      next_(static_cast<size_t>(topic_.count)),
      lane_(sim.recorder().AddLane(name)),
      runs_(AddCounter(kRuns)),
      records_(AddCounter(kRecords)),
      bytes_(AddCounter(kBytesCounted)),
      deleted_(AddCounter(kDeleted)),
      lost_attempts_(AddCounter(kLostAttempts)),
      repeated_(AddCounter(kRepeated)),
      rebuild_(AddDistribution(kRebuild)),
      reconciled_(AddDistribution(kReconciled)),
      freshness_(AddDistribution(kFreshness)),
      drift_(AddGauge(kDrift)),
      missing_(AddCounter(kMissing)),
      late_(AddCounter(kLate)),
      doubled_(AddCounter(kDoubled)),
      wrong_(AddCounter(kWrong)),
      not_tracked_(AddCounter(kNotTracked)) {
  Consumers::Config readers = config.consumers;
  readers.assignment = Consumers::FixedPartitions::kInTurn;
  readers.auto_commit = false;
  readers.handler = this;
  consumers_ =
      std::make_unique<Consumers>(sim, absl::StrCat(name, "/tasks"), network, log, readers);
}

BatchLane::~BatchLane() = default;

void BatchLane::Start() {
  for (size_t slot = 0; slot < parts_.size(); ++slot) {
    next_[slot] = log_->LatestOffset(PartitionOf(slot), Isolation::kReadUncommitted);
    // It asks for no record's way, only for what there is.
    consumers_->NotNeededBelow(PartitionOf(slot), INT64_MAX);
  }
  // It reads nothing before a window closes.
  consumers_->StopReading();
  consumers_->Start();
  CloseLater(0);
}

void BatchLane::CloseLater(int64_t window) {
  At<"batch.window_closed">(EndOf(window) + config_.start_delay, [this, window] {
    CloseLater(window + 1);
    Closed(window);
  });
}

void BatchLane::Closed(int64_t window) {
  waiting_.push_back(window);
  if (!running_) BeginNext();
}

void BatchLane::BeginNext() {
  if (waiting_.empty()) return;
  running_ = true;
  window_ = waiting_.front();
  waiting_.erase(waiting_.begin());
  began_ = Now();
  sim().recorder().State(lane_, "rebuilding", Now(), window_, Severity::kNotice);
  FindParts();
  // One more, so that it is not over before all have begun.
  unfinished_ = 1;
  for (int number = 0; number < task_count(); ++number) {
    Task& task = tasks_[static_cast<size_t>(number)];
    VisitSlots(number, [&](size_t slot) {
      task.has_work = task.has_work || parts_[slot].at < parts_[slot].end;
    });
    if (!task.has_work) continue;
    ++unfinished_;
    if (task.down) {
      ++task.lost;
    } else {
      BeginTask(number);
    }
  }
  if (unfinished_ > 1) CheckLater();
  TaskDone();
}

void BatchLane::FindParts() {
  for (size_t slot = 0; slot < parts_.size(); ++slot) {
    const PartitionLog& log = log_->LogOf(PartitionOf(slot));
    Part& part = parts_[slot];
    part = Part();
    part.end = std::max(next_[slot], log.FirstCreatedSince(EndOf(window_)));
    part.begin = std::clamp(log.log_start_offset(), next_[slot], part.end);
    part.at = part.begin;
    deleted_.Add(part.begin - next_[slot]);
    next_[slot] = part.end;
  }
}

void BatchLane::BeginTask(int number) {
  Task& task = tasks_[static_cast<size_t>(number)];
  task.reading = true;
  std::vector<Offset> from(parts_.size());
  for (size_t slot = 0; slot < parts_.size(); ++slot) {
    // What an open transaction withholds is not to be asked for yet.
    from[slot] = std::min(parts_[slot].begin,
                          log_->LatestOffset(PartitionOf(slot), config_.consumers.isolation));
  }
  consumers_->ResumeAt(number, HostOf(number), from);
}

// --- Reading ---

void BatchLane::HandlePoll(int number, const std::vector<RecordRange>& poll) {
  Task& task = tasks_[static_cast<size_t>(number)];
  for (const RecordRange& records : poll) {
    Part& part = parts_[records.partition - topic_.first];
    GoTo(&part, records.partition, std::min(records.from, part.end));
    const Offset from = std::max(records.from, part.at);
    const Offset to = std::min(records.to, part.end);
    if (from >= to) continue;
    part.at = to;
    part.records += to - from;
    part.bytes += MulDivFloor(records.bytes.count(), to - from, records.to - records.from);
    task.records += to - from;
  }
  CheckTaskSoon(number);
  consumers_->PollHandled(number);
}

// Without records: what lies between was withheld, or retention was quicker.
void BatchLane::GoTo(Part* part, PartitionId partition, Offset to) {
  if (to <= part->at) return;
  const Offset kept = std::min(to, log_->LogOf(partition).log_start_offset());
  part->deleted += std::max<int64_t>(0, kept - part->at);
  part->at = to;
}

void BatchLane::Truncated(PartitionId partition, Offset end) {
  Part& part = parts_[partition - topic_.first];
  Offset& next = next_[partition - topic_.first];
  next = std::min(next, end);
  if (part.at > end) part.records = std::max<int64_t>(0, part.records - (part.at - end));
  part.begin = std::min(part.begin, end);
  part.end = std::min(part.end, end);
  part.at = std::min(part.at, end);
}

void BatchLane::CheckLater() {
  After<"batch.check">(kCheckInterval, [this, window = window_] {
    if (!running_ || window != window_ || unfinished_ == 0) return;
    for (int number = 0; number < task_count(); ++number) {
      if (tasks_[static_cast<size_t>(number)].reading) CheckTask(number);
    }
    if (unfinished_ > 0) CheckLater();
  });
}

// Behind the call that it is made in: the poll ends first.
void BatchLane::CheckTaskSoon(int number) {
  bool all = true;
  VisitSlots(number, [&](size_t slot) { all = all && parts_[slot].at >= parts_[slot].end; });
  if (!all) return;
  After<"batch.task_done">(Duration::Zero(),
                           [this, number, attempt = tasks_[static_cast<size_t>(number)].attempt] {
                             const Task& task = tasks_[static_cast<size_t>(number)];
                             if (task.reading && task.attempt == attempt) CheckTask(number);
                           });
}

void BatchLane::CheckTask(int number) {
  Task& task = tasks_[static_cast<size_t>(number)];
  bool all = true;
  VisitSlots(number, [&](size_t slot) {
    Part& part = parts_[slot];
    GoTo(&part, PartitionOf(slot), std::min(consumers_->positions()[slot], part.end));
    all = all && part.at >= part.end;
  });
  if (!all) return;
  consumers_->StopReading(number);
  task.reading = task.has_work = false;
  ++task.attempt;
  TaskDone();
}

void BatchLane::TaskDone() {
  if (--unfinished_ > 0) return;
  After<"batch.publish">(config_.publish_time, [this] { Publish(); });
}

// --- Hosts that fail ---

void BatchLane::SetTaskDown(int number, bool down) {
  Task& task = tasks_[static_cast<size_t>(number)];
  if (task.down == down) return;
  task.down = down;
  ++task.attempt;
  if (down && task.reading) LoseAttempt(number);
  network_->SetDown(HostOf(number), down);
  if (down || !task.has_work) return;
  After<"batch.retry">(config_.retry_delay, [this, number, attempt = task.attempt] {
    if (tasks_[static_cast<size_t>(number)].attempt == attempt) BeginTask(number);
  });
}

void BatchLane::LoseAttempt(int number) {
  Task& task = tasks_[static_cast<size_t>(number)];
  sim().recorder().Mark(RecordLevel::kState, lane_, "task_lost", Now(), number + 1,
                        Severity::kWarning);
  consumers_->StopReading(number);
  task.reading = false;
  ++task.lost;
  lost_attempts_.Add(1);
  VisitSlots(number, [this](size_t slot) {
    Part& part = parts_[slot];
    repeated_.Add(part.records);
    part.at = part.begin;
    part.records = part.bytes = part.deleted = 0;
  });
}

int64_t BatchLane::WorkOf(int number) const {
  const Task& task = tasks_[static_cast<size_t>(number)];
  return task.records + task.lost;
}

// --- Its result ---

void BatchLane::Publish() {
  int64_t records = 0;
  for (const Part& part : parts_) {
    records += part.records;
    bytes_.Add(part.bytes);
    deleted_.Add(part.deleted);
  }
  records_.Add(records);
  runs_.Add(1);
  rebuild_.Record(Now() - began_);
  const Duration after = Now() - EndOf(window_);
  reconciled_.Record(after);
  if (records > 0) {
    freshness_.RecordEvenly(after.nanos(), (after + config_.window).nanos(), records);
  }
  Reconcile();
  sim().recorder().State(lane_, "idle", Now(), window_);
  running_ = false;
  BeginNext();
}

}  // namespace freshet
