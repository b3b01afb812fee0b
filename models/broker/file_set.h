// The files of a leaderless cluster: objects that hold batches of many partitions, as its
// coordinator knows them. A file has a copy in one bucket, or in several of one zone each.
//
// Files that brokers wrote from produce requests are of level 0; merging n levels makes one of the
// next. Which batches are where in them is in the index (stream_objects.h), under the same ids.
#ifndef FRESHET_MODELS_BROKER_FILE_SET_H_
#define FRESHET_MODELS_BROKER_FILE_SET_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/network/network.h"
#include "models/storage/object_store.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

using FileId = uint64_t;  // 0 is none.

struct Bucket {
  ObjectStore* store = nullptr;
  std::optional<ZoneId> zone;  // Of those that are in one zone.
};

struct FileCopy {
  uint32_t bucket;
  ObjectId object;
  bool there;  // Written.
};

struct LeaderlessFile {
  Bytes size;
  uint32_t level = 0;
  Time newest;         // The latest creation of a record in it; of a committed one.
  uint64_t order = 0;  // Among all committed ones: those with a lower one hold earlier batches.
  bool merging = false;
  std::vector<FileCopy> copies;
};

class FileSet {
 public:
  // REQUIRES: the stores outlive it. New files go to a quorum of `ingest`, merged ones to
  // `compacted`.
  FileSet(std::vector<Bucket> ingest, Bucket compacted)
      : buckets_(std::move(ingest)), compacted_(static_cast<uint32_t>(buckets_.size())) {
    if (buckets_.size() == 1 && buckets_[0].store == compacted.store) {
      compacted_ = 0;
    } else {
      buckets_.push_back(compacted);
    }
  }

  const std::vector<Bucket>& buckets() const { return buckets_; }
  uint32_t compacted() const { return compacted_; }
  // The first so many of the buckets take new files.
  uint32_t ingest_count() const { return compacted_ == 0 ? 1 : compacted_; }

  FileId Add(LeaderlessFile file) {
    files_[next_file_] = std::move(file);
    return next_file_++;
  }
  // It is in the index from now on, behind all others or in the place of those it was made of.
  void NoteCommitted(FileId id, uint64_t order, Time newest) {
    LeaderlessFile& file = files_.at(id);
    file.order = order;
    file.newest = newest;
    by_order_[order] = id;
  }
  void NoteGarbage(FileId id) {
    const auto entry = by_order_.find(files_.at(id).order);
    if (entry != by_order_.end() && entry->second == id) by_order_.erase(entry);
  }
  void Remove(FileId id) { files_.erase(id); }

  bool Has(FileId id) const { return files_.contains(id); }
  LeaderlessFile& At(FileId id) { return files_.at(id); }
  const LeaderlessFile& At(FileId id) const { return files_.at(id); }
  uint64_t NextOrder() { return next_order_++; }
  // Committed ones, from the earliest.
  const absl::btree_map<uint64_t, FileId>& by_order() const { return by_order_; }

 private:
  std::vector<Bucket> buckets_;
  uint32_t compacted_;
  absl::btree_map<FileId, LeaderlessFile> files_;
  absl::btree_map<uint64_t, FileId> by_order_;
  FileId next_file_ = 1;
  uint64_t next_order_ = 1;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_FILE_SET_H_
