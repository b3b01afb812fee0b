#include "models/sink/table_planner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {

TablePlanner::TablePlanner(Simulation& sim, absl::string_view name, IcebergTable* table,
                           Network* network, HostId host, const Config& config)
    : Component(sim, name),
      config_(config),
      table_(table),
      client_(sim, absl::StrCat(name, "/object-client"), &table->warehouse(), network, host,
              config.object_client),
      files_(AddDistribution(kFiles)),
      bytes_(AddDistribution(kBytes)),
      failed_(AddCounter(kFailed)) {
  SIM_REQUIRE(config.threads > 0);
  if (config.goes_back_after) {
    went_back_ = &AddCounter(kWentBack);
    expired_ = &AddCounter(kExpired);
  }
  After<"planner.begin">(config.every, [this] { Begin(); });
}

void TablePlanner::Begin() {
  ++round_;
  began_ = Now();
  table_->Load([this](IcebergTable::Loaded loaded) {
    if (!loaded.ok) {
      Fail();
      return;
    }
    plan_ = table_->CurrentMetadata();
    if (plan_.list.object == 0) {
      End();
    } else {
      Read(plan_.file.object, plan_.file.bytes, &TablePlanner::ReadList);
    }
  });
}

void TablePlanner::Read(ObjectId object, Bytes bytes, void (TablePlanner::*then)()) {
  struct Next {
    TablePlanner* self;
    void (TablePlanner::*then)();
  };
  static_assert(sizeof(Next) <= 24);
  const Next next = {this, then};
  client_.Get(object, Bytes(0), bytes, ObjectCause::kMetadata, [next](ObjectResult result) {
    // A clean-up may have been quicker: what is read then is of a snapshot that is gone.
    if (result == ObjectResult::kOk || result == ObjectResult::kNotFound) {
      (next.self->*next.then)();
    } else {
      next.self->Fail();
    }
  });
}

void TablePlanner::ReadList() {
  next_ = 0;
  reading_ = 0;
  Read(plan_.list.object, plan_.list.bytes, &TablePlanner::ReadNext);
}

void TablePlanner::ReadNext() {
  while (reading_ < config_.threads && next_ < plan_.manifests.size()) {
    const size_t at = next_++;
    ++reading_;
    const IcebergTable::Metadata::Part& manifest = plan_.manifests[at];
    client_.Get(manifest.object, Bytes(0), manifest.bytes, ObjectCause::kMetadata,
                [this, round = round_, at](ObjectResult result) {
                  if (round != round_) return;
                  if (result != ObjectResult::kOk && result != ObjectResult::kNotFound) {
                    Fail();
                    return;
                  }
                  After<"planner.manifest_read">(config_.time_per_file * plan_.manifests[at].files,
                                                 [this, round] {
                                                   if (round == round_) ManifestRead();
                                                 });
                });
  }
  if (reading_ == 0) End();
}

void TablePlanner::ManifestRead() {
  --reading_;
  ReadNext();
}

void TablePlanner::Fail() {
  failed_.Add(1);
  ++round_;
  client_.DropAll();
  After<"planner.begin">(config_.every, [this] { Begin(); });
}

void TablePlanner::End() {
  table_->Planned(Now() - began_);
  int64_t files = 0;
  Bytes bytes = plan_.file.bytes + plan_.list.bytes;
  for (const IcebergTable::Metadata::Part& manifest : plan_.manifests) {
    files += manifest.files;
    bytes += manifest.bytes;
  }
  files_.Record(files);
  bytes_.Record(bytes.count());
  if (config_.goes_back_after) GoBackLater();
  At<"planner.begin">(std::max(Now(), began_ + config_.every), [this] { Begin(); });
}

void TablePlanner::GoBackLater() {
  const uint32_t number = next_held_++;
  held_[number] = plan_.list;
  After<"planner.goes_back">(*config_.goes_back_after, [this, number] {
    table_->Load([this, number](IcebergTable::Loaded loaded) {
      const IcebergTable::Part list = held_.at(number);
      held_.erase(number);
      if (!loaded.ok) {
        failed_.Add(1);
      } else {
        GoBack(list);
      }
    });
  });
}

void TablePlanner::GoBack(const IcebergTable::Part& list) {
  if (!table_->HasSnapshot(list.object)) {
    expired_->Add(1);
    return;
  }
  // It may be deleted under the reader yet.
  client_.Get(list.object, Bytes(0), list.bytes, ObjectCause::kMetadata,
              [this](ObjectResult result) {
                if (result == ObjectResult::kOk) {
                  went_back_->Add(1);
                } else if (result == ObjectResult::kNotFound) {
                  expired_->Add(1);
                } else {
                  failed_.Add(1);
                }
              });
}

}  // namespace freshet
