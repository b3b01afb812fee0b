#include "models/sink/lakehouse_sink.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// Of how many appended epochs records are remembered: a swap that is on its way arrives within one.
constexpr size_t kEpochsKept = 4;

}  // namespace

LakehouseSink::LakehouseSink(Simulation& sim, absl::string_view name, IcebergTable* table,
                             Network* network, const Config& config)
    : MeteredSink(sim, name),
      config_(config),
      table_(table),
      network_(network),
      files_(AddCounter(kFiles)),
      file_bytes_(AddDistribution(kFileBytes)),
      flush_time_(AddDistribution(kFlushTime)),
      taken_over_(AddCounter(kTakenOver)) {
  SIM_REQUIRE(config.open_partitions > 0);
  if (config.overwrite) {
    partitions_overwritten_ = &AddCounter(kPartitionsOverwritten);
    rows_rewritten_ = &AddCounter(kRowsRewritten);
    rows_overwritten_ = &AddCounter(kRowsOverwritten);
    rows_not_tracked_ = &AddCounter(kRowsNotTracked);
  }
  table->OnVisible([this](const TableAppend& append) { BecameVisible(append); });
}

Sink::WriterId LakehouseSink::AddWriter(absl::string_view writer_name, HostId host) {
  auto writer = std::make_unique<Writer>();
  writer->host = host;
  const std::string of = absl::StrCat(name(), "/", writer_name);
  Station::Config thread;
  thread.metrics = false;
  writer->thread = std::make_unique<Station>(sim(), absl::StrCat(of, "/thread"), thread);
  writer->client =
      std::make_unique<ObjectClient>(sim(), absl::StrCat(of, "/object-client"),
                                     &table_->warehouse(), network_, host, config_.object_client);
  writer->uploads = std::make_unique<ObjectWriter>(writer->client.get(), config_.part_size);
  writers_.push_back(std::move(writer));
  return static_cast<WriterId>(writers_.size()) - 1;
}

// --- A writer ---

void LakehouseSink::WriteAll(WriterId number, const std::vector<RecordRange>& records,
                             Completion<bool> done) {
  Writer& writer = At(number);
  const uint64_t write = writer.next_write++;
  writer.encoding.emplace(write, records);
  Bytes bytes;
  for (const RecordRange& range : records) bytes += range.bytes;
  struct Task {
    LakehouseSink* self;
    WriterId number;
    uint32_t life;
    uint64_t write;
  };
  const Task task = {this, number, writer.life, write};
  writer.thread->Serve(
      Nanoseconds(MulDivCeil(config_.cpu_per_mib.nanos(), bytes.count(), MiB(1).count())),
      [task] { task.self->Encoded(task.number, task.write); });
  writer.waiting.emplace(write, done);
}

void LakehouseSink::Encoded(WriterId number, uint64_t write) {
  Writer& writer = At(number);
  const auto entry = writer.encoding.find(write);
  for (const RecordRange& range : entry->second) {
    if (config_.overwrite) Open(writer, range);
    writer.open_records += range.record_count();
    writer.open_bytes += config_.parquet_ratio * range.bytes;
    writer.open_wrong = writer.open_wrong || IsWrong(range);
    writer.records.push_back(range);
    writer.records.back().trail.AddService(Now(), Milestone::kProcessed, component_id());
  }
  writer.encoding.erase(entry);
  if (config_.overwrite) {
    CloseFull(number);
  } else if (writer.open_bytes >= config_.target_file * config_.open_partitions) {
    CloseFiles(number);
  }
  Completion<bool> done = writer.waiting.at(write);
  writer.waiting.erase(write);
  WriteEnded(true);
  done(true);
}

void LakehouseSink::CloseFiles(WriterId number) {
  Writer& writer = At(number);
  // An overwrite knows which partitions they are.
  while (!writer.open.empty()) Close(number, writer.open.begin()->first);
  const int64_t count =
      config_.overwrite ? 0 : std::min(config_.open_partitions, writer.open_records);
  for (int64_t i = 0; i < count; ++i) {
    // Even, and exact in the sum.
    const auto share = [&](int64_t all) {
      return MulDivFloor(all, i + 1, count) - MulDivFloor(all, i, count);
    };
    File file;
    file.file = {table_->NewFile(), Bytes(std::max<int64_t>(1, share(writer.open_bytes.count()))),
                 share(writer.open_records), i, writer.open_wrong};
    Upload(number, writer.files.emplace(file.file.object, file).first->second);
  }
  writer.open_records = 0;
  writer.open_bytes = Bytes(0);
  writer.open_wrong = false;
}

void LakehouseSink::Upload(WriterId number, File& file) {
  Writer& writer = At(number);
  file.uploading = true;
  writer.uploads->Write(
      file.file.object, file.file.bytes, ObjectCause::kOther,
      [this, number, life = writer.life, object = file.file.object](ObjectResult result) {
        if (life != At(number).life) return;
        Uploaded(number, object, result == ObjectResult::kOk);
      });
}

