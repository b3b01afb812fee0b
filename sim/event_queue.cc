#include "sim/event_queue.h"

#include <algorithm>

namespace freshet::sim_internal {

EventQueue::EventQueue() { run_.reserve(4 * kLongestRun); }

void EventQueue::PushIntoRun(QueueEntry entry) {
  if (run_head_ >= 2 * kLongestRun) {  // Keep a run that never empties from growing at its back.
    run_.erase(run_.begin(), run_.begin() + static_cast<std::ptrdiff_t>(run_head_));
    run_head_ = 0;
  }
  // From the back: most insertions are among the last, and equal times arrive in sequence.
  size_t position = run_.size();
  run_.push_back(entry);
  while (position > run_head_ && entry < run_[position - 1]) {
    run_[position] = run_[position - 1];
    --position;
  }
  run_[position] = entry;
  if (run_.size() - run_head_ > kLongestRun) ShortenRun();
}

void EventQueue::ShortenRun() {
  const size_t middle = run_head_ + (run_.size() - run_head_) / 2;
  const int64_t split = run_[middle].time;
  // All at one instant: they pop in order and later ones append, so a long run costs nothing.
  if (run_[run_head_].time == split) return;
  size_t first = middle;
  while (run_[first - 1].time == split) --first;
  run_limit_ = split;
  if (split < base_) LowerBase(split);
  for (size_t i = first; i < run_.size(); ++i) PushIntoWheel(run_[i]);
  run_.resize(first);
}

// The base is the start of the last bucket that went into the run, and the run may give back what lies
// before it. What differs from the new base in a higher digit than from the old one moves up.
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
  const int level = difference == 0 ? 0 : (63 - __builtin_clzll(difference)) / kDigitBits;
  const int index = static_cast<int>(entry.time >> (level * kDigitBits)) & (kBuckets - 1);
  Bucket& bucket = buckets_[level][index];
  const size_t offset = bucket.count % kChunkEntries;
  if (offset == 0) {
    Chunk* chunk = NewChunk();
    if (bucket.count == 0) {
      bucket.head = chunk;
      bucket_mask_[level] |= uint64_t{1} << index;
      level_mask_ |= uint32_t{1} << level;
    } else {
      bucket.tail->next = chunk;
    }
    bucket.tail = chunk;
  }
  bucket.tail->entries[offset] = entry;
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
  const size_t first = run_.size();
  ForEachAndFree(bucket, [this](const QueueEntry& entry) { run_.push_back(entry); });
  QueueEntry* const begin = run_.data() + first;
  QueueEntry* const end = run_.data() + run_.size();
  if (end - begin > 32) {
    std::sort(begin, end);
    return;
  }
  for (QueueEntry* next = begin + 1; next < end; ++next) {
    const QueueEntry entry = *next;
    QueueEntry* hole = next;
    while (hole > begin && entry < hole[-1]) {
      *hole = hole[-1];
      --hole;
    }
    *hole = entry;
  }
}

void EventQueue::Refill() {
  run_.clear();
  run_head_ = 0;
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
    } while (run_.size() + buckets_[level][index].count <= kRunTarget);
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
