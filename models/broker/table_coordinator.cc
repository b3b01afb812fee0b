// The coordinator of TableTopic.
#include <algorithm>
#include <utility>

#include "models/broker/table_topic.h"

namespace freshet {
namespace {

// AMQSRC, TableCoordinator: its beat, how long one waits that takes over, and one that failed.
constexpr Duration kTick = Seconds(1);
constexpr Duration kStartAfter = Seconds(10);
constexpr Duration kAnewAfter = Seconds(30);

}  // namespace

void TableTopic::StartCoordinator(BrokerId broker) {
  coordinator_ = broker;
  After<"table.coordinator_starts">(kStartAfter, [this, life = ++life_] {
    if (life == life_) Recover();
  });
}

void TableTopic::StopCoordinator(bool dead) {
  ++life_;
  coordinator_ = kNoBroker;
  awaited_ = 0;
  if (pending_ == 0) return;
  // One that has lost its partition and lives finishes what it has asked the catalog for; before
  // that it cannot write down that it is going to.
  if (dead || !swapping_) {
    table_->Abandon(pending_);
  } else {
    table_->Detach(pending_);
  }
  pending_ = 0;
}

void TableTopic::BeginAnew() {
  pending_ = 0;
  After<"table.coordinator_anew">(kAnewAfter, [this, life = ++life_] {
    if (life == life_) StartCoordinator(coordinator_);
  });
}

void TableTopic::Recover() {
  takeovers_.Add(1);
  pending_ = 0;
  swapping_ = false;
  at_once_ = false;
  files_.clear();
  skipped_ = 0;
  status_ = checkpoint_.status;
  if (status_ == Status::kNone) {
    read_from_ = next_answer_;
    Tick();
    return;
  }
  commit_ = checkpoint_.commit;
  last_commit_at_ = checkpoint_.last_commit_at;
  last_ = checkpoint_.next;
  read_from_ = checkpoint_.answers_from;
  if (status_ != Status::kPreCommit) {
    Recovered({true, 0});
    return;
  }
  table_->Load([this, life = life_](IcebergTable::Loaded loaded) {
    if (life == life_) Recovered(loaded);
  });
}

void TableTopic::Recovered(IcebergTable::Loaded loaded) {
  if (!loaded.ok) {
    BeginAnew();
    return;
  }
  if (status_ == Status::kPreCommit && loaded.append == commit_) {
    last_ = checkpoint_.pre_commit;
    status_ = Status::kCommitted;
  }
  next_ = last_;
  if (status_ != Status::kCommitted) {
    status_ = Status::kRequested;
    requested_at_ = Now();
    timed_out_ = false;
    ready_.assign(last_.size(), false);
    unready_ = last_.size();
  }
  Tick();
}

void TableTopic::TickLater() {
  After<"table.coordinator_tick">(kTick, [this, life = life_] {
    if (life == life_) Tick();
  });
}

void TableTopic::Tick() {
  if (status_ == Status::kRequested) {
    Gather();
  } else {
    Request();
  }
}

// --- It asks ---

void TableTopic::Request() {
  read_from_ = next_answer_;
  if (!never_committed_ && !at_once_ && Now() - last_commit_at_ < config_.commit_interval) {
    TickLater();
    return;
  }
  commit_ = next_commit_++;
  next_ = last_;
  at_once_ = timed_out_ = false;
  ready_.assign(last_.size(), false);
  unready_ = last_.size();
  files_.clear();
  skipped_ = 0;
  requested_at_ = Now();
  status_ = Status::kRequested;
  requests_made_.Add(1);
  WriteDown(Status::kRequested, last_);
}

void TableTopic::SendRequest() {
  TableRequest request;
  request.commit = commit_;
  for (uint32_t index = 0; index < last_.size(); ++index) {
    request.offsets.push_back({index, EpochOfIndex(index), last_[index]});
  }
  const Bytes bytes = kMessageBytes + kOffsetBytes * static_cast<int64_t>(last_.size());
  const uint64_t number = next_message_++;
  requests_.clear();
  requests_[number] = std::move(request);
  awaited_ = number;
  host_->Say({TableMessageKind::kRequest, number_, number, coordinator_, bytes});
}

// --- It gathers ---

void TableTopic::Gather() {
  timed_out_ = TimedOut();
  if (!timed_out_ && host_->CanReadAnswers()) {
    for (; read_from_ < next_answer_; ++read_from_) {
      const auto answer = answers_.find(read_from_);
      if (answer != answers_.end() && answer->second.commit == commit_) Take(answer->second);
    }
  }
  if (!timed_out_ && unready_ > 0) {
    TickLater();
    return;
  }
  if (timed_out_) timeouts_.Add(1);
  if (!files_.empty()) {
    Append();
    return;
  }
  // Offsets that move without a file were deleted by retention.
  for (uint32_t index = 0; index < next_.size(); ++index) {
    table_->PassOver(partitions_.first + index, next_[index]);
  }
  Done();
}

void TableTopic::Take(const TableAnswer& answer) {
  files_.insert(files_.end(), answer.files.begin(), answer.files.end());
  skipped_ += answer.skipped;
  for (const TableOffset& next : answer.next) {
    if (answer.moves) next_[next.index] = std::max(next_[next.index], next.offset);
    if (ready_[next.index]) continue;
    ready_[next.index] = true;
    --unready_;
  }
  at_once_ = at_once_ || answer.more_data;
}

// --- It commits ---

void TableTopic::Append() {
  TableAppend append;
  append.id = commit_;
  append.files = files_;
  append.skipped = skipped_;
  for (uint32_t index = 0; index < next_.size(); ++index) {
    if (next_[index] == last_[index]) continue;
    RecordSpan span;
    span.partition = partitions_.first + index;
    span.from = last_[index];
    span.to = next_[index];
    append.ranges.push_back(span);
  }
  ObjectClient* client = &workers_[static_cast<size_t>(coordinator_)]->object_client();
  swapping_ = false;
  pending_ = table_->Begin(std::move(append), client, [this, life = life_](TableOutcome outcome) {
    if (life == life_) Staged(outcome);
  });
}

void TableTopic::Staged(TableOutcome outcome) {
  if (outcome == TableOutcome::kFailed) {
    BeginAnew();
    return;
  }
  status_ = Status::kPreCommit;
  WriteDown(Status::kPreCommit, last_);
}

void TableTopic::Swapped(TableOutcome outcome) {
  if (outcome == TableOutcome::kFailed) {
    BeginAnew();
    return;
  }
  pending_ = 0;
  Done();
}

void TableTopic::Done() {
  last_commit_at_ = Now();
  never_committed_ = false;
  status_ = Status::kCommitted;
  WriteDown(Status::kCommitted, next_);
}

// --- It writes down ---

void TableTopic::WriteDown(Status status, const std::vector<Offset>& next) {
  Checkpoint checkpoint;
  checkpoint.status = status;
  checkpoint.commit = commit_;
  // Of a commit that is not done the answers are needed again.
  checkpoint.answers_from = status == Status::kPreCommit ? checkpoint_.answers_from : read_from_;
  checkpoint.next = next;
  if (status == Status::kPreCommit) checkpoint.pre_commit = next_;
  checkpoint.last_commit_at = last_commit_at_;
  const auto offsets = static_cast<int64_t>(next.size() + checkpoint.pre_commit.size());
  const uint64_t number = next_message_++;
  unsaid_checkpoints_[number] = std::move(checkpoint);
  awaited_ = number;
  host_->Say({TableMessageKind::kCheckpoint, number_, number, coordinator_,
              kMessageBytes + kOffsetBytes * offsets});
}

void TableTopic::WrittenDown() {
  awaited_ = 0;
  switch (status_) {
    case Status::kRequested:
      if (requests_.empty() || requests_.begin()->second.commit != commit_) {
        SendRequest();
      } else {
        TickLater();
      }
      break;
    case Status::kPreCommit:
      swapping_ = true;
      table_->Commit(pending_, [this, life = life_](TableOutcome outcome) {
        if (life == life_) Swapped(outcome);
      });
      break;
    case Status::kCommitted:
      last_ = next_;
      if (timed_out_) at_once_ = true;
      TickLater();
      break;
    case Status::kNone:
      break;
  }
}

}  // namespace freshet
