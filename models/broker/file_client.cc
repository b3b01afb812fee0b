#include "models/broker/file_client.h"

#include "absl/strings/str_cat.h"

namespace freshet {

FileClient::FileClient(Simulation& sim, absl::string_view name, Network* network, HostId host,
                       FileSet* files, const Config& config)
    : Component(sim, name), config_(config), zone_(network->ZoneOf(host)), files_(files) {
  SIM_REQUIRE(config.attempts > 0 && config.ingest_quorum > 0 &&
              static_cast<uint32_t>(config.ingest_quorum) <= files->ingest_count());
  for (const Bucket& bucket : files->buckets()) {
    const auto new_client = [&](absl::string_view suffix) {
      return std::make_unique<ObjectClient>(sim,
                                            absl::StrCat(name, "/", bucket.store->name(), suffix),
                                            bucket.store, network, host, config.object_client);
    };
    clients_.push_back(new_client(""));
    write_clients_.push_back(new_client("-writes"));
    maintenance_clients_.push_back(new_client("-maintenance"));
    writers_.push_back(
        std::make_unique<ObjectWriter>(write_clients_.back().get(), config.part_size));
    merge_writers_.push_back(
        std::make_unique<ObjectWriter>(maintenance_clients_.back().get(), config.part_size, 1));
    prefixes_.push_back(bucket.store->AddPrefix(name));
  }
}

FileId FileClient::NewFile(Bytes size, uint32_t level) {
  LeaderlessFile file;
  file.size = size;
  file.level = level;
  const uint32_t first = level == 0 ? 0 : files_->compacted();
  const uint32_t end = level == 0 ? files_->ingest_count() : first + 1;
  for (uint32_t bucket = first; bucket < end; ++bucket) {
    file.copies.push_back(
        {bucket, files_->buckets()[bucket].store->NewObject(prefixes_[bucket]), false});
  }
  return files_->Add(std::move(file));
}

// --- Writing ---

void FileClient::Write(FileId id, ObjectCause cause, Done done) {
  const LeaderlessFile& file = files_->At(id);
  const int copies = static_cast<int>(file.copies.size());
  Writing& writing = writing_[id];
  writing = {cause, done, {}, copies};
  writing.quorum.Start(WaitForKOfN::AllOf(copies), file.level == 0 ? config_.ingest_quorum : copies,
                       [this, id] {
                         Done written = writing_.at(id).done;
                         written(ObjectResult::kOk);
                       });
  for (int copy = 0; copy < copies; ++copy) Put(id, static_cast<uint32_t>(copy), 1);
}

void FileClient::Put(FileId id, uint32_t copy, uint32_t attempt) {
  const LeaderlessFile& file = files_->At(id);
  const FileCopy& where = file.copies[copy];
  const auto& writers = file.level == 0 ? writers_ : merge_writers_;
  writers[where.bucket]->Write(
      where.object, file.size, writing_.at(id).cause,
      [this, id, copy = static_cast<uint16_t>(copy), attempt = static_cast<uint16_t>(attempt)](
          ObjectResult result) { PutOver(id, copy, attempt, result); });
}

void FileClient::PutOver(FileId id, uint32_t copy, uint32_t attempt, ObjectResult result) {
  Writing& writing = writing_.at(id);
  const bool known = files_->Has(id);  // Else it was deleted meanwhile.
  if (result != ObjectResult::kOk && known && attempt < config_.attempts) {
    After<"file_client.put_again">(config_.backoff, [this, id, copy, attempt, life = life_] {
      if (life != life_) return;
      if (files_->Has(id)) {
        Put(id, copy, attempt + 1);
      } else {
        PutOver(id, copy, attempt, ObjectResult::kFailed);
      }
    });
    return;
  }
  const bool last = ++writing.answered == writing.copies;
  if (result == ObjectResult::kOk) {
    if (known) files_->At(id).copies[copy].there = true;
    writing.quorum.Arrive(static_cast<int>(copy));
  } else {
    ++writing.failed;
    if (writing.quorum.waiting() && writing.copies - writing.failed < writing.quorum.needed()) {
      writing.quorum.Stop();
      Done failed = writing.done;
      failed(ObjectResult::kFailed);
    }
  }
  if (last) writing_.erase(id);
}

// --- Reading ---

void FileClient::Read(FileId id, Bytes offset, Bytes size, ObjectCause cause, Done done) {
  const std::vector<FileCopy>& copies = files_->At(id).copies;
  uint32_t first = 0;
  for (uint32_t copy = 0; copy < copies.size(); ++copy) {
    if (files_->buckets()[copies[copy].bucket].zone == zone_ && copies[copy].there) first = copy;
  }
  reading_[next_read_] = {id, offset, size, cause, done, first, 0};
  Ask(next_read_++);
}

void FileClient::Ask(uint64_t read) {
  Reading& reading = reading_.at(read);
  const std::vector<FileCopy>& copies = files_->At(reading.file).copies;
  // A copy that is not there answers so, and then another is asked.
  const FileCopy& copy = copies[(reading.first + reading.asked++) % copies.size()];
  clients_[copy.bucket]->Get(copy.object, reading.offset, reading.size, reading.cause,
                             [this, read](ObjectResult result) { Answered(read, result); });
}

void FileClient::Answered(uint64_t read, ObjectResult result) {
  const auto entry = reading_.find(read);
  const Reading& reading = entry->second;
  if (result != ObjectResult::kOk && files_->Has(reading.file) &&
      reading.asked < files_->At(reading.file).copies.size()) {
    Ask(read);
    return;
  }
  Done done = reading.done;
  reading_.erase(entry);
  done(result);
}

void FileClient::Delete(const std::vector<FileCopy>& copies) {
  for (const FileCopy& copy : copies) {
    if (!copy.there) {
      maintenance_clients_[copy.bucket]->AbortUpload(copy.object, ObjectCause::kCompaction,
                                                     [](ObjectResult) {});
    }
    maintenance_clients_[copy.bucket]->Delete(copy.object, ObjectCause::kCompaction,
                                              [](ObjectResult) {});
  }
}

void FileClient::DropAll() {
  ++life_;
  for (const auto* clients : {&clients_, &write_clients_, &maintenance_clients_}) {
    for (const auto& client : *clients) client->DropAll();
  }
  for (const auto* writers : {&writers_, &merge_writers_}) {
    for (const auto& writer : *writers) writer->DropAll();
  }
  writing_.clear();
  reading_.clear();
}

}  // namespace freshet
