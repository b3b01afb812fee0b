#include "models/sink/sink_writer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {

SinkWriter::SinkWriter(Simulation& sim, absl::string_view name, MeteredSink* sink,
                       const Config& config)
    : Component(sim, name),
      config_(config),
      sink_(sink),
      retry_(config.retry),
      retry_stream_(NewStream("retry")),
      retries_(AddCounter(kRetries)),
      left_out_(AddCounter(kLeftOut)) {
  if (!transactional()) return;
  commits_ = &AddCounter(kCommits);
  commit_time_ = &AddDistribution(kCommitTime);
}

void SinkWriter::Serve(Consumers* consumers, LogService* log,
                       LogService::TopicPartitions partitions) {
  SIM_REQUIRE(consumers_ == nullptr);
  consumers_ = consumers;
  log_ = log;
  partitions_ = partitions;
  sources_.resize(static_cast<size_t>(partitions.count));
  for (const HostId host : consumers->hosts()) {
    members_.emplace_back();
    members_.back().writer =
        sink_->AddWriter(absl::StrCat(name(), "/member-", members_.size()), host);
  }
  sink_->AddSource(log, partitions);
  if (transactional()) EndEpochLater();
}

// --- Partitions ---

Offset SinkWriter::ResumesAt(const Source& source, Offset from) const {
  if (!transactional()) return from;
  return std::max(from, config_.fenced ? source.safe : source.committed);
}

void SinkWriter::PartitionBegins(int member, PartitionId partition, Offset from) {
  Source& source = SourceOf(partition);
  EffectLedger& ledger = sink_->ledger();
  if (!source.begun) {
    source.begun = true;
    source.written = source.safe = source.committed = from;
    ledger.Begin(partition, from);
  }
  if (source.owner != kNobody && source.owner != member && transactional() && config_.fenced) {
    members_[static_cast<size_t>(source.owner)].shut_out = true;
    Abandon(source.owner);
  }
  members_[static_cast<size_t>(member)].shut_out = false;
  // Whoever still works on it should not.
  for (int other = 0; other < static_cast<int>(members_.size()); ++other) {
    if (other == member) continue;
    for (const RecordSpan& span : members_[static_cast<size_t>(other)].handed) {
      if (span.partition == partition) ledger.Explain(span, EffectCause::kZombie);
    }
  }
  const bool zombie = transactional() && !config_.fenced && source.furthest > source.committed;
  // What is prepared is not lost: it is only not visible yet.
  ledger.GoOn(partition, transactional() ? std::max(from, source.committed) : from,
              config_.commits_first ? EffectCause::kCommitFirst : EffectCause::kReset,
              zombie              ? EffectCause::kZombie
              : source.owner_died ? EffectCause::kRestart
                                  : EffectCause::kRebalance);
  if (zombie) {
    RecordSpan pending;
    pending.partition = partition;
    pending.from = source.committed;
    pending.to = source.furthest;
    ledger.Explain(pending, EffectCause::kZombie);
  }
  source.owner = member;
  source.owner_died = false;
  source.next = from;
  source.written = ResumesAt(source, from);
}

void SinkWriter::PartitionEnds(int member, PartitionId partition) {
  Source& source = SourceOf(partition);
  if (source.owner == member) source.owner = kNobody;
  if (transactional() && config_.fenced) Abandon(member);
}

void SinkWriter::Abandon(int number) {
  Member& member = members_[static_cast<size_t>(number)];
  const bool awaited = member.prepares || member.stage == Stage::kPreparing;
  if (member.stage == Stage::kIdle && !member.staged && !awaited) return;
  const bool has_poll = member.has_poll || HoldsPoll(number);
  sink_->Reset(member.writer);
  DropPoll(number);
  member.stage = Stage::kIdle;
  member.prepares = member.staged = false;
  if (awaited) MemberReady();
  if (has_poll) consumers_->PollHandled(number);
}

