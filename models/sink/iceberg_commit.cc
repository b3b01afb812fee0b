// How a commit of IcebergTable gets on: staged, and then swapped in by the catalog.
#include <algorithm>
#include <utility>

#include "absl/container/btree_map.h"
#include "models/sink/iceberg_table.h"

namespace freshet {

IcebergTable::CommitKey IcebergTable::Begin(TableAppend append, ObjectClient* client,
                                            Completion<TableOutcome> done) {
  SIM_REQUIRE(append.id != 0 && !append.files.empty());
  SIM_REQUIRE(append.replaces.empty() || (config_.knows_files && !append.fenced));
  SIM_REQUIRE(!append.overwrites || (config_.is_overwritten && append.ranges.empty()));
  const CommitKey key = next_key_++;
  Pending& commit = pending_[key];
  commit.append = std::move(append);
  commit.client = client;
  commit.done = done;
  commit.began_at = Now();
  commit.steps.push_back({Step::Kind::kCatalog, 0, Bytes(0)});
  Next(key);
  return key;
}

void IcebergTable::Commit(CommitKey key, Completion<TableOutcome> done) {
  Pending& commit = pending_.at(key);
  SIM_REQUIRE(commit.stage == Stage::kStaged);
  commit.done = done;
  commit.stage = Stage::kLoading;
  commit.steps.push_back({Step::Kind::kCatalog, 0, Bytes(0)});
  Next(key);
}

void IcebergTable::Detach(CommitKey key) {
  const auto entry = pending_.find(key);
  if (entry != pending_.end()) entry->second.done = {};
}

void IcebergTable::Abandon(CommitKey key) {
  const auto entry = pending_.find(key);
  if (entry == pending_.end()) return;
  entry->second.done = {};
  entry->second.on_expired = {};
  entry->second.abandoned = true;
  if (entry->second.stage == Stage::kSwap) return;
  for (const ObjectId object : entry->second.written) LeaveBehind(object, false);
  pending_.erase(entry);
}

void IcebergTable::Load(Completion<Loaded> done) {
  ++catalog_requests_;
  After<"table.loaded">(CatalogLatency(), [this, done]() mutable {
    done(Loaded{!down_, last_append_, largest_append_});
  });
}

// --- Step by step ---

void IcebergTable::Next(CommitKey key) {
  Pending& commit = pending_.at(key);
  if (commit.steps.empty()) {
    StepsOver(key);
    return;
  }
  const Step step = commit.steps.pop_front();
  const auto over = [this, key](ObjectResult result) {
    // Another's clean-up may have been quicker with what is read.
    StepOver(key, result == ObjectResult::kOk || result == ObjectResult::kNotFound);
  };
  switch (step.kind) {
    case Step::Kind::kCatalog:
      AskCatalog(key);
      break;
    case Step::Kind::kRead:
      metadata_requests_.Add(1);
      commit.client->Get(step.object, Bytes(0), step.bytes, ObjectCause::kMetadata, over);
      break;
    case Step::Kind::kWrite:
      metadata_requests_.Add(1);
      commit.written.push_back(step.object);
      commit.client->Put(step.object, step.bytes, ObjectCause::kMetadata, over);
      break;
  }
}

void IcebergTable::AskCatalog(CommitKey key) {
  ++catalog_requests_;
  After<"table.catalog_answers">(CatalogLatency(), [this, key] { StepOver(key, !down_); });
}

void IcebergTable::StepOver(CommitKey key, bool ok) {
  if (!pending_.contains(key)) return;  // Abandoned.
  if (!ok) {
    Fail(key);
  } else if (pending_.at(key).stage == Stage::kSwap) {
    Swap(key);
  } else {
    Next(key);
  }
}

void IcebergTable::StepsOver(CommitKey key) {
  Pending& commit = pending_.at(key);
  switch (commit.stage) {
    case Stage::kBegun:
      if (IsHopeless(commit)) {
        Fail(key);
        return;
      }
      commit.stage = Stage::kStaging;
      PlanStaging(commit);
      break;
    case Stage::kStaging: {
      commit.stage = Stage::kStaged;
      Completion<TableOutcome> done = commit.done;
      done(TableOutcome::kStaged);
      return;
    }
    case Stage::kLoading:
      if (IsHopeless(commit)) {
        Fail(key);
        return;
      }
      if (commit.kind == Kind::kExpiry) {
        commit.base = version_;
        if (ExpiredCount(commit.older_than, commit.retain_last, 0) == 0) {
          Finish(key, TableOutcome::kVisible);
          return;
        }
      } else if (commit.base != version_) {
        commit.stage = Stage::kRestaging;
        commit.base = version_;
        PlanList(commit);
        break;
      }
      [[fallthrough]];
    case Stage::kRestaging:
      commit.stage = Stage::kWriting;
      commit.metadata = warehouse_->NewObject(metadata_);
      commit.steps.push_back({Step::Kind::kWrite, commit.metadata, MetadataBytes()});
      break;
    case Stage::kWriting:
      commit.stage = Stage::kSwap;
      commit.steps.push_back({Step::Kind::kCatalog, 0, Bytes(0)});
      break;
    case Stage::kStaged:
    case Stage::kSwap:
      break;
  }
  Next(key);
}

// --- What is written ---

void IcebergTable::PlanStaging(Pending& commit) {
  commit.base = version_;
  const auto files = static_cast<int64_t>(commit.append.files.size());
  commit.manifest = {warehouse_->NewObject(metadata_), ManifestBytes(files), files};
  commit.steps.push_back({Step::Kind::kWrite, commit.manifest.object, commit.manifest.bytes});
  PlanList(commit);
  PlanExpiry(commit);
}

void IcebergTable::PlanList(Pending& commit) {
  if (!snapshots_.empty()) {
    commit.steps.push_back(
        {Step::Kind::kRead, snapshots_.back().list, snapshots_.back().list_bytes});
  }
  PlanFiltering(commit);
  if (commit.kind == Kind::kChange) PlanMerges(commit);
  size_t manifests = ManifestsFor(commit).size() + (commit.kind == Kind::kChange ? 1 : 0);
  for (const Merge& merge : commit.merges) manifests -= merge.of.size() - 1;
  commit.list = warehouse_->NewObject(metadata_);
  commit.list_bytes = config_.list_header + config_.list_entry * static_cast<int64_t>(manifests);
  commit.steps.push_back({Step::Kind::kWrite, commit.list, commit.list_bytes});
}

void IcebergTable::PlanFiltering(Pending& commit) {
  const std::vector<Filtered> before = std::move(commit.filtered);
  commit.filtered.clear();
  absl::btree_map<ObjectId, int64_t> gone;  // By manifest.
  for (const ObjectId object : RemovedBy(commit.append)) ++gone[known_files_.at(object).manifest];
  if (gone.empty()) return;
  for (const Manifest& manifest : manifests_) {
    const auto goes = gone.find(manifest.object);
    if (goes == gone.end()) continue;
    const int64_t left = manifest.files - goes->second;
    // What an earlier attempt has filtered, and is still there, is good: no file ever comes to a
    // manifest, so the same ones go.
    const auto same = std::find_if(before.begin(), before.end(), [&](const Filtered& each) {
      return each.from == manifest.object && each.to.files == left;
    });
    if (same != before.end()) {
      commit.filtered.push_back(*same);
      continue;
    }
    commit.steps.push_back({Step::Kind::kRead, manifest.object, manifest.bytes});
    Filtered made = {manifest.object, manifest.bytes, {0, Bytes(0), left}};
    if (left > 0) {
      made.to = {warehouse_->NewObject(metadata_), ManifestBytes(left), left};
      commit.steps.push_back({Step::Kind::kWrite, made.to.object, made.to.bytes});
    }
    commit.filtered.push_back(made);
  }
}

void IcebergTable::PlanMerges(Pending& commit) {
  // Manifests are packed into bins of the target size from the oldest on. What shares a bin is
  // merged; the bin of the newest waits until it has enough of them.
  commit.merges.clear();
  std::vector<Manifest> bin;
  Bytes size;
  const auto close = [&](bool has_newest) {
    const auto count = static_cast<int64_t>(bin.size()) + (has_newest ? 1 : 0);
    if (count > 1 && (!has_newest || count >= config_.manifests_to_merge)) {
      Merge merge;
      int64_t files = has_newest ? commit.manifest.files : 0;
      for (const Manifest& manifest : bin) {
        commit.steps.push_back({Step::Kind::kRead, manifest.object, manifest.bytes});
        merge.of.push_back(manifest.object);
        files += manifest.files;
      }
      merge.into = {warehouse_->NewObject(metadata_), ManifestBytes(files), files};
      commit.steps.push_back({Step::Kind::kWrite, merge.into.object, merge.into.bytes});
      if (has_newest) merge.of.push_back(commit.manifest.object);
      commit.merges.push_back(std::move(merge));
    }
    bin.clear();
    size = Bytes(0);
  };
  for (const Manifest& manifest : ManifestsFor(commit)) {
    if (!bin.empty() && size + manifest.bytes > config_.manifest_target) close(false);
    bin.push_back(manifest);
    size += manifest.bytes;
  }
  if (!bin.empty() && size + commit.manifest.bytes > config_.manifest_target) close(false);
  close(true);
}

void IcebergTable::PlanExpiry(Pending& commit) {
  // The new snapshot counts among those that are kept.
  if (ExpiredByCommits(1) == 0) return;
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    commit.steps.push_back({Step::Kind::kRead, snapshots_[i].list, snapshots_[i].list_bytes});
  }
}

