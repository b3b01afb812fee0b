// Bandwidth shared by those who use it at the moment: a network card, a volume, an object store.
//
// A transfer joins, is served as a fluid at its fair share, and fires its callback when its last
// byte has passed. Shares are max-min fair: tiers are served in order (a lower tier number first,
// the others get what is left), within a tier classes share in proportion to weight x transfers in
// progress of the class, no class beyond its cap, no transfer beyond its own cap; what a capped one
// leaves goes to the others. With one class and no caps this is processor sharing, in O(log n) a
// transfer.
//
// Capacity may be two numbers: a baseline that always holds, and a burst that holds while credits
// last (credits refill at the baseline's unused rate, in bytes): EBS and network of small cloud
// instances (calibration: "two numbers, baseline and burst, with credits").
//
// A burst begins when credits for a millisecond of it are there, and ends in an event of its own at
// the moment they run dry; so a bucket that hovers at zero costs no more than one event a
// millisecond.
//
// Bytes are exact: inv.I6 bytes served <= integral of capacity (+ rounding of one byte a transfer),
// inv.I3 in = done + in progress + cancelled, in transfers and in bytes. A transfer's finish is
// rounded up to a nanosecond. Everything is integer: a share is cut at 2^-30 bytes per second, and
// what the cuts add up to in a transfer of an hour is forgiven at its end (2^-18 of a byte).
//
// Cost: a transfer alone is one event. One that joins re-arms nothing unless it will finish first:
// the timer fires early once and is set again. Where classes or caps matter, every join and leave
// re-plans in O(classes + transfers with a cap of their own).
//
// Left out: latency, packets, the ramp of a congestion window. Rates beyond 2^46 bytes per second
// (70 TB/s) count as that; a transfer is 2^50 bytes (1 PiB) at most, and no more than 2^24 are in
// progress at once.
#ifndef FRESHET_SIM_BANDWIDTH_H_
#define FRESHET_SIM_BANDWIDTH_H_

#include <cstdint>
#include <new>
#include <vector>

#include "sim/callback.h"
#include "sim/component.h"
#include "sim/metric.h"
#include "sim/units.h"

namespace freshet {

class alignas(64) Bandwidth : public Component {
 public:
  struct Class {
    int tier = 0;
    int64_t weight = 1;
    BytesPerSecond cap = BytesPerSecond(INT64_MAX);
  };
  struct Credits {
    BytesPerSecond baseline;  // What holds without credits.
    Bytes capacity;           // The bucket; a byte above the baseline costs one.
    Bytes initial;
  };
  struct Config {
    BytesPerSecond capacity;  // The burst rate where credits are given.
    std::vector<Class> classes = {Class()};
    bool has_credits = false;
    Credits credits;
    bool metrics = true;  // Without, it registers none of the metrics below; the audits stay.
  };

  static constexpr MetricDef kBytes = {"bandwidth.bytes", MetricKind::kCounter, MetricUnit::kBytes,
                                       "Bytes whose transfer finished."};
  static constexpr MetricDef kActive = {"bandwidth.active", MetricKind::kGauge, MetricUnit::kCount,
                                        "Transfers in progress."};
  // Registered only where there are credits.
  static constexpr MetricDef kCredits = {
      "bandwidth.credits", MetricKind::kGauge, MetricUnit::kBytes,
      "BandwidthBurst credits left, as of the last transfer that began or ended."};

  // A transfer in progress; 0 is none.
  using TransferId = uint64_t;

  Bandwidth(Simulation& sim, absl::string_view name, const Config& config);

  // Starts a transfer of `size` bytes. `done` fires once, never re-entrantly, also for size 0.
  // Those that end at one instant fire in the order of class, end and start.
  // REQUIRES: 0 <= size <= 2^50, class_index within the classes.
  template <class Done>
  TransferId Start(Bytes size, const Done& done, int class_index = 0,
                   BytesPerSecond own_cap = BytesPerSecond(INT64_MAX)) {
    const TransferId id = Join(size, class_index, own_cap);
    new (&transfers_[static_cast<Slot>(id)].done) Callback(done);  // As in Station::Serve().
    return id;
  }
  // Takes it back; `done` will not fire, even if the last byte passed at this very instant. Returns
  // the bytes not yet served, 0 if it is over.
  Bytes Cancel(TransferId id);
  // Cancels everything in progress: a crash. Returns the number.
  int64_t CancelAll();

  // Fault verbs: throttle (a cap on the whole) and cut (0). Transfers in progress slow down.
  void SetCapacity(BytesPerSecond capacity);
  BytesPerSecond capacity() const { return capacity_; }
  // A throttle on one class, such as a limit on replication.
  void SetClassCap(int class_index, BytesPerSecond cap);
  // What holds for ever: the baseline where there are credits, else the capacity.
  BytesPerSecond SustainedCapacity() const;
  Bytes CreditsLeft() const;
  // REQUIRES: the configuration has credits; 0 <= credits <= their capacity.
  void SetCredits(Bytes credits);

  int64_t active() const { return active_; }
  bool IsActive(TransferId id) const { return Find(id) != kNone; }
  // Bytes of a transfer still to be served, rounded up; 0 if it is over.
  Bytes Left(TransferId id) const;
  // What all transfers together get at the moment, rounded down.
  BytesPerSecond RateInUse() const;

  // The terms of inv.I3: bytes offered = bytes done + in progress + cancelled.
  Bytes offered() const { return Bytes(offered_); }
  Bytes done() const { return Bytes(done_); }
  Bytes cancelled() const { return Bytes(cancelled_); }

 private:
  friend class BandwidthTestPeer;  // Breaks what the audits must notice.

