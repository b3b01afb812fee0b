#include "models/schema/read_policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {
namespace {

constexpr Duration kLookInterval = Seconds(1);

}  // namespace

ReadPolicy::ReadPolicy(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name),
      config_(config),
      on_unreadable_(config.on_unreadable),
      reader_version_(config.reader_version),
      unreadable_(AddCounter(kUnreadable)),
      poison_(AddCounter(kPoison)),
      quarantined_(AddGauge(kQuarantined)),
      dead_letters_(AddGauge(kDeadLetters)),
      oldest_(AddGauge(kOldest)),
      corrupt_(AddCounter(kCorrupt)),
      stops_(AddCounter(kStops)),
      windows_(AddGauge(kWindows)),
      files_(AddGauge(kFiles)) {
  SIM_REQUIRE(config.on_unreadable != OnUnreadable::kDeadLetter || config.dead_letters != nullptr);
  if (config.dead_letters != nullptr) {
    writer_ = config.dead_letters->AddWriter(absl::StrCat(name, "/dead-letters"), config.host);
  }
}

// --- Judging ---

bool ReadPolicy::CanRead(const RecordMark& mark) const {
  if (mark.kind == RecordKind::kPoison) return false;
  if (config_.registry == nullptr || mark.schema_version == 0) return true;
  return config_.registry->CanRead(config_.subject, reader_version_, mark.schema_version);
}

bool ReadPolicy::KnowsVersion(int32_t version) const {
  return config_.registry == nullptr || version == 0 ||
         std::find(known_versions_.begin(), known_versions_.end(), version) !=
             known_versions_.end();
}

Reading ReadPolicy::Judge(const RecordRange& range, Callback passable) {
  const bool poison = range.mark.kind == RecordKind::kPoison;
  if (!poison && !KnowsVersion(range.mark.schema_version)) {
    Fetch(pending_.Add({range, passable, life_}));
    return Reading::kAwait;
  }
  if (CanRead(range.mark)) return Reading::kRead;
  if (HasPassed(range)) return Reading::kSkip;
  OnUnreadable action = on_unreadable_;
  if (poison && action == OnUnreadable::kCorrupt) action = OnUnreadable::kStop;
  switch (action) {
    case OnUnreadable::kStop:
      Assign(range, Fate::kMet);
      stops_.Add(1);
      return Reading::kStop;
    case OnUnreadable::kQuarantine:
      Assign(range, Fate::kQuarantined);
      return Reading::kSkip;
    case OnUnreadable::kDeadLetter:
      WriteDeadLetter(pending_.Add({range, passable, life_}));
      return Reading::kAwait;
    case OnUnreadable::kCorrupt:
      Assign(range, Fate::kCorrupt);
      return Reading::kReadCorrupt;
  }
  return Reading::kStop;
}

void ReadPolicy::Reset() {
  ++life_;
  known_versions_.clear();
}

void ReadPolicy::Pass(uint32_t index) {
  Pending passed = pending_.Take(index);
  if (passed.life == life_) passed.passable();
}

void ReadPolicy::Fetch(uint32_t index) {
  const int32_t version = pending_[index].range.mark.schema_version;
  config_.registry->Fetch(config_.subject, version, [this, index](RegistryAnswer answer) {
    const Pending& pending = pending_[index];
    if (answer == RegistryAnswer::kRegistered) {
      const int32_t told = pending.range.mark.schema_version;
      if (pending.life == life_ && !KnowsVersion(told)) known_versions_.push_back(told);
    } else if (pending.life == life_) {
      After<"schema.fetch_again">(config_.retry_wait, [this, index] { Fetch(index); });
      return;
    }
    Pass(index);
  });
}

void ReadPolicy::WriteDeadLetter(uint32_t index) {
  config_.dead_letters->Write(writer_, pending_[index].range, [this, index](bool ok) {
    const Pending& pending = pending_[index];
    if (!ok && pending.life == life_) {
      After<"schema.dead_letter_again">(config_.retry_wait, [this, index] {
        if (pending_[index].life == life_) {
          WriteDeadLetter(index);
        } else {
          Pass(index);
        }
      });
      return;
    }
    if (ok) Assign(pending.range, Fate::kDeadLetter);
    Pass(index);
  });
}

// --- Fates ---

bool ReadPolicy::HasPassed(const RecordRange& range) const {
  const auto of = fates_.find(range.partition);
  if (of == fates_.end()) return false;
  Offset at = range.from;
  for (auto next = of->second.LowerBound(at); next != of->second.end() && at < range.to; ++next) {
    const auto each = *next;
    if (each.low > at) return false;
    if (each.value.passed_in != life_ && each.value.passed_in != kForGood) return false;
    at = each.high;
  }
  return at >= range.to;
}

bool ReadPolicy::IsDeadLetter(const RecordRange& range) const {
  const auto of = fates_.find(range.partition);
  if (of == fates_.end()) return false;
  const auto known = of->second.LowerBound(range.from);
  return known != of->second.end() && (*known).low < range.to &&
         (*known).value.fate == Fate::kDeadLetter;
}

void ReadPolicy::Assign(const RecordRange& range, Fate fate) {
  const Moved moved = Move(range.partition, range.from, range.to, fate, life_);
  if (range.mark.kind == RecordKind::kPoison) poison_.Add(moved.met);
  if (fate == Fate::kCorrupt) corrupt_.Add(moved.changed);
  if (fate == Fate::kQuarantined || fate == Fate::kDeadLetter) {
    set_aside_.try_emplace({range.partition, range.from}, range);
  }
  // To stop at a record does no window any harm but that it is late.
  if (!config_.window || fate == Fate::kMet) return;
  const int64_t width = config_.window->nanos();
  const int64_t last = std::max(range.created.first, range.created.high).nanos() / width;
  for (int64_t number = range.created.Earliest().nanos() / width; number <= last; ++number) {
    NoteWindow(number);
  }
}