void SinkWriter::MemberDied(int number) {
  Member& member = members_[static_cast<size_t>(number)];
  for (Source& source : sources_) {
    if (source.owner != number) continue;
    source.owner = kNobody;
    source.owner_died = true;
  }
  member.shut_out = false;
  Forget(number);
}

void SinkWriter::Forget(int number) {
  Member& member = members_[static_cast<size_t>(number)];
  const bool awaited = member.prepares || member.stage == Stage::kPreparing;
  sink_->Reset(member.writer);
  DropPoll(number);
  member.stage = Stage::kIdle;
  member.prepares = member.staged = false;
  if (awaited) MemberReady();
}

void SinkWriter::DropPoll(int number) {
  Member& member = members_[static_cast<size_t>(number)];
  ++member.life;
  member.has_poll = false;
  member.poll.clear();
  member.handed.clear();
  WorkDropped(number);
}

void SinkWriter::Truncated(PartitionId partition, Offset end) {
  Source& source = SourceOf(partition);
  for (Offset* at :
       {&source.next, &source.written, &source.safe, &source.committed, &source.furthest}) {
    *at = std::min(*at, end);
  }
  sink_->ledger().Cut(partition, end);
}

Offset SinkWriter::Committable(int /*member*/, PartitionId partition, Offset polled) const {
  return transactional() ? std::min(polled, SourceOf(partition).committed) : polled;
}

// --- Polls ---

void SinkWriter::HandlePoll(int number, const std::vector<RecordRange>& poll) {
  Member& member = members_[static_cast<size_t>(number)];
  member.poll.clear();
  member.handed.clear();
  member.has_poll = true;
  member.retries = 0;
  if (member.shut_out) {
    Handled(number);
    return;
  }
  member.handed.assign(poll.begin(), poll.end());
  for (const RecordRange& range : poll) {
    Source& source = SourceOf(range.partition);
    if (source.owner != number) {
      sink_->ledger().Explain(range, EffectCause::kZombie);
    } else {
      if (range.from > source.next) {
        SettleWithheld(range.partition, source.next, range.from);
        // What is missing there still: retention was quicker, or auto.offset.reset led on.
        sink_->ledger().GoOn(range.partition, range.from, EffectCause::kRetention,
                             EffectCause::kReset);
      }
      source.next = range.to;
    }
    if (IsSettled(range)) continue;
    const Offset from = source.owner == number ? ResumesAt(source, range.from) : range.from;
    if (from >= range.to) {
      left_out_.Add(range.record_count());
      continue;
    }
    member.poll.push_back(range);
    if (from > range.from) {
      left_out_.Add(range.CountIn(range.from, from));
      member.poll.back().from = from;
      member.poll.back().interpolated = true;
    }
  }
  AddTo(number, &member.poll);
  if (member.stage == Stage::kIdle) Write(number);
}

void SinkWriter::SettleWithheld(PartitionId partition, Offset from, Offset to) {
  const TransactionIndex* const transactions = log_->LogOf(partition).transactions();
  if (transactions == nullptr) return;
  transactions->Split(from, to, Isolation::kReadCommitted,
                      [&](Offset low, Offset high, std::optional<TransactionIndex::Withheld> why) {
                        if (!why) return;
                        RecordSpan withheld;
                        withheld.partition = partition;
                        withheld.from = low;
                        withheld.to = high;
                        sink_->Settle(withheld, EffectLedger::How::kWithheld);
                      });
}

void SinkWriter::Write(int number) {
  Member& member = members_[static_cast<size_t>(number)];
  if (member.poll.empty()) {
    Handled(number);
    return;
  }
  member.stage = Stage::kWriting;
  member.staged = transactional();
  sink_->WriteAll(member.writer, member.poll, [this, number, life = member.life](bool ok) {
    if (life == members_[static_cast<size_t>(number)].life) Written(number, ok);
  });
}

void SinkWriter::Written(int number, bool ok) {
  if (!ok) {
    const int64_t retries = members_[static_cast<size_t>(number)].retries;
    if (TriesAgain(number, retries)) RetryLater(number, &SinkWriter::Write);
    return;
  }
  Handled(number);
}

