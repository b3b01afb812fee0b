#include "models/processing/state_copies.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// KSRC, LogConfig: with min.cleanable.dirty.ratio 0.5 the cleaner leaves at most as much that is
// dirty as what is clean, which has each key once.
constexpr int64_t kCleanAndDirty = 2;

}  // namespace

StateCopies::StateCopies(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                         const Config& config, const std::vector<Host>& instances)
    : Component(sim, name),
      network_(network),
      log_(log),
      config_(config),
      instances_(instances),
      copies_(instances.size() * static_cast<size_t>(config.changelog.count)),
      restored_records_(AddCounter(kRestoredRecords)),
      restored_bytes_(AddCounter(kRestoredBytes)),
      restore_time_(AddDistribution(kRestoreTime)),
      followed_bytes_(AddCounter(kFollowedBytes)),
      restoring_(AddGauge(kRestoring)),
      following_(AddGauge(kFollowing)) {}

Offset StateCopies::EndOf(int task) const {
  return log_->LatestOffset(PartitionOf(task), config_.isolation);
}

Offset StateCopies::RestoreFrom(int task, Bytes state) const {
  const PartitionLog& log = log_->LogOf(PartitionOf(task));
  const Offset end = EndOf(task);
  const int64_t most = kCleanAndDirty * std::max<int64_t>(state.count(), 1);
  Offset low = log.log_start_offset();
  if (low >= end || log.BytesBetween(low, end).count() <= most) return low;
  Offset high = end;
  while (high - low > 1) {
    const Offset middle = low + (high - low) / 2;
    (log.BytesBetween(middle, end).count() > most ? low : high) = middle;
  }
  return high;
}

void StateCopies::SetUse(Copy& copy, Use use) {
  restoring_.Add((use == Use::kRestore) - (copy.use == Use::kRestore));
  following_.Add((use == Use::kFollow) - (copy.use == Use::kFollow));
  copy.use = use;
}

// --- A task ---

void StateCopies::Activate(int instance, int task, Bytes state, Callback restored) {
  Copy& copy = At(instance, task);
  SIM_REQUIRE(copy.use != Use::kActive && copy.use != Use::kRestore);
  if (copy.use == Use::kNone) copy.at = copy.committed = RestoreFrom(task, state);
  copy.since = Now();
  copy.until = EndOf(task);
  copy.restored = restored;
  SetUse(copy, Use::kRestore);
  if (copy.at >= copy.until && copy.working == 0) {
    EndRestore(copy);
    return;
  }
  if (copy.reader == nullptr || !copy.reader->reads()) Read(instance, task, copy.at);
}

void StateCopies::EndRestore(Copy& copy) {
  if (copy.reader != nullptr) copy.reader->Stop();
  SetUse(copy, Use::kActive);
  restore_time_.Record(Now() - copy.since);
  Callback restored = std::exchange(copy.restored, Callback());
  restored();
}

void StateCopies::Deactivate(int instance, int task, bool clean) {
  Copy& copy = At(instance, task);
  if (copy.use != Use::kActive && copy.use != Use::kRestore) return;
  if (copy.reader != nullptr) copy.reader->Stop();
  if (copy.use == Use::kActive) copy.at = clean ? EndOf(task) : copy.committed;
  ++copy.life;
  copy.working = 0;
  copy.restored = {};
  SetUse(copy, Use::kKept);
}

void StateCopies::Committed(int instance, int task) {
  Copy& copy = At(instance, task);
  if (copy.use == Use::kActive) copy.at = copy.committed = EndOf(task);
}

// --- Replicas ---