ReadPolicy::Moved ReadPolicy::Move(PartitionId partition, Offset from, Offset to, Fate fate,
                                   uint32_t passes_in) {
  IntervalMap<Known>& fates = fates_[partition];
  const bool passes = fate == Fate::kQuarantined || fate == Fate::kDeadLetter;
  struct Piece {
    Offset from;
    Offset to;
    Known known;
  };
  std::vector<Piece> pieces;
  Moved moved;
  const auto meet = [&](Offset low, Offset high) {
    pieces.push_back({low, high, {fate, Now(), 0}});
    moved.met += high - low;
    moved.changed += high - low;
  };
  Offset at = from;
  for (auto next = fates.LowerBound(at); next != fates.end() && (*next).low < to; ++next) {
    const Offset low = std::max<Offset>((*next).low, from);
    const Offset high = std::min<Offset>((*next).high, to);
    if (at < low) meet(at, low);
    Known known = (*next).value;
    by_fate_[static_cast<size_t>(known.fate)] -= high - low;
    // To stop the reader again, or to be sent a second time, does not make it newer.
    if (known.fate != fate && fate != Fate::kMet) {
      known = {fate, Now(), 0};
      moved.changed += high - low;
    }
    pieces.push_back({low, high, known});
    at = high;
  }
  if (at < to) meet(at, to);
  for (Piece& piece : pieces) {
    if (passes) piece.known.passed_in = std::max(piece.known.passed_in, passes_in);
    by_fate_[static_cast<size_t>(piece.known.fate)] += piece.to - piece.from;
    fates.Assign(piece.from, piece.to, piece.known);
  }
  unreadable_.Add(moved.met);
  UpdateGauges();
  return moved;
}

void ReadPolicy::SetReaderVersion(int32_t version) {
  SIM_REQUIRE(config_.registry != nullptr &&
              config_.registry->Find(config_.subject, version) != nullptr);
  reader_version_ = version;
}

void ReadPolicy::LetPass(PartitionId partition, Offset from, Offset to) {
  Move(partition, from, to, Fate::kQuarantined, kForGood);
}

void ReadPolicy::SetOnUnreadable(OnUnreadable action) {
  SIM_REQUIRE(action != OnUnreadable::kDeadLetter || config_.dead_letters != nullptr);
  on_unreadable_ = action;
}

std::vector<RecordRange> ReadPolicy::Redrivable() const {
  std::vector<RecordRange> all;
  for (const auto& [at, range] : set_aside_) {
    if (CanRead(range.mark)) all.push_back(range);
  }
  return all;
}

bool ReadPolicy::IsWrong(const RecordSpan& records) const {
  const auto of = fates_.find(records.partition);
  if (of == fates_.end()) return false;
  for (auto next = of->second.LowerBound(records.from);
       next != of->second.end() && (*next).low < records.to; ++next) {
    if ((*next).value.fate == Fate::kCorrupt) return true;
  }
  return false;
}

std::vector<ReadPolicy::SetAside> ReadPolicy::AllSetAside() const {
  std::vector<SetAside> all;
  for (const auto& [partition, fates] : fates_) {
    for (auto each = fates.begin(); each != fates.end(); ++each) {
      const Known& known = (*each).value;
      if (known.fate != Fate::kQuarantined && known.fate != Fate::kDeadLetter) continue;
      all.push_back({partition, (*each).low, (*each).high, known.since});
    }
  }
  return all;
}

void ReadPolicy::Redriven(PartitionId partition, Offset from, Offset to) {
  Move(partition, from, to, Fate::kReadSince, life_);
  auto next = set_aside_.lower_bound({partition, from});
  while (next != set_aside_.end() && next->first.first == partition && next->second.to <= to) {
    next = set_aside_.erase(next);
  }
}

// --- What is told ---

void ReadPolicy::NoteWindow(int64_t number) {
  bad_windows_.insert(number);
  windows_.Set(static_cast<int64_t>(bad_windows_.size()));
}

void ReadPolicy::NoteFile(int64_t number) {
  bad_files_.insert(number);
  files_.Set(static_cast<int64_t>(bad_files_.size()));
}

ReadPolicy::BlastRadius ReadPolicy::blast_radius() const {
  return {by_fate_[static_cast<size_t>(Fate::kQuarantined)] +
              by_fate_[static_cast<size_t>(Fate::kDeadLetter)] +
              by_fate_[static_cast<size_t>(Fate::kCorrupt)],
          static_cast<int64_t>(bad_windows_.size()), static_cast<int64_t>(bad_files_.size())};
}

void ReadPolicy::UpdateGauges() {
  quarantined_.Set(by_fate_[static_cast<size_t>(Fate::kQuarantined)]);
  dead_letters_.Set(by_fate_[static_cast<size_t>(Fate::kDeadLetter)]);
  if (looking_ || quarantined_.Value() + dead_letters_.Value() == 0) return;
  looking_ = true;
  Look();
}

void ReadPolicy::Look() {
  Time since = Now();
  for (const SetAside& each : AllSetAside()) since = std::min(since, each.since);
  oldest_.Set((Now() - since).nanos());
  looking_ = quarantined_.Value() + dead_letters_.Value() > 0;
  if (!looking_) return;
  After<"schema.look">(
      kLookInterval, [this] { Look(); }, Priority::kControl);
}

}  // namespace freshet
