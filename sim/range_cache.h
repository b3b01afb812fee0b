// A cache of byte ranges of streams: which bytes of which partition are at hand, least recently
// used out first. A page cache, a broker's cache of blocks, a consumer's prefetch.
//
// A key is (stream, [from, to)). What is inserted or looked up becomes most recently used, as a
// range; eviction takes bytes from the low end of the least recently used range, exactly as many as
// the capacity demands, so old data of an append-only stream goes first and no byte is counted
// twice. An insertion right behind a range of the same stream extends it up to `grain` bytes, which
// bounds the number of ranges; a range ages as a whole.
//
// A plain value without a clock: its owner says when, and records what it wants. Contents are not
// kept. Left out: admission rules, second chances, write-back.
#ifndef FRESHET_SIM_RANGE_CACHE_H_
#define FRESHET_SIM_RANGE_CACHE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "sim/units.h"

namespace freshet {

class RangeCache {
 public:
  using StreamId = uint64_t;

  // Part of a range that was asked for.
  struct Piece {
    int64_t from;
    int64_t to;
    bool hit;
    friend bool operator==(const Piece&, const Piece&) = default;
  };

  // REQUIRES: capacity >= 0, grain >= 0.
  explicit RangeCache(Bytes capacity, Bytes grain = Bytes(0));

  // The bytes are at hand from now on, most recently used; more than the capacity keeps their end.
  // REQUIRES: 0 <= from <= to.
  void Insert(StreamId stream, int64_t from, int64_t to);
  // Which bytes are at hand; the ranges they lie in become most recently used. Returns the bytes
  // hit; appends the pieces of [from, to), in order and alternating, unless `pieces` is null.
  // REQUIRES: 0 <= from <= to.
  Bytes Lookup(StreamId stream, int64_t from, int64_t to, std::vector<Piece>* pieces = nullptr);
  // The same, and nothing changes its age.
  Bytes Peek(StreamId stream, int64_t from, int64_t to) const;
  // Forgets a part of a stream (a truncation), or all (a restart).
  void Erase(StreamId stream, int64_t from, int64_t to);
  void Clear();
  // Evicts at once what is too much. REQUIRES: capacity >= 0.
  void SetCapacity(Bytes capacity);

  Bytes capacity() const { return capacity_; }
  Bytes bytes() const { return Bytes(bytes_); }
  size_t ranges() const { return ranges_.size(); }
  // inv.I3: inserted (without what was there already) = held + evicted + erased.
  Bytes inserted() const { return Bytes(inserted_); }
  Bytes evicted() const { return Bytes(evicted_); }
  Bytes erased() const { return Bytes(erased_); }
  // Walks everything: ranges disjoint and not empty, bytes exact, the order of use complete.
  void Audit() const;
  // For audits that come again and again: the sums each time, the walk once for every kAuditShare
  // ranges, so that an audit costs no more where there are many. A broken cache stays broken, and
  // `last` walks whatever the turn.
  void AuditInTurn(bool last);

 private:
  friend class RangeCacheTestPeer;  // Breaks what the audit must notice.

  using Slot = uint32_t;
  static constexpr Slot kNone = UINT32_MAX;
  // Streams that share an entry of `last_` take it from one another.
  static constexpr size_t kLastEntries = 1024;
  using Key = std::pair<StreamId, int64_t>;  // Stream and low end.
  using Map = absl::btree_map<Key, Slot>;

  struct Range {
    StreamId stream;
    int64_t from;
    int64_t to;
    Slot newer;
    Slot older;
  };

  static constexpr size_t kAuditShare = 256;

  void AuditSums() const;
  Slot Add(StreamId stream, int64_t from, int64_t to);
  void Unlink(Slot slot);
  void LinkNewest(Slot slot);
  void Remove(Map::iterator at);
  // The first range of the stream that ends behind `from`; may belong to another stream or be
  // end().
  Map::const_iterator FirstBehind(StreamId stream, int64_t from) const;
  int64_t CutOut(StreamId stream, int64_t from, int64_t to);
  void Evict();
  // The last range of the stream if that is known, else kNone.
  Slot LastOf(StreamId stream) const {
    const Slot slot = last_[stream % kLastEntries];
    return slot != kNone && pool_[slot].stream == stream ? slot : kNone;
  }
  void MakeNewest(Slot slot) {
    if (slot == newest_) return;
    Unlink(slot);
    LinkNewest(slot);
  }

  Bytes capacity_;
  int64_t grain_;
  Map ranges_;
  std::vector<Range> pool_;
  std::vector<Slot> free_;
  // Appends and reads at the end of a stream find its last range here, without a look-up.
  std::vector<Slot> last_ = std::vector<Slot>(kLastEntries, kNone);
  Slot newest_ = kNone;
  Slot oldest_ = kNone;
  int64_t bytes_ = 0;
  int64_t inserted_ = 0;
  int64_t evicted_ = 0;
  int64_t erased_ = 0;
  size_t audited_ = 0;  // Ranges that audits without a walk stand for.
};

}  // namespace freshet

#endif  // FRESHET_SIM_RANGE_CACHE_H_
