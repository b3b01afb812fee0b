// What maintenance does to IcebergTable: commits of metadata alone, what is left behind, and what
// an overwrite finds in the way.
#include <algorithm>
#include <utility>

#include "models/sink/iceberg_table.h"

namespace freshet {

void IcebergTable::ExpireSnapshots(Duration older_than, int64_t retain_last, ObjectClient* client,
                                   Completion<const Expired&> done) {
  SIM_REQUIRE(retain_last >= 1);
  const CommitKey key = next_key_++;
  Pending& commit = pending_[key];
  commit.kind = Kind::kExpiry;
  commit.older_than = older_than;
  commit.retain_last = retain_last;
  commit.client = client;
  commit.on_expired = done;
  commit.began_at = Now();
  commit.stage = Stage::kLoading;
  commit.steps.push_back({Step::Kind::kCatalog, 0, Bytes(0)});
  Next(key);
}

void IcebergTable::ReplaceManifests(std::vector<ObjectId> old, std::vector<Part> made,
                                    ObjectClient* client, Completion<TableOutcome> done) {
  SIM_REQUIRE(!old.empty() && !made.empty());
  const CommitKey key = next_key_++;
  Pending& commit = pending_[key];
  commit.kind = Kind::kManifests;
  commit.old_manifests = std::move(old);
  commit.made = std::move(made);
  commit.client = client;
  commit.done = done;
  commit.began_at = Now();
  commit.stage = Stage::kLoading;
  commit.steps.push_back({Step::Kind::kCatalog, 0, Bytes(0)});
  Next(key);
}

bool IcebergTable::IsHopeless(const Pending& commit) const {
  // "Missing required files to delete": a rewrite or an overwrite was quicker.
  if (!HasAll(commit.append.replaces)) return true;
  // "Manifest is missing": somebody has merged or filtered it.
  for (const ObjectId old : commit.old_manifests) {
    if (std::none_of(manifests_.begin(), manifests_.end(),
                     [old](const Manifest& manifest) { return manifest.object == old; })) {
      return true;
    }
  }
  using Isolation = TableAppend::Isolation;
  if (commit.append.isolation == Isolation::kNone) return false;
  // "Found conflicting files": in a partition that is to be replaced.
  for (const TableFile& file : commit.append.files) {
    const auto changes = changes_.find(file.partition);
    if (changes == changes_.end()) continue;
    const uint64_t from = commit.append.validates_from;
    if (changes->second.removed > from) return true;
    if (commit.append.isolation == Isolation::kSerializable && changes->second.added > from) {
      return true;
    }
  }
  return false;
}

std::vector<ObjectId> IcebergTable::RemovedBy(const TableAppend& append) const {
  if (!append.overwrites) return append.replaces;
  std::vector<int64_t> partitions;
  for (const TableFile& file : append.files) partitions.push_back(file.partition);
  std::stable_sort(partitions.begin(), partitions.end());
  std::vector<ObjectId> removed;
  for (const auto& [object, known] : known_files_) {
    if (std::binary_search(partitions.begin(), partitions.end(), known.file.partition)) {
      removed.push_back(object);
    }
  }
  return removed;
}

void IcebergTable::ApplyExpiry(Pending& commit) {
  ++version_;
  Expired& expired = commit.expired;
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    expired.lists.push_back({snapshots_[i].list, snapshots_[i].list_bytes, 0});
  }
  for (size_t left = ExpiredCount(commit.older_than, commit.retain_last, 0); left > 0; --left) {
    expired.metadata.push_back(snapshots_.pop_front().list);
    ++expired.snapshots;
  }
  const uint64_t oldest = snapshots_.front().version;
  while (!retired_.empty() && retired_.front().last_version < oldest) {
    const Retired gone = retired_.pop_front();
    if (gone.lost_files) expired.manifests.push_back({gone.manifest, gone.bytes, 0});
    expired.metadata.push_back(gone.manifest);
  }
  while (!retired_files_.empty() && retired_files_.front().last_version < oldest) {
    const RetiredFile gone = retired_files_.pop_front();
    retired_bytes_ -= gone.bytes;
    expired.data.push_back(gone.object);
  }
  for (const ObjectId object : expired.metadata) LeaveBehind(object, false);
  for (const ObjectId object : expired.data) LeaveBehind(object, true);
  KeepMetadata(commit.metadata, commit.abandoned ? nullptr : commit.client);
  ShowFiles();
}

void IcebergTable::NoteRegrouping(const Pending& commit) {
  // By partition of the table, and in each in the order of their coming; so many to a manifest as
  // it says that it lists.
  std::vector<std::pair<int64_t, ObjectId>> files;
  for (const auto& [object, known] : known_files_) {
    if (std::find(commit.old_manifests.begin(), commit.old_manifests.end(), known.manifest) !=
        commit.old_manifests.end()) {
      files.emplace_back(known.file.partition, object);
    }
  }
  std::stable_sort(files.begin(), files.end());
  size_t next = 0;
  for (const Part& manifest : commit.made) {
    for (int64_t i = 0; i < manifest.files && next < files.size(); ++i) {
      known_files_.at(files[next++].second).manifest = manifest.object;
    }
  }
}

std::vector<IcebergTable::Part> IcebergTable::AllMetadata() const {
  const Metadata current = CurrentMetadata();
  if (current.list.object == 0) return {};
  std::vector<Part> all = {current.file};
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    all.push_back({snapshots_[i].list, snapshots_[i].list_bytes, 0});
  }
  // Those that only older snapshots have, too.
  for (size_t i = 0; i < retired_.size(); ++i) {
    all.push_back({retired_[i].manifest, retired_[i].bytes, 0});
  }
  all.insert(all.end(), current.manifests.begin(), current.manifests.end());
  return all;
}

bool IcebergTable::HasSnapshot(ObjectId list) const {
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    if (snapshots_[i].list == list) return true;
  }
  return false;
}

// --- What nobody refers to ---

void IcebergTable::LeaveBehind(ObjectId object, bool is_data) {
  if (config_.knows_strays) strays_[object] = {is_data, Now()};
}

std::vector<IcebergTable::Stray> IcebergTable::StraysBefore(Time at) const {
  std::vector<Stray> found;
  // Who died may not have come to write it.
  const auto is_there = [this](ObjectId object) { return warehouse_->SizeOf(object).has_value(); };
  for (const auto& [object, file] : uncommitted_) {
    if (file.dropped && file.written < at && is_there(object)) found.push_back({object, true});
  }
  for (const auto& [object, stray] : strays_) {
    if (stray.at < at && is_there(object)) found.push_back({object, stray.is_data});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Stray& a, const Stray& b) { return a.object < b.object; });
  return found;
}

void IcebergTable::Deleted(ObjectId object) {
  strays_.erase(object);
  const auto entry = uncommitted_.find(object);
  if (entry == uncommitted_.end()) return;
  if (entry->second.dropped) {
    --orphans_;
    orphan_bytes_ -= entry->second.bytes;
  }
  uncommitted_.erase(entry);
  ShowFiles();
}

}  // namespace freshet
