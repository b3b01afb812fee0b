// What a broker's write-ahead log made durable, as long as it is in memory: the tail that consumers
// read, and what is to be uploaded next.
//
// Bytes are counted as the write-ahead log counts them. They gather in an open block, which is
// archived to be uploaded; one that is uploaded stays for readers until the cache is nine tenths
// full (AMQSRC, LogCache), oldest first, and never before those older than it. What is not uploaded
// stays whatever the size: the owner holds appends back instead.
//
// When the broker dies the memory is gone, and what was not uploaded is in its write-ahead log
// alone; the blocks then say what a recovery will find there.
//
// Held to by Audit(): inv.I3, blocks follow one another without a gap and hold their parts' bytes.
#ifndef FRESHET_MODELS_LOG_LOG_CACHE_H_
#define FRESHET_MODELS_LOG_LOG_CACHE_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "models/log/batch.h"
#include "models/log/partition_log.h"
#include "sim/ring.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

class LogCache {
 public:
  // Records of one partition, in their order.
  struct Part {
    PartitionId partition;
    Offset from;
    Offset to;
    Bytes bytes;
  };
  struct Block {
    int64_t from;
    int64_t to;
    Time opened_at;  // When the one before was archived.
    bool uploaded;
    std::vector<Part> parts;

    Bytes bytes() const { return Bytes(to - from); }
  };
  using BlockNumber = uint64_t;

  // REQUIRES: 0 < block_bytes <= capacity.
  LogCache(Bytes capacity, Bytes block_bytes, size_t partitions);

  // Adds to the open block. REQUIRES: from < to, behind what the cache has of the partition.
  void Put(PartitionId partition, Offset from, Offset to, Bytes bytes);
  // Whether the open block has room for that much; an empty one has for anything.
  bool HasRoomFor(Bytes bytes) const;
  // Closes the open block and returns its number. REQUIRES: HasOpen().
  BlockNumber Archive(Time now);
  bool HasOpen() const { return !open().parts.empty(); }
  const Block& BlockOf(BlockNumber number) const;
  // Oldest first, from a log's beginning. REQUIRES: all before it are uploaded.
  void MarkUploaded(BlockNumber number);

  // The broker has died: nothing is in memory. The open block is archived.
  void LoseMemory(Time now);
  // All is uploaded: begins anew, empty, at `position`.
  void BeginAnew(Time now, int64_t position);

  // The first offset of a partition that is in memory, with all behind it; kNothing if none is.
  static constexpr Offset kNothing = std::numeric_limits<Offset>::max();
  Offset MemoryFrom(PartitionId partition) const { return memory_of_[partition].from; }
  Bytes capacity() const { return capacity_; }
  Bytes size() const { return Bytes(open().to - readable_from_); }
  Bytes NotUploaded() const { return Bytes(open().to - uploaded_to()); }
  int64_t uploaded_to() const;
  // The oldest block that is not uploaded; the open one if all are.
  BlockNumber FirstNotUploaded() const { return first_number_ + uploaded_; }
  // The open one.
  BlockNumber LastBlock() const { return first_number_ + blocks_.size() - 1; }

  void Audit() const;

 private:
  struct Place {
    BlockNumber block;
    uint32_t part;
  };

  Block& open() { return blocks_.back(); }
  const Block& open() const { return blocks_.back(); }
  struct Memory {
    Offset from = kNothing;
    Offset to = 0;
  };

  void NewBlock(int64_t from, Time now);
  void Evict();

  const Bytes capacity_;
  const Bytes block_bytes_;
  Ring<Block> blocks_;  // The last is open.
  BlockNumber first_number_ = 1;
  size_t uploaded_ = 0;  // Blocks at the front that are.
  int64_t readable_from_ = 0;
  std::vector<Place> place_of_;    // Where a partition's latest part is.
  std::vector<Memory> memory_of_;  // By partition.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_LOG_CACHE_H_
