// Where the time of a record went: milestones, and the waits and services between them.
//
// A StampTrail goes with a range of records that travel together. Whoever moves them on says for
// what the time since the last stamp was spent, and on the way to which milestone; time goes on
// only (inv. I1), so the segments sum to the whole, to the nanosecond. A join or a window takes the
// trail of the input that came last. A Waterfall adds up trails by record: what the report draws.
#ifndef FRESHET_SIM_STAMPS_H_
#define FRESHET_SIM_STAMPS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "absl/strings/string_view.h"
#include "sim/check.h"
#include "sim/hash.h"
#include "sim/metric.h"
#include "sim/time.h"

namespace freshet {

// In the order in which most records pass them.
enum class Milestone : uint8_t {
  kCreated,
  kSent,
  kAppended,
  kDurable,
  kFetched,
  kProcessed,
  kCommitted,
  kVisible
};
inline constexpr int kMilestoneCount = 8;

// What a wait was for; kNone is a service.
enum class WaitFor : uint8_t {
  kNone,
  kQueue,    // Its turn at a resource that was busy with others.
  kTimer,    // A timer: linger, a commit or refresh interval.
  kAck,      // An answer: replicas, a remote store, a coordinator.
  kBarrier,  // Something all must reach: a checkpoint barrier, a watermark, the end of a group.
  kQuota,    // A quota or a throttle.
  kFault,    // The end of a fault; the blocker is its id.
  kBackPressure,  // Room downstream.
  kPoll,          // The next poll of whoever reads.
  kBandwidth,     // Its share of a link, a card or a volume.
  kRetry,         // A back-off after a refusal.
  kOrder,         // An earlier one that must go first.
  kOffline,       // A connection: its device had none, or its source was late.
};
inline constexpr int kWaitForCount = 13;

// "durable", "back_pressure": snake_case, for files and reports.
absl::string_view NameOf(Milestone milestone);
absl::string_view NameOf(WaitFor why);

// One stretch of a trail.
struct Segment {
  Milestone until;       // The next milestone on the way.
  bool wait;             // A wait, or else a service.
  WaitFor why;           // kNone for a service.
  ComponentId resource;  // Who served, or at whom it waited.
  uint32_t blocker;      // The component or the fault that held it up, 0 when none is known.
  Duration length;

  bool SameKind(const Segment& other) const {
    return until == other.until && wait == other.wait && why == other.why &&
           resource == other.resource;
  }
  friend bool operator==(const Segment&, const Segment&) = default;
};

// A plain value, of which a copy moves only the segments that are there. Adjacent segments that
// differ in nothing but their length are one. A full trail adds to an earlier segment of the same
// kind; of a new kind it makes room by joining two others of one kind, or else adds to its last
// (then Lossy() says so): lengths are never lost.
template <int kCapacity = 16>
class StampTrail {
 public:
  StampTrail() {}
  // The records are created.
  explicit StampTrail(Time start) : start_(start), end_(start) {}
  StampTrail(const StampTrail& other) noexcept { CopyFrom(other); }
  StampTrail& operator=(const StampTrail& other) noexcept {
    if (this != &other) CopyFrom(other);
    return *this;
  }
  // A longer way is ahead.
  template <int kFewer>
  requires(kFewer < kCapacity) explicit StampTrail(const StampTrail<kFewer>& way) { CopyFrom(way); }

  // The time from End() to `now` was service by `resource`, or a wait at it. REQUIRES: now >=
  // End().
  void AddService(Time now, Milestone until, ComponentId resource) {
    AddSegment(now, until, false, WaitFor::kNone, resource, 0);
  }
  void AddWait(Time now, Milestone until, WaitFor why, ComponentId resource, uint32_t blocker = 0) {
    AddSegment(now, until, true, why, resource, blocker);
  }

  void AddSegment(Time now, Milestone until, bool wait, WaitFor why, ComponentId resource,
                  uint32_t blocker) {
    SIM_CHECK(now >= end_, "inv.I1", "a stamp lies before the one that it follows");
    SIM_REQUIRE(wait == (why != WaitFor::kNone));
    const Duration length = now - end_;
    end_ = now;
    if (size_ > 0) {
      Segment& last = segments_[size_ - 1];
      // One of no length says nothing unless it reaches a milestone.
      if (length == Duration::Zero() && last.until == until) return;
      if (last.resource == resource && last.blocker == blocker && last.until == until &&
          last.wait == wait && last.why == why) {
        last.length += length;
        return;
      }
    }
    if (__builtin_expect(size_ < kCapacity, 1)) {
      Segment& added = segments_[size_++];  // Filled in where it stands.
      added.until = until;
      added.wait = wait;
      added.why = why;
      added.resource = resource;
      added.blocker = blocker;
      added.length = length;
    } else {
      Absorb({until, wait, why, resource, blocker, length});
    }
  }

  Time Start() const { return start_; }
  Time End() const { return end_; }
  Duration Length() const { return end_ - start_; }
  // When `milestone` was reached for the last time; Time::Max() if it was not.
  Time TimeOf(Milestone milestone) const {
    Time at = start_;
    Time reached = milestone == Milestone::kCreated ? start_ : Time::Max();
    for (int i = 0; i < size_; ++i) {
      at += segments_[i].length;
      if (segments_[i].until == milestone) reached = at;
    }
    return reached;
  }

