#include "models/broker/table_worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// AMQSRC, TopicPartitionsWorker and PartitionWriteTask: writers that it keeps at most, how old a
// request may be, and what is read at once.
constexpr size_t kMostWriters = 1000;
constexpr Duration kRequestExpires = Seconds(30);
constexpr Bytes kReadSize = MiB(1);

}  // namespace

TableWorker::TableWorker(Simulation& sim, absl::string_view name, Network* network,
                         S3StreamBroker* broker, BrokerId id, IcebergTable* table, Owner* owner,
                         const Config& config)
    : Component(sim, name),
      config_(config),
      broker_(broker),
      id_(id),
      table_(table),
      owner_(owner),
      client_(sim, absl::StrCat(name, "/object-client"), &table->warehouse(), network,
              broker->host(), config.object_client),
      writer_(&client_, config.part_size) {}

void TableWorker::Add(uint32_t index) {
  partitions_.insert(std::lower_bound(partitions_.begin(), partitions_.end(), index), index);
  reset_ = true;
}

void TableWorker::Remove(uint32_t index) {
  const auto at = std::lower_bound(partitions_.begin(), partitions_.end(), index);
  if (at == partitions_.end() || *at != index) return;
  partitions_.erase(at);
  reset_ = true;
}

void TableWorker::Crash() {
  ++life_;
  client_.DropAll();
  writer_.DropAll();
  for (Micro& micro : micros_) writers_.push_back(std::move(micro.writer));
  micros_.clear();
  micros_left_ = 0;
  DropWriters(0, writers_.size());
  partitions_.clear();
  status_ = Status::kIdle;
  reset_ = starving_ = ahead_ = false;
  dirty_ = Bytes(0);
  request_.reset();
  last_offsets_.clear();
}

void TableWorker::Request(const TableRequest& request) {
  request_ = request;
  requested_at_ = Now();
  Run();
}

void TableWorker::GoAheadSoon() {
  ahead_ = true;
  After<"table.go_ahead">(Duration::Zero(), [this, life = life_] {
    if (life == life_) Run();
  });
}

void TableWorker::Run() {
  if (status_ != Status::kIdle || partitions_.empty()) return;
  if (reset_) {
    DropWriters(0, writers_.size());
    reset_ = false;
  }
  if (!request_ && !starving_) {
    GoAhead();
  } else {
    Commit();
  }
}

void TableWorker::GoAhead() {
  // Without a writer it does not know yet from where on.
  if (!ahead_ || writers_.empty() || writers_.size() >= kMostWriters) return;
  std::vector<TableOffset> starts;
  for (const Range& range : writers_.back().ranges) starts.push_back({range.index, 0, range.to});
  ahead_ = false;
  dirty_ = Bytes(0);
  status_ = Status::kAhead;
  Sync(starts);
}

// --- Requests ---

std::optional<TableRequest> TableWorker::TakeRequest() {
  if (!request_) return std::nullopt;
  TableRequest all = std::move(*request_);
  request_.reset();
  TableAnswer mismatch;
  mismatch.commit = all.commit;
  TableRequest mine;
  mine.commit = all.commit;
  for (const TableOffset& offset : all.offsets) {
    if (!std::binary_search(partitions_.begin(), partitions_.end(), offset.index)) continue;
    const bool same = owner_->EpochOfIndex(offset.index) == offset.epoch;
    (same ? mine.offsets : mismatch.next).push_back(offset);
  }
  if (!mismatch.next.empty()) owner_->Answer(id_, std::move(mismatch));
  if (mine.offsets.empty()) return std::nullopt;
  if (Now() - requested_at_ >= kRequestExpires) {
    starving_ = true;
    return std::nullopt;
  }
  return mine;
}

void TableWorker::Commit() {
  std::optional<TableRequest> request = TakeRequest();
  if (!request) return;
  answering_ = *std::move(request);
  DropCommitted(answering_.offsets);
  if (answering_.offsets == last_offsets_ && !writers_.empty()) {
    // The last answer came too late.
    starving_ = true;
    AnswerRequest(/*more_data=*/true);
    Run();
    return;
  }
  starving_ = false;
  dirty_ = Bytes(0);
  std::vector<TableOffset> starts = answering_.offsets;
  if (!writers_.empty()) {
    for (TableOffset& start : starts) {
      for (const Range& range : writers_.back().ranges) {
        if (range.index == start.index) start.offset = range.to;
      }
    }
  }
  status_ = Status::kCommit;
  Sync(starts);
}

