#include "sim/bandwidth.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/bandwidth_work.h"

namespace freshet {

using bandwidth_work::Divide;
using bandwidth_work::kBillion;
using bandwidth_work::kByte;
using bandwidth_work::kFastest;
using bandwidth_work::kFractionBits;
using bandwidth_work::kLargest;
using bandwidth_work::kLargestAlone;
using bandwidth_work::kRebase;
using bandwidth_work::kSlack;
using bandwidth_work::kSlackUnits;
using bandwidth_work::NanosFor;
using bandwidth_work::ShareOf;
using bandwidth_work::WholeBytes;
using bandwidth_work::Wide;

Bandwidth::Bandwidth(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name),
      has_credits_(config.has_credits),
      capacity_(config.capacity),
      classes_(config.classes),
      credits_config_(config.credits) {
  SIM_REQUIRE(capacity_ >= BytesPerSecond(0) && !classes_.empty());
  std::vector<std::pair<int, uint32_t>> by_tier;
  for (uint32_t i = 0; i < classes_.size(); ++i) {
    SIM_REQUIRE(classes_[i].weight > 0 && classes_[i].weight < (1 << 20) &&
                classes_[i].cap >= BytesPerSecond(0));
    by_tier.emplace_back(classes_[i].tier, i);
  }
  std::sort(by_tier.begin(), by_tier.end());  // tidy: allowed, because orders are unique.
  for (size_t i = 0; i < by_tier.size(); ++i) {
    if (i == 0 || by_tier[i].first != by_tier[i - 1].first) tiers_.emplace_back();
    tiers_.back().push_back(by_tier[i].second);
  }
  groups_.resize(classes_.size());
  CountCapped(0);
  if (has_credits_) {
    SIM_REQUIRE(
        credits_config_.baseline >= BytesPerSecond(0) && credits_config_.capacity >= Bytes(0) &&
        credits_config_.capacity <= Bytes(kLargest) && credits_config_.initial >= Bytes(0) &&
        credits_config_.initial <= credits_config_.capacity);
    credits_ = kByte * credits_config_.initial.count();
    bursting_ = credits_ > 0;
  }
  NoteCapacity();
  advanced_to_ = Now().nanos();
  allowed_to_ = advanced_to_;
  if (config.metrics) {
    bytes_metric_ = &AddCounter(kBytes);
    active_metric_ = &AddGauge(kActive);
    if (has_credits_) {
      credits_metric_ = &AddGauge(kCredits);
      credits_metric_->Set(credits_config_.initial.count());
    }
  }
  sim.AddAudit([this] { Audit(); });
}

void Bandwidth::CountCapped(int change) {
  capped_ += change;
  const bool single = classes_.size() == 1 && classes_[0].cap.count() >= kFastest;
  plain_ = single && capped_ == 0 && !has_credits_;
}

// --- Slots and heaps ---

inline Bandwidth::Slot Bandwidth::NewSlot() {
  if (__builtin_expect(free_ == kNone, 0)) return GrowSlots();
  const Slot slot = free_;
  free_ = transfers_[slot].next;
  return slot;
}

Bandwidth::Slot Bandwidth::GrowSlots() {
  SIM_CHECK(transfers_.size() >> kSlotBits == 0, "contract",
            "more than 16.7 million transfers at once");
  transfers_.emplace_back();
  transfers_.back().generation = 1;
  return static_cast<Slot>(transfers_.size() - 1);
}

inline void Bandwidth::FreeSlot(Slot slot) {
  Transfer& transfer = transfers_[slot];
  if (++transfer.generation == 0) transfer.generation = 1;  // So that an id is never 0.
  transfer.next = free_;
  free_ = slot;
}

Bandwidth::Slot Bandwidth::Find(TransferId id) const {
  const Slot slot = static_cast<Slot>(id);
  if (id == 0 || slot >= transfers_.size()) return kNone;
  return transfers_[slot].generation == id >> 32 ? slot : kNone;
}

inline void Bandwidth::Place(Group& group, size_t position, const HeapEntry& entry) {
  group.heap[position] = entry;
  transfers_[entry.slot()].position = static_cast<uint32_t>(position);
}

// Puts `entry` at `position` or nearer to the front, where the gap goes. By value, so that no
// entry is read again that has just been written.
inline void Bandwidth::SiftUp(Group& group, size_t position, HeapEntry entry) {
  while (position > 0) {
    const size_t parent = (position - 1) / 2;
    if (!(entry < group.heap[parent])) break;
    Place(group, position, group.heap[parent]);
    position = parent;
  }
  Place(group, position, entry);
}

// The same, at `position` or behind it.
inline void Bandwidth::SiftDown(Group& group, size_t position, HeapEntry entry) {
  const size_t count = group.heap.size();
  while (true) {
    size_t child = 2 * position + 1;
    if (child >= count) break;
    if (child + 1 < count && group.heap[child + 1] < group.heap[child]) ++child;
    if (!(group.heap[child] < entry)) break;
    Place(group, position, group.heap[child]);
    position = child;
  }
  Place(group, position, entry);
}

// Counts the work of a group from anew.
void Bandwidth::Rebase(Group& group) {
  for (HeapEntry& entry : group.heap) entry.target -= group.work;
  group.work = 0;
}

inline void Bandwidth::Insert(Slot slot, Group& group) {
  Transfer& transfer = transfers_[slot];
  if (__builtin_expect(transfer.capped, 0)) {
    InsertCapped(slot, group);
    return;
  }
  const Wide work = kByte * transfer.size;
  const bool alone = group.heap.empty();
  if (alone) {
    group.work = 0;
  } else if (__builtin_expect(group.work > kRebase, 0)) {
    Rebase(group);
  }
  const Wide target = alone ? work : group.work + work;
  const uint64_t order_slot = next_order_++ << kSlotBits | slot;
  group.heap.emplace_back();
  SiftUp(group, group.heap.size() - 1, {target, order_slot});
}

// The first of a heap leaves it.
inline void Bandwidth::PopFront(Group& group) {
  const HeapEntry last = group.heap.back();
  group.heap.pop_back();
  if (!group.heap.empty()) SiftDown(group, 0, last);
  --active_;
}

// Takes a transfer out of its group; its slot and id are still the caller's to end.
inline void Bandwidth::Leave(Slot slot) {
  Transfer& transfer = transfers_[slot];
  Group& group = groups_[transfer.class_index];
  const size_t position = transfer.position;
  if (transfer.capped) {
    group.capped.erase(group.capped.begin() + static_cast<std::ptrdiff_t>(position));
    for (size_t i = position; i < group.capped.size(); ++i) {
      transfers_[group.capped[i]].position = static_cast<uint32_t>(i);
    }
    CountCapped(-1);
  } else {
    if (position + 1 == group.heap.size()) {
      group.heap.pop_back();
    } else {
      const HeapEntry last = group.heap.back();
      group.heap.pop_back();
      SiftDown(group, position, last);
      if (group.heap[position].slot() == last.slot()) SiftUp(group, position, last);
    }
  }
  --active_;
}

// --- The fluid ---

// Settles what has flowed since the last call. Every change of a share comes after it.
inline void Bandwidth::Advance() {
  const int64_t now = Now().nanos();
  const int64_t span = now - advanced_to_;
  if (span == 0) return;
  advanced_to_ = now;
  if (__builtin_expect(plain_, 1)) {
    if (active_ > 0) groups_[0].work += groups_[0].share * span;
  } else {
    AdvanceApart(span);
  }
}

// Before EffectiveCapacity() changes.
void Bandwidth::SettleAllowed() {
  const int64_t now = Now().nanos();
  allowed_ += Wide{EffectiveCapacity()} * (now - allowed_to_);
  allowed_to_ = now;
}

int64_t Bandwidth::EffectiveCapacity() const {
  const int64_t most = std::min(capacity_.count(), kFastest);
  return bursting_ ? most : std::min(most, credits_config_.baseline.count());
}

// After EffectiveCapacity() has changed.
void Bandwidth::NoteCapacity() {
  rate_ = EffectiveCapacity();
  all_ = ShareOf(rate_);
}

// Shares from now on. REQUIRES: Advance() was called at this instant.
inline void Bandwidth::Plan() {
  if (__builtin_expect(!plain_, 0)) {
    PlanApart();
    return;
  }
  if (active_ == 0) return;
  groups_[0].share = active_ == 1 ? all_ : Divide(all_, active_);
}

Bandwidth::Share Bandwidth::InUse() const {
  if (!plain_) return in_use_;
  return active_ == 0 ? 0 : groups_[0].share * active_;
}

void Bandwidth::ArmIn(Wide nanos) {
  const int64_t now = Now().nanos();
  if (nanos > INT64_MAX - now) return;
  const int64_t at = now + static_cast<int64_t>(nanos);
  if (timer_) {
    if (timer_at_ <= at) return;
    sim().Cancel(timer_);
  }
  SetTimer(at);
}

inline void Bandwidth::SetTimer(int64_t at) {
  timer_at_ = at;
  timer_ = At<"bandwidth.timer">(Time::FromNanos(at), [this] { OnTimer(); });
}

// Sees to it that the timer fires no later than something happens.
inline void Bandwidth::Arm() {
  if (__builtin_expect(!plain_, 0)) {
    ArmApart();
    return;
  }
  if (active_ == 0) return;
  const Group& group = groups_[0];
  const Wide work = group.heap.front().target - group.work;
  if (group.share > 0) ArmIn(work <= kSlack ? Wide{0} : NanosFor(work - kSlack, group.share));
}

// The transfer has left its group; its callback fires after those of others that have ended.
inline void Bandwidth::End(Slot slot, Slot* last) {
  Transfer& transfer = transfers_[slot];
  ++finished_;
  transfer.over = true;
  done_ += transfer.size;
  if (bytes_metric_ != nullptr) bytes_metric_->Add(transfer.size);
  transfer.next = kNone;
  (*last == kNone ? firing_ : transfers_[*last].next) = slot;
  *last = slot;
}

inline void Bandwidth::EndOf(Group& group, Slot* last) {
  while (!group.heap.empty() && group.heap.front().target - group.work <= kSlack) {
    const Slot slot = group.heap.front().slot();
    PopFront(group);
    End(slot, last);
  }
}

void Bandwidth::EndApart() {
  Slot last = kNone;
  for (Group& group : groups_) {
    EndOf(group, &last);
    for (size_t i = 0; i < group.capped.size();) {
      const Slot slot = group.capped[i];
      if (transfers_[slot].left <= kSlack) {
        Leave(slot);
        End(slot, &last);
      } else {
        ++i;
      }
    }
  }
}

// OnTimer() where nobody shares, about every other time. Returns false, and has done nothing,
// when it is otherwise or the end has not come.
inline bool Bandwidth::EndAlone() {
  if (!plain_ || active_ != 1 || rate_ == 0) return false;
  Group& group = groups_[0];
  const int64_t now = Now().nanos();
  const Wide work = group.work + group.share * (now - advanced_to_);
  const HeapEntry entry = group.heap.front();
  if (entry.target - work > kSlack) return false;
  advanced_to_ = now;
  group.heap.pop_back();
  active_ = 0;
  ++finished_;
  const Slot slot = entry.slot();
  const int64_t size = transfers_[slot].size;
  done_ += size;
  if (bytes_metric_ != nullptr) bytes_metric_->Add(size);
  if (active_metric_ != nullptr) active_metric_->Set(0);
  Callback done = transfers_[slot].done;  // By copy, as below.
  FreeSlot(slot);
  if (done) done();
  return true;
}

void Bandwidth::OnTimer() {
  timer_ = EventId();
  if (!EndAlone()) EndAmongOthers();
}

[[gnu::noinline]] void Bandwidth::EndAmongOthers() {
  Advance();
  if (all_ > 0) {
    if (plain_) {
      Slot last = kNone;
      EndOf(groups_[0], &last);
    } else {
      EndApart();
    }
  }
  Plan();
  Rearm();
  ShowState();
  // By copy: a callback may start transfers, and the pool may move.
  while (firing_ != kNone) {
    const Slot slot = firing_;
    Callback done = transfers_[slot].done;
    firing_ = transfers_[slot].next;
    FreeSlot(slot);
    if (done) done();
  }
}

inline void Bandwidth::ShowState() {
  if (active_metric_ != nullptr && active_metric_->Value() != active_) {
    active_metric_->Set(active_);
  }
  if (__builtin_expect(has_credits_, 0)) ShowCredits();
}

// --- Verbs ---

Bandwidth::TransferId Bandwidth::Join(Bytes size, int class_index, BytesPerSecond own_cap) {
  // What JoinOthers() comes to for one that shares with nobody, which is most of them.
  const bool alone = plain_ && active_ == 0 && own_cap.count() >= kFastest && class_index == 0 &&
                     static_cast<uint64_t>(size.count()) <= kLargestAlone && free_ != kNone;
  if (!alone) return JoinOthers(size, class_index, own_cap);
  const int64_t now = Now().nanos();
  advanced_to_ = now;
  const Slot slot = free_;
  Transfer& transfer = transfers_[slot];
  free_ = transfer.next;
  transfer.size = size.count();
  transfer.class_index = 0;
  transfer.position = 0;
  transfer.capped = false;
  transfer.over = false;
  ++started_;
  offered_ += size.count();
  active_ = 1;
  Group& group = groups_[0];
  group.work = 0;
  group.share = all_;
  group.heap.push_back({kByte * size.count(), next_order_++ << kSlotBits | slot});
  if (rate_ > 0) {
    const int64_t units = size.count() * kBillion - kSlackUnits;
    const int64_t span = units <= 0 ? 0 : (units + (rate_ - 1)) / rate_;
    if (span <= INT64_MAX - now) SetTimer(now + span);
  }
  if (active_metric_ != nullptr) active_metric_->Set(1);
  return (TransferId{transfer.generation} << 32) | slot;
}

[[gnu::noinline]] Bandwidth::TransferId Bandwidth::JoinOthers(Bytes size, int class_index,
                                                              BytesPerSecond own_cap) {
  SIM_REQUIRE(size >= Bytes(0) && size <= Bytes(kLargest) && own_cap >= BytesPerSecond(0));
  SIM_REQUIRE(class_index >= 0 && static_cast<size_t>(class_index) < classes_.size());
  Advance();
  const Slot slot = NewSlot();
  Transfer& transfer = transfers_[slot];
  transfer.size = size.count();
  transfer.class_index = static_cast<uint32_t>(class_index);
  transfer.capped = own_cap.count() < kFastest;
  if (__builtin_expect(transfer.capped, 0)) transfer.own_cap = own_cap.count();
  transfer.over = false;
  const TransferId id = (TransferId{transfer.generation} << 32) | slot;
  ++started_;
  offered_ += size.count();
  ++active_;
  Group& group = groups_[static_cast<size_t>(class_index)];
  Insert(slot, group);
  Plan();
  // Alone in its tier and class, a join slows the others down: unless it is the next to finish, a
  // timer that is set fires early enough.
  const bool only_slows = plain_ && timer_ && transfers_[slot].position != 0;
  if (!only_slows) Arm();
  ShowState();
  return id;
}

Bandwidth::Work Bandwidth::LeftOf(const Transfer& transfer) const {
  const int64_t span = Now().nanos() - advanced_to_;
  if (transfer.capped) return transfer.left - transfer.share * span;
  const Group& group = groups_[transfer.class_index];
  return group.heap[transfer.position].target - group.work - group.share * span;
}

Bytes Bandwidth::Left(TransferId id) const {
  const Slot slot = Find(id);
  if (slot == kNone || transfers_[slot].over) return Bytes(0);
  return Bytes(WholeBytes(LeftOf(transfers_[slot])));
}

int64_t Bandwidth::TakeBack(Slot slot) {
  const int64_t left = WholeBytes(LeftOf(transfers_[slot]));
  Leave(slot);
  ++taken_back_;
  cancelled_ += transfers_[slot].size;
  served_of_cancelled_ += transfers_[slot].size - left;
  FreeSlot(slot);
  return left;
}

Bytes Bandwidth::Cancel(TransferId id) {
  const Slot slot = Find(id);
  if (slot == kNone) return Bytes(0);
  if (transfers_[slot].over) {  // At this very instant; its turn to fire has not come.
    transfers_[slot].done = Callback();
    return Bytes(0);
  }
  Advance();
  const int64_t left = TakeBack(slot);
  Plan();
  Rearm();
  ShowState();
  return Bytes(left);
}

// After transfers left or shares changed.
void Bandwidth::Rearm() {
  if (active_ > 0) {
    Arm();
  } else if (timer_) {
    sim().Cancel(timer_);
    timer_ = EventId();
  }
}

int64_t Bandwidth::CancelAll() {
  Advance();
  const int64_t count = active_;
  for (Group& group : groups_) {
    while (!group.heap.empty()) TakeBack(group.heap.back().slot());
    while (!group.capped.empty()) TakeBack(group.capped.back());
  }
  for (Slot slot = firing_; slot != kNone; slot = transfers_[slot].next) {
    transfers_[slot].done = Callback();
  }
  Plan();
  Rearm();
  ShowState();
  return count;
}

void Bandwidth::SetCapacity(BytesPerSecond capacity) {
  SIM_REQUIRE(capacity >= BytesPerSecond(0));
  Advance();
  SettleAllowed();
  capacity_ = capacity;
  NoteCapacity();
  Plan();
  Rearm();
}

void Bandwidth::SetClassCap(int class_index, BytesPerSecond cap) {
  SIM_REQUIRE(class_index >= 0 && static_cast<size_t>(class_index) < classes_.size());
  SIM_REQUIRE(cap >= BytesPerSecond(0));
  Advance();
  classes_[static_cast<size_t>(class_index)].cap = cap;
  CountCapped(0);
  Plan();
  Rearm();
}

void Bandwidth::SetCredits(Bytes credits) {
  SIM_REQUIRE(has_credits_ && credits >= Bytes(0) && credits <= credits_config_.capacity);
  Advance();
  credits_ = kByte * credits.count();
  Plan();
  Rearm();
}

BytesPerSecond Bandwidth::RateInUse() const {
  return BytesPerSecond(static_cast<int64_t>(InUse() >> kFractionBits));
}

void Bandwidth::Audit() {
  Advance();
  SettleAllowed();
  SIM_CHECK(started_ == finished_ + taken_back_ + static_cast<uint64_t>(active_), "inv.I3",
            absl::StrCat(name(), ": started ", started_, ", finished ", finished_, ", cancelled ",
                         taken_back_, ", active ", active_));
  int64_t in_progress = 0;
  int64_t served = done_ + served_of_cancelled_;
  const auto add = [&](Slot slot) {
    in_progress += transfers_[slot].size;
    served += transfers_[slot].size - WholeBytes(LeftOf(transfers_[slot]));
  };
  Share shares = 0;
  for (const Group& group : groups_) {
    for (const HeapEntry& entry : group.heap) add(entry.slot());
    shares += group.share * static_cast<int64_t>(group.heap.size());
    for (const Slot slot : group.capped) {
      add(slot);
      shares += transfers_[slot].share;
    }
  }
  SIM_CHECK(offered_ == done_ + cancelled_ + in_progress, "inv.I3",
            absl::StrCat(name(), ": bytes offered ", offered_, ", done ", done_, ", cancelled ",
                         cancelled_, ", in progress ", in_progress));
  SIM_CHECK(shares == InUse() && shares <= ShareOf(EffectiveCapacity()), "inv.I6",
            absl::StrCat(name(), ": shares exceed the capacity"));
  const Wide allowed = allowed_ / 1'000'000'000;
  SIM_CHECK(Wide{served} <= allowed + static_cast<int64_t>(started_), "inv.I6",
            absl::StrCat(name(), ": served ", served, " bytes, the capacity allowed ",
                         static_cast<int64_t>(allowed)));
}

}  // namespace freshet