// --- Its end ---

void IcebergTable::Swap(CommitKey key) {
  Pending& commit = pending_.at(key);
  if (commit.append.fenced && commit.append.id <= largest_append_) {
    // Another has committed the same meanwhile.
    for (const ObjectId object : commit.written) {
      Discard(object, commit.abandoned ? nullptr : commit.client);
    }
    Finish(key, TableOutcome::kVisible);
    return;
  }
  if (commit.base != version_) {
    conflicts_.Add(1);
    commit.written.pop_back();
    Discard(commit.metadata, commit.abandoned ? nullptr : commit.client);
    RetryOrFail(key);
    return;
  }
  if (commit.kind != Kind::kExpiry) commit_time_.Record(Now() - commit.began_at);
  Apply(commit);
  Finish(key, TableOutcome::kVisible);
}

void IcebergTable::RetryOrFail(CommitKey key) {
  Pending& commit = pending_.at(key);
  const bool in_time = Now() - commit.began_at < config_.commit_retry_total;
  if (commit.abandoned || !in_time || !commit_retry_.MayRetry(commit.retries)) {
    Fail(key);
    return;
  }
  const Duration wait = commit_retry_.Draw(commit.retries++, retry_stream_);
  commit.stage = Stage::kLoading;
  After<"table.commit_again">(wait, [this, key] {
    if (!pending_.contains(key)) return;
    pending_.at(key).steps.push_back({Step::Kind::kCatalog, 0, Bytes(0)});
    Next(key);
  });
}

void IcebergTable::Fail(CommitKey key) {
  failed_.Add(1);
  sim().recorder().Mark(RecordLevel::kState, lane_, "commit_failed", Now(), 0, Severity::kWarning);
  Pending& commit = pending_.at(key);
  // What it has written is of no use to anybody; the dead leave it.
  for (const ObjectId object : commit.written) {
    Discard(object, commit.abandoned ? nullptr : commit.client);
  }
  Finish(key, TableOutcome::kFailed);
}

void IcebergTable::Finish(CommitKey key, TableOutcome outcome) {
  Pending& commit = pending_.at(key);
  Completion<TableOutcome> done = commit.done;
  Completion<const Expired&> on_expired = commit.on_expired;
  Expired expired = std::move(commit.expired);
  expired.outcome = outcome;
  pending_.erase(key);
  if (done) done(outcome);
  if (on_expired) on_expired(expired);
}

}  // namespace freshet
