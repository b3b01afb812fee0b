#include "models/connect/mirror_cutover.h"

#include <algorithm>

namespace freshet {

MirrorCutover::MirrorCutover(Simulation& sim, absl::string_view name, Mirror* mirror,
                             const std::vector<Group>& groups, const std::vector<Fleet>& fleets)
    : Component(sim, name),
      mirror_(mirror),
      groups_(groups),
      fleets_(fleets),
      lane_(sim.recorder().AddLane(name)),
      redelivered_(AddCounter(kRedelivered)),
      skipped_(AddCounter(kSkipped)),
      lost_(AddCounter(kLost)),
      left_behind_(AddCounter(kLeftBehind)),
      read_again_(AddCounter(kReadAgain)),
      drain_time_(AddDistribution(kDrain)),
      outage_(AddDistribution(kOutage)) {}

void MirrorCutover::Cutover(bool drain, Duration restart_time, Callback done) {
  SIM_REQUIRE(!at_target_ && !mirror_->stopped());
  at_target_ = true;
  drain_ = drain;
  restart_time_ = restart_time;
  done_ = done;
  stopped_at_ = Now();
  sim().recorder().State(lane_, drain ? "draining" : "moving", Now(), 0, Severity::kNotice);
  for (const Fleet& fleet : fleets_) fleet.source->Stop();
  if (drain) {
    AwaitDrained();
    return;
  }
  for (const Group& group : groups_) {
    for (int member = 0; member < group.source->member_count(); ++member) {
      group.source->KillProcess(member);
    }
  }
  Promote();
}

bool MirrorCutover::IsDrained() const {
  for (const Fleet& fleet : fleets_) {
    if (fleet.source->held_records() > 0) return false;
  }
  if (!mirror_->IsDrained()) return false;
  for (const Group& group : groups_) {
    for (int slot = 0; slot < mirror_->partition_count(); ++slot) {
      const PartitionId partition = mirror_->SourceOf(slot);
      if (group.source->positions()[static_cast<size_t>(slot)] <
          mirror_->source()->LogOf(partition).high_watermark()) {
        return false;
      }
    }
  }
  return true;
}

void MirrorCutover::AwaitDrained() {
  if (!IsDrained()) {
    After<"cutover.look">(kLookAgain, [this] { AwaitDrained(); });
    return;
  }
  drain_time_.Record(Now() - stopped_at_);
  NoteEnds();
  After<"cutover.producers">(restart_time_, [this] { StartFleets(); });
  CloseGroups();
}

void MirrorCutover::CloseGroups() {
  waiting_ = static_cast<int>(groups_.size());
  if (waiting_ == 0) {
    After<"cutover.closed">(Duration::Zero(), [this] { Promote(); });
    return;
  }
  for (const Group& group : groups_) {
    Consumers* const leaving = at_target_ ? group.source : group.image;
    leaving->RemoveMembers(leaving->member_count(), [this] { Closed(); });
  }
}

void MirrorCutover::Closed() {
  if (--waiting_ > 0) return;
  if (!at_target_) {
    AwaitFlushed();
    return;
  }
  // What they have committed at last is to be translated, too.
  After<"cutover.checkpointed">(mirror_->TranslationTime(), [this] { Promote(); });
}

void MirrorCutover::Promote() {
  mirror_->Stop([this] { Promoted(); });
}

void MirrorCutover::Promoted() {
  sim().recorder().Mark(RecordLevel::kState, lane_, "promoted", Now(), 0, Severity::kNotice);
  if (!drain_) NoteEnds();
  Count();
  After<"cutover.groups">(restart_time_, [this] {
    if (!drain_) StartFleets();
    StartGroups();
  });
}

void MirrorCutover::NoteEnds() {
  ends_.clear();
  for (int slot = 0; slot < mirror_->partition_count(); ++slot) {
    ends_.push_back(mirror_->target()->LogOf(mirror_->CopyOf(slot)).log_end_offset());
  }
}

void MirrorCutover::StartFleets() {
  for (const Fleet& fleet : fleets_) {
    (at_target_ ? fleet.image : fleet.source)->StartFrom(stopped_at_);
  }
  if (!fleets_.empty()) outage_.Record(Now() - stopped_at_);
}

void MirrorCutover::StartGroups() {
  waiting_ = static_cast<int>(groups_.size()) + 1;
  for (const Group& group : groups_) {
    Consumers* const going = at_target_ ? group.image : group.source;
    if (at_target_ && !going->has_started()) {
      if (!mirror_->syncs_groups()) {
        for (int slot = 0; slot < mirror_->partition_count(); ++slot) {
          const std::optional<Offset> checkpoint = mirror_->CheckpointOf(group.source, slot);
          if (checkpoint) going->coordinator()->Reset(slot, *checkpoint);
        }
      }
      going->StartAt({});
      --waiting_;
    } else {
      going->AddMembers(going->member_count(), Duration::Zero(), [this] { Started(); });
    }
  }
  After<"cutover.started">(Duration::Zero(), [this] { Started(); });
}

void MirrorCutover::Started() {
  if (--waiting_ > 0) return;
  sim().recorder().State(lane_, at_target_ ? "at_target" : "at_source", Now(), 0);
  Callback done = done_;
  done();
}

// --- What it did ---

Offset MirrorCutover::StartOf(const Group& group, int slot) const {
  const std::optional<Offset> known = mirror_->syncs_groups()
                                          ? group.image->coordinator()->CommittedOf(slot)
                                          : mirror_->CheckpointOf(group.source, slot);
  if (known) return *known;
  const PartitionLog& copy = mirror_->target()->LogOf(mirror_->CopyOf(slot));
  return group.reset == StartFrom::kEarliest ? copy.log_start_offset() : copy.high_watermark();
}

void MirrorCutover::Count() {
  for (int slot = 0; slot < mirror_->partition_count(); ++slot) {
    const Offset acknowledged = mirror_->acknowledged(slot);
    const Offset end = mirror_->source()->LogOf(mirror_->SourceOf(slot)).high_watermark();
    if (end > acknowledged) {
      lost_.Add(end - acknowledged - mirror_->MapOf(slot).CopiedIn(acknowledged, end, 0));
    }
    for (const Group& group : groups_) CountGroup(group, slot);
  }
}

void MirrorCutover::CountGroup(const Group& group, int slot) {
  const Offset start = StartOf(group, slot);
  const std::optional<Offset> began = group.source->BeganAt(slot);
  if (!began) return;
  IntervalMap<bool> again;  // Of the source's offsets: at the start, or behind it.
  const IntervalMap<int64_t>& copies = mirror_->MapOf(slot).copies();
  for (auto next = copies.LowerBound(start); next != copies.end(); ++next) {
    const auto copy = *next;
    const Offset low = std::max<Offset>(copy.low, start) + copy.value;
    const Offset high = copy.high + copy.value;
    redelivered_.Add(group.source->ProcessedIn(slot, low, high));
    again.Assign(low, high, true);
  }
  for (auto next = copies.LowerBound(0); next != copies.end() && (*next).low < start; ++next) {
    const auto copy = *next;
    Offset at = std::max<Offset>(copy.low + copy.value, *began);
    const Offset high = std::min<Offset>(copy.high, start) + copy.value;
    // What comes again later is not skipped, and what has two copies is so once.
    while (at < high) {
      const auto known = again.LowerBound(at);
      const bool covered = known != again.end() && (*known).low <= at;
      const Offset until = known == again.end()
                               ? high
                               : std::min<Offset>(high, covered ? (*known).high : (*known).low);
      if (!covered) {
        skipped_.Add(until - at - group.source->ProcessedIn(slot, at, until));
        again.Assign(at, until, true);
      }
      at = until;
    }
  }
}

// --- And back ---

void MirrorCutover::Rollback(Duration restart_time, Callback done) {
  SIM_REQUIRE(at_target_ && mirror_->stopped());
  at_target_ = false;
  restart_time_ = restart_time;
  done_ = done;
  stopped_at_ = Now();
  sim().recorder().State(lane_, "rolling_back", Now(), 0, Severity::kNotice);
  for (const Fleet& fleet : fleets_) fleet.image->Stop();
  if (groups_.empty()) {
    AwaitFlushed();
  } else {
    CloseGroups();
  }
}

void MirrorCutover::AwaitFlushed() {
  const bool flushed = std::all_of(fleets_.begin(), fleets_.end(), [](const Fleet& fleet) {
    return fleet.image->held_records() == 0;
  });
  if (!flushed) {
    After<"cutover.look">(kLookAgain, [this] { AwaitFlushed(); });
    return;
  }
  CountRollback();
  After<"cutover.groups">(restart_time_, [this] { GoBack(); });
}

void MirrorCutover::CountRollback() {
  for (int slot = 0; slot < mirror_->partition_count(); ++slot) {
    const PartitionLog& copy = mirror_->target()->LogOf(mirror_->CopyOf(slot));
    left_behind_.Add(copy.high_watermark() - ends_[static_cast<size_t>(slot)]);
    for (const Group& group : groups_) {
      const std::optional<Offset> committed = group.source->coordinator()->CommittedOf(slot);
      if (!committed) continue;
      const IntervalMap<int64_t>& copies = mirror_->MapOf(slot).copies();
      for (auto next = copies.LowerBound(0); next != copies.end(); ++next) {
        const auto each = *next;
        const Offset low = std::max<Offset>(each.low, *committed - each.value);
        if (low < each.high) read_again_.Add(group.image->ProcessedIn(slot, low, each.high));
      }
    }
  }
}

void MirrorCutover::GoBack() {
  mirror_->Resume();
  StartFleets();
  StartGroups();
}

}  // namespace freshet
