// The pending events' keys in the order (time, priority, sequence).
//
// A radix wheel (11 levels of 64 buckets over the 63 bits of a time) with a short sorted run of the
// next events in front. A push goes into the run when it is earlier than the run's end and else to
// the bucket named by the highest digit in which it differs from the wheel's base: no comparison,
// no tuning to the increments. When the run is empty the earliest buckets are sorted into it; a
// bucket with many entries is first spread over the level below. Buckets are lists of chunks from a
// pool, so that steady state allocates nothing and a pending key costs 16 bytes.
//
// docs/decisions/0007-events-and-their-queue.md has what was turned down. Keys are unique, so no
// sort order depends on the library's algorithm.
#ifndef FRESHET_SIM_EVENT_QUEUE_H_
#define FRESHET_SIM_EVENT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace freshet::sim_internal {

struct QueueEntry {
  int64_t time;
  uint64_t order;  // priority:2 | sequence:38 | slot:24

  static constexpr int kSlotBits = 24;
  static constexpr int kSequenceBits = 38;
  static constexpr uint64_t kSlotMask = (uint64_t{1} << kSlotBits) - 1;
  static constexpr uint64_t kSequenceMask = (uint64_t{1} << kSequenceBits) - 1;

  static constexpr uint64_t Pack(unsigned priority, uint64_t sequence, uint32_t slot) {
    return (uint64_t{priority} << (kSequenceBits + kSlotBits)) | (sequence << kSlotBits) | slot;
  }
  uint32_t slot() const { return static_cast<uint32_t>(order & kSlotMask); }
  uint64_t sequence() const { return (order >> kSlotBits) & kSequenceMask; }
  unsigned priority() const { return static_cast<unsigned>(order >> (kSequenceBits + kSlotBits)); }

  friend bool operator<(const QueueEntry& a, const QueueEntry& b) {
    using Key = unsigned __int128;
    return ((Key{static_cast<uint64_t>(a.time)} << 64) | a.order) <
           ((Key{static_cast<uint64_t>(b.time)} << 64) | b.order);
  }
};
static_assert(sizeof(QueueEntry) == 16);

class EventQueue {
 public:
  EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // REQUIRES: entry.time >= 0, and not below the last popped entry's time.
  void Push(QueueEntry entry) {
    ++size_;
    if (entry.time < run_limit_) {
      PushIntoRun(entry);
    } else {
      PushIntoWheel(entry);
    }
  }

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // The next entry. REQUIRES: not empty. `prepare` is called with the slot of each entry that comes
  // into view, for prefetching.
  template <class Prepare>
  const QueueEntry& Front(Prepare&& prepare) {
    if (__builtin_expect(run_begin_ == run_end_, 0)) {
      Refill();
      for (const QueueEntry* entry = run_begin_; entry < run_end_; ++entry) prepare(entry->slot());
    }
    return *run_begin_;
  }
  void Pop() {
    --size_;
    ++run_begin_;
  }

  // As `prepare` of Front(), with the slot of the entry after the next, if it is in view.
  template <class Prepare>
  void LookAhead(Prepare&& prepare) const {
    if (run_end_ - run_begin_ > 1) prepare(run_begin_[1].slot());
  }

  // Drops the entries for which `stale` holds: cancelled events that would otherwise wait for their
  // time. O(size).
  template <class Stale>
  void Purge(Stale&& stale);

 private:
  static constexpr int kDigitBits = 6;
  static constexpr int kBuckets = 1 << kDigitBits;
  static constexpr int kLevels = 11;
  static constexpr size_t kChunkEntries = 31;
  // A bucket larger than this is spread over the level below before it is sorted.
  static constexpr size_t kLargestSortedBucket = 48;
  // Consecutive buckets are taken until the run has about this many.
  static constexpr size_t kRunTarget = 24;
  // A run that grew beyond this by insertions gives its later half back to the wheel.
  static constexpr size_t kLongestRun = 128;
  // Up to this length the front gives way to an insertion; above, the side with less to move.
  static constexpr size_t kShortRun = 48;
  // Entries that an insertion searches and moves at a time.
  static constexpr size_t kStride = 4;
  // Left free before a new run: insertions before the first pop.
  static constexpr size_t kFrontRoom = 8;

  struct Chunk {
    Chunk* next;
    QueueEntry entries[kChunkEntries];
  };
  struct Bucket {
    Chunk* head = nullptr;
    Chunk* tail = nullptr;
    uint32_t count = 0;    // Entries in all chunks; every chunk but the tail is full.
    uint32_t in_tail = 0;  // Of these in the last one.
  };

  // How many entries may still be appended; a stride behind them may be written and put back.
  size_t RoomBehind() const {
    return static_cast<size_t>(room_.data() + room_.size() - run_end_) - kStride;
  }
  void PushIntoRun(QueueEntry entry);
  void PushTowardsFront(QueueEntry entry);
  void PushAnywhere(QueueEntry entry);
  void PushIntoWheel(QueueEntry entry);
  void MakeRoom(size_t more);
  void ShortenRun();
  void LowerBase(int64_t base);
  void Refill();
  void TakeIntoRun(Bucket& bucket);
  void Spread(int level, int index);
  Bucket Detach(int level, int index);
  Chunk* NewChunk();
  void FreeChunk(Chunk* chunk);
  template <class Visit>
  void ForEachAndFree(Bucket bucket, Visit&& visit);

  // The run is [run_begin_, run_end_) within `room_`, with space before and behind.
  std::vector<QueueEntry> room_;
  QueueEntry* run_begin_ = nullptr;
  QueueEntry* run_end_ = nullptr;
  int64_t run_limit_ = 0;  // Entries below it are in the run, the others in the wheel.
  int64_t base_ = 0;       // The wheel's digits are taken against it; nothing in it is below.
  size_t size_ = 0;
  uint32_t level_mask_ = 0;
  uint64_t bucket_mask_[kLevels] = {};
  Bucket buckets_[kLevels][kBuckets];
  Chunk* free_chunks_ = nullptr;
  std::vector<std::unique_ptr<Chunk[]>> slabs_;
};

template <class Visit>
void EventQueue::ForEachAndFree(Bucket bucket, Visit&& visit) {
  size_t left = bucket.count;
  for (Chunk* chunk = bucket.head; chunk != nullptr;) {
    const size_t here = left < kChunkEntries ? left : kChunkEntries;
    for (size_t i = 0; i < here; ++i) visit(chunk->entries[i]);
    left -= here;
    Chunk* next = chunk->next;
    FreeChunk(chunk);
    chunk = next;
  }
}

template <class Stale>
void EventQueue::Purge(Stale&& stale) {
  QueueEntry* kept = run_begin_;
  for (const QueueEntry* entry = run_begin_; entry < run_end_; ++entry) {
    if (!stale(*entry)) *kept++ = *entry;
  }
  size_ -= static_cast<size_t>(run_end_ - kept);
  run_end_ = kept;
  for (int level = 0; level < kLevels; ++level) {
    for (uint64_t left = bucket_mask_[level]; left != 0; left &= left - 1) {
      ForEachAndFree(Detach(level, __builtin_ctzll(left)), [&](const QueueEntry& entry) {
        if (stale(entry)) {
          --size_;
        } else {
          PushIntoWheel(entry);  // Back into the same bucket: the base has not moved.
        }
      });
    }
  }
}

}  // namespace freshet::sim_internal

#endif  // FRESHET_SIM_EVENT_QUEUE_H_