void LakehouseSink::Uploaded(WriterId number, ObjectId object, bool ok) {
  File& file = At(number).files.at(object);
  file.uploading = false;
  file.uploaded = ok;
  if (ok) {
    table_->FileWritten(file.file);
    files_.Add(1);
    file_bytes_.Record(file.file.bytes.count());
  }
  MaybePrepared(number);
}

void LakehouseSink::Prepare(WriterId number, Epoch epoch, Completion<bool> done) {
  Writer& writer = At(number);
  SIM_REQUIRE(!writer.preparing && writer.encoding.empty());
  writer.preparing = true;
  writer.epoch = epoch;
  writer.prepared = done;
  writer.asked_at = Now();
  writer.records_of_epoch = writer.records.size();
  if (writer.open_records > 0) CloseFiles(number);
  bool waits = false;
  for (auto& [object, file] : writer.files) {
    file.of_epoch = true;
    // What did not get through before goes again.
    if (!file.uploaded && !file.uploading) Upload(number, file);
    waits = waits || file.uploading;
  }
  if (waits) return;
  After<"sink.prepared">(Duration::Zero(), [this, number, life = writer.life] {
    if (life == At(number).life) MaybePrepared(number);
  });
}

void LakehouseSink::MaybePrepared(WriterId number) {
  Writer& writer = At(number);
  if (!writer.preparing) return;
  bool all = true;
  for (const auto& [object, file] : writer.files) {
    if (!file.of_epoch) continue;
    if (file.uploading) return;
    all = all && file.uploaded;
  }
  writer.preparing = false;
  Completion<bool> done = writer.prepared;
  if (all) {
    flush_time_.Record(Now() - writer.asked_at);
    if (writer.records_of_epoch > 0) {
      Prepared& prepared = prepared_[writer.epoch];
      const auto end = writer.records.begin() + static_cast<int64_t>(writer.records_of_epoch);
      for (auto range = writer.records.begin(); range != end; ++range) {
        range->trail.AddWait(std::max(range->trail.End(), writer.asked_at), Milestone::kCommitted,
                             WaitFor::kTimer, component_id());
        range->trail.AddService(Now(), Milestone::kCommitted, component_id());
        prepared.records.push_back(*range);
      }
      writer.records.erase(writer.records.begin(), end);
      for (auto entry = writer.files.begin(); entry != writer.files.end();) {
        if (!entry->second.of_epoch) {
          ++entry;
          continue;
        }
        prepared.files.push_back(entry->second.file);
        if (config_.overwrite) {
          prepared.rows[entry->second.file.partition].AddAll(entry->second.rows);
        }
        entry = writer.files.erase(entry);
      }
    }
  }
  done(all);
}

void LakehouseSink::Reset(WriterId number) {
  Writer& writer = At(number);
  ++writer.life;
  writer.thread->DropAll();
  writer.encoding.clear();
  writer.waiting.clear();
  writer.uploads->DropAll();
  writer.client->DropAll();
  for (const auto& [object, file] : writer.files) {
    if (file.uploaded) table_->FileDropped(object);
  }
  writer.files.clear();
  writer.records.clear();
  writer.open_records = 0;
  writer.open_bytes = Bytes(0);
  writer.open_wrong = false;
  writer.open.clear();
  writer.preparing = false;
  ledger().ExplainAll(EffectCause::kRestart);
  for (auto entry = beside_.begin(); entry != beside_.end();) {
    if (entry->second.zombie != number) {
      ++entry;
      continue;
    }
    table_->Abandon(entry->second.key);
    entry = beside_.erase(entry);
  }
  if (!committing_ || committer_ != number) return;
  // The committer is gone, and nobody knows how far it came.
  taken_over_.Add(1);
  ++attempt_;
  if (key_ != 0) table_->Abandon(key_);
  // Of a swap that was asked for nobody knows yet.
  if (key_ == 0) DropMerged(false);
  key_ = 0;
  in_doubt_ = true;
  After<"sink.committer_gone">(Duration::Zero(), [this] { EndCommit(false); });
}

void LakehouseSink::Rollback(Epoch epoch) {
  for (auto entry = prepared_.upper_bound(epoch); entry != prepared_.end();) {
    for (const TableFile& file : entry->second.files) table_->FileDropped(file.object);
    entry = prepared_.erase(entry);
  }
}

// --- The committer ---

Sink::WriterId LakehouseSink::Committer() const {
  if (elected_ != kNobody && !network_->down(writers_[static_cast<size_t>(elected_)]->host)) {
    return elected_;
  }
  for (size_t i = 0; i < writers_.size(); ++i) {
    if (!network_->down(writers_[i]->host)) return static_cast<WriterId>(i);
  }
  return kNobody;
}

