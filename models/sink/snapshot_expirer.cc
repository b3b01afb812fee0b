#include "models/sink/snapshot_expirer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {

SnapshotExpirer::SnapshotExpirer(Simulation& sim, absl::string_view name, IcebergTable* table,
                                 Network* network, HostId host, const Config& config)
    : Component(sim, name),
      config_(config),
      table_(table),
      client_(sim, absl::StrCat(name, "/object-client"), &table->warehouse(), network, host,
              config.object_client),
      runs_(AddCounter(kRuns)),
      failed_(AddCounter(kFailedRuns)),
      snapshots_(AddCounter(kSnapshots)),
      data_files_(AddCounter(kDataFiles)),
      metadata_files_(AddCounter(kMetadataFiles)),
      time_(AddDistribution(kTime)) {
  After<"expirer.begin">(config.every, [this] { Begin(); });
}

void SnapshotExpirer::Begin() {
  began_ = Now();
  next_list_ = 0;
  read_all_ = true;
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

void SnapshotExpirer::StepOver(bool ok, void (SnapshotExpirer::*then)()) {
  read_all_ = read_all_ && ok;
  if (--left_ > 0) return;
  if (read_all_) {
    (this->*then)();
  } else {
    End(false);
  }
}

void SnapshotExpirer::ReadList() {
  if (next_list_ == work_.lists.size()) {
    ReadManifests();
    return;
  }
  const IcebergTable::Part& list = work_.lists[next_list_++];
  left_ = 1;
  client_.Get(list.object, Bytes(0), list.bytes, ObjectCause::kMetadata,
              [this](ObjectResult result) {
                StepOver(result == ObjectResult::kOk || result == ObjectResult::kNotFound,
                         &SnapshotExpirer::ReadList);
              });
}

void SnapshotExpirer::ReadManifests() {
  left_ = static_cast<int64_t>(work_.manifests.size());
  if (left_ == 0) {
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
  left_ = static_cast<int64_t>(work_.data.size() + work_.metadata.size());
  if (left_ == 0) {
    End(true);
    return;
  }
  const auto drop = [this](ObjectId object, ObjectCause cause, Counter* deleted) {
    client_.Delete(object, cause, [this, object, deleted](ObjectResult result) {
      if (result == ObjectResult::kOk) {
        deleted->Add(1);
        table_->Deleted(object);
      }
      if (--left_ == 0) End(true);
    });
  };
  for (const ObjectId object : work_.data) drop(object, ObjectCause::kOther, &data_files_);
  for (const ObjectId object : work_.metadata) {
    drop(object, ObjectCause::kMetadata, &metadata_files_);
  }
}

void SnapshotExpirer::End(bool ok) {
  runs_.Add(1);
  if (ok) {
    time_.Record(Now() - began_);
  } else {
    failed_.Add(1);
  }
  At<"expirer.begin">(std::max(Now() + Nanoseconds(1), began_ + config_.every),
                      [this] { Begin(); });
}

}  // namespace freshet