void SinkWriter::Handled(int number) {
  Member& member = members_[static_cast<size_t>(number)];
  member.stage = Stage::kIdle;
  for (const RecordSpan& span : member.handed) {
    Source& source = SourceOf(span.partition);
    source.furthest = std::max(source.furthest, span.to);
    if (source.owner != number) continue;
    source.written = std::max(source.written, span.to);
    if (!transactional()) consumers_->NotNeededBelow(span.partition, span.to);
  }
  member.poll.clear();
  member.handed.clear();
  member.has_poll = false;
  PollWritten(number);
  if (member.prepares) Prepare(number);
  consumers_->PollHandled(number);
}

void SinkWriter::RetryLater(int number, void (SinkWriter::*what)(int)) {
  Member& member = members_[static_cast<size_t>(number)];
  retries_.Add(1);
  struct Retry {
    SinkWriter* self;
    void (SinkWriter::*what)(int);
    int number;
    uint32_t life;
  };
  const Retry retry = {this, what, number, member.life};
  After<"sink_writer.retry">(retry_.Draw(member.retries++, retry_stream_), [retry] {
    if (retry.life == retry.self->members_[static_cast<size_t>(retry.number)].life) {
      (retry.self->*retry.what)(retry.number);
    }
  });
}

// --- Epochs ---

void SinkWriter::EndEpochLater() {
  After<"sink_writer.end_epoch">(config_.commit_interval, [this] { EndEpoch(); });
}

void SinkWriter::EndEpoch() {
  ++epoch_;
  epoch_ended_ = Now();
  for (Member& member : members_) {
    member.prepares = member.staged;
    preparing_ += member.prepares;
  }
  if (preparing_ == 0) {
    EndEpochLater();
    return;
  }
  for (int number = 0; number < static_cast<int>(members_.size()); ++number) {
    const Member& member = members_[static_cast<size_t>(number)];
    if (member.prepares && member.stage == Stage::kIdle) Prepare(number);
  }
}

void SinkWriter::Prepare(int number) {
  Member& member = members_[static_cast<size_t>(number)];
  member.prepares = false;
  member.stage = Stage::kPreparing;
  member.staged = false;
  sink_->Prepare(member.writer, epoch_, [this, number, life = member.life](bool ok) {
    if (life == members_[static_cast<size_t>(number)].life) Prepared(number, ok);
  });
}

void SinkWriter::Prepared(int number, bool ok) {
  Member& member = members_[static_cast<size_t>(number)];
  if (!ok) {
    RetryLater(number, &SinkWriter::Prepare);
    return;
  }
  member.stage = Stage::kIdle;
  member.retries = 0;
  for (Source& source : sources_) {
    if (source.owner == number) source.safe = std::max(source.safe, source.written);
  }
  WorkSafe(number);
  MemberReady();
  if (member.has_poll) Write(number);
}

void SinkWriter::MemberReady() {
  if (--preparing_ > 0) return;
  commit_retries_ = 0;
  epoch_offsets_.clear();
  for (const Source& source : sources_) epoch_offsets_.push_back(source.safe);
  Commit();
}

void SinkWriter::Commit() {
  sink_->Commit(epoch_, [this](bool ok) { Committed(ok); });
  if (commit_retries_ == 0) Commits(epoch_);
}

void SinkWriter::Committed(bool ok) {
  if (!ok) {
    retries_.Add(1);
    After<"sink_writer.commit_again">(retry_.Draw(commit_retries_++, retry_stream_),
                                      [this] { Commit(); });
    return;
  }
  commits_->Add(1);
  commit_time_->Record(Now() - epoch_ended_);
  for (size_t slot = 0; slot < sources_.size(); ++slot) {
    Source& source = sources_[slot];
    source.committed = std::max(source.committed, std::min(epoch_offsets_[slot], source.safe));
    if (source.begun) {
      consumers_->NotNeededBelow(partitions_.first + static_cast<PartitionId>(slot),
                                 source.committed);
    }
  }
  EndEpochLater();
}

}  // namespace freshet