  using Slot = uint32_t;
  static constexpr Slot kNone = UINT32_MAX;
  // Work is counted in 2^-30 billionths of a byte and a share in 2^-30 bytes per second, so that
  // share x nanoseconds is work, without a division.
  using Work = __int128;
  using Share = __int128;

  // What one without an own cap needs is in the first cache line.
  struct alignas(64) Transfer {
    Callback done;
    int64_t size;
    uint32_t generation;
    uint32_t class_index;
    uint32_t position;  // In the group's heap, or in its list of capped ones.
    Slot next;          // In the free list, or among the finished of one event.
    bool capped;
    bool over;  // All served; only its callback has still to fire.
    // Of one with an own cap.
    int64_t own_cap;
    Work left;
    Share share;
  };
  static constexpr int kSlotBits = 24;
  struct HeapEntry {
    Work target;  // Where the group's work will stand at its end.
    // Order of their start, for equal targets are first come, first served, and the slot. A run's
    // events are fewer than the 2^40 that fit.
    uint64_t order_slot;
    Slot slot() const { return static_cast<Slot>(order_slot & ((1u << kSlotBits) - 1)); }
    friend bool operator<(const HeapEntry& a, const HeapEntry& b) {
      return a.target != b.target ? a.target < b.target : a.order_slot < b.order_slot;
    }
  };
  // The transfers of one class. Those without an own cap have the same share at any moment, so one
  // number, the work done for each since the group was last empty, tells where all of them are.
  struct alignas(64) Group {
    Work work = 0;
    Share share = 0;
    std::vector<HeapEntry> heap;  // Without an own cap; next to finish first.
    std::vector<Slot> capped;     // With one; ascending cap.
    // Scratch of a plan.
    Share taken = 0;
    size_t next_capped = 0;
    int64_t open = 0;
  };

  // Start() but for what is to fire.
  TransferId Join(Bytes size, int class_index, BytesPerSecond own_cap);
  TransferId JoinOthers(Bytes size, int class_index, BytesPerSecond own_cap);
  bool EndAlone();
  void EndAmongOthers();
  Slot Find(TransferId id) const;
  void CountCapped(int change);
  Slot NewSlot();
  Slot GrowSlots();
  void FreeSlot(Slot slot);
  void Place(Group& group, size_t position, const HeapEntry& entry);
  void SiftUp(Group& group, size_t position, HeapEntry entry);
  void SiftDown(Group& group, size_t position, HeapEntry entry);
  void PopFront(Group& group);
  void Leave(Slot slot);
  void Insert(Slot slot, Group& group);
  void InsertCapped(Slot slot, Group& group);
  void Rebase(Group& group);
  void End(Slot slot, Slot* last);
  void EndOf(Group& group, Slot* last);
  void EndApart();
  int64_t TakeBack(Slot slot);

  void Advance();
  void AdvanceApart(int64_t span);
  void SettleAllowed();
  int64_t EffectiveCapacity() const;
  void NoteCapacity();
  Share InUse() const;
  void Plan();
  void PlanTier(const std::vector<uint32_t>& tier, Share& left);
  void SetShares(Group& group, Share share);
  void PlanApart();
  void Arm();
  void ArmApart();
  void ArmIn(Work nanos);
  void SetTimer(int64_t at);
  void Rearm();
  void OnTimer();
  void ShowState();
  void ShowCredits();
  Work LeftOf(const Transfer& transfer) const;
  void Audit();

  // First what every transfer touches.
  bool plain_ = false;  // One class without a cap, nobody with an own one, no credits: all alike.
  bool bursting_ = true;
  const bool has_credits_;
  Slot free_ = kNone;
  Slot firing_ = kNone;  // Those whose callbacks are to fire in the running event.
  int64_t active_ = 0;
  int64_t advanced_to_ = 0;
  EventId timer_;
  int64_t timer_at_ = 0;
  std::vector<Group> groups_;
  std::vector<Transfer> transfers_;
  uint64_t next_order_ = 0;
  Share all_ = 0;     // EffectiveCapacity() as a share ...
  int64_t rate_ = 0;  // ... and as it is.
  BytesPerSecond capacity_;
  int64_t offered_ = 0;
  int64_t done_ = 0;
  uint64_t started_ = 0;
  uint64_t finished_ = 0;
  Counter* bytes_metric_ = nullptr;
  Gauge* active_metric_ = nullptr;
  Gauge* credits_metric_ = nullptr;

  std::vector<Class> classes_;
  std::vector<std::vector<uint32_t>> tiers_;  // Class indices, the first served first.
  const Credits credits_config_;
  int64_t capped_ = 0;
  Share in_use_ = 0;  // Kept where InUse() is not a product of two.
  Work credits_ = 0;
  int64_t cancelled_ = 0;
  int64_t served_of_cancelled_ = 0;
  uint64_t taken_back_ = 0;
  __int128 allowed_ = 0;  // Integral of what capacity and credits allowed, in billionths of a byte,
  int64_t allowed_to_ = 0;  // until then.
};

// What a provider grants above a baseline. Without credits (0) there is no burst.
struct BandwidthBurst {
  BytesPerSecond rate;
  Bytes credits;  // The bucket; a byte above the baseline costs one.
  Bytes initial;  // Of them, at the start.
};

// One class that bursts above `baseline`. REQUIRES: without a burst nothing, else
// burst.rate >= baseline and burst.initial <= burst.credits.
Bandwidth::Config BurstableBandwidth(BytesPerSecond baseline, const BandwidthBurst& burst);

}  // namespace freshet

#endif  // FRESHET_SIM_BANDWIDTH_H_
