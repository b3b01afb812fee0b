// The blocks of files that a leaderless broker has in memory: a number of them, least recently used
// out first, and none longer than its time to live.
//
// A plain value without a clock: its owner says when. Contents are not kept.
#ifndef FRESHET_MODELS_BROKER_BLOCK_CACHE_H_
#define FRESHET_MODELS_BROKER_BLOCK_CACHE_H_

#include <compare>
#include <cstdint>

#include "absl/container/btree_map.h"
#include "models/broker/file_set.h"

namespace freshet {

// A file, and which of its blocks.
struct BlockKey {
  FileId file;
  uint64_t index;
  friend auto operator<=>(const BlockKey&, const BlockKey&) = default;
};

class BlockCache {
 public:
  BlockCache(int64_t most_blocks, Duration time_to_live)
      : most_blocks_(most_blocks), time_to_live_(time_to_live) {}

  // Whether the block is there; then it is the most recently used.
  bool Touch(BlockKey key, Time now) {
    const auto entry = blocks_.find(key);
    if (entry == blocks_.end()) return false;
    if (entry->second.until <= now) {
      Remove(entry);
      return false;
    }
    by_use_.erase(entry->second.used);
    entry->second.used = next_use_++;
    by_use_[entry->second.used] = key;
    return true;
  }
  // It is there from now on, anew if it was.
  void Insert(BlockKey key, Bytes size, Time now) {
    if (const auto entry = blocks_.find(key); entry != blocks_.end()) Remove(entry);
    blocks_[key] = {size, now + time_to_live_, next_use_};
    by_use_[next_use_++] = key;
    bytes_ += size;
    // What has expired goes when it is the oldest, at the latest.
    while (static_cast<int64_t>(blocks_.size()) > most_blocks_ || OldestIsOver(now)) {
      Remove(blocks_.find(by_use_.begin()->second));
    }
  }
  void Clear() {
    blocks_.clear();
    by_use_.clear();
    bytes_ = Bytes(0);
  }

  Bytes bytes() const { return bytes_; }
  size_t size() const { return blocks_.size(); }

 private:
  struct Block {
    Bytes size;
    Time until;
    uint64_t used;
  };
  using Blocks = absl::btree_map<BlockKey, Block>;

  bool OldestIsOver(Time now) const {
    return !by_use_.empty() && blocks_.at(by_use_.begin()->second).until <= now;
  }
  void Remove(Blocks::iterator entry) {
    by_use_.erase(entry->second.used);
    bytes_ -= entry->second.size;
    blocks_.erase(entry);
  }

  const int64_t most_blocks_;
  const Duration time_to_live_;
  Blocks blocks_;
  absl::btree_map<uint64_t, BlockKey> by_use_;  // From the least recent.
  uint64_t next_use_ = 1;
  Bytes bytes_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_BLOCK_CACHE_H_
