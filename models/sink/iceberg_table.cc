#include "models/sink/iceberg_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// Beyond any card: deletes have no body.
constexpr BytesPerSecond kMaintenanceCard(int64_t{1} << 40);

}  // namespace

IcebergTable::IcebergTable(Simulation& sim, absl::string_view name, ObjectStore* warehouse,
                           Network* network, const Config& config)
    : Component(sim, name),
      config_(config),
      warehouse_(warehouse),
      data_(warehouse->AddPrefix(absl::StrCat(name, "/data"))),
      metadata_(warehouse->AddPrefix(absl::StrCat(name, "/metadata"))),
      commit_retry_(config.commit_retry),
      catalog_stream_(NewStream("catalog")),
      retry_stream_(NewStream("commit-retry")),
      other_stream_(NewStream("other-commits")),
      lane_(sim.recorder().AddLane(name)),
      freshness_(AddDistribution(kFreshness)),
      records_(AddCounter(kRecords)),
      duplicates_(AddCounter(kDuplicates)),
      skipped_(AddCounter(kSkipped)),
      snapshots_made_(AddCounter(kSnapshots)),
      conflicts_(AddCounter(kConflicts)),
      failed_(AddCounter(kFailedCommits)),
      commit_time_(AddDistribution(kCommitTime)),
      commit_files_(AddDistribution(kCommitFiles)),
      commit_bytes_(AddDistribution(kCommitBytes)),
      files_gauge_(AddGauge(kFiles)),
      small_gauge_(AddGauge(kSmallFiles)),
      bytes_gauge_(AddGauge(kBytes)),
      manifests_gauge_(AddGauge(kManifests)),
      snapshots_gauge_(AddGauge(kLiveSnapshots)),
      orphans_gauge_(AddGauge(kOrphans)),
      orphan_bytes_gauge_(AddGauge(kOrphanBytes)),
      lag_(AddGauge(kLag)),
      staleness_(AddGauge(kStaleness)),
      metadata_requests_(AddCounter(kMetadataRequests)) {
  if (config.knows_files) {
    for (size_t i = 0; i < kSizeClasses; ++i) of_size_[i] = &AddGauge(kFilesOfSize[i]);
    rewrites_ = &AddCounter(kRewrites);
    files_rewritten_ = &AddCounter(kFilesRewritten);
    bytes_rewritten_ = &AddCounter(kBytesRewritten);
    backlog_files_ = &AddGauge(kBacklogFiles);
    backlog_bytes_ = &AddGauge(kBacklogBytes);
    retired_gauge_ = &AddGauge(kRetiredBytes);
  }
  if (config.is_overwritten) {
    SIM_REQUIRE(config.knows_files);
    overwrites_ = &AddCounter(kOverwrites);
    files_overwritten_ = &AddCounter(kFilesOverwritten);
  }
  if (config.is_planned) planning_time_ = &AddDistribution(kPlanningTime);
  if (config.orphan_age) {
    const std::string host = absl::StrCat(name, "/maintenance");
    maintenance_ = std::make_unique<ObjectClient>(
        sim, absl::StrCat(host, "/object-client"), warehouse, network,
        network->AddHost(host, 0, kMaintenanceCard), config.maintenance);
  }
  if (config.other_commits) {
    other_commits_ = Sampler::Exponential(static_cast<double>(config.other_commits->nanos()));
    SomebodyElseLater();
  }
  sim.AddAudit([this] { Audit(); });
}

Duration IcebergTable::CatalogLatency() {
  return latency_factor_ * config_.catalog_latency.DrawDuration(catalog_stream_);
}

Bytes IcebergTable::MetadataBytes() const {
  return config_.metadata_header +
         config_.snapshot_entry * static_cast<int64_t>(snapshots_.size() + 1) +
         config_.version_entry * static_cast<int64_t>(metadata_files_.size());
}

// --- Data files ---

void IcebergTable::FileWritten(const TableFile& file) {
  uncommitted_[file.object] = {file.bytes, false, Now()};
}

void IcebergTable::FileDropped(ObjectId object) {
  const auto entry = uncommitted_.find(object);
  if (entry == uncommitted_.end() || entry->second.dropped) return;  // Committed, or told before.
  entry->second.dropped = true;
  ++orphans_;
  orphan_bytes_ += entry->second.bytes;
  ShowFiles();
  if (maintenance_ != nullptr) {
    After<"table.orphan_due">(*config_.orphan_age, [this, object] { DeleteOrphan(object); });
  }
}

void IcebergTable::DeleteOrphan(ObjectId object) {
  const auto entry = uncommitted_.find(object);
  if (entry == uncommitted_.end()) return;
  --orphans_;
  orphan_bytes_ -= entry->second.bytes;
  uncommitted_.erase(entry);
  ShowFiles();
  maintenance_->Delete(object, ObjectCause::kOther, [](ObjectResult) {});
}

