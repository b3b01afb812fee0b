#include "models/broker/file_merger.h"

#include <algorithm>
#include <utility>

namespace freshet {

FileMerger::FileMerger(Simulation& sim, absl::string_view name, BrokerId id, FileClient* client,
                       const FileSet* files, Owner* owner, const Config& config)
    : Component(sim, name),
      config_(config),
      id_(id),
      client_(client),
      files_(files),
      owner_(owner),
      merges_(AddCounter(kMerges)),
      merged_bytes_(AddCounter(kMergedBytes)) {
  SIM_REQUIRE(config.interval > Duration::Zero() && config.piece > Bytes(0));
}

void FileMerger::Start() { Look(); }

void FileMerger::Look() {
  After<"file_merger.looks">(config_.interval, [this, life = life_] {
    if (life != life_) return;
    TryNext();
    Look();
  });
}

void FileMerger::TryNext() {
  if (busy_) return;
  merge_ = FileMerge();
  if (!owner_->NextMerge(&merge_)) return;
  busy_ = true;
  handed_in_ = false;
  source_ = 0;
  read_of_source_ = Bytes(0);
  ReadNext();
}

void FileMerger::ReadNext() {
  if (source_ == merge_.sources.size()) {
    merge_.target = client_->NewFile(merge_.size, merge_.level);
    Write();
    return;
  }
  ReadPiece(std::min(config_.piece, files_->At(merge_.sources[source_]).size - read_of_source_));
}

void FileMerger::ReadPiece(Bytes size) {
  client_->Read(merge_.sources[source_], read_of_source_, size, ObjectCause::kCompaction,
                [this, size](ObjectResult result) {
                  if (result == ObjectResult::kNotFound) {
                    // Retention has deleted it meanwhile: none of it is wanted.
                    ++source_;
                    read_of_source_ = Bytes(0);
                    ReadNext();
                    return;
                  }
                  if (result != ObjectResult::kOk) {
                    ReadPiece(size);
                    return;
                  }
                  read_of_source_ += size;
                  if (read_of_source_ == files_->At(merge_.sources[source_]).size) {
                    ++source_;
                    read_of_source_ = Bytes(0);
                  }
                  ReadNext();
                });
}

void FileMerger::Write() {
  client_->Write(merge_.target, ObjectCause::kCompaction, [this](ObjectResult result) {
    if (result != ObjectResult::kOk) {
      Write();
      return;
    }
    merges_.Add(1);
    merged_bytes_.Add(merge_.size.count());
    handed_in_ = true;
    owner_->CommitMerge(id_, std::move(merge_));
  });
}

void FileMerger::MergeOver() {
  busy_ = false;
  TryNext();
}

void FileMerger::DropAll() {
  ++life_;
  if (busy_ && !handed_in_) owner_->AbandonMerge(merge_);
  busy_ = false;
}

}  // namespace freshet
