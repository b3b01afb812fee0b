#include "models/sink/snapshot_expirer.h"

namespace freshet {

SnapshotExpirer::SnapshotExpirer(Simulation& sim, absl::string_view name, IcebergTable* table,
                                 Network* network, HostId host, const Config& config)
    : TableProcedure(sim, name, table, network, host, config.every, config.object_client, kRuns,
                     kFailedRuns),
      config_(config),
      snapshots_(AddCounter(kSnapshots)),
      data_files_(AddCounter(kDataFiles)),
      metadata_files_(AddCounter(kMetadataFiles)) {
  time_ = &AddDistribution(kTime);
}

void SnapshotExpirer::Begin() {
  next_list_ = 0;
  table_->ExpireSnapshots(config_.older_than, config_.retain_last, &client_,
                          [this](const IcebergTable::Expired& expired) {
                            if (expired.outcome == TableOutcome::kFailed) {
                              End(false);
                              return;
                            }
                            snapshots_.Add(expired.snapshots);
                            work_ = expired;
                            ReadList();
                          });
}

void SnapshotExpirer::ReadList() {
  if (next_list_ == work_.lists.size()) {
    ReadManifests();
    return;
  }
  const IcebergTable::Part& list = work_.lists[next_list_++];
  BeginStep(1);
  client_.Get(list.object, Bytes(0), list.bytes, ObjectCause::kMetadata,
              [this](ObjectResult result) {
                StepOver(result == ObjectResult::kOk || result == ObjectResult::kNotFound,
                         &SnapshotExpirer::ReadList);
              });
}

void SnapshotExpirer::ReadManifests() {
  if (!BeginStep(work_.manifests.size())) {
    Delete();
    return;
  }
  for (const IcebergTable::Part& manifest : work_.manifests) {
    client_.Get(manifest.object, Bytes(0), manifest.bytes, ObjectCause::kMetadata,
                [this](ObjectResult result) {
                  StepOver(result == ObjectResult::kOk || result == ObjectResult::kNotFound,
                           &SnapshotExpirer::Delete);
                });
  }
}

void SnapshotExpirer::Delete() {
  if (!BeginStep(work_.data.size() + work_.metadata.size())) {
    Deleted();
    return;
  }
  const auto drop = [this](ObjectId object, ObjectCause cause, Counter* deleted) {
    client_.Delete(object, cause, [this, object, deleted](ObjectResult result) {
      if (result == ObjectResult::kOk) {
        deleted->Add(1);
        table_->Deleted(object);
      }
      // One that could not be deleted is an orphan; the run has done what it could.
      StepOver(true, &SnapshotExpirer::Deleted);
    });
  };
  for (const ObjectId object : work_.data) drop(object, ObjectCause::kOther, &data_files_);
  for (const ObjectId object : work_.metadata) {
    drop(object, ObjectCause::kMetadata, &metadata_files_);
  }
}

void SnapshotExpirer::Deleted() { End(true); }

}  // namespace freshet