void TableWorker::DropCommitted(const std::vector<TableOffset>& offsets) {
  const auto begins_there = [&offsets](const Writer& writer) {
    return std::all_of(offsets.begin(), offsets.end(), [&writer](const TableOffset& offset) {
      return std::any_of(writer.ranges.begin(), writer.ranges.end(), [&](const Range& range) {
        return range.index == offset.index && range.from == offset.offset;
      });
    });
  };
  size_t kept = writers_.size();
  for (size_t i = 0; i < writers_.size(); ++i) {
    if (begins_there(writers_[i])) kept = i;
  }
  DropWriters(0, kept);
  std::erase_if(writers_,
                [](const Writer& writer) { return writer.files.empty() && writer.skipped == 0; });
}

void TableWorker::DropWriters(size_t from, size_t to) {
  for (size_t i = from; i < to; ++i) {
    for (const TableFile& file : writers_[i].files) table_->FileDropped(file.object);
  }
  writers_.erase(writers_.begin() + static_cast<int64_t>(from),
                 writers_.begin() + static_cast<int64_t>(to));
}

void TableWorker::AnswerRequest(bool more_data) {
  TableAnswer answer;
  answer.commit = answering_.commit;
  answer.moves = true;
  answer.more_data = more_data;
  answer.next = answering_.offsets;
  if (reset_) {
    answer.more_data = true;
    owner_->Answer(id_, std::move(answer));
    return;
  }
  for (const Writer& writer : writers_) {
    answer.files.insert(answer.files.end(), writer.files.begin(), writer.files.end());
    answer.skipped += writer.skipped;
  }
  if (!writers_.empty()) {
    for (TableOffset& next : answer.next) {
      for (const Range& range : writers_.back().ranges) {
        if (range.index == next.index) next.offset = range.to;
      }
    }
  }
  owner_->Answer(id_, std::move(answer));
}

// --- Syncs ---

void TableWorker::Sync(const std::vector<TableOffset>& starts) {
  std::vector<Part> parts;
  Bytes bytes;
  for (const TableOffset& start : starts) {
    const PartitionLog& log = owner_->LogOfIndex(start.index);
    const Offset end = std::max(start.offset, log.high_watermark());
    parts.push_back({start.index, start.offset, 0, end, Bytes(0)});
    bytes += log.BytesBetween(start.offset, end);
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.end - a.at > b.end - b.at; });
  // AMQSRC, TableWorkers: a thread for two cores.
  const int64_t threads = std::max<int64_t>(broker_->cpu().workers() / 2, 1);
  const int64_t batches = MulDivCeil(bytes.count(), 1, config_.micro_batch.count());
  const auto side_by_side = static_cast<size_t>(
      std::clamp<int64_t>(batches, 1, std::min(threads, static_cast<int64_t>(parts.size()))));
  micros_.assign(side_by_side, Micro());
  for (size_t i = 0; i < parts.size(); ++i) {
    micros_[i % side_by_side].parts.push_back(parts[i]);
  }
  more_data_ = false;
  std::vector<Range> row;
  for (const TableOffset& start : starts) row.push_back({start.index, start.offset, start.offset});
  for (Micro& micro : micros_) {
    more_data_ = Trim(&micro) || more_data_;
    for (Range& range : row) {
      range.from = range.to;
      for (const Part& part : micro.parts) {
        if (part.index == range.index) range.to = part.end;
      }
    }
    micro.writer.ranges = row;
    micro.parts_left = micro.parts.size();
  }
  micros_left_ = micros_.size();
  const uint32_t life = life_;
  for (uint32_t micro = 0; micro < side_by_side; ++micro) {
    const auto count = static_cast<uint32_t>(micros_[micro].parts.size());
    for (uint32_t part = 0; part < count && life == life_; ++part) Read(micro, part);
  }
}

bool TableWorker::Trim(Micro* micro) const {
  Bytes bytes;
  int64_t records = 0;
  for (const Part& part : micro->parts) {
    bytes += owner_->LogOfIndex(part.index).BytesBetween(part.at, part.end);
    records += part.end - part.at;
  }
  if (bytes <= config_.micro_batch) return false;
  // Even shares of as many records as fit, and what one does not need for the next.
  const auto parts = static_cast<int64_t>(micro->parts.size());
  const int64_t fit = MulDivCeil(config_.micro_batch.count(), records, bytes.count());
  const int64_t share = std::max<int64_t>(MulDivCeil(fit, 1, parts), 1);
  int64_t left = 0;
  std::vector<Offset> ends;
  for (const Part& part : micro->parts) {
    const int64_t taken = std::min(part.end - part.at, share);
    ends.push_back(part.at + taken);
    left += share - taken;
  }
  for (size_t i = 0; i < ends.size(); ++i) {
    Part& part = micro->parts[i];
    const int64_t more = std::min(part.end - ends[i], left);
    left -= more;
    part.end = ends[i] + more;
  }
  return true;
}

