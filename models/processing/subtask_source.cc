// What a Subtask does that reads the log: polls wait until it takes them, record by record its
// partitions' event times make its watermark.
#include <algorithm>

#include "models/processing/record_split.h"
#include "models/processing/subtask.h"
#include "sim/check.h"

namespace freshet {

void Subtask::AddPartition(PartitionId partition) {
  Split split;
  split.partition = partition;
  splits_.push_back(split);
}

void Subtask::SetNext(PartitionId partition, Offset next) {
  for (Split& split : splits_) {
    if (split.partition == partition) split.next = next;
  }
}

std::vector<std::pair<PartitionId, Offset>> Subtask::Offsets() const {
  std::vector<std::pair<PartitionId, Offset>> offsets;
  for (const Split& split : splits_) offsets.emplace_back(split.partition, split.next);
  return offsets;
}

void Subtask::AddPoll(const std::vector<RecordRange>& poll) {
  if (poll.empty()) return;
  ++polls_;
  const int64_t buffer = config_.channels.buffer.count();
  for (const RecordRange& records : poll) {
    // No more at a time than a buffer holds: barriers and credits come between.
    const int64_t pieces =
        std::max<int64_t>(1, std::min(records.bytes.count() / buffer, records.to - records.from));
    const int64_t length = records.to - records.from;
    for (int64_t i = 0; i < pieces; ++i) {
      polled_.push_back({TakeOffsets(records, records.from + length * i / pieces,
                                     records.from + length * (i + 1) / pieces),
                         false});
    }
  }
  polled_.back().ends_poll = true;
  Wake();
}

void Subtask::DropPolls() {
  polled_.clear();
  polls_ = 0;
}

void Subtask::Truncated(PartitionId partition, Offset end) {
  for (size_t i = 0; i < polled_.size(); ++i) {
    RecordRange& records = polled_[i].records;
    if (records.partition != partition || records.to <= end) continue;
    records = TakeOffsets(records, std::min(records.from, end), std::min(records.to, end));
  }
  for (Split& split : splits_) {
    if (split.partition == partition) split.next = std::min(split.next, end);
  }
}

bool Subtask::TakeFromPolls() {
  if (watermark_due_) {
    watermark_due_ = false;
    EmitWatermark();
    return true;
  }
  if (polled_.empty()) return false;
  Polled polled = polled_.pop_front();
  RecordRange& records = polled.records;
  for (Split& split : splits_) {
    if (split.partition != records.partition) continue;
    split.next = records.to;
    const Time latest = LatestStamp(records, Profiles());
    split.max = split.any ? std::max(split.max, latest) : latest;
    split.any = true;
    split.last_read = sim_.Now();
  }
  if (records.record_count() > 0) {
    records.trail.AddWait(std::max(records.trail.End(), sim_.Now()), Milestone::kProcessed,
                          WaitFor::kQueue, Job(), Part());
    Work(records);
    if (config_.watermarks && config_.watermarks->at_each_event) watermark_due_ = true;
  }
  if (polled.ends_poll) {
    --polls_;
    owner_->PollEmptied(this);
  }
  return true;
}

void Subtask::WatermarkLater() {
  sim_.At<"source.watermark">(sim_.Now() + config_.watermarks->interval, Part(),
                              [this, life = life_] {
                                if (life != life_) return;
                                watermark_due_ = true;
                                WatermarkLater();
                                Wake();
                              });
}

void Subtask::EmitWatermark() {
  const WatermarkConfig& config = *config_.watermarks;
  Time least = Time::Max();
  bool all_idle = config.idleness.has_value();
  for (const Split& split : splits_) {
    if (config.idleness && sim_.Now() - split.last_read >= *config.idleness) continue;
    all_idle = false;
    least = std::min(least,
                     split.any ? split.max - config.out_of_orderness : Time::FromNanos(INT64_MIN));
  }
  if (all_idle) return AdvanceTo(watermark_, true);
  // Without a partition, and without idleness, it holds all others back: as there.
  if (splits_.empty()) return;
  if (least > watermark_ || idle_sent_) AdvanceTo(std::max(least, watermark_), false);
}

}  // namespace freshet
