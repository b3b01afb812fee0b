#include "models/sink/orphan_file_remover.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"

namespace freshet {

OrphanFileRemover::OrphanFileRemover(Simulation& sim, absl::string_view name, IcebergTable* table,
                                     Network* network, HostId host, const Config& config)
    : Component(sim, name),
      config_(config),
      table_(table),
      client_(sim, absl::StrCat(name, "/object-client"), &table->warehouse(), network, host,
              config.object_client),
      runs_(AddCounter(kRuns)),
      failed_(AddCounter(kFailedRuns)),
      pages_(AddCounter(kPages)),
      data_files_(AddCounter(kDataFiles)),
      metadata_files_(AddCounter(kMetadataFiles)),
      time_(AddDistribution(kTime)) {
  After<"orphan_remover.begin">(config.every, [this] { Begin(); });
}

void OrphanFileRemover::Begin() {
  began_ = Now();
  all_ok_ = true;
  table_->Load([this](IcebergTable::Loaded loaded) {
    if (loaded.ok) {
      Read();
    } else {
      End(false);
    }
  });
}

void OrphanFileRemover::StepOver(bool ok, void (OrphanFileRemover::*then)()) {
  all_ok_ = all_ok_ && ok;
  if (--left_ > 0) return;
  if (all_ok_) {
    (this->*then)();
  } else {
    End(false);
  }
}

void OrphanFileRemover::Read() {
  const auto keys = static_cast<int64_t>(table_->warehouse().object_count());
  // An empty folder has a page, too.
  pages_left_ =
      std::max<int64_t>(1, (keys + ObjectStore::kKeysInAPage - 1) / ObjectStore::kKeysInAPage);
  const std::vector<IcebergTable::Part> known = table_->AllMetadata();
  left_ = static_cast<int64_t>(known.size());
  if (left_ == 0) {
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
  left_ = 1;
  client_.List(table_->SomeKey(), ObjectCause::kMetadata, [this](ObjectResult result) {
    StepOver(result == ObjectResult::kOk, &OrphanFileRemover::List);
  });
}

void OrphanFileRemover::Delete() {
  const std::vector<IcebergTable::Stray> orphans =
      table_->StraysBefore(began_ - config_.older_than);
  left_ = static_cast<int64_t>(orphans.size());
  if (left_ == 0) {
    End(true);
    return;
  }
  for (const IcebergTable::Stray& orphan : orphans) {
    client_.Delete(orphan.object, orphan.is_data ? ObjectCause::kOther : ObjectCause::kMetadata,
                   [this, orphan](ObjectResult result) {
                     if (result == ObjectResult::kOk) {
                       (orphan.is_data ? data_files_ : metadata_files_).Add(1);
                       table_->Deleted(orphan.object);
                     }
                     if (--left_ == 0) End(true);
                   });
  }
}

void OrphanFileRemover::End(bool ok) {
  runs_.Add(1);
  if (ok) {
    time_.Record(Now() - began_);
  } else {
    failed_.Add(1);
  }
  At<"orphan_remover.begin">(std::max(Now() + Nanoseconds(1), began_ + config_.every),
                             [this] { Begin(); });
}

}  // namespace freshet