void IcebergTable::BeginAt(uint32_t source, Offset offset) {
  sources_.erase(source);
  sources_[source].Begin(offset);
}

void IcebergTable::PassOver(uint32_t number, Offset offset) {
  const Offset visible = VisibleTo(number);
  if (offset <= visible) return;
  skipped_.Add(offset - visible);
  sources_.at(number).Take(visible, offset, SourceEffects::How::kDeleted,
                           SourceEffects::Again::kReplaces, [](Offset, Offset, int32_t) {});
}

// --- Snapshots ---

void IcebergTable::Apply(Pending& commit) {
  if (commit.kind == Kind::kExpiry) {
    ApplyExpiry(commit);
    return;
  }
  // It makes nothing visible.
  const bool rewrites = commit.kind == Kind::kManifests || !commit.append.replaces.empty();
  ++version_;
  // To a committer of appends a rewrite is somebody else's commit.
  last_append_ = rewrites ? 0 : commit.append.id;
  largest_append_ = std::max(largest_append_, last_append_);
  snapshots_made_.Add(1);
  sim().recorder().Mark(RecordLevel::kState, lane_, "snapshot", Now(),
                        static_cast<int64_t>(commit.append.files.size()), Severity::kInfo);
  if (!commit.append.replaces.empty()) {
    CountRewrite(commit.append);
  } else if (!rewrites) {
    if (commit.append.overwrites) CountOverwrite(commit.append);
    CountFiles(commit.append);
    CountRows(commit.append);
  }
  ApplyManifests(commit);
  snapshots_.push_back({version_, Now(), commit.list, commit.list_bytes});
  ObjectClient* const client = commit.abandoned ? nullptr : commit.client;
  DiscardUnused(commit, client);
  Expire(client);
  KeepMetadata(commit.metadata, client);
  ShowFiles();
  if (on_visible_ && !rewrites) on_visible_(commit.append);
}

void IcebergTable::CountFiles(const TableAppend& append) {
  Bytes added;
  for (const TableFile& file : append.files) {
    added += file.bytes;
    CountFile(file, 1);
    NoteChange(file, true);
    const auto entry = uncommitted_.find(file.object);
    if (entry == uncommitted_.end()) continue;  // A zombie's commit had it.
    if (entry->second.dropped) {
      --orphans_;
      orphan_bytes_ -= entry->second.bytes;
    }
    uncommitted_.erase(entry);
  }
  bytes_ += added;
  commit_files_.Record(static_cast<int64_t>(append.files.size()));
  commit_bytes_.Record(added.count());
}

void IcebergTable::CountFile(const TableFile& file, int64_t more) {
  files_ += more;
  if (file.bytes < config_.small_file) small_files_ += more;
  if (!config_.knows_files) return;
  constexpr Bytes kBounds[kSizeClasses - 1] = {MiB(1), MiB(16), MiB(128), MiB(512)};
  size_t of = 0;
  while (of < kSizeClasses - 1 && file.bytes >= kBounds[of]) ++of;
  of_size_[of]->Add(more);
}

void IcebergTable::CountRewrite(const TableAppend& rewrite) {
  rewrites_->Add(1);
  files_rewritten_->Add(static_cast<int64_t>(rewrite.replaces.size()));
  int64_t rows = 0;
  for (const TableFile& file : rewrite.files) {
    rows += file.records;
    bytes_ += file.bytes;
    CountFile(file, 1);
    uncommitted_.erase(file.object);
  }
  for (const ObjectId object : rewrite.replaces) {
    const TableFile& old = known_files_.at(object).file;
    rows -= old.records;
    bytes_rewritten_->Add(old.bytes.count());
    TakeOut(object);
  }
  for (const TableFile& file : rewrite.files) NoteChange(file, true);
  SIM_CHECK(rows == 0, "inv.I19",
            absl::StrCat(name(), ": a rewrite has ", rows, " rows more than what it replaces"));
}

void IcebergTable::CountOverwrite(const TableAppend& overwrite) {
  const std::vector<ObjectId> removed = RemovedBy(overwrite);
  overwrites_->Add(1);
  files_overwritten_->Add(static_cast<int64_t>(removed.size()));
  for (const ObjectId object : removed) TakeOut(object);
}

void IcebergTable::TakeOut(ObjectId object) {
  const auto known = known_files_.find(object);
  const TableFile& file = known->second.file;
  bytes_ -= file.bytes;
  CountFile(file, -1);
  NoteChange(file, false);
  retired_files_.push_back({object, file.bytes, version_ - 1});
  retired_bytes_ += file.bytes;
  known_files_.erase(known);
}

