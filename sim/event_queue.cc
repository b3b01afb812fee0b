#include "sim/event_queue.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace freshet::sim_internal {

namespace {

// The digit in which a bit lies.
constexpr std::array<uint8_t, 64> kLevelOfBit = [] {
  std::array<uint8_t, 64> levels{};
  for (size_t bit = 0; bit < levels.size(); ++bit) levels[bit] = static_cast<uint8_t>(bit / 6);
  return levels;
}();

}  // namespace

EventQueue::EventQueue() : room_(4 * kLongestRun) {
  run_begin_ = room_.data() + kFrontRoom;
  run_end_ = run_begin_;
}

// For `more` entries behind the run and for as many before it as it has, so that a move, or a
// larger room, is paid for by the pushes and pops that used the space up.
void EventQueue::MakeRoom(size_t more) {
  const auto count = static_cast<size_t>(run_end_ - run_begin_);
  const size_t before = kFrontRoom + count;
  const size_t needed = before + count + more + kStride;
  if (2 * needed > room_.size()) {
    std::vector<QueueEntry> larger(4 * needed);
    std::copy(run_begin_, run_end_, larger.data() + before);
    room_.swap(larger);
  } else {
    std::memmove(room_.data() + before, run_begin_, count * sizeof(QueueEntry));
  }
  run_begin_ = room_.data() + before;
  run_end_ = run_begin_ + count;
}

void EventQueue::PushIntoRun(QueueEntry entry) {
  const auto count = static_cast<size_t>(run_end_ - run_begin_);
  if (__builtin_expect(count - 1 < kShortRun && run_begin_ != room_.data() && entry < run_end_[-1],
                       1)) {
    PushTowardsFront(entry);
  } else {
    PushAnywhere(entry);
  }
}

// What is earlier moves one place to the front. Where a new entry belongs is anybody's guess, so
// each decision about it would cost a misprediction: the walk takes one for four entries, and what
// is left of the search follows from it without any.
inline void EventQueue::PushTowardsFront(QueueEntry entry) {
  static_assert(kStride == 4);
  QueueEntry* stride = run_begin_;
  QueueEntry* const end = run_end_;
  for (; end - stride >= ptrdiff_t{kStride} && stride[3] < entry; stride += kStride) {
    stride[-1] = stride[0];
    stride[0] = stride[1];
    stride[1] = stride[2];
    stride[2] = stride[3];
  }
  // Behind the run: later than anything.
  if (end - stride < ptrdiff_t{kStride}) {
    for (size_t i = 0; i < kStride - 1; ++i) end[i] = {INT64_MAX, UINT64_MAX};
  }
  QueueEntry* hole = stride;
  for (size_t i = 0; i < kStride - 1; ++i) hole += stride[i] < entry ? 1 : 0;
  // All three move, and those that are not earlier are put back.
  QueueEntry kept[kStride - 1];
  std::memcpy(kept, hole, sizeof(kept));
  stride[-1] = stride[0];
  stride[0] = stride[1];
  stride[1] = stride[2];
  std::memcpy(hole, kept, sizeof(kept));
  hole[-1] = entry;
  --run_begin_;
}

void EventQueue::PushAnywhere(QueueEntry entry) {
  if (RoomBehind() == 0 || run_begin_ == room_.data()) MakeRoom(1);
  const auto count = static_cast<size_t>(run_end_ - run_begin_);
  if (count == 0 || run_end_[-1] < entry) {
    *run_end_++ = entry;
  } else if (count <= kShortRun || entry < run_begin_[count / 2]) {
    PushTowardsFront(entry);
  } else {
    QueueEntry* hole = run_end_++;
    for (; entry < hole[-1]; --hole) *hole = hole[-1];
    *hole = entry;
  }
  if (count >= kLongestRun) ShortenRun();
}

void EventQueue::ShortenRun() {
  // What is all at one instant pops in order and more of it appends: a long run of it costs
  // nothing.
  if (run_begin_->time == run_end_[-1].time) return;
  const auto earlier = [](const QueueEntry& entry, int64_t time) { return entry.time < time; };
  int64_t split = run_begin_[(run_end_ - run_begin_) / 2].time;
  if (split == run_begin_->time) ++split;
  QueueEntry* const first = std::lower_bound(run_begin_, run_end_, split, earlier);
  run_limit_ = split;
  if (split < base_) LowerBase(split);
  for (const QueueEntry* given = first; given < run_end_; ++given) PushIntoWheel(*given);
  run_end_ = first;
}

// The base is the start of the last bucket that went into the run, and the run may give back what
// lies before it. What differs from the new base in a higher digit than from the old one moves up.
void EventQueue::LowerBase(int64_t base) {
  const uint64_t difference = static_cast<uint64_t>(base ^ base_);
  const int level = (63 - __builtin_clzll(difference)) / kDigitBits;
  base_ = base;
  for (int below = 0; below < level; ++below) {
    for (uint64_t left = bucket_mask_[below]; left != 0; left &= left - 1) {
      ForEachAndFree(Detach(below, __builtin_ctzll(left)),
                     [this](const QueueEntry& entry) { PushIntoWheel(entry); });
    }
  }
}

