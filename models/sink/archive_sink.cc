#include "models/sink/archive_sink.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {

ArchiveSink::ArchiveSink(Simulation& sim, absl::string_view name, ObjectStore* bucket,
                         Network* network, const Config& config)
    : MeteredSink(sim, name),
      config_(config),
      bucket_(bucket),
      network_(network),
      prefix_(bucket->AddPrefix(absl::StrCat(name, "/objects"))),
      objects_(AddCounter(kObjects)),
      object_bytes_(AddDistribution(kObjectBytes)),
      pending_(AddGauge(kPending)) {}

Sink::WriterId ArchiveSink::AddWriter(absl::string_view writer_name, HostId host) {
  auto writer = std::make_unique<Writer>();
  writer->host = host;
  writer->client = std::make_unique<ObjectClient>(
      sim(), absl::StrCat(name(), "/", writer_name, "/object-client"), bucket_, network_, host,
      config_.object_client);
  writers_.push_back(std::move(writer));
  return static_cast<WriterId>(writers_.size()) - 1;
}

// --- A writer ---

void ArchiveSink::WriteAll(WriterId number, const std::vector<RecordRange>& records,
                           Completion<bool> done) {
  Writer& writer = At(number);
  for (const RecordRange& range : records) {
    if (writer.open.records.empty()) {
      ++writer.opened;
      if (config_.roll_age) {
        After<"archive.roll">(*config_.roll_age, [this, number, opened = writer.opened] {
          Writer& late = At(number);
          if (late.opened == opened && !late.open.records.empty()) Close(number);
        });
      }
    }
    writer.open.records.push_back(range);
    writer.open.bytes += config_.size_ratio * range.bytes;
    if (writer.open.bytes >= config_.roll_size) Close(number);
  }
  writer.taken.push_back(done);
  After<"archive.taken">(Duration::Zero(), [this, number, life = writer.life] {
    if (life != At(number).life) return;
    WriteEnded(true);
    Completion<bool> told = At(number).taken.pop_front();
    told(true);
  });
}

void ArchiveSink::Close(WriterId number) {
  Writer& writer = At(number);
  Object object = std::move(writer.open);
  writer.open = Object();
  object.id = bucket_->NewObject(prefix_);
  object.bytes = std::max(object.bytes, Bytes(1));
  const auto [entry, is_new] = writer.closed.emplace(object.id, std::move(object));
  Upload(number, entry->second);
}

void ArchiveSink::Upload(WriterId number, Object& object) {
  Writer& writer = At(number);
  object.uploading = true;
  object.failed = false;
  writer.client->CreateUpload(
      object.id, ObjectCause::kOther,
      [this, number, life = writer.life, id = object.id](ObjectResult result) {
        if (life != At(number).life) return;
        if (result == ObjectResult::kOk) {
          SendParts(number, id);
        } else {
          At(number).closed.at(id).requests_left = 1;
          PartOver(number, id, result);
        }
      });
}

void ArchiveSink::SendParts(WriterId number, ObjectId id) {
  Writer& writer = At(number);
  Object& object = writer.closed.at(id);
  object.requests_left = MulDivCeil(object.bytes.count(), 1, config_.part_size.count());
  Bytes left = object.bytes;
  for (int32_t part = 0; left > Bytes(0); ++part) {
    const Bytes size = std::min(left, config_.part_size);
    left -= size;
    writer.client->UploadPart(id, part, size, ObjectCause::kOther,
                              [this, number, life = writer.life, id](ObjectResult result) {
                                if (life == At(number).life) PartOver(number, id, result);
                              });
  }
}

void ArchiveSink::PartOver(WriterId number, ObjectId id, ObjectResult result) {
  Writer& writer = At(number);
  Object& object = writer.closed.at(id);
  object.failed = object.failed || result != ObjectResult::kOk;
  if (--object.requests_left > 0) return;
  object.uploading = false;
  MaybePrepared(number);
}