void IcebergTable::NoteChange(const TableFile& file, bool is_added) {
  if (!config_.is_overwritten) return;
  PartitionChanges& changes = changes_[file.partition];
  (is_added ? changes.added : changes.removed) = version_;
}

void IcebergTable::CountRows(const TableAppend& append) {
  int64_t held = 0;
  for (const TableFile& file : append.files) held += file.records;
  int64_t said = 0;
  for (const RecordSpan& range : append.ranges) {
    const Offset visible = VisibleTo(range.partition);
    said += range.record_count();
    SIM_CHECK(range.from <= visible, "inv.I19",
              absl::StrCat(name(), ": of source ", range.partition, " offsets up to ", visible,
                           " are visible, and the next append begins at ", range.from));
    sources_.at(range.partition)
        .Take(range.from, range.to, SourceEffects::How::kDone, SourceEffects::Again::kReplaces,
              [&](Offset low, Offset high, int32_t times) {
                if (times > 0) duplicates_.Add(range.CountIn(low, high));
              });
  }
  if (append.ranges.empty()) {
    sink_rows_ += held - append.carried;
    said = held;
  }
  SIM_CHECK(held + append.skipped == said, "inv.I19",
            absl::StrCat(name(), ": an append of ", said, " offsets has ", held,
                         " records in its files and ", append.skipped, " skipped"));
  records_.Add(held - append.carried);
  skipped_.Add(append.skipped);
}

void IcebergTable::ApplyManifests(const Pending& commit) {
  for (const Filtered& each : commit.filtered) {
    if (std::any_of(manifests_.begin(), manifests_.end(),
                    [&each](const Manifest& m) { return m.object == each.from; })) {
      retired_.push_back({each.from, version_ - 1, each.bytes, true});
    }
  }
  for (const Manifest& manifest : manifests_) {
    if (std::find(commit.old_manifests.begin(), commit.old_manifests.end(), manifest.object) !=
        commit.old_manifests.end()) {
      retired_.push_back({manifest.object, version_ - 1, manifest.bytes, false});
    }
  }
  manifests_ = ManifestsFor(commit);
  if (commit.kind == Kind::kManifests) {
    if (config_.knows_files) NoteRegrouping(commit);
    return;
  }
  manifests_.push_back(commit.manifest);
  if (config_.knows_files) NoteManifests(commit);
  for (const Merge& merge : commit.merges) {
    std::vector<Manifest> kept;
    for (const Manifest& manifest : manifests_) {
      if (std::find(merge.of.begin(), merge.of.end(), manifest.object) == merge.of.end()) {
        kept.push_back(manifest);
        continue;
      }
      if (kept.empty() || kept.back().object != merge.into.object) kept.push_back(merge.into);
      if (manifest.object != commit.manifest.object) {
        retired_.push_back({manifest.object, version_ - 1, manifest.bytes, false});
      }
    }
    manifests_ = std::move(kept);
  }
}

void IcebergTable::NoteManifests(const Pending& commit) {
  for (const TableFile& file : commit.append.files) {
    // A zombie's commit may have brought the same file: it is in the table twice, and known once.
    known_files_[file.object] = {file, commit.manifest.object};
  }
  if (commit.filtered.empty() && commit.merges.empty()) return;
  for (auto& [object, known] : known_files_) {
    for (const Filtered& each : commit.filtered) {
      if (known.manifest == each.from) known.manifest = each.to.object;
    }
    for (const Merge& merge : commit.merges) {
      if (std::find(merge.of.begin(), merge.of.end(), known.manifest) != merge.of.end()) {
        known.manifest = merge.into.object;
      }
    }
  }
}

std::vector<IcebergTable::Manifest> IcebergTable::ManifestsFor(const Pending& commit) const {
  if (commit.kind == Kind::kManifests) {
    std::vector<Manifest> manifests;
    for (const Manifest& manifest : manifests_) {
      if (std::find(commit.old_manifests.begin(), commit.old_manifests.end(), manifest.object) ==
          commit.old_manifests.end()) {
        manifests.push_back(manifest);
      }
    }
    // As the newest: they stand first in the list.
    manifests.insert(manifests.end(), commit.made.begin(), commit.made.end());
    return manifests;
  }
  if (commit.filtered.empty()) return manifests_;
  std::vector<Manifest> manifests;
  for (const Manifest& manifest : manifests_) {
    const auto filtered =
        std::find_if(commit.filtered.begin(), commit.filtered.end(),
                     [&manifest](const Filtered& each) { return each.from == manifest.object; });
    if (filtered == commit.filtered.end()) {
      manifests.push_back(manifest);
    } else if (filtered->to.files > 0) {
      manifests.push_back(filtered->to);
    }
  }
  return manifests;
}

