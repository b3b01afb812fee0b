// What becomes of the files of LeaderlessCluster: a history, merges, retention, deletion.
#include <algorithm>
#include <utility>

#include "models/broker/leaderless_cluster.h"

namespace freshet {
namespace {

// A history lies in no more files than that, which are larger then.
constexpr int64_t kMostHistoryFiles = 1'000;

}  // namespace

void LeaderlessCluster::FillHistory() {
  Bytes total;
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const PartitionLog& log = partitions_[id].log;
    index_.BeginAt(id, log.log_start_offset());
    total += log.bytes();
  }
  if (total == Bytes(0)) return;
  const int64_t count = std::clamp<int64_t>(
      MulDivCeil(total.count(), 1, config_.history_file.count()), 1, kMostHistoryFiles);
  ObjectStore* const store = files_.buckets()[files_.compacted()].store;
  const PrefixId prefix = store->AddPrefix("history");
  for (int64_t slice = 0; slice < count; ++slice) {
    std::vector<StreamExtent> extents;
    LeaderlessFile file;
    file.level = std::max(1u, config_.merge_levels);
    Time newest = Time::Max();
    for (PartitionId id = 0; id < partitions_.size(); ++id) {
      const PartitionLog& log = partitions_[id].log;
      const Offset start = log.log_start_offset();
      const Offset records = log.log_end_offset() - start;
      StreamExtent extent;
      extent.partition = id;
      extent.from = start + MulDivFloor(records, slice, count);
      extent.to = start + MulDivFloor(records, slice + 1, count);
      if (extent.from == extent.to) continue;
      extent.bytes = log.BytesBetween(extent.from, extent.to);
      extent.object_offset = file.size;
      file.size += extent.bytes;
      const Time last = log.OldestCreatedFrom(extent.to - 1);
      newest = newest == Time::Max() ? last : std::max(newest, last);
      extents.push_back(extent);
    }
    if (extents.empty()) continue;
    const ObjectId object = store->NewObject(prefix);
    store->SetObject(object, file.size);
    file.copies.push_back({files_.compacted(), object, true});
    const Bytes size = file.size;
    const FileId id = files_.Add(std::move(file));
    index_.AddObject(id, size, extents.size() > 1, 0);
    for (StreamExtent& extent : extents) {
      extent.object = id;
      index_.Commit(extent);
    }
    extents_gauge_.Add(static_cast<int64_t>(extents.size()));
    files_.NoteCommitted(id, files_.NextOrder(), newest);
  }
  ShowFiles();
}

// --- Merges ---

bool LeaderlessCluster::NextMerge(FileMerge* merge) {
  // Files that follow one another, so that the batches of a partition in them do too.
  std::vector<FileId> run;
  Bytes bytes;
  for (const auto& [order, id] : files_.by_order()) {
    const LeaderlessFile& file = files_.At(id);
    if (file.merging || file.level >= config_.merge_levels ||
        (!run.empty() && files_.At(run.back()).level != file.level)) {
      run.clear();
      bytes = Bytes(0);
    }
    if (file.merging || file.level >= config_.merge_levels) continue;
    run.push_back(id);
    bytes += file.size;
    const bool enough =
        (config_.merge_files && static_cast<int64_t>(run.size()) >= *config_.merge_files) ||
        (config_.merge_bytes && run.size() > 1 && bytes >= *config_.merge_bytes);
    if (!enough) continue;
    merge->level = file.level + 1;
    merge->sources = std::move(run);
    PlaceRecords(merge);
    for (const FileId source : merge->sources) files_.At(source).merging = true;
    return true;
  }
  return false;
}

std::optional<StreamExtent> LeaderlessCluster::InSources(const FileMerge& merge,
                                                         PartitionId partition) const {
  // Sources follow one another, and nothing else lies between them.
  const uint64_t first = files_.At(merge.sources.front()).order;
  const uint64_t last = files_.At(merge.sources.back()).order;
  std::optional<StreamExtent> found;
  for (const StreamExtent& extent : index_.ExtentsOf(partition)) {
    const uint64_t order = files_.At(extent.object).order;
    const bool in = first <= order && order <= last;
    if (!in) {
      if (found) break;
      continue;
    }
    if (!found) {
      found = extent;
      continue;
    }
    found->to = extent.to;
    found->bytes += extent.bytes;
  }
  return found;
}

void LeaderlessCluster::PlaceRecords(FileMerge* merge) const {
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const std::optional<StreamExtent> extent = InSources(*merge, id);
    if (!extent) continue;
    merge->places.push_back({id, merge->size, extent->bytes});
    merge->size += extent->bytes;
  }
}

void LeaderlessCluster::CommitMerge(BrokerId by, FileMerge merge) {
  const FileId target = merge.target;
  pending_merges_[target] = {by, broker(by).generation(), std::move(merge)};
  coordinator_.Commit(target, [this](uint64_t committed) { ApplyMerge(committed); });
}