void ArchiveSink::Prepare(WriterId number, Epoch epoch, Completion<bool> done) {
  Writer& writer = At(number);
  SIM_REQUIRE(!writer.preparing);
  writer.preparing = true;
  writer.epoch = epoch;
  writer.prepared = done;
  if (!writer.open.records.empty()) Close(number);
  bool waits = false;
  for (auto& [id, object] : writer.closed) {
    object.of_epoch = true;
    // What did not get through before goes again, under the same key.
    if (object.failed && !object.uploading) Upload(number, object);
    waits = waits || object.uploading;
  }
  if (waits) return;
  After<"archive.prepared">(Duration::Zero(), [this, number, life = writer.life] {
    if (life == At(number).life) MaybePrepared(number);
  });
}

void ArchiveSink::MaybePrepared(WriterId number) {
  Writer& writer = At(number);
  if (!writer.preparing) return;
  bool all = true;
  for (const auto& [id, object] : writer.closed) {
    if (!object.of_epoch) continue;
    if (object.uploading) return;
    all = all && !object.failed;
  }
  writer.preparing = false;
  Completion<bool> done = writer.prepared;
  for (auto entry = writer.closed.begin(); all && entry != writer.closed.end();) {
    if (!entry->second.of_epoch) {
      ++entry;
      continue;
    }
    prepared_[writer.epoch].push_back(std::move(entry->second));
    pending_.Add(1);
    entry = writer.closed.erase(entry);
  }
  done(all);
}

void ArchiveSink::Reset(WriterId number) {
  Writer& writer = At(number);
  ++writer.life;
  ++writer.opened;
  writer.client->DropAll();
  writer.open = Object();
  writer.taken.clear();
  writer.closed.clear();
  writer.preparing = false;
  ledger().ExplainAll(EffectCause::kRestart);
  if (!committing_ || committer_ != number) return;
  // What it was completing is completed again by the next one, which is no harm.
  ++attempt_;
  After<"archive.committer_gone">(Duration::Zero(), [this] { EndCommit(false); });
}

void ArchiveSink::Rollback(Epoch epoch) {
  for (auto entry = prepared_.upper_bound(epoch); entry != prepared_.end();) {
    pending_.Add(-static_cast<int64_t>(entry->second.size()));
    for (const Object& object : entry->second) {
      writers_.front()->client->AbortUpload(object.id, ObjectCause::kOther, [](ObjectResult) {});
    }
    entry = prepared_.erase(entry);
  }
}

// --- The committer ---

void ArchiveSink::Commit(Epoch epoch, Completion<bool> done) {
  SIM_REQUIRE(!committing_);
  committing_ = true;
  commit_to_ = epoch;
  committed_ = done;
  committer_ = -1;
  for (size_t i = 0; i < writers_.size() && committer_ < 0; ++i) {
    if (!network_->down(writers_[i]->host)) committer_ = static_cast<WriterId>(i);
  }
  After<"archive.commit">(Duration::Zero(), [this, attempt = ++attempt_] {
    if (attempt == attempt_) CompleteNext();
  });
}

void ArchiveSink::CompleteNext() {
  while (!prepared_.empty() && prepared_.begin()->second.empty()) {
    prepared_.erase(prepared_.begin());
  }
  if (prepared_.empty() || prepared_.begin()->first > commit_to_) {
    EndCommit(true);
    return;
  }
  if (committer_ < 0) {
    EndCommit(false);
    return;
  }
  const Object& object = prepared_.begin()->second.back();
  At(committer_)
      .client->CompleteUpload(
          object.id, ObjectCause::kOther, [this, attempt = attempt_](ObjectResult result) {
            if (attempt != attempt_) return;
            // No such upload: it had been completed, and nobody was told.
            if (result != ObjectResult::kOk && result != ObjectResult::kNotFound) {
              EndCommit(false);
              return;
            }
            std::vector<Object>& objects = prepared_.begin()->second;
            for (const RecordRange& range : objects.back().records) {
              BecomeVisible(range, EffectLedger::Again::kAdds, WaitFor::kBarrier);
            }
            objects_.Add(1);
            object_bytes_.Record(objects.back().bytes.count());
            pending_.Add(-1);
            objects.pop_back();
            CompleteNext();
          });
}

void ArchiveSink::EndCommit(bool ok) {
  if (!committing_) return;
  committing_ = false;
  committer_ = -1;
  Completion<bool> done = committed_;
  done(ok);
}

}  // namespace freshet
