#include "models/sink/manifest_rewriter.h"

#include <algorithm>

namespace freshet {

ManifestRewriter::ManifestRewriter(Simulation& sim, absl::string_view name, IcebergTable* table,
                                   Network* network, HostId host, const Config& config)
    : TableProcedure(sim, name, table, network, host, config.every, config.object_client, kRuns,
                     kFailedRuns),
      rewritten_(AddCounter(kRewritten)),
      added_(AddCounter(kAdded)) {
  time_ = &AddDistribution(kTime);
}

void ManifestRewriter::Begin() {
  made_.clear();
  table_->Load([this](IcebergTable::Loaded loaded) {
    if (!loaded.ok) {
      End(false);
      return;
    }
    plan_ = table_->CurrentMetadata();
    if (plan_.manifests.size() <= 1) {
      End(true);
    } else {
      Read();
    }
  });
}

void ManifestRewriter::Read() {
  // The file leads to the list, and that to the manifests; they are read as one here, side by side.
  BeginStep(2 + plan_.manifests.size());
  const auto read = [this](const IcebergTable::Part& part) {
    client_.Get(part.object, Bytes(0), part.bytes, ObjectCause::kMetadata,
                [this](ObjectResult result) {
                  StepOver(result == ObjectResult::kOk, &ManifestRewriter::Write);
                });
  };
  read(plan_.file);
  read(plan_.list);
  for (const IcebergTable::Part& manifest : plan_.manifests) read(manifest);
}

void ManifestRewriter::Write() {
  int64_t files = 0;
  Bytes bytes;
  for (const IcebergTable::Part& manifest : plan_.manifests) {
    files += manifest.files;
    bytes += manifest.bytes;
  }
  const int64_t target = table_->manifest_target().count();
  const int64_t count = std::max<int64_t>(1, (bytes.count() + target - 1) / target);
  BeginStep(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    // Even, and exact in the sum.
    const int64_t share = MulDivFloor(files, i + 1, count) - MulDivFloor(files, i, count);
    made_.push_back({table_->NewManifest(), table_->ManifestBytes(share), share});
    client_.Put(made_.back().object, made_.back().bytes, ObjectCause::kMetadata,
                [this](ObjectResult result) {
                  StepOver(result == ObjectResult::kOk, &ManifestRewriter::Commit);
                });
  }
}

void ManifestRewriter::Commit() {
  std::vector<ObjectId> old;
  for (const IcebergTable::Part& manifest : plan_.manifests) old.push_back(manifest.object);
  table_->ReplaceManifests(std::move(old), made_, &client_, [this](TableOutcome outcome) {
    if (outcome == TableOutcome::kVisible) {
      rewritten_.Add(static_cast<int64_t>(plan_.manifests.size()));
      added_.Add(static_cast<int64_t>(made_.size()));
    }
    End(outcome == TableOutcome::kVisible);
  });
}

void ManifestRewriter::ThrowAway() {
  for (const IcebergTable::Part& manifest : made_) {
    client_.Delete(manifest.object, ObjectCause::kMetadata, [](ObjectResult) {});
  }
}

}  // namespace freshet