bool IcebergTable::HasAll(const std::vector<ObjectId>& files) const {
  return std::all_of(files.begin(), files.end(),
                     [this](ObjectId object) { return known_files_.contains(object); });
}

IcebergTable::Metadata IcebergTable::CurrentMetadata() const {
  Metadata current;
  if (snapshots_.empty()) return current;
  // As it was written: what snapshots there are has changed since.
  const ObjectId file = metadata_files_.back();
  current.file = {file, warehouse_->SizeOf(file).value_or(Bytes(0)), 0};
  current.list = {snapshots_.back().list, snapshots_.back().list_bytes, 0};
  for (const Manifest& manifest : manifests_) {
    current.manifests.push_back({manifest.object, manifest.bytes, manifest.files});
  }
  return current;
}

void IcebergTable::DiscardUnused(const Pending& commit, ObjectClient* client) {
  // Lists of earlier attempts, and manifests that were merged as soon as they were written.
  for (const ObjectId object : commit.written) {
    const bool used = object == commit.list || object == commit.metadata ||
                      std::any_of(manifests_.begin(), manifests_.end(),
                                  [object](const Manifest& m) { return m.object == object; });
    if (!used) Discard(object, client);
  }
}

size_t IcebergTable::ExpiredCount(Duration age, int64_t kept, size_t more) const {
  size_t expired = 0;
  while (expired < snapshots_.size() &&
         snapshots_.size() + more - expired > static_cast<size_t>(kept) &&
         Now() - snapshots_[expired].at > age) {
    ++expired;
  }
  return expired;
}

size_t IcebergTable::ExpiredByCommits(size_t more) const {
  if (!config_.snapshot_age) return 0;
  return ExpiredCount(*config_.snapshot_age, config_.snapshots_kept, more);
}

void IcebergTable::Expire(ObjectClient* client) {
  for (size_t left = ExpiredByCommits(0); left > 0; --left) {
    Discard(snapshots_.pop_front().list, client);
  }
  while (!retired_.empty() && retired_.front().last_version < snapshots_.front().version) {
    Discard(retired_.pop_front().manifest, client);
  }
  while (!retired_files_.empty() &&
         retired_files_.front().last_version < snapshots_.front().version) {
    const RetiredFile gone = retired_files_.pop_front();
    retired_bytes_ -= gone.bytes;
    if (client != nullptr) {
      client->Delete(gone.object, ObjectCause::kOther, [](ObjectResult) {});
    } else {
      LeaveBehind(gone.object, true);
    }
  }
}

void IcebergTable::KeepMetadata(ObjectId metadata, ObjectClient* client) {
  metadata_files_.push_back(metadata);
  while (static_cast<int64_t>(metadata_files_.size()) > config_.metadata_kept + 1) {
    const ObjectId oldest = metadata_files_.pop_front();
    if (config_.delete_metadata) {
      Discard(oldest, client);
    } else {
      LeaveBehind(oldest, false);
    }
  }
}

void IcebergTable::Discard(ObjectId object, ObjectClient* client) {
  if (client == nullptr) {  // Who would have done it is dead: it stays, and is billed.
    LeaveBehind(object, false);
    return;
  }
  client->Delete(object, ObjectCause::kMetadata, [](ObjectResult) {});
}

void IcebergTable::SomebodyElseLater() {
  After<"table.another_commits">(other_commits_.DrawDuration(other_stream_), [this] {
    ++version_;
    last_append_ = 0;
    SomebodyElseLater();
  });
}

void IcebergTable::ShowFiles() {
  files_gauge_.Set(files_);
  small_gauge_.Set(small_files_);
  bytes_gauge_.Set(bytes_.count());
  manifests_gauge_.Set(static_cast<int64_t>(manifests_.size()));
  snapshots_gauge_.Set(static_cast<int64_t>(snapshots_.size()));
  orphans_gauge_.Set(orphans_);
  orphan_bytes_gauge_.Set(orphan_bytes_.count());
  if (retired_gauge_ != nullptr) retired_gauge_->Set(retired_bytes_.count());
}

void IcebergTable::Audit() const {
  int64_t passed = 0;
  for (const auto& [number, source] : sources_) passed += source.taken();
  const int64_t visible = records_.Value() - sink_rows_;
  SIM_CHECK(visible + skipped_.Value() == passed + duplicates_.Value(), "inv.I19",
            absl::StrCat(name(), ": ", visible, " records visible and ", skipped_.Value(),
                         " skipped, but the offsets passed are ", passed, ", and ",
                         duplicates_.Value(), " twice"));
  int64_t files = 0;
  for (const Manifest& manifest : manifests_) files += manifest.files;
  SIM_CHECK(files == files_, "inv.I19",
            absl::StrCat(name(), ": manifests list ", files, " files of ", files_));
}

}  // namespace freshet