void LeaderlessCluster::ApplyMerge(FileId target) {
  const PendingMerge pending = std::move(pending_merges_.at(target));
  pending_merges_.erase(target);
  const FileMerge& merge = pending.merge;
  uint64_t order = 0;
  Time newest;
  std::vector<StreamExtent> merged;
  for (const FileMerge::Place& place : merge.places) {
    std::optional<StreamExtent> extent = InSources(merge, place.partition);
    if (!extent) continue;  // Retention was quicker.
    extent->object = target;
    extent->object_offset = place.offset + (place.bytes - extent->bytes);
    merged.push_back(*extent);
  }
  for (const FileId source : merge.sources) {
    LeaderlessFile& file = files_.At(source);
    file.merging = false;
    if (order == 0) order = file.order;
    newest = source == merge.sources.front() ? file.newest : std::max(newest, file.newest);
  }
  if (merged.empty()) {
    DeleteLater(target, config_.deleted_file_retention);
  } else {
    index_.AddObject(target, merge.size, merged.size() > 1, pending.by);
    std::vector<ObjectId> unused;
    int64_t before = 0;
    for (const StreamExtent& extent : merged) {
      before += static_cast<int64_t>(index_.ExtentsOf(extent.partition).size());
      index_.Replace(extent, &unused);
      before -= static_cast<int64_t>(index_.ExtentsOf(extent.partition).size());
    }
    extents_gauge_.Add(-before);
    NoteUnused(unused);
    files_.NoteCommitted(target, order, newest);
  }
  ShowFiles();
  if (broker(pending.by).generation() == pending.generation)
    broker(pending.by).merger().MergeOver();
}

void LeaderlessCluster::AbandonMerge(const FileMerge& merge) {
  for (const FileId source : merge.sources) files_.At(source).merging = false;
  if (merge.target != 0) DeleteLater(merge.target, config_.orphan_age);
}

// --- Retention ---

Offset LeaderlessCluster::RetainedFrom(PartitionId id) const {
  const PartitionLog& log = partitions_[id].log;
  const Retention& retention = TopicOf(partitions_[id]).retention;
  Offset from = log.log_start_offset();
  // Batches keep their times in the coordinator, wherever they lie.
  if (retention.time != Duration::Max()) {
    from = std::max(from, log.FirstCreatedSince(Now() - retention.time));
  }
  if (!retention.bytes) return from;
  for (const StreamExtent& extent : index_.ExtentsOf(id)) {
    if (extent.to <= from) continue;
    if (log.BytesBetween(extent.to, log.log_end_offset()) < *retention.bytes) break;
    from = extent.to;
  }
  return from;
}

void LeaderlessCluster::ApplyRetention() {
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const Offset from = RetainedFrom(id);
    if (from == partitions_[id].log.log_start_offset()) continue;
    ExpireLog(id, from);
    const auto before = static_cast<int64_t>(index_.ExtentsOf(id).size());
    index_.Trim(id, partitions_[id].log.log_start_offset());
    extents_gauge_.Add(static_cast<int64_t>(index_.ExtentsOf(id).size()) - before);
  }
  NoteUnused(index_.TakeExpired([](const StreamObjects::Expired&) { return true; }));
  ShowFiles();
}

// --- Deletion ---

void LeaderlessCluster::NoteUnused(const std::vector<ObjectId>& files) {
  for (const FileId file : files) {
    files_.NoteGarbage(file);
    DeleteLater(file, config_.deleted_file_retention);
  }
}

void LeaderlessCluster::DeleteLater(FileId file, Duration after) {
  deletions_[Now() + after].push_back(file);
  ++garbage_;
  garbage_gauge_.Set(garbage_);
}

void LeaderlessCluster::DeleteDue() {
  After<"log.file_cleaner">(config_.cleaner_interval, [this] { DeleteDue(); });
  // One of the brokers does it; which hardly matters.
  const auto up = std::find_if(brokers_.begin(), brokers_.end(),
                               [](const auto& broker) { return broker->up(); });
  if (up == brokers_.end()) return;
  std::vector<FileId> later;
  while (!deletions_.empty() && deletions_.begin()->first <= Now()) {
    for (const FileId file : deletions_.begin()->second) {
      if (files_.At(file).merging) {
        later.push_back(file);
        continue;
      }
      (*up)->files().Delete(files_.At(file).copies);
      files_.Remove(file);
      --garbage_;
    }
    deletions_.erase(deletions_.begin());
  }
  if (!later.empty()) deletions_[Now()] = std::move(later);
  garbage_gauge_.Set(garbage_);
}

void LeaderlessCluster::ShowFiles() {
  files_gauge_.Set(static_cast<int64_t>(index_.objects().size()));
}

}  // namespace freshet
