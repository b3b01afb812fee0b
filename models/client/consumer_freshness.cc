// How fresh what Consumers have processed is, by the event times of its records.
#include <algorithm>

#include "models/client/consumers.h"

namespace freshet {

Time Consumers::OldestUnsettled(size_t slot, Offset from) {
  const PartitionId partition = topic_.first + static_cast<PartitionId>(slot);
  const PartitionLog& log = log_->LogOf(partition);
  if (oldest_.empty()) return log.OldestCreatedFrom(from);
  return oldest_[slot].From(from, partition, log, log_->profiles());
}

void Consumers::CountEvents(const LogRange& range, Offset from, Offset to, const Part& part,
                            bool has_trail) {
  const PartitionId partition = part.range.partition;
  const PartitionLog& log = log_->LogOf(partition);
  const auto count = [&](const EventRun& run) {
    const int64_t records = run.to - run.from;
    const Time oldest = run.EventAt(run.from);
    const Time newest = run.EventAt(run.to - 1);
    event_to_visible_->RecordEvenly((Now() - newest).nanos(), (Now() - oldest).nanos(), records);
    if (!has_trail) return;
    // The records of a run enter their trail one by one, within its first segment: on their
    // devices, or in their batch where that takes longer.
    StampTrail<> trail(oldest);
    if (run.lateness > Duration::Zero() && run.lateness >= newest - oldest) {
      trail.AddWait(run.CreatedAt(run.from), Milestone::kSent, WaitFor::kOffline,
                    range.batch.producer_component);
    }
    AddWay(range, records, part, &trail);
    trail.AddService(Now(), Milestone::kVisible, component_id());
    waterfall_.Add(trail, records, Histogram::EvenSum(0, (newest - oldest).nanos(), records));
  };
  log.VisitMarks(from, to, [&](Offset low, Offset high, const RecordMark& mark) {
    log_->profiles().VisitRuns(StretchOf(range, partition, low, high, mark), count);
  });
}

}  // namespace freshet
