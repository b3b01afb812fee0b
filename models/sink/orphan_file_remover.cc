#include "models/sink/orphan_file_remover.h"

#include <algorithm>
#include <vector>

namespace freshet {

OrphanFileRemover::OrphanFileRemover(Simulation& sim, absl::string_view name, IcebergTable* table,
                                     Network* network, HostId host, const Config& config)
    : TableProcedure(sim, name, table, network, host, config.every, config.object_client, kRuns,
                     kFailedRuns),
      config_(config),
      pages_(AddCounter(kPages)),
      data_files_(AddCounter(kDataFiles)),
      metadata_files_(AddCounter(kMetadataFiles)) {
  time_ = &AddDistribution(kTime);
}

void OrphanFileRemover::Begin() {
  table_->Load([this](IcebergTable::Loaded loaded) {
    if (loaded.ok) {
      Read();
    } else {
      End(false);
    }
  });
}

void OrphanFileRemover::Read() {
  const auto keys = static_cast<int64_t>(table_->warehouse().object_count());
  // An empty folder has a page, too.
  pages_left_ =
      std::max<int64_t>(1, (keys + ObjectStore::kKeysInAPage - 1) / ObjectStore::kKeysInAPage);
  const std::vector<IcebergTable::Part> known = table_->AllMetadata();
  if (!BeginStep(known.size())) {
    List();
    return;
  }
  for (const IcebergTable::Part& part : known) {
    client_.Get(part.object, Bytes(0), part.bytes, ObjectCause::kMetadata,
                [this](ObjectResult result) {
                  // Gone since: an expiry was quicker, and the file is no orphan of this run.
                  StepOver(result == ObjectResult::kOk || result == ObjectResult::kNotFound,
                           &OrphanFileRemover::List);
                });
  }
}

void OrphanFileRemover::List() {
  if (pages_left_ == 0) {
    Delete();
    return;
  }
  --pages_left_;
  pages_.Add(1);
  BeginStep(1);
  client_.List(table_->SomeKey(), ObjectCause::kMetadata, [this](ObjectResult result) {
    StepOver(result == ObjectResult::kOk, &OrphanFileRemover::List);
  });
}

void OrphanFileRemover::Delete() {
  const std::vector<IcebergTable::Stray> orphans =
      table_->StraysBefore(began() - config_.older_than);
  if (!BeginStep(orphans.size())) {
    Deleted();
    return;
  }
  for (const IcebergTable::Stray& orphan : orphans) {
    client_.Delete(orphan.object, orphan.is_data ? ObjectCause::kOther : ObjectCause::kMetadata,
                   [this, orphan](ObjectResult result) {
                     if (result == ObjectResult::kOk) {
                       (orphan.is_data ? data_files_ : metadata_files_).Add(1);
                       table_->Deleted(orphan.object);
                     }
                     // What could not be deleted, the next run finds.
                     StepOver(true, &OrphanFileRemover::Deleted);
                   });
  }
}

void OrphanFileRemover::Deleted() { End(true); }

}  // namespace freshet