void StateCopies::Follow(int instance, const std::vector<int>& tasks,
                         absl::Span<const Bytes> state) {
  for (int task = 0; task < this->tasks(); ++task) {
    Copy& copy = At(instance, task);
    const bool wanted = std::find(tasks.begin(), tasks.end(), task) != tasks.end();
    if (copy.use == Use::kActive || copy.use == Use::kRestore) continue;
    if (wanted == (copy.use == Use::kFollow)) continue;
    if (!wanted) {
      copy.reader->Stop();
      ++copy.life;
      copy.working = 0;
      SetUse(copy, Use::kKept);
      continue;
    }
    if (copy.use == Use::kNone) {
      copy.at = copy.committed = RestoreFrom(task, state[static_cast<size_t>(task)]);
    }
    SetUse(copy, Use::kFollow);
    Read(instance, task, copy.at);
  }
}

void StateCopies::Crash(int instance, bool wipe) {
  for (int task = 0; task < tasks(); ++task) {
    Copy& copy = At(instance, task);
    if (copy.reader != nullptr) copy.reader->Stop();
    const bool was_active = copy.use == Use::kActive || copy.use == Use::kRestore;
    if (was_active) copy.at = copy.committed;
    ++copy.life;
    copy.working = 0;
    copy.restored = {};
    const bool gone = !config_.persistent || (was_active && wipe) || copy.use == Use::kNone;
    SetUse(copy, gone ? Use::kNone : Use::kKept);
  }
}

// --- The changelog ---

void StateCopies::Read(int instance, int task, Offset from) {
  Copy& copy = At(instance, task);
  if (copy.reader == nullptr) {
    copy.reader = std::make_unique<ChangelogReader>(
        sim(), absl::StrCat(name(), "/instance-", instance + 1, "/task-", task), network_, log_,
        instances_[static_cast<size_t>(instance)].host, PartitionOf(task), config_.isolation,
        [this, instance, task](const FetchedRange& range) { Arrived(instance, task, range); });
  }
  copy.reader->Start(from);
}

void StateCopies::Arrived(int instance, int task, const FetchedRange& range) {
  Copy& copy = At(instance, task);
  const TransactionIndex* const transactions = log_->LogOf(range.partition).transactions();
  const int64_t withheld = transactions == nullptr
                               ? 0
                               : transactions->WithheldIn(range.from, range.to, config_.isolation);
  const int64_t records = range.to - range.from - withheld;
  if (copy.use == Use::kRestore) {
    restored_records_.Add(records);
    restored_bytes_.Add(range.bytes.count());
  } else {
    followed_bytes_.Add(range.bytes.count());
  }
  ++copy.working;
  const uint32_t batch = batches_.Add({instance, task, range.to, copy.life});
  const Duration work = config_.cpu_per_record * records;
  if (work == Duration::Zero()) {
    Stored(batch);
  } else {
    instances_[static_cast<size_t>(instance)].cpu->Serve(work, [this, batch] { Stored(batch); });
  }
}

void StateCopies::Stored(uint32_t number) {
  const Batch batch = batches_.Take(number);
  Copy& copy = At(batch.instance, batch.task);
  if (batch.life != copy.life) return;
  copy.at = std::max(copy.at, batch.to);
  --copy.working;
  if (copy.use == Use::kFollow) copy.committed = copy.at;
  if (copy.use == Use::kRestore && copy.at >= copy.until) EndRestore(copy);
}

// --- Questions ---

int64_t StateCopies::LagOf(int instance, int task) const {
  const Copy& copy = At(instance, task);
  const Offset end = EndOf(task);
  switch (copy.use) {
    case Use::kNone:
      return end - log_->LogOf(PartitionOf(task)).log_start_offset();
    case Use::kActive:
      return 0;
    case Use::kKept:
    case Use::kFollow:
    case Use::kRestore:
      return std::max<int64_t>(0, end - copy.at);
  }
  return 0;
}

int64_t StateCopies::WorstFollower() const {
  int64_t worst = 0;
  for (size_t at = 0; at < copies_.size(); ++at) {
    if (copies_[at].use != Use::kFollow) continue;
    const int task = static_cast<int>(at) % tasks();
    worst = std::max(worst, EndOf(task) - copies_[at].at);
  }
  return worst;
}

}  // namespace freshet