void TableWorker::Read(uint32_t index, uint32_t number) {
  Micro& micro = micros_[index];
  Part& part = micro.parts[number];
  const PartitionLog& log = owner_->LogOfIndex(part.index);
  const Offset kept = std::clamp(log.log_start_offset(), part.at, part.end);
  micro.writer.skipped += kept - part.at;
  part.at = kept;
  if (part.at == part.end) {
    PartOver(index);
    return;
  }
  part.chunk = Bytes(0);
  part.next = log.Read(part.at, part.end, kReadSize,
                       [&part](const LogRange&, int64_t, Bytes bytes) { part.chunk += bytes; });
  const auto read = [this, index, number, life = life_] {
    if (life == life_) ChunkRead(index, number);
  };
  if (owner_->ReadIndex(id_, part.index, part.at, part.next, read)) ChunkRead(index, number);
}

void TableWorker::ChunkRead(uint32_t index, uint32_t number) {
  micros_[index].read.push_back(number);
  if (!micros_[index].working) Work(index);
}

void TableWorker::Work(uint32_t index) {
  Micro& micro = micros_[index];
  const uint32_t number = micro.read.pop_front();
  micro.working = true;
  const Duration work = Nanoseconds(
      MulDivCeil(config_.cpu_per_mib.nanos(), micro.parts[number].chunk.count(), MiB(1).count()));
  broker_->cpu().Serve(work, [this, index, number, life = life_] {
    if (life == life_) Worked(index, number);
  });
}

void TableWorker::Worked(uint32_t index, uint32_t number) {
  Micro& micro = micros_[index];
  Part& part = micro.parts[number];
  micro.working = false;
  micro.bytes += part.chunk;
  micro.records += part.next - part.at;
  part.at = part.next;
  if (!micro.read.empty()) Work(index);
  if (part.at < part.end) {
    Read(index, number);
  } else {
    PartOver(index);
  }
}

void TableWorker::PartOver(uint32_t index) {
  if (--micros_[index].parts_left == 0) WriteFiles(index);
}

void TableWorker::WriteFiles(uint32_t index) {
  Micro& micro = micros_[index];
  if (micro.records == 0) {
    MicroOver();
    return;
  }
  const Bytes parquet = config_.parquet_ratio * micro.bytes;
  const int64_t full = MulDivCeil(parquet.count(), 1, config_.target_file.count());
  const int64_t files = std::min(std::max(config_.open_partitions, full), micro.records);
  for (int64_t i = 0; i < files; ++i) {
    const int64_t size =
        MulDivFloor(parquet.count(), i + 1, files) - MulDivFloor(parquet.count(), i, files);
    const int64_t records =
        MulDivFloor(micro.records, i + 1, files) - MulDivFloor(micro.records, i, files);
    micro.files.push_back({table_->NewFile(), Bytes(std::max<int64_t>(size, 1)), records});
  }
  micro.files_left = micro.files.size();
  for (uint32_t file = 0; file < files; ++file) {
    const auto put = [this, index, file, life = life_] {
      if (life == life_) Put(index, file);
    };
    if (broker_->outbound().Pass(LimiterClass::kIcebergWrite, micro.files[file].bytes, put)) put();
  }
}

void TableWorker::Put(uint32_t index, uint32_t number) {
  const TableFile& file = micros_[index].files[number];
  writer_.Write(file.object, file.bytes, ObjectCause::kOther,
                [this, index, number](ObjectResult result) { FileOver(index, number, result); });
}

void TableWorker::FileOver(uint32_t index, uint32_t number, ObjectResult result) {
  Micro& micro = micros_[index];
  if (result == ObjectResult::kOk) {
    table_->FileWritten(micro.files[number]);
    micro.writer.files.push_back(micro.files[number]);
  } else {
    reset_ = true;
  }
  if (--micro.files_left == 0) MicroOver();
}

void TableWorker::MicroOver() {
  if (--micros_left_ == 0) SyncOver();
}

void TableWorker::SyncOver() {
  for (Micro& micro : micros_) writers_.push_back(std::move(micro.writer));
  micros_.clear();
  const bool commit = status_ == Status::kCommit;
  status_ = Status::kIdle;
  if (commit) {
    last_offsets_ = answering_.offsets;
    AnswerRequest(more_data_);
  }
  ahead_ = ahead_ || more_data_;
  // Not from within the last call: who called it is not through.
  After<"table.sync_over">(Duration::Zero(), [this, life = life_] {
    if (life == life_) Run();
  });
}

}  // namespace freshet