void LakehouseSink::Commit(Epoch epoch, Completion<bool> done) {
  SIM_REQUIRE(!committing_);
  committing_ = true;
  commit_to_ = epoch;
  committed_ = done;
  committer_ = Committer();
  const uint32_t attempt = ++attempt_;
  After<"sink.commit">(Duration::Zero(), [this, attempt] {
    if (attempt == attempt_) CommitNext();
  });
}

void LakehouseSink::CommitNext() {
  if (prepared_.empty() || prepared_.begin()->first > commit_to_) {
    EndCommit(true);
  } else if (committer_ == kNobody) {
    EndCommit(false);
  } else if (in_doubt_) {
    LookForIt();
  } else {
    Append();
  }
}

void LakehouseSink::LookForIt() {
  table_->Load([this, attempt = attempt_](IcebergTable::Loaded loaded) {
    if (attempt != attempt_) return;
    if (!loaded.ok) {
      EndCommit(false);
      return;
    }
    in_doubt_ = false;
    if (loaded.largest >= static_cast<uint64_t>(prepared_.begin()->first)) {
      AppendEnded(true);
    } else {
      // What the dead one had merged for it nobody will commit.
      DropMerged(false);
      Append();
    }
  });
}

void LakehouseSink::Append() {
  const auto& [epoch, prepared] = *prepared_.begin();
  appended_[epoch].records = prepared.records;
  while (beside_.empty() && appended_.size() > kEpochsKept) appended_.erase(appended_.begin());
  if (config_.overwrite) {
    Overwrite();
    return;
  }
  TableAppend append;
  append.files = prepared.files;
  StartAppend(std::move(append));
}

void LakehouseSink::StartAppend(TableAppend append) {
  append.id = static_cast<uint64_t>(prepared_.begin()->first);
  append.fenced = config_.fenced;
  ObjectClient* const client = At(committer_).client.get();
  key_ = table_->Begin(std::move(append), client, [this](TableOutcome staged) {
    if (staged == TableOutcome::kFailed) {
      AppendEnded(false);
      return;
    }
    table_->Commit(
        key_, [this](TableOutcome outcome) { AppendEnded(outcome == TableOutcome::kVisible); });
  });
}

void LakehouseSink::AppendEnded(bool ok) {
  key_ = 0;
  if (!ok) {
    DropMerged(true);
    EndCommit(false);
    return;
  }
  // Rows of these are in the merged files now, and the table may have them from another's.
  for (const TableFile& file : merging_.staged) DropFile(file.object, true);
  for (const ObjectId object : merging_.uploaded) DropFile(object, true);
  merging_ = Merging();
  prepared_.erase(prepared_.begin());
  CommitNext();
}

void LakehouseSink::CommitBeside(WriterId zombie, Epoch epoch) {
  SIM_REQUIRE(!config_.overwrite);
  for (const auto& [each, prepared] : prepared_) {
    if (each > epoch) return;
    appended_[each].records = prepared.records;
    TableAppend append;
    append.id = static_cast<uint64_t>(each);
    append.files = prepared.files;
    append.fenced = config_.fenced;
    const uint32_t number = next_beside_++;
    const IcebergTable::CommitKey key = table_->Begin(
        std::move(append), At(zombie).client.get(), [this, number](TableOutcome staged) {
          if (staged == TableOutcome::kFailed) {
            beside_.erase(number);
            return;
          }
          table_->Commit(beside_.at(number).key,
                         [this, number](TableOutcome) { beside_.erase(number); });
        });
    beside_[number] = {zombie, key};
    committed_beside_ = true;
  }
}

void LakehouseSink::EndCommit(bool ok) {
  if (!committing_) return;
  committing_ = false;
  committer_ = kNobody;
  Completion<bool> done = committed_;
  done(ok);
}

void LakehouseSink::BecameVisible(const TableAppend& append) {
  const uint64_t epoch = append.id;
  const auto entry = appended_.find(static_cast<Epoch>(epoch));
  SIM_CHECK(entry != appended_.end(), "inv.I19",
            absl::StrCat(name(), ": an append of epoch ", epoch, " that nobody made"));
  // Once more: a committer that is gone has swapped it in, too.
  SIM_CHECK(!entry->second.visible || taken_over_.Value() > 0 || committed_beside_, "inv.I19",
            absl::StrCat(name(), ": epoch ", epoch, " was appended twice by one committer"));
  if (config_.overwrite) {
    TakePlaces(entry->second.rows);
    ShowOverwritten(entry->second.records);
  } else {
    for (const RecordRange& range : entry->second.records) {
      if (entry->second.visible) ledger().Explain(range, EffectCause::kZombie);
      BecomeVisible(range, EffectLedger::Again::kAdds, WaitFor::kNone);
    }
  }
  entry->second.visible = true;
  for (const TableFile& file : append.files) {
    if (file.wrong) NoteWrongFile(static_cast<int64_t>(file.object));
  }
}

}  // namespace freshet