  int size() const { return size_; }
  const Segment& operator[](int index) const { return segments_[index]; }
  const Segment* begin() const { return segments_.data(); }
  const Segment* end() const { return segments_.data() + size_; }
  // Whether a segment stands for more than its label says.
  bool Lossy() const { return lossy_; }

 private:
  template <int kOther>
  friend class StampTrail;

  template <int kOther>
  void CopyFrom(const StampTrail<kOther>& other) {
    static_assert(kOther <= kCapacity);
    start_ = other.start_;
    end_ = other.end_;
    size_ = other.size_;
    lossy_ = other.lossy_;
    std::copy_n(other.segments_.data(), size_, segments_.data());
  }

  void Absorb(const Segment& added) {
    for (int i = size_; i-- > 0;) {
      if (segments_[i].SameKind(added)) {
        segments_[i].length += added.length;
        return;
      }
    }
    if (MakeRoom()) {
      segments_[size_++] = added;
    } else {
      segments_[size_ - 1].length += added.length;
      lossy_ = true;
    }
  }

  // Joins the last segment that is of an earlier one's kind to that one.
  bool MakeRoom() {
    for (int i = size_; i-- > 1;) {
      for (int earlier = i; earlier-- > 0;) {
        if (!segments_[earlier].SameKind(segments_[i])) continue;
        segments_[earlier].length += segments_[i].length;
        for (int next = i + 1; next < size_; ++next) segments_[next - 1] = segments_[next];
        --size_;
        return true;
      }
    }
    return false;
  }

  Time start_;
  Time end_;
  int32_t size_ = 0;
  bool lossy_ = false;
  // In a union, so that those which are not there are not written either.
  union {
    std::array<Segment, kCapacity> segments_;
  };
};

static_assert(std::is_trivially_destructible_v<StampTrail<>>);

// Trails added up, each as many times as it has records. The sum over the rows is the sum of the
// records' end-to-end times, exactly.
class Waterfall {
 public:
  struct Row {
    Milestone until;
    bool wait;
    WaitFor why;
    ComponentId resource;
    uint32_t blocker;     // Of the longest one; the smallest id if several are as long.
    __int128 total = 0;   // Nanoseconds x records.
    int64_t records = 0;  // Through such a segment; one counts twice if it passes two.
    int64_t max = 0;      // The longest of a single record, in nanoseconds.
    friend bool operator==(const Row&, const Row&) = default;
  };

  // `records` records took this trail. They need not all have been there from its start: `entered`
  // is the sum over the records of the time from the start to their own creation, which lies within
  // the first segment; end to end and in that segment they count that much less. REQUIRES: records
  // >= 0, 0 <= entered <= records * length of the first segment (0 without one).
  template <int kCapacity>
  void Add(const StampTrail<kCapacity>& trail, int64_t records, __int128 entered = 0) {
    AddSegments(trail.begin(), trail.size(), trail.Length(), records, entered);
  }

  void Merge(const Waterfall& other);

  // The way of one record: the first of those that it went with.
  struct Exemplar {
    std::vector<Segment> segments;  // In the order of time.
    Duration length;                // Their sum.
    int64_t records = 0;            // That went with it.
  };
  // That of the longest of all; without segments when there are no records.
  const Exemplar& Longest() const { return longest_; }
  // That at this share of the records, by length, of a sample of the trails; as above. REQUIRES: 0
  // < numerator <= denominator.
  Exemplar At(int64_t numerator, int64_t denominator) const;
  // How many trails the sample has: all while they are few, then about every second, fourth, eighth
  // ... of them, by a hash of its number.
  int64_t sampled() const { return static_cast<int64_t>(sample_.size()); }

  // Ordered by milestone, services before waits, reason and resource.
  std::vector<Row> Rows() const;
  int64_t records() const { return records_; }
  __int128 EndToEnd() const { return end_to_end_; }
  // inv.I1: the rows sum to the end-to-end time.
  void Audit() const;

  friend bool operator==(const Waterfall& a, const Waterfall& b) {
    return a.records_ == b.records_ && a.end_to_end_ == b.end_to_end_ && a.Rows() == b.Rows();
  }

 private:
  static uint64_t KeyOf(Milestone until, bool wait, WaitFor why, ComponentId resource) {
    return uint64_t{static_cast<uint8_t>(until)} << 56 | uint64_t{wait} << 48 |
           uint64_t{static_cast<uint8_t>(why)} << 40 | resource;
  }
  void AddSegments(const Segment* segments, int count, Duration length, int64_t records,
                   __int128 entered);
  // Sets the trail aside: it is the longest, or its turn in the sample has come.
  void SetAside(const Segment* segments, int count, Duration length, int64_t records);
  void Thin();
  // The index of the key's row, made when it is new.
  uint32_t RowOf(const Row& like, uint64_t key);
  void Rehash(size_t slots);

  std::vector<uint64_t> keys_;  // Beside `rows_`, in order of first use.
  std::vector<Row> rows_;
  std::vector<uint32_t> slots_;  // Row + 1, by linear probing on the key's hash; 0 is free.
  // The row of the segment that came last time after one of a row, at [row + 1], and of a trail's
  // first, at [0]: nearly always right.
  std::vector<uint32_t> next_ = {0};
  int64_t records_ = 0;
  __int128 end_to_end_ = 0;
  Exemplar longest_;
  std::vector<Exemplar> sample_;
  int64_t until_sampled_ = 1;  // Trails.
  uint64_t spacing_ = 1;       // On average, between two of the sample.
  uint64_t drawn_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SIM_STAMPS_H_
