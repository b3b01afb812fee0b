// How LakehouseSink overwrites: rows go to the table's partitions by their event times, and a
// commit takes the place of whole partitions.
#include <algorithm>
#include <utility>

#include "models/log/record_profiles.h"
#include "models/sink/lakehouse_sink.h"

namespace freshet {
namespace {

int64_t PartitionAt(Time at, Duration width) {
  const int64_t nanos = at.nanos();
  const int64_t floor = nanos / width.nanos();
  return nanos % width.nanos() < 0 ? floor - 1 : floor;
}

// Calls visit(partition of the table, from, to) for the stretches of a run, in order.
template <class Visit>
void VisitPartitions(const EventRun& run, Duration width, Visit&& visit) {
  Offset at = run.from;
  while (at < run.to) {
    const int64_t partition = PartitionAt(run.EventAt(at), width);
    const Time end = Time() + width * (partition + 1);
    const Offset until =
        std::clamp(run.base + run.row.CountBefore(end + run.lateness), at + 1, run.to);
    visit(partition, at, until);
    at = until;
  }
}

}  // namespace

void LakehouseSink::Open(Writer& writer, const RecordRange& range) {
  SIM_REQUIRE(range.record_count() == range.to - range.from);
  const Bytes bytes = config_.parquet_ratio * range.bytes;
  const int64_t count = range.to - range.from;
  const bool wrong = IsWrong(range);
  const auto take = [&](int64_t partition, Offset from, Offset to) {
    OpenPartition& open = writer.open[partition];
    open.records += to - from;
    open.bytes += Bytes(MulDivFloor(bytes.count(), to - range.from, count) -
                        MulDivFloor(bytes.count(), from - range.from, count));
    open.wrong = open.wrong || wrong;
    open.rows.Add(range.partition, from, to);
  };
  const RecordProfiles* const profiles = ProfilesOf(range.partition);
  SIM_REQUIRE(profiles != nullptr);
  profiles->VisitRuns(StretchOf(range), [&](const EventRun& run) {
    VisitPartitions(run, config_.overwrite->width, take);
  });
}

void LakehouseSink::Close(WriterId number, int64_t partition) {
  Writer& writer = At(number);
  const auto entry = writer.open.find(partition);
  OpenPartition& open = entry->second;
  writer.open_records -= open.records;
  writer.open_bytes -= open.bytes;
  File file;
  file.file = {table_->NewFile(), std::max(Bytes(1), open.bytes), open.records, partition,
               open.wrong};
  file.rows = std::move(open.rows);
  writer.open.erase(entry);
  const ObjectId object = file.file.object;
  Upload(number, writer.files.emplace(object, std::move(file)).first->second);
}

void LakehouseSink::CloseFull(WriterId number) {
  std::vector<int64_t> full;
  for (const auto& [partition, open] : At(number).open) {
    if (open.bytes >= config_.target_file) full.push_back(partition);
  }
  for (const int64_t partition : full) Close(number, partition);
}

// --- The committer ---

void LakehouseSink::Overwrite() {
  const Prepared& prepared = prepared_.begin()->second;
  merging_ = Merging();
  merging_.version = table_->version();
  merging_.rows = prepared.rows;
  for (auto& [partition, rows] : merging_.rows) {
    const auto forgotten = forgotten_.find(partition);
    if (config_.overwrite->merges && forgotten != forgotten_.end()) {
      merging_.carried += forgotten->second;
    }
    const auto had = contents_.find(partition);
    if (had == contents_.end()) continue;
    if (config_.overwrite->merges) {
      merging_.carried += had->second.count();
      rows.AddAll(had->second);
    } else {
      // Of what it repeats.
      int64_t gone = 0;
      had->second.VisitBeyond(rows,
                              [&gone](PartitionId, Offset from, Offset to) { gone += to - from; });
      merging_.carried += had->second.count() - gone;
    }
  }
  if (!config_.overwrite->merges) {
    StartOverwrite(prepared.files);
    return;
  }
  const auto is_merged = [this](int64_t partition) {
    return contents_.contains(partition) || forgotten_.contains(partition);
  };
  for (const TableFile& file : prepared.files) {
    (is_merged(file.partition) ? merging_.staged : merging_.files).push_back(file);
  }
  table_->VisitFiles([&](const TableFile& file) {
    if (merging_.rows.contains(file.partition)) merging_.old.push_back(file);
  });
  Merge();
}

void LakehouseSink::Merge() {
  merging_.left = static_cast<int64_t>(merging_.old.size() + merging_.staged.size());
  if (merging_.left == 0) {
    StartOverwrite(merging_.files);
    return;
  }
  for (const auto* files : {&merging_.old, &merging_.staged}) {
    for (const TableFile& file : *files) {
      At(committer_)
          .client->Get(file.object, Bytes(0), file.bytes, ObjectCause::kCompaction,
                       [this, attempt = attempt_](ObjectResult result) {
                         if (attempt == attempt_) MergeRead(result == ObjectResult::kOk);
                       });
    }
  }
}

void LakehouseSink::MergeRead(bool ok) {
  merging_.ok = merging_.ok && ok;
  if (--merging_.left > 0) return;
  if (!merging_.ok) {
    // A rewrite may have been quicker, and its snapshot expired: what is there now is read next
    // time.
    AppendEnded(false);
    return;
  }
  Bytes bytes;
  for (const auto* files : {&merging_.old, &merging_.staged}) {
    for (const TableFile& file : *files) bytes += file.bytes;
  }
  // As if they came from the log again.
  const int64_t as_records =
      MulDivCeil(bytes.count(), Ratio::One().billionths(), config_.parquet_ratio.billionths());
  At(committer_)
      .thread->Serve(
          Nanoseconds(MulDivCeil(config_.cpu_per_mib.nanos(), as_records, MiB(1).count())),
          [this, attempt = attempt_] {
            if (attempt == attempt_) MergeWorked();
          });
}

void LakehouseSink::MergeWorked() {
  struct Sum {
    Bytes bytes;
    int64_t records = 0;
    bool wrong = false;
  };
  absl::btree_map<int64_t, Sum> sums;
  for (const auto* files : {&merging_.old, &merging_.staged}) {
    for (const TableFile& file : *files) {
      Sum& sum = sums[file.partition];
      sum.bytes += file.bytes;
      sum.records += file.records;
      sum.wrong = sum.wrong || file.wrong;
    }
  }
  for (const auto& [partition, sum] : sums) {
    // Those that are there twice are left out; of forgotten ones nobody knows.
    const bool known = !forgotten_.contains(partition);
    const int64_t records = known ? merging_.rows.at(partition).count() : sum.records;
    const Bytes bytes(MulDivFloor(sum.bytes.count(), records, std::max<int64_t>(1, sum.records)));
    const int64_t count = std::clamp<int64_t>(
        (bytes.count() + config_.target_file.count() - 1) / config_.target_file.count(), 1,
        records);
    for (int64_t i = 0; i < count; ++i) {
      // Even, and exact in the sum.
      const auto share = [&](int64_t all) {
        return MulDivFloor(all, i + 1, count) - MulDivFloor(all, i, count);
      };
      merging_.files.push_back({table_->NewFile(),
                                Bytes(std::max<int64_t>(1, share(bytes.count()))), share(records),
                                partition, sum.wrong});
      merging_.merged.push_back(merging_.files.back().object);
    }
  }
  merging_.left = static_cast<int64_t>(merging_.merged.size());
  for (const TableFile& file : merging_.files) {
    if (!std::binary_search(merging_.merged.begin(), merging_.merged.end(), file.object)) continue;
    At(committer_)
        .uploads->Write(file.object, file.bytes, ObjectCause::kCompaction,
                        [this, attempt = attempt_, object = file.object](ObjectResult result) {
                          if (attempt != attempt_) return;
                          MergeWritten(object, result == ObjectResult::kOk);
                        });
  }
}

void LakehouseSink::MergeWritten(ObjectId object, bool ok) {
  merging_.ok = merging_.ok && ok;
  if (ok) {
    merging_.uploaded.push_back(object);
    const auto file = std::find_if(merging_.files.begin(), merging_.files.end(),
                                   [object](const TableFile& f) { return f.object == object; });
    table_->FileWritten(*file);
    files_.Add(1);
    file_bytes_.Record(file->bytes.count());
  }
  if (--merging_.left > 0) return;
  if (merging_.ok) {
    StartOverwrite(merging_.files);
  } else {
    AppendEnded(false);
  }
}

void LakehouseSink::StartOverwrite(std::vector<TableFile> files) {
  appended_[prepared_.begin()->first].rows = merging_.rows;
  TableAppend append;
  append.files = std::move(files);
  append.overwrites = true;
  append.isolation = config_.overwrite->isolation;
  append.validates_from = merging_.version;
  append.carried = merging_.carried;
  StartAppend(std::move(append));
}

void LakehouseSink::DropMerged(bool alive) {
  for (const ObjectId object : merging_.uploaded) DropFile(object, alive);
  merging_ = Merging();
}

void LakehouseSink::DropFile(ObjectId object, bool alive) {
  if (!table_->IsHeld(object)) return;  // A swap that nobody waited for has brought it in.
  table_->FileDropped(object);
  if (!alive || committer_ == kNobody) return;
  At(committer_).client->Delete(object, ObjectCause::kOther, [this, object](ObjectResult result) {
    if (result == ObjectResult::kOk) table_->Deleted(object);
  });
}

// --- What is visible ---

void LakehouseSink::TakePlaces(const RowsOfTable& rows) {
  for (const auto& [partition, now] : rows) {
    partitions_overwritten_->Add(1);
    const auto forgotten = forgotten_.find(partition);
    if (forgotten != forgotten_.end()) {
      if (config_.overwrite->merges) {
        // What it had is there, too; it stays unknown.
        rows_rewritten_->Add(forgotten->second);
      } else {
        rows_not_tracked_->Add(forgotten->second);
        forgotten_.erase(forgotten);
      }
    }
    PartitionRows& had = contents_[partition];
    int64_t gone = 0;
    had.VisitBeyond(now, [&](PartitionId source, Offset from, Offset to) {
      RecordSpan span;
      span.partition = source;
      span.from = from;
      span.to = to;
      ledger().Overwrite(span);
      gone += to - from;
    });
    rows_overwritten_->Add(gone);
    if (config_.overwrite->merges) rows_rewritten_->Add(had.count() - gone);
    had = now;
  }
  ForgetSome(rows);
}

void LakehouseSink::ShowOverwritten(const std::vector<RecordRange>& records) {
  // Written again they replace themselves, but for what the epoch itself has twice: merged, that is
  // taken out; new rows alone stand there as they came.
  PartitionRows seen;
  for (const RecordRange& range : records) {
    PartitionRows these;
    these.Add(range.partition, range.from, range.to);
    const auto show = [&](Offset from, Offset to, EffectLedger::Again again) {
      RecordRange part = range;
      part.interpolated = part.interpolated || from > range.from || to < range.to;
      part.from = from;
      part.to = to;
      // Two have written it for one epoch.
      if (again == EffectLedger::Again::kAdds) ledger().Explain(part, EffectCause::kZombie);
      BecomeVisible(part, again, WaitFor::kNone);
    };
    Offset at = range.from;
    const EffectLedger::Again twice =
        config_.overwrite->merges ? EffectLedger::Again::kReplaces : EffectLedger::Again::kAdds;
    these.VisitBeyond(seen, [&](PartitionId, Offset from, Offset to) {
      if (at < from) show(at, from, twice);
      show(from, to, EffectLedger::Again::kReplaces);
      at = to;
    });
    if (at < range.to) show(at, range.to, twice);
    seen.AddAll(these);
  }
}

void LakehouseSink::ForgetSome(const RowsOfTable& but) {
  const size_t most = config_.overwrite->most_stretches;
  size_t stretches = 0;
  for (const auto& [partition, rows] : contents_) stretches += rows.interval_count();
  for (auto each = contents_.begin(); each != contents_.end() && stretches > most;) {
    if (but.contains(each->first)) {
      ++each;
      continue;
    }
    stretches -= each->second.interval_count();
    forgotten_[each->first] += each->second.count();
    each = contents_.erase(each);
  }
}

}  // namespace freshet
