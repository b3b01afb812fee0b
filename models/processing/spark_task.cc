// What a task of a SparkQuery does. One of a partition of the topic reads the batch's offsets of
// it, range by range, and writes what comes of them as it goes, or leaves it for the shuffle; one
// behind the shuffle has its state, fetches its part of all that was left, works, writes, and makes
// the state safe.
#include <algorithm>

#include "models/processing/record_split.h"
#include "models/processing/spark_query.h"

namespace freshet {

void SparkQuery::Begin(Task& task) {
  if (task.stage == Stage::kBehindShuffle) {
    LoadState(task);
    return;
  }
  task.step = Step::kWorking;
  if (shuffles()) {
    ShuffleOutput& output = outputs_[task.number];
    output.executor = task.executor;
    output.parts.assign(static_cast<size_t>(config_.shuffle_partitions), {});
  }
  OpenReader(task);
  Pump(task);
}

// --- Reading ---

void SparkQuery::OpenReader(Task& task) {
  PartitionReader& reader = partitions_[static_cast<size_t>(task.number)];
  // The consumer that read the partition's last batch goes on where it is.
  if (reader.open && reader.executor == task.executor && reader.at == task.at) return;
  if (reader.open) readers_->StopReading(task.number);
  reader.open = true;
  reader.executor = task.executor;
  reader.at = task.at;
  std::vector<Offset> positions = readers_->positions();
  positions[static_cast<size_t>(task.number)] = task.at;
  readers_->ResumeAt(task.number, HostOf(task.executor), positions);
}

void SparkQuery::Pump(Task& task) {
  if (task.working || task.step != Step::kWorking || failing_) return;
  // Room first: more waits than may be under way.
  if (task.to_send < task.out.size()) return;
  PartitionReader& reader = partitions_[static_cast<size_t>(task.number)];
  if (reader.pumping) return;
  reader.pumping = true;
  bool beyond = false;
  while (reader.has_poll && task.at < task.to) {
    if (reader.next == reader.poll.size()) {
      reader.has_poll = false;
      reader.poll.clear();
      readers_->PollHandled(task.number);
      continue;
    }
    RecordRange& records = reader.poll[reader.next];
    if (records.from >= task.to) {
      beyond = true;
      break;
    }
    const Offset end = std::min(records.to, task.to);
    const RecordRange taken = TakeOffsets(records, records.from, end);
    if (end == records.to) {
      ++reader.next;
    } else {
      records = TakeOffsets(records, end, records.to);
    }
    reader.at = end;
    reader.pumping = false;
    Work(task, taken);
    return;
  }
  reader.pumping = false;
  if (task.at < task.to && (beyond || RestIsWithheld(task))) {
    PassOver(task, task.to);
    // Unless it has records beyond, its consumer may be anywhere before.
    reader.at = beyond ? task.to : -1;
  }
  if (task.at < task.to || failing_) return;
  task.step = Step::kWriting;
  MaybeWritten(task);
}

bool SparkQuery::RestIsWithheld(const Task& task) const {
  const PartitionLog& log = log_->LogOf(PartitionAt(task.number));
  if (log.log_start_offset() >= task.to) return true;
  if (log.transactions() == nullptr) return false;
  return log.transactions()->WithheldIn(task.at, task.to, config_.source.isolation) ==
         task.to - task.at;
}

void SparkQuery::PassOver(Task& task, Offset to) {
  RecordSpan gap;
  gap.partition = PartitionAt(task.number);
  gap.from = task.at;
  gap.to = to;
  const PartitionLog& log = log_->LogOf(gap.partition);
  // Markers, and what was aborted, are not records.
  const bool withheld = log.transactions() != nullptr && task.at >= log.log_start_offset();
  task.at = to;
  if (!withheld && config_.fail_on_data_loss) {
    Fail();
    return;
  }
  if (metered_ == nullptr) return;
  metered_->Settle(gap, withheld ? SourceEffects::How::kWithheld : SourceEffects::How::kDeleted);
}

void SparkQuery::Work(Task& task, RecordRange records) {
  if (records.from > task.at) PassOver(task, records.from);
  task.at = records.to;
  const int64_t count = records.record_count();
  task.rows += count;
  input_rows_.Add(count);
  if (count > 0) {
    RecordTrail& trail = records.trail;
    trail.AddWait(std::max(trail.End(), triggered_at_), Milestone::kProcessed, WaitFor::kTimer,
                  component_id());
    trail.AddService(std::max(trail.End(), task.launched), Milestone::kProcessed, component_id());
    trail.AddWait(std::max(trail.End(), Now()), Milestone::kProcessed, WaitFor::kQueue,
                  component_id());
    task.latest = std::max(task.latest, LatestEventTime(records));
  }
  const Duration cost =
      count == 0 ? Duration::Zero() : chains_[static_cast<size_t>(task.number)]->Take(records);
  task.working = true;
  CpuOf(task.executor).Serve(cost, [this, number = task.number, attempt = task.attempt] {
    Task* const worked = Find(Stage::kBeforeShuffle, number, attempt);
    if (worked != nullptr) Worked(*worked);
  });
}

void SparkQuery::Worked(Task& task) {
  task.working = false;
  if (task.stage == Stage::kBeforeShuffle) {
    TakeOut(task, *chains_[static_cast<size_t>(task.number)]);
    SendWrites(task);
    Pump(task);
    return;
  }
  TakeOut(task, *stores_[static_cast<size_t>(task.number)].chain);
  task.step = Step::kWriting;
  SendWrites(task);
  MaybeWritten(task);
}

// --- What comes of it ---

void SparkQuery::TakeOut(Task& task, OperatorChain& chain) {
  for (RecordRange& records : chain.out()) {
    records.trail.AddService(std::max(records.trail.End(), Now()), Milestone::kProcessed,
                             component_id());
    if (Writes(task)) {
      if (writes_) task.out.push_back({records, 0});
      continue;
    }
    ShuffleOutput& output = outputs_[task.number];
    const int parts = config_.shuffle_partitions;
    for (int i = 0; i < parts; ++i) {
      const auto at = static_cast<size_t>(i);
      RecordRange part = TakeShare(records, bounds_[at], bounds_[at + 1], bounds_.back(),
                                   static_cast<uint64_t>(component_id()));
      part.split = records.split * parts + i;
      if (part.record_count() > 0) output.parts[at].push_back(part);
    }
  }
  chain.out().clear();
}

void SparkQuery::SendWrites(Task& task) {
  while (task.under_way < config_.most_writes && task.to_send < task.out.size()) {
    ++task.under_way;
    SendWrite(task, task.to_send++);
  }
}

void SparkQuery::SendWrite(Task& task, uint32_t write) {
  config_.sink->Write(WriterOf(task), task.out[write].records,
                      [this, number = task.number, write, attempt = task.attempt](bool ok) {
                        const Stage last =
                            shuffles() ? Stage::kBehindShuffle : Stage::kBeforeShuffle;
                        Task* const wrote = Find(last, number, attempt);
                        if (wrote != nullptr) WriteEnded(*wrote, write, ok);
                      });
}

void SparkQuery::WriteEnded(Task& task, uint32_t write, bool ok) {
  if (!ok) {
    const int64_t retries = task.out[write].retries++;
    if (retries >= config_.most_retries) {
      FailTaskSoon(task);
      return;
    }
    // At once, after the delay, after twice of it and so on.
    const Duration delay = config_.retry_delay * retries;
    After<"spark.write_again">(
        delay, [this, stage = task.stage, number = task.number, write, attempt = task.attempt] {
          Task* const writes = Find(stage, number, attempt);
          if (writes != nullptr) SendWrite(*writes, write);
        });
    return;
  }
  --task.under_way;
  ++task.written;
  SendWrites(task);
  if (task.step == Step::kWorking) {
    Pump(task);
  } else {
    MaybeWritten(task);
  }
}

void SparkQuery::MaybeWritten(Task& task) {
  if (task.step != Step::kWriting || task.written < task.out.size()) return;
  task.step = Step::kEnding;
  if (task.stage == Stage::kBehindShuffle) {
    WriteState(task);
  } else {
    CommitTask(task);
  }
}

void SparkQuery::CommitTask(Task& task) {
  if (!transactional() || !Writes(task) || !writes_) {
    EndTask(task);
    return;
  }
  config_.sink->Prepare(WriterOf(task), EpochOf(batch_.id),
                        [this, number = task.number, attempt = task.attempt](bool ok) {
                          const Stage last =
                              shuffles() ? Stage::kBehindShuffle : Stage::kBeforeShuffle;
                          Task* const prepared = Find(last, number, attempt);
                          if (prepared == nullptr) return;
                          if (ok) {
                            EndTask(*prepared);
                          } else {
                            FailTaskSoon(*prepared);
                          }
                        });
}

// --- Behind the shuffle ---

void SparkQuery::LoadState(Task& task) {
  task.step = Step::kLoading;
  const Store& store = stores_[static_cast<size_t>(task.number)];
  std::vector<SparkStateFiles::File> files;
  if (store.executor != task.executor) {
    files = store.files.FilesOf(VersionOf(committed_batch_));
  }
  task.parts = static_cast<int64_t>(files.size());
  if (files.empty()) {
    StateLoaded(task);
    return;
  }
  for (const SparkStateFiles::File& file : files) {
    state_read_.Add(file.size.count());
    ExecutorAt(task.executor)
        .client->Get(file.object, Bytes(0), file.size, ObjectCause::kRecovery,
                     [this, number = task.number, attempt = task.attempt](ObjectResult result) {
                       Task* const loads = Find(Stage::kBehindShuffle, number, attempt);
                       if (loads == nullptr) return;
                       if (result != ObjectResult::kOk) {
                         FailTaskSoon(*loads);
                       } else if (--loads->parts == 0) {
                         StateLoaded(*loads);
                       }
                     });
  }
}

void SparkQuery::StateLoaded(Task& task) {
  Store& store = stores_[static_cast<size_t>(task.number)];
  if (store.executor != task.executor) {
    store.chain->Restore(store.kept);
    store.executor = task.executor;
  }
  FetchShuffle(task);
}

void SparkQuery::FetchShuffle(Task& task) {
  task.step = Step::kFetching;
  std::vector<Bytes> from(executors_.size());
  for (const auto& [partition, output] : outputs_) {
    for (const RecordRange& records : output.parts[static_cast<size_t>(task.number)]) {
      from[static_cast<size_t>(output.executor)] += records.bytes;
    }
  }
  from[static_cast<size_t>(task.executor)] = Bytes(0);  // It is there.
  task.parts = 1;
  for (int executor = 0; executor < executor_count(); ++executor) {
    const Bytes bytes = from[static_cast<size_t>(executor)];
    if (bytes == Bytes(0)) continue;
    ++task.parts;
    shuffled_.Add(bytes.count());
    Connection*& line = lines_[{executor, task.executor}];
    if (line == nullptr) line = network_->Connect(HostOf(executor), HostOf(task.executor));
    line->Send(bytes, TrafficCause::kControl, [this, number = task.number, attempt = task.attempt] {
      Task* const fetches = Find(Stage::kBehindShuffle, number, attempt);
      if (fetches != nullptr) PartHere(*fetches);
    });
  }
  PartHere(task);
}

void SparkQuery::PartHere(Task& task) {
  if (--task.parts == 0) Reduce(task);
}

void SparkQuery::Reduce(Task& task) {
  task.step = Step::kWorking;
  OperatorChain& chain = *stores_[static_cast<size_t>(task.number)].chain;
  // What is late is so by the watermark of the batch before; windows close by that of this one.
  Duration cost = chain.AdvanceTo(batch_.late_watermark);
  for (const auto& [partition, output] : outputs_) {
    for (RecordRange records : output.parts[static_cast<size_t>(task.number)]) {
      records.trail.AddWait(std::max(records.trail.End(), Now()), Milestone::kProcessed,
                            WaitFor::kBarrier, component_id());
      cost += chain.Take(records);
    }
  }
  cost += chain.AdvanceTo(batch_.watermark);
  task.working = true;
  CpuOf(task.executor).Serve(cost, [this, number = task.number, attempt = task.attempt] {
    Task* const worked = Find(Stage::kBehindShuffle, number, attempt);
    if (worked != nullptr) Worked(*worked);
  });
}

void SparkQuery::WriteState(Task& task) {
  Store& store = stores_[static_cast<size_t>(task.number)];
  const int64_t version = VersionOf(batch_.id);
  task.delta.object = store.files.DeltaOf(version);
  if (task.delta.object == 0) {
    task.delta.object = config_.checkpoint_location->NewObject(prefix_);
  }
  // An empty delta is a file, too.
  task.delta.size = std::max(Bytes(1), store.chain->TakeWritten());
  ExecutorAt(task.executor)
      .writer->Write(task.delta.object, task.delta.size, ObjectCause::kOther,
                     [this, number = task.number, attempt = task.attempt](ObjectResult result) {
                       Task* const wrote = Find(Stage::kBehindShuffle, number, attempt);
                       if (wrote == nullptr) return;
                       if (result != ObjectResult::kOk) {
                         FailTaskSoon(*wrote);
                         return;
                       }
                       Store& its = stores_[static_cast<size_t>(number)];
                       its.files.DeltaWritten(VersionOf(batch_.id), wrote->delta);
                       its.next = its.chain->Snapshot();
                       its.next_size = its.chain->StateSize();
                       state_written_.Add(wrote->delta.size.count());
                       CommitTask(*wrote);
                     });
}

}  // namespace freshet