void EventQueue::PushIntoWheel(QueueEntry entry) {
  const uint64_t difference = static_cast<uint64_t>(entry.time ^ base_);
  const int level = kLevelOfBit[63 - __builtin_clzll(difference | 1)];
  const int index = static_cast<int>(entry.time >> (level * kDigitBits)) & (kBuckets - 1);
  Bucket& bucket = buckets_[level][index];
  uint32_t offset = bucket.in_tail;
  if (__builtin_expect(bucket.tail == nullptr || offset == kChunkEntries, 0)) {
    Chunk* chunk = NewChunk();
    if (bucket.tail == nullptr) {
      bucket.head = chunk;
      bucket_mask_[level] |= uint64_t{1} << index;
      level_mask_ |= uint32_t{1} << level;
    } else {
      bucket.tail->next = chunk;
    }
    bucket.tail = chunk;
    offset = 0;
  }
  bucket.tail->entries[offset] = entry;
  bucket.in_tail = offset + 1;
  ++bucket.count;
}

EventQueue::Bucket EventQueue::Detach(int level, int index) {
  const Bucket bucket = buckets_[level][index];
  buckets_[level][index] = Bucket();
  bucket_mask_[level] &= ~(uint64_t{1} << index);
  if (bucket_mask_[level] == 0) level_mask_ &= ~(uint32_t{1} << level);
  return bucket;
}

void EventQueue::Spread(int level, int index) {
  // The bucket's own start becomes the base: its entries differ from it in lower digits only, and
  // all other buckets lie behind it at the digit they lay at before.
  const int shift = level * kDigitBits;
  const uint64_t below = (uint64_t{1} << shift) - 1;
  const Bucket bucket = Detach(level, index);
  const uint64_t digits = static_cast<uint64_t>(bucket.head->entries[0].time);
  base_ = static_cast<int64_t>(digits & ~below);
  ForEachAndFree(bucket, [this](const QueueEntry& entry) { PushIntoWheel(entry); });
}

void EventQueue::TakeIntoRun(Bucket& bucket) {
  if (RoomBehind() < bucket.count) MakeRoom(bucket.count);
  QueueEntry* const begin = run_end_;
  if (bucket.count > 32) {
    ForEachAndFree(bucket, [this](const QueueEntry& entry) { *run_end_++ = entry; });
    std::sort(begin, run_end_);  // tidy: allowed, because sequences make keys unique.
    return;
  }
  ForEachAndFree(bucket, [this, begin](const QueueEntry& entry) {
    QueueEntry* hole = run_end_++;
    for (; hole > begin && entry < hole[-1]; --hole) *hole = hole[-1];
    *hole = entry;
  });
}

void EventQueue::Refill() {
  run_begin_ = room_.data() + kFrontRoom;
  run_end_ = run_begin_;
  while (true) {
    const int level = __builtin_ctz(level_mask_);
    const int first = __builtin_ctzll(bucket_mask_[level]);
    if (level > 0 && buckets_[level][first].count > kLargestSortedBucket) {
      Spread(level, first);
      continue;
    }
    // Buckets of one level lie behind one another in time: take neighbours until the run is full
    // enough to be worth the trip.
    const int shift = level * kDigitBits;
    int index = first;
    do {
      Bucket bucket = Detach(level, index);
      const uint64_t digits = static_cast<uint64_t>(bucket.head->entries[0].time);
      const uint64_t start = (digits >> shift) << shift;
      TakeIntoRun(bucket);
      base_ = static_cast<int64_t>(start);
      // Unsigned, since the last bucket of the top level ends at 2^63.
      const uint64_t limit = start + (uint64_t{1} << shift);
      run_limit_ = limit > INT64_MAX ? INT64_MAX : static_cast<int64_t>(limit);
      if (bucket_mask_[level] == 0) break;
      index = __builtin_ctzll(bucket_mask_[level]);
    } while (static_cast<size_t>(run_end_ - run_begin_) + buckets_[level][index].count <=
             kRunTarget);
    return;
  }
}

EventQueue::Chunk* EventQueue::NewChunk() {
  if (free_chunks_ == nullptr) {
    constexpr size_t kSlab = 64;
    slabs_.push_back(std::make_unique<Chunk[]>(kSlab));
    for (size_t i = kSlab; i-- > 0;) FreeChunk(&slabs_.back()[i]);
  }
  Chunk* chunk = free_chunks_;
  free_chunks_ = chunk->next;
  chunk->next = nullptr;
  return chunk;
}

void EventQueue::FreeChunk(Chunk* chunk) {
  chunk->next = free_chunks_;
  free_chunks_ = chunk;
}

}  // namespace freshet::sim_internal
