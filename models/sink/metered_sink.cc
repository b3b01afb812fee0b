#include "models/sink/metered_sink.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/log/record_profiles.h"

namespace freshet {
namespace {

constexpr Duration kSampleInterval = Seconds(1);

void Follow(Counter& counter, int64_t now) {
  if (now != counter.Value()) counter.Add(now - counter.Value());
}

}  // namespace

MeteredSink::MeteredSink(Simulation& sim, absl::string_view name)
    : Sink(sim, name),
      freshness_(AddDistribution(kFreshness)),
      writes_(AddCounter(kWrites)),
      failed_writes_(AddCounter(kFailedWrites)),
      interpolated_(AddCounter(kInterpolated)),
      lag_(AddGauge(kLag)),
      staleness_(AddGauge(kStaleness)),
      visible_(AddCounter(kVisible)),
      duplicated_(AddCounter(kDuplicated)),
      replaced_(AddCounter(kReplaced)),
      reordered_(AddCounter(kReordered)),
      filtered_(AddCounter(kFiltered)),
      late_dropped_(AddCounter(kLateDropped)),
      dead_lettered_(AddCounter(kDeadLettered)),
      corrupt_(AddCounter(kCorrupt)),
      lost_(AddGauge(kLost)),
      phantom_(AddCounter(kPhantom)),
      not_tracked_(AddCounter(kNotTracked)) {
  sim.AddAudit([this] { Audit(); });
}

void MeteredSink::AddSource(LogService* log, LogService::TopicPartitions partitions) {
  sources_.push_back({log, partitions});
  if (sources_.size() == 1) {
    After<"sink.sample">(
        kSampleInterval, [this] { Sample(); }, Priority::kControl);
  }
}

void MeteredSink::Promise(const Contract& contract) {
  contract_ = contract;
  if (contract.schema_version) other_version_ = &AddCounter(kOtherVersion);
  if (contract.lateness) too_late_ = &AddCounter(kTooLate);
}

void MeteredSink::CountBreaches(const RecordRange& records, int64_t fresh, bool wrong) {
  if (other_version_ != nullptr &&
      (wrong || records.mark.schema_version != *contract_.schema_version)) {
    other_version_->Add(fresh);
  }
  if (too_late_ == nullptr) return;
  int64_t late = 0;
  const RecordProfiles* const profiles = ProfilesOf(records.partition);
  if (profiles != nullptr) {
    profiles->VisitRuns(StretchOf(records), [&](const EventRun& run) {
      if (run.lateness > *contract_.lateness) late += records.CountIn(run.from, run.to);
    });
  }
  // Some of a range again: those that are late are taken to be as many of the rest.
  if (fresh < records.record_count()) late = MulDivFloor(late, fresh, records.record_count());
  too_late_->Add(late);
}

const RecordProfiles* MeteredSink::ProfilesOf(PartitionId partition) const {
  for (const Source& source : sources_) {
    const PartitionId first = source.partitions.first;
    if (partition >= first &&
        partition < first + static_cast<PartitionId>(source.partitions.count)) {
      return &source.log->profiles();
    }
  }
  return nullptr;
}

bool MeteredSink::IsWrong(const RecordSpan& records) const {
  return std::any_of(judges_.begin(), judges_.end(),
                     [&records](const RowJudge* judge) { return judge->IsWrong(records); });
}

void MeteredSink::NoteWrongFile(int64_t number) {
  for (RowJudge* judge : judges_) judge->NoteFile(number);
}

void MeteredSink::BecomeVisible(const RecordRange& records, EffectLedger::Again again,
                                WaitFor why) {
  const int64_t count = records.record_count();
  const int64_t fresh = ledger_.Visible(records, again, Now());
  const bool wrong = !judges_.empty() && IsWrong(records);
  if (wrong) wrong_ += fresh;
  ShowEffects();
  if (fresh == 0) return;
  if (other_version_ != nullptr || too_late_ != nullptr) CountBreaches(records, fresh, wrong);
  const CreatedTimes& created = records.created;
  Distribution* const too = FreshnessToo();
  const bool whole = fresh == count && !records.interpolated && fresh >= created.first_count;
  if (!whole) {
    freshness_.RecordEvenly((Now() - std::max(created.first, created.high)).nanos(),
                            (Now() - created.Earliest()).nanos(), fresh);
    if (too != nullptr) {
      too->RecordEvenly((Now() - std::max(created.first, created.high)).nanos(),
                        (Now() - created.Earliest()).nanos(), fresh);
    }
    interpolated_.Add(fresh);
    return;
  }
  created.RecordUntil(Now(), fresh, freshness_);
  if (too != nullptr) created.RecordUntil(Now(), fresh, *too);
  RecordTrail trail = records.trail;
  if (why == WaitFor::kNone) {
    trail.AddService(Now(), Milestone::kVisible, component_id());
  } else {
    trail.AddWait(Now(), Milestone::kVisible, why, component_id());
  }
  const __int128 entered = static_cast<__int128>((Now() - trail.Start()).nanos()) * fresh -
                           created.SumUntil(Now(), fresh);
  waterfall_.Add(trail, fresh, entered);
}

void MeteredSink::Settle(const RecordSpan& records, EffectLedger::How how) {
  ledger_.Settle(records, how);
  ShowEffects();
}

void MeteredSink::ShowEffects() {
  using How = EffectLedger::How;
  Follow(visible_, ledger_.visible());
  Follow(duplicated_, ledger_.duplicated());
  Follow(replaced_, ledger_.replaced());
  Follow(reordered_, ledger_.reordered());
  Follow(filtered_, ledger_.settled(How::kFiltered) + ledger_.settled(How::kQuarantined));
  Follow(late_dropped_, ledger_.settled(How::kLateDropped));
  Follow(dead_lettered_, ledger_.settled(How::kDeadLettered));
  Follow(corrupt_, ledger_.settled(How::kCorrupt) + wrong_);
  Follow(phantom_, ledger_.phantom());
}

Duration MeteredSink::Staleness() const {
  Time oldest = Now();
  for (const Source& source : sources_) {
    for (int p = 0; p < source.partitions.count; ++p) {
      const PartitionId partition = source.partitions.first + static_cast<PartitionId>(p);
      if (!ledger_.Knows(partition)) continue;
      const PartitionLog& log = source.log->LogOf(partition);
      const Offset first = std::max(ledger_.FirstUnsettled(partition, ledger_.reached(partition)),
                                    log.log_start_offset());
      if (first < log.log_end_offset()) oldest = std::min(oldest, log.OldestCreatedFrom(first));
    }
  }
  return Now() - oldest;
}

void MeteredSink::Sample() {
  int64_t lag = 0;
  for (const Source& source : sources_) {
    for (int p = 0; p < source.partitions.count; ++p) {
      const PartitionId partition = source.partitions.first + static_cast<PartitionId>(p);
      if (!ledger_.Knows(partition)) continue;
      const Offset first = ledger_.FirstUnsettled(partition, ledger_.reached(partition));
      lag += std::max<Offset>(0, source.log->LogOf(partition).high_watermark() - first);
    }
  }
  const Duration staleness = Staleness();
  lag_.Set(lag);
  staleness_.Set(staleness.nanos());
  Sampled(lag, staleness);
  lost_.Set(ledger_.lost());
  Follow(not_tracked_, ledger_.not_tracked());
  After<"sink.sample">(
      kSampleInterval, [this] { Sample(); }, Priority::kControl);
}

void MeteredSink::Audit() const {
  ledger_.Audit(name());
  waterfall_.Audit();
  SIM_CHECK(visible_.Value() == ledger_.visible(), "inv.I19",
            absl::StrCat(name(), ": ", visible_.Value(), " records told, ", ledger_.visible(),
                         " visible"));
  SIM_CHECK(Staleness() >= Duration::Zero(), "inv.I20",
            absl::StrCat(name(), ": staleness below zero"));
}

}  // namespace freshet
